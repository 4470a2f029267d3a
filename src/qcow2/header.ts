/**
 * The fixed part of the qcow2 header and the extensions behind it: decode with validation, encode.
 *
 * | byte | width | field                   | byte | width | field                    |
 * |------|-------|-------------------------|------|-------|--------------------------|
 * | 0    | 4     | magic "QFI\xfb"         | 56   | 4     | refcount_table_clusters  |
 * | 4    | 4     | version                 | 60   | 4     | nb_snapshots             |
 * | 8    | 8     | backing_file_offset     | 64   | 8     | snapshots_offset         |
 * | 16   | 4     | backing_file_size       | 72   | 8     | incompatible_features    |
 * | 20   | 4     | cluster_bits            | 80   | 8     | compatible_features      |
 * | 24   | 8     | size                    | 88   | 8     | autoclear_features       |
 * | 32   | 4     | crypt_method            | 96   | 4     | refcount_order           |
 * | 36   | 4     | l1_size                 | 100  | 4     | header_length            |
 * | 40   | 8     | l1_table_offset         | 104  | 1     | compression_type         |
 * | 48   | 8     | refcount_table_offset   |      |       |                          |
 *
 * Version 2 ends at byte 72. Every number is checked here before anybody allocates or reads by it; what an image may contain and
 * this program cannot do is not decided here but in open.ts. Source: qcow2 specification, "Header" and "Header extensions".
 */
import { imageProblem } from "../base/fault.ts";
import type { ImageProblem } from "../base/fault.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE, bytes, hostOffset } from "../base/units.ts";
import type { Bytes, HostOffset } from "../base/units.ts";
import { INCOMPATIBLE_COMPRESSION_TYPE, INCOMPATIBLE_EXTENDED_L2, hasBit } from "./features.ts";

const QCOW2_MAGIC = 0x514649fb;
export const HEADER_LENGTH = 112;
export const HEADER_LENGTH_V2 = 72;
const HEADER_LENGTH_MIN_V3 = 104;
/** Limits of QEMU's own reader: larger tables are refused, not tried. */
export const MAX_L1_BYTES = 32 * 2 ** 20;
export const MAX_REFCOUNT_TABLE_BYTES = 8 * 2 ** 20;
export const MAX_SNAPSHOTS = 65536;
export const MAX_BACKING_NAME = 1023;
const MAX_VIRTUAL_SIZE = Number.MAX_SAFE_INTEGER;
/** What an L1 table could have at all, whatever its length's own limit is. */
const MOST_L1_ENTRIES = 2 ** 31 - 1;
/** A cluster of 32 subclusters of a sector each. */
const LEAST_EXTENDED_BITS = 14;
const STRUCTURE = "header";

export const CRYPT_NAMES: readonly string[] = ["none", "AES", "LUKS"];
const LUKS = 2;
export const COMPRESSION_NAMES = ["zlib", "zstd"] as const;

export interface HeaderExtension {
  readonly magic: number;
  /** Host offset of the extension's data, behind its magic and length. */
  readonly hostOffset: number;
  readonly data: Uint8Array;
}

export interface Header {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly clusterSize: number;
  readonly virtualSize: Bytes;
  readonly cryptMethod: number;
  readonly l1Size: number;
  readonly l1Offset: HostOffset;
  readonly refcountTableOffset: HostOffset;
  readonly refcountTableClusters: number;
  readonly snapshotCount: number;
  readonly snapshotsOffset: HostOffset;
  readonly incompatible: bigint;
  readonly compatible: bigint;
  readonly autoclear: bigint;
  readonly refcountOrder: number;
  readonly headerLength: number;
  readonly compressionType: number;
  readonly backingFile: string | null;
  readonly extensions: readonly HeaderExtension[];
}

/**
 * How much of a header has to hold: "all" for who judges it; for who reads, that tables may lie where the file has nothing, for there it
 * reads as zeros; for a check, that the tables which it can mend may be missing or too long besides. As in QEMU.
 */
export type HeaderNeed = "all" | "read" | "check";

type Decoded = Result<Header, ImageProblem>;
const bad = (field: string, at: number, found: string | number, allowed: string): Result<never, ImageProblem> =>
  err(imageProblem(STRUCTURE, field, at, found, allowed));

/** True when the first bytes are qcow2's magic, whatever follows. */
export const looksLikeQcow2 = (start: Uint8Array): boolean =>
  start.length >= 4 && new DataView(start.buffer, start.byteOffset, 4).getUint32(0) === QCOW2_MAGIC;

/**
 * The cluster size, so that the caller can read the whole first cluster.
 * @param start the first bytes of the file, as many as there are up to 112
 */
export function decodeClusterSize(start: Uint8Array): Result<number, ImageProblem> {
  if (!looksLikeQcow2(start)) {
    const found = [...start.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    return bad("magic", 0, found === "" ? "an empty file" : found, "51 46 49 fb, the magic of a qcow2 image");
  }
  if (start.length < HEADER_LENGTH_V2) return bad("length", 0, `a file of ${start.length} bytes`, "a header of at least 72 bytes");
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const version = view.getUint32(4);
  if (version !== 2 && version !== 3) return bad("version", 4, version, "2 or 3");
  const clusterBits = view.getUint32(20);
  if (clusterBits < 9 || clusterBits > 21) return bad("cluster_bits", 20, clusterBits, "9 to 21");
  return ok(2 ** clusterBits);
}

/**
 * Decodes and validates the header.
 * @param cluster the first cluster of the file, or as much of it as there is
 * @param fileLength the length of the image file in bytes
 */
export function decodeHeader(cluster: Uint8Array, fileLength: number, need: HeaderNeed = "all"): Decoded {
  const size = decodeClusterSize(cluster);
  if (!size.ok) return size;
  const decoded = decodeSized(cluster, size.value, fileLength, need);
  return decoded.ok ? decoded : err(withAllDigits(decoded.error, cluster));
}

/** A value beyond 2^53, which a number rounds, as the file has it: the fields that can be so large have 64 bits and stand alone. */
function withAllDigits(problem: ImageProblem, cluster: Uint8Array): ImageProblem {
  if (!(Number(problem.found) > Number.MAX_SAFE_INTEGER)) return problem;
  return { ...problem, found: new DataView(cluster.buffer, cluster.byteOffset, cluster.byteLength).getBigUint64(problem.hostOffset).toString() };
}

function decodeSized(cluster: Uint8Array, clusterSize: number, fileLength: number, need: HeaderNeed): Decoded {
  const clusterBits = Math.log2(clusterSize);
  const view = new DataView(cluster.buffer, cluster.byteOffset, cluster.byteLength);
  const u64 = (at: number): number => view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  const version = view.getUint32(4) as 2 | 3;
  if (version === 3 && cluster.length < HEADER_LENGTH_MIN_V3) {
    return bad("length", 0, `a file of ${cluster.length} bytes`, "a version 3 header of at least 104 bytes");
  }
  const headerLength = version === 2 ? HEADER_LENGTH_V2 : view.getUint32(100);
  // The format wants a multiple of 8; one that is none is read by QEMU, and means no less what it says.
  if (version === 3 && (headerLength < HEADER_LENGTH_MIN_V3 || headerLength > cluster.length)) {
    return bad("header_length", 100, headerLength, `104 to the first cluster's ${cluster.length}`);
  }
  const incompatible = version === 3 ? view.getBigUint64(72) : 0n;
  const virtualSize = u64(24);
  const l1Size = view.getUint32(36);
  const l1Offset = u64(40);
  const extended = hasBit(incompatible, INCOMPATIBLE_EXTENDED_L2);
  if (extended && clusterBits < LEAST_EXTENDED_BITS) return bad("cluster_bits", 20, clusterBits, `at least ${LEAST_EXTENDED_BITS} with extended L2 entries`);
  const entryBytes = extended ? 16 : 8;
  const neededL1 = Math.ceil(virtualSize / ((clusterSize / entryBytes) * clusterSize));
  // Of a disk that wants more entries than can be counted QEMU says that it is too big, of any other that its table is too small.
  if (virtualSize > MAX_VIRTUAL_SIZE && (neededL1 > MOST_L1_ENTRIES || l1Size >= neededL1)) return bad("size", 24, virtualSize, "less than 8 PiB");
  if (l1Size * 8 > MAX_L1_BYTES) return bad("l1_size", 36, l1Size, `at most ${MAX_L1_BYTES / 8} entries`);
  if (l1Size < neededL1) return bad("l1_size", 36, l1Size, `at least ${neededL1} entries for a disk of ${virtualSize} bytes`);
  // Of a disk of no length nobody who reads follows the table.
  const isNothing = need !== "all" && virtualSize < SECTOR_SIZE;
  if (l1Offset % clusterSize !== 0 || (l1Offset === 0 && l1Size > 0 && !isNothing)) return bad("l1_table_offset", 40, l1Offset, `a multiple of the cluster size (${clusterSize}), not 0`);
  if (l1Offset + l1Size * 8 > (need === "read" ? Number.MAX_SAFE_INTEGER : fileLength)) return bad("l1_table_offset", 40, l1Offset, `a table that ends within the file's ${fileLength} bytes`);

  const tables = decodeTablePlaces(view, clusterSize, fileLength, need);
  if (!tables.ok) return tables;
  const refcountOrder = version === 3 ? view.getUint32(96) : 4;
  if (refcountOrder > 6) return bad("refcount_order", 96, refcountOrder, "0 to 6");
  const compressionType = headerLength > 104 ? view.getUint8(104) : 0;
  if (COMPRESSION_NAMES[compressionType] === undefined) return bad("compression_type", 104, compressionType, "0 (zlib) or 1 (zstd)");
  // A reader that does not know the field goes by the bit alone, and must not take clusters of one kind for the other.
  const tellsOther = hasBit(incompatible, INCOMPATIBLE_COMPRESSION_TYPE);
  if (tellsOther !== compressionType > 0) {
    return bad("compression_type", 104, compressionType, tellsOther ? "1 (zstd), for incompatible feature 3 is set" : "0 (zlib), for incompatible feature 3 is not set");
  }
  const cryptMethod = view.getUint32(32);
  if (CRYPT_NAMES[cryptMethod] === undefined) return bad("crypt_method", 32, cryptMethod, "0 (none), 1 (AES) or 2 (LUKS)");

  const backing = decodeBackingName(view, cluster, u64(8));
  if (!backing.ok) return backing;
  const extensionsEnd = u64(8) === 0 ? cluster.length : u64(8);
  const extensions = decodeExtensions(view, cluster, headerLength, extensionsEnd);
  if (!extensions.ok) return extensions;
  const encryption = extensions.value.find(({ magic }) => magic === ENCRYPTION_MAGIC);
  if (encryption !== undefined && cryptMethod !== LUKS) return bad("encryption header's extension", encryption.hostOffset, CRYPT_NAMES[cryptMethod], "none but with encryption LUKS");
  return ok({
    version,
    clusterBits,
    clusterSize,
    // Of whole sectors, as QEMU has it.
    virtualSize: bytes(virtualSize - (virtualSize % SECTOR_SIZE)),
    cryptMethod,
    l1Size,
    l1Offset: hostOffset(l1Offset),
    ...tables.value,
    incompatible,
    compatible: version === 3 ? view.getBigUint64(80) : 0n,
    autoclear: version === 3 ? view.getBigUint64(88) : 0n,
    refcountOrder,
    headerLength,
    compressionType,
    backingFile: backing.value,
    extensions: extensions.value,
  });
}

type TablePlaces = Pick<Header, "refcountTableOffset" | "refcountTableClusters" | "snapshotCount" | "snapshotsOffset">;

/** Where the refcount table and the snapshot table lie, and how long they are. */
function decodeTablePlaces(view: DataView, clusterSize: number, fileLength: number, need: HeaderNeed): Result<TablePlaces, ImageProblem> {
  const u64 = (at: number): number => view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  const refcountTableOffset = u64(48);
  const refcountTableClusters = view.getUint32(56);
  const isMisplaced = (offset: number): boolean => offset % clusterSize !== 0 || !Number.isSafeInteger(offset);
  if ((refcountTableClusters === 0 && need !== "check") || refcountTableClusters * clusterSize > Math.max(MAX_REFCOUNT_TABLE_BYTES, clusterSize)) {
    return bad("refcount_table_clusters", 56, refcountTableClusters, `1 to ${MAX_REFCOUNT_TABLE_BYTES / clusterSize}`);
  }
  if (isMisplaced(refcountTableOffset) || (refcountTableOffset === 0 && need === "all")) {
    return bad("refcount_table_offset", 48, refcountTableOffset, `a multiple of the cluster size (${clusterSize}), not 0`);
  }
  if (need === "all" && refcountTableOffset >= fileLength) return bad("refcount_table_offset", 48, refcountTableOffset, `a table within the file's ${fileLength} bytes`);

  const snapshotCount = view.getUint32(60);
  const snapshotsOffset = u64(64);
  if (snapshotCount > MAX_SNAPSHOTS && need !== "check") return bad("nb_snapshots", 60, snapshotCount, `at most ${MAX_SNAPSHOTS}`);
  // Of no snapshots nobody follows it, however far it leads; QEMU still wants a multiple that is a file's.
  const isNowhere = snapshotCount === 0 && snapshotsOffset < 2 ** 63 && view.getUint32(68) % clusterSize === 0;
  const isOutside = need === "all" && snapshotCount > 0 && (snapshotsOffset === 0 || snapshotsOffset >= fileLength);
  if (need !== "check" && !isNowhere && (isMisplaced(snapshotsOffset) || isOutside)) {
    return bad("snapshots_offset", 64, snapshotsOffset, `a multiple of the cluster size inside the file`);
  }
  return ok({ refcountTableOffset: hostOffset(refcountTableOffset), refcountTableClusters, snapshotCount, snapshotsOffset: hostOffset(snapshotsOffset) });
}

function decodeBackingName(view: DataView, cluster: Uint8Array, offset: number): Result<string | null, ImageProblem> {
  if (offset === 0) return ok(null);
  const length = view.getUint32(16);
  if (offset > cluster.length) return bad("backing_file_offset", 8, offset, `at most the first cluster's ${cluster.length}`);
  const most = Math.min(MAX_BACKING_NAME, cluster.length - offset);
  if (length > most) return bad("backing_file_size", 16, length, `at most ${most}`);
  // A name of no letters is none.
  return ok(textUpToZero(cluster.subarray(offset, offset + length)) || null);
}

/** A name of the header as QEMU's programs read it: what stands behind a zero is no part of it. */
export function textUpToZero(text: Uint8Array): string {
  const end = text.indexOf(0);
  return new TextDecoder().decode(end < 0 ? text : text.subarray(0, end));
}

/** The longest name of a backing file's format, in bytes; QEMU opens no image with a longer one. */
export const MAX_FORMAT_NAME = 15;

/** Header extensions: magic u32, length u32, data padded to 8 bytes; magic 0 ends them. */
function decodeExtensions(view: DataView, cluster: Uint8Array, from: number, to: number): Result<HeaderExtension[], ImageProblem> {
  const extensions: HeaderExtension[] = [];
  for (let at = from; at < to; ) {
    const name = (magic: number): string => `length of header extension 0x${magic.toString(16).padStart(8, "0")}`;
    if (at + 8 > cluster.length) return bad(name(0), at, `${to - at} bytes left`, "an end mark, or nothing left for extensions");
    const magic = view.getUint32(at);
    const length = view.getUint32(at + 4);
    // The end mark too: what it stands in front of would begin inside it.
    if (length > to - at - 8) return bad(name(magic), at + 4, length, `at most the ${Math.max(0, to - at - 8)} bytes left for extensions`);
    if (magic === 0) break;
    if (magic === BACKING_FORMAT_MAGIC && length > MAX_FORMAT_NAME) return bad("length of the backing format", at + 4, length, `at most ${MAX_FORMAT_NAME}`);
    extensions.push({ magic, hostOffset: at + 8, data: cluster.slice(at + 8, at + 8 + length) });
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return ok(extensions);
}

export const BACKING_FORMAT_MAGIC = 0xe2792aca;
export const DATA_FILE_MAGIC = 0x44415441;
export const ENCRYPTION_MAGIC = 0x0537be77;
export const FEATURE_NAMES_MAGIC = 0x6803f857;
export const BITMAPS_MAGIC = 0x23852875;

/** What a new image's header says; everything else in it is zero. */
export interface NewHeader {
  /** 3 where it is absent; version 2 has no feature bits and refcounts of 16 bits. */
  readonly version?: 2 | 3;
  readonly clusterBits: number;
  readonly virtualSize: number;
  readonly l1Size: number;
  readonly l1Offset: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
  readonly incompatible: bigint;
  readonly compatible?: bigint;
  readonly autoclear?: bigint;
  readonly refcountOrder: number;
  readonly compressionType?: number;
  readonly extensions: readonly { readonly magic: number; readonly data: Uint8Array }[];
  readonly backingFile?: string | null;
}

/** The header of a new image with its extensions, their end mark, and the backing file's name behind it. */
export function encodeHeader(header: NewHeader): Uint8Array {
  const version = header.version ?? 3;
  const headerLength = version === 2 ? HEADER_LENGTH_V2 : HEADER_LENGTH;
  const extensionBytes = header.extensions.reduce((sum, { data }) => sum + 8 + Math.ceil(data.length / 8) * 8, 8);
  const name = new TextEncoder().encode(header.backingFile ?? "");
  const start = new Uint8Array(headerLength + extensionBytes + name.length);
  const view = new DataView(start.buffer);
  const u64 = (at: number, value: number): void => view.setBigUint64(at, BigInt(value));
  view.setUint32(0, QCOW2_MAGIC);
  view.setUint32(4, version);
  if (name.length > 0) {
    u64(8, headerLength + extensionBytes);
    view.setUint32(16, name.length);
    start.set(name, headerLength + extensionBytes);
  }
  view.setUint32(20, header.clusterBits);
  u64(24, header.virtualSize);
  view.setUint32(36, header.l1Size);
  u64(40, header.l1Offset);
  u64(48, header.refcountTableOffset);
  view.setUint32(56, header.refcountTableClusters);
  if (version === 3) {
    view.setBigUint64(72, header.incompatible);
    view.setBigUint64(80, header.compatible ?? 0n);
    view.setBigUint64(88, header.autoclear ?? 0n);
    view.setUint32(96, header.refcountOrder);
    view.setUint32(100, HEADER_LENGTH);
    view.setUint8(104, header.compressionType ?? 0);
  }
  let at = headerLength;
  for (const { magic, data } of header.extensions) {
    view.setUint32(at, magic);
    view.setUint32(at + 4, data.length);
    start.set(data, at + 8);
    at += 8 + Math.ceil(data.length / 8) * 8;
  }
  return start;
}

/** Bytes 48 to 59, the place of the refcount table: inside one sector, so its replacement is one atomic write. */
export function encodeRefcountTablePlace(offset: number, clusters: number): { at: number; data: Uint8Array } {
  const data = new Uint8Array(12);
  const view = new DataView(data.buffer);
  view.setBigUint64(0, BigInt(offset));
  view.setUint32(8, clusters);
  return { at: 48, data };
}

/** Bytes 72 to 79, the incompatible features. */
export function encodeIncompatible(bits: bigint): { at: number; data: Uint8Array } {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, bits);
  return { at: 72, data };
}

/** Bytes 88 to 95, the autoclear features. */
export function encodeAutoclear(bits: bigint): { at: number; data: Uint8Array } {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, bits);
  return { at: 88, data };
}

/** Bytes 60 to 71, count and place of the snapshot table: inside one sector, so its replacement is one atomic write. */
export function encodeSnapshotsPlace(count: number, offset: number): { at: number; data: Uint8Array } {
  const data = new Uint8Array(12);
  const view = new DataView(data.buffer);
  view.setUint32(0, count);
  view.setBigUint64(4, BigInt(offset));
  return { at: 60, data };
}

/** Bytes 60 to 63, the count of snapshots alone. */
export function encodeSnapshotCount(count: number): { at: number; data: Uint8Array } {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setUint32(0, count);
  return { at: 60, data };
}

/** Bytes 24 to 47, the disk's size and the place of its L1 table (and how it is encrypted, between): inside one sector. */
export function encodeActiveDisk(header: Pick<Header, "virtualSize" | "cryptMethod" | "l1Size" | "l1Offset">): { at: number; data: Uint8Array } {
  const data = new Uint8Array(24);
  const view = new DataView(data.buffer);
  view.setBigUint64(0, BigInt(header.virtualSize));
  view.setUint32(8, header.cryptMethod);
  view.setUint32(12, header.l1Size);
  view.setBigUint64(16, BigInt(header.l1Offset));
  return { at: 24, data };
}
