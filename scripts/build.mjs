/**
 * Builds the app into dist/, the command line into dist-cli/zonescope.js, and what other programs import into dist-package/. With
 * --cli-only the last two alone, which is what installing the package runs: there, sources or tools that are not there are no failure.
 */
import { chmodSync, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { root, runTool } from "./run.mjs";

const VITE = "vite/bin/vite.js";
const CLI_ENTRY = "src/cli/main.ts";
const CLI_OUTPUT = "dist-cli/zonescope.js";

/** True when dist/ was built. */
export const buildApp = () => runTool(VITE, ["build", "--logLevel", "warn"]);

/** True when dist-cli/zonescope.js was built and can be run as a command. */
export function buildCli() {
  if (!runTool(VITE, ["build", "--config", "vite.cli.config.ts", "--logLevel", "warn"])) return false;
  chmodSync(`${root}/${CLI_OUTPUT}`, 0o755);
  return true;
}

/** True when dist-package/ was built: the modules, and the types of what they export. */
export const buildPackage = () =>
  runTool(VITE, ["build", "--config", "vite.package.config.ts", "--logLevel", "warn"]) && runTool("typescript/bin/tsc", ["-p", "tsconfig.package.json"]);

function main() {
  const cliOnly = process.argv.includes("--cli-only");
  for (const path of [`node_modules/${VITE}`, CLI_ENTRY]) {
    if (existsSync(`${root}/${path}`)) continue;
    console.log(`zonescope: no ${path}, so ${CLI_OUTPUT} is not built`);
    return cliOnly;
  }
  const app = cliOnly || buildApp();
  const cli = buildCli();
  return buildPackage() && cli && app;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main() ? 0 : 1;
