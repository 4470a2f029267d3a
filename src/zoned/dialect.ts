/**
 * The zoned header extension in its posted layouts ("dialects"): detection, validation, encoding. All fields big-endian.
 *
 * | field           | v4: byte, width | v7: byte, width | v9: byte, width |
 * |-----------------|-----------------|-----------------|-----------------|
 * | zoned           | 0, 1            | 0, 1            | 0, 1            |
 * | zone_size       | 4, 4            | 4, 4            | 4, 8            |
 * | zone_capacity   | 8, 4            | 8, 4            | 12, 8           |
 * | conventional    | 12, 4           | 12, 4           | 20, 4           |
 * | nr_zones        | 16, 4           | 16, 4           | 24, 4           |
 * | max_active_zones| 20, 4           | 20, 4           | 28, 4           |
 * | max_open_zones  | 24, 4           | 24, 4           | 32, 4           |
 * | append limit    | 28, 4 (sectors) | 28, 4 (bytes)   | 36, 4 (bytes)   |
 * | zonedmeta_offset| 32, 8           | 40, 8           | 48, 8           |
 * | zonedmeta_size  | 40, 8           | 32, 8           | 40, 8           |
 *
 * A dialect is told by (extension length, incompatible bit 5). Source: zoned format, "Three layouts".
 */
import { assert } from "../base/assert.ts";
import { imageProblem } from "../base/fault.ts";
import type { ImageProblem } from "../base/fault.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE, bytes, hostOffset, isPowerOfTwo } from "../base/units.ts";
import type { Bytes, HostOffset } from "../base/units.ts";
import { MAX_ZONES, countZones } from "./geometry.ts";
import type { ZoneGeometry } from "./geometry.ts";
import { POINTER_BYTES } from "./pointer.ts";

export const ZONED_EXTENSION_MAGIC = 0x007a6264;
/** The incompatible feature bit of v7 and v9, by its name in the series' feature table. */
export const ZONED_FEATURE_BIT = 5;

export type Dialect = "v4" | "v7" | "v9";

/** Everything the extension says. */
export interface ZonedHeader {
  readonly dialect: Dialect;
  readonly geometry: ZoneGeometry;
  readonly metadataOffset: HostOffset;
  readonly metadataSize: Bytes;
}

type Field = readonly [name: string, byte: number, width: 4 | 8];
interface Layout {
  readonly lengthBytes: number;
  readonly featureBit: boolean;
  readonly appendUnit: number;
  readonly zoneSize: Field;
  readonly zoneCapacity: Field;
  readonly conventional: Field;
  readonly zoneCount: Field;
  readonly maxActive: Field;
  readonly maxOpen: Field;
  readonly maxAppend: Field;
  readonly metadataOffset: Field;
  readonly metadataSize: Field;
}

const fieldsTo27 = {
  zoneSize: ["zone_size", 4, 4],
  zoneCapacity: ["zone_capacity", 8, 4],
  conventional: ["nr_conv_zones", 12, 4],
  zoneCount: ["nr_zones", 16, 4],
  maxActive: ["max_active_zones", 20, 4],
  maxOpen: ["max_open_zones", 24, 4],
} as const satisfies Partial<Layout>;

const LAYOUTS: Readonly<Record<Dialect, Layout>> = {
  v4: {
    lengthBytes: 48,
    featureBit: false,
    appendUnit: SECTOR_SIZE,
    ...fieldsTo27,
    maxAppend: ["max_append_sectors", 28, 4],
    metadataOffset: ["zonedmeta_offset", 32, 8],
    metadataSize: ["zonedmeta_size", 40, 8],
  },
  v7: {
    lengthBytes: 48,
    featureBit: true,
    appendUnit: 1,
    ...fieldsTo27,
    maxAppend: ["max_append_bytes", 28, 4],
    metadataOffset: ["zonedmeta_offset", 40, 8],
    metadataSize: ["zonedmeta_size", 32, 8],
  },
  v9: {
    lengthBytes: 56,
    featureBit: true,
    appendUnit: 1,
    zoneSize: ["zone_size", 4, 8],
    zoneCapacity: ["zone_capacity", 12, 8],
    conventional: ["conventional_zones", 20, 4],
    zoneCount: ["nr_zones", 24, 4],
    maxActive: ["max_active_zones", 28, 4],
    maxOpen: ["max_open_zones", 32, 4],
    maxAppend: ["max_append_bytes", 36, 4],
    metadataOffset: ["zonedmeta_offset", 48, 8],
    metadataSize: ["zonedmeta_size", 40, 8],
  },
};

export const dialectUsesFeatureBit = (dialect: Dialect): boolean => LAYOUTS[dialect].featureBit;
export const extensionLength = (dialect: Dialect): number => LAYOUTS[dialect].lengthBytes;

/** What surrounds the extension and bounds what it may say. */
export interface ExtensionContext {
  /** Host offset of the extension's data, for problems. */
  readonly hostOffset: number;
  /** Whether incompatible feature bit 5 is set in the header. */
  readonly featureBit: boolean;
  readonly deviceSize: number;
  readonly clusterSize: number;
  readonly fileLength: number;
}

const STRUCTURE = "zoned extension";

/**
 * The zoned extension among a header's, null for none. Two are refused: a reader that takes the first and one that takes the last would
 * see two disks.
 */
export function findZonedExtension<Extension extends { readonly magic: number; readonly hostOffset: number }>(
  extensions: readonly Extension[],
): Result<Extension | null, ImageProblem> {
  const [found, second] = extensions.filter(({ magic }) => magic === ZONED_EXTENSION_MAGIC);
  if (second !== undefined) return err(imageProblem(STRUCTURE, "magic", second.hostOffset, "a second zoned extension", "one"));
  return ok(found ?? null);
}

/**
 * Whether a header's extensions tell of zones: what zoned images do not do is refused on that word, before anything else of the extension
 * is looked at. One that says "none" is of a plain image.
 */
export const tellsOfZones = (extensions: readonly { readonly magic: number; readonly data: Uint8Array }[]): boolean =>
  extensions.some(({ magic, data }) => magic === ZONED_EXTENSION_MAGIC && data[0] !== 0);

/**
 * Decodes and validates the extension before anything is read or allocated on its word.
 * @returns the header, null where the extension says that the image is not zoned, or the first field that cannot be true
 */
export function decodeZonedExtension(data: Uint8Array, context: ExtensionContext): Result<ZonedHeader | null, ImageProblem> {
  const dialect = dialectOf(data.length, context.featureBit);
  if (dialect === null) {
    const found = `${data.length} bytes with feature bit 5 ${context.featureBit ? "set" : "clear"}`;
    return err(imageProblem(STRUCTURE, "length", context.hostOffset, found, "48 (bit clear: v4), 48 (bit set: v7) or 56 (bit set: v9)"));
  }
  const layout = LAYOUTS[dialect];
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const read = ([, byte, width]: Field): number => (width === 4 ? view.getUint32(byte) : view.getUint32(byte) * 2 ** 32 + view.getUint32(byte + 4));
  const bad = ([name, byte]: readonly [string, number, number], found: number, allowed: string): Result<never, ImageProblem> =>
    err(imageProblem(STRUCTURE, name, context.hostOffset + byte, found, allowed));

  const zoned = view.getUint8(0);
  if (zoned === 0) return ok(null);
  if (zoned !== 1) return bad(["zoned", 0, 1], zoned, "0 (none) or 1 (host-managed)");

  const zoneSize = read(layout.zoneSize);
  if (!isPowerOfTwo(zoneSize) || zoneSize < SECTOR_SIZE) return bad(layout.zoneSize, zoneSize, "a power of two, 512 or more");
  const zoneCapacity = read(layout.zoneCapacity);
  if (zoneCapacity === 0 || zoneCapacity > zoneSize || zoneCapacity % SECTOR_SIZE !== 0) {
    return bad(layout.zoneCapacity, zoneCapacity, `a multiple of 512 from 512 to zone_size (${zoneSize})`);
  }
  const zoneCount = read(layout.zoneCount);
  const expectedCount = countZones(context.deviceSize, zoneSize);
  if (expectedCount > MAX_ZONES) return bad(layout.zoneCount, expectedCount, `at most ${MAX_ZONES} zones`);
  if (zoneCount !== expectedCount || zoneCount === 0) {
    return bad(layout.zoneCount, zoneCount, `${expectedCount}, the disk's size divided by zone_size`);
  }
  const conventionalZones = read(layout.conventional);
  if (conventionalZones >= zoneCount) return bad(layout.conventional, conventionalZones, `less than nr_zones (${zoneCount})`);
  const metadataSize = read(layout.metadataSize);
  if (metadataSize !== POINTER_BYTES * zoneCount) return bad(layout.metadataSize, metadataSize, `${POINTER_BYTES * zoneCount}, 8 bytes a zone`);
  const metadataOffset = read(layout.metadataOffset);
  if (metadataOffset === 0 || metadataOffset % context.clusterSize !== 0) {
    return bad(layout.metadataOffset, metadataOffset, `a multiple of the cluster size (${context.clusterSize}), not 0`);
  }
  if (metadataOffset + metadataSize > context.fileLength) {
    return bad(layout.metadataOffset, metadataOffset, `at most ${context.fileLength - metadataSize}, so that the pointers lie inside the file`);
  }
  const geometry: ZoneGeometry = {
    deviceSize: bytes(context.deviceSize),
    zoneSize: bytes(zoneSize),
    zoneCapacity: bytes(zoneCapacity),
    zoneCount,
    conventionalZones,
    maxActiveZones: read(layout.maxActive),
    maxOpenZones: read(layout.maxOpen),
    maxAppendBytes: bytes(read(layout.maxAppend) * layout.appendUnit),
  };
  return ok({ dialect, geometry, metadataOffset: hostOffset(metadataOffset), metadataSize: bytes(metadataSize) });
}

/** The fields of a dialect's extension in the order of their bytes: name, first byte, width in bytes. */
export function dialectFields(dialect: Dialect): readonly (readonly [name: string, byte: number, width: number])[] {
  const { zoneSize, zoneCapacity, conventional, zoneCount, maxActive, maxOpen, maxAppend, metadataOffset, metadataSize } = LAYOUTS[dialect];
  const fields = [zoneSize, zoneCapacity, conventional, zoneCount, maxActive, maxOpen, maxAppend, metadataOffset, metadataSize];
  return [["zoned", 0, 1], ...fields.toSorted(([, byte], [, other]) => byte - other)];
}

/** Which dialect an extension of that length is, null for none. */
export function dialectOf(lengthBytes: number, featureBit: boolean): Dialect | null {
  if (lengthBytes === 48) return featureBit ? "v7" : "v4";
  return lengthBytes === 56 && featureBit ? "v9" : null;
}

/** How a dialect stores what it says, for whoever explains it. */
export interface DialectTraits {
  readonly dialect: Dialect;
  readonly lengthBytes: number;
  readonly featureBit: boolean;
  /** Width of zone_size and zone_capacity. */
  readonly zoneSizeBits: 32 | 64;
  /** The append limit counts these: 512 for sectors, 1 for bytes. */
  readonly appendUnitBytes: number;
  /** Whether zonedmeta_offset stands before zonedmeta_size. */
  readonly offsetBeforeSize: boolean;
}

export function dialectTraits(dialect: Dialect): DialectTraits {
  const layout = LAYOUTS[dialect];
  return {
    dialect,
    lengthBytes: layout.lengthBytes,
    featureBit: layout.featureBit,
    zoneSizeBits: layout.zoneSize[2] === 4 ? 32 : 64,
    appendUnitBytes: layout.appendUnit,
    offsetBeforeSize: layout.metadataOffset[1] < layout.metadataSize[1],
  };
}

/** A value that a dialect's field cannot hold; the append limit counts bytes here whatever the dialect counts. */
export interface Misfit {
  readonly field: "zone_size" | "max_append_bytes";
  readonly found: number;
  readonly allowed: string;
}

/** The first value of a geometry that a dialect cannot store, or null when it can store all of them. */
export function misfitOf(geometry: ZoneGeometry, dialect: Dialect): Misfit | null {
  const layout = LAYOUTS[dialect];
  const { maxZoneSize, maxAppendBytes } = dialectLimits(dialect);
  if (geometry.zoneSize > maxZoneSize) return { field: "zone_size", found: geometry.zoneSize, allowed: `at most ${maxZoneSize} in ${dialect}` };
  if (geometry.maxAppendBytes % layout.appendUnit !== 0) {
    return { field: "max_append_bytes", found: geometry.maxAppendBytes, allowed: `a multiple of ${layout.appendUnit} in ${dialect}` };
  }
  if (geometry.maxAppendBytes > maxAppendBytes) {
    return { field: "max_append_bytes", found: geometry.maxAppendBytes, allowed: `at most ${maxAppendBytes} in ${dialect}` };
  }
  return null;
}

/** The largest value each dialect can store; create refuses what does not fit. */
export function dialectLimits(dialect: Dialect): { readonly maxZoneSize: number; readonly maxAppendBytes: number } {
  const layout = LAYOUTS[dialect];
  // The largest power of two in the field's width.
  const maxZoneSize = layout.zoneSize[2] === 4 ? 2 ** 31 : 2 ** 52;
  return { maxZoneSize, maxAppendBytes: (2 ** 32 - 1) * layout.appendUnit };
}

/** Encodes the extension's data; the header must have been validated against `dialectLimits`. */
export function encodeZonedExtension(header: ZonedHeader): Uint8Array {
  const layout = LAYOUTS[header.dialect];
  const data = new Uint8Array(layout.lengthBytes);
  const view = new DataView(data.buffer);
  const write = ([name, byte, width]: Field, value: number): void => {
    assert(Number.isSafeInteger(value) && value >= 0 && (width === 8 || value < 2 ** 32), `${name} does not fit its field`);
    if (width === 8) view.setUint32(byte, Math.floor(value / 2 ** 32));
    view.setUint32(width === 8 ? byte + 4 : byte, value % 2 ** 32);
  };
  const { geometry } = header;
  view.setUint8(0, 1);
  write(layout.zoneSize, geometry.zoneSize);
  write(layout.zoneCapacity, geometry.zoneCapacity);
  write(layout.conventional, geometry.conventionalZones);
  write(layout.zoneCount, geometry.zoneCount);
  write(layout.maxActive, geometry.maxActiveZones);
  write(layout.maxOpen, geometry.maxOpenZones);
  write(layout.maxAppend, geometry.maxAppendBytes / layout.appendUnit);
  write(layout.metadataOffset, header.metadataOffset);
  write(layout.metadataSize, header.metadataSize);
  return data;
}
