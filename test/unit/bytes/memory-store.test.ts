/** What memory costs; what it promises as a store is in the conformance suite. */
import { expect, test } from "vitest";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";

test("a length of 100 GB with a few bytes at its end holds a page", () => {
  const contents = new MemoryContents();
  const store = new MemoryStore("sparse", contents);
  store.truncate(100e9);
  expect(contents.heldBytes).toBe(0);
  store.write(100e9 - 10, new Uint8Array(10).fill(1));
  expect(contents.heldBytes).toBe(64 * 1024);
  store.truncate(1000);
  expect(contents.heldBytes).toBe(0);
});

test("a copy and its original go separate ways", () => {
  const original = MemoryContents.of(new Uint8Array([1, 2, 3]));
  const copy = original.copy();
  original.write(0, new Uint8Array([9]));
  copy.truncate(2);
  const into = new Uint8Array(2);
  copy.read(0, into);
  expect([...into, original.size]).toEqual([1, 2, 3]);
});
