/** Runs of one granularity are set in pages of another: each page comes once, with all that touches it. */
import { expect, test } from "vitest";
import { BitmapBits } from "../../../src/qcow2/bitmap-bits.ts";
import type { BitmapPage } from "../../../src/qcow2/bitmap-bits.ts";

const PAGE_BYTES = 512;
const BITS_PER_PAGE = PAGE_BYTES * 8;
const GRANULARITY = 4096;
const PAGE = BITS_PER_PAGE * GRANULARITY;

test("two runs that touch one bit, the first of which fills its page, leave the page full", () => {
  const bits = new BitmapBits(12, 3 * PAGE, PAGE_BYTES, () => "none");
  // Of a bitmap with a bit for each 512 bytes: all but 512 bytes within what the last bit of the page stands for.
  const runs = [
    { offset: 0, lengthBytes: PAGE - 1024 },
    { offset: PAGE - 512, lengthBytes: 512 },
  ];
  expect([...bits.pagesWith(runs)]).toEqual([{ index: 0, page: "all" }]);
  // And one that goes on into the next page.
  const further = [...bits.pagesWith([runs[0]!, { offset: PAGE - 512, lengthBytes: 1024 }])];
  expect(further.map(({ index, page }) => [index, typeof page === "string" ? page : [...page.subarray(0, 2)]])).toEqual([
    [0, "all"],
    [1, [1, 0]],
  ]);
});

test("a run that fills a page leaves it full where another touched its first bit", () => {
  const bits = new BitmapBits(12, 3 * PAGE, PAGE_BYTES, () => "none");
  const runs = [
    { offset: PAGE, lengthBytes: 512 },
    { offset: PAGE + 1024, lengthBytes: PAGE - 1024 },
  ];
  expect([...bits.pagesWith(runs)]).toEqual([{ index: 1, page: "all" }]);
});

test("pages come in order and once each, whatever the runs are", () => {
  let seed = 7;
  const next = (below: number): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
  for (let round = 0; round < 200; round++) {
    const size = 3 * PAGE - 512 * next(9);
    const stored = ["none", "all", "none"] as const;
    const bits = new BitmapBits(12, size, PAGE_BYTES, (page) => stored[(page + round) % 3]!);
    const model = new Uint8Array(Math.ceil(size / GRANULARITY));
    model.forEach((_, bit) => (model[bit] = stored[(Math.floor(bit / BITS_PER_PAGE) + round) % 3] === "all" ? 1 : 0));
    const runs: { offset: number; lengthBytes: number }[] = [];
    for (let at = 512 * next(20); at < size; ) {
      const lengthBytes = Math.min(size - at, next(3) === 0 ? PAGE + 512 * (next(64) - 32) : 512 * (1 + next(40)));
      runs.push({ offset: at, lengthBytes });
      model.fill(1, Math.floor(at / GRANULARITY), Math.ceil((at + lengthBytes) / GRANULARITY));
      at += lengthBytes + 512 * (1 + next(4));
    }
    const pages = new Map<number, BitmapPage>();
    let last = -1;
    for (const { index, page } of bits.pagesWith(runs)) {
      expect(index).toBeGreaterThan(last);
      last = index;
      pages.set(index, page);
    }
    const after = new BitmapBits(12, size, PAGE_BYTES, (page) => pages.get(page) ?? stored[(page + round) % 3]!);
    const told = new Uint8Array(model.length);
    for (const { offset, lengthBytes } of after.runs()) told.fill(1, offset / GRANULARITY, (offset + lengthBytes) / GRANULARITY);
    expect(Buffer.compare(told, model), `round ${round}`).toBe(0);
  }
});
