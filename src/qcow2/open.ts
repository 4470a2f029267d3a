/**
 * Opening an image: which images this program takes, which only for reading, and in what order their tables are believed.
 * Source: qcow2 specification, "Header"; zoned format, "What a reader must refuse".
 */
import { Fault } from "../base/fault.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { readExactly } from "../bytes/byte-store.ts";
import { ENTRY_BYTES, decodeL1Entry } from "./entries.ts";
import {
  INCOMPATIBLE_COMPRESSION_TYPE,
  INCOMPATIBLE_CORRUPT,
  INCOMPATIBLE_DIRTY,
  bitsOf,
  decodeFeatureNames,
  describeFeature,
  hasBit,
} from "./features.ts";
import { BITMAPS_MAGIC, CRYPT_NAMES, FEATURE_NAMES_MAGIC, decodeClusterSize, decodeHeader, encodeAutoclear } from "./header.ts";
import type { Header } from "./header.ts";
import { ImageState } from "./image-state.ts";
import { MetadataMap } from "./metadata-map.ts";
import { Refcounts } from "./refcounts.ts";

const FIRST_READ = 4096;

/** Reads and validates the header, reading the first cluster and nothing else. @throws Fault naming the field that cannot be */
export function readHeader(store: ByteStore): Header {
  const fileLength = store.size();
  let start = readExactly(store, 0, Math.min(FIRST_READ, fileLength));
  const clusterSize = decodeClusterSize(start);
  if (!clusterSize.ok) throw new Fault(clusterSize.error);
  if (clusterSize.value > start.length) start = readExactly(store, 0, Math.min(clusterSize.value, fileLength));
  const header = decodeHeader(start.subarray(0, clusterSize.value), fileLength);
  if (!header.ok) throw new Fault(header.error);
  return header.value;
}

const READABLE_FEATURES = [INCOMPATIBLE_DIRTY, INCOMPATIBLE_CORRUPT, INCOMPATIBLE_COMPRESSION_TYPE];

/** Refuses by name what this program cannot read. @param alsoUnderstood incompatible bits that the caller deals with */
function refuseUnreadable(header: Header, alsoUnderstood: readonly number[]): void {
  const unsupported = (feature: string): Fault => new Fault({ kind: "unsupported", feature });
  const table = header.extensions.find(({ magic }) => magic === FEATURE_NAMES_MAGIC);
  const names = table === undefined ? [] : decodeFeatureNames(table.data);
  for (const bit of bitsOf(header.incompatible)) {
    if (!READABLE_FEATURES.includes(bit) && !alsoUnderstood.includes(bit)) throw unsupported(describeFeature("incompatible", bit, names));
  }
  if (header.cryptMethod !== 0) throw unsupported(`encryption (${CRYPT_NAMES[header.cryptMethod]})`);
  if (header.backingFile !== null) throw unsupported(`backing file ${JSON.stringify(header.backingFile)}`);
}

/** Why an image can be read and not written, or null. */
function reasonNotToWrite(header: Header): string | null {
  if (header.version === 2) return "version 2 images are only read";
  if (hasBit(header.incompatible, INCOMPATIBLE_DIRTY)) return "the dirty bit is set: the refcounts need a repair first";
  if (hasBit(header.incompatible, INCOMPATIBLE_CORRUPT)) return "the corrupt bit is set";
  if (header.extensions.some(({ magic }) => magic === BITMAPS_MAGIC)) return "it has persistent bitmaps, which a write would make untrue";
  return null;
}

export interface OpenedState {
  readonly state: ImageState;
  /** Why the image is not writable although that was asked for; null when it is, or was not asked. */
  readonly readOnlyReason: string | null;
}

/**
 * Opens an image whose header was read.
 * @param write whether writing is wanted; an image that only reads are safe on is opened for those, and the reason told
 * @param featureBits incompatible feature bits that the caller understands
 * @throws Fault for an image that cannot be read
 */
export function openState(store: ByteStore, header: Header, write: boolean, featureBits: readonly number[]): OpenedState {
  refuseUnreadable(header, featureBits);
  const l1 = readExactly(store, header.l1Offset, header.l1Size * ENTRY_BYTES);
  const metadata = new MetadataMap(header.clusterSize);
  metadata.claim("header", 0, header.clusterSize);
  metadata.claim("refcount table", header.refcountTableOffset, header.refcountTableClusters * header.clusterSize);
  if (header.l1Size > 0) metadata.claim("L1 table", header.l1Offset, header.l1Size * ENTRY_BYTES);
  const readOnlyState = (reason: string | null): OpenedState => ({ state: new ImageState(store, header, l1, metadata, null), readOnlyReason: reason });
  if (!write) return readOnlyState(null);
  const reason = store.readOnly ? "the file is opened for reading" : reasonNotToWrite(header);
  if (reason !== null) return readOnlyState(reason);
  // Tables that overlap make every write a danger; such an image is for reading and repair.
  try {
    claimL2Tables(header, l1, metadata);
    const refcounts = new Refcounts(store, header, metadata);
    clearAutoclear(store, header);
    return { state: new ImageState(store, header, l1, metadata, refcounts), readOnlyReason: null };
  } catch (error) {
    if (!(error instanceof Fault) || error.problem.kind !== "image") throw error;
    const { structure, field, hostOffset, found, allowed } = error.problem;
    return readOnlyState(`${structure}, ${field} at host offset ${hostOffset}: found ${found}, allowed is ${allowed}`);
  }
}

function claimL2Tables(header: Header, l1: Uint8Array, metadata: MetadataMap): void {
  const view = new DataView(l1.buffer, l1.byteOffset, l1.byteLength);
  for (let index = 0; index < header.l1Size; index++) {
    const { hostOffset } = decodeL1Entry(view, index, header.l1Offset, header.clusterSize);
    if (hostOffset !== 0) metadata.claim("L2 table", hostOffset, header.clusterSize);
  }
}

/** A program that writes without knowing an autoclear feature clears its bit first, so that nobody trusts what is now stale. */
function clearAutoclear(store: ByteStore, header: Header): void {
  if (header.autoclear === 0n) return;
  const { at, data } = encodeAutoclear(0n);
  store.write(at, data);
  store.flush();
}
