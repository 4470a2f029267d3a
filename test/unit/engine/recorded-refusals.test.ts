/** A store that refuses what bitmaps have recorded, and lies of their tables: no bit is lost, no cluster given up twice, and none lost at each attempt. */
import { expect, test } from "vitest";
import type { ByteStore } from "../../../src/bytes/byte-store.ts";
import { storeFault } from "../../../src/bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { changeBitmap } from "../../../src/engine/bitmap-calls.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { runToEnd } from "../../../src/engine/jobs.ts";
import { OpenImage } from "../../../src/engine/open-image.ts";
import { resizeOpened } from "../../../src/engine/resize-calls.ts";
import { storedBits } from "../../../src/qcow2/bitmap-merge.ts";
import { readBitmapTable, readBitmaps } from "../../../src/qcow2/bitmaps.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { createOptions } from "../../../src/testing/engine-fixture.ts";

const CLUSTER = 512;
/** What a page of bits of 512 bytes each stands for. */
const PAGE = 2 ** 21;
const DISK = 4 * PAGE;

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

const open = (store: ByteStore): OpenImage => OpenImage.over(1, "a", store, "qcow2", true, () => 0);

/** A store that refuses each write that `refuses` says; `lands` tells whether the bytes get there all the same. It listens, so that writes come to it one by one. */
class RefusingStore extends MemoryStore {
  readonly event = (): void => undefined;
  refuses: (offset: number) => boolean = () => false;
  lands = false;

  override write(offset: number, from: Uint8Array): void {
    const refused = this.refuses(offset);
    if (!refused || this.lands) super.write(offset, from);
    if (refused) throw storeFault("a", "io", "write", offset, from.length, "refused");
  }
}

function made(names = ["b"]): MemoryContents {
  const contents = new MemoryContents();
  succeed(writeNewImage(new MemoryStore("a", contents), createOptions({ sizeBytes: DISK, clusterSize: CLUSTER, zoned: null })));
  const image = open(new MemoryStore("a", contents));
  for (const name of names) succeed(changeBitmap(image, name, { action: "add", granularity: 512 }));
  succeed(image.close());
  return contents;
}

function bitmapOf(contents: MemoryContents, index = 0) {
  const store = new MemoryStore("a", contents);
  const header = readHeader(store);
  const bitmap = readBitmaps(store, header)!.bitmaps[index]!;
  const entries = (): number[] => [...readBitmapTable(store, header, bitmap)];
  return { ...bitmap, entries, runs: () => [...storedBits(store, header, bitmap).runs()] };
}

const findingsOf = (contents: MemoryContents): string[] => succeed(runToEnd(OpenImage.over(1, "a", new MemoryStore("a", contents), "qcow2", false, () => 0).check())).findings.map(({ finding }) => finding);

const settles = (image: OpenImage): boolean => image.guard(() => image.settle()).ok;

/** Where the image's only refcount block has the count of a cluster, of 16 bits. */
function countAt(contents: MemoryContents, cluster: number): number {
  const store = new MemoryStore("a", contents);
  const perBlock = CLUSTER / 2;
  const entry = new Uint8Array(8);
  store.read(readHeader(store).refcountTableOffset + Math.floor(cluster / perBlock) * 8, entry);
  return Number(new DataView(entry.buffer).getBigUint64(0)) + (cluster % perBlock) * 2;
}

test("bits that were given a cluster of their own and then are all set give their old one up once", () => {
  const contents = made();
  let image = open(new MemoryStore("a", contents));
  succeed(image.device.discard(0, 512));
  succeed(image.close());
  const page = bitmapOf(contents).entries()[0]!;
  // The cluster is counted three times: others may have it.
  new MemoryStore("a", contents).write(countAt(contents, page / CLUSTER), Uint8Array.of(0, 3));
  const store = new RefusingStore("a", contents);
  image = open(store);
  succeed(image.device.discard(1024, 512));
  const { tableOffset } = bitmapOf(contents);
  store.refuses = (offset) => offset === tableOffset;
  expect(settles(image)).toBe(false);
  store.refuses = () => false;
  succeed(image.device.discard(0, PAGE));
  succeed(image.close());
  const { inUse, entries } = bitmapOf(contents);
  expect(inUse).toBe(false);
  expect(entries()[0]).toBe(1);
  const count = new Uint8Array(2);
  new MemoryStore("a", contents).read(countAt(contents, page / CLUSTER), count);
  expect([...count]).toEqual([0, 2]);
});

test("pages that are all set stay so, where a write of their entries was refused and got there all the same", () => {
  const contents = made();
  const store = new RefusingStore("a", contents);
  const image = open(store);
  succeed(image.device.discard(0, 512));
  const { tableOffset } = bitmapOf(contents);
  store.refuses = (offset) => offset === tableOffset;
  expect(settles(image)).toBe(false);
  succeed(image.device.discard(0, PAGE));
  store.lands = true;
  expect(settles(image)).toBe(false);
  store.refuses = () => false;
  succeed(image.close());
  const { inUse, runs } = bitmapOf(contents);
  expect(inUse).toBe(false);
  expect(runs()).toEqual([{ offset: 0, lengthBytes: PAGE }]);
  expect(findingsOf(contents)).toEqual([]);
});

test("what was taken for bits that the store refuses is given back", () => {
  const contents = made();
  const store = new RefusingStore("a", contents);
  const image = open(store);
  succeed(image.device.discard(0, 512));
  succeed(image.flush());
  const end = contents.size;
  store.refuses = (offset) => offset >= end;
  for (let attempt = 0; attempt < 20; attempt++) expect(settles(image)).toBe(false);
  store.refuses = () => false;
  succeed(image.close());
  expect(bitmapOf(contents).runs()).toEqual([{ offset: 0, lengthBytes: 512 }]);
  expect(findingsOf(contents)).toEqual([]);
});

test("a bitmap whose table lies behind the file's end keeps the disk from being changed, and makes no other bitmap untrue", () => {
  const contents = made(["far", "near"]);
  const far = new Uint8Array(8);
  new DataView(far.buffer).setBigUint64(0, 2n ** 40n);
  new MemoryStore("a", contents).write(bitmapOf(contents).entryAt, far);
  const before = contents.copy();
  const image = open(new MemoryStore("a", contents));
  for (const change of [() => image.device.discard(0, 512), () => resizeOpened(image, 2 * DISK, false), () => resizeOpened(image, PAGE, false)]) {
    expect(image.guard(change)).toMatchObject({ ok: false, error: { kind: "image", structure: "bitmap table", field: "host offset" } });
  }
  succeed(image.close());
  expect(contents.size).toBe(before.size);
  expect([bitmapOf(contents).inUse, bitmapOf(contents, 1).inUse]).toEqual([false, false]);
  expect(readHeader(new MemoryStore("a", contents)).virtualSize).toBe(DISK);
});
