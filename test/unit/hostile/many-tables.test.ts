/**
 * Images of few bytes with very many tables: how often and how much is read is bounded by what the file takes of its disk, and no
 * finding is lost by it.
 */
import { expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { hostOffset } from "../../../src/base/units.ts";
import { KnownZeros } from "../../../src/bytes/known-zeros.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { checkImage } from "../../../src/qcow2/check.ts";
import type { ClusterReport } from "../../../src/qcow2/check.ts";
import { filledTables } from "../../../src/qcow2/filled-tables.ts";
import type { OffsetSet } from "../../../src/qcow2/filled-tables.ts";
import type { Backing } from "../../../src/qcow2/backing.ts";
import { Qcow2Image } from "../../../src/qcow2/image.ts";
import { openState, readHeader } from "../../../src/qcow2/open.ts";
import { refuseTooMany } from "../../../src/qcow2/references.ts";
import type { L1Table } from "../../../src/qcow2/references.ts";
import { repairImage } from "../../../src/qcow2/repair.ts";
import type { RepairOutcome } from "../../../src/qcow2/repair.ts";
import { ALL_TABLES, TableWork } from "../../../src/qcow2/table-work.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";
import { CLUSTER, COPIED, FIRST, L1, PER_TABLE, TABLES, counting, manyTables } from "./many-tables.ts";

const MIB = 2 ** 20;

function checked(store: CountingStore): ClusterReport {
  const work = checkImage(store, readHeader(store, "check"), []);
  for (;;) {
    const next = work.next();
    if (next.done === true) return next.value;
  }
}

/** Every index once, in no order. */
const shuffled = (index: number): number => (index * 40503) % TABLES;

test.each([
  ["in order", (index: number) => index],
  ["in no order", shuffled],
])("tables that lie side by side %s are read by the megabyte, and the one that is filled is gone through", (_, place) => {
  const filled = FIRST + place(1234) * CLUSTER;
  const contents = manyTables((index) => FIRST + place(index) * CLUSTER, FIRST + TABLES * CLUSTER, { [filled + 8]: COPIED | 3n * BigInt(CLUSTER), [filled + 16]: 4n });
  const store = counting(contents, MIB);
  const report = checked(store);
  expect(report.allocatedClusters).toBe(1);
  expect(report.findings).toContainEqual({ finding: "reserved-bits", structure: "L2 table", entry: "4" });
  expect(report.findings).toContainEqual({ finding: "refcount-too-low", cluster: 3, refcount: 0, references: 1 });
  // A wrong flag by table, and one by entry that leads to a cluster; and a count by cluster of the L1 table, the tables, the header, the refcount structure and the data.
  const counted = (TABLES * 8) / CLUSTER + TABLES + 4;
  expect([report.corruptions, report.leaks]).toEqual([1 + TABLES + 1 + counted, 0]);
  const { reads, readBytes } = store.take();
  expect(reads).toBeLessThan(400);
  expect(readBytes).toBeLessThan(1.2 * TABLES * CLUSTER);
});

test.each([
  ["in order", (index: number) => index],
  ["in no order", shuffled],
])("a repair reads tables that lie side by side %s by the megabyte, however often it goes through them, and sets the flags of the one that is filled", (_, place) => {
  const filled = FIRST + place(1234) * CLUSTER;
  // Its first entry leads to a cluster of its own and lacks the flag, its second one has it.
  const data = FIRST + TABLES * CLUSTER;
  const contents = manyTables((index) => FIRST + place(index) * CLUSTER, data + 2 * CLUSTER, { [filled]: BigInt(data), [filled + 8]: COPIED | BigInt(data + CLUSTER) });
  const store = counting(contents, MIB);
  const zeros = new KnownZeros(store);
  const work = repairImage(zeros, readHeader(zeros, "check"), [], [], "all");
  let outcome: RepairOutcome | null = null;
  while (outcome === null) {
    const next = work.next();
    if (next.done === true) outcome = next.value;
  }
  expect(outcome.corruptionsFixed).toBeGreaterThan(TABLES);
  expect(outcome.needsRebuild).toBe(false);
  const { reads, readBytes } = store.take();
  expect(reads).toBeLessThan(4000);
  expect(readBytes).toBeLessThan(3 * TABLES * CLUSTER);
  const after = checked(store);
  expect([after.corruptions, after.leaks, after.allocatedClusters]).toEqual([0, 0, 2]);
});

test("a change that has to go through more tables than the file can hold is refused by their number, and reads none", () => {
  const tables = 2 ** 18;
  const view = new DataView(new ArrayBuffer(tables * 8));
  for (let index = 0; index < tables; index++) view.setBigUint64(index * 8, COPIED | BigInt(FIRST + index * CLUSTER));
  const l1: L1Table = { view, offset: L1, size: tables };
  const contents = manyTables(() => 0, FIRST);
  const store = counting(contents, MIB);
  const header = readHeader(store);
  store.take();
  expect(() => refuseTooMany(l1, header, store)).toThrow(/image's tables/);
  expect(store.take().reads).toBe(0);
  // Tables that take their bytes, those of a file system that compresses, and few ones.
  expect(() => refuseTooMany(l1, header, counting(contents, tables * CLUSTER))).not.toThrow();
  expect(() => refuseTooMany(l1, header, counting(contents, (tables * CLUSTER) / 16))).not.toThrow();
  expect(() => refuseTooMany({ ...l1, size: 2 ** 16 }, header, store)).not.toThrow();
});

test("a table that many entries lead to is read once, wherever they stand", () => {
  const contents = manyTables((index) => FIRST + (shuffled(index) % 2) * MIB, FIRST + 2 * MIB, { [FIRST]: COPIED | 3n * BigInt(CLUSTER) });
  const store = counting(contents, MIB);
  expect(checked(store).allocatedClusters).toBe(TABLES / 2);
  expect(store.take().reads).toBeLessThan(100);
});

test.each([
  ["in order", 65536, (index: number) => index, 2 ** 18],
  ["in no order", 65536, (index: number) => (index * 40503) % 2 ** 18, 2 ** 18],
  ["side by side", CLUSTER, (index: number) => index, 2 ** 20 + 2 ** 17],
])("tables in holes, %s, are refused in words, before any of them is read", (_, apart, place, many) => {
  const first = FIRST + many * 8;
  const store = counting(manyTables((index) => first + place(index) * apart, first + many * apart, {}, many), 3 * MIB);
  expect(() => checked(store)).toThrow(/image's tables/);
  expect(store.take().reads).toBeLessThan(20);
});

test("as many tables as are free, in holes and in order, are read one by one, whatever the file takes", () => {
  const many = 2 ** 17 - 2 ** 10;
  const first = FIRST + many * 8;
  const store = counting(manyTables((index) => first + index * 65536, first + many * 65536, {}, many), 3 * MIB);
  expect(checked(store).allocatedClusters).toBe(0);
  expect(store.take().reads).toBeGreaterThan(many);
});

test("a map of a disk whose tables are empty, in no order, looks at them all by the megabyte, and finds what is there", () => {
  const filled = FIRST + shuffled(54_321) * CLUSTER;
  const tables = 2 ** 19;
  const offsetOf = (index: number): number => (index < TABLES ? FIRST + tables * 8 + shuffled(index) * CLUSTER : 0);
  const place = filled + tables * 8;
  const contents = manyTables(offsetOf, FIRST + tables * 8 + TABLES * CLUSTER, { [place + 8]: COPIED | BigInt(3 * CLUSTER) }, tables);
  const store = counting(contents, 8 * MIB);
  const image = new Qcow2Image(store, readHeader(store), {});
  store.take();
  const at = (54_321 * PER_TABLE + 1) * CLUSTER;
  const { extents, next } = image.map(0, tables * PER_TABLE * CLUSTER, 100);
  expect(next).toBe(null);
  expect(extents.map(({ start, length, hostOffset }) => [start, length, hostOffset])).toEqual([
    [0, at, null],
    [at, CLUSTER, 3 * CLUSTER],
    [at + CLUSTER, tables * PER_TABLE * CLUSTER - at - CLUSTER, null],
  ]);
  // The empty ones that are met first, those that are read by the megabyte, and the one with an entry.
  expect(store.take().reads).toBeLessThan(1024 + 40);
});

test("an image that is written holds its empty tables against what its file takes, when it has met many; where they are true, all are gone through", () => {
  const tables = 2 ** 18;
  const contents = manyTables((index) => FIRST + tables * 8 + index * CLUSTER, FIRST + tables * 8 + tables * CLUSTER, {}, tables);
  const mapped = (allocated: number): CountingStore => {
    const store = counting(contents, allocated);
    const image = new Qcow2Image(store, readHeader(store), { write: true });
    store.take();
    expect(image.map(0, tables * PER_TABLE * CLUSTER, 100)).toMatchObject({ next: null, extents: [{ start: 0, length: tables * PER_TABLE * CLUSTER }] });
    return store;
  };
  expect(mapped(tables * CLUSTER).take().reads).toBe(tables);
  const reads = { count: 0 };
  const store = Object.assign(counting(contents, 3 * MIB), { read: (at: number, into: Uint8Array) => (reads.count++, new MemoryStore("a", contents).read(at, into)) });
  const image = new Qcow2Image(store, readHeader(store), { write: true });
  reads.count = 0;
  expect(() => image.map(0, tables * PER_TABLE * CLUSTER, 100)).toThrow(/image's tables/);
  expect(reads.count).toBe(2 ** 13);
});

test("tables that were too many once are refused again without another look at them", () => {
  const tables = 2 ** 18;
  const place = (index: number): number => FIRST + tables * 8 + index * 65536;
  const store = counting(manyTables(place, place(tables), {}, tables), 3 * MIB);
  const image = new Qcow2Image(store, readHeader(store), {});
  expect(() => image.map(0, tables * PER_TABLE * CLUSTER, 100)).toThrow(/image's tables/);
  store.take();
  expect(() => image.map(0, tables * PER_TABLE * CLUSTER, 100)).toThrow(/image's tables/);
  expect(store.take().reads).toBeLessThan(3);
});

test("a chain's disks share what is gone through of any file, and have their empty tables in memory once", () => {
  const contents = manyTables((index) => FIRST + shuffled(index) * CLUSTER, FIRST + TABLES * CLUSTER);
  const mapped = (chain: number, allocated = 600 * 1024): unknown => {
    const store = counting(contents, allocated);
    return new Qcow2Image(store, readHeader(store), { chain }).map(0, TABLES * PER_TABLE * CLUSTER, 100).next;
  };
  expect(mapped(1)).toBeNull();
  expect(() => mapped(200)).toThrow(/image's tables/);
  expect(mapped(200, TABLES * CLUSTER)).toBeNull();
  const { l2 } = openState(new MemoryStore("a", contents), readHeader(new MemoryStore("a", contents)), {}).state;
  const [first, second] = [l2.get(hostOffset(FIRST)), l2.get(hostOffset(FIRST + CLUSTER))];
  expect(first.data).toEqual(new Uint8Array(CLUSTER));
  expect(second.data).toBe(first.data);
  const written = openState(new MemoryStore("a", contents), readHeader(new MemoryStore("a", contents)), { write: true }).state.l2;
  expect(written.get(hostOffset(FIRST)).data).not.toBe(written.get(hostOffset(FIRST + CLUSTER)).data);
});

test("a repair that would go through more tables than the file can hold is refused before anything changes; one of tables that are true is not", () => {
  const tables = 2 ** 20 + 2 ** 16;
  const first = L1 + tables * 8;
  const contents = manyTables((index) => first + index * CLUSTER, first + tables * CLUSTER, {}, tables);
  const begun = (allocated: number): CountingStore => {
    const store = counting(contents, allocated);
    const work = repairImage(store, readHeader(store, "check"), [], [], "all");
    // All is gone through once in the first two fifths.
    for (let next = work.next(); next.done !== true && next.value < 0.3; ) next = work.next();
    return store;
  };
  const store = counting(contents, 9 * MIB);
  const work = repairImage(store, readHeader(store, "check"), [], [], "all");
  expect(() => [...work]).toThrow(/image's tables/);
  expect(store.take().writes).toBe(0);
  expect(begun(tables * CLUSTER).take().readBytes).toBeGreaterThan(tables * CLUSTER);
});

test("a map does not tell of one table over and over for every entry that leads to it", () => {
  const tables = 2 ** 19;
  const words = Object.fromEntries(Array.from({ length: PER_TABLE }, (_, index) => [FIRST + tables * 8 + index * 8, COPIED | BigInt(3 * CLUSTER)]));
  const store = counting(manyTables(() => FIRST + tables * 8, FIRST + tables * 8 + CLUSTER, words, tables), 5 * MIB);
  const image = new Qcow2Image(store, readHeader(store), {});
  const go = (): void => {
    for (let at: number | null = 0; at !== null; ) at = image.map(at, tables * PER_TABLE * CLUSTER - at, 2 ** 16).next;
  };
  expect(go).toThrow(/image's tables/);
});

test("entries of one table are not told over and over for the bytes that the entries which lead to it take of the file", () => {
  const tables = 2 ** 19;
  const words = Object.fromEntries(Array.from({ length: PER_TABLE }, (_, index) => [FIRST + tables * 8 + index * 8, COPIED | BigInt(3 * CLUSTER)]));
  const contents = manyTables(() => FIRST + tables * 8, FIRST + tables * 8 + CLUSTER, words, tables);
  const toldWith = (allocated: number): number => {
    const image = new Qcow2Image(counting(contents, allocated), readHeader(counting(contents, allocated)), {});
    let told = 0;
    try {
      for (let at: number | null = 0; at !== null; ) {
        const { extents, next } = image.map(at, tables * PER_TABLE * CLUSTER - at, 2 ** 16);
        told += extents.length;
        at = next;
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
    return told;
  };
  // What the last call would have told with what was too much is not told.
  const told = [toldWith(tables * 8), toldWith(tables * 8 + 8 * 2 ** 21)];
  expect(told.map((extents) => Math.ceil((extents + 1) / 2 ** 16) * 2 ** 16)).toEqual([2 ** 20, 2 ** 21]);
});

test("a map tells of all tables of a disk that a file system has compressed", () => {
  // Every entry of the disk's start has a place, and no data has been written.
  const filled = 2 ** 14 + 64;
  const tables = 2 ** 19;
  const first = L1 + tables * 8;
  const contents = manyTables((index) => (index < filled ? first + index * CLUSTER : 0), first + filled * CLUSTER, {}, tables);
  const words = new DataView(new ArrayBuffer(filled * CLUSTER));
  for (let entry = 0; entry < filled * PER_TABLE; entry++) words.setBigUint64(entry * 8, COPIED | BigInt(first + (filled + entry) * CLUSTER));
  contents.write(first, new Uint8Array(words.buffer));
  const store = counting(contents, (filled * CLUSTER) / 10);
  const image = new Qcow2Image(store, readHeader(store), {});
  let end = 0;
  for (let at: number | null = 0; at !== null; ) {
    const { extents, next } = image.map(at, filled * PER_TABLE * CLUSTER - at, 2 ** 16);
    end = extents.at(-1)!.start + extents.at(-1)!.length;
    at = next;
  }
  expect(end).toBe(filled * PER_TABLE * CLUSTER);
});

test("sixteen times what the file takes of its disk is gone through: a file system may have compressed its tables", () => {
  const free = { readBytes: 1000, reads: 2, entries: 10 };
  const store = Object.assign(new MemoryStore("a", new MemoryContents()), { allocated: () => 256 });
  const spends: readonly ((work: TableWork) => void)[] = [(work) => work.read(4096), (work) => work.entries(512), (work) => [1, 2, 3, 4, 5, 6, 7, 8].forEach(() => work.read(1))];
  for (const spend of spends) {
    const work = new TableWork(store, free);
    spend(work);
    let problem: unknown = null;
    try {
      spend(work);
    } catch (error) {
      if (error instanceof Fault) problem = error.problem;
    }
    expect(problem).toMatchObject({ kind: "image", structure: ALL_TABLES, allowed: "at most 16 times the 256 bytes that the file takes of its disk" });
  }
});

test("where a file system counts nothing for a file, its length stands for what it takes", () => {
  const contents = new MemoryContents();
  contents.truncate(8192);
  const work = new TableWork(Object.assign(new MemoryStore("a", contents), { allocated: () => 0 }), { readBytes: 0, reads: 0, entries: 0 });
  work.entries(1024);
  work.read(8192);
  expect(() => work.entries(1024 * 16)).toThrow(/8192 bytes that the file takes/);
});

test("a disk that is all zero clusters is read whatever its tables take: a file system may have compressed them to nothing", () => {
  const contents = manyTables((index) => FIRST + index * CLUSTER, FIRST + TABLES * CLUSTER);
  const zeros = Uint8Array.from({ length: MIB }, (_, at) => (at % 8 === 7 ? 1 : 0));
  for (let at = 0; at < TABLES * CLUSTER; at += MIB) contents.write(FIRST + at, zeros);
  const length = TABLES * PER_TABLE * CLUSTER;
  const store = counting(contents, MIB);
  const image = new Qcow2Image(store, readHeader(store), {});
  expect(image.map(0, length, 10)).toEqual({ extents: [expect.objectContaining({ start: 0, length, zero: true })], next: null });
});

test("filled tables are told from empty ones, and those behind the end stay", () => {
  const contents = new MemoryContents();
  contents.truncate(MIB);
  for (const at of [1024 + 511, 65536, 3 * 65536 + 100]) contents.write(at, new Uint8Array([1]));
  const store = new CountingStore(new MemoryStore("a", contents));
  const offsets = Float64Array.from([512, 1024, 1536, 65536, 131072, 3 * 65536, MIB, 2 * MIB]);
  const filled: OffsetSet = filledTables(store, offsets.slice(), CLUSTER, new TableWork(store));
  expect([...offsets].filter((offset) => filled.has(offset))).toEqual([1024, 65536, 3 * 65536, MIB, 2 * MIB]);
  expect([filled.size, filled.has(513)]).toEqual([5, false]);
  expect(store.take().reads).toBe(4);
});

test("a refcount block that the table names for every cluster of a huge file is counted, not gone through", () => {
  const entries = 2 ** 15;
  const block = FIRST + entries * 8;
  const length = entries * 256 * CLUSTER;
  const contents = manyTables(() => 0, length);
  const table = new DataView(new ArrayBuffer(entries * 8));
  for (let index = 0; index < entries; index++) table.setBigUint64(index * 8, BigInt(block));
  contents.write(FIRST, new Uint8Array(table.buffer));
  contents.write(block, Uint8Array.from({ length: CLUSTER }, (_, at) => at % 2));
  const field = new DataView(new ArrayBuffer(12));
  field.setBigUint64(0, BigInt(FIRST));
  field.setUint32(8, (entries * 8) / CLUSTER);
  contents.write(48, new Uint8Array(field.buffer));
  const store = counting(contents, 2 * MIB);
  const report = checked(store);
  // All clusters but the header's, those of the two tables and the block's are leaked.
  const used = 1 + (TABLES * 8) / CLUSTER + (entries * 8) / CLUSTER + 1;
  expect(report.leaks).toBe(length / CLUSTER - used);
  expect(report.imageEndOffset).toBe(length);
  expect(store.take().reads).toBeLessThan(40);
});

/** A disk below that has nothing, and counts how often it is asked. */
function asked(virtualSize: number): Backing & { maps: number; reads: number } {
  return {
    virtualSize,
    maps: 0,
    reads: 0,
    read(_, into) {
      this.reads++;
      into.fill(0);
    },
    map(start, length) {
      this.maps++;
      return { extents: [{ start, length, allocated: false, zero: true, data: false, compressed: false, hostOffset: null, depth: 0 }], next: null };
    },
  };
}

test("a disk of which no table is there asks what it stands on once, and once on each side of a table that is", () => {
  const span = PER_TABLE * CLUSTER;
  const size = TABLES * span;
  const open = (only: number): { image: Qcow2Image; below: ReturnType<typeof asked> } => {
    const store = new MemoryStore("a", manyTables((index) => (index === only ? FIRST : 0), FIRST + CLUSTER, { [FIRST]: COPIED | BigInt(FIRST + CLUSTER) }));
    const below = asked(size);
    return { image: new Qcow2Image(store, readHeader(store), { backing: below }), below };
  };
  const none = open(-1);
  expect(none.image.map(0, size, 10).extents).toEqual([expect.objectContaining({ start: 0, length: size, depth: 1 })]);
  expect(none.below.maps).toBe(1);
  none.image.read(span - 1, new Uint8Array(3 * span));
  expect(none.below.reads).toBe(1);
  for (const only of [0, 1, 1000, TABLES - 1]) {
    const { image, below } = open(only);
    const within = image.map(0, size, 10).extents.filter(({ data }) => data);
    expect(within).toEqual([expect.objectContaining({ start: only * span, length: CLUSTER })]);
    // The rest of what the table maps is a stretch of its own.
    expect(below.maps).toBe(only === 0 || only === TABLES - 1 ? 2 : 3);
    // A range may start and end within what no table maps.
    if (only > 2) expect(image.map(span + 512, 700, 10).extents).toEqual([expect.objectContaining({ start: span + 512, length: 700 })]);
  }
});
