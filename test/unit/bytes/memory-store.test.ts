/** What memory costs; what it promises as a store is in the conformance suite. */
import { expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
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

test("files that are bounded hold so much together and no more; what was there is written over all the same", async () => {
  const page = 64 * 1024;
  const files = new MemoryFiles(() => 0, 3 * page);
  const opened = [await files.open("a", "create"), await files.open("b", "create")];
  const [a, b] = opened.map((outcome) => {
    if (!outcome.ok) throw new Error("refused");
    return outcome.value;
  });
  a!.write(0, new Uint8Array(2 * page));
  a!.truncate(100e9);
  b!.write(0, new Uint8Array(1));
  expect(await files.usage()).toEqual({ usedBytes: 3 * page, quotaBytes: 3 * page, persistent: false });
  expect(() => b!.write(page, new Uint8Array(1))).toThrow(Fault);
  b!.write(10, new Uint8Array(page - 10));
  a!.truncate(0);
  b!.write(page, new Uint8Array(1));
  expect(b!.size()).toBe(page + 1);
});
