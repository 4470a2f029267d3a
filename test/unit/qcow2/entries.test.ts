/** L1 and refcount table entries and refcounts of every width: round trips, reserved bits. */
import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { hostOffset } from "../../../src/base/units.ts";
import { decodeL1Entry, decodeRefcountTableEntry, encodeOwnedEntry, encodeRefcountTableEntry, forEachInUse, maxRefcount, readRefcount, writeRefcount } from "../../../src/qcow2/entries.ts";
import { Random } from "../../../src/base/random.ts";

const table = (...entries: bigint[]): DataView => {
  const view = new DataView(new ArrayBuffer(entries.length * 8));
  entries.forEach((entry, index) => view.setBigUint64(index * 8, entry));
  return view;
};
const COPIED = 1n << 63n;

function problemOf(act: () => unknown): unknown {
  try {
    return { returned: act() };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return error.problem;
  }
}

const OFFSETS = [0x10000, 0x7fff0000, 0x80000000, 0xffff0000, 0x1_0000_0000, 0x12_3456_0000, 2 ** 52, 2 ** 53 - 65536];

describe("L1 entries", () => {
  test.each(OFFSETS)("offset %i", (offset) => {
    const view = table(0n, 0n);
    encodeOwnedEntry(view, 1, hostOffset(offset));
    expect(view.getBigUint64(8)).toBe(COPIED | BigInt(offset));
    expect(decodeL1Entry(view, 1, 0x40000, 65536)).toEqual({ hostOffset: offset, copied: true });
    expect(decodeL1Entry(table(BigInt(offset)), 0, 0x40000, 65536)).toEqual({ hostOffset: offset, copied: false });
  });

  test.each([[0, 1n], [1, 1n << 1n], [2, 1n << 8n], [3, 1n << 56n], [4, 1n << 62n]])("reserved bits say nothing, case %i", (_case, bit) => {
    expect(decodeL1Entry(table(0n, COPIED | 0x10000n | bit), 1, 0x40000, 65536)).toEqual({ hostOffset: 0x10000, copied: true });
  });

  test.each([0x10200n, 0x18000n, 1n << 54n])("offset 0x%s is no cluster's", (entry) => {
    expect(problemOf(() => decodeL1Entry(table(entry), 0, 0x40000, 65536))).toMatchObject({ structure: "L1 table", field: "host offset", hostOffset: 0x40000 });
  });
});

describe("refcount table entries", () => {
  test.each(OFFSETS)("offset %i", (offset) => {
    const view = table(0n, 0n);
    encodeRefcountTableEntry(view, 1, hostOffset(offset));
    expect(view.getBigUint64(8)).toBe(BigInt(offset));
    expect(decodeRefcountTableEntry(view, 1, 0x10000, 65536)).toBe(offset);
  });
  test.each([1n, 511n])("reserved bits are not looked at: 0x%s", (bits) => {
    expect(decodeRefcountTableEntry(table(bits), 0, 0x10000, 65536)).toBe(0);
    expect(decodeRefcountTableEntry(table(0x20000n | bits), 0, 0x10000, 65536)).toBe(0x20000);
  });
  test.each([0x10200n, 1n << 53n, 1n << 63n])("0x%s is refused", (entry) => {
    expect(problemOf(() => decodeRefcountTableEntry(table(0n, entry), 1, 0x10000, 65536))).toMatchObject({
      structure: "refcount table", field: "refcount block offset", hostOffset: 0x10008,
    });
  });
});

describe("refcounts", () => {
  test.each([0, 1, 2, 3, 4, 5, 6])("of order %i: what is written is read, and the neighbours stay", (order) => {
    const bits = 2 ** order;
    const view = new DataView(new ArrayBuffer(512));
    const entries = (512 * 8) / bits;
    const model: number[] = new Array<number>(entries).fill(0);
    const random = new Random(order);
    for (let step = 0; step < 500; step++) {
      const index = random.below(entries);
      const value = random.chance(0.2) ? maxRefcount(order) : random.below(Math.min(2 ** bits, 2 ** 32));
      writeRefcount(view, index, order, value);
      model[index] = value;
      if (step % 50 === 0) expect(model.map((_, at) => readRefcount(view, at, order))).toEqual(model);
    }
    expect(model.map((_, at) => readRefcount(view, at, order))).toEqual(model);
  });

  test("below 8 bits the lowest bits are the first cluster's; above, big-endian", () => {
    const view = new DataView(Uint8Array.of(0b1010_0110, 0x01, 0, 0, 0, 0, 0, 2).buffer);
    expect([0, 1, 2, 7].map((index) => readRefcount(view, index, 0))).toEqual([0, 1, 1, 1]);
    expect([0, 1, 2, 3].map((index) => readRefcount(view, index, 1))).toEqual([2, 1, 2, 2]);
    expect([0, 1].map((index) => readRefcount(view, index, 2))).toEqual([6, 10]);
    expect(readRefcount(view, 0, 3)).toBe(0xa6);
    expect(readRefcount(view, 0, 4)).toBe(0xa601);
    expect(readRefcount(view, 1, 5)).toBe(2);
    expect(readRefcount(new DataView(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2).buffer), 0, 6)).toBe(2 ** 32 + 2);
  });

  test("a 64-bit count beyond the safe integers is neither 0 nor 1", () => {
    expect(readRefcount(new DataView(Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 1).buffer), 0, 6)).toBe(Number.MAX_SAFE_INTEGER);
    expect([0, 1, 2, 3, 4, 5, 6].map(maxRefcount)).toEqual([1, 3, 15, 255, 65535, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER]);
  });
});

describe("the entries of a table in which anything is stored", () => {
  const inUse = (table: Uint8Array): number[] => {
    const found: number[] = [];
    forEachInUse(table, (index) => found.push(index));
    return found;
  };

  test("are those with any of their bytes set, in order, wherever the table begins in its buffer", () => {
    for (const shift of [0, 1, 4]) {
      const table = new Uint8Array(new ArrayBuffer(80 + shift), shift, 80);
      expect(inUse(table)).toEqual([]);
      for (const byte of [7, 8, 36, 79]) table[byte] = 1;
      expect(inUse(table)).toEqual([0, 1, 4, 9]);
    }
  });
});
