/**
 * Writing guest bytes: in place where a cluster belongs to its entry alone, else into new clusters with copy-on-write.
 *
 * Data goes to its store at once and its entry stays in memory until the flush has made the data durable (flush.ts): an entry
 * on the disk that leads to bytes not yet there is the crash that this prevents. A subcluster that becomes data is written whole
 * unless it lies behind the file's end: its place may have been used before, and nothing of its old content may show.
 */
import { assert } from "../base/assert.ts";
import { Fault, imageProblem } from "../base/fault.ts";
import type { ImageProblem } from "../base/fault.ts";
import { pieceOf } from "../base/piece.ts";
import { hostOffset, roundDown, roundUp } from "../base/units.ts";
import type { HostCluster } from "../base/units.ts";
import { ENTRY_BYTES } from "./entries.ts";
import type { ImageState } from "./image-state.ts";
import { bitRange, countBlank, encodeCluster, encodeDataRun } from "./l2-entries.ts";
import type { ClusterEntry, EntryWords } from "./l2-entries.ts";
import { clusterAt, guardDataFile, l2Index, l2TableOf, readGuest, readsAsZeros, spanEnd } from "./mapping.ts";
import type { Refcounts } from "./refcounts.ts";
import type { CachedTable } from "./table-cache.ts";

/** At most this much is allocated and written at once; larger writes go in pieces, so the staging buffer stays bounded. */
export const MAX_RUN_BYTES = 4 * 2 ** 20;
/**
 * Once so many zeros were written around small writes, no more are where the file has them by itself. Small writes all over a disk would
 * store a cluster each, sixteen times the bytes. Below it the file has no holes, which QEMU would tell as zeros of another kind in its map.
 */
export const PADDING_BYTES = 64 * 2 ** 20;

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
    const stop = Math.min(end, spanEnd(state, at), roundDown(at, state.clusterSize) + MAX_RUN_BYTES);
    at = writeRun(state, at, pieceOf(data, at - guestOffset, stop - guestOffset));
  }
}

/** Writes the longest run that is served alike, within one L2 table. @returns the guest offset behind it */
function writeRun(state: ImageState, at: number, data: Uint8Array): number {
  const { clusterSize } = state;
  const table = ownL2Table(state, at);
  const first = clusterAt(state, table, at);
  const inCluster = at % clusterSize;
  let length = Math.min(clusterSize - inCluster, data.length);
  if (!isOwned(first)) {
    const index = l2Index(state, at);
    const blank = countBlank(table.view, index, index + Math.ceil((inCluster + data.length) / clusterSize), state.format);
    if (blank > 0) return writeBlankClusters(state, table, at, pieceOf(data, 0, Math.min(blank * clusterSize - inCluster, data.length)));
    while (length < data.length && !isOwned(clusterAt(state, table, at + length))) length = Math.min(length + clusterSize, data.length);
    return writeNewClusters(state, table, at, pieceOf(data, 0, length));
  }
  guardDataFile(state, table, at, first);
  if (!fills(state, first, inCluster, length)) return writePlaced(state, table, at, pieceOf(data, 0, length), first);
  const become = isData(state, first, inCluster, length) ? [] : [{ at, length }];
  for (let step = 0; length < data.length; length += step) {
    const next = clusterAt(state, table, at + length);
    step = Math.min(clusterSize, data.length - length);
    if (!isOwned(next) || next.hostOffset !== first.hostOffset + inCluster + length || !fills(state, next, 0, step)) break;
    if (!isData(state, next, 0, step)) become.push({ at: at + length, length: step });
  }
  guardMetadata(state, first.hostOffset, inCluster + length);
  state.writeData(first.hostOffset + inCluster, pieceOf(data, 0, length));
  for (const part of become) becomeData(state, table, part.at, part.length);
  return at + length;
}

/** Whether a placed cluster takes so many bytes from `inCluster` on as they are: they are data already, or whole subclusters become data. */
function fills(state: ImageState, entry: ClusterEntry, inCluster: number, length: number): boolean {
  const { subclusterSize } = state.format;
  return (inCluster % subclusterSize === 0 && (inCluster + length) % subclusterSize === 0) || isData(state, entry, inCluster, length);
}

/** The subclusters of one placed cluster that [at, at + length) touches, which were written, are data from now on. */
function becomeData(state: ImageState, table: CachedTable, at: number, length: number): void {
  const entry = clusterAt(state, table, at);
  const bits = touchedBits(state, at % state.clusterSize, length);
  setCluster(state, table, at, { ...entry, alloc: (entry.alloc | bits) >>> 0, zero: (entry.zero & ~bits & state.format.allBits) >>> 0 });
}

/** Whether the entry has a host cluster that may be written in place. */
const isOwned = (entry: ClusterEntry): boolean => entry.copied && entry.placed;

/** The bits of the subclusters that [inCluster, inCluster + length) touches. */
function touchedBits(state: ImageState, inCluster: number, length: number): number {
  const { subclusterSize } = state.format;
  return bitRange(Math.floor(inCluster / subclusterSize), Math.ceil((inCluster + length) / subclusterSize));
}

function isData(state: ImageState, entry: ClusterEntry, inCluster: number, length: number): boolean {
  return (touchedBits(state, inCluster, length) & ~entry.alloc) === 0;
}

/** An entry that leads to a table is the file's lie; a write must never land there. */
function guardMetadata(state: ImageState, host: number, lengthBytes: number): void {
  if (state.hasDataFile) return;
  for (let at = host; at < host + lengthBytes; at += state.clusterSize) {
    const owner = state.metadata.ownerOf(at);
    if (owner !== null) throw overlap(imageProblem("L2 table", "host offset of a data cluster", at, `the ${owner}`, "a cluster that holds no metadata"), owner);
  }
}

const overlap = (problem: ImageProblem, owner: string): Fault => new Fault({ ...problem, corruption: { fatal: true, what: "overlap", owner } });

/** Writes into a cluster that is the entry's own, subclusters of which become data with it. */
function writePlaced(state: ImageState, table: CachedTable, at: number, data: Uint8Array, entry: ClusterEntry): number {
  const { clusterSize } = state;
  const { start, bytes } = padded(state, at, data);
  guardMetadata(state, entry.hostOffset, clusterSize);
  state.writeData(entry.hostOffset + (start % clusterSize), bytes);
  becomeData(state, table, at, data.length);
  return at + data.length;
}

/** The data with what the guest sees around it, to whole subclusters. */
function padded(state: ImageState, at: number, data: Uint8Array): { start: number; bytes: Uint8Array } {
  const { subclusterSize } = state.format;
  const start = roundDown(at, subclusterSize);
  const end = roundUp(at + data.length, subclusterSize);
  if (start === at && end === at + data.length) return { start, bytes: data };
  return { start, bytes: stage(state, at, data, start, end) };
}

/** [start, end) as it shall be: the data, and around it what the guest sees now. */
function stage(state: ImageState, at: number, data: Uint8Array, start: number, end: number): Uint8Array {
  const staged = end - start <= state.clusterSize ? state.lentBuffer(end - start) : new Uint8Array(end - start);
  const dataEnd = at + data.length;
  state.data.event?.("cow_read");
  if (at > start) readGuest(state, start, staged.subarray(0, at - start));
  if (dataEnd < end) readGuest(state, dataEnd, staged.subarray(dataEnd - start));
  staged.set(data, at - start);
  return staged;
}

/** Writes as much as one run of new clusters takes. @returns the guest offset behind it */
function writeNewClusters(state: ImageState, table: CachedTable, at: number, data: Uint8Array): number {
  const { clusterSize } = state;
  const taken = takeClusters(state, at, data.length);
  const { host, count, end, firstGuest } = taken;
  const entries: Bits[] = [];
  try {
    for (let index = 0; index < count; index++) entries.push(newBits(state, table, firstGuest + index * clusterSize, at, end));
    putNew(state, taken, at, pieceOf(data, 0, end - at), entries[0]!.alloc, entries[count - 1]!.alloc, false);
  } catch (error) {
    // No entry refers to them yet: they can be given back at once.
    taken.undo();
    throw error;
  }
  for (let index = 0; index < count; index++) {
    setCluster(state, table, firstGuest + index * clusterSize, { hostOffset: host + index * clusterSize, copied: true, ...entries[index]! });
  }
  return end;
}

/**
 * As writeNewClusters, where nothing is stored in the entries of the range: there is nothing to keep and nothing to give up. What a zone
 * that is written from its start does all the time, so the entries are changed together.
 */
function writeBlankClusters(state: ImageState, table: CachedTable, at: number, data: Uint8Array): number {
  const { clusterSize, format } = state;
  const taken = takeClusters(state, at, data.length);
  const { host, count, end, firstGuest } = taken;
  const inFirst = at - firstGuest;
  const inLast = end - firstGuest - (count - 1) * clusterSize;
  const firstAlloc = touchedBits(state, inFirst, Math.min(clusterSize, end - firstGuest) - inFirst);
  const lastAlloc = count === 1 ? firstAlloc : touchedBits(state, 0, inLast);
  try {
    putNew(state, taken, at, pieceOf(data, 0, end - at), firstAlloc, lastAlloc, state.backing === null);
  } catch (error) {
    taken.undo();
    throw error;
  }
  const index = l2Index(state, at);
  state.beforeMappingChange();
  encodeDataRun(table.view, index, count, format, host, firstAlloc, lastAlloc);
  state.l2.markDirty(table, index * format.entryBytes, (index + count) * format.entryBytes);
  return end;
}

/**
 * Writes the data of new clusters, and around it what else becomes data at both ends; between them all does.
 * @param zeros whether the guest sees zeros around it for sure
 */
function putNew(state: ImageState, { host, count, firstGuest }: TakenClusters, at: number, data: Uint8Array, firstAlloc: number, lastAlloc: number, zeros: boolean): void {
  const { clusterSize } = state;
  const { subclusterSize } = state.format;
  const end = at + data.length;
  const start = firstGuest + lowestBit(firstAlloc) * subclusterSize;
  const stop = firstGuest + (count - 1) * clusterSize + highestBit(lastAlloc) * subclusterSize;
  const shift = host - firstGuest;
  if (start === at && stop === end) return state.writeData(at + shift, data);
  if (state.padding >= PADDING_BYTES && host >= state.data.size() && (zeros || zerosAround(state, start, at, end, stop))) {
    state.writeData(at + shift, data);
    return state.reachTo(stop + shift);
  }
  state.padding += stop - start - data.length;
  if (!zeros || stop - start > clusterSize) return state.writeData(start + shift, stage(state, at, data, start, stop));
  // A small append begins a cluster again and again: to make all the rest of it zeros each time costs more than to clean up what was put in.
  const lent = state.lentZeros(stop - start);
  lent.set(data, at - start);
  try {
    state.writeData(start + shift, lent);
  } finally {
    lent.fill(0, at - start, end - start);
  }
}

/** Whether zeros are what the guest sees now in [start, at) and [end, stop). A new place that nothing of the file was ever at has them by itself, when the file grows over it. */
const zerosAround = (state: ImageState, start: number, at: number, end: number, stop: number): boolean =>
  readsAsZeros(state, start, at) && readsAsZeros(state, end, stop);

interface TakenClusters {
  /** Host offset of the first. */
  readonly host: number;
  readonly count: number;
  /** Guest offset at which the first cluster begins. */
  readonly firstGuest: number;
  /** Guest offset up to which there is room for the data. */
  readonly end: number;
  readonly undo: () => void;
}

/** Host clusters for new data at [at, at + lengthBytes): those of the guest's own offset in an external data file, which nothing counts, else free ones. */
function takeClusters(state: ImageState, at: number, lengthBytes: number): TakenClusters {
  const { clusterSize } = state;
  const firstGuest = roundDown(at, clusterSize);
  const wanted = Math.ceil((at + lengthBytes) / clusterSize) - firstGuest / clusterSize;
  if (state.hasDataFile) return { host: firstGuest, count: wanted, firstGuest, end: at + lengthBytes, undo: () => undefined };
  const refcounts = writableRefcounts(state);
  const { first, count } = refcounts.allocateRun(wanted);
  const end = Math.min(at + lengthBytes, firstGuest + count * clusterSize);
  return { host: first * clusterSize, count, firstGuest, end, undo: () => refcounts.undoAllocate(first, count) };
}

type Bits = Pick<ClusterEntry, "alloc" | "zero">;

/**
 * The subclusters of a cluster that moves to a new place while [at, end) is written: those touched, those that were data, and those
 * between them, which are written with them, are data; zeros stay zeros; the others stay the backing's.
 */
function newBits(state: ImageState, table: CachedTable, guest: number, at: number, end: number): Bits {
  const { clusterSize, format } = state;
  const from = Math.max(at, guest) - guest;
  const touched = touchedBits(state, from, Math.min(end, guest + clusterSize) - guest - from);
  if (touched === format.allBits) return { alloc: touched, zero: 0 };
  const old = clusterAt(state, table, guest);
  const kept = old.compressedBytes > 0 ? format.allBits : old.alloc;
  const alloc = bitRange(lowestBit(touched | kept), highestBit(touched | kept));
  return { alloc, zero: (old.zero & ~alloc & format.allBits) >>> 0 };
}

const lowestBit = (bits: number): number => 31 - Math.clz32(bits & -bits);
/** The index behind the highest bit that is set. */
const highestBit = (bits: number): number => 32 - Math.clz32(bits);

/**
 * Changes the entry at a guest offset and gives up what it referred to and refers to no more: the decrease is held back until the
 * changed entry is on the disk, so that the old cluster cannot be reused under an entry that a crash would bring back.
 */
export function setCluster(state: ImageState, table: CachedTable, guestOffset: number, entry: EntryWords): void {
  changeEntry(state, table, guestOffset, entry.hostOffset, (index) => encodeCluster(table.view, index, state.format, entry));
}

/** As setCluster, for an entry of any kind. @param keptHost the host offset that it goes on referring to if it did before */
export function changeEntry(state: ImageState, table: CachedTable, guestOffset: number, keptHost: number, encode: (index: number) => void): void {
  const { entryBytes } = state.format;
  const index = l2Index(state, guestOffset);
  const old = clusterAt(state, table, guestOffset);
  state.beforeMappingChange();
  encode(index);
  state.l2.markDirty(table, index * entryBytes, (index + 1) * entryBytes);
  if (old.hostOffset !== keptHost || old.compressedBytes > 0) releaseClusters(state, old);
}

function releaseClusters(state: ImageState, entry: ClusterEntry): void {
  if (!entry.placed || state.hasDataFile) return;
  const lengthBytes = entry.compressedBytes > 0 ? entry.compressedBytes : state.clusterSize;
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
  const rival = entry.hostOffset === 0 ? null : state.metadata.contestedBy(entry.hostOffset);
  const cluster = (entry.hostOffset / state.clusterSize) as HostCluster;
  // A table of which several references are counted is copied as a snapshot's is; what an entry calls its own cannot be another's too.
  if (rival !== null && (entry.copied || rival !== "L2 table" || writableRefcounts(state).get(cluster) < 2)) throw overlap(imageProblem("L2 table", "host offset", entry.hostOffset, `a cluster that holds the ${rival}`, "a cluster of its own"), rival);
  if (entry.hostOffset !== 0 && entry.copied) {
    // The flag lies: what the disk changes in the table would change in the snapshot.
    const owner = state.metadata.keptFor(entry.hostOffset);
    if (owner !== null) throw overlap(imageProblem("L1 table", "COPIED flag", state.header.l1Offset + index * ENTRY_BYTES, `the ${owner}`, "none beside a table that is not the disk's alone"), owner);
    return state.l2.get(entry.hostOffset);
  }
  if (entry.hostOffset !== 0) state.store.event?.("l2_alloc_cow_read");
  const shared = l2TableOf(state, guestOffset);
  const refcounts = writableRefcounts(state);
  state.beforeMappingChange();
  const offset = hostOffset(refcounts.allocateRun(1, "L2 table").first * state.clusterSize);
  const table = state.l2.addNew(offset, shared === null ? new Uint8Array(state.clusterSize) : shared.data.slice());
  // As QEMU does: of lazy counts, that of a table is there before the table.
  if (state.countsMayLag && !refcounts.tableOutgrown) refcounts.blocks.writeDirty("all", state.write);
  state.setL1Entry(index, offset);
  state.metadata.claim("L2 table", offset, state.clusterSize);
  if (shared !== null) {
    refcounts.holdDecrease(cluster);
    state.l2.forget(entry.hostOffset);
    state.metadata.releaseL2Table(entry.hostOffset);
  }
  return table;
}
