/**
 * Making an image from create options: every option checked by name before a byte is written.
 * Source: zoned format, "Create options"; qemu-img's limits for the rest.
 */
import { Fault } from "../base/fault.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE, bytes, hostOffset, isPowerOfTwo, roundUp } from "../base/units.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { CreateOptions, OptionProblem, ZonedCreateOptions } from "../protocol/index.ts";
import { createImage, maxVirtualSize } from "../qcow2/create.ts";
import type { ExtensionArea } from "../qcow2/create.ts";
import { ZONED_EXTENSION_MAGIC, ZONED_FEATURE_BIT, dialectLimits, dialectUsesFeatureBit, encodeZonedExtension } from "../zoned/dialect.ts";
import { MAX_ZONES, countZones } from "../zoned/geometry.ts";
import type { ZoneGeometry } from "../zoned/geometry.ts";
import { newPointerEntries } from "./pointer-store.ts";

/** The name that the series' builds give the feature bit of v7 and v9. */
export const ZONED_FEATURE_NAME = { kind: "incompatible", bit: ZONED_FEATURE_BIT, name: "zoned format" } as const;

const problem = (option: string, found: number, allowed: string): OptionProblem => ({ kind: "option", option, found: String(found), allowed });

/** The first option that cannot be, by name, or null. */
export function checkCreateOptions(options: CreateOptions): OptionProblem | null {
  const { sizeBytes, clusterSize, refcountBits, zoned } = options;
  if (!isPowerOfTwo(clusterSize) || clusterSize < 512 || clusterSize > 2 ** 21) return problem("cluster_size", clusterSize, "a power of two from 512 to 2097152");
  if (!isPowerOfTwo(refcountBits) || refcountBits > 64) return problem("refcount_bits", refcountBits, "a power of two from 1 to 64");
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return problem("size", sizeBytes, "0 to just below 8 PiB");
  const largest = maxVirtualSize(clusterSize);
  if (sizeBytes > largest) return problem("size", sizeBytes, `at most ${largest} with clusters of ${clusterSize} bytes`);
  return zoned === null ? null : checkZoned(zoned, roundUp(sizeBytes, SECTOR_SIZE));
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
export function geometryOf(zoned: ZonedCreateOptions, deviceSize: number): ZoneGeometry {
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

/** Writes a new image into an empty store. A store that fails is a Fault; the file is then no image, and the caller removes it. */
export function writeNewImage(store: ByteStore, options: CreateOptions): Result<null, OptionProblem> {
  const bad = checkCreateOptions(options);
  if (bad !== null) return err(bad);
  const virtualSize = roundUp(options.sizeBytes, SECTOR_SIZE);
  const { zoned } = options;
  const withBit = zoned !== null && dialectUsesFeatureBit(zoned.dialect);
  try {
    createImage(store, {
      virtualSize,
      clusterSize: options.clusterSize,
      refcountBits: options.refcountBits,
      incompatible: withBit ? 1n << BigInt(ZONED_FEATURE_BIT) : 0n,
      featureNames: withBit ? [ZONED_FEATURE_NAME] : [],
      area: zoned === null ? null : zonedArea(zoned, virtualSize),
    });
  } catch (error) {
    if (error instanceof Fault && error.problem.kind === "unsupported") return err(problem("cluster_size", options.clusterSize, error.problem.feature));
    throw error;
  }
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
