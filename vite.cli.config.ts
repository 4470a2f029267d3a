import { defineConfig } from "vite";

/** What a chunk's name is asked about. */
interface Modules {
  getModuleInfo(id: string): { readonly importedIds: readonly string[] } | null;
}

const ENTRY = "/src/cli/main.ts";

/** The module and whatever it cannot start without. */
function reached(from: string, modules: Modules, known = new Set<string>()): Set<string> {
  if (known.has(from)) return known;
  known.add(from);
  for (const id of modules.getModuleInfo(from)?.importedIds ?? []) reached(id, modules, known);
  return known;
}

/**
 * One file for all that every run needs: Node takes two milliseconds for each file, which with one a module shared by two programs was
 * more than it takes to read them. What is loaded when it is first wanted lies in files beside it. The entry itself lies apart: it waits for
 * what it loads, and that would wait for the file that it shares something with.
 */
function startFile(): (id: string, modules: Modules) => string | null {
  const entry = import.meta.dirname + ENTRY;
  let needed: Set<string> | null = null;
  return (id, modules) => {
    needed ??= reached(entry, modules);
    return id !== entry && needed.has(id) ? "start" : null;
  };
}

/** The command line for Node, with the shebang that `bin` needs. */
export default defineConfig({
  publicDir: false,
  build: {
    ssr: "src/cli/main.ts",
    target: "node20",
    outDir: "dist-cli",
    emptyOutDir: true,
    rollupOptions: {
      output: {
        entryFileNames: "zonescope.js",
        banner: "#!/usr/bin/env node",
        chunkFileNames: "parts/[name]-[hash].js",
        // A start reads and compiles all of that file: without comments and long names it is half as long.
        minify: true,
        codeSplitting: { groups: [{ name: startFile(), debugName: "start" }] },
      },
    },
  },
  // The zstd encoder reads its own WebAssembly beside itself; it stays a package of its own, loaded when a zstd cluster is written.
  ssr: { noExternal: true, external: ["@bokuweb/zstd-wasm"] },
});
