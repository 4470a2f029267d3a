/** The inspector over images of few bytes with very many tables, or in a file that goes on and on: what it reads is bounded by what the file takes of its disk. */
import { expect, test } from "vitest";
import { CachedStore } from "../../../src/bytes/cached-store.ts";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import type { ByteStore } from "../../../src/bytes/byte-store.ts";
import { HostIndex } from "../../../src/inspect/host-index.ts";
import { Inspected } from "../../../src/inspect/inspected.ts";
import { layoutOf } from "../../../src/inspect/layout.ts";
import { placeOfHost } from "../../../src/inspect/locate.ts";
import { inspectHeader } from "../../../src/inspect/header-report.ts";
import { LAYOUT_KINDS } from "../../../src/protocol/index.ts";
import type { LayoutKind, LayoutReport } from "../../../src/protocol/index.ts";
import { encodeSnapshotsPlace } from "../../../src/qcow2/header.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { runToEnd } from "../../../src/engine/jobs.ts";
import { CLUSTER, COPIED, FIRST, PER_TABLE, TABLES, counting, manyTables } from "./many-tables.ts";

const MIB = 2 ** 20;
const shuffled = (index: number): number => (index * 40503) % TABLES;
const inspected = (store: ByteStore): Inspected => new Inspected(store, readHeader(store, "check"), null);
const laidOut = (store: ByteStore, maxCells = 2 ** 24): LayoutReport => runToEnd(layoutOf(inspected(store), LAYOUT_KINDS, { maxCells }));
const countOf = (layout: LayoutReport, kind: LayoutKind): number => layout.counts[LAYOUT_KINDS.indexOf(kind)]!;

test("empty tables in no order are read by the megabyte, however many stretches the layout has, and the one that is filled shows", () => {
  const filled = FIRST + shuffled(1234) * CLUSTER;
  const store = counting(manyTables((index) => FIRST + shuffled(index) * CLUSTER, FIRST + TABLES * CLUSTER + CLUSTER, { [filled + 8]: COPIED | BigInt(FIRST + TABLES * CLUSTER) }), 8 * MIB);
  const whole = laidOut(store);
  expect([countOf(whole, "l2-table"), countOf(whole, "data")]).toEqual([0, 0]);
  // None of them is counted.
  expect(countOf(whole, "used-twice")).toBe(TABLES + 1 + (TABLES * 8) / CLUSTER + 3);
  const once = store.take().reads;
  expect(once).toBeLessThan(2500);
  // Each stretch reads the L1 table and what is filled, no more.
  expect(laidOut(store, 2 ** 13).counts).toEqual(whole.counts);
  expect(store.take().reads).toBeLessThan(once + 12 * (TABLES / 2 ** 13 + 2));
});

test("more tables than the file can hold are refused, and nothing is drawn of a part of them", () => {
  const many = 2 ** 18;
  const first = FIRST + many * 8;
  const store = counting(manyTables((index) => first + index * 65536, first + many * 65536, {}, many), 3 * MIB);
  expect(() => laidOut(store)).toThrow(/image's tables/);
  expect(store.take().reads).toBeLessThan(100);
  // Over blocks that are read for whatever little is asked, no more bytes are read.
  expect(() => laidOut(new CachedStore(store))).toThrow(/image's tables/);
  expect(store.take().readBytes).toBeLessThan(1.1 * 2 ** 30);
});

test("tables with one cluster each, side by side with those, are gone through over such blocks too: all of them is in the file", () => {
  const many = 2 ** 17;
  const first = FIRST + many * 8;
  const length = first + many * 2 * CLUSTER;
  const contents = manyTables((index) => first + index * 2 * CLUSTER, length, {}, many);
  const entry = new DataView(new ArrayBuffer(8));
  for (let table = first; table < length; table += 2 * CLUSTER) {
    entry.setBigUint64(0, COPIED | BigInt(table + CLUSTER));
    contents.write(table, new Uint8Array(entry.buffer));
  }
  const layout = laidOut(new CachedStore(counting(contents, length)));
  // None of them is counted, nor are the header, the L1 table, the refcount table and its block.
  expect(countOf(layout, "used-twice")).toBe(many * 2 + 3 + (many * 8) / CLUSTER);
});

test("a file of 2^34 clusters, of which a handful are used, is laid out", () => {
  const layout = laidOut(new MemoryStore("a", manyTables(() => 0, 2 ** 43)));
  expect(layout.clusters).toBe(2 ** 34);
  // The header, the L1 table, the refcount table and its block: nothing counts them.
  expect(countOf(layout, "used-twice")).toBe(3 + (TABLES * 8) / CLUSTER);
  expect(layout.counts.reduce((sum, count) => sum + count)).toBe(2 ** 34);
});

test("a place is found among tables that lie in no order without reading the empty ones one by one", () => {
  const filled = FIRST + shuffled(60_000) * CLUSTER;
  const data = FIRST + TABLES * CLUSTER;
  const store = counting(manyTables((index) => FIRST + shuffled(index) * CLUSTER, data + CLUSTER, { [filled + 8]: COPIED | BigInt(data) }), 8 * MIB);
  const { report } = inspectHeader(store);
  const image = inspected(store);
  expect(runToEnd(HostIndex.build(image))).toBeNull();
  store.take();
  const place = runToEnd(placeOfHost({ inspected: image, report, live: () => null }, data + 7));
  expect(place.guest?.offset).toBe((60_000 * PER_TABLE + 1) * CLUSTER + 7);
  expect(store.take().reads).toBeLessThan(1200);
});

test("the tables of a snapshot are known, however many its L1 table leads to", () => {
  // 2^18 entries: more than a call may have arguments.
  const entries = 2 ** 18;
  const [table, l1] = [FIRST + 2 ** 20, FIRST + 2 ** 21];
  const contents = manyTables(() => 0, l1 + entries * 8 + entries * CLUSTER, {});
  const snapshot = new DataView(new ArrayBuffer(72));
  snapshot.setBigUint64(0, BigInt(l1));
  snapshot.setUint32(8, entries);
  snapshot.setUint16(12, 1);
  snapshot.setUint16(14, 1);
  snapshot.setUint32(36, 16);
  contents.write(table, new Uint8Array(snapshot.buffer));
  const words = new DataView(new ArrayBuffer(entries * 8));
  for (let index = 0; index < entries; index++) words.setBigUint64(index * 8, COPIED | BigInt(l1 + entries * 8 + index * CLUSTER));
  contents.write(l1, new Uint8Array(words.buffer));
  const { at, data } = encodeSnapshotsPlace(1, table);
  contents.write(at, data);
  const store = new MemoryStore("a", contents);
  const { structures } = inspected(store);
  const place = l1 + entries * 8 + 200_000 * CLUSTER;
  expect(structures.within(place + 3, place + 4)).toEqual([{ start: place, end: place + CLUSTER, kind: "inactive-l2-table", structure: "L2 table of a snapshot", index: 200_000 }]);
});

test("a cluster that every entry says is its table is one structure, and the first entry's", () => {
  const { structures } = inspected(new MemoryStore("a", manyTables((index) => (index < 5 ? 0 : FIRST), FIRST + CLUSTER)));
  expect(structures.within(FIRST, FIRST + 1)).toEqual([{ start: FIRST, end: FIRST + CLUSTER, kind: "l2-table", structure: "L2 table", index: 5 }]);
});
