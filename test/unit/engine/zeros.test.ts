/** Finding zeros: every length and alignment, a sign bit that is no number, and how runs are cut. */
import { expect, test } from "vitest";
import { isZero } from "../../../src/bytes/zeros.ts";
import { firstNonZeroBlock, nextRun } from "../../../src/engine/zeros.ts";

test("one bit anywhere, at any alignment and length, is seen", () => {
  const buffer = new ArrayBuffer(128);
  for (let start = 0; start < 9; start++) {
    for (const length of [0, 1, 3, 4, 5, 31, 32, 33, 64, 100]) {
      const bytes = new Uint8Array(buffer, start, length);
      expect(isZero(bytes)).toBe(true);
      for (let at = 0; at < length; at++) {
        bytes[at] = 0x80;
        expect(isZero(bytes), `byte ${at} of ${length} at ${start}`).toBe(false);
        bytes[at] = 0;
      }
    }
  }
});

test("bytes around the range do not count", () => {
  const buffer = new Uint8Array(64).fill(1);
  buffer.fill(0, 5, 50);
  expect(isZero(buffer.subarray(5, 50))).toBe(true);
  expect(isZero(buffer.subarray(5, 51))).toBe(false);
  expect(isZero(buffer.subarray(4, 50))).toBe(false);
});

test("the first block with data", () => {
  const bytes = new Uint8Array(2000);
  expect(firstNonZeroBlock(bytes, 512)).toBe(-1);
  bytes[1999] = 1;
  expect(firstNonZeroBlock(bytes, 512)).toBe(1536);
  bytes[600] = 1;
  expect(firstNonZeroBlock(bytes, 512)).toBe(512);
});

/** Cuts a piece whose blocks of 4 KiB are data where the text has a letter. */
function cut(pattern: string, base: number, holeBytes = 4096): string {
  const piece = new Uint8Array(pattern.length * 1024);
  [...pattern].forEach((letter, index) => piece.fill(letter === "." ? 0 : 1, index * 1024, (index + 1) * 1024));
  let text = "";
  for (let at = 0; at < piece.length; ) {
    const run = nextRun(piece, at, base, { blockBytes: 4096, holeBytes });
    text += (run.zero ? "." : "x").repeat((run.end - at) / 1024);
    at = run.end;
  }
  return text;
}

test("runs end at multiples of the block on the disk", () => {
  expect(cut("xxxx....xxxx", 0)).toBe("xxxx....xxxx");
  expect(cut("x.......xxxx", 0)).toBe("xxxx....xxxx");
  expect(cut(".x......x...", 0)).toBe("xxxx....xxxx");
  // The disk's blocks begin one KiB into the piece here.
  expect(cut("x........xxx", 3072)).toBe("x........xxx");
  expect(cut("xx.......xxx", 3072)).toBe("xxxxx....xxx");
  expect(cut("............", 0)).toBe("............");
});

test("a hole shorter than asked for is data, but not at the end", () => {
  expect(cut("xxxx....xxxx", 0, 8192)).toBe("xxxxxxxxxxxx");
  expect(cut("xxxx........xxxx", 0, 8192)).toBe("xxxx........xxxx");
  expect(cut("xxxx....xxxx....", 0, 8192)).toBe("xxxxxxxxxxxx....");
});
