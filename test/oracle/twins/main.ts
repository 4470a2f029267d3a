/** The full run of the families, for scripts/oracle.mjs: prints each difference as it is found, and the totals. */
import { Random } from "../../../src/base/random.ts";
import { runStock } from "../../../src/testing/stock.ts";
import { FAMILIES } from "./families.ts";
import type { FamilyName } from "./families.ts";
import { runTwins } from "./twin.ts";

export interface TwinPlan {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly families: readonly FamilyName[];
  /** Everything that was run, with its outcome. */
  readonly verbose: boolean;
}

/** Words are compared where stock is of the version whose words these programs have. */
export const comparesWords = (): boolean => Number(/version (\d+)/.exec(runStock("qemu-img", ["--version"]).stdout)?.[1]) >= 10;

/** @returns what differs between stock and this program in the script that a family draws from a seed, a sentence each */
export async function runTwinSeed(family: FamilyName, seed: number, words: boolean, log?: (line: string) => void, known?: (what: string) => void): Promise<string[]> {
  return await runTwins(FAMILIES[family](new Random(seed * 7919 + 17)), { words, ...(log === undefined ? {} : { log }), ...(known === undefined ? {} : { known }) });
}

/** @returns whether nothing was found */
export async function runTwinPlan({ firstSeed, seeds, families, verbose }: TwinPlan, say: (line: string) => void): Promise<boolean> {
  const words = comparesWords();
  if (!words) say("the stock qemu-img is older than version 10: words are not compared");
  const failing: string[] = [];
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    for (const family of families) {
      const findings = await runTwinSeed(family, seed, words, verbose ? say : undefined, (what) => say(`${family} ${seed} ends early, known: ${what}`));
      if (findings.length === 0) continue;
      failing.push(`${family} ${seed}`);
      say(`${family} ${seed}:`);
      for (const finding of findings) say(`    ${finding}`);
    }
    if ((seed - firstSeed + 1) % 25 === 0) say(`${seed - firstSeed + 1} of ${seeds} seeds, ${failing.length} scripts that differ`);
  }
  say(`${families.length} families, ${seeds} seeds each: ${failing.length} scripts that differ${failing.length === 0 ? "" : `: ${failing.join(", ")}`}`);
  return failing.length === 0;
}

export { FAMILIES };
