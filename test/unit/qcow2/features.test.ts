/** Feature bits and the feature name table. */
import { expect, test } from "vitest";
import { KNOWN_FEATURES, bitsOf, decodeFeatureNames, describeFeatures, encodeFeatureNames, hasBit } from "../../../src/qcow2/features.ts";

test("bits of a 64-bit field", () => {
  expect(bitsOf(0n)).toEqual([]);
  expect(bitsOf((1n << 63n) | (1n << 31n) | (1n << 32n) | 1n)).toEqual([0, 31, 32, 63]);
  expect([hasBit(1n << 63n, 63), hasBit(1n << 63n, 62)]).toEqual([true, false]);
});

test("the name table: 48 bytes an entry, as QEMU writes it", () => {
  const data = encodeFeatureNames(KNOWN_FEATURES);
  expect(data.length).toBe(48 * KNOWN_FEATURES.length);
  expect([...data.subarray(0, 12)]).toEqual([0, 0, ...new TextEncoder().encode("dirty bit"), 0]);
  expect(decodeFeatureNames(data)).toEqual(KNOWN_FEATURES);
});

test("names of a file are taken as they are, and cut at the entry", () => {
  const long = { kind: "autoclear", bit: 63, name: "x".repeat(60) } as const;
  expect(decodeFeatureNames(encodeFeatureNames([long]))).toEqual([{ ...long, name: "x".repeat(46) }]);
  const odd = new Uint8Array(48 * 2 + 47).fill(0xff);
  odd[48] = 1;
  expect(decodeFeatureNames(odd)).toMatchObject([{ kind: "compatible", bit: 255 }]);
  expect(decodeFeatureNames(new Uint8Array(47))).toEqual([]);
});

test("a feature by the image's own table first, then by QEMU's, else by its number", () => {
  const table = [{ kind: "incompatible", bit: 5, name: "zoned format" }] as const;
  expect(describeFeatures("incompatible", [5], table)).toBe("zoned format");
  expect(describeFeatures("incompatible", [2, 5, 62, 63], table)).toBe("external data file, zoned format, Unknown incompatible feature: c000000000000000");
  expect(decodeFeatureNames(new Uint8Array([0, 63, 0x54, 0x31]))).toEqual([{ kind: "incompatible", bit: 63, name: "T1" }]);
  expect(describeFeatures("autoclear", [40], [])).toBe("Unknown autoclear feature: 10000000000");
});
