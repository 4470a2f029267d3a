/** Counting a column four bytes at a time comes to what counting one by one does, wherever it begins and ends. */
import { expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { tally, wordsOf } from "../../../src/base/tally.ts";

test.each([0, 1, 2, 3])("any range of a column that begins %i bytes into its buffer", (shift) => {
  const random = new Random(shift);
  for (let round = 0; round < 400; round++) {
    const length = random.below(40);
    const column = new Uint8Array(new ArrayBuffer(length + shift), shift);
    // Runs of one value, broken in places, as zones are.
    let value = random.below(16);
    for (let index = 0; index < length; index++) {
      if (random.below(5) === 0) value = random.below(16);
      column[index] = value;
    }
    const from = random.below(length + 1);
    const end = from + random.below(length - from + 1);
    const wanted = new Uint32Array(20).fill(7);
    for (let index = from; index < end; index++) wanted[3 + column[index]!]!++;
    const counts = new Uint32Array(20).fill(7);
    tally(column, wordsOf(column), from, end, counts, 3);
    expect([...counts], `${[...column].join(" ")} from ${from} to ${end}`).toEqual([...wanted]);
  }
});

test("of a value that is no condition the low bits count, alike or not", () => {
  const column = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x11, 0x21, 0x31, 0x41);
  const counts = new Uint32Array(16);
  tally(column, wordsOf(column), 0, 8, counts);
  expect([counts[15], counts[1]]).toEqual([4, 4]);
});
