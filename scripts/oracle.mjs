/**
 * `npm run oracle`: generated qcow2 images, made by stock qemu-img and qemu-io and by this program, each judged by both; and random scripts
 * over random and over lying images, run by both on two copies. Prints the seeds of failures and the totals; a seed makes the same each time.
 */
import { withBuilt } from "./built.mjs";
import { endAs } from "./run.mjs";

const USAGE = "usage: npm run oracle [-- --seeds COUNT] [--first SEED] [--ways WAY,WAY...|none] [--families FAMILY,FAMILY...|none] [--verbose yes]";

/** A list of names, null for all that there are. @param {string} value */
const namesOf = (value) => (value === "none" ? [] : value.split(","));

/** @param {readonly string[]} words */
function planOf(words) {
  const plan = { seeds: 150, firstSeed: 1, ways: /** @type {string[] | null} */ (null), families: /** @type {string[] | null} */ (null), verbose: false };
  for (let index = 0; index < words.length; index += 2) {
    const value = words[index + 1];
    if (value === undefined) throw new Error(USAGE);
    if (words[index] === "--seeds") plan.seeds = Number(value);
    else if (words[index] === "--first") plan.firstSeed = Number(value);
    else if (words[index] === "--ways") plan.ways = namesOf(value);
    else if (words[index] === "--families") plan.families = namesOf(value);
    else if (words[index] === "--verbose") plan.verbose = value === "yes";
    else throw new Error(USAGE);
  }
  if (![plan.seeds, plan.firstSeed].every(Number.isSafeInteger)) throw new Error(USAGE);
  return plan;
}

/** Those that were asked for. @param {string} what @param {readonly string[]} known @param {readonly string[] | null} asked @param {readonly string[]} usual */
function chosen(what, known, asked, usual = known) {
  const unknown = asked?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`no ${what} '${unknown}'; known are ${known.join(", ")}`);
  return asked ?? usual;
}

async function main() {
  const { seeds, firstSeed, ways, families, verbose } = planOf(process.argv.slice(2));
  return await withBuilt("oracle", { generated: "test/oracle/generated/main.ts", twins: "test/oracle/twins/main.ts" }, async ({ load }) => {
    const { WAYS, runPlan } = await load("generated");
    const { FAMILIES, runTwinPlan } = await load("twins");
    const known = Object.keys(WAYS);
    const wantedWays = chosen("way", known, ways, known.filter((way) => way !== "stock alone"));
    const scripts = Object.keys(FAMILIES);
    // What writes over a lie is known to differ still, and is asked for by its name.
    const wantedFamilies = chosen("family", scripts, families, scripts.filter((family) => family !== "mends"));
    const sound = wantedWays.length === 0 || (await runPlan({ seeds, firstSeed, ways: wantedWays }, console.log));
    return (wantedFamilies.length === 0 || (await runTwinPlan({ seeds, firstSeed, families: wantedFamilies, verbose }, console.log))) && sound;
  });
}

await endAs(main);
