import { defineConfig } from "vite";

/** The command line: one file for Node, with the shebang that `bin` needs. */
export default defineConfig({
  publicDir: false,
  build: {
    ssr: "src/cli/main.ts",
    target: "node20",
    outDir: "dist-cli",
    emptyOutDir: true,
    rollupOptions: { output: { entryFileNames: "zonescope.js", banner: "#!/usr/bin/env node", codeSplitting: false } },
  },
  // The zstd encoder reads its own WebAssembly beside itself; it stays a package of its own, loaded when a zstd cluster is written.
  ssr: { noExternal: true, external: ["@bokuweb/zstd-wasm"] },
});
