/**
 * A host that knows the rules is never refused: whatever the disk's limits and the state in which a job finds it, none of its requests breaks
 * a rule of the strictest profiles. And whatever a job writes to be told apart is read back as it was written.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import type { JobMode, ProfileName } from "../../src/protocol/index.ts";
import { KIB, MIB } from "../../src/testing/engine-fixture.ts";
import { bench } from "../unit/engine/workload-fixture.ts";
import type { Bench, JobChanges } from "../unit/engine/workload-fixture.ts";

const ZONES = 8;
const BLOCK = 16 * KIB;

/** Leaves zones in any condition, as others would; refusals are theirs. */
async function disturb({ engine, handle }: Bench, seed: number): Promise<void> {
  const random = new Random(seed);
  for (let step = 0; step < 12; step++) {
    const offset = random.below(ZONES) * MIB;
    const operation = random.pick(["open", "close", "finish", "reset", "append", "append", "append"] as const);
    if (operation === "append") await engine.perform("append", { handle, offset, lengths: [512 * (1 + random.below(100))], pattern: 1 });
    else await engine.perform("manage", { handle, operation, offset, length: MIB });
  }
}

const limits = fc.integer({ min: 1, max: 5 }).chain((maxActiveZones) => fc.record({ maxActiveZones: fc.constantFrom(0, maxActiveZones), maxOpenZones: fc.integer({ min: 0, max: maxActiveZones }) }));
const scene = fc.record({
  limits,
  conventionalZones: fc.integer({ min: 0, max: 2 }),
  zoneCapacity: fc.constantFrom(MIB, MIB - 64 * KIB, MIB - 4 * KIB),
  profile: fc.constantFrom<ProfileName>("qcow2", "zns", "null_blk"),
  before: fc.integer({ min: 0, max: 1e6 }),
  rw: fc.constantFrom<JobMode>("write", "randwrite", "append", "read", "randread", "logstore"),
  iodepth: fc.constantFrom(1, 3, 16),
  blockBytes: fc.constantFrom(BLOCK, 24 * KIB, 512 * 37),
  maxOpenZones: fc.constantFrom(null, 1, 2, 5),
  whenFull: fc.constantFrom<"reset" | "stop">("reset", "stop"),
  first: fc.integer({ min: 0, max: 2 }),
  zoneResetFrequency: fc.constantFrom(0, 0, 0.1),
  randseed: fc.integer({ min: 0, max: 1e6 }),
});

test("no request of a job is refused, whatever it finds", { timeout: 60_000 }, async () => {
  let made = 0;
  await fc.assert(
    fc.asyncProperty(scene, async ({ limits: { maxOpenZones, maxActiveZones }, conventionalZones, zoneCapacity, profile, before, ...words }) => {
      const conventional = profile === "zns" ? 0 : conventionalZones;
      const disk = await bench({ zoneSize: MIB, zoneCapacity, conventionalZones: conventional, maxActiveZones, maxOpenZones }, ZONES * MIB);
      await disk.ok("setProfile", { handle: disk.handle, profile });
      await disturb(disk, before);
      const { first, ...rest } = words;
      const job: JobChanges = { ...rest, offset: { count: first, unit: "zones" }, ioSize: { count: 10 * MIB, unit: "bytes" }, verify: rest.rw === "logstore" || rest.rw === "write", store: { fill: 0.15, reserveZones: 1 } };
      const report = await disk.run(job);
      made += report.requests;
      expect(report.refusals).toEqual([]);
      expect(report.mismatches).toBe(0);
      expect(["done", "full", "no-slot", "nothing-to-read"]).toContain(report.end);
      // Nothing to do is an answer of a disk that is full or taken alone.
      if (report.end === "done") expect(report.requests).toBeGreaterThan(0);
    }),
    { numRuns: 60, seed: 20261124 },
  );
  expect(made).toBeGreaterThan(10_000);
});

test("the same seed makes the same disk", { timeout: 20_000 }, async () => {
  for (const rw of ["randwrite", "append", "logstore"] as const) {
    const pointers = await Promise.all(
      [100_000, 7].map(async (perTurn) => {
        const disk = await bench({ maxOpenZones: 3 }, ZONES * MIB);
        await disk.run({ rw, blockBytes: BLOCK, iodepth: 5, randseed: 99, ioSize: { count: 9 * MIB, unit: "bytes" }, store: { fill: 0.3 } }, perTurn);
        const { data } = await disk.ok("read", { handle: disk.handle, offset: 0, length: ZONES * MIB, pattern: null, wantData: true });
        return data;
      }),
    );
    expect(Buffer.compare(pointers[0]!, pointers[1]!)).toBe(0);
  }
});
