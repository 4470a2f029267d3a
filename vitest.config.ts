import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/{unit,oracle,model,house,guest}/**/*.test.ts"],
    environment: "node",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Every processor, and not all but one: on two that is twice as many. What is bounded in time is so by the processor.
    maxWorkers: "100%",
    reporters: ["default"],
  },
});
