/** A disk is not cut off by halves: what lies in the part that goes, or leads to no cluster, is met before the size changes. */
import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import type { MemoryContents } from "../../../src/bytes/memory-store.ts";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { resizeImage } from "../../../src/qcow2/resize.ts";
import { AT, CLUSTER, COPIED, openSmall, smallImage } from "./small-image.ts";

/** What an L2 table of clusters of 64 KiB maps. */
const SPAN = 2 ** 29;
const [L2, CUT_L2, DATA, CUT_DATA] = [5, 6, 7, 8];
const L1_ENTRY = AT.l1 * CLUSTER;

/** A disk of two L2 tables with a cluster of data each, the second at the table's start. */
const disk = (words: Readonly<Record<number, bigint>>): MemoryContents =>
  smallImage({
    header: { virtualSize: 2 * SPAN, l1Size: 2 },
    words: {
      [L1_ENTRY]: COPIED | BigInt(L2 * CLUSTER),
      [L1_ENTRY + 8]: COPIED | BigInt(CUT_L2 * CLUSTER),
      [L2 * CLUSTER]: COPIED | BigInt(DATA * CLUSTER),
      [CUT_L2 * CLUSTER]: COPIED | BigInt(CUT_DATA * CLUSTER),
      ...words,
    },
    refcounts: { [L2]: 1, [CUT_L2]: 1, [DATA]: 1, [CUT_DATA]: 1 },
  });

const sizeOf = (contents: MemoryContents): number => readHeader(new MemoryStore("a", contents)).virtualSize;

function numberAt(contents: MemoryContents, at: number, bytes: 2 | 8): bigint {
  const word = new Uint8Array(8);
  contents.read(at, word.subarray(8 - bytes));
  return new DataView(word.buffer).getBigUint64(0);
}
const refcountOf = (contents: MemoryContents, cluster: number): number => Number(numberAt(contents, AT.refcountBlock * CLUSTER + 2 * cluster, 2));

const resize = (contents: MemoryContents, size: number): void => openSmall(contents).changeWhole((state) => expect(resizeImage(state, size, false)).toMatchObject({ ok: true }));

describe("a disk that is made smaller", () => {
  test.each([
    ["an L1 entry that leads to no cluster's start", { [L1_ENTRY + 8]: COPIED | BigInt(CUT_L2 * CLUSTER + 0x2a00) }, SPAN],
    ["an L2 entry that leads to no cluster's start, in a table that goes", { [CUT_L2 * CLUSTER]: COPIED | BigInt(CUT_DATA * CLUSTER + 0x2a00) }, SPAN],
    ["the same in the table of the new end", { [CUT_L2 * CLUSTER + 16]: COPIED | BigInt(CUT_DATA * CLUSTER + 0x2a00) }, SPAN + CLUSTER],
    ["a refcount table that leads to no cluster's start", { [AT.refcountTable * CLUSTER]: BigInt(AT.refcountBlock * CLUSTER + 0x2a00) }, SPAN],
  ])("keeps its size and all of its data over %s", (_, words, size) => {
    const contents = disk(words);
    expect(() => resize(contents, size)).toThrow(Fault);
    expect(sizeOf(contents)).toBe(2 * SPAN);
    expect(numberAt(contents, L1_ENTRY + 8, 8) & ~COPIED).not.toBe(0n);
    expect(refcountOf(contents, CUT_DATA)).toBe(1);
  });

  test("is cut off where only what stays has a lie", () => {
    const contents = disk({ [L1_ENTRY]: COPIED | BigInt(L2 * CLUSTER + 0x2a00) });
    resize(contents, SPAN);
    expect(sizeOf(contents)).toBe(SPAN);
    expect(numberAt(contents, L1_ENTRY + 8, 8)).toBe(0n);
    expect([CUT_L2, CUT_DATA].map((cluster) => refcountOf(contents, cluster))).toEqual([0, 0]);
  });

  test("gives up no table that an entry of its end calls data", () => {
    const contents = disk({ [CUT_L2 * CLUSTER]: COPIED | BigInt(AT.refcountBlock * CLUSTER), [CUT_L2 * CLUSTER + 8]: COPIED | BigInt(L2 * CLUSTER) });
    resize(contents, SPAN);
    expect(sizeOf(contents)).toBe(SPAN);
    expect([AT.refcountBlock, L2, CUT_L2].map((cluster) => refcountOf(contents, cluster))).toEqual([1, 1, 0]);
  });
});

test("a disk that grows over entries that lead to no cluster's start keeps its size", () => {
  const contents = disk({ [L1_ENTRY + 8]: COPIED | BigInt(CUT_L2 * CLUSTER + 0x2a00) });
  contents.write(24, Uint8Array.of(0, 0, 0, 0, 0x20, 0, 0, 0));
  expect(sizeOf(contents)).toBe(SPAN);
  expect(() => resize(contents, 2 * SPAN)).toThrow(Fault);
  expect(sizeOf(contents)).toBe(SPAN);
});
