import { defineConfig } from "vite";

/** What other programs import: the engine without a page, as ES modules, with their types. */
export default defineConfig({
  publicDir: false,
  build: {
    ssr: true,
    target: "es2022",
    outDir: "dist-package",
    emptyOutDir: true,
    rollupOptions: {
      input: { engine: "src/package/engine.ts", node: "src/package/node.ts" },
      output: { entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" },
    },
  },
  // The zstd encoder reads its own WebAssembly beside itself; it stays a package of its own, loaded when a zstd cluster is written.
  ssr: { noExternal: true, external: ["@bokuweb/zstd-wasm"] },
});
