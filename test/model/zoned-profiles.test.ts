/**
 * The zoned device under other rules than its own, and with zones that wear out, against the second model: random disks, random
 * commands, a switch of the rules now and then; everything is compared after each command. ZONES_SEED and ZONES_RUNS try others.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { newTally, runSteps } from "./zoned-model-run.ts";
import { disks, stepsUnderProfiles } from "./zoned-model-steps.ts";

const SEED = Number(process.env["ZONES_SEED"] ?? 7023);
const RUNS = Number(process.env["ZONES_RUNS"] ?? 200);
const STEPS = 60;

const CODES = [
  "append-disabled", "append-too-large", "conventional-zone", "exceeds-capacity", "invalid-transition", "misaligned",
  "not-at-write-pointer", "out-of-range", "too-many-active", "too-many-open", "unsupported", "zone-full",
];

test("random commands under every profile do what the model does", { timeout: 600_000 }, async () => {
  const tally = newTally();
  await fc.assert(
    fc.asyncProperty(disks, stepsUnderProfiles(STEPS), async (disk, sequence) => {
      await runSteps(disk, sequence, tally);
    }),
    { seed: SEED, numRuns: RUNS },
  );
  expect([...tally.codes.keys()].sort(), "refusals that were met").toEqual(CODES);
  if (process.env["ZONES_PRINT"] !== undefined) console.log(`${tally.commands} random commands, refusals:`, Object.fromEntries(tally.codes));
});
