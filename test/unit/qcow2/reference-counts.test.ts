/** References counted sparsely: wide where they must be, in windows where memory is short, and quick over what nobody refers to. */
import { expect, test } from "vitest";
import { ReferenceCounts } from "../../../src/qcow2/reference-counts.ts";

const MIB = 2 ** 20;

test("a count grows beyond a byte, two and four, and its neighbours stay", () => {
  const counts = new ReferenceCounts(MIB);
  counts.add(6, 1);
  for (const times of [255, 65_535, 4_294_967_295, 2 ** 40]) {
    counts.add(5, times);
    expect(counts.get(6)).toBe(1);
  }
  expect(counts.get(5)).toBe(255 + 65_535 + 4_294_967_295 + 2 ** 40);
  expect([counts.get(4), counts.get(2 ** 45)]).toEqual([0, 0]);
});

test("what the greatest count has no room for is told", () => {
  const counts = new ReferenceCounts(MIB, 3);
  expect([counts.add(9, 2), counts.add(9, 2), counts.add(9, 1), counts.get(9)]).toEqual([0, 1, 1, 3]);
});

test("too many for the memory are counted window by window, each exactly once", () => {
  const clusters = Array.from({ length: 300 }, (_, index) => index * 10_007 + (index % 7));
  const counts = new ReferenceCounts(64 * 2048);
  const seen = new Map<number, number>();
  let windows = 0;
  for (let from = 0; from < Infinity; from = counts.to) {
    counts.begin(from);
    windows++;
    for (const cluster of clusters) counts.add(cluster, 2);
    for (const cluster of clusters) if (counts.get(cluster) > 0) seen.set(cluster, (seen.get(cluster) ?? 0) + counts.get(cluster));
  }
  expect(windows).toBeGreaterThan(3);
  expect(clusters.map((cluster) => seen.get(cluster))).toEqual(clusters.map(() => 2));
});

test("what nobody refers to is passed over at once, however long the file", () => {
  const counts = new ReferenceCounts(MIB);
  counts.add(10, 1);
  counts.add(2 ** 40 + 5, 1);
  expect(counts.skipUnused(0, 2 ** 44)).toBe(10);
  expect(counts.skipUnused(2048, 2 ** 44)).toBe(2 ** 40 + 5);
  expect(counts.skipUnused(2 ** 40, 2 ** 44)).toBe(2 ** 40 + 5);
  expect(counts.skipUnused(2 ** 41, 2 ** 44)).toBe(2 ** 44);
  expect([...counts.runs(0, 2 ** 44)]).toEqual([[0, 2048], [2 ** 40, 2 ** 40 + 2048]]);
});
