/** How many calls of the store an operation may cost: numbers that a change may only lower. Of a plain image of 64 KiB clusters, and of a zoned one at the end. */
import { expect, test } from "vitest";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { openDevice } from "../../../src/engine/open-device.ts";
import { patternPayload } from "../../../src/engine/payload.ts";
import { createImage } from "../../../src/qcow2/create.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";
import { KIB, MIB, createOptions } from "../../../src/testing/engine-fixture.ts";

const now = (): number => 0;
const SIZE = 1024 * MIB;

function counted(): { counting: CountingStore } {
  const store = new MemoryStore("counted");
  createImage(store, { virtualSize: SIZE, clusterSize: 64 * KIB, refcountBits: 16, incompatible: 0n, featureNames: [], area: null });
  return { counting: new CountingStore(store) };
}

const open = (counting: CountingStore) => openDevice(counting, "qcow2", true, now).device.disk;

test("opening an image reads a handful of times, however large the disk", () => {
  const { counting } = counted();
  open(counting);
  const { reads, readBytes, writes, flushes } = counting.take();
  expect(reads).toBeLessThanOrEqual(4);
  expect(readBytes).toBeLessThanOrEqual(MIB);
  expect({ writes, flushes }).toEqual({ writes: 0, flushes: 0 });
});

test("4 KiB writes one behind the other reach the store a MiB at a time", () => {
  const { counting } = counted();
  const device = open(counting);
  counting.take();
  const data = new Uint8Array(4 * KIB).fill(7);
  const total = 16 * MIB;
  for (let at = 0; at < total; at += data.length) device.write(at, data);
  const before = counting.take();
  device.flush();
  const behind = counting.take();
  expect(before.writes + behind.writes).toBeLessThanOrEqual(19);
  // The data once, and a few tables: nothing is written twice, nothing read back.
  expect(before.writtenBytes + behind.writtenBytes).toBeLessThanOrEqual(total + 512 * KIB);
  expect(before.readBytes + behind.readBytes).toBeLessThanOrEqual(256 * KIB);
  expect(before.flushes).toBe(0);
  expect(behind.flushes).toBeLessThanOrEqual(3);
});

test("a write of 1 MiB to a new place is one write of the store, of the caller's own bytes", () => {
  const { counting } = counted();
  const given: Uint8Array[] = [];
  const write = counting.write.bind(counting);
  counting.write = (offset, from) => {
    given.push(from);
    write(offset, from);
  };
  const device = open(counting);
  given.length = 0;
  const data = new Uint8Array(MIB).fill(7);
  for (let at = 0; at < 4 * MIB; at += MIB) device.write(at, data);
  // A copy would be another array, and a view of it another one for the browser to look at.
  expect(given.map((from) => from === data)).toEqual([true, true, true, true]);
});

test("small writes at clusters' ends leave nothing of one another in what is written around them", () => {
  const { counting } = counted();
  const device = open(counting);
  const image = new Uint8Array(24 * 64 * KIB);
  for (const [cluster, from, length] of [[0, 60, 4], [2, 0, 4], [4, 20, 8], [6, 0, 64], [8, 32, 4], [10, 4, 60]] as const) {
    const at = (cluster * 64 + from) * KIB;
    const data = new Uint8Array(length * KIB).fill(cluster + 1);
    device.write(at, data);
    image.set(data, at);
  }
  const into = new Uint8Array(image.length);
  device.read(0, into);
  expect(Buffer.compare(into, image)).toBe(0);
  device.flush();
  open(counting).read(0, into);
  expect(Buffer.compare(into, image)).toBe(0);
});

test("a large read of what was written in order is one read of the store", () => {
  const { counting } = counted();
  const writer = open(counting);
  for (let at = 0; at < 16 * MIB; at += MIB) writer.write(at, new Uint8Array(MIB).fill(1 + at / MIB));
  writer.flush();
  const device = open(counting);
  counting.take();
  const into = new Uint8Array(16 * MIB);
  device.read(0, into);
  const { reads, readBytes } = counting.take();
  expect(into[0]).toBe(1);
  expect(into.at(-1)).toBe(16);
  // One of the L2 table, one of the data.
  expect(reads).toBeLessThanOrEqual(2);
  expect(readBytes).toBeLessThanOrEqual(16 * MIB + 64 * KIB);
});

test("what nothing was written to is read without the store", () => {
  const { counting } = counted();
  const device = open(counting);
  counting.take();
  device.read(512 * MIB, new Uint8Array(16 * MIB));
  expect(counting.take().reads).toBe(0);
});

test("4 KiB writes all over the disk store their own bytes, and not a cluster each", () => {
  const { counting } = counted();
  const device = open(counting);
  counting.take();
  const clusters = SIZE / (64 * KIB);
  const writes = 2000;
  for (let index = 0; index < writes; index++) device.write(((index * 7919) % clusters) * 64 * KIB + 8 * KIB, new Uint8Array(4 * KIB).fill(1 + (index % 255)));
  device.flush();
  // The first 64 MiB of zeros around them are stored, then no more.
  const { writtenBytes } = counting.take();
  expect(writtenBytes).toBeLessThanOrEqual(writes * 4 * KIB + 66 * MIB);
  // Every cluster that has an entry lies in the file from its first byte to its last, and has zeros around what was written.
  const { extents } = device.map(0, SIZE, 1e6);
  const ends = extents.filter(({ data }) => data).map(({ hostOffset, length }) => hostOffset! + length);
  expect(counting.size()).toBeGreaterThanOrEqual(Math.max(...ends));
  const again = open(counting);
  const cluster = new Uint8Array(64 * KIB);
  for (const index of [0, 1, 1500, writes - 1]) {
    again.read(((index * 7919) % clusters) * 64 * KIB, cluster);
    expect(Buffer.compare(cluster, new Uint8Array(64 * KIB).fill(1 + (index % 255), 8 * KIB, 12 * KIB))).toBe(0);
  }
});

test("a cluster that was used before shows nothing of what it had", () => {
  const { counting } = counted();
  const device = open(counting);
  device.write(0, new Uint8Array(4 * MIB).fill(0xee));
  device.flush();
  device.discard(0, 4 * MIB);
  device.flush();
  for (let at = 8 * MIB; at < 16 * MIB; at += 64 * KIB) device.write(at + 4 * KIB, new Uint8Array(4 * KIB).fill(1));
  device.flush();
  const again = open(counting);
  const cluster = new Uint8Array(64 * KIB);
  const expected = new Uint8Array(64 * KIB).fill(1, 4 * KIB, 8 * KIB);
  for (let at = 8 * MIB; at < 16 * MIB; at += 64 * KIB) {
    again.read(at, cluster);
    expect(Buffer.compare(cluster, expected)).toBe(0);
  }
});

test("a reset of more tables than are held in memory is flushed on its way, the pointers first", () => {
  const zoneSize = 512 * MIB;
  const zones = 300;
  const store = new MemoryStore("zones");
  const made = writeNewImage(store, createOptions({ sizeBytes: zones * zoneSize, zoned: { zoneSize, zoneCapacity: zoneSize } }));
  expect(made.ok).toBe(true);
  const counting = new CountingStore(store);
  const { device } = openDevice(counting, "qcow2", true, now);
  for (let zone = 0; zone < zones; zone++) device.write(zone * zoneSize, patternPayload(7, 512));
  device.flush();
  counting.take();
  expect(device.manage("reset", 0, zones * zoneSize).ok).toBe(true);
  // Half of what the cache may hold is 256 tables.
  expect(counting.take().flushes).toBeGreaterThan(0);
  device.flush();
  expect(device.disk.map(0, zones * zoneSize, 10).extents.some(({ data }) => data)).toBe(false);
});
