/**
 * The dialect of an image in a store: what it is and why, and what the first bytes of the file are in another one.
 *
 * Only the header differs between dialects: pointers, tables and data stay where they are, byte for byte. Source: zoned format,
 * "Three layouts".
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import { readExactly } from "../bytes/byte-store.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { Dialect, DialectFacts, Failure } from "../protocol/index.ts";
import { decodeFeatureNames, hasBit } from "../qcow2/features.ts";
import { planHeaderRewrite } from "../qcow2/header-rewrite.ts";
import type { HeaderRewrite } from "../qcow2/header-rewrite.ts";
import { FEATURE_NAMES_MAGIC } from "../qcow2/header.ts";
import type { Header } from "../qcow2/header.ts";
import { readHeader } from "../qcow2/open.ts";
import { ZONED_EXTENSION_MAGIC, ZONED_FEATURE_BIT, decodeZonedExtension, dialectTraits, dialectUsesFeatureBit, encodeZonedExtension, findZonedExtension, misfitOf } from "../zoned/dialect.ts";
import { ZONED_FEATURE_NAME } from "./create-image.ts";
import { openDevice } from "./open-device.ts";

/** Autoclear bits whose meaning is known and that a change of the header leaves true: bitmaps, raw external data. */
const KNOWN_AUTOCLEAR = 0b11n;

/** @throws Fault for a file that has no qcow2 header that can be read */
export function dialectFacts(store: ByteStore): DialectFacts {
  const header = readHeader(store);
  const found = findZonedExtension(header.extensions);
  const featureBit = hasBit(header.incompatible, ZONED_FEATURE_BIT);
  const facts: DialectFacts = { extension: null, featureBit, featureName: nameOfBit(header), zoned: null, problem: null };
  if (!found.ok) return { ...facts, problem: found.error };
  const extension = found.value;
  if (extension === null) return facts;
  const place = { hostOffset: extension.hostOffset, lengthBytes: extension.data.length };
  const decoded = decodeZonedExtension(extension.data, {
    hostOffset: extension.hostOffset,
    featureBit,
    deviceSize: header.virtualSize,
    clusterSize: header.clusterSize,
    fileLength: store.size(),
  });
  if (!decoded.ok) return { ...facts, extension: place, problem: decoded.error };
  if (decoded.value === null) return { ...facts, extension: place };
  const { dialect, geometry, metadataOffset, metadataSize } = decoded.value;
  return { ...facts, extension: place, zoned: { traits: dialectTraits(dialect), geometry, metadataOffset, metadataSize } };
}

function nameOfBit(header: Header): string | null {
  const table = header.extensions.find(({ magic }) => magic === FEATURE_NAMES_MAGIC);
  const names = table === undefined ? [] : decodeFeatureNames(table.data);
  return names.find(({ kind, bit }) => kind === "incompatible" && bit === ZONED_FEATURE_BIT)?.name ?? null;
}

export interface DialectPlan {
  readonly from: Dialect;
  /** null when the image has that dialect already. */
  readonly rewrite: HeaderRewrite | null;
  readonly clusterSize: number;
}

/**
 * What to write so that the image is in the dialect `to`; writes nothing. The image has to be one that opens: a header that
 * nobody believes is not translated.
 * @throws Fault for an image that cannot be opened
 */
export function planDialect(store: ByteStore, to: Dialect): Result<DialectPlan, Failure> {
  const { header, zoned } = openDevice(store, "qcow2", false, () => 0);
  if (header === null || zoned === null) return err({ kind: "unsupported", feature: "a dialect for an image without zones" });
  if (header.version !== 3) return err({ kind: "unsupported", feature: "a change of dialect of a version 2 image" });
  const from = zoned.dialect;
  const { clusterSize } = header;
  if (from === to) return ok({ from, rewrite: null, clusterSize });
  const misfit = misfitOf(zoned.geometry, to);
  if (misfit !== null) return err({ kind: "option", option: misfit.field, found: String(misfit.found), allowed: misfit.allowed });
  const bit = 1n << BigInt(ZONED_FEATURE_BIT);
  const withBit = dialectUsesFeatureBit(to);
  const rewrite = planHeaderRewrite(readExactly(store, 0, clusterSize), header, {
    incompatible: withBit ? header.incompatible | bit : header.incompatible & ~bit,
    autoclear: header.autoclear & KNOWN_AUTOCLEAR,
    extension: { magic: ZONED_EXTENSION_MAGIC, data: encodeZonedExtension({ ...zoned, dialect: to }) },
    name: ZONED_FEATURE_NAME,
    named: withBit,
  });
  return rewrite === null ? err({ kind: "unsupported", feature: `a header with all its extensions in ${to} in clusters of ${clusterSize} bytes` }) : ok({ from, rewrite, clusterSize });
}

/**
 * Carries out a plan that is one sector: one write, which a disk does whole or not at all, so that a crash leaves the old header
 * or the new one. @throws Fault of the store
 */
export function writeFirstSector(store: ByteStore, rewrite: HeaderRewrite): void {
  const sector = new Uint8Array(SECTOR_SIZE);
  sector.set(rewrite.start.subarray(0, SECTOR_SIZE));
  store.write(0, sector);
  store.flush();
}

/** Puts the new header over the first cluster of a copy and makes it durable. @throws Fault of the store */
export function writeFirstCluster(store: ByteStore, rewrite: HeaderRewrite, clusterSize: number): void {
  const cluster = new Uint8Array(clusterSize);
  cluster.set(rewrite.start);
  store.write(0, cluster);
  store.flush();
}
