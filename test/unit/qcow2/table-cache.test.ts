/** The cache of metadata clusters: loading, dirty sectors, order of writing, and that nothing dirty is ever dropped. */
import { expect, test } from "vitest";
import { AssertionFailure } from "../../../src/base/assert.ts";
import { Random } from "../../../src/base/random.ts";
import { hostOffset } from "../../../src/base/units.ts";
import { TableCache } from "../../../src/qcow2/table-cache.ts";

const CLUSTER = 2048;

/** A cache over an array; `loads` counts what was read, by offset. */
function cacheOver(clusters: number, tables: number) {
  const disk = new Uint8Array(clusters * CLUSTER);
  const loads: number[] = [];
  const cache = new TableCache(CLUSTER, tables * CLUSTER, (at) => {
    loads.push(at);
    return disk.slice(at, at + CLUSTER);
  });
  const writes: (readonly [number, number])[] = [];
  const write = (offset: number, data: Uint8Array): void => {
    writes.push([offset, data.length]);
    disk.set(data, offset);
  };
  return { disk, loads, cache, writes, write };
}

test("a table is loaded once and written by the sectors that changed", () => {
  const { disk, loads, cache, writes, write } = cacheOver(4, 8);
  const table = cache.get(hostOffset(CLUSTER));
  expect(cache.get(hostOffset(CLUSTER))).toBe(table);
  expect(loads).toEqual([CLUSTER]);
  table.view.setUint8(600, 7);
  cache.markDirty(table, 600, 601);
  table.view.setUint8(1535, 8);
  cache.markDirty(table, 1535, 1536);
  cache.writeDirty("new", write);
  expect([cache.dirtyCount, writes.length]).toEqual([1, 0]);
  cache.writeDirty("all", write);
  expect(writes).toEqual([[CLUSTER + 512, 1024]]);
  expect([disk[CLUSTER + 600], disk[CLUSTER + 1535], cache.dirtyCount]).toEqual([7, 8, 0]);
  cache.writeDirty("all", write);
  expect(writes.length).toBe(1);
});

test("a new table is written whole, before the others where that is asked, and is new no longer", () => {
  const { cache, writes, write } = cacheOver(4, 8);
  const old = cache.get(hostOffset(0));
  cache.markDirty(old, 0, 8);
  cache.addNew(hostOffset(3 * CLUSTER), new Uint8Array(CLUSTER).fill(1));
  cache.addNew(hostOffset(2 * CLUSTER), new Uint8Array(CLUSTER).fill(2));
  cache.writeDirty("new", write);
  expect(writes.splice(0)).toEqual([[2 * CLUSTER, CLUSTER], [3 * CLUSTER, CLUSTER]]);
  cache.writeDirty("all", write);
  expect(writes).toEqual([[0, 512]]);
  expect(() => cache.addNew(hostOffset(0), new Uint8Array(CLUSTER))).toThrow(AssertionFailure);
});

test("a write that fails leaves the table dirty", () => {
  const { cache, disk, write } = cacheOver(4, 8);
  const table = cache.get(hostOffset(0));
  table.data.fill(9);
  cache.markDirty(table, 0, CLUSTER);
  expect(() => cache.writeDirty("all", () => { throw new Error("no space"); })).toThrow("no space");
  expect(cache.dirtyCount).toBe(1);
  cache.writeDirty("all", write);
  expect(disk.subarray(0, CLUSTER)).toEqual(new Uint8Array(CLUSTER).fill(9));
});

test("a forgotten table is neither written nor kept", () => {
  const { cache, loads, writes, write } = cacheOver(4, 8);
  cache.markDirty(cache.get(hostOffset(0)), 0, 8);
  cache.forget(hostOffset(0));
  cache.forget(hostOffset(CLUSTER));
  cache.writeDirty("all", write);
  cache.get(hostOffset(0));
  expect([writes.length, loads.length]).toEqual([0, 2]);
});

test("clean tables go, the least recently used first; dirty ones stay beyond the budget", () => {
  const { cache, loads } = cacheOver(64, 8);
  for (let index = 0; index < 8; index++) cache.get(hostOffset(index * CLUSTER));
  cache.get(hostOffset(0));
  cache.get(hostOffset(8 * CLUSTER));
  loads.length = 0;
  cache.get(hostOffset(0));
  expect(loads).toEqual([]);
  cache.get(hostOffset(CLUSTER));
  expect(loads).toEqual([CLUSTER]);
  for (let index = 0; index < 40; index++) cache.markDirty(cache.get(hostOffset(index * CLUSTER)), 0, 8);
  expect([cache.pressure, cache.dirtyCount]).toEqual([true, 40]);
});

test("through random work the cache over the disk is what a plain array would be", () => {
  const { disk, cache, write } = cacheOver(64, 8);
  const model = new Uint8Array(disk.length);
  const random = new Random(11);
  for (let step = 0; step < 4000; step++) {
    const at = random.below(64) * CLUSTER;
    const inside = random.below(CLUSTER);
    const table = cache.get(hostOffset(at));
    expect(table.data[inside]).toBe(model[at + inside]);
    table.data[inside] = model[at + inside] = random.below(256);
    cache.markDirty(table, inside, inside + 1);
    if (cache.pressure) cache.writeDirty("all", write);
  }
  cache.writeDirty("all", write);
  expect(disk).toEqual(model);
});
