/** Parts of the program that other scripts run in Node: built into a folder that is there while they are used. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "vite";
import { root } from "./run.mjs";

/**
 * Builds modules, and removes them behind what is done with them.
 * @template Value
 * @param {string} name of the folder's beginning
 * @param {Record<string, string>} input path of each module from the root, by a name
 * @param {(built: { folder: string, path: (name: string) => string, load: (name: string) => Promise<any> }) => Promise<Value>} act
 * @returns {Promise<Value>}
 */
export async function withBuilt(name, input, act) {
  // Below node_modules, where the zstd encoder stays a package of its own and finds its WebAssembly.
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, `${name}-`));
  /** @param {string} module */
  const path = (module) => join(folder, "modules", `${module}.mjs`);
  try {
    const entry = { ssr: true, target: "node20", outDir: join(folder, "modules"), emptyOutDir: true, copyPublicDir: false, rollupOptions: { input, output: { entryFileNames: "[name].mjs" } } };
    await build({ root, configFile: false, logLevel: "warn", build: entry, ssr: { noExternal: true, external: ["@bokuweb/zstd-wasm"] } });
    return await act({ folder, path, load: (module) => import(pathToFileURL(path(module)).href) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
