/**
 * Tables that lie in one entry: the image is open for writing, what does not go by the lie is written, and the first operation that goes
 * by it changes nothing, tells of it and marks the image, after which nothing is written any more.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import type { MemoryContents } from "../../../src/bytes/memory-store.ts";
import { portableCodecs } from "../../../src/qcow2/codecs.ts";
import { Qcow2Image } from "../../../src/qcow2/image.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { applySnapshot, deleteSnapshot } from "../../../src/qcow2/snapshot-changes.ts";
import { AT, CLUSTER, COPIED, openSmall, smallImage } from "./small-image.ts";

const MIB = 2 ** 20;
/** What an L2 table of clusters of 64 KiB maps. */
const SPAN = 512 * MIB;
const L2 = 5;
const L1_ENTRY = AT.l1 * CLUSTER;
const INCOMPATIBLE_AT = 72;
const SECTOR = new Uint8Array(512).fill(1);

beforeAll(() => portableCodecs.loadDeflate());

/** A disk of four L2 tables; the second entry leads to a table of its own. */
const disk = (words: Readonly<Record<number, bigint>>): MemoryContents =>
  smallImage({ header: { virtualSize: 4 * SPAN, l1Size: 4 }, words: { [L1_ENTRY + 8]: COPIED | BigInt(L2 * CLUSTER), ...words }, refcounts: { [L2]: 1 } });

const clusterOf = (contents: MemoryContents, cluster: number): Uint8Array => {
  const bytes = new Uint8Array(CLUSTER);
  contents.read(cluster * CLUSTER, bytes);
  return bytes;
};
const isMarked = (contents: MemoryContents): boolean => (clusterOf(contents, 0)[INCOMPATIBLE_AT + 7]! & 2) !== 0;

function corruptionOf(act: () => void): unknown {
  try {
    act();
  } catch (error) {
    if (error instanceof Fault && error.problem.kind === "image") return error.problem.corruption ?? "told before";
    throw error;
  }
  return "done";
}

/** The image, open for writing, of which a write beside the lie was made and is durable. */
function opened(contents: MemoryContents): Qcow2Image {
  const image = openSmall(contents);
  expect(image.readOnlyReason).toBeNull();
  image.write(SPAN, SECTOR);
  image.flush();
  expect(isMarked(contents)).toBe(false);
  return image;
}

describe("an L1 entry leads to a cluster that another table has", () => {
  const overlap = (owner: string): object => ({ fatal: true, what: "overlap", owner });
  const cases = [
    ["the L1 table, as its own", COPIED | BigInt(L1_ENTRY), AT.l1, "L1 table"],
    ["the L1 table, to be copied", BigInt(L1_ENTRY), AT.l1, "L1 table"],
    ["the table of another entry, as its own", COPIED | BigInt(L2 * CLUSTER), L2, "L2 table"],
    ["the table of another entry, to be copied", BigInt(L2 * CLUSTER), L2, "L2 table"],
  ] as const;
  const changes: readonly (readonly [string, (image: Qcow2Image) => void])[] = [
    ["a write", (image) => image.write(0, SECTOR)],
    ["zeros", (image) => image.writeZeroes(0, CLUSTER, false)],
    ["a discard", (image) => image.discard(0, CLUSTER)],
    ["a compressed write", (image) => void image.writeCompressed(0, new Uint8Array(CLUSTER))],
  ];

  test.each(cases.flatMap(([where, word, cluster, owner]) => changes.map(([what, change]) => [where, what, word, cluster, owner, change] as const)))("%s: %s", (_, __, word, cluster, owner, change) => {
    const contents = disk({ [L1_ENTRY]: word });
    const image = owner === "L1 table" ? opened(contents) : openSmall(contents);
    expect(image.readOnlyReason).toBeNull();
    const before = clusterOf(contents, cluster);
    expect(corruptionOf(() => change(image))).toEqual(overlap(owner));
    expect(isMarked(contents)).toBe(true);
    expect(corruptionOf(() => image.write(SPAN, SECTOR))).toBe("told before");
    expect(Buffer.compare(clusterOf(contents, cluster), before)).toBe(0);
  });

  test("neither of two entries that lead to one table is written by, and a third is", () => {
    const contents = disk({ [L1_ENTRY]: COPIED | BigInt(L2 * CLUSTER) });
    const image = openSmall(contents);
    image.write(2 * SPAN, SECTOR);
    image.flush();
    expect(corruptionOf(() => image.write(SPAN, SECTOR))).toEqual(overlap("L2 table"));
    expect(clusterOf(contents, L2).every((byte) => byte === 0)).toBe(true);
  });

  test("a change of the image as a whole is not begun, and marks nothing", () => {
    const contents = disk({ [L1_ENTRY]: COPIED | BigInt(L1_ENTRY) });
    const image = opened(contents);
    expect(() => image.changeWhole(() => expect.unreachable())).toThrow(/one that holds the L1 table/);
    expect(isMarked(contents)).toBe(false);
  });

  test("no other place is found for an L1 table that leads to itself", () => {
    const contents = disk({ [L1_ENTRY]: COPIED | BigInt(L1_ENTRY) });
    const image = opened(contents);
    expect(() => image.reserveVmState(0, SPAN)).toThrow(/one that holds the L1 table/);
    expect(clusterOf(contents, 0)[40 + 7 - 2]).toBe(AT.l1);
  });

  test.each([
    ["the refcount table", AT.refcountTable],
    ["the refcount block", AT.refcountBlock],
  ])("%s: the image is for reading", (_, cluster) => {
    expect(openSmall(disk({ [L1_ENTRY]: COPIED | BigInt(cluster * CLUSTER) })).readOnlyReason).toMatch(/^L2 table.* holds the refcount table,|^refcount block.* holds the L2 table,/);
  });
});

describe("an entry leads to no cluster's start", () => {
  test.each([
    ["read", (image: Qcow2Image) => image.read(0, new Uint8Array(512))],
    ["written", (image: Qcow2Image) => image.write(0, SECTOR)],
    ["discarded", (image: Qcow2Image) => image.discard(0, CLUSTER)],
  ])("of the L1 table, %s", (_, act) => {
    const contents = disk({ [L1_ENTRY]: COPIED | BigInt(L2 * CLUSTER + 0x2a00) });
    const image = opened(contents);
    expect(corruptionOf(() => act(image))).toEqual({ fatal: true, what: "l2-table-offset", offset: L2 * CLUSTER + 0x2a00, l1Index: 0 });
    expect(isMarked(contents)).toBe(true);
  });

  test("of the refcount table, where a cluster is to be taken", () => {
    const contents = disk({ [AT.refcountTable * CLUSTER]: BigInt(AT.refcountBlock * CLUSTER + 0x2a00), [L2 * CLUSTER]: COPIED | BigInt(6 * CLUSTER) });
    // In place, where no count is asked for.
    const image = opened(contents);
    const block = clusterOf(contents, AT.refcountBlock);
    expect(corruptionOf(() => image.write(SPAN + CLUSTER, SECTOR))).toEqual({ fatal: true, what: "refblock-offset", offset: AT.refcountBlock * CLUSTER + 0x2a00, index: 0 });
    expect(isMarked(contents)).toBe(true);
    expect(Buffer.compare(clusterOf(contents, AT.refcountBlock), block)).toBe(0);
    expect(clusterOf(contents, 6)[0]).toBe(1);
  });

  test("of the refcount table, where a cluster is given up: told by the flush, and the entry is gone", () => {
    const contents = disk({ [AT.refcountTable * CLUSTER]: BigInt(AT.refcountBlock * CLUSTER + 0x2a00), [L2 * CLUSTER]: COPIED | BigInt(6 * CLUSTER) });
    const image = openSmall(contents);
    image.discard(SPAN, CLUSTER);
    expect(corruptionOf(() => image.flush())).toMatchObject({ what: "refblock-offset" });
    expect(isMarked(contents)).toBe(true);
  });

  test("of the refcount table, met only when an image whose counts lagged is left in good order", () => {
    const contents = disk({ [AT.refcountTable * CLUSTER]: BigInt(AT.refcountBlock * CLUSTER + 0x2a00), [L2 * CLUSTER]: COPIED | BigInt(6 * CLUSTER) });
    const store = new MemoryStore("a", contents);
    const image = new Qcow2Image(store, readHeader(store), { write: true, lazyRefcounts: true });
    image.discard(SPAN, CLUSTER);
    expect(corruptionOf(() => image.settle())).toMatchObject({ what: "refblock-offset" });
    expect(isMarked(contents)).toBe(true);
  });
});

describe("what an entry leads to is counted by nobody", () => {
  const FREE = 6;
  const DATA = L2 * CLUSTER;
  const cases = [
    ["a cluster of data, discarded", { [DATA]: COPIED | BigInt(FREE * CLUSTER) }, SPAN],
    ["a cluster of a stream, discarded", { [DATA]: (1n << 62n) | BigInt(FREE * CLUSTER) }, SPAN],
    ["a table behind the file's end, of which a write makes a new one", { [L1_ENTRY + 16]: BigInt(FREE * CLUSTER) }, 2 * SPAN],
  ] as const;

  test.each(cases)("%s: whoever gets the cluster before the flush keeps it", (_, words, at) => {
    const contents = disk(words);
    contents.truncate(FREE * CLUSTER);
    const image = openSmall(contents);
    expect(image.readOnlyReason).toBeNull();
    if (at === SPAN) image.discard(at, CLUSTER);
    else image.write(at, SECTOR);
    const fill = (offset: number, byte: number): void => {
      for (let cluster = 0; cluster < 4; cluster++) image.write(offset + cluster * CLUSTER, new Uint8Array(CLUSTER).fill(byte));
      image.flush();
    };
    fill(SPAN + MIB, 7);
    // Given out once more, it would have two owners.
    fill(SPAN + 2 * MIB, 9);
    const found = new Uint8Array(4 * CLUSTER);
    image.read(SPAN + MIB, found);
    expect(found.every((byte) => byte === 7)).toBe(true);
    const sector = new Uint8Array(512);
    image.read(at, sector);
    expect(sector.every((byte) => byte === (at === SPAN ? 0 : 1))).toBe(true);
  });
});

test.each([["applied", applySnapshot], ["deleted", deleteSnapshot]] as const)("a table of the disk lies behind the file's end: no snapshot is %s in a part", (_, change) => {
  const theirs = 8;
  const words = { [L1_ENTRY + 8]: COPIED | BigInt(L2 * CLUSTER), [L1_ENTRY + 24]: COPIED | BigInt(100 * CLUSTER), [L2 * CLUSTER]: BigInt(6 * CLUSTER) };
  const contents = smallImage({ header: { virtualSize: 4 * SPAN, l1Size: 4 }, snapshots: [{ l1Offset: theirs * CLUSTER, l1Size: 1 }], words, refcounts: { [L2]: 1, 6: 1, [theirs]: 1 } });
  const all = (): Buffer => Buffer.concat(Array.from({ length: 24 }, (__, cluster) => clusterOf(contents, cluster)));
  const before = all();
  const image = openSmall(contents);
  expect(image.readOnlyReason).toBeNull();
  expect(() => image.changeWhole((state) => change(state, "s0"))).toThrow(/behind the file's end/);
  expect(all().equals(before)).toBe(true);
});
