/** The zoned header extension in its three layouts: exact bytes, round trips, and every refusal by field and place. Zoned format, "Three layouts". */
import { describe, expect, test } from "vitest";
import { bytes, hostOffset } from "../../../src/base/units.ts";
import { decodeZonedExtension, dialectLimits, dialectUsesFeatureBit, encodeZonedExtension, extensionLength } from "../../../src/zoned/dialect.ts";
import type { Dialect, ExtensionContext, ZonedHeader } from "../../../src/zoned/dialect.ts";

const MIB = 2 ** 20;
const HOST = 512;

const seedHeader = (dialect: Dialect): ZonedHeader => ({
  dialect,
  geometry: {
    deviceSize: bytes(768 * MIB), zoneSize: bytes(64 * MIB), zoneCapacity: bytes(64 * MIB), zoneCount: 12, conventionalZones: 0,
    maxOpenZones: 0, maxActiveZones: 0, maxAppendBytes: bytes(512 * 512),
  },
  metadataOffset: hostOffset(0x30000),
  metadataSize: bytes(96),
});

const context = (dialect: Dialect, changes: Partial<ExtensionContext> = {}): ExtensionContext => ({
  hostOffset: HOST, featureBit: dialect !== "v4", deviceSize: 768 * MIB, clusterSize: 65536, fileLength: 262160, ...changes,
});

const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const fields = (...parts: string[]): string => parts.join("").replaceAll(" ", "");

/** The seed disk as the patched v4 and v9 programs wrote it; v7 by the posted struct. */
const SEED: Readonly<Record<Dialect, string>> = {
  v4: fields("01000000", "04000000", "04000000", "00000000", "0000000c", "00000000", "00000000", "00000200", "0000000000030000", "0000000000000060"),
  v7: fields("01000000", "04000000", "04000000", "00000000", "0000000c", "00000000", "00000000", "00040000", "0000000000000060", "0000000000030000"),
  v9: fields("01000000", "0000000004000000", "0000000004000000", "00000000", "0000000c", "00000000", "00000000", "00040000", "0000000000000060", "0000000000030000"),
};
const DIALECTS = ["v4", "v7", "v9"] as const;

describe.each(DIALECTS)("%s", (dialect) => {
  test("the seed disk's bytes", () => {
    expect(hex(encodeZonedExtension(seedHeader(dialect)))).toBe(SEED[dialect]);
    expect(SEED[dialect].length / 2).toBe(extensionLength(dialect));
    expect(decodeZonedExtension(Buffer.from(SEED[dialect], "hex"), context(dialect))).toEqual({ ok: true, value: seedHeader(dialect) });
  });

  test("every field has its own place", () => {
    const seed = seedHeader(dialect);
    const header: ZonedHeader = {
      ...seed,
      geometry: { ...seed.geometry, zoneCapacity: bytes(33 * MIB), conventionalZones: 3, maxOpenZones: 5, maxActiveZones: 7, maxAppendBytes: bytes(9 * 512) },
      metadataOffset: hostOffset(0x5_0000_0000),
    };
    const data = encodeZonedExtension(header);
    expect(decodeZonedExtension(data, context(dialect, { fileLength: 2 ** 40 }))).toEqual({ ok: true, value: header });
  });

  test("the data may lie anywhere in a larger array", () => {
    const around = new Uint8Array(100).fill(0xff);
    around.set(Buffer.from(SEED[dialect], "hex"), 13);
    expect(decodeZonedExtension(around.subarray(13, 13 + extensionLength(dialect)), context(dialect))).toEqual({ ok: true, value: seedHeader(dialect) });
  });

  test("zoned 0 means an image without zones", () => {
    expect(decodeZonedExtension(new Uint8Array(extensionLength(dialect)), context(dialect))).toEqual({ ok: true, value: null });
  });
});

test("v9 holds zones beyond 4 GiB, v4 and v7 do not", () => {
  const seed = seedHeader("v9");
  const geometry = { ...seed.geometry, deviceSize: bytes(2 ** 42), zoneSize: bytes(2 ** 40), zoneCapacity: bytes(2 ** 40 - 512), zoneCount: 4 };
  const header: ZonedHeader = { ...seed, geometry, metadataSize: bytes(32) };
  const decoded = decodeZonedExtension(encodeZonedExtension(header), context("v9", { deviceSize: 2 ** 42 }));
  expect(decoded).toEqual({ ok: true, value: header });
  for (const dialect of ["v4", "v7"] as const) expect(() => encodeZonedExtension({ ...header, dialect })).toThrow("zone_size does not fit its field");
  expect(DIALECTS.map((dialect) => dialectLimits(dialect).maxZoneSize)).toEqual([2 ** 31, 2 ** 31, 2 ** 52]);
  expect(DIALECTS.map((dialect) => dialectLimits(dialect).maxAppendBytes)).toEqual([(2 ** 32 - 1) * 512, 2 ** 32 - 1, 2 ** 32 - 1]);
  expect(DIALECTS.map(dialectUsesFeatureBit)).toEqual([false, true, true]);
});

test.each([
  [48, false, "v4"], [48, true, "v7"], [56, true, "v9"], [56, false, null], [0, false, null], [47, false, null], [49, true, null], [64, true, null], [57, true, null],
] as const)("an extension of %i bytes, feature bit 5 %s: %s", (length, featureBit, dialect) => {
  const data = new Uint8Array(length);
  if (length > 0) data[0] = 1;
  const decoded = decodeZonedExtension(data, { ...context("v4"), featureBit });
  if (decoded.ok) throw new Error("an extension of zeros is no zoned disk");
  if (dialect === null) {
    const found = `${length} bytes with feature bit 5 ${featureBit ? "set" : "clear"}`;
    expect(decoded.error).toMatchObject({ structure: "zoned extension", field: "length", hostOffset: HOST, found });
  } else {
    expect(decoded.error).toMatchObject({ field: "zone_size", hostOffset: HOST + 4, found: "0" });
  }
});

/** [name, byte, width] of each field, as the format's page has them. */
const PLACES: Readonly<Record<Dialect, Readonly<Record<string, readonly [string, number, number]>>>> = {
  v4: {
    zoneSize: ["zone_size", 4, 4], capacity: ["zone_capacity", 8, 4], conventional: ["nr_conv_zones", 12, 4], count: ["nr_zones", 16, 4],
    offset: ["zonedmeta_offset", 32, 8], size: ["zonedmeta_size", 40, 8],
  },
  v7: {
    zoneSize: ["zone_size", 4, 4], capacity: ["zone_capacity", 8, 4], conventional: ["nr_conv_zones", 12, 4], count: ["nr_zones", 16, 4],
    offset: ["zonedmeta_offset", 40, 8], size: ["zonedmeta_size", 32, 8],
  },
  v9: {
    zoneSize: ["zone_size", 4, 8], capacity: ["zone_capacity", 12, 8], conventional: ["conventional_zones", 20, 4], count: ["nr_zones", 24, 4],
    offset: ["zonedmeta_offset", 48, 8], size: ["zonedmeta_size", 40, 8],
  },
};

describe.each(DIALECTS)("%s refuses, naming field and host offset", (dialect) => {
  const refusal = (field: string, value: number | bigint, changes: Partial<ExtensionContext> = {}): unknown => {
    const data = new Uint8Array(Buffer.from(SEED[dialect], "hex"));
    const [, byte, width] = PLACES[dialect][field]!;
    const view = new DataView(data.buffer);
    if (width === 4) view.setUint32(byte, Number(value));
    else view.setBigUint64(byte, BigInt(value));
    const decoded = decodeZonedExtension(data, context(dialect, changes));
    return decoded.ok ? "accepted" : { field: decoded.error.field, hostOffset: decoded.error.hostOffset, found: decoded.error.found };
  };

  test.each<[string, number | bigint]>([
    ["zoneSize", 0], ["zoneSize", 256], ["zoneSize", 3 * MIB], ["zoneSize", 64 * MIB + 1], ["zoneSize", 0xffffffff],
    ["capacity", 0], ["capacity", 64 * MIB + 512], ["capacity", 513], ["capacity", 0xffffffff],
    ["conventional", 12], ["conventional", 0xffffffff],
    ["count", 0], ["count", 11], ["count", 13], ["count", 0xffffffff],
    ["size", 0], ["size", 95], ["size", 104], ["size", 2n ** 63n], ["size", 2n ** 64n - 1n],
    ["offset", 0], ["offset", 0x30200], ["offset", 0x40000], ["offset", 2n ** 62n], ["offset", 2n ** 64n - 65536n],
  ])("%s = %s", (field, value) => {
    const [name, byte] = PLACES[dialect][field]!;
    expect(refusal(field, value)).toEqual({ field: name, hostOffset: HOST + byte, found: String(Number(value)) });
  });

  test("zone sizes that would make too many zones, before anything is allocated", () => {
    expect(refusal("zoneSize", 512, { deviceSize: 2 ** 40 })).toMatchObject({ field: "zone_capacity" });
    const data = new Uint8Array(Buffer.from(SEED[dialect], "hex"));
    const view = new DataView(data.buffer);
    for (const field of ["zoneSize", "capacity"]) {
      const [, byte, width] = PLACES[dialect][field]!;
      view.setUint32(byte + width - 4, 512);
    }
    expect(decodeZonedExtension(data, context(dialect, { deviceSize: 2 ** 40 }))).toMatchObject({ ok: false, error: { field: PLACES[dialect]["count"]![0], found: String(2 ** 31) } });
  });

  test.each([2, 3, 255])("zoned = %i", (value) => {
    const data = new Uint8Array(Buffer.from(SEED[dialect], "hex"));
    data[0] = value;
    expect(decodeZonedExtension(data, context(dialect))).toMatchObject({ ok: false, error: { field: "zoned", hostOffset: HOST, found: String(value) } });
  });

  test("a disk of no bytes has no zones", () => {
    const decoded = decodeZonedExtension(Buffer.from(SEED[dialect], "hex"), context(dialect, { deviceSize: 0 }));
    expect(decoded).toMatchObject({ ok: false, error: { field: PLACES[dialect]["count"]![0] } });
  });

  test("pointers that end with the file", () => {
    const data = Buffer.from(SEED[dialect], "hex");
    expect(decodeZonedExtension(data, context(dialect, { fileLength: 0x30000 + 96 })).ok).toBe(true);
    expect(decodeZonedExtension(data, context(dialect, { fileLength: 0x30000 + 95 })).ok).toBe(false);
  });
});
