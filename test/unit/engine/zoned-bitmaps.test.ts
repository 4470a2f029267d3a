/**
 * Bitmaps of a zoned image record every change that a guest can see: a copy made by them lacks nothing. A reset empties a zone also where
 * several zones share a cluster and no cluster changes. Zone semantics, "Transitions" (READ, RESET).
 */
import { expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { storedBits } from "../../../src/qcow2/bitmap-merge.ts";
import { readBitmaps } from "../../../src/qcow2/bitmaps.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { KIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";

const ZONE = 8 * KIB;
const ZONES = 9;
const SIZE = ZONES * ZONE - KIB;
const GRANULARITY = 512;

/** A disk of nine zones, the first conventional and the last short, with a bitmap that nothing was recorded in yet. */
async function made(clusterSize: number) {
  const files = new MemoryFiles();
  const fixture = engineFixture(files);
  const zoned = { zoneSize: ZONE, zoneCapacity: 6 * KIB, conventionalZones: 1 };
  await fixture.ok("create", { file: "image", options: createOptions({ sizeBytes: SIZE, clusterSize, zoned }) });
  const open = async () => (await fixture.ok("open", { file: "image", readOnly: false, format: null })).handle;
  const read = async (handle: number) => (await fixture.ok("read", { handle, offset: 0, length: SIZE, pattern: null, wantData: true })).data!;
  const runs = async () => {
    const opened = await files.open("image", "read");
    if (!opened.ok) throw new Error(opened.error.code);
    const header = readHeader(opened.value);
    const [bitmap] = readBitmaps(opened.value, header)!.bitmaps;
    const found = [...storedBits(opened.value, header, bitmap!).runs()];
    opened.value.close();
    return found;
  };
  return { fixture, open, read, runs };
}

test.each([512, 4 * KIB, 8 * KIB, 64 * KIB])("clusters of %i: what differs after random commands is recorded", async (clusterSize) => {
  const { fixture, open, read, runs } = await made(clusterSize);
  const random = new Random(clusterSize);
  let resets = 0;
  for (let round = 0; round < 30; round++) {
    let handle = await open();
    if (round > 0) await fixture.ok("changeBitmap", { handle, bitmap: "b", change: { action: "remove" } });
    await fixture.ok("changeBitmap", { handle, bitmap: "b", change: { action: "add", granularity: GRANULARITY } });
    await fixture.ok("close", { handle });
    handle = await open();
    const before = await read(handle);
    for (let step = 0; step < 3; step++) {
      const zone = 1 + random.below(ZONES - 1);
      const range = { handle, offset: zone * ZONE, length: Math.min(ZONE, SIZE - zone * ZONE) };
      const kind = random.below(6);
      if (kind < 2) await fixture.engine.perform("append", { handle, offset: range.offset, lengths: [512 * (1 + random.below(12))], pattern: 1 + random.below(255) });
      else if (kind < 4 && (await fixture.engine.perform("manage", { ...range, operation: "reset" })).ok) resets++;
      else if (kind === 4) await fixture.engine.perform("manage", { ...range, operation: "finish" });
      else await fixture.ok("write", { handle, offset: random.below(ZONE - 700), length: 700, pattern: random.below(256), data: null });
    }
    const after = await read(handle);
    await fixture.ok("close", { handle });
    const recorded = await runs();
    const missed = after.findIndex((byte, at) => byte !== before[at] && !recorded.some(({ offset, lengthBytes }) => at >= offset && at < offset + lengthBytes));
    expect(missed, `round ${round}: the first byte that changed and is not recorded`).toBe(-1);
  }
  expect(resets).toBeGreaterThan(5);
});
