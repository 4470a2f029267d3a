import { defineConfig } from "vite";

/** The command line for Node, with the shebang that `bin` needs; what is loaded when it is first wanted lies in files beside it. */
export default defineConfig({
  publicDir: false,
  build: {
    ssr: "src/cli/main.ts",
    target: "node20",
    outDir: "dist-cli",
    emptyOutDir: true,
    rollupOptions: { output: { entryFileNames: "zonescope.js", banner: "#!/usr/bin/env node", chunkFileNames: "parts/[name]-[hash].js" } },
  },
  // The zstd encoder reads its own WebAssembly beside itself; it stays a package of its own, loaded when a zstd cluster is written.
  ssr: { noExternal: true, external: ["@bokuweb/zstd-wasm"] },
});
