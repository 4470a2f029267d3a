import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/{unit,oracle,model,house,guest}/**/*.test.ts"],
    environment: "node",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["default"],
  },
});
