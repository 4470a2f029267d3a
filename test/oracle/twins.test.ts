/** A sample of the random scripts (`npm run oracle` runs many more): stock and this program do the same on two copies of the same images. */
import { expect, test } from "vitest";
import type { FamilyName } from "./twins/families.ts";
import { comparesWords, runTwinSeed } from "./twins/main.ts";

/** Short ones, in which a stock program of version 7 knows all options. */
const SEEDS = { sequences: [1, 2, 3, 5, 8], lies: [1, 2, 4, 5, 7, 8], options: [2, 4, 5, 7] } as const satisfies Partial<Record<FamilyName, readonly number[]>>;
const SAMPLE = (Object.keys(SEEDS) as (keyof typeof SEEDS)[]).flatMap((family) => SEEDS[family].map((seed) => [family, seed] as const));

test.each(SAMPLE)("%s, seed %i", async (family, seed) => {
  expect(await runTwinSeed(family, seed, comparesWords())).toEqual([]);
});
