/**
 * Bitmaps of which a table or the bits lie where something else is said to lie, or which are too many to be known: no write lands on any
 * part of one, and where two structures share a cluster the image is for reading. The engine's own changes of bitmaps go on as ever.
 */
import { expect, test } from "vitest";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import type { MemoryContents } from "../../../src/bytes/memory-store.ts";
import { addBitmap, clearBitmap, removeAllBitmaps, removeBitmap } from "../../../src/qcow2/bitmap-changes.ts";
import { storedBits } from "../../../src/qcow2/bitmap-merge.ts";
import { checkImage } from "../../../src/qcow2/check.ts";
import { encodeBitmapsExtension, encodeDirectory, readBitmaps } from "../../../src/qcow2/bitmaps.ts";
import type { Bitmap } from "../../../src/qcow2/bitmaps.ts";
import { claimBitmaps } from "../../../src/qcow2/bitmap-guard.ts";
import { BITMAPS_MAGIC } from "../../../src/qcow2/header.ts";
import { runToEnd } from "../../../src/engine/jobs.ts";
import { Inspected } from "../../../src/inspect/inspected.ts";
import { layoutOf } from "../../../src/inspect/layout.ts";
import { LAYOUT_KINDS } from "../../../src/protocol/index.ts";
import type { LayoutKind } from "../../../src/protocol/index.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";
import { STANDALONE } from "../../../src/engine/open-device.ts";
import { OpenImage } from "../../../src/engine/open-image.ts";
import { MetadataMap } from "../../../src/qcow2/metadata-map.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { AT, CLUSTER, COPIED, openSmall, smallImage } from "./small-image.ts";
import type { Broken } from "./small-image.ts";

const MIB = 2 ** 20;
const DIRECTORY = 8;
const TABLE = 9;
const BITS = 10;
const FREE = 12;
const nameOf = (index: number): Uint8Array => new TextEncoder().encode(`b${index}`);

/** @param at the directory's cluster, @param stale another extension of bitmaps in front, which counts for nothing */
function bitmapsImage(places: readonly Partial<Bitmap>[], { words = {}, refcounts = {}, ...rest }: Broken = {}, at = DIRECTORY, stale: Uint8Array | null = null): MemoryContents {
  const bitmaps = places.map((place, index): Bitmap => ({ name: nameOf(index), tableOffset: TABLE * CLUSTER, tableSize: 1, inUse: false, auto: false, granularityBits: 16, ...place }));
  const directory = encodeDirectory(bitmaps)!;
  const data = encodeBitmapsExtension(bitmaps.length, { offset: at * CLUSTER, lengthBytes: directory.length });
  const contents = smallImage({
    ...rest,
    header: { autoclear: 1n, extensions: [stale, data].flatMap((bytes) => (bytes === null ? [] : [{ magic: BITMAPS_MAGIC, data: bytes }])) },
    words: { [TABLE * CLUSTER]: BigInt(BITS * CLUSTER), ...words },
    refcounts: { [DIRECTORY]: 1, [TABLE]: 1, [BITS]: 1, ...refcounts },
  });
  contents.write(at * CLUSTER, directory);
  contents.write(BITS * CLUSTER, new Uint8Array(CLUSTER).fill(0xff, 0, 2));
  return contents;
}

function clusterOf(contents: MemoryContents, cluster: number): Uint8Array {
  const bytes = new Uint8Array(CLUSTER);
  contents.read(cluster * CLUSTER, bytes);
  return bytes;
}

test("of two extensions of bitmaps a check counts what the last one leads to, which is the one that is read", () => {
  const stale = encodeBitmapsExtension(1, { offset: FREE * CLUSTER, lengthBytes: 32 });
  const store = new MemoryStore("a", bitmapsImage([{}], {}, DIRECTORY, stale));
  const { corruptions, leaks } = runToEnd(checkImage(store, readHeader(store, "check"), []));
  const one = new MemoryStore("b", bitmapsImage([{}]));
  const expected = runToEnd(checkImage(one, readHeader(one, "check"), []));
  expect([corruptions, leaks]).toEqual([expected.corruptions, expected.leaks]);
});

const PARTS = [
  ["bitmap directory", DIRECTORY],
  ["bitmap table", TABLE],
  ["bits of a bitmap", BITS],
] as const;

test.each(PARTS)("an entry of the disk that leads to the %s is not written through", (structure, cluster) => {
  const l2 = FREE;
  const contents = bitmapsImage([{}], { words: { [AT.l1 * CLUSTER]: COPIED | BigInt(l2 * CLUSTER), [l2 * CLUSTER]: COPIED | BigInt(cluster * CLUSTER) }, refcounts: { [l2]: 1 } });
  const before = clusterOf(contents, cluster);
  const image = openSmall(contents);
  expect(image.readOnlyReason).toBeNull();
  expect(() => image.write(0, new Uint8Array(512).fill(1))).toThrow(structure);
  expect(clusterOf(contents, cluster)).toEqual(before);
});

test.each(PARTS)("the %s, whose count is 0, is not given away", (structure, cluster) => {
  const contents = bitmapsImage([{}], { refcounts: { 4: 1, 5: 1, 6: 1, 7: 1, [DIRECTORY]: 1, [TABLE]: 1, [BITS]: 1, [cluster]: 0 } });
  const before = clusterOf(contents, cluster);
  expect(() => openSmall(contents).write(0, new Uint8Array(MIB).fill(1))).toThrow(structure);
  expect(clusterOf(contents, cluster)).toEqual(before);
});

test.each([
  ["a table that is the L1 table", { tableOffset: AT.l1 * CLUSTER }, {}, "the L1 table"],
  ["a table that is the refcount block", { tableOffset: AT.refcountBlock * CLUSTER }, {}, "the refcount block"],
  ["a table that is the directory", { tableOffset: DIRECTORY * CLUSTER }, {}, "the bitmap directory"],
  ["bits that are the refcount table", {}, { words: { [TABLE * CLUSTER]: BigInt(AT.refcountTable * CLUSTER) } }, "the refcount table"],
  ["bits that are their own table", {}, { words: { [TABLE * CLUSTER]: BigInt(TABLE * CLUSTER) } }, "the bitmap table"],
  ["bits that are a snapshot's L1 table", {}, { snapshots: [{ l1Offset: BITS * CLUSTER, l1Size: 1 }] }, "the L1 table of a snapshot"],
] as const)("%s: the image is for reading, and says so", (_, bitmap, broken, owner) => {
  const image = openSmall(bitmapsImage([bitmap], broken));
  expect(image.readOnlyReason).toContain(`a cluster that holds ${owner}`);
  image.read(0, new Uint8Array(512));
});

test("two bitmaps of one table: to remove the one would give the other's clusters away", () => {
  expect(openSmall(bitmapsImage([{}, {}])).readOnlyReason).toContain("bitmap table, host offset at host offset 589824: found a cluster that holds the bitmap table");
});

test("tables and bits behind the file's end are kept, for the file will grow", () => {
  const image = openSmall(bitmapsImage([{}], { words: { [TABLE * CLUSTER]: BigInt(20 * CLUSTER) }, length: 11 * CLUSTER }));
  expect(image.readOnlyReason).toBeNull();
  expect(() => image.write(0, new Uint8Array(MIB).fill(1))).toThrow("bits of a bitmap");
});

test("tens of thousands of bitmaps of huge tables leave the image for reading, in words, and no table is read", () => {
  const contents = bitmapsImage(Array.from({ length: 65535 }, (_, index) => ({ tableOffset: (128 + index) * CLUSTER, tableSize: 8192 })), { length: 2 ** 33 }, 16);
  const { readOnlyReason } = openSmall(contents);
  expect(readOnlyReason).toBe("bitmap directory, entries of all tables at host offset 1048576: found 536862720, allowed is at most 8388608");
});

test("more clusters of bits than can be known leave the image for reading, in words", () => {
  const tables = Array.from({ length: 129 }, (_, index) => ({ tableOffset: MIB * 16 + index * CLUSTER, tableSize: 8192 }));
  const contents = bitmapsImage(tables, { length: 2 ** 40 });
  const entries = new DataView(new ArrayBuffer(8 * 8192));
  for (const [nth, { tableOffset }] of tables.entries()) {
    for (let index = 0; index < 8192; index++) entries.setBigUint64(index * 8, BigInt((4096 + nth * 8192 + index) * CLUSTER));
    contents.write(tableOffset, new Uint8Array(entries.buffer));
  }
  expect(openSmall(contents).readOnlyReason).toBe("bitmap directory, clusters of bits at host offset 524288: found more than 1048576, allowed is at most 1048576");
});

test("to know where tens of thousands of short tables lead takes as much memory as they are long", () => {
  const contents = bitmapsImage(Array.from({ length: 4096 }, (_, index) => ({ tableOffset: (128 + index) * CLUSTER })), { length: (128 + 4096) * CLUSTER }, 16);
  const store = new MemoryStore("a", contents);
  let taken = 0;
  const measured = Object.assign(Object.create(store) as MemoryStore, { read: (offset: number, into: Uint8Array) => ((taken += into.buffer.byteLength), store.read(offset, into)) });
  const header = readHeader(store);
  const { lengthBytes } = readBitmaps(store, header)!;
  claimBitmaps(measured, header, new MetadataMap(CLUSTER), false);
  // The directory is read once.
  expect(taken).toBe(lengthBytes + 4096 * 8);
});

test("clusters that the engine itself takes and frees for bitmaps are kept and given back within one opening", () => {
  const contents = bitmapsImage([{ auto: true }]);
  const image = openSmall(contents);
  // Each time new bits and a new table are stored and the old ones are free again: the file would grow by 100 tables otherwise.
  for (let round = 0; round < 50; round++) {
    image.write((round % 16) * CLUSTER, new Uint8Array(512).fill(1));
    image.flush();
    image.settle();
  }
  expect(image.fileSize).toBeLessThan(40 * CLUSTER);
  const header = readHeader(new MemoryStore("a", contents));
  const stored = readBitmaps(new MemoryStore("a", contents), header)!.bitmaps[0]!;
  expect([...storedBits(new MemoryStore("a", contents), header, stored).runs()]).toEqual([{ offset: 0, lengthBytes: MIB }]);
  image.changeWhole((state) => {
    expect(state.metadata.ownerOf(stored.tableOffset)).toBe("bitmap table");
    expect(clearBitmap(state, "b0").ok).toBe(true);
    expect(state.metadata.ownerOf(stored.tableOffset)).toBeNull();
  });
  for (const change of [addBitmap, removeBitmap, addBitmap]) expect(openSmall(contents).changeWhole((state) => change(state, "added", 16)).ok).toBe(true);
  openSmall(contents).changeWhole((state) => {
    removeAllBitmaps(state);
    for (let cluster = 4; cluster * CLUSTER < state.store.size(); cluster++) expect(state.metadata.ownerOf(cluster * CLUSTER) ?? "").not.toContain("bitmap");
  });
});

test("an L2 table that is the bits of a bitmap is not written by a repair either", () => {
  const bits = BITS * CLUSTER;
  // Of the bits the first word is an entry whose cluster is counted once, and which has no flag.
  const contents = bitmapsImage([{}], { words: { [AT.l1 * CLUSTER]: BigInt(bits) }, refcounts: { [BITS]: 2, [FREE]: 1 } });
  const words = new DataView(new ArrayBuffer(CLUSTER));
  words.setBigUint64(0, BigInt(FREE * CLUSTER));
  contents.write(bits, new Uint8Array(words.buffer));
  const image = new OpenImage(1, { ...STANDALONE, file: "a", store: new MemoryStore("a", contents), format: "qcow2" }, true, () => 0);
  expect(() => runToEnd(image.repair("all"))).toThrow(/655360.*a cluster that holds no other table/);
  expect(clusterOf(contents, BITS)).toEqual(new Uint8Array(words.buffer));
});

test("a layout goes through a table that many bitmaps have once, and counts what each of them leads to behind the file's end", () => {
  const [entries, count] = [CLUSTER / 8, 1000];
  const laidOut = (bitmaps: number): { readonly beyond: number; readonly bits: number; readonly readBytes: number } => {
    const contents = bitmapsImage(
      Array.from({ length: bitmaps }, () => ({ tableSize: entries })),
      { words: { [TABLE * CLUSTER + 8]: BigInt(40 * CLUSTER), [TABLE * CLUSTER + 16]: BigInt(50 * CLUSTER) }, length: 12 * CLUSTER },
    );
    const store = new CountingStore(new MemoryStore("a", contents));
    const report = runToEnd(layoutOf(new Inspected(store, readHeader(store, "check"), null), LAYOUT_KINDS, { maxCells: 2 ** 16 }));
    const countOf = (kind: LayoutKind): number => report.counts[LAYOUT_KINDS.indexOf(kind)]!;
    return { beyond: countOf("beyond-end"), bits: countOf("bitmap") + countOf("used-twice"), readBytes: store.take().readBytes };
  };
  const [one, many] = [laidOut(1), laidOut(count)];
  expect([one.beyond, many.beyond]).toEqual([2, 2 * count]);
  expect(many.bits).toBe(one.bits);
  expect(many.readBytes - one.readBytes).toBeLessThan(8 * CLUSTER);
});
