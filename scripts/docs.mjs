/**
 * `npm run docs`: makes docs/api, the pages of what the package exports, from the docstrings, and the pages that the program itself can
 * write: docs/commands from the tables of commands, docs/semantics.md and docs/format.md from the rules and codecs, and the README's table
 * of figures from docs/figures.json, which `npm run bench -- --json docs/figures.json` writes, and docs/runs.json. With a folder named, makes docs/api's pages there and nothing else.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createServer } from "vite";
import { root, runTool } from "./run.mjs";

/** A folder that has made pages alone: what is not made any more goes. */
const MADE_FOLDERS = ["commands"];

/** The makers of pages, from the program's own sources: what they come to when `use` is done. @param {(pages: any) => Promise<void>} use */
async function withMakers(use) {
  const server = await createServer({ root, configFile: false, logLevel: "warn", appType: "custom", optimizeDeps: { noDiscovery: true }, server: { middlewareMode: true, ws: false, watch: null } });
  try {
    await use(await server.ssrLoadModule("/src/testing/pages/pages.ts"));
  } finally {
    await server.close();
  }
}

/** A file of JSON below docs, or what stands for it where there is none. @param {string} name @param {unknown} without */
const jsonOf = (name, without) => (existsSync(`${root}/docs/${name}`) ? JSON.parse(readFileSync(`${root}/docs/${name}`, "utf8")) : without);

/** @param {ReadonlyMap<string, string>} pages by path below docs */
function writePages(pages) {
  for (const folder of MADE_FOLDERS) {
    mkdirSync(`${root}/docs/${folder}`, { recursive: true });
    for (const name of readdirSync(`${root}/docs/${folder}`)) if (!pages.has(`${folder}/${name}`)) rmSync(`${root}/docs/${folder}/${name}`);
  }
  for (const [path, text] of pages) {
    mkdirSync(dirname(`${root}/docs/${path}`), { recursive: true });
    writeFileSync(`${root}/docs/${path}`, text);
  }
}

const elsewhere = process.argv[2];
if (!runTool("typedoc/bin/typedoc", ["--out", elsewhere ?? `${root}/docs/api`, "--logLevel", "Warn"])) process.exitCode = 1;
if (elsewhere === undefined) {
  await withMakers(async ({ madePages, withFigures }) => {
    writePages(await madePages());
    writeFileSync(`${root}/README.md`, withFigures(readFileSync(`${root}/README.md`, "utf8"), jsonOf("figures.json", null), jsonOf("runs.json", [])));
  });
}
