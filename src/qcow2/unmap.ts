/**
 * Taking data away: write zeroes, discard, and the unmapping that a zone's reset and finish want. Only entries change here; what
 * they referred to is given up as replaceEntry says.
 */
import { hostOffset, roundDown, roundUp } from "../base/units.ts";
import { ENTRY_BYTES, decodeL2Entry, encodeUnallocatedEntry, encodeZeroEntry } from "./entries.ts";
import type { ImageState } from "./image-state.ts";
import { l2Index, l2TableOf, lookUp } from "./mapping.ts";
import { ownL2Table, replaceEntry, writeGuest } from "./write.ts";

const ZEROS = new Uint8Array(64 * 1024);

/** Walks the whole clusters of [start, end), one L2 table at a time; `relieve` runs between tables. */
function forEachTable(state: ImageState, start: number, end: number, visit: (from: number, to: number) => void, relieve: () => void): void {
  for (let at = start; at < end; ) {
    const to = Math.min((Math.floor(at / state.l2Span) + 1) * state.l2Span, end);
    visit(at, to);
    relieve();
    at = to;
  }
}

/** Makes every cluster of [start, end), cluster-aligned, unallocated, with no trace: what RESET and FINISH do. */
export function unmapClusters(state: ImageState, start: number, end: number, relieve: () => void): void {
  forEachTable(state, start, end, (from, to) => {
    if (l2TableOf(state, from) === null) return;
    const table = ownL2Table(state, from);
    for (let at = from; at < to; at += state.clusterSize) {
      const index = l2Index(state, at);
      const blank = table.view.getUint32(index * ENTRY_BYTES) === 0 && table.view.getUint32(index * ENTRY_BYTES + 4) === 0;
      if (!blank) replaceEntry(state, table, at, (entry) => encodeUnallocatedEntry(table.view, entry));
    }
  }, relieve);
}

/**
 * DISCARD: whole clusters inside the range read as zeros afterwards; the ragged ends are left alone, but for the disk's end.
 * An allocated cluster becomes a zero cluster (as QEMU does), an unallocated one stays as it is.
 */
export function discardGuest(state: ImageState, offset: number, length: number, relieve: () => void): void {
  const size = state.clusterSize;
  const diskEnd = state.header.virtualSize;
  const start = roundUp(offset, size);
  const end = offset + length === diskEnd ? roundUp(diskEnd, size) : roundDown(offset + length, size);
  forEachTable(state, start, end, (from, to) => {
    if (l2TableOf(state, from) === null) return;
    const table = ownL2Table(state, from);
    for (let at = from; at < to; at += size) {
      const { kind } = decodeL2Entry(table.view, l2Index(state, at), table.hostOffset, state.header.clusterBits);
      if (kind === "unallocated" || kind === "zero") continue;
      replaceEntry(state, table, at, (index) =>
        state.header.version >= 3 ? encodeZeroEntry(table.view, index, hostOffset(0)) : encodeUnallocatedEntry(table.view, index),
      );
    }
  }, relieve);
}

/**
 * WRITE ZEROES: whole clusters become zero clusters, keeping their place in the file unless `unmap`; a ragged end becomes one too
 * where the rest of its cluster reads as zeros already, and is written as data where it does not.
 */
export function zeroGuest(state: ImageState, offset: number, length: number, unmap: boolean, relieve: () => void): void {
  const size = state.clusterSize;
  const end = Math.min(offset + length, state.header.virtualSize);
  const readsZero = (at: number): boolean => {
    const { kind } = lookUp(state, at);
    return kind === "unallocated" || kind === "zero" || kind === "zero-allocated";
  };
  const isRagged = (at: number): boolean => at % size !== 0 && at !== state.header.virtualSize;
  let start = roundDown(offset, size);
  let stop = roundUp(end, size);
  if (isRagged(offset) && !readsZero(offset)) {
    start += size;
    writeZeroData(state, offset, Math.min(start, end));
  }
  if (isRagged(end) && stop > start && !readsZero(end)) {
    stop -= size;
    writeZeroData(state, Math.max(stop, offset), end);
  }
  forEachTable(state, start, stop, (from, to) => {
    const table = ownL2Table(state, from);
    for (let at = from; at < to; at += size) zeroCluster(state, at, table, unmap);
  }, relieve);
}

function zeroCluster(state: ImageState, at: number, table: ReturnType<typeof ownL2Table>, unmap: boolean): void {
  const entry = decodeL2Entry(table.view, l2Index(state, at), table.hostOffset, state.header.clusterBits);
  if (entry.kind === "zero" || (entry.kind === "zero-allocated" && !unmap)) return;
  const keeps = !unmap && entry.kind === "data" && entry.copied;
  replaceEntry(state, table, at, (index) => encodeZeroEntry(table.view, index, keeps ? entry.hostOffset : hostOffset(0)), keeps);
}

/** Zeros as data over [start, end). */
export function writeZeroData(state: ImageState, start: number, end: number): void {
  for (let at = start; at < end; at += ZEROS.length) writeGuest(state, at, ZEROS.subarray(0, Math.min(ZEROS.length, end - at)));
}
