/**
 * What a first visit has to load before it can be used, compressed, against what it may: the page with its scripts and styles, and
 * the engine's worker. What is loaded when it is first wanted (parts behind `import()`, fonts, the zstd encoder) is not in it.
 */
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { root } from "./run.mjs";

const KB = 1000;
const MOST = { page: 300 * KB, worker: 120 * KB };

/** @param {string} path below dist */
const weight = (path) => gzipSync(readFileSync(`${root}/dist/${path}`), { level: 9 }).length;

/** Adds a file of dist, and the scripts that it imports at once, which lie beside it. */
function take(/** @type {Set<string>} */ files, /** @type {string} */ path) {
  if (files.has(path)) return;
  files.add(path);
  if (!path.endsWith(".js")) return;
  const text = readFileSync(`${root}/dist/${path}`, "utf8");
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  for (const [, target = ""] of text.matchAll(/(?:^|[;}\n])import(?:[^"'()]*?from)?["']\.\/([^"']+\.js)["']/g)) take(files, folder + target);
}

/** The page and every script and style that its markup names, and the scripts that those import at once. */
function filesOfPage() {
  const html = readFileSync(`${root}/dist/index.html`, "utf8");
  const files = new Set(["index.html"]);
  for (const [, path = ""] of html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.(?:js|css))"/g)) take(files, path);
  return [...files];
}

/** True when both are within their budget; prints what they are. */
export function checkBudget() {
  const page = filesOfPage().reduce((sum, path) => sum + weight(path), 0);
  const entry = readdirSync(`${root}/dist/worker`).filter((name) => /^main-.*\.js$/.test(name));
  /** @type {Set<string>} */
  const files = new Set();
  for (const name of entry) take(files, `worker/${name}`);
  const worker = [...files].reduce((sum, path) => sum + weight(path), 0);
  const kilobytes = (/** @type {number} */ bytes) => `${(bytes / KB).toFixed(1)} KB`;
  console.log(`zonescope: the page ${kilobytes(page)} of ${kilobytes(MOST.page)}, the engine's worker ${kilobytes(worker)} of ${kilobytes(MOST.worker)}, compressed`);
  return entry.length === 1 && worker > 0 && page > weight("index.html") && page <= MOST.page && worker <= MOST.worker;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = checkBudget() ? 0 : 1;
