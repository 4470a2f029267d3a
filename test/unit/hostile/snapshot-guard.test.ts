/**
 * Snapshots whose L1 tables are huge, or many: no write lands on an L2 table of one, up to the format's limit, and an image with more than
 * can be known is for reading. What it costs to know is counted in bytes that are read.
 */
import { expect, test } from "vitest";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import type { MemoryContents } from "../../../src/bytes/memory-store.ts";
import { Qcow2Image } from "../../../src/qcow2/image.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";
import { AT, CLUSTER, COPIED, openSmall, smallImage } from "./small-image.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const MOST_ENTRIES = (32 * MIB) / 8;
const LONGEST = { l1Offset: GIB, l1Size: MOST_ENTRIES };

function bytesReadToOpen(contents: MemoryContents): number {
  const store = new CountingStore(new MemoryStore("a", contents));
  const image = new Qcow2Image(store, readHeader(store), { write: true });
  expect(image.readOnlyReason).toBeNull();
  return store.take().readBytes;
}

test.each([0, 2 ** 15 - 1, 2 ** 21, MOST_ENTRIES - 1])("an L1 table of 32 MiB whose entry %i leads to an L2 table: no write lands there", (entry) => {
  // The cluster's refcount is 0, so that it would be the first to be given away.
  const contents = smallImage({ snapshots: [LONGEST], words: { [GIB + 8 * entry]: COPIED | BigInt(5 * CLUSTER) }, length: 2 * GIB });
  const before = new Uint8Array(CLUSTER).fill(7);
  contents.write(5 * CLUSTER, before);
  const image = openSmall(contents);
  expect(image.readOnlyReason).toBeNull();
  expect(() => image.write(0, new Uint8Array(512).fill(1))).toThrow(/L2 table of a snapshot/);
  const after = new Uint8Array(CLUSTER);
  contents.read(5 * CLUSTER, after);
  expect(after).toEqual(before);
});

test("an entry of the disk that leads to such a table is not written through", () => {
  const l2 = 6 * CLUSTER;
  const words = { [AT.l1 * CLUSTER]: COPIED | BigInt(l2), [l2]: COPIED | BigInt(5 * CLUSTER), [GIB + 8 * 3_000_000]: BigInt(5 * CLUSTER) };
  const image = openSmall(smallImage({ snapshots: [LONGEST], words, refcounts: { 5: 1, 6: 1 }, length: 2 * GIB }));
  expect(() => image.write(0, new Uint8Array(512).fill(1))).toThrow(/L2 table of a snapshot/);
});

test("without an entry that leads there, the cluster is anybody's", () => {
  const contents = smallImage({ snapshots: [LONGEST], length: 2 * GIB });
  const image = openSmall(contents);
  image.write(0, new Uint8Array(512).fill(1));
  image.flush();
  const taken = new Uint8Array(1);
  contents.read(6 * CLUSTER, taken);
  expect(taken[0]).toBe(1);
});

test("the same table of many snapshots, and tables that overlap, are read once", () => {
  const one = bytesReadToOpen(smallImage({ snapshots: [LONGEST], length: 2 * GIB }));
  expect(one).toBeGreaterThan(32 * MIB);
  const many = Array.from({ length: 3000 }, () => LONGEST);
  const overlapping = Array.from({ length: 512 }, (_, index) => ({ l1Offset: GIB + index * CLUSTER, l1Size: MOST_ENTRIES }));
  expect(bytesReadToOpen(smallImage({ snapshots: many, length: 2 * GIB }))).toBeLessThan(one + 2 * MIB);
  expect(bytesReadToOpen(smallImage({ snapshots: overlapping, length: 2 * GIB }))).toBeLessThan(2 * one + 2 * MIB);
});

test("more tables than can be read leave the image for reading, in words, and none of them is read", () => {
  const snapshots = Array.from({ length: 33 }, (_, index) => ({ l1Offset: GIB + index * 32 * MIB, l1Size: MOST_ENTRIES }));
  const contents = smallImage({ snapshots, length: 4 * GIB });
  const store = new CountingStore(new MemoryStore("a", contents));
  const image = new Qcow2Image(store, readHeader(store), { write: true });
  expect(image.readOnlyReason).toBe("snapshot table, length of all L1 tables at host offset 262144: found 1107296256, allowed is at most 1073741824 bytes");
  expect(store.take().readBytes).toBeLessThan(MIB);
  image.read(0, new Uint8Array(512));
});

test("more L2 tables than can be known leave the image for reading, in words", () => {
  const contents = smallImage({ snapshots: [LONGEST], length: 2 * GIB });
  const entries = new DataView(new ArrayBuffer(8 * (2 ** 20 + 1)));
  for (let index = 0; index <= 2 ** 20; index++) entries.setBigUint64(index * 8, BigInt((1 + index) * CLUSTER));
  contents.write(GIB, new Uint8Array(entries.buffer));
  expect(openSmall(contents).readOnlyReason).toBe("snapshot table, L2 tables at host offset 262144: found more than 1048576, allowed is at most 1048576 tables");
});

test("an L1 table behind the file's end is none to write on either, for the file will grow", () => {
  const contents = smallImage({ snapshots: [{ l1Offset: 20 * CLUSTER, l1Size: 1 }] });
  const image = openSmall(contents);
  expect(() => image.write(0, new Uint8Array(1024 * 1024).fill(1))).toThrow(/L1 table of a snapshot/);
});

test("an L1 table of a snapshot that is the disk's own leaves the image for reading", () => {
  expect(openSmall(smallImage({ snapshots: [{ l1Offset: AT.l1 * CLUSTER, l1Size: 1 }] })).readOnlyReason).toContain("a cluster that holds the L1 table");
});

test.each([
  ["L1 table", AT.l1],
  ["refcount block", AT.refcountBlock],
  ["snapshot table", AT.snapshots],
])("an L2 table of a snapshot that is the %s, which is written where it lies, leaves the image for reading", (owner, cluster) => {
  const image = openSmall(smallImage({ snapshots: [{ l1Offset: 8 * CLUSTER, l1Size: 1 }], words: { [8 * CLUSTER]: BigInt(cluster * CLUSTER) }, refcounts: { 8: 1 } }));
  expect(image.readOnlyReason).toContain(`L2 table of a snapshot, host offset at host offset ${cluster * CLUSTER}: found a cluster that holds the ${owner}`);
});

test("an L2 table that the disk has in common with a snapshot is copied where its entry says so, and refused where the flag lies", () => {
  const contents = (flag: bigint): MemoryContents =>
    smallImage({ snapshots: [{ l1Offset: 8 * CLUSTER, l1Size: 1 }], words: { [AT.l1 * CLUSTER]: flag | BigInt(9 * CLUSTER), [8 * CLUSTER]: BigInt(9 * CLUSTER) }, refcounts: { 8: 1, 9: 2 } });
  const shared = contents(0n);
  const image = openSmall(shared);
  image.write(0, new Uint8Array(512).fill(1));
  image.flush();
  const lying = contents(COPIED);
  expect(() => openSmall(lying).write(0, new Uint8Array(512).fill(1))).toThrow(/COPIED flag.*L2 table of a snapshot/);
  for (const each of [shared, lying]) {
    const table = new Uint8Array(CLUSTER);
    each.read(9 * CLUSTER, table);
    expect(table.every((byte) => byte === 0)).toBe(true);
  }
});
