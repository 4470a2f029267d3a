/** A store that remembers what it read as zeros: the rules of stores, what it asks for, and what a write makes it forget. */
import { expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { KnownZeros } from "../../../src/bytes/known-zeros.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";

const KIB = 1024;

test("what was read as zeros is not asked for again, in whole or in part; what lies beside it is", () => {
  const contents = new MemoryContents();
  contents.truncate(64 * KIB);
  contents.write(40 * KIB, new Uint8Array([1]));
  const counting = new CountingStore(new MemoryStore("a", contents));
  const store = new KnownZeros(counting);
  const into = new Uint8Array(16 * KIB).fill(9);
  expect(store.read(512, into)).toBe(into.length);
  expect(into.every((byte) => byte === 0)).toBe(true);
  counting.take();
  for (const [offset, length] of [[512, 16 * KIB], [1000, 5000], [16 * KIB, 512]] as const) {
    const part = new Uint8Array(length).fill(9);
    expect(store.read(offset, part)).toBe(length);
    expect(part.every((byte) => byte === 0)).toBe(true);
  }
  expect(counting.take().reads).toBe(0);
  store.read(0, new Uint8Array(1024));
  store.read(40 * KIB, new Uint8Array(512));
  store.read(40 * KIB, new Uint8Array(512));
  expect(counting.take().reads).toBe(3);
});

test("it reads as the store below it does, through writes and other lengths", () => {
  const random = new Random(11);
  const [plain, below] = [new MemoryStore("a", new MemoryContents()), new MemoryStore("b", new MemoryContents())];
  const store = new KnownZeros(below);
  for (let step = 0; step < 3000; step++) {
    const [offset, length] = [random.below(8192), random.below(3000)];
    if (step % 3 === 0) {
      const data = new Uint8Array(random.below(600)).fill(random.below(2));
      for (const each of [plain, store]) each.write(offset, data);
    } else if (step % 50 === 1) for (const each of [plain, store]) each.truncate(offset);
    const [expected, found] = [new Uint8Array(length).fill(9), new Uint8Array(length).fill(9)];
    expect(store.read(offset, found)).toBe(plain.read(offset, expected));
    expect(Buffer.compare(found, expected)).toBe(0);
  }
});
