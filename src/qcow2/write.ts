/**
 * Writing guest bytes: in place where a cluster belongs to its entry alone, else into new clusters with copy-on-write.
 *
 * Data goes to the store at once and its entry stays in memory until the flush has made the data durable (flush.ts): an entry
 * on the disk that leads to bytes not yet there is the crash that this prevents. A new cluster is always written whole: the
 * cluster may have been used before, and nothing of its old content may show.
 */
import { Fault, imageProblem } from "../base/fault.ts";
import { hostOffset, roundDown } from "../base/units.ts";
import type { HostCluster } from "../base/units.ts";
import { assert } from "../base/assert.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { ENTRY_BYTES, decodeL2Entry, encodeDataEntry } from "./entries.ts";
import type { L2Entry } from "./entries.ts";
import type { ImageState } from "./image-state.ts";
import { inflate, l2Index, l2TableOf } from "./mapping.ts";
import type { Refcounts } from "./refcounts.ts";
import type { CachedTable } from "./table-cache.ts";

/** At most this much is allocated and written at once; larger writes go in pieces, so the staging buffer stays bounded. */
const MAX_RUN_BYTES = 4 * 2 ** 20;

export function writableRefcounts(state: ImageState): Refcounts {
  assert(state.refcounts !== null, "the image is open for writing");
  return state.refcounts;
}

/**
 * Writes guest bytes. The range lies within the disk.
 * @throws Fault when the store refuses; what was written before it stands, as on a disk
 */
export function writeGuest(state: ImageState, guestOffset: number, data: Uint8Array): void {
  const end = guestOffset + data.length;
  for (let at = guestOffset; at < end; ) {
    const spanEnd = (Math.floor(at / state.l2Span) + 1) * state.l2Span;
    const stop = Math.min(end, spanEnd, roundDown(at, state.clusterSize) + MAX_RUN_BYTES);
    at = writeRun(state, at, data.subarray(at - guestOffset, stop - guestOffset));
  }
}

/** Writes the longest run that is served alike, within one L2 table. @returns the guest offset behind it */
function writeRun(state: ImageState, at: number, data: Uint8Array): number {
  const table = ownL2Table(state, at);
  const first = entryAt(state, table, at);
  const inPlace = isInPlace(first);
  const inCluster = at % state.clusterSize;
  let length = Math.min(state.clusterSize - inCluster, data.length);
  while (length < data.length) {
    const next = entryAt(state, table, at + length);
    if (isInPlace(next) !== inPlace) break;
    if (inPlace && next.hostOffset !== first.hostOffset + inCluster + length) break;
    length = Math.min(length + state.clusterSize, data.length);
  }
  if (inPlace) {
    guardMetadata(state, first.hostOffset, inCluster + length);
    state.write(first.hostOffset + inCluster, data.subarray(0, length));
    return at + length;
  }
  return writeNewClusters(state, table, at, data.subarray(0, length));
}

const entryAt = (state: ImageState, table: CachedTable, at: number): L2Entry =>
  decodeL2Entry(table.view, l2Index(state, at), table.hostOffset, state.header.clusterBits);

const isInPlace = (entry: L2Entry): boolean => entry.kind === "data" && entry.copied;

/** An entry that leads to a table is the file's lie; a write must never land there. */
function guardMetadata(state: ImageState, host: number, lengthBytes: number): void {
  for (let at = host; at < host + lengthBytes; at += state.clusterSize) {
    const owner = state.metadata.ownerOf(at);
    if (owner !== null) throw new Fault(imageProblem("L2 table", "host offset of a data cluster", at, `the ${owner}`, "a cluster that holds no metadata"));
  }
}

/** Writes as much as one run of new clusters takes. @returns the guest offset behind it */
function writeNewClusters(state: ImageState, table: CachedTable, at: number, data: Uint8Array): number {
  const refcounts = writableRefcounts(state);
  const size = state.clusterSize;
  const firstGuest = Math.floor(at / size) * size;
  const { first: cluster, count } = refcounts.allocateRun(Math.ceil((at + data.length) / size) - firstGuest / size);
  const end = Math.min(at + data.length, firstGuest + count * size);
  try {
    state.write(cluster * size, stage(state, table, at, data.subarray(0, end - at), firstGuest, count));
  } catch (error) {
    // No entry refers to them yet: they can be given back at once.
    refcounts.undoAllocate(cluster, count);
    throw error;
  }
  for (let index = 0; index < count; index++) {
    replaceEntry(state, table, firstGuest + index * size, (entryIndex) =>
      encodeDataEntry(table.view, entryIndex, hostOffset((cluster + index) * size)),
    );
  }
  return end;
}

/** The new clusters' whole content: the data, and around it what the guest sees there now. */
function stage(state: ImageState, table: CachedTable, at: number, data: Uint8Array, firstGuest: number, count: number): Uint8Array {
  const size = state.clusterSize;
  if (data.length === count * size) return data;
  const staged = count === 1 ? state.zeroedCluster() : new Uint8Array(count * size);
  for (const guest of new Set([firstGuest, firstGuest + (count - 1) * size])) {
    const covered = at <= guest && guest + size <= at + data.length;
    if (!covered) copyCluster(state, entryAt(state, table, guest), staged.subarray(guest - firstGuest, guest - firstGuest + size));
  }
  staged.set(data, at - firstGuest);
  return staged;
}

function copyCluster(state: ImageState, entry: L2Entry, into: Uint8Array): void {
  if (entry.kind === "data") readPadded(state.store, entry.hostOffset, into);
  else if (entry.kind === "compressed") into.set(inflate(state, entry));
}

/**
 * Changes the entry at a guest offset and gives up what it referred to: the decrease is held back until the changed entry is on
 * the disk, so that the old cluster cannot be reused under an entry that a crash would bring back.
 */
export function replaceEntry(state: ImageState, table: CachedTable, guestOffset: number, encode: (index: number) => void, keepsCluster = false): void {
  const index = l2Index(state, guestOffset);
  const old = decodeL2Entry(table.view, index, table.hostOffset, state.header.clusterBits);
  encode(index);
  state.l2.markDirty(table, index * ENTRY_BYTES, (index + 1) * ENTRY_BYTES);
  if (!keepsCluster) releaseClusters(state, old);
}

function releaseClusters(state: ImageState, entry: L2Entry): void {
  if (entry.hostOffset === 0) return;
  const lengthBytes = entry.kind === "compressed" ? entry.compressedBytes : state.clusterSize;
  const last = Math.floor((entry.hostOffset + lengthBytes - 1) / state.clusterSize);
  for (let cluster = Math.floor(entry.hostOffset / state.clusterSize); cluster <= last; cluster++) {
    // An entry that led to a table was the file's lie: the reference that is counted is the table's own.
    if (state.metadata.ownerOf(cluster * state.clusterSize) === null) writableRefcounts(state).holdDecrease(cluster as HostCluster);
  }
}

/**
 * The L2 table of a guest offset, made or copied where the image has none of its own (a snapshot may share it).
 * The new table is written in step 1 of the flush, the L1 entry that leads to it in step 2.
 */
export function ownL2Table(state: ImageState, guestOffset: number): CachedTable {
  const index = Math.floor(guestOffset / state.l2Span);
  const entry = state.l1Entry(index);
  if (entry.hostOffset !== 0 && entry.copied) return state.l2.get(entry.hostOffset);
  const shared = l2TableOf(state, guestOffset);
  const refcounts = writableRefcounts(state);
  const offset = hostOffset(refcounts.allocateRun(1).first * state.clusterSize);
  const table = state.l2.addNew(offset, shared === null ? new Uint8Array(state.clusterSize) : shared.data.slice());
  state.setL1Entry(index, offset);
  state.metadata.claim("L2 table", offset, state.clusterSize);
  if (shared !== null) {
    refcounts.holdDecrease((entry.hostOffset / state.clusterSize) as HostCluster);
    state.l2.forget(entry.hostOffset);
    state.metadata.release(entry.hostOffset, state.clusterSize);
  }
  return table;
}
