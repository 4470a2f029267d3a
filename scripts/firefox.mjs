/** `npm run firefox`: the page in Firefox (test/firefox), apart from `npm test`, which asks for Chromium alone. */
import { existsSync } from "node:fs";
import { install } from "./install.mjs";
import { hasCommand, run, runTool } from "./run.mjs";

/** True when a Firefox is there, installed now if this is root's Debian. */
function ensureFirefox() {
  const isThere = () => process.env["FIREFOX"] !== undefined || existsSync("/usr/bin/firefox-esr") || existsSync("/usr/bin/firefox");
  if (!isThere() && process.getuid?.() === 0 && hasCommand("apt-get")) {
    run("apt-get", ["update"], { DEBIAN_FRONTEND: "noninteractive" });
    run("apt-get", ["install", "-y", "--no-install-recommends", "firefox-esr"], { DEBIAN_FRONTEND: "noninteractive" });
  }
  if (!isThere()) console.error("zonescope: no Firefox found; on Debian: apt-get install firefox-esr, or name one in the environment variable FIREFOX");
  return isThere();
}

const passed =
  install() &&
  ensureFirefox() &&
  runTool("vite/bin/vite.js", ["build", "--mode", "e2e", "--logLevel", "warn"]) &&
  runTool("@playwright/test/cli.js", ["test", "-c", "playwright.firefox.config.ts"]);
process.exit(passed ? 0 : 1);
