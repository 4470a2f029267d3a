/** Installs the packages when they are missing or older than the lock file; otherwise does nothing. */
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { root, run } from "./run.mjs";

/** @param {string} path */
const modifiedMs = (path) => statSync(`${root}/${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** True when the packages are there afterwards. */
export function install() {
  // npm writes this file last, so an installation that was broken off is not taken for a whole one.
  if (modifiedMs("node_modules/.package-lock.json") >= modifiedMs("package-lock.json")) return true;
  console.log("zonescope: installing packages (npm ci)");
  return run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund"]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = install() ? 0 : 1;
