/**
 * `npm run fuzz`: broken images by the thousand, each met by every command, and as many others by the inspector (test/unit/hostile). Without
 * arguments 1000 mutants of each image of the corpus for either, by a seed that is printed, and is in every failure with the round it was in.
 *
 *     npm run fuzz [-- --seed N] [--rounds N]
 */
import { runTool } from "./run.mjs";

const WRONG_USE = "usage: npm run fuzz [-- --seed N] [--rounds N]";
const settings = { seed: Math.floor(Date.now() / 1000) % 1_000_000, rounds: 1000 };

for (let index = 2; index < process.argv.length; index += 2) {
  const [option, value] = [process.argv[index], process.argv[index + 1]];
  const number = Number(value);
  if ((option !== "--seed" && option !== "--rounds") || !Number.isSafeInteger(number) || number < 0) {
    console.error(WRONG_USE);
    process.exit(2);
  }
  settings[option === "--seed" ? "seed" : "rounds"] = number;
}
console.log(`zonescope: seed ${settings.seed}, ${settings.rounds} mutants of each image for the commands, and as many for the inspector`);
const passed = runTool("vitest/vitest.mjs", ["run", "test/unit/hostile"], { FUZZ_SEED: String(settings.seed), FUZZ_ROUNDS: String(settings.rounds), FUZZ_PRINT: "1" });
process.exit(passed ? 0 : 1);
