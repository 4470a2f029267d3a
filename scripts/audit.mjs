/**
 * `npm run audit`: asks the registry for advisories about what is shipped in the app, the worker, the command line and the package. Nearly
 * all of that is bundled, and so stands among the manifest's development dependencies, which `npm audit --omit=dev` leaves out.
 * Ends with 0 when there is none, 1 when there is one, 2 when the registry gives no advisories.
 */
import { spawnSync } from "node:child_process";
import { advisoriesOf } from "./advisories.mjs";
import { lockedPackages, shippedFolders } from "./licences.mjs";
import { root } from "./run.mjs";

const { stdout } = spawnSync("npm", ["audit", "--json"], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
let report = null;
try {
  report = JSON.parse(stdout);
} catch {
  // No JSON is no answer, and is told below.
}
const shipped = shippedFolders();
const advisories = advisoriesOf(report, shipped);
if (advisories === null) {
  console.error(`zonescope: the registry gave no advisories${typeof report?.statusCode === "number" ? ` (status ${report.statusCode})` : ""}; nothing was audited`);
  process.exit(2);
}
const locked = lockedPackages();
for (const found of advisories) console.log(`${found.package} ${locked[`node_modules/${found.package}`]?.version ?? ""} (${found.severity}; ${found.range}): ${found.title}`);
console.log(`zonescope: ${shipped.length} packages are shipped, ${advisories.length} of them with an advisory`);
process.exit(advisories.length === 0 ? 0 : 1);
