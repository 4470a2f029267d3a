/**
 * Opening an image: which images this program takes, which only for reading, and in what order their tables are believed.
 * Source: qcow2 specification, "Header"; zoned format, "What a reader must refuse".
 */
import { Fault, imageProblem } from "../base/fault.ts";
import { roundUp } from "../base/units.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { readExactly, readPadded } from "../bytes/byte-store.ts";
import { isZero } from "../bytes/zeros.ts";
import { portableCodecs } from "./codecs.ts";
import { ENTRY_BYTES, decodeL1Entry, decodeRefcountTableEntry, encodeCopied, forEachInUse } from "./entries.ts";
import { claimBitmaps } from "./bitmap-guard.ts";
import {
  AUTOCLEAR_RAW_EXTERNAL,
  AUTOCLEAR_BITMAPS,
  INCOMPATIBLE_COMPRESSION_TYPE,
  INCOMPATIBLE_CORRUPT,
  INCOMPATIBLE_DIRTY,
  INCOMPATIBLE_EXTENDED_L2,
  INCOMPATIBLE_EXTERNAL_DATA,
  bitsOf,
  decodeFeatureNames,
  describeFeatures,
  hasBit,
} from "./features.ts";
import { CRYPT_NAMES, FEATURE_NAMES_MAGIC, decodeClusterSize, decodeHeader, encodeAutoclear } from "./header.ts";
import type { Header, HeaderNeed } from "./header.ts";
import { ImageState, behindEnd } from "./image-state.ts";
import type { ImageFoundation } from "./image-state.ts";
import { MetadataMap, clash } from "./metadata-map.ts";
import { noEntries } from "./no-entries.ts";
import { Refcounts } from "./refcounts.ts";
import { protectSnapshots } from "./snapshot-guard.ts";

const FIRST_READ = 4096;

/**
 * Reads and validates the header, reading the first cluster and nothing else.
 * @param need how much of it has to hold. @throws Fault naming the field that cannot be
 */
export function readHeader(store: ByteStore, need: HeaderNeed = "read"): Header {
  const fileLength = store.size();
  let start = readExactly(store, 0, Math.min(FIRST_READ, fileLength));
  const clusterSize = decodeClusterSize(start);
  if (!clusterSize.ok) throw new Fault(clusterSize.error);
  if (clusterSize.value > start.length) start = readExactly(store, 0, Math.min(clusterSize.value, fileLength));
  const header = decodeHeader(start.subarray(0, clusterSize.value), fileLength, need);
  if (!header.ok) throw new Fault(header.error);
  return header.value;
}

const READABLE_FEATURES = [INCOMPATIBLE_DIRTY, INCOMPATIBLE_CORRUPT, INCOMPATIBLE_COMPRESSION_TYPE, INCOMPATIBLE_EXTENDED_L2];

const unsupported = (feature: string): Fault => new Fault({ kind: "unsupported", feature });

/** @param alsoUnderstood incompatible bits that the caller deals with. @throws Fault that names the features which this program does not know */
export function refuseUnknownFeatures(header: Header, alsoUnderstood: readonly number[], hasDataFile: boolean): void {
  // Of several tables the last one counts, as in QEMU.
  const table = header.extensions.findLast(({ magic }) => magic === FEATURE_NAMES_MAGIC);
  const names = table === undefined ? [] : decodeFeatureNames(table.data);
  const read = (bit: number): boolean => READABLE_FEATURES.includes(bit) || alsoUnderstood.includes(bit) || (bit === INCOMPATIBLE_EXTERNAL_DATA && hasDataFile);
  const unread = bitsOf(header.incompatible).filter((bit) => !read(bit));
  if (unread.length > 0) throw unsupported(describeFeatures("incompatible", unread, names));
}

/** Refuses by name what this program cannot read. */
function refuseUnreadable(header: Header, alsoUnderstood: readonly number[], hasDataFile: boolean): void {
  refuseUnknownFeatures(header, alsoUnderstood, hasDataFile);
  if (header.cryptMethod !== 0) throw unsupported(`encryption (${CRYPT_NAMES[header.cryptMethod]})`);
}

const L1_PIECE_BYTES = 2 ** 18;

/** Why an image can be read and not written, or null. */
function reasonNotToWrite(header: Header): string | null {
  if (hasBit(header.incompatible, INCOMPATIBLE_DIRTY)) return "the dirty bit is set: the refcounts need a repair first";
  if (hasBit(header.incompatible, INCOMPATIBLE_CORRUPT)) return "the corrupt bit is set";
  return null;
}

/** Clusters that belong to an extension of the header, in bytes of the file. */
export interface ReservedArea {
  readonly structure: string;
  readonly offset: number;
  readonly lengthBytes: number;
}

export interface OpenedState {
  readonly state: ImageState;
  /** Why the image is not writable although that was asked for; null when it is, or was not asked. */
  readonly readOnlyReason: string | null;
}

/** How an image is to be opened. */
export interface OpenOptions extends ImageFoundation {
  /** Whether writing is wanted; an image that only reads are safe on is opened for those, and the reason told. */
  readonly write: boolean;
  /** Incompatible feature bits that the caller understands. */
  readonly featureBits: readonly number[];
  /** Clusters that an extension of the header points at, null for none. */
  readonly area: ReservedArea | null;
  /** To be checked, and mended where writing is wanted: what a check deals with keeps no image from being opened. */
  readonly forCheck: boolean;
  /** Whether every write is refused where the L1 table of a snapshot cannot be: what it would lead to cannot be kept from being written. */
  readonly strictSnapshots?: boolean | undefined;
}

/**
 * Opens an image whose header was read, and whose backing file, if it names one, the caller has dealt with.
 * @param changes what differs from an image that is read and stands alone
 * @throws Fault for an image that cannot be read; nothing is written before all of it was believed
 */
export function openState(store: ByteStore, header: Header, changes: Partial<OpenOptions>): OpenedState {
  const options: OpenOptions = { write: false, featureBits: [], area: null, forCheck: false, data: null, backing: null, codecs: portableCodecs, ...changes };
  const { write, featureBits, area, forCheck } = options;
  refuseUnreadable(header, featureBits, options.data !== null);
  const l1 = readL1(store, header, write);
  const metadata = new MetadataMap(header.clusterSize);
  metadata.claim("header", 0, header.clusterSize);
  // Of a disk that is only read it matters to the zoned area alone.
  if (header.l1Size > 0 && (write || area !== null)) metadata.claim("L1 table", header.l1Offset, header.l1Size * ENTRY_BYTES);
  if (area !== null) {
    metadata.claim(area.structure, area.offset, area.lengthBytes);
    refuseOverlap(store, header, l1, area, forCheck);
  }
  const readOnlyState = (reason: string | null): OpenedState => ({ state: new ImageState(store, header, l1, metadata, null, options), readOnlyReason: reason });
  if (!write) return readOnlyState(null);
  const reason = store.readOnly || options.data?.readOnly === true ? "the file is opened for reading" : reasonNotToWrite(header);
  if (reason !== null) return readOnlyState(reason);
  // Tables that overlap make every write a danger; such an image is for reading and repair.
  try {
    if (header.l1Offset + header.l1Size * ENTRY_BYTES > store.size()) throw new Fault(imageProblem("header", "l1_table_offset", 40, header.l1Offset, "a table inside the file"));
    if (header.refcountTableClusters === 0) throw new Fault(imageProblem("header", "refcount_table_clusters", 56, 0, "a refcount table"));
    metadata.claim("refcount table", header.refcountTableOffset, header.refcountTableClusters * header.clusterSize);
    claimL2Tables(header, l1, metadata, store.size(), area === null && !forCheck);
    const refcounts = new Refcounts(store, header, metadata, area === null && !forCheck);
    const unguarded = protectSnapshots(store, header, metadata, forCheck);
    const hasBitmaps = claimBitmaps(store, header, metadata, forCheck);
    const autoclear = clearAutoclear(store, header, hasBitmaps);
    const state = new ImageState(store, { ...header, autoclear }, l1, metadata, refcounts, options);
    if (unguarded !== null && options.strictSnapshots === true) state.refuseWrites(unguarded);
    return { state, readOnlyReason: null };
  } catch (error) {
    if (!(error instanceof Fault) || error.problem.kind !== "image") throw error;
    const { structure, field, hostOffset, found, allowed } = error.problem;
    return readOnlyState(`${structure}, ${field} at host offset ${hostOffset}: found ${found}, allowed is ${allowed}`);
  }
}

/**
 * The L1 table. What lies in it as zeros takes no memory. What lies behind the file's end is zeros too, as QEMU reads it.
 * @param write whether it is to be changed; if not, and it has no entry, it is others' as well
 */
function readL1(store: ByteStore, { l1Offset, l1Size }: Header, write: boolean): Uint8Array {
  const length = l1Size * ENTRY_BYTES;
  let l1: Uint8Array | null = write ? new Uint8Array(length) : null;
  const room = new Uint8Array(Math.min(L1_PIECE_BYTES, length));
  for (let at = 0; at < length; at += L1_PIECE_BYTES) {
    const piece = room.subarray(0, length - at);
    readPadded(store, l1Offset + at, piece);
    if (!isZero(piece)) (l1 ??= new Uint8Array(length)).set(piece, at);
  }
  return l1 ?? noEntries(length);
}

/**
 * An area whose clusters another table takes too: one of the two is garbage, and nothing tells which.
 * @param forCheck a repair cuts a snapshot table that lies over others and builds refcounts anew, and must get there
 */
function refuseOverlap(store: ByteStore, header: Header, l1: Uint8Array, area: ReservedArea, forCheck: boolean): void {
  const { clusterSize, l1Offset, refcountTableOffset } = header;
  const end = roundUp(area.offset + area.lengthBytes, clusterSize);
  const refuse = (owner: string, offset: number): void => {
    if (offset >= area.offset && offset < end) throw clash(area.structure, offset, owner);
  };
  const l1View = new DataView(l1.buffer, l1.byteOffset, l1.byteLength);
  forEachInUse(l1, (index) => refuse("L2 table", offsetOrNone(() => decodeL1Entry(l1View, index, l1Offset, clusterSize).hostOffset)));
  if (forCheck) return;
  if (header.snapshotCount > 0) refuse("snapshot table", header.snapshotsOffset);
  // A table at 0 would be the header, whose words lead to no blocks.
  if (refcountTableOffset === 0) return;
  for (let index = 0; index < header.refcountTableClusters; index++) refuse("refcount table", refcountTableOffset + index * clusterSize);
  const table = new Uint8Array(header.refcountTableClusters * clusterSize);
  readPadded(store, refcountTableOffset, table);
  const view = new DataView(table.buffer);
  forEachInUse(table, (index) => refuse("refcount block", offsetOrNone(() => decodeRefcountTableEntry(view, index, refcountTableOffset, clusterSize))));
}

/** An entry that cannot be leads nowhere here; it is named where it is used. */
function offsetOrNone(offsetOf: () => number): number {
  try {
    return offsetOf();
  } catch (error) {
    if (error instanceof Fault) return 0;
    throw error;
  }
}

/**
 * @param perWrite an entry that leads to no cluster's start, or to a cluster that is the L1 table's or another entry's, is met by the
 *   operation that goes by it, and keeps no other from being done
 */
function claimL2Tables(header: Header, l1: Uint8Array, metadata: MetadataMap, fileLength: number, perWrite: boolean): void {
  const view = new DataView(l1.buffer, l1.byteOffset, l1.byteLength);
  let inUse = 0;
  forEachInUse(l1, () => inUse++);
  metadata.reserve(inUse);
  forEachInUse(l1, (index) => {
    const hostOffset = placeOfL2Table(view, index, header, perWrite);
    if (hostOffset === 0) return;
    if (hostOffset >= fileLength && !perWrite) throw behindEnd(hostOffset, fileLength);
    // It reads as zeros, and is left for a new one when it is written: no write stretches the file to wherever a lie leads.
    if (hostOffset >= fileLength) encodeCopied(view, index, false);
    if (perWrite) metadata.claimL2Table(hostOffset);
    else metadata.claim("L2 table", hostOffset, header.clusterSize);
  });
}

/** @returns 0 for none, and, where it is met later, for one that can be nowhere. @throws Fault for an entry that cannot be */
function placeOfL2Table(l1: DataView, index: number, { l1Offset, clusterSize }: Header, metLater: boolean): number {
  try {
    return decodeL1Entry(l1, index, l1Offset, clusterSize).hostOffset;
  } catch (error) {
    if (metLater && error instanceof Fault && error.problem.kind === "image" && error.problem.field === "host offset") return 0;
    throw error;
  }
}

/**
 * A program that writes without knowing an autoclear feature clears its bit first, so that nobody trusts what is now stale.
 * @returns the bits that are left
 */
function clearAutoclear(store: ByteStore, header: Header, hasBitmaps: boolean): bigint {
  // Where there are no bitmaps QEMU keeps their bit, and then takes its first write for one onto a directory of theirs at 0.
  const understood = [AUTOCLEAR_RAW_EXTERNAL, ...(hasBitmaps ? [AUTOCLEAR_BITMAPS] : [])];
  const kept = header.autoclear & understood.reduce((bits, bit) => bits | (1n << BigInt(bit)), 0n);
  if (kept === header.autoclear) return kept;
  const { at, data } = encodeAutoclear(kept);
  store.write(at, data);
  store.flush();
  return kept;
}
