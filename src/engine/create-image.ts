/**
 * Making an image from create options: every option checked by name before a byte is written.
 * Source: zoned format, "Create options"; qemu-img's limits for the rest.
 */
import { Fault } from "../base/fault.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE, bytes, hostOffset, isPowerOfTwo, roundUp } from "../base/units.ts";
import { lengthen } from "../bytes/byte-store.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { CreateOptions, OptionProblem, Preallocation, ZonedCreateOptions } from "../protocol/index.ts";
import { makeImage, maxVirtualSize, writeZeros } from "../qcow2/create.ts";
import type { ExtensionArea, NewImage } from "../qcow2/create.ts";
import { AUTOCLEAR_RAW_EXTERNAL, COMPATIBLE_LAZY_REFCOUNTS, INCOMPATIBLE_COMPRESSION_TYPE, INCOMPATIBLE_EXTENDED_L2, INCOMPATIBLE_EXTERNAL_DATA } from "../qcow2/features.ts";
import { BACKING_FORMAT_MAGIC, COMPRESSION_NAMES, DATA_FILE_MAGIC, MAX_BACKING_NAME } from "../qcow2/header.ts";
import { ZONED_EXTENSION_MAGIC, ZONED_FEATURE_BIT, dialectLimits, dialectUsesFeatureBit, encodeZonedExtension } from "../zoned/dialect.ts";
import { MAX_ZONES, countZones } from "../zoned/geometry.ts";
import type { ZoneGeometry } from "../zoned/geometry.ts";
import { runToEnd } from "./jobs.ts";
import type { Work } from "./jobs.ts";
import { newPointerEntries } from "./pointer-store.ts";

/** With extended L2 entries a cluster has 32 subclusters of a sector or more. */
const LEAST_EXTENDED_CLUSTER = 32 * SECTOR_SIZE;

/** The name that the series' builds give the feature bit of v7 and v9. */
export const ZONED_FEATURE_NAME = { kind: "incompatible", bit: ZONED_FEATURE_BIT, name: "zoned format" } as const;

const problem = (option: string, found: number, allowed: string): OptionProblem => ({ kind: "option", option, found: String(found), allowed });

/** The first option that cannot be, by name, or null. */
export function checkCreateOptions(options: CreateOptions): OptionProblem | null {
  const { sizeBytes, clusterSize, refcountBits, zoned } = options;
  if (!isPowerOfTwo(clusterSize) || clusterSize < 512 || clusterSize > 2 ** 21) return problem("cluster_size", clusterSize, "a power of two from 512 to 2097152");
  if (!isPowerOfTwo(refcountBits) || refcountBits > 64) return problem("refcount_bits", refcountBits, "a power of two from 1 to 64");
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return problem("size", sizeBytes, "0 to just below 8 PiB");
  const largest = maxVirtualSize(clusterSize, options.extendedL2);
  if (sizeBytes > largest) return problem("size", sizeBytes, `at most ${largest} with clusters of ${clusterSize} bytes`);
  const combined = checkCombination(options);
  if (combined !== null) return combined;
  return zoned === null ? null : checkZoned(zoned, roundUp(sizeBytes, SECTOR_SIZE));
}

/** Options that exclude each other, and what a zoned image does not have. */
function checkCombination(options: CreateOptions): OptionProblem | null {
  const { version = 3, backing = null, dataFile = null, preallocation = "off", extendedL2 = false, lazyRefcounts = false, zoned } = options;
  const no = (option: string, found: string, allowed: string): OptionProblem => ({ kind: "option", option, found, allowed });
  const old = "version 3 (compat=1.1)";
  if (extendedL2 && options.clusterSize < LEAST_EXTENDED_CLUSTER) return no("extended_l2", "on", `clusters of at least ${LEAST_EXTENDED_CLUSTER} bytes`);
  if (version === 2) {
    if (extendedL2) return no("extended_l2", "on", old);
    if (lazyRefcounts) return no("lazy_refcounts", "on", old);
    if (options.refcountBits !== 16) return no("refcount_bits", String(options.refcountBits), `16, or ${old}`);
    if (dataFile !== null) return no("data_file", dataFile.file, old);
    if (options.compressionType === "zstd") return no("compression_type", "zstd", old);
  }
  if (backing !== null && (backing.file === "" || new TextEncoder().encode(backing.file).length > MAX_BACKING_NAME)) {
    return no("backing_file", backing.file, `a name of 1 to ${MAX_BACKING_NAME} bytes`);
  }
  if (backing !== null && preallocation !== "off" && !extendedL2) return no("preallocation", preallocation, "off with a backing file, unless extended_l2 is on");
  if (backing !== null && dataFile?.raw === true) return no("data_file_raw", "on", "off with a backing file");
  if (zoned === null) return null;
  const refused: readonly [option: string, found: string, given: boolean][] = [
    ["compat", "0.10", version === 2],
    ["backing_file", backing?.file ?? "", backing !== null],
    ["data_file", dataFile?.file ?? "", dataFile !== null],
    ["lazy_refcounts", "on", lazyRefcounts],
  ];
  const first = refused.find(([, , given]) => given);
  return first === undefined ? null : no(first[0], first[1], "nothing of the kind for a zoned image");
}

function checkZoned(zoned: ZonedCreateOptions, sizeBytes: number): OptionProblem | null {
  const { zoneSize, zoneCapacity, conventionalZones, maxOpenZones, maxActiveZones, maxAppendBytes } = zoned;
  const limits = dialectLimits(zoned.dialect);
  const wanted = "larger zones need the v9 spelling (zone.size=)";
  if (!isPowerOfTwo(zoneSize) || zoneSize < SECTOR_SIZE) return problem("zone_size", zoneSize, "a power of two, 512 or more");
  if (zoneSize > limits.maxZoneSize) return problem("zone_size", zoneSize, `at most ${limits.maxZoneSize}; ${wanted}`);
  if (sizeBytes === 0) return problem("size", sizeBytes, "more than 0 for a zoned disk");
  if (zoneCapacity <= 0 || zoneCapacity > zoneSize || zoneCapacity % SECTOR_SIZE !== 0) {
    return problem("zone_capacity", zoneCapacity, `a multiple of 512 from 512 to zone_size (${zoneSize})`);
  }
  const zoneCount = countZones(sizeBytes, zoneSize);
  if (zoneCount > MAX_ZONES) return problem("zone_size", zoneSize, `a size that makes at most ${MAX_ZONES} zones; this one makes ${zoneCount}`);
  if (!Number.isSafeInteger(conventionalZones) || conventionalZones < 0 || conventionalZones >= zoneCount) return problem("nr_conv_zones", conventionalZones, `less than the number of zones (${zoneCount})`);
  for (const [name, value] of [["max_open_zones", maxOpenZones], ["max_active_zones", maxActiveZones]] as const) {
    if (!Number.isSafeInteger(value) || value < 0 || value >= 2 ** 32) return problem(name, value, "0 (no limit) to 4294967295");
  }
  if (maxActiveZones > 0 && maxOpenZones > maxActiveZones) return problem("max_open_zones", maxOpenZones, `at most max_active_zones (${maxActiveZones})`);
  if (maxAppendBytes < 0 || maxAppendBytes % SECTOR_SIZE !== 0 || maxAppendBytes > limits.maxAppendBytes) {
    return problem("max_append_bytes", maxAppendBytes, `a multiple of 512 up to ${limits.maxAppendBytes}; 0 turns append off`);
  }
  return null;
}

/** The geometry that create options describe. Defaults were filled in by whoever parsed them. */
function geometryOf(zoned: ZonedCreateOptions, deviceSize: number): ZoneGeometry {
  return {
    deviceSize: bytes(deviceSize),
    zoneSize: bytes(zoned.zoneSize),
    zoneCapacity: bytes(zoned.zoneCapacity),
    zoneCount: countZones(deviceSize, zoned.zoneSize),
    conventionalZones: zoned.conventionalZones,
    maxOpenZones: zoned.maxOpenZones,
    maxActiveZones: zoned.maxActiveZones,
    maxAppendBytes: bytes(zoned.maxAppendBytes),
  };
}

/** Whether the data is written as zeros: where a file system is to give room for it, nothing less makes it do so from here. */
const isWritten = (preallocation: Preallocation): boolean => preallocation === "falloc" || preallocation === "full";

/** Writes a new image into an empty store. A store that fails is a Fault; the file is then no image, and the caller removes it. */
export const writeNewImage = (store: ByteStore, options: CreateOptions): Result<null, OptionProblem> => runToEnd(newImage(store, null, options));

/**
 * As writeNewImage, in slices.
 * @param data the empty external data file, when options name one
 */
export function* newImage(store: ByteStore, data: ByteStore | null, options: CreateOptions): Work<Result<null, OptionProblem>> {
  const bad = checkCreateOptions(options);
  if (bad !== null) return err(bad);
  try {
    yield* makeImage(store, describe(options, data));
  } catch (error) {
    if (error instanceof Fault && error.problem.kind === "unsupported") return err(problem("cluster_size", options.clusterSize, error.problem.feature));
    throw error;
  }
  return ok(null);
}

function describe(options: CreateOptions, data: ByteStore | null): NewImage {
  const { zoned, backing = null, dataFile = null, preallocation = "off" } = options;
  const virtualSize = roundUp(options.sizeBytes, SECTOR_SIZE);
  const bits = (...set: readonly (number | false)[]): bigint => set.reduce((sum: bigint, bit) => (bit === false ? sum : sum | (1n << BigInt(bit))), 0n);
  const withBit = zoned !== null && dialectUsesFeatureBit(zoned.dialect);
  const zstd = options.compressionType === "zstd";
  const text = (magic: number, value: string | null): { magic: number; data: Uint8Array }[] =>
    value === null ? [] : [{ magic, data: new TextEncoder().encode(value) }];
  // A raw data file has to be the disk whether anybody looks at the tables or not, so that they map all of it.
  const mapped = preallocation !== "off" || dataFile?.raw === true;
  return {
    version: options.version ?? 3,
    virtualSize,
    clusterSize: options.clusterSize,
    refcountBits: options.refcountBits,
    extendedL2: options.extendedL2 ?? false,
    incompatible: bits(
      withBit && ZONED_FEATURE_BIT,
      dataFile !== null && INCOMPATIBLE_EXTERNAL_DATA,
      zstd && INCOMPATIBLE_COMPRESSION_TYPE,
      options.extendedL2 === true && INCOMPATIBLE_EXTENDED_L2,
    ),
    compatible: bits(options.lazyRefcounts === true && COMPATIBLE_LAZY_REFCOUNTS),
    autoclear: bits(dataFile?.raw === true && AUTOCLEAR_RAW_EXTERNAL),
    compressionType: zstd ? COMPRESSION_NAMES.indexOf("zstd") : 0,
    featureNames: withBit ? [ZONED_FEATURE_NAME] : [],
    extensions: [...text(BACKING_FORMAT_MAGIC, backing?.format ?? null), ...text(DATA_FILE_MAGIC, dataFile?.file ?? null)],
    backingFile: backing?.file ?? null,
    area: zoned === null ? null : zonedArea(zoned, virtualSize),
    preallocated: isWritten(preallocation) ? "zeros" : mapped ? "holes" : "no",
    data,
  };
}

/** Makes a file of zeros in an empty store. */
export function* newRaw(store: ByteStore, sizeBytes: number, preallocation: Preallocation): Work<Result<null, OptionProblem>> {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return err(problem("size", sizeBytes, "0 to just below 8 PiB"));
  const lengthBytes = roundUp(sizeBytes, SECTOR_SIZE);
  lengthen(store, lengthBytes);
  if (isWritten(preallocation)) yield* writeZeros(store, 0, lengthBytes);
  store.flush();
  return ok(null);
}

function zonedArea(zoned: ZonedCreateOptions, deviceSize: number): ExtensionArea {
  const geometry = geometryOf(zoned, deviceSize);
  const contents = newPointerEntries(geometry);
  return {
    contents,
    extension: (areaOffset) => ({
      magic: ZONED_EXTENSION_MAGIC,
      data: encodeZonedExtension({ dialect: zoned.dialect, geometry, metadataOffset: hostOffset(areaOffset), metadataSize: bytes(contents.length) }),
    }),
  };
}
