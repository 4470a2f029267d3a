import { describe, expect, test } from "vitest";
import { copiedText, MOST_PIXELS, parseNeedle, parseOffset, rowScale } from "../../../src/state/hex.ts";

describe("the Hex tab's numbers", () => {
  test("a file of any length scrolls in a box of bounded height, from its first row to its last", () => {
    const rows = 2 ** 53 / 16;
    const scale = rowScale(rows, 20, 400);
    expect(scale.height).toBe(MOST_PIXELS);
    expect(scale.rowAt(0)).toBe(0);
    expect(scale.rowAt(scale.height - 400)).toBe(rows - 20);
    expect(scale.topOf(rows)).toBe(scale.height - 400);
    const short = rowScale(100, 20, 400);
    expect([short.height, short.rowAt(60), short.topOf(3)]).toEqual([2000, 3, 60]);
  });

  test.each([
    ["0x10000", 0, 65536],
    ["64k", 0, 65536],
    ["128 s", 0, 65536],
    ["+4k", 512, 4608],
    ["-512", 512, 0],
    ["-513", 512, null],
    ["about there", 0, null],
  ])("the offset %s from %i is %s", (text, from, expected) => expect(parseOffset(text, from)).toBe(expected));

  test("what is searched is hex or text, never empty and at most a KiB", () => {
    expect(parseNeedle("51 46 49 fb", true)).toEqual(Uint8Array.of(0x51, 0x46, 0x49, 0xfb));
    expect(parseNeedle("514", true)).toBeNull();
    expect(parseNeedle("ü", false)).toEqual(Uint8Array.of(0xc3, 0xbc));
    expect(parseNeedle("", false)).toBeNull();
    expect(parseNeedle("a".repeat(1025), false)).toBeNull();
  });

  test("bytes are copied as pairs of digits, sixteen a line", () => {
    expect(copiedText(Uint8Array.from({ length: 17 }, (_, index) => index))).toBe("00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f\n10");
  });
});
