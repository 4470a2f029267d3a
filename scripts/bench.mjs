/**
 * `npm run bench`: how fast it is, as ratios to the platform's own calls and to stock qemu-io in the same run. Prints one table;
 * with `-- --json FILE` writes the figures there as well, with `--only PART` measures that part alone (`storage`: the engine in
 * Chromium; `page`: the page there; `inspector`: large images dropped on it; `node`: the engine in Node and the command line;
 * `stock`: the command line alone). Figures, no test: it fails only where something cannot be measured.
 * Builds and measures in folders of its own under the system's temporary folder, which are removed.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { arch, cpus, loadavg, platform, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { cockpitFigures } from "./bench-cockpit.mjs";
import { inspectorFigures } from "./bench-inspector.mjs";
import { install } from "./install.mjs";
import { endAs, root, runTool } from "./run.mjs";
import { ensureTools, findChromium } from "./tools.mjs";

/** @typedef {import("../src/testing/bench/figure.ts").Figure} Figure */
/** @typedef {import("@playwright/test").Page} Page */

const BENCH_PAGE = "src/testing/browser/bench.html";
const GIVE_UP_MS = 180_000;
const PARTS = /** @type {const} */ (["storage", "page", "inspector", "node", "stock"]);
const WRONG_USE = `usage: npm run bench [-- --json FILE --only PART], PART one of ${PARTS.join(", ")}`;
/** The page is isolated, for then the browser's clock is fine enough. */
const headers = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

/** @param {string} what */
const say = (what) => console.log(`zonescope: ${what}`);

/** The options of the command line; throws for any other argument. */
function readOptions() {
  const { values } = parseArgs({ options: { json: { type: "string" }, only: { type: "string" } } });
  const only = PARTS.find((part) => part === values.only) ?? null;
  if (values.only !== undefined && only === null) throw new Error(WRONG_USE);
  return { json: values.json === undefined ? null : resolve(process.env["INIT_CWD"] ?? ".", values.json), wants: (/** @type {typeof PARTS[number]} */ part) => only === null || part === only };
}

/**
 * Builds the command line, the bench for Node and the bench's page, each into a folder of its own.
 * @param {string} folder
 */
async function build(folder) {
  const { build: viteBuild } = await import("vite");
  const built = { cli: join(folder, "cli"), node: join(folder, "node"), page: join(folder, "page") };
  const common = /** @type {const} */ ({ root, configFile: false, logLevel: "warn" });
  if (!runTool("vite/bin/vite.js", ["build", "--config", "vite.cli.config.ts", "--outDir", built.cli, "--emptyOutDir", "--logLevel", "warn"])) {
    throw new Error("cannot build the command line");
  }
  // As where it is installed: Node reads a file of which nothing says that it is a module twice.
  writeFileSync(join(built.cli, "package.json"), JSON.stringify({ type: "module" }));
  const entry = { ssr: "src/testing/bench/node-main.ts", target: "node20", outDir: built.node, emptyOutDir: true, rollupOptions: { output: { entryFileNames: "bench.mjs" } } };
  await viteBuild({ ...common, build: entry, ssr: { noExternal: true } });
  await viteBuild({ ...common, base: "./", worker: { format: "es" }, build: { target: "es2023", outDir: built.page, emptyOutDir: true, rollupOptions: { input: [BENCH_PAGE, "index.html"] } } });
  return built;
}

/** @typedef {ReturnType<typeof readOptions>["wants"]} Wants */

/**
 * Runs the pages in a Chromium on a profile folder, as a person's browser keeps one.
 * @param {{ cli: string, node: string, page: string }} built folders of what was built
 * @param {string} folder an empty one, for large files
 * @param {string} profile
 * @param {Wants} wants
 * @returns {Promise<{ figures: Figure[], version: string }>}
 */
async function chromiumFigures(built, folder, profile, wants) {
  if (!wants("storage") && !wants("page") && !wants("inspector")) return { figures: [], version: "not used" };
  const { preview } = await import("vite");
  const { chromium } = await import("@playwright/test");
  const server = await preview({ root, configFile: false, logLevel: "warn", build: { outDir: built.page }, preview: { port: 4189, open: false, headers } });
  const executablePath = findChromium() ?? "";
  const args = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const context = await chromium.launchPersistentContext(profile, { executablePath, args, headless: true });
  try {
    const tab = context.pages()[0] ?? (await context.newPage());
    const home = server.resolvedUrls?.local[0] ?? "";
    const figures = wants("storage") ? await storageFigures(tab, new URL(BENCH_PAGE, home).href) : [];
    const url = new URL("index.html", home).href;
    if (wants("page")) figures.push(...(await cockpitFigures(tab, url, say)));
    if (wants("inspector")) {
      const { makeSparseFile } = await import(pathToFileURL(join(built.node, "bench.mjs")).href);
      figures.push(...(await inspectorFigures({ page: tab, url, folder, cli: join(built.cli, "zonescope.js"), profile, makeSparseFile }, say)));
    }
    return { figures, version: context.browser()?.version() ?? "unknown" };
  } finally {
    await context.close();
    await server.close();
  }
}

/**
 * @param {Page} tab
 * @param {string} url of the bench's page
 * @returns {Promise<Figure[]>}
 */
async function storageFigures(tab, url) {
  await tab.goto(url);
  for (let at = ""; ; ) {
    const waiting = await tab.waitForFunction((before) => (window.bench.end !== null || window.bench.at !== before ? window.bench : null), at, { timeout: GIVE_UP_MS });
    const bench = await waiting.jsonValue();
    if (bench.end === "done") return [...bench.figures];
    if (bench.end !== null) throw new Error(`Chromium: ${bench.end}`);
    at = bench.at;
    say(at);
  }
}

/** @param {number} value */
const number = (value) => value.toLocaleString("en", { maximumSignificantDigits: 3 });

/** @param {readonly Figure[]} figures */
function printTable(figures) {
  const rows = figures.map(({ place, what, value, unit, against, base, ratio, spread, wanted }) => [
    `${place}: ${what}`,
    `${number(value)} ${unit}`,
    base === null ? "" : `${number(base)} ${unit}`,
    ratio === null ? "" : ratio.toFixed(2),
    spread === null || spread[0] === spread[1] ? "" : `${spread[0].toFixed(2)}–${spread[1].toFixed(2)}`,
    wanted ?? "",
    against ?? "",
  ]);
  const table = [["figure", "value", "yardstick", "ratio", "of repeats", "wanted", "the yardstick"], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const right = (/** @type {number} */ column) => column >= 1 && column <= 4;
  for (const row of table) {
    console.log(row.map((cell, column) => (right(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join("  ").trimEnd());
  }
}

async function main() {
  const { json, wants } = readOptions();
  if (!install() || !ensureTools()) return false;
  const start = performance.now();
  const [load] = loadavg();
  const folder = mkdtempSync(join(tmpdir(), "zonescope-bench-"));
  try {
    say("building");
    const built = await build(folder);
    const files = join(folder, "files");
    mkdirSync(files);
    const browser = await chromiumFigures(built, files, join(folder, "profile"), wants);
    const { nodeFigures, stockFigures } = await import(pathToFileURL(join(built.node, "bench.mjs")).href);
    const cli = join(built.cli, "zonescope.js");
    const nodePart = () => (wants("node") ? nodeFigures(files, cli, say) : wants("stock") ? stockFigures(files, cli, say) : []);
    const figures = [...browser.figures, ...(await nodePart())];
    const machine = {
      system: `${platform()} ${arch()}`,
      processors: cpus().length,
      // Of the minute before: on a machine that is busy with other things the figures scatter.
      load: Math.round((load ?? 0) * 10) / 10,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      node: process.versions.node,
      chromium: browser.version,
      qemu: /version (\S+)/.exec(spawnSync("qemu-io", ["--version"], { encoding: "utf8" }).stdout)?.[1] ?? "unknown",
    };
    console.log("");
    printTable(figures);
    const seconds = Math.round((performance.now() - start) / 1000);
    console.log(`\n${Object.entries(machine).map(([name, value]) => `${name} ${value}`).join(", ")}; ${seconds} s`);
    if (json !== null) writeFileSync(json, `${JSON.stringify({ date: new Date().toISOString(), machine, seconds, figures }, null, 2)}\n`);
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

await endAs(main);
