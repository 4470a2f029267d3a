/** A raw disk's discards and zeros. */
import { expect, test } from "vitest";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import { RawDisk } from "../../../src/engine/raw-disk.ts";

const MIB = 2 ** 20;

function diskOf(sizeBytes: number): RawDisk {
  const store = new MemoryStore("a");
  store.truncate(sizeBytes);
  return new RawDisk(store, true);
}

function byteAt(disk: RawDisk, offset: number): number {
  const byte = new Uint8Array(1);
  disk.read(offset, byte);
  return byte[0]!;
}

test("what is discarded reads as zeros, and what lies beside it stays", () => {
  const disk = diskOf(MIB);
  disk.write(0, new Uint8Array(MIB).fill(7));
  disk.discard(1000, 3000);
  expect([999, 1000, 3999, 4000].map((offset) => byteAt(disk, offset))).toEqual([7, 0, 0, 7]);
});

test("a discard of more than is gone through at once changes nothing", () => {
  const disk = diskOf(65 * MIB);
  disk.write(10, new Uint8Array(2).fill(7));
  disk.discard(0, 64 * MIB + 1);
  expect(byteAt(disk, 10)).toBe(7);
  disk.discard(0, 64 * MIB);
  expect(byteAt(disk, 10)).toBe(0);
});

test("any range of it becomes zeros by itself", () => {
  expect(diskOf(MIB).takesZeros()).toBe(true);
});
