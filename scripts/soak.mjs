/**
 * `npm run soak`: random commands with power cycles and reloads in Chromium, held against the second model of the zoned rules, with
 * the browser's memory watched (test/e2e/soak.test.ts). Half an hour without an argument; a short run of it is in `npm test`.
 *
 *     npm run soak [-- --minutes N] [--seed N]
 */
import { install } from "./install.mjs";
import { runTool } from "./run.mjs";
import { ensureTools } from "./tools.mjs";

const settings = { minutes: 30, seed: Math.floor(Date.now() / 1000) % 1_000_000 };
for (let index = 2; index < process.argv.length; index += 2) {
  const [option, value] = [process.argv[index], Number(process.argv[index + 1])];
  if ((option !== "--minutes" && option !== "--seed") || !(value > 0)) {
    console.error("usage: npm run soak [-- --minutes N] [--seed N]");
    process.exit(2);
  }
  settings[option === "--seed" ? "seed" : "minutes"] = value;
}
console.log(`zonescope: seed ${settings.seed}, ${settings.minutes} minutes`);
const done =
  install() &&
  ensureTools() &&
  runTool("vite/bin/vite.js", ["build", "--mode", "e2e", "--logLevel", "warn"]) &&
  runTool("@playwright/test/cli.js", ["test", "e2e/soak.test.ts"], { SOAK_MINUTES: String(settings.minutes), SOAK_SEED: String(settings.seed) });
process.exit(done ? 0 : 1);
