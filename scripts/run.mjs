/** Runs commands for the other scripts: from the repository's root, without a standard input. Knows no command. */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Runs a command and waits; its output is shown. True when it ended with status 0.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Record<string, string>} [environment] added to this process's own
 */
export function run(command, args, environment = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, ...environment } });
  if (error) console.error(`zonescope: cannot run ${command}: ${error.message}`);
  return status === 0;
}

/**
 * Runs a tool of node_modules, by the path of its script ("vite/bin/vite.js").
 * @param {string} script
 * @param {readonly string[]} args
 * @param {Record<string, string>} [environment]
 */
export function runTool(script, args, environment) {
  return run(process.execPath, [`node_modules/${script}`, ...args], environment);
}

/**
 * Starts a tool of node_modules beside what follows; what it says goes to a file, whole, however long nobody looks.
 * @param {string} script
 * @param {readonly string[]} args
 * @param {string} output path of that file
 * @returns {Promise<boolean>} true when it ended with status 0
 */
export function startTool(script, args, output) {
  const file = openSync(output, "w");
  const child = spawn(process.execPath, [`node_modules/${script}`, ...args], { cwd: root, stdio: ["ignore", file, file] });
  closeSync(file);
  return new Promise((resolve) => {
    child.on("error", () => resolve(false));
    child.on("close", (status) => resolve(status === 0));
  });
}

/**
 * Whether a command can be found and starts.
 * @param {string} command
 */
export function hasCommand(command, args = ["--version"]) {
  return spawnSync(command, args, { stdio: "ignore" }).error === undefined;
}

/**
 * Ends this process as what it does ends: with 0 where that is true, otherwise, and where it throws, with 1.
 * @param {() => Promise<boolean>} main
 */
export async function endAs(main) {
  try {
    process.exitCode = (await main()) ? 0 : 1;
  } catch (error) {
    console.error(`zonescope: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
