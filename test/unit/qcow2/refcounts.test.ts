/** The allocator: what it gives is free and counted, blocks place themselves, the table outgrows its clusters, decreases wait. */
import { describe, expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { hostCluster, hostOffset } from "../../../src/base/units.ts";
import { Fault } from "../../../src/base/fault.ts";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import { createImage } from "../../../src/qcow2/create.ts";
import { flushImage } from "../../../src/qcow2/flush.ts";
import type { Header } from "../../../src/qcow2/header.ts";
import type { ImageState } from "../../../src/qcow2/image-state.ts";
import { MetadataMap } from "../../../src/qcow2/metadata-map.ts";
import { openState, readHeader } from "../../../src/qcow2/open.ts";
import { Qcow2Image } from "../../../src/qcow2/image.ts";
import { Refcounts } from "../../../src/qcow2/refcounts.ts";
import { auditImage } from "../../model/zoned-model-audit.ts";
import { wholeOf } from "../../../src/testing/store-bytes.ts";

function created(clusterSize: number, refcountBits: number, virtualSize = 2 ** 24): MemoryStore {
  const store = new MemoryStore("test");
  createImage(store, { virtualSize, clusterSize, refcountBits, incompatible: 0n, featureNames: [], area: null });
  return store;
}
function opened(store: MemoryStore): { state: ImageState; refcounts: Refcounts } {
  const { state } = openState(store, readHeader(store), { write: true });
  return { state, refcounts: state.refcounts! };
}
const WIDTHS = [1, 2, 4, 8, 16, 32, 64];

describe.each(WIDTHS)("counts of %i bits", (refcountBits) => {
  test("a new image counts its own clusters and nothing else", () => {
    const store = created(512, refcountBits);
    expect(auditImage(wholeOf(store))).toMatchObject({ leaked: [], wrong: [] });
  });

  test("clusters are given once, lowest first, and survive a reopen", () => {
    const store = created(512, refcountBits);
    const { state, refcounts } = opened(store);
    const given = new Set<number>();
    const random = new Random(refcountBits);
    for (let step = 0; step < 60; step++) {
      const max = 1 + random.below(90);
      const { first, count } = refcounts.allocateRun(max);
      expect(count >= 1 && count <= max).toBe(true);
      for (let index = 0; index < count; index++) {
        expect(given.has(first + index)).toBe(false);
        given.add(first + index);
        expect(refcounts.get(hostCluster(first + index))).toBe(1);
        expect(state.metadata.ownerOf((first + index) * 512)).toBe(null);
      }
    }
    flushImage(state);
    const audit = auditImage(wholeOf(store));
    expect(audit.wrong.filter((line) => !line.includes("outside the file"))).toEqual([]);
    expect(audit.leaked).toEqual([...given].sort((a, b) => a - b));
    const again = opened(store).refcounts;
    for (const cluster of given) expect(again.get(hostCluster(cluster))).toBe(1);
    expect(given.has(again.allocateRun(1).first)).toBe(false);
  });
});

test("a refcount block takes the first cluster of its own range and counts itself", () => {
  const { refcounts, state } = opened(created(512, 64));
  const perBlock = 64;
  const given: number[] = [];
  for (let step = 0; step < 300; step++) given.push(refcounts.allocateRun(1).first);
  for (const home of [1, 2, 3, 4].map((block) => block * perBlock)) {
    expect(given).not.toContain(home);
    expect([refcounts.get(hostCluster(home)), state.metadata.ownerOf(home * 512)]).toEqual([1, "refcount block"]);
  }
});

test("the table outgrows its cluster: it moves, the old place is free, everything is still counted", () => {
  // 512-byte clusters, 64-bit counts: a block counts 64 clusters, a table cluster lists 64 blocks, so 2 MiB fill it.
  const store = created(512, 64, 2 ** 26);
  const image = new Qcow2Image(store, readHeader(store), { write: true });
  const tableBefore = image.header.refcountTableOffset;
  const random = new Random(5);
  const model = new Uint8Array(6 * 2 ** 20);
  for (let round = 0; round < 60; round++) {
    const at = random.below(model.length / 512 - 300) * 512;
    const data = new Uint8Array(300 * 512).fill(1 + random.below(255));
    image.write(at, data);
    model.set(data, at);
    if (random.chance(0.3)) image.flush();
    if (random.chance(0.2)) {
      const from = random.below(model.length / 512 - 200) * 512;
      image.discard(from, 200 * 512);
      model.fill(0, from, from + 200 * 512);
    }
  }
  image.flush();
  const bytes = wholeOf(store);
  expect(auditImage(bytes)).toMatchObject({ leaked: [], wrong: [] });
  const header = readHeader(store);
  expect(header.refcountTableOffset).not.toBe(tableBefore);
  expect(header.refcountTableClusters).toBeGreaterThan(1);
  const again = new Qcow2Image(store, header, { write: true });
  const read = new Uint8Array(model.length);
  again.read(0, read);
  expect(Buffer.compare(read, model)).toBe(0);
  again.write(0, new Uint8Array(model.length).fill(3));
  again.flush();
  expect(auditImage(wholeOf(store))).toMatchObject({ leaked: [], wrong: [] });
});

describe("decreases", () => {
  test("what nothing counted takes nothing from whom it is given to before the flush", () => {
    const { state, refcounts } = opened(created(512, 16));
    const { first } = refcounts.allocateRun(1);
    refcounts.undoAllocate(first, 1);
    refcounts.holdDecrease(first);
    expect(refcounts.allocateRun(1).first).toBe(first);
    flushImage(state);
    expect(refcounts.get(first)).toBe(1);
  });

  test("wait for the flush: until then the cluster is not given again", () => {
    const { refcounts, state } = opened(created(4096, 16));
    const cluster = refcounts.allocateRun(1).first;
    refcounts.holdDecrease(cluster);
    expect([refcounts.get(cluster), refcounts.hasDecreases]).toEqual([1, true]);
    expect(refcounts.allocateRun(1).first).toBeGreaterThan(cluster);
    flushImage(state);
    expect([refcounts.get(cluster), refcounts.hasDecreases]).toEqual([0, false]);
    expect(refcounts.allocateRun(1).first).toBe(cluster);
  });

  test("several of one cluster add up, and none goes below zero", () => {
    const { refcounts, state } = opened(created(4096, 16));
    const cluster = refcounts.allocateRun(1).first;
    refcounts.increase(cluster);
    refcounts.increase(cluster);
    for (let times = 0; times < 2; times++) refcounts.holdDecrease(cluster);
    flushImage(state);
    expect(refcounts.get(cluster)).toBe(1);
    for (let times = 0; times < 5; times++) refcounts.holdDecrease(cluster);
    refcounts.holdDecrease(hostCluster(2 ** 40));
    flushImage(state);
    expect(refcounts.get(cluster)).toBe(0);
  });

  test("an allocation that is undone is free at once", () => {
    const { refcounts } = opened(created(4096, 16));
    const run = refcounts.allocateRun(3);
    refcounts.undoAllocate(run.first, run.count);
    expect(refcounts.allocateRun(3)).toEqual(run);
  });
});

test.each([[1, 1], [2, 3], [8, 255]])("a count of %i bits holds at most %i", (refcountBits, most) => {
  const { refcounts } = opened(created(4096, refcountBits));
  const cluster = refcounts.allocateRun(1).first;
  for (let count = 1; count < most; count++) refcounts.increase(cluster);
  expect(refcounts.get(cluster)).toBe(most);
  expect(() => refcounts.increase(cluster)).toThrow(Fault);
});

test("a hole that is too small is passed over and found again", () => {
  const { refcounts, state } = opened(created(4096, 16));
  const hole = refcounts.allocateRun(2).first;
  const behind = refcounts.allocateRun(1).first;
  refcounts.holdDecrease(hole);
  refcounts.holdDecrease(hostCluster(hole + 1));
  flushImage(state);
  expect(refcounts.allocateRun(3).first).toBe(behind + 1);
  expect(refcounts.allocateRun(2).first).toBe(hole);
});

test("a count of 0 for metadata in use is a Fault, never a gift", () => {
  const store = created(4096, 16);
  const header = readHeader(store);
  // The refcount block follows the table; the L1 table follows the block.
  store.write(2 * 4096 + (header.l1Offset / 4096) * 2, new Uint8Array(2));
  const { refcounts } = opened(store);
  expect(() => refcounts.allocateRun(1).first).toThrow(Fault);
});

test("a run longer than a refcount block counts ends, in pieces that lie between the blocks", () => {
  const { refcounts } = opened(created(512, 64));
  for (let taken = 0; taken < 1000; ) {
    const { count } = refcounts.allocateRun(300);
    expect(count).toBeLessThan(64);
    taken += count;
  }
});

test("a refcount table that moves does not move over metadata that nothing counts", () => {
  // 64 blocks of 64 counts fill the table's cluster; block 64 makes it move, to the range behind. There, uncounted, lies the L1 table.
  const store = created(512, 64, 2 ** 21);
  const header = readHeader(store);
  const l1 = new Uint8Array(header.l1Size * 8);
  store.read(header.l1Offset, l1);
  const hidden = (65 * 64 + 1) * 512;
  store.write(hidden, l1);
  const place = new Uint8Array(8);
  new DataView(place.buffer).setBigUint64(0, BigInt(hidden));
  store.write(40, place);
  const image = new Qcow2Image(store, readHeader(store), { write: true });
  expect(() => {
    for (let at = 0; at < 2 ** 21; at += 4096) {
      image.write(at, new Uint8Array(4096).fill(0xee));
      image.flush();
    }
  }).toThrow(Fault);
  const tables = new Uint8Array(l1.length);
  store.read(hidden, tables);
  const view = new DataView(tables.buffer);
  for (let index = 0; index < header.l1Size; index++) {
    const entry = view.getBigUint64(index * 8);
    expect(entry === 0n || (entry >> 63n === 1n && Number(entry & 0x00fffffffffffe00n) < hidden), `L1 entry ${index}: ${entry.toString(16)}`).toBe(true);
  }
  const again = new Qcow2Image(store, readHeader(store));
  const read = new Uint8Array(2 ** 20);
  again.read(0, read);
  expect(read.every((byte) => byte === 0xee)).toBe(true);
});

test("a table with room for more entries to come is never longer than anybody opens", () => {
  const clusterSize = 512;
  const tableOffset = 2 ** 30;
  const table = new DataView(new ArrayBuffer(700_032 * 8));
  const behind = tableOffset + table.byteLength;
  const header = { clusterSize, refcountOrder: 6, refcountTableOffset: hostOffset(tableOffset), refcountTableClusters: table.byteLength / clusterSize } as Header;
  // A block at either end, the first of them full: what needs many clusters in one piece is put behind the last, where the table ends.
  table.setBigUint64(0, BigInt(behind));
  table.setBigUint64(table.byteLength - 8, BigInt(behind + clusterSize));
  const store = new MemoryStore("sparse");
  store.write(tableOffset, new Uint8Array(table.buffer));
  store.write(behind, new Uint8Array(clusterSize).fill(1));
  store.write(behind + clusterSize, new Uint8Array(clusterSize));
  const refcounts = new Refcounts(store, header, new MetadataMap(clusterSize));
  refcounts.allocateArea(100);
  const move = refcounts.prepareTableMove()!;
  expect(move.data.length).toBeGreaterThan(table.byteLength);
  expect(move.clusters * clusterSize).toBe(move.data.length);
  expect(move.data.length).toBeLessThanOrEqual(8 * 2 ** 20);
});

test("clusters that were taken for a table on the move are given back once, also where the next ones are refused", () => {
  const { refcounts, state } = opened(created(512, 64));
  const takeUntil = (enough: () => boolean): void => {
    while (!enough()) refcounts.allocateRun(64);
  };
  takeUntil(() => refcounts.tableOutgrown);
  const first = refcounts.prepareTableMove()!;
  // That flush failed, and the table has outgrown its new place as well.
  takeUntil(() => refcounts.tableEntries > (first.clusters * 512) / 8);
  state.metadata.protect("snapshot table", 0, 2 ** 40);
  for (let attempt = 0; attempt < 2; attempt++) expect(() => refcounts.prepareTableMove()).toThrow(Fault);
  for (let index = 0; index < first.clusters; index++) expect(refcounts.get(hostCluster(first.offset / 512 + index))).toBe(0);
});
