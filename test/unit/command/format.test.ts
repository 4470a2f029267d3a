import { describe, expect, it } from "vitest";
import { exact, exactBytes, fixed, hex, imgSize, imgSizeExact, integer, ioSize } from "../../../src/command/format.ts";
import { dump, operationReport } from "../../../src/command/io-report.ts";

describe("numbers as qemu-io prints them", () => {
  const check = (value: number, expected: string): void => it(`${value} → ${expected}`, () => expect(ioSize(value)).toBe(expected));
  check(0, "0 bytes");
  check(512, "512 bytes");
  check(1023, "1023 bytes");
  check(1024, "1 KiB");
  check(1264, "1.234 KiB");
  check(4096, "4 KiB");
  check(50266112, "47.938 MiB");
  check(50327552, "47.996 MiB");
  check(805306368, "768 MiB");
  // A tie goes to the even digit, as in C.
  check(2.0625 * 2 ** 20, "2.062 MiB");
  check(1.1875 * 2 ** 10, "1.188 KiB");
  check(1.5 * 2 ** 60, "1.500 EiB");
  check(2 ** 63, "8 EiB");
  check(47.150347, "47.150347 bytes");
  check(0.0004, "0 bytes");
});

describe("numbers as qemu-img prints them", () => {
  const check = (value: number, expected: string): void => it(`${value} → ${expected}`, () => expect(imgSize(value)).toBe(expected));
  check(0, "0 B");
  check(512, "512 B");
  check(999, "999 B");
  check(1000, "0.977 KiB");
  check(1023, "0.999 KiB");
  check(1024, "1 KiB");
  check(200704, "196 KiB");
  check(197120, "192 KiB");
  check(1610612736, "1.5 GiB");
  check(805306368, "768 MiB");
  it("with the exact number", () => expect(imgSizeExact(805306368)).toBe("768 MiB (805306368 bytes)"));
});

describe("plain numbers", () => {
  it("rounds as printf does", () => {
    expect(fixed(0.5, 0)).toBe("0");
    expect(fixed(1.5, 0)).toBe("2");
    expect(fixed(2.675, 2)).toBe("2.67");
    expect(fixed(0.125, 2)).toBe("0.12");
  });
  it("keeps all digits beyond 2^53", () => expect(integer(2 ** 60)).toBe("1152921504606846976"));
  it("writes hex", () => expect(hex(0x2fff0000)).toBe("0x2fff0000"));
  it.each([0, 1, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32, 0x1_0000_0a0b, 2 ** 48 + 5, Number.MAX_SAFE_INTEGER, 2 ** 60])("writes %d in hex as the platform does", (value) => {
    expect(hex(value)).toBe(`0x${value.toString(16)}`);
  });
  it("writes offsets and lengths in sentences", () => {
    expect(exact(0)).toBe("0");
    expect(exact(134221824)).toBe("128.004 MiB (134221824)");
    expect(exactBytes(1)).toBe("1 byte");
    expect(exactBytes(4096)).toBe("4 KiB (4096 bytes)");
  });
});

describe("the report of an operation", () => {
  const check = (name: string, elapsedMs: number, machine: boolean, expected: string): void =>
    it(name, () => expect(operationReport("wrote", elapsedMs, 4096, 4096, 4096, machine)).toBe(expected));
  check("for people", 4, false, "wrote 4096/4096 bytes at offset 4096\n4 KiB, 1 ops; 00.00 sec (1000 KiB/sec and 250.0000 ops/sec)\n");
  check("hundredths of a second", 128, false, "wrote 4096/4096 bytes at offset 4096\n4 KiB, 1 ops; 00.13 sec (31.250 KiB/sec and 7.8125 ops/sec)\n");
  check("a second and more", 61500, false, "wrote 4096/4096 bytes at offset 4096\n4 KiB, 1 ops; 0:01:01.50 (66.601626 bytes/sec and 0.0163 ops/sec)\n");
  check("for programs", 4, true, "4096,1,0:00:00.00,1024000.000,250.000\n");
  it("does not divide by no time", () => expect(operationReport("read", 0, 0, 0, 0, false)).toContain("0 bytes, 1 ops; 00.00 sec (0 bytes/sec and "));
});

describe("a dump", () => {
  it("shows offset, bytes, letters and digits", () =>
    expect(dump(Uint8Array.from([0x41, 0x7a, 0x30, 0x20, 0xff]), 16)).toBe("00000010:  41 7a 30 20 ff  Az0..\n"));
  it("breaks rows at 16", () => expect(dump(new Uint8Array(17).fill(0x42), 0).split("\n")).toEqual([`00000000:  ${"42 ".repeat(16)} ${"B".repeat(16)}`, "00000010:  42  B", ""]));
});
