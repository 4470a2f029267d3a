/**
 * The crash lab over random commands: in the right order no cut breaks a promise, whatever was written, reset, finished or discarded before
 * the flush; without barriers the same search finds one. Commands go through the engine's calls, as the lab's users send them.
 *
 * `ZONESCOPE_LONG=1` runs ten times as many workloads.
 */
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import type { CreateOptions } from "../../src/protocol/index.ts";
import { KIB, createOptions, engineFixture } from "../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../src/testing/engine-fixture.ts";

const SEEDS = process.env["ZONESCOPE_LONG"] === "1" ? 60 : 6;
const SECTOR = 512;

const SHAPES: readonly (readonly [string, CreateOptions])[] = [
  ["zones of four clusters", createOptions({ sizeBytes: 24 * 16 * KIB, clusterSize: 4 * KIB, zoned: { zoneSize: 16 * KIB, zoneCapacity: 12 * KIB, conventionalZones: 2, maxOpenZones: 4, maxActiveZones: 8, maxAppendBytes: 64 * KIB } })],
  ["four zones to a cluster", createOptions({ sizeBytes: 40 * 4 * KIB - KIB, clusterSize: 16 * KIB, zoned: { zoneSize: 4 * KIB, zoneCapacity: 4 * KIB, conventionalZones: 5, maxAppendBytes: 64 * KIB } })],
  ["512-byte clusters with 64-bit refcounts", createOptions({ sizeBytes: 40 * 64 * KIB, clusterSize: 512, refcountBits: 64, zoned: { zoneSize: 64 * KIB, zoneCapacity: 64 * KIB, conventionalZones: 1, maxAppendBytes: 64 * KIB } })],
  ["no zones", createOptions({ sizeBytes: 512 * KIB, clusterSize: 4 * KIB, zoned: null })],
];

/** Random commands; refusals are part of it. */
async function work({ engine }: EngineFixture, handle: number, options: CreateOptions, random: Random, count: number): Promise<void> {
  const { zoned, sizeBytes } = options;
  const zoneSize = zoned?.zoneSize ?? 16 * KIB;
  const zones = Math.ceil(sizeBytes / zoneSize);
  for (let index = 0; index < count; index++) {
    const offset = random.below(Math.min(zones, 8)) * zoneSize;
    const length = Math.min(zoneSize, sizeBytes - offset);
    const pattern = 1 + random.below(255);
    const some = SECTOR * (1 + random.below(random.chance(0.3) ? 64 : 6));
    const at = offset + SECTOR * random.below(Math.floor(length / SECTOR));
    switch (random.below(zoned === null ? 4 : 9)) {
      case 0:
      case 1:
        await engine.perform("write", { handle, offset: at, length: Math.min(some, sizeBytes - at), pattern, data: null });
        break;
      case 2:
        await engine.perform("discard", { handle, offset, length });
        break;
      case 3:
        await engine.perform("writeZeroes", { handle, offset: at, length: Math.min(some, sizeBytes - at), unmap: random.chance(0.5) });
        break;
      case 4:
      case 5:
      case 6:
        await engine.perform("append", { handle, offset, lengths: [some], pattern });
        break;
      default:
        await engine.perform("manage", { handle, operation: random.pick(["reset", "reset", "finish", "open", "close"] as const), offset, length });
    }
    if (random.chance(0.04)) await engine.perform("flush", { handle });
  }
}

test.each(SHAPES)("the right order breaks no promise: %s", async (_name, options) => {
  let tried = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const fixture = engineFixture();
    const random = new Random(seed);
    const { handle } = await fixture.ok("crashBegin", { source: { options }, mistakes: [] });
    for (let round = 0; round < 3; round++) {
      await work(fixture, handle, options, random, 12);
      await fixture.ok("flush", { handle });
      const searched = await fixture.ok("crashSearch", { handle, seed, tries: 40 });
      expect(searched.found, `seed ${seed}, round ${round}`).toBeNull();
      tried += searched.tried;
    }
    await fixture.ok("close", { handle });
  }
  console.log(`${tried} cuts`);
  expect(tried).toBeGreaterThan(150);
}, 600_000);

test.each(SHAPES)("without barriers a broken promise is found: %s", async (_name, options) => {
  const fixture = engineFixture();
  const { handle } = await fixture.ok("crashBegin", { source: { options }, mistakes: ["no-barriers"] });
  await work(fixture, handle, options, new Random(1), 40);
  await fixture.ok("append", { handle, offset: (options.zoned?.zoneSize ?? 0) * 9, lengths: [SECTOR], pattern: 7 }).catch(() => fixture.ok("write", { handle, offset: 0, length: SECTOR, pattern: 7, data: null }));
  await fixture.ok("flush", { handle });
  expect((await fixture.ok("crashSearch", { handle, seed: 1, tries: 400 })).found).not.toBeNull();
});
