/** Disks whose entries name few clusters over and over: what is read of them is bounded, and no sound disk is refused. */
import { expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { ALL_CLUSTERS, ClusterNames } from "../../../src/qcow2/cluster-names.ts";
import { encodeHeader } from "../../../src/qcow2/header.ts";
import { Qcow2Image } from "../../../src/qcow2/image.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";

const CLUSTER = 65536;
const PER_TABLE = CLUSTER / 8;
const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;
const ZERO = 1n;
const GIB = 2 ** 30;

/** A table by what its entries say. */
function table(entryOf: (index: number) => bigint, entries = PER_TABLE): DataView {
  const view = new DataView(new ArrayBuffer(entries * 8));
  for (let index = 0; index < entries; index++) view.setBigUint64(index * 8, entryOf(index));
  return view;
}

const problemOf = (act: () => void): unknown => {
  try {
    act();
  } catch (error) {
    if (error instanceof Fault) return error.problem;
    throw error;
  }
  return null;
};

const refusal = expect.objectContaining({ kind: "image", structure: ALL_CLUSTERS }) as unknown;
const named = (): ClusterNames => new ClusterNames(16, 8, 1024);

test.each([
  ["one cluster", () => COPIED | BigInt(3 * CLUSTER)],
  ["two by turns", (index: number) => COPIED | BigInt((3 + (index % 2)) * CLUSTER)],
  ["one compressed cluster", () => COMPRESSED | BigInt(3 * CLUSTER)],
  ["each of half as many clusters twice", (index: number) => COPIED | BigInt((3 + (index % (PER_TABLE / 2))) * CLUSTER)],
])("a table of which every entry names %s is refused, and so is all that comes behind", (_, entryOf) => {
  const names = named();
  expect(problemOf(() => names.count(0, table(entryOf), CLUSTER))).toEqual(refusal);
  expect(names.knows(0)).toBe(false);
  expect(problemOf(() => names.count(1, table(() => 0n), CLUSTER))).toEqual(refusal);
});

test("a disk that names each cluster once is taken, however large, in order or not, compressed or not", () => {
  const entryOf = [(at: number): bigint => COPIED | BigInt((at + 3) * CLUSTER), (at: number): bigint => COPIED | BigInt((((at * 40503) % 2 ** 20) + 3) * CLUSTER), (at: number): bigint => COMPRESSED | BigInt(3 * CLUSTER + at * 40)];
  for (const of of entryOf) {
    const names = named();
    for (let index = 0; index < 48; index++) names.count(index, table((at) => of(index * PER_TABLE + at)), CLUSTER);
    expect(names.knows(47)).toBe(true);
    expect(names.knows(48)).toBe(false);
  }
});

test("what takes no bytes of a cluster is not counted: no entry, and zeros with a place", () => {
  const names = named();
  for (let index = 0; index < 64; index++) names.count(index, table((at) => (at % 2 === 0 ? 0n : COPIED | BigInt(3 * CLUSTER) | ZERO)), CLUSTER);
  expect(names.knows(63)).toBe(true);
});

test("the second of two tables that name the same clusters is refused", () => {
  const names = named();
  const same = table((at) => COPIED | BigInt((at + 3) * CLUSTER));
  names.count(0, same, CLUSTER);
  expect(problemOf(() => names.count(1, same, CLUSTER))).toEqual(refusal);
});

test("few names are taken, whatever they are", () => {
  const names = named();
  names.count(0, table((at) => (at < 2000 ? COPIED | BigInt(3 * CLUSTER) : 0n)), CLUSTER);
  expect(names.knows(0)).toBe(true);
});

test("of extended entries the first word is taken, and of no other", () => {
  const names = new ClusterNames(16, 16, 1024);
  // Bits of subclusters that would be a cluster many times over, and an offset with a lowest bit that is reserved there.
  for (let index = 0; index < 8; index++) names.count(index, table((at) => (at % 2 === 0 ? COPIED | BigInt((index * PER_TABLE + at + 3) * CLUSTER) : BigInt(CLUSTER))), CLUSTER);
  expect(names.knows(7)).toBe(true);
  const repeated = new ClusterNames(16, 16, 1024);
  expect(problemOf(() => repeated.count(0, table((at) => (at % 2 === 0 ? COPIED | BigInt(3 * CLUSTER) : 0n)), CLUSTER))).toEqual(refusal);
});

/** An image whose L1 entries all lead to one table, with 64 KiB of data. */
function bomb(tables: number, entryOf: (index: number) => bigint): MemoryContents {
  const contents = new MemoryContents();
  const l1 = 5 * CLUSTER;
  contents.truncate(l1 + CLUSTER);
  contents.write(0, encodeHeader({ clusterBits: 16, virtualSize: tables * PER_TABLE * CLUSTER, l1Size: tables, l1Offset: l1, refcountTableOffset: CLUSTER, refcountTableClusters: 1, incompatible: 0n, refcountOrder: 4, extensions: [] }));
  contents.write(3 * CLUSTER, new Uint8Array(CLUSTER).fill(7));
  contents.write(4 * CLUSTER, new Uint8Array(table(entryOf).buffer));
  contents.write(l1, new Uint8Array(table(() => COPIED | BigInt(4 * CLUSTER), tables).buffer));
  return contents;
}

test("a bomb is mapped and not read: the refusal comes before a cluster of it, and comes again", () => {
  const store = new CountingStore(new MemoryStore("a", bomb(100, () => COPIED | BigInt(3 * CLUSTER))));
  const image = new Qcow2Image(store, readHeader(store), {});
  expect(image.map(0, GIB, 4).extents).toHaveLength(4);
  store.take();
  for (let at = 0; at < 10; at++) expect(problemOf(() => image.read(at * GIB, new Uint8Array(CLUSTER)))).toEqual(refusal);
  // No more than the table, which the map has read.
  expect(store.take().reads).toBe(0);
});

test("what is read of a disk of many alike tables is bounded by what they name", () => {
  const few = bomb(100, (at) => (at < 64 ? COPIED | BigInt(3 * CLUSTER) : 0n));
  const store = new CountingStore(new MemoryStore("a", few));
  const image = new Qcow2Image(store, readHeader(store), {});
  const into = new Uint8Array(CLUSTER);
  let read = 0;
  const problem = problemOf(() => {
    for (; read < 100; read++) image.read(read * PER_TABLE * CLUSTER, into);
  });
  expect(problem).toEqual(refusal);
  // 2 ** 27 bytes are 2048 clusters, 64 of them by table.
  expect(read).toBe(32);
});

test("a disk that was written is read on: clusters that were given up may be named again", () => {
  const contents = bomb(1, (at) => (at % 2 === 0 ? COPIED | BigInt(3 * CLUSTER) : 0n));
  contents.write(CLUSTER, new Uint8Array(table(() => BigInt(2 * CLUSTER), 1).buffer));
  contents.write(2 * CLUSTER, Uint8Array.from({ length: 12 }, (_, at) => at % 2));
  const store = new MemoryStore("a", contents);
  const image = new Qcow2Image(store, readHeader(store), { write: true });
  expect(image.readOnlyReason).toBe(null);
  const into = new Uint8Array(1);
  expect(problemOf(() => image.read(0, into))).toEqual(refusal);
  image.write(CLUSTER, new Uint8Array(CLUSTER).fill(5));
  image.read(0, into);
  expect(into[0]).toBe(7);
});
