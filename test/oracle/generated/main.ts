/** The full run over generated images, for scripts/oracle.mjs: prints a line for each failure and the totals. */

import type { Trait } from "./case.ts";
import { WAYS, runCase } from "./run.ts";
import type { Outcome, Way } from "./run.ts";

export interface Plan {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly ways: readonly Way[];
}

/** @returns whether nothing was found */
export async function runPlan({ firstSeed, seeds, ways }: Plan, say: (line: string) => void): Promise<boolean> {
  const traits = new Map<Trait, number>();
  const counts = new Map<Way, { images: number; failed: number }>(ways.map((way) => [way, { images: 0, failed: 0 }]));
  const failures: Outcome[] = [];
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    for (const way of ways) {
      const outcome = await runCase(seed, way);
      const count = counts.get(way)!;
      count.images++;
      if (way === ways[0]) for (const trait of outcome.traits) traits.set(trait, (traits.get(trait) ?? 0) + 1);
      if (outcome.findings.length === 0) continue;
      count.failed++;
      failures.push(outcome);
      say(`seed ${seed}, ${way} (${[...outcome.traits].join(", ")}):`);
      for (const finding of outcome.findings) say(`    ${finding}`);
    }
    if ((seed - firstSeed + 1) % 25 === 0) say(`${seed - firstSeed + 1} of ${seeds} seeds, ${failures.length} failures`);
  }
  say("");
  for (const [trait, count] of [...traits].sort()) say(`${String(count).padStart(6)}  ${trait}`);
  say("");
  for (const [way, { images, failed }] of counts) say(`${way}: ${images} images, ${failed} failed`);
  if (failures.length > 0) say(`failing: ${failures.map(({ seed, way }) => `${seed} (${way})`).join(", ")}`);
  return failures.length === 0;
}

export { WAYS };
export type { Way };
