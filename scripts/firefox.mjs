/** `npm run firefox`: the page in Firefox (test/firefox), apart from `npm test`, which asks for Chromium alone. */
import { existsSync } from "node:fs";
import { install } from "./install.mjs";
import { runTool } from "./run.mjs";
import { ensure } from "./tools.mjs";

const firefox = {
  what: "Firefox (or name one in the environment variable FIREFOX)",
  debian: "firefox-esr",
  isThere: () => process.env["FIREFOX"] !== undefined || existsSync("/usr/bin/firefox-esr") || existsSync("/usr/bin/firefox"),
};

const passed =
  install() &&
  ensure([firefox]) &&
  runTool("vite/bin/vite.js", ["build", "--mode", "e2e", "--logLevel", "warn"]) &&
  runTool("@playwright/test/cli.js", ["test", "-c", "playwright.firefox.config.ts"]);
process.exit(passed ? 0 : 1);
