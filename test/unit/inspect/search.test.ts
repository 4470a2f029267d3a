import { expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { searchBytes } from "../../../src/inspect/search.ts";
import type { Searched } from "../../../src/inspect/search.ts";
import { runToEnd } from "../../../src/engine/jobs.ts";

const MIB = 2 ** 20;
const over = (bytes: Uint8Array): Searched => ({ size: bytes.length, read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)) });
const search = (bytes: Uint8Array, needle: readonly number[], from: number, backwards = false): number | null => runToEnd(searchBytes(over(bytes), Uint8Array.from(needle), from, backwards));

test("a needle across the border of two pieces is found, both ways", () => {
  const bytes = new Uint8Array(3 * MIB);
  bytes.set([7, 8, 9], MIB - 1);
  bytes.set([7, 8, 9], 2 * MIB + 5);
  expect(search(bytes, [7, 8, 9], 0)).toBe(MIB - 1);
  expect(search(bytes, [7, 8, 9], MIB)).toBe(2 * MIB + 5);
  expect(search(bytes, [7, 8, 9], 3 * MIB, true)).toBe(2 * MIB + 5);
  expect(search(bytes, [7, 8, 9], 2 * MIB + 5, true)).toBe(MIB - 1);
  expect(search(bytes, [7, 8, 9], MIB - 1, true)).toBeNull();
  expect(search(bytes, [7, 8, 9], 2 * MIB + 6)).toBeNull();
});

test("small alphabets: the same place as a search byte by byte, from every start, both ways", () => {
  const random = new Random(3);
  for (let round = 0; round < 60; round++) {
    const bytes = Uint8Array.from({ length: 40 }, () => random.pick([0, 0, 255, 1]));
    const needle = Array.from({ length: 1 + random.below(4) }, () => random.pick([0, 255, 1]));
    const places = [...bytes.keys()].filter((at) => at + needle.length <= bytes.length && needle.every((byte, index) => bytes[at + index] === byte));
    for (let from = 0; from <= bytes.length; from++) {
      expect(search(bytes, needle, from)).toBe(places.find((at) => at >= from) ?? null);
      expect(search(bytes, needle, from, true)).toBe(places.findLast((at) => at < from) ?? null);
    }
  }
});

test("zeros that need not be read are passed over, and what begins in them is found", () => {
  const size = 2 ** 45;
  const at = 2 ** 44;
  let reads = 0;
  const searched: Searched = {
    size,
    read: (offset, into) => {
      reads++;
      into.fill(0);
      if (offset <= at && at < offset + into.length) into[at - offset] = 0x55;
    },
    zerosAt: (offset, length) => (offset < at ? Math.min(length, at - offset) : 0),
  };
  expect(runToEnd(searchBytes(searched, Uint8Array.from([0, 0, 0x55]), 0, false))).toBe(at - 2);
  expect(reads).toBeLessThan(3);
});
