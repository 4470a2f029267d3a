/** What bitmaps record is held in memory up to a bound, and in the file from there on, where it is not lost and not called true before its time. */
import { expect, test } from "vitest";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { changeBitmap } from "../../../src/engine/bitmap-calls.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { runToEnd } from "../../../src/engine/jobs.ts";
import { OpenImage } from "../../../src/engine/open-image.ts";
import { storedBits } from "../../../src/qcow2/bitmap-merge.ts";
import { readBitmapTable, readBitmaps } from "../../../src/qcow2/bitmaps.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { KIB, createOptions } from "../../../src/testing/engine-fixture.ts";

const MIB = 2 ** 20;
/** What 512 bytes of bits stand for where a bit stands for 512 bytes. */
const PIECE = 2 * MIB;
/** More pieces than are held. */
const PIECES = 2 ** 16 + 100;
const CLUSTER = 64 * KIB;

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

const open = (contents: MemoryContents): OpenImage => OpenImage.over(1, "a", new MemoryStore("a", contents), "qcow2", true, () => 0);

function made(sizeBytes: number): MemoryContents {
  const contents = new MemoryContents();
  writeNewImage(new MemoryStore("a", contents), createOptions({ sizeBytes, clusterSize: CLUSTER, zoned: null }));
  const image = open(contents);
  succeed(changeBitmap(image, "b", { action: "add", granularity: 512 }));
  succeed(image.close());
  return contents;
}

function bitmapOf(contents: MemoryContents) {
  const store = new MemoryStore("a", contents);
  const header = readHeader(store);
  const bitmap = readBitmaps(store, header)!.bitmaps[0]!;
  return { bitmap, entries: [...readBitmapTable(store, header, bitmap)], runs: bitmap.inUse ? [] : [...storedBits(store, header, bitmap).runs()] };
}

test("small changes all over a disk are told each, and their bits reach the file before they fill the memory", () => {
  const contents = made(PIECES * PIECE);
  const before = contents.size;
  const image = open(contents);
  for (let index = 0; index < PIECES; index++) succeed(image.device.discard(index * PIECE, 512));
  const held = bitmapOf(contents);
  // Bits are there; the entries that would lead to them are not, and nobody believes the bitmap.
  expect(contents.size - before).toBeGreaterThan((2 ** 16 / 128) * CLUSTER - 1);
  expect(held.bitmap.inUse).toBe(true);
  expect(held.entries.every((entry) => entry === 0)).toBe(true);
  succeed(image.close());
  const { bitmap, runs } = bitmapOf(contents);
  expect(bitmap.inUse).toBe(false);
  expect(runs).toHaveLength(PIECES);
  runs.forEach((run, index) => expect(run).toEqual({ offset: index * PIECE, lengthBytes: 512 }));
});

test("a change of a whole disk takes no cluster of bits", () => {
  const contents = made(2 ** 40);
  const before = contents.size;
  const image = open(contents);
  succeed(image.device.discard(0, 2 ** 40));
  succeed(image.close());
  const { bitmap, entries, runs } = bitmapOf(contents);
  expect(bitmap.inUse).toBe(false);
  expect(new Set(entries)).toEqual(new Set([1]));
  expect(runs).toEqual([{ offset: 0, lengthBytes: 2 ** 40 }]);
  expect(contents.size).toBe(before);
});

/** A bitmap with the first bit set. @returns the file, and where the bitmap's only page lies */
function withBits(): { contents: MemoryContents; page: number; table: number } {
  const contents = made(MIB);
  const image = open(contents);
  succeed(image.device.discard(0, 512));
  succeed(image.close());
  const { bitmap, entries } = bitmapOf(contents);
  return { contents, page: entries[0]!, table: bitmap.tableOffset };
}

const findingsOf = (contents: MemoryContents): readonly { finding: string }[] => succeed(runToEnd(OpenImage.over(1, "a", new MemoryStore("a", contents), "qcow2", false, () => 0).check())).findings;

function recordMore(contents: MemoryContents) {
  const image = open(contents);
  succeed(image.device.discard(1024, 512));
  succeed(image.close());
  return bitmapOf(contents);
}

test("bits are added where they lie", () => {
  const { contents, page } = withBits();
  const { entries, runs } = recordMore(contents);
  expect(entries).toEqual([page]);
  expect(runs).toEqual([{ offset: 0, lengthBytes: 512 }, { offset: 1024, lengthBytes: 512 }]);
});

test("bits whose cluster is counted twice may be another's: they go to one of their own, and one count less is left", () => {
  const { contents, page } = withBits();
  const store = new MemoryStore("a", contents);
  // The image's only refcount block, of counts of 16 bits.
  const table = new Uint8Array(8);
  store.read(readHeader(store).refcountTableOffset, table);
  store.write(new DataView(table.buffer).getUint32(4) + (page / CLUSTER) * 2, Uint8Array.of(0, 2));
  const { entries, runs } = recordMore(contents);
  expect(entries[0]).not.toBe(page);
  expect(runs).toHaveLength(2);
  expect(findingsOf(contents)).toMatchObject([{ finding: "leak" }]);
});

test("bits behind the file's end go to a cluster inside it", () => {
  const { contents, table } = withBits();
  const far = new Uint8Array(8);
  new DataView(far.buffer).setBigUint64(0, 2n ** 40n);
  new MemoryStore("a", contents).write(table, far);
  const { entries, runs } = recordMore(contents);
  expect(entries[0]).toBeLessThan(2 ** 24);
  expect(contents.size).toBeLessThan(2 ** 24);
  // What lay there read as zeros.
  expect(runs).toEqual([{ offset: 1024, lengthBytes: 512 }]);
  expect(findingsOf(contents).filter(({ finding }) => finding !== "leak")).toEqual([]);
});
