/**
 * The log-structured store: every key reads back what was written last, after any amount of cleaning, and what cleaning costs has the
 * shape that is known of it. The numbers are of the store over a disk of the engine.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { uniformAmplification } from "../../src/state/amplification.ts";
import { KIB, MIB } from "../../src/testing/engine-fixture.ts";
import { bench } from "../unit/engine/workload-fixture.ts";

test("every live key reads back its last value, whatever the seed, the policy and the fill", { timeout: 60_000 }, async () => {
  let cleanings = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        policy: fc.constantFrom("greedy" as const, "cost-benefit" as const),
        fill: fc.double({ min: 0.1, max: 0.55, noNaN: true }),
        skew: fc.constantFrom(0.5, 0.8, 0.95),
        reserveZones: fc.integer({ min: 1, max: 3 }),
        iodepth: fc.constantFrom(1, 7, 32),
        randseed: fc.integer({ min: 0, max: 1e9 }),
        zoneCapacity: fc.constantFrom(256 * KIB, 200 * KIB),
        maxActiveZones: fc.constantFrom(0, 1, 2),
      }),
      async ({ iodepth, randseed, zoneCapacity, maxActiveZones, ...store }) => {
        const disk = await bench({ zoneSize: 256 * KIB, zoneCapacity, maxActiveZones, maxOpenZones: maxActiveZones }, 12 * 256 * KIB);
        const report = await disk.run({ rw: "logstore", blockBytes: 4 * KIB, iodepth, randseed, verify: true, ioSize: { count: 8 * MIB, unit: "bytes" }, store });
        expect(report).toMatchObject({ end: "done", refusals: [], mismatches: 0 });
        expect(report.verified).toBeGreaterThanOrEqual(report.store!.keys);
        cleanings += report.store!.cleanings;
      },
    ),
    { numRuns: 25, seed: 7 },
  );
  expect(cleanings).toBeGreaterThan(100);
});

test("a byte that somebody changes under the store is found when the store reads back", async () => {
  const disk = await bench({ conventionalZones: 0 });
  const job = { rw: "logstore", iodepth: 8, verify: true, numberIos: 600, store: { fill: 0.15 } } as const;
  let turns = 0;
  const report = await disk.run(job, 50, async () => {
    // Zone 0 holds the first keys: another host resets it and fills it with something else.
    if (++turns !== 8) return;
    await disk.ok("manage", { handle: disk.handle, operation: "reset", offset: 0, length: MIB });
    await disk.ok("write", { handle: disk.handle, offset: 0, length: MIB, pattern: 1, data: null });
  });
  expect(report.mismatches).toBeGreaterThan(0);
});

// Xiang and Kurkoski give 2.36 for an overprovisioning of 0.3 (and 2.35 as what simulation shows).
test("the analytic amplification is the published one", () => {
  expect(uniformAmplification(1 - 1 / 1.3)).toBeCloseTo(2.36, 2);
});

test("uniform overwrites with a greedy cleaner cost what the analysis says, and a little less on zones of 128 blocks", { timeout: 60_000 }, async () => {
  const zones = 40;
  const measured: number[] = [];
  for (const fill of [0.5, 0.65, 0.8]) {
    const disk = await bench({ zoneSize: 256 * KIB, zoneCapacity: 256 * KIB }, zones * 256 * KIB);
    const report = await disk.run({ rw: "logstore", blockBytes: 2 * KIB, iodepth: 32, ioSize: { count: (fill + 4) * zones * 256 * KIB, unit: "bytes" }, store: { fill, reserveZones: 1 } });
    const { recentAmplification } = report.store!;
    // The empty zone in reserve and half of the two that are written are no space for data. The analysis is of zones of many blocks; of
    // fewer, some have less live data than the mean, and greedy finds them.
    const expected = uniformAmplification(1 - (fill * zones) / (zones - 2));
    expect(recentAmplification / expected).toBeGreaterThan(0.85);
    expect(recentAmplification / expected).toBeLessThan(1.08);
    measured.push(recentAmplification);
  }
  expect(measured[0]!).toBeLessThan(measured[1]!);
  expect(measured[1]!).toBeLessThan(measured[2]!);
});

test("with hot and cold keys age in the choice of the zone pays: cost-benefit copies less than greedy", { timeout: 60_000 }, async () => {
  const cost = async (policy: "greedy" | "cost-benefit"): Promise<number> => {
    const disk = await bench({ zoneSize: 128 * KIB, zoneCapacity: 128 * KIB }, 60 * 128 * KIB);
    const report = await disk.run({ rw: "logstore", blockBytes: 2 * KIB, iodepth: 32, ioSize: { count: 40 * MIB, unit: "bytes" }, store: { fill: 0.75, skew: 0.9, policy } });
    return report.store!.writeAmplification;
  };
  expect(await cost("cost-benefit")).toBeLessThan(await cost("greedy"));
});
