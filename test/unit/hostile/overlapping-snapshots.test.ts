/** Many snapshots whose L1 tables overlap: a check counts what each of them refers to, and goes through every byte of the file once. */
import { expect, test } from "vitest";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import { checkImage } from "../../../src/qcow2/check.ts";
import type { ClusterReport } from "../../../src/qcow2/check.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { stackedRanges } from "../../../src/qcow2/stacked-ranges.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";
import { CLUSTER, smallImage } from "./small-image.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const MOST_ENTRIES = (32 * MIB) / 8;

function checked(store: CountingStore): ClusterReport {
  const work = checkImage(store, readHeader(store, "check"), []);
  for (;;) {
    const next = work.next();
    if (next.done === true) return next.value;
  }
}

test.each([3, 40])("%i tables of 32 MiB, each a cluster behind the one before: references are counted by table", (count) => {
  const snapshots = Array.from({ length: count }, (_, index) => ({ l1Offset: GIB + index * CLUSTER, l1Size: MOST_ENTRIES }));
  const words = { [GIB + 100 * CLUSTER]: BigInt(6 * CLUSTER), [GIB + CLUSTER + 8]: BigInt(7 * CLUSTER), [6 * CLUSTER]: BigInt(8 * CLUSTER) };
  const store = new CountingStore(new MemoryStore("a", smallImage({ snapshots, words, refcounts: { 6: count, 7: 2, 8: count }, length: 2 * GIB })));
  const { findings, corruptions, leaks } = checked(store);
  const firstOfTables = GIB / CLUSTER;
  // What the tables lead to is counted as often as they have it; their own clusters, of which none is counted in the file, as often as they are a part of one.
  expect(findings.filter((finding) => "cluster" in finding && finding.cluster < firstOfTables)).toEqual([]);
  expect(findings.slice(0, 3)).toEqual([0, 1, 2].map((index) => ({ finding: "refcount-too-low", cluster: firstOfTables + index, refcount: 0, references: index + 1 })));
  expect([corruptions, leaks]).toEqual([(32 * MIB) / CLUSTER + count - 1, 0]);
  if (count > 32) expect(store.take().readBytes).toBeLessThan(64 * MIB);
});

test("tables that are too long even together for what the file takes of its disk are refused in words", () => {
  const count = 80;
  const snapshots = Array.from({ length: count }, (_, index) => ({ l1Offset: GIB + index * 32 * MIB, l1Size: MOST_ENTRIES }));
  const store = new CountingStore(new MemoryStore("a", smallImage({ snapshots, length: 4 * GIB })));
  const sparse = Object.assign(store, { allocated: () => MIB });
  expect(() => checked(sparse)).toThrow(/image's tables/);
  expect(store.take().readBytes).toBeLessThan(MIB);
});

test("tens of thousands at 0, where the header is, each longer than the one before, are a list of findings", () => {
  const snapshots = Array.from({ length: 30_000 }, (_, index) => ({ l1Offset: 0, l1Size: 64 * index }));
  const { corruptions, findings } = checked(new CountingStore(new MemoryStore("a", smallImage({ snapshots, length: 300 * CLUSTER }))));
  expect(corruptions).toBeGreaterThan(30_000);
  expect(findings).toContainEqual({ finding: "reserved-bits", structure: "L1 table", entry: "514649fb00000003" });
});

test("ranges are cut where one begins or ends", () => {
  expect(stackedRanges([{ first: 10, end: 30, times: 2 }, { first: 0, end: 20, times: 1 }, { first: 40, end: 50, times: 5 }, { first: 50, end: 60, times: 5 }])).toEqual([
    { first: 0, end: 10, times: 1 },
    { first: 10, end: 20, times: 3 },
    { first: 20, end: 30, times: 2 },
    { first: 40, end: 50, times: 5 },
    { first: 50, end: 60, times: 5 },
  ]);
});
