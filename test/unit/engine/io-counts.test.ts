/** How many calls of the store an operation may cost: numbers that a change may only lower. Of a plain image of 64 KiB clusters. */
import { expect, test } from "vitest";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import { openDevice } from "../../../src/engine/open-device.ts";
import { createImage } from "../../../src/qcow2/create.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";
import { KIB, MIB } from "../../../src/testing/engine-fixture.ts";

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
