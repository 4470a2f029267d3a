/** Sorting by digits against sorting by comparing. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { sortAlong, sortNumbers } from "../../../src/base/sort.ts";

const inOrder = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);

/** More than are sorted by comparing. */
function many(count: number, numberOf: (below: (limit: number) => number) => number): number[] {
  const random = new Random(7);
  return Array.from({ length: count }, () => numberOf((limit) => random.below(limit)));
}

test.each([
  ["offsets of clusters", many(70_000, (below) => below(2 ** 31) * 512)],
  ["offsets up to the greatest", many(70_000, (below) => below(2 ** 26) * 2 ** 27 + below(2 ** 27))],
  ["a few numbers over and over", many(70_000, (below) => below(3) * 65_536)],
  ["one number", many(70_000, () => 512)],
  ["numbers that fall", Array.from({ length: 70_000 }, (_, index) => (70_000 - index) * 512)],
  ["fractions", many(70_000, (below) => below(2 ** 31) / 1024)],
  ["two", [2, 1]],
  ["none", []],
])("%s come in order", (_, numbers) => {
  const typed = Float64Array.from(numbers);
  expect(sortNumbers(typed)).toBe(typed);
  expect([...typed]).toEqual(inOrder(numbers));
});

test("a part of an array is sorted, and nothing around it", () => {
  const numbers = many(70_000, (below) => below(2 ** 30));
  const whole = Float64Array.from([9, ...numbers, 1]);
  sortNumbers(whole.subarray(1, -1));
  expect([...whole]).toEqual([9, ...inOrder(numbers), 1]);
});

test("what stands beside a number goes along, the first of equal numbers first", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2 ** 40), { maxLength: 50 }), fc.nat(40), (some, repeated) => {
      const numbers = [...some, ...some.slice(0, repeated)];
      const typed = Float64Array.from(numbers);
      const along = Uint32Array.from(numbers.keys());
      sortAlong(typed, along);
      const expected = numbers.map((number, index) => ({ number, index })).sort((a, b) => a.number - b.number || a.index - b.index);
      expect([...typed]).toEqual(expected.map(({ number }) => number));
      expect([...along]).toEqual(expected.map(({ index }) => index));
    }),
  );
});
