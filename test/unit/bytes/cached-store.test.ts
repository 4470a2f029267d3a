/** What is kept of a file of many holes: that they are zeros, and no bytes. */
import { expect, test } from "vitest";
import { CachedStore } from "../../../src/bytes/cached-store.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";

const BLOCK = 4096;
const BLOCKS = 64;
/** Two blocks may be kept. */
const LIMITS = { blockBytes: BLOCK, budgetBytes: 2 * BLOCK, longestBytes: 8 * BLOCK };

/** A file of holes with one byte in block 5, and half a block at its end. */
function cachedFile(): { cached: CachedStore; base: CountingStore } {
  const contents = new MemoryContents();
  contents.truncate(BLOCKS * BLOCK + BLOCK / 2);
  contents.write(5 * BLOCK + 100, new Uint8Array([7]));
  const base = new CountingStore(new MemoryStore("a", contents));
  return { cached: new CachedStore(base, LIMITS), base };
}

/** Reads a few bytes of each block over what was there. */
function walk(cached: CachedStore): void {
  for (let block = 0; block <= BLOCKS; block++) {
    const into = new Uint8Array(8).fill(9);
    expect(cached.read(block * BLOCK + 96, into)).toBe(8);
    expect([...into]).toEqual(block === 5 ? [0, 0, 0, 0, 7, 0, 0, 0] : [0, 0, 0, 0, 0, 0, 0, 0]);
  }
}

test("holes, more of them than blocks are kept, are asked for once", () => {
  const { cached, base } = cachedFile();
  walk(cached);
  expect(base.take().reads).toBe(BLOCKS + 1);
  // The block with the byte is still kept: holes drove nothing out.
  walk(cached);
  walk(cached);
  expect(base.take().reads).toBe(0);
});

test("a read across holes that are known, bytes that are kept and blocks that are neither has each in its place", () => {
  const { cached, base } = cachedFile();
  for (const block of [3, 5, 7]) cached.read(block * BLOCK, new Uint8Array(1));
  base.take();
  const into = new Uint8Array(6 * BLOCK).fill(9);
  expect(cached.read(2 * BLOCK + 50, into)).toBe(into.length);
  const expected = new Uint8Array(6 * BLOCK);
  expected[5 * BLOCK + 100 - (2 * BLOCK + 50)] = 7;
  expect(into).toEqual(expected);
  // Blocks 2, 4, 6 and 8.
  expect(base.take()).toMatchObject({ reads: 4, readBytes: 4 * BLOCK });
});

test("what is kept stays as it was when other blocks are read after it", () => {
  const { cached } = cachedFile();
  const into = new Uint8Array(1);
  cached.read(5 * BLOCK + 100, into);
  cached.read(9 * BLOCK, new Uint8Array(BLOCK));
  cached.read(5 * BLOCK + 100, into);
  expect(into[0]).toBe(7);
});
