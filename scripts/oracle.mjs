/**
 * `npm run oracle`: generated qcow2 images, made by stock qemu-img and qemu-io and by this program, each judged by both. Prints
 * the seeds of failures and the totals; a seed makes the same image each time.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "vite";
import { root } from "./run.mjs";

const USAGE = "usage: npm run oracle [-- --seeds COUNT] [--first SEED] [--ways WAY,WAY...]";

/** @param {readonly string[]} words */
function planOf(words) {
  const plan = { seeds: 150, firstSeed: 1, ways: /** @type {string[] | null} */ (null) };
  for (let index = 0; index < words.length; index += 2) {
    const value = words[index + 1];
    if (value === undefined) throw new Error(USAGE);
    if (words[index] === "--seeds") plan.seeds = Number(value);
    else if (words[index] === "--first") plan.firstSeed = Number(value);
    else if (words[index] === "--ways") plan.ways = value.split(",");
    else throw new Error(USAGE);
  }
  if (![plan.seeds, plan.firstSeed].every(Number.isSafeInteger)) throw new Error(USAGE);
  return plan;
}

async function main() {
  const { seeds, firstSeed, ways } = planOf(process.argv.slice(2));
  // Below node_modules, where the zstd encoder stays a package of its own and finds its WebAssembly.
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "oracle-"));
  try {
    const entry = { ssr: "test/oracle/generated/main.ts", target: "node20", outDir: folder, emptyOutDir: true, rollupOptions: { output: { entryFileNames: "oracle.mjs" } } };
    await build({ root, configFile: false, logLevel: "warn", build: entry, ssr: { noExternal: true, external: ["@bokuweb/zstd-wasm"] } });
    const { WAYS, runPlan } = await import(pathToFileURL(join(folder, "oracle.mjs")).href);
    const known = Object.keys(WAYS);
    const unknown = ways?.find((way) => !known.includes(way));
    if (unknown !== undefined) throw new Error(`no way '${unknown}'; known are ${known.join(", ")}`);
    return await runPlan({ seeds, firstSeed, ways: ways ?? known.filter((way) => way !== "stock alone") }, console.log);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(`zonescope: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
