/**
 * A store that refuses one write, under an image whose writes are gathered: what was refused is kept and gets there with a later flush.
 * Whatever write it is, the image goes on or refuses to, and the file that is left at any later moment is what the image says.
 */
import { expect, test } from "vitest";
import type { ByteStore } from "../../src/bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { changeBitmap } from "../../src/engine/bitmap-calls.ts";
import { writeNewImage } from "../../src/engine/create-image.ts";
import { runToEnd } from "../../src/engine/jobs.ts";
import { OpenImage } from "../../src/engine/open-image.ts";
import { patternPayload } from "../../src/engine/payload.ts";
import { writeVmState } from "../../src/engine/vm-state-calls.ts";
import { storedBits } from "../../src/qcow2/bitmap-merge.ts";
import { readBitmaps } from "../../src/qcow2/bitmaps.ts";
import { INCOMPATIBLE_DIRTY, hasBit } from "../../src/qcow2/features.ts";
import { readHeader } from "../../src/qcow2/open.ts";
import { textOf } from "../../src/qcow2/snapshots.ts";
import type { CreateOptions } from "../../src/protocol/index.ts";
import { createOptions } from "../../src/testing/engine-fixture.ts";
import { FaultyStore } from "../../src/testing/faulty-store.ts";

const CLUSTER = 512;
const DISK = 60 * CLUSTER;

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

const open = (store: ByteStore, write = true): OpenImage => OpenImage.over(1, "a", store, "qcow2", write, () => 0);

function made(options: Partial<CreateOptions>): MemoryContents {
  const contents = new MemoryContents();
  succeed(writeNewImage(new MemoryStore("a", contents), { ...createOptions({ sizeBytes: DISK, clusterSize: CLUSTER, zoned: null }), ...options }));
  return contents;
}

/** Writes, and says so to the handle as the engine's calls do. @returns whether it was done */
function write(image: OpenImage, offset: number, length: number, pattern: number): boolean {
  image.unflushed = true;
  return image.guard(() => image.device.write(offset, patternPayload(pattern, length))).ok;
}

const flush = (image: OpenImage): boolean => image.guard(() => image.flush()).ok;

/** What a check finds beside leaks. */
const findings = (contents: MemoryContents): string[] =>
  succeed(runToEnd(open(new MemoryStore("a", contents.copy()), false).check()))
    .findings.map(({ finding }) => finding)
    .filter((finding) => finding !== "leak");

function disk(contents: MemoryContents): Uint8Array {
  const bytes = new Uint8Array(DISK);
  succeed(open(new MemoryStore("a", contents.copy()), false).device.read(0, bytes));
  return bytes;
}

/**
 * Has the first write fail, then the second, and so on, until `act` meets none.
 * @param act is given the image over the store, and says whether what may fail was done
 */
function atEachWrite(start: MemoryContents, act: (image: OpenImage, contents: MemoryContents) => boolean): void {
  let failed = 0;
  for (let nth = 1; ; nth++) {
    const contents = start.copy();
    const done = act(open(new FaultyStore(new MemoryStore("a", contents), [{ operation: "write", nth }])), contents);
    if (!done) failed++;
    else if (failed > 0) break;
    expect(nth).toBeLessThan(100);
  }
  expect(failed).toBeGreaterThan(1);
}

test("a header that was refused when the L1 table grew does not lead away from what is written afterwards", () => {
  atEachWrite(made({}), (image, contents) => {
    const done = image.guard(() => writeVmState(image.device, 200 * 64 * CLUSTER, patternPayload(9, CLUSTER))).ok;
    const written = write(image, 0, CLUSTER, 2) && flush(image);
    expect(disk(contents)[0]).toBe(written ? 2 : 0);
    expect(findings(contents)).toEqual([]);
    return done;
  });
});

test("the dirty bit is there while counts lag, also where its going was refused", () => {
  let lagged = 0;
  atEachWrite(made({ lazyRefcounts: true }), (image, contents) => {
    const first = write(image, 0, 10 * CLUSTER, 1) && flush(image);
    const settled = first && image.guard(() => image.settle()).ok;
    const again = write(image, 20 * CLUSTER, 20 * CLUSTER, 2) && flush(image);
    if (again) expect(disk(contents)[20 * CLUSTER]).toBe(2);
    const dirty = hasBit(readHeader(new MemoryStore("a", contents)).incompatible, INCOMPATIBLE_DIRTY);
    const wrong = findings(contents).length > 0;
    if (wrong) lagged++;
    expect(dirty || !wrong, "counts lag, and the header says that they are true").toBe(true);
    if (again) {
      succeed(image.settle());
      expect(hasBit(readHeader(new MemoryStore("a", contents)).incompatible, INCOMPATIBLE_DIRTY)).toBe(false);
      expect(findings(contents)).toEqual([]);
    }
    return settled;
  });
  expect(lagged).toBeGreaterThan(0);
});

test("a bitmap that is called true tells of all that changed, also where others could not be stored", () => {
  const start = made({ sizeBytes: DISK, clusterSize: CLUSTER });
  const before = open(new MemoryStore("a", start));
  for (const name of ["first", "second", "long".repeat(120), "last"]) succeed(changeBitmap(before, name, { action: "add", granularity: CLUSTER }));
  succeed(before.close());
  let believed = 0;
  const judge = (contents: MemoryContents): void => {
    expect(findings(contents)).toEqual([]);
    const store = new MemoryStore("a", contents.copy());
    const now = disk(contents);
    for (const bitmap of readBitmaps(store, readHeader(store))?.bitmaps ?? []) {
      if (bitmap.inUse) continue;
      believed++;
      const told = new Set<number>();
      for (const { offset, lengthBytes } of storedBits(store, readHeader(store), bitmap).runs()) for (let at = 0; at < lengthBytes; at += CLUSTER) told.add(offset + at);
      for (let at = 0; at < DISK; at += CLUSTER) if (now[at] !== 0) expect(told.has(at), `byte ${at} in bitmap ${textOf(bitmap.name).slice(0, 8)}`).toBe(true);
    }
  };
  atEachWrite(start, (image, contents) => {
    const first = write(image, 0, 3 * CLUSTER, 1) && flush(image);
    const settled = first && image.guard(() => image.settle()).ok;
    judge(contents);
    const again = write(image, 30 * CLUSTER, 2 * CLUSTER, 2) && flush(image);
    judge(contents);
    if (again) {
      succeed(image.settle());
      judge(contents);
      const store = new MemoryStore("a", contents.copy());
      expect(readBitmaps(store, readHeader(store))?.bitmaps.filter(({ inUse }) => inUse).length).toBe(0);
      write(image, 40 * CLUSTER, 2 * CLUSTER, 3);
      succeed(image.close());
      judge(contents);
    }
    return settled;
  });
  expect(believed).toBeGreaterThan(10);
});
