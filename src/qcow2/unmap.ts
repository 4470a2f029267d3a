/**
 * Taking data away: write zeroes, discard, and the unmapping that a zone's reset and finish want. Only entries change here, but for
 * ragged ends; what they referred to is given up as setCluster says.
 *
 * Whether a cluster keeps its place, and when zeros must be written because version 2 has no other way to say them over a backing
 * file, is as QEMU does it, so that two programs leave one map behind.
 */
import { roundDown, roundUp } from "../base/units.ts";
import { MOST_DISCARDED_BYTES } from "../bytes/zeros.ts";
import type { ImageState } from "./image-state.ts";
import { bitRange, isBlank } from "./l2-entries.ts";
import type { ClusterEntry } from "./l2-entries.ts";
import { clusterAt, guardDataFile, l2Index, l2TableOf, readsAsZeros, runAt, spanEnd } from "./mapping.ts";
import type { CachedTable } from "./table-cache.ts";
import { MAX_RUN_BYTES, ownL2Table, setCluster, writeGuest } from "./write.ts";

const ZEROS = new Uint8Array(64 * 1024);
/** Zeros that are written as bytes where not all of them can be noted, at once. */
const MOST_AS_DATA = 16 * 2 ** 20;

const NOTHING = { hostOffset: 0, copied: false, alloc: 0, zero: 0 } as const;

/** Walks [start, end) one L2 table at a time; `relieve` runs between tables. */
function forEachSpan(state: ImageState, start: number, end: number, visit: (from: number, to: number) => void, relieve: () => void): void {
  for (let at = start; at < end; ) {
    const to = Math.min(spanEnd(state, at), end);
    visit(at, to);
    relieve();
    at = to;
  }
}

/** Makes every cluster of [start, end), cluster-aligned, unallocated, with no trace: what RESET and FINISH do. */
export function unmapClusters(state: ImageState, start: number, end: number, relieve: () => void): void {
  const visit = (from: number, to: number): void => {
    if (l2TableOf(state, from) === null) return;
    const table = ownL2Table(state, from);
    for (let at = from; at < to; at += state.clusterSize) {
      if (!isBlank(table.view, l2Index(state, at), state.format)) setCluster(state, table, at, NOTHING);
    }
  };
  forEachSpan(state, start, end, visit, relieve);
}

/**
 * DISCARD: whole clusters inside the range read as zeros afterwards; the ragged ends are left alone, but for the disk's end.
 * An allocated cluster becomes a zero cluster, and so does an unallocated one that would show the backing file; version 2 has no
 * zero clusters, and over a backing file it is left as it is.
 */
export function discardGuest(state: ImageState, offset: number, length: number, relieve: () => void): void {
  const { clusterSize, header, backing, format } = state;
  if (header.version < 3 && backing !== null) return;
  const start = roundUp(offset, clusterSize);
  const end = offset + length === header.virtualSize ? roundUp(header.virtualSize, clusterSize) : roundDown(offset + length, clusterSize);
  if (start >= end) return;
  // By itself, too, such a data file reads as the disk does.
  if (state.hasRawDataFile) zeroDataFile(state, start, Math.min(end, header.virtualSize));
  const visit = (from: number, to: number): void => {
    if (backing === null && l2TableOf(state, from) === null) return;
    const table = ownL2Table(state, from);
    for (let at = from; at < to; at += clusterSize) {
      const entry = clusterAt(state, table, at);
      const keeps = state.keepsPlaces && entry.placed && entry.compressedBytes === 0;
      const isZero = keeps === entry.placed && entry.zero === format.allBits;
      if (isZero || (backing === null && !entry.placed)) continue;
      if (end - start <= MOST_DISCARDED_BYTES) emptyData(state, entry, at);
      setCluster(state, table, at, keeps ? { ...entry, alloc: 0, zero: format.allBits } : header.version >= 3 ? { ...NOTHING, zero: format.allBits } : NOTHING);
    }
  };
  forEachSpan(state, start, end, visit, relieve);
}

/**
 * WRITE ZEROES: whole subclusters become zeros, keeping their place in the file unless `unmap`; a ragged end becomes one too where the
 * rest of its subcluster reads as zeros already, and is written as data where it does not.
 */
export function zeroGuest(state: ImageState, offset: number, length: number, unmap: boolean, relieve: () => void): void {
  const { header } = state;
  const unit = state.format.subclusterSize;
  const end = Math.min(offset + length, header.virtualSize);
  if (header.version < 3 && state.backing !== null) return writeZeroData(state, offset, end, relieve);
  if (state.hasRawDataFile) zeroDataFile(state, offset, end);
  let start = roundDown(offset, unit);
  let stop = stopOf(state, start, end);
  if (!mayZeroAround(state, start, Math.min(start + unit, header.virtualSize), offset, end)) {
    start += unit;
    writeZeroData(state, offset, Math.min(start, end), relieve);
  }
  const tail = roundDown(end, unit);
  if (end % unit !== 0 && stop > start && tail >= start && !mayZeroAround(state, tail, Math.min(tail + unit, header.virtualSize), Math.max(offset, tail), end)) {
    stop = tail;
  }
  zeroMiddle(state, start, stop, end, unmap, relieve);
  if (stop < end) writeZeroData(state, Math.max(stop, offset), end, relieve);
}

/** [start, stop), subcluster-aligned, of zeros that reach to `end`. */
function zeroMiddle(state: ImageState, start: number, stop: number, end: number, unmap: boolean, relieve: () => void): void {
  for (let at = start; at < stop; at += MOST_AS_DATA) {
    if (!cutsCompressed(state, at, stop)) return forEachSpan(state, at, stop, (from, to) => zeroSpan(state, from, to, unmap), relieve);
    // A part of a compressed cluster cannot be zeros, and what is asked for at once is stored as bytes with it, as QEMU does.
    writeZeroData(state, at, Math.min(at + MOST_AS_DATA, stop, end), relieve);
  }
}

/** Where zeros that are asked for up to `end` stop: with the cluster behind the disk's end, unless the disk ends in a part of a subcluster. */
function stopOf({ header: { virtualSize }, clusterSize, format: { subclusterSize } }: ImageState, start: number, end: number): number {
  const isWhole = end === virtualSize && end % subclusterSize === 0 && roundDown(end, clusterSize) >= start;
  return roundUp(end, isWhole ? clusterSize : subclusterSize);
}

/** Whether a range of whole subclusters begins or ends within a compressed cluster. */
function cutsCompressed(state: ImageState, start: number, stop: number): boolean {
  const cut = [...(start % state.clusterSize === 0 ? [] : [start]), ...(stop % state.clusterSize === 0 ? [] : [stop - 1])];
  return cut.some((at) => runAt(state, at, 1).kind === "compressed");
}

/** Whether zeroGuest makes a range zeros without a byte of them written as data: what is compressed cannot be zeros in a part. */
export function takesZeros(state: ImageState, offset: number, length: number): boolean {
  const { header, format } = state;
  const unit = format.subclusterSize;
  const end = Math.min(offset + length, header.virtualSize);
  // Of version 2 no driver promises it, whatever the range.
  if (header.version < 3) return false;
  const start = roundDown(offset, unit);
  const tail = roundDown(end, unit);
  if (!mayZeroAround(state, start, Math.min(start + unit, header.virtualSize), offset, end)) return false;
  if (end % unit !== 0 && tail > start && !mayZeroAround(state, tail, Math.min(tail + unit, header.virtualSize), tail, end)) return false;
  return !cutsCompressed(state, start, stopOf(state, start, end));
}

/** Whether a subcluster [start, end) may become zeros because all of it outside [from, to) reads as zeros. */
function mayZeroAround(state: ImageState, start: number, end: number, from: number, to: number): boolean {
  const before = Math.max(start, Math.min(from, end));
  const after = Math.max(start, Math.min(to, end));
  if (before === start && after === end) return true;
  const { kind } = runAt(state, start, 1);
  if (kind === "data" || kind === "compressed") return false;
  return readsAsZeros(state, start, before) && readsAsZeros(state, after, end);
}

/** [from, to) of one L2 table, subcluster-aligned. */
function zeroSpan(state: ImageState, from: number, to: number, unmap: boolean): void {
  const { clusterSize, header } = state;
  // Version 2 says zeros by saying nothing, which is right where nothing stands below.
  if (header.version < 3) return discardSpan(state, from, to);
  const table = ownL2Table(state, from);
  for (let at = from; at < to; ) {
    const clusterEnd = Math.min(roundDown(at, clusterSize) + clusterSize, to);
    const whole = at % clusterSize === 0 && clusterEnd % clusterSize === 0;
    if (whole) zeroCluster(state, table, at, unmap);
    else zeroSubclusters(state, table, at, clusterEnd);
    at = clusterEnd;
  }
}

function discardSpan(state: ImageState, from: number, to: number): void {
  if (l2TableOf(state, from) === null) return;
  const table = ownL2Table(state, from);
  for (let at = from; at < to; at += state.clusterSize) {
    if (clusterAt(state, table, at).placed) setCluster(state, table, at, NOTHING);
  }
}

function zeroCluster(state: ImageState, table: CachedTable, at: number, unmap: boolean): void {
  const entry = clusterAt(state, table, at);
  const zero = state.format.allBits;
  const keeps = entry.compressedBytes === 0 && (!unmap || state.keepsPlaces) && entry.placed;
  if (entry.zero === zero && keeps === entry.placed) return;
  if (unmap) emptyData(state, entry, at);
  setCluster(state, table, at, keeps ? { ...entry, alloc: 0, zero } : { ...NOTHING, zero });
}

/** A part of an extended entry's cluster. */
function zeroSubclusters(state: ImageState, table: CachedTable, at: number, end: number): void {
  const entry: ClusterEntry = clusterAt(state, table, at);
  guardDataFile(state, table, at, entry);
  const { clusterSize, format } = state;
  const inCluster = at % clusterSize;
  const bits = bitRange(inCluster / format.subclusterSize, (inCluster + end - at) / format.subclusterSize);
  if ((entry.zero & bits) >>> 0 === bits) return;
  setCluster(state, table, at, { ...entry, alloc: (entry.alloc & ~bits) >>> 0, zero: (entry.zero | bits) >>> 0 });
}

/** Zeros as data over [start, end). */
export function writeZeroData(state: ImageState, start: number, end: number, relieve: () => void): void {
  // Of what is new a run is taken at once, so that it lies together.
  const zeros = end - start <= ZEROS.length ? ZEROS : new Uint8Array(Math.min(end - start, MAX_RUN_BYTES));
  for (let at = start; at < end; at += zeros.length) {
    writeGuest(state, at, zeros.subarray(0, Math.min(zeros.length, end - at)));
    relieve();
  }
}

/**
 * What a data file has of a cluster that is given up reads as zeros by itself too, as where QEMU gives the blocks back; a raw one is zeros
 * already. By an entry that leads elsewhere than to the guest's own offset nothing is written: another cluster's data may be there.
 */
function emptyData(state: ImageState, { placed, hostOffset, compressedBytes }: ClusterEntry, guestOffset: number): void {
  if (!placed || !state.hasDataFile || state.hasRawDataFile || hostOffset !== guestOffset || compressedBytes > 0) return;
  zeroDataFile(state, hostOffset, Math.min(hostOffset + state.clusterSize, state.data.size()));
}

function zeroDataFile(state: ImageState, start: number, end: number): void {
  for (let at = start; at < end; at += ZEROS.length) state.writeData(at, ZEROS.subarray(0, Math.min(ZEROS.length, end - at)));
}
