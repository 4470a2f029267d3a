/** What reading a file tells of its holes, by what it takes of its disk. */
import { expect, test } from "vitest";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { BLOCK_BYTES, MOST_READ_BYTES, holesIn, scanFile } from "../../../src/bytes/holes.ts";
import type { FileRange } from "../../../src/bytes/holes.ts";

const BLOCK = BLOCK_BYTES;
const FIRST: FileRange = { offset: 0, lengthBytes: BLOCK };

/** A file of so many bytes with ones in some of its blocks. */
function file(size: number, blocks: readonly number[]): MemoryStore {
  const store = new MemoryStore("file", new MemoryContents());
  store.truncate(size);
  for (const block of blocks) store.write(block * BLOCK + 9, Uint8Array.of(1));
  return store;
}

/** Holes in blocks, [first, count], the end of the file left out; null where nothing is said. */
function holes(store: MemoryStore, allocatedBlocks: number, writers: readonly (readonly FileRange[])[] = [[FIRST]]): number[][] | null {
  const scanned = scanFile(store, allocatedBlocks * BLOCK);
  const found = scanned && holesIn(scanned, writers);
  if (found === null) return null;
  expect(found.at(-1)).toEqual({ offset: store.size(), lengthBytes: Infinity });
  return found.slice(0, -1).map(({ offset, lengthBytes }) => [offset / BLOCK, lengthBytes / BLOCK]);
}

test("blocks of zeros are holes where the others take all that the file takes", () => {
  expect(holes(file(300 * BLOCK, [3, 4, 299]), 3)).toEqual([[0, 3], [5, 294]]);
  expect(holes(file(1000 * BLOCK, [0, 256, 511]), 3)).toEqual([[1, 255], [257, 254], [512, 488]]);
});

test("the first block is stored, as QEMU does it, where that makes up for the rest", () => {
  expect(holes(file(300 * BLOCK, [3]), 2)).toEqual([[1, 2], [4, 296]]);
  // Not of a file that takes no more than its data, nor of one that takes more than both.
  expect(holes(file(300 * BLOCK, [3]), 1)).toEqual([[0, 3], [4, 296]]);
  expect(holes(file(300 * BLOCK, [3]), 3)).toBeNull();
});

test("of several writers the first counts whose zeros fit", () => {
  const whole: FileRange[] = [{ offset: 0, lengthBytes: 4 * BLOCK }, { offset: 10 * BLOCK, lengthBytes: 2 * BLOCK }];
  const brief: FileRange[] = [{ offset: 0, lengthBytes: 100 }, { offset: 10 * BLOCK, lengthBytes: 2 * BLOCK }];
  const store = file(20 * BLOCK, [0, 10]);
  expect(holes(store, 6, [whole, brief])).toEqual([[4, 6], [12, 8]]);
  expect(holes(store, 3, [whole, brief])).toEqual([[1, 9], [12, 8]]);
  expect(holes(store, 4, [whole, brief])).toBeNull();
});

test("a file of more extents than its inode has takes some blocks for them", () => {
  const many = file(300 * BLOCK, [1, 3, 5, 7, 9]);
  const expected = [[0, 1], [2, 1], [4, 1], [6, 1], [8, 1], [10, 290]];
  expect(holes(many, 5)).toEqual(expected);
  expect(holes(many, 7)).toEqual([[2, 1], [4, 1], [6, 1], [8, 1], [10, 290]]);
  expect(holes(many, 7, [])).toEqual(expected);
  expect(holes(many, 9)).toBeNull();
});

test("nothing is said of a file that takes less than its data: it is compressed, or its blocks are others", () => {
  expect(holes(file(300 * BLOCK, [3, 4]), 1)).toBeNull();
  expect(holes(file(10 * BLOCK, [3]), 0)).toBeNull();
});

test("a file that is said to take nothing is read before it is told to be a hole: some file systems say so of any", () => {
  expect(holes(file(300 * BLOCK, []), 0)).toEqual([[0, 300]]);
  expect(holes(file(300 * BLOCK, [7]), 0)).toBeNull();
});

test("a file that takes its length has no holes, and is not read, as one that is too long", () => {
  const unread = { size: () => 2 ** 45, read: () => expect.fail("it is read") };
  expect(holesIn(scanFile(unread, 2 ** 45 + BLOCK)!, [[FIRST]])).toEqual([{ offset: 2 ** 45, lengthBytes: Infinity }]);
  expect(scanFile(unread, 0)).toBeNull();
  expect(scanFile({ size: () => MOST_READ_BYTES + 1, read: () => expect.fail("it is read") }, BLOCK)).toBeNull();
});

test("a last block that is not whole counts as one", () => {
  expect(holes(file(2 * BLOCK + 100, [2]), 1)).toEqual([[0, 2]]);
  expect(holes(file(0, []), 0)).toEqual([]);
});
