import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The app. In mode "e2e" the browser harness of the conformance suites is built beside it, into a folder of its own. */
export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [react()],
  worker: { format: "es" as const },
  build: {
    target: "es2023",
    outDir: mode === "e2e" ? "dist-e2e" : "dist",
    emptyOutDir: true,
    // The page's one script: React and the command language. What a first load may weigh is judged compressed.
    chunkSizeWarningLimit: 700,
    rollupOptions: { input: mode === "e2e" ? ["index.html", "src/testing/browser/harness.html"] : ["index.html"] },
  },
}));
