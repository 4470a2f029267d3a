/**
 * `npm run docs`: makes docs/api, the pages of what the package exports, from the docstrings, and the pages that the program itself can
 * write: docs/commands from the tables of commands. With a folder named, makes docs/api's pages there and nothing else.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createServer } from "vite";
import { root, runTool } from "./run.mjs";

/** A folder that has made pages alone: what is not made any more goes. */
const MADE_FOLDERS = ["commands"];

/** The pages by path below docs, by the program's own sources. */
async function load() {
  const server = await createServer({ root, configFile: false, logLevel: "warn", appType: "custom", optimizeDeps: { noDiscovery: true }, server: { middlewareMode: true, ws: false, watch: null } });
  try {
    return await (await server.ssrLoadModule("/src/testing/pages/pages.ts")).madePages();
  } finally {
    await server.close();
  }
}

async function makePages() {
  const pages = await load();
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
if (elsewhere === undefined) await makePages();
