import { describe, expect, it } from "vitest";
import { ioNumberWords, parseInteger, parseIoNumber, parsePattern, parseSize } from "../../../src/command/sizes.ts";

const size = (text: string): number | string => {
  const parsed = parseSize(text);
  return parsed.ok ? parsed.value : parsed.error;
};
const check = (text: string, expected: number | string): void => it(`${JSON.stringify(text)} → ${expected}`, () => expect(size(text)).toBe(expected));

describe("sizes as qemu_strtosz reads them", () => {
  check("0", 0);
  check("512", 512);
  check("08", 8);
  check("+1", 1);
  check(" 1", 1);
  check("1b", 1);
  check("1B", 1);
  check("1k", 1024);
  check("1K", 1024);
  check("64M", 67108864);
  check("64m", 67108864);
  check("1.5G", 1610612736);
  check("1t", 2 ** 40);
  check("1P", 2 ** 50);
  check("1e", 2 ** 60);
  check("0x4000000", 67108864);
  check("0X10", 16);
  check("0x1B", 27);
  check("1.0", 1);
  check("1.", 1);
  check("1.k", 1024);
  check(".5k", 512);
  check("0.1k", 102);
  check("1.23456789k", 1264);
  check("18446744073709551615", 2 ** 64);
  check("18446744073709551616", "out-of-range");
  check("16E", "out-of-range");
  // As QEMU 10 has it; 7.2 calls it no size.
  check("-1", "out-of-range");
  check("99999999999999999999k", "invalid");
  for (const text of ["", " ", "x", "1.5", "1.5b", "64MB", "1kk", "1e3", "1E0", "0x", "0xg", "0x10k", "0x1.8", "-1k", "inf", "nan", "1_0", "1.1.1k", "1 ", "k", "."]) {
    check(text, "invalid");
  }
});

describe("qemu-io's numbers", () => {
  const checkIo = (text: string, expected: number | string): void =>
    it(`${text} → ${expected}`, () => {
      const parsed = parseIoNumber(text);
      expect(parsed.ok ? parsed.value : ioNumberWords(text, parsed.error)).toBe(expected);
    });
  checkIo("4k", 4096);
  checkIo("foo", "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- foo");
  checkIo("8E", "Parsing error: argument too large -- 8E");
  checkIo("9223372036854775807", 2 ** 63);
  checkIo("9223372036854775808", "Parsing error: argument too large -- 9223372036854775808");
});

describe("integers and patterns as strtol reads them", () => {
  const checkPattern = (text: string, expected: number | null): void => it(`${JSON.stringify(text)} → ${expected}`, () => expect(parsePattern(text)).toBe(expected));
  checkPattern("0", 0);
  checkPattern("255", 255);
  checkPattern("0xcd", 205);
  checkPattern("017", 15);
  checkPattern("", 0);
  for (const text of ["256", "-1", "1x", "08", "foo", "0x", "1k"]) checkPattern(text, null);
  it("keeps a sign", () => expect(parseInteger("-12")).toBe(-12));
});
