/**
 * Growing and shrinking the disk of an image. Given the state of an image that is open for writing and was flushed, it leaves one for
 * which that state is not true any more: whoever calls opens the image anew. Refuses before it changes anything; a store that fails
 * in the middle, and a crash, leave a disk of the old size or of the new, and at worst leaked clusters.
 *
 * What is given up is gone through before: an entry that cannot be, met in the middle, would leave a disk that is cut off and not of the new size.
 *
 * The orders, and what each prevents were the power to fail between:
 * - a larger L1 table as l1-growth.ts has it, before the size;
 * - a machine's state and all else behind the disk unmapped, before the size: a guest that reads it in its new space;
 * - zeros over what would show through from the backing file, or is left in the last cluster, before the size: a guest that reads
 *   in its new space what it never wrote;
 * - the smaller size before the end is unmapped: a disk of the old size whose end is gone;
 * - bitmaps marked in use before anything, and given their new length last (bitmap-resize.ts): bitmaps of the old length called true;
 * - cleared entries before their clusters are given up, as every flush has it.
 *
 * Source: qcow2 specification, "Header" and "Cluster mapping"; sizes and refusals as QEMU has them.
 */
import { assert } from "../base/assert.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE, bytes, divideRoundUp, roundDown, roundUp } from "../base/units.ts";
import type { HostCluster } from "../base/units.ts";
import { isZero } from "../bytes/zeros.ts";
import { writeMarks } from "./bitmap-changes.ts";
import { bitmapsToResize, resizeBitmaps, unmarkInUse } from "./bitmap-resize.ts";
import type { BitmapProblem } from "./bitmaps.ts";
import { ENTRY_BYTES } from "./entries.ts";
import { flushImage } from "./flush.ts";
import { encodeActiveDisk } from "./header.ts";
import type { Header } from "./header.ts";
import type { ImageState } from "./image-state.ts";
import { growL1, l1Fits } from "./l1-growth.ts";
import { isBlank } from "./l2-entries.ts";
import type { ClusterEntry } from "./l2-entries.ts";
import { clusterAt, l2Index, l2TableOf, readGuest, readsAsZeros } from "./mapping.ts";
import { forEachPlaced, l2Tables, readL2, refuseTooMany } from "./references.ts";
import type { L1Table, L2Place, Placed } from "./references.ts";
import { unmapClusters, writeZeroData, zeroGuest } from "./unmap.ts";
import { ownL2Table, setCluster, writeGuest } from "./write.ts";

/** Decreases that wait in memory; more of them are carried out between. */
const MAX_HELD = 2 ** 17;
const ZERO_PIECE_BYTES = 2 ** 20;
/** New clusters that are marked as zeros one by one: tables of 8 MiB, or of 16. */
const MOST_MARKED_CLUSTERS = 2 ** 20;

/** Why an image keeps its size. */
export type ResizeRefusal = { readonly kind: "resize"; readonly code: "misaligned" | "too-large" | "old-with-snapshots" } | BitmapProblem;

/**
 * @param newSize bytes
 * @param preallocate the new space gets its places in the file, with zeros there
 */
export function resizeImage(state: ImageState, newSize: number, preallocate: boolean): Result<null, ResizeRefusal> {
  const { header } = state;
  assert(state.refcounts !== null, "an image is resized when it is open for writing");
  const refuse = (code: "misaligned" | "too-large" | "old-with-snapshots"): Result<never, ResizeRefusal> => err({ kind: "resize", code });
  if (newSize % SECTOR_SIZE !== 0) return refuse("misaligned");
  if (header.version < 3 && header.snapshotCount > 0) return refuse("old-with-snapshots");
  const bitmaps = bitmapsToResize(state, newSize);
  if (!bitmaps.ok) return bitmaps;
  if (!l1Fits(divideRoundUp(newSize, state.l2Span))) return refuse("too-large");
  if (newSize === header.virtualSize) return ok(null);
  const shrinks = newSize < header.virtualSize;
  if (shrinks) refuseTooMany(l1Between(state, divideRoundUp(newSize, state.l2Span), header.l1Size), header, state.store);
  refuseUnreadable(state, roundUp(shrinks ? newSize : header.virtualSize, state.clusterSize), shrinks ? Infinity : roundUp(newSize, state.clusterSize));
  try {
    writeMarks(state, bitmaps.value, true);
    if (!shrinks) grow(state, newSize, preallocate);
  } catch (error) {
    unmarkInUse(state, bitmaps.value, error);
    throw error;
  }
  if (shrinks) shrink(state, newSize);
  else switchHeader(state, state.header);
  resizeBitmaps(state, bitmaps.value, header.virtualSize);
  return ok(null);
}

/**
 * Looks through all that is stored of [start, end), cluster-aligned, which is about to be given up, to Infinity for all behind the start: what
 * comes after finds no entry that cannot be, and no cluster whose count cannot be read. @throws Fault for one
 */
function refuseUnreadable(state: ImageState, start: number, end: number): void {
  const { header, store, clusterSize, l2Span, hasDataFile } = state;
  const refcounts = state.refcounts!;
  const first = Math.floor(start / l2Span);
  const behind = Math.min(header.l1Size, Math.ceil(end / l2Span));
  for (const place of l2Tables(l1Between(state, first, behind), header, store.size())) {
    const from = Math.max(0, (start - place.index * l2Span) / clusterSize);
    // Of the table that a new end is in, what lies behind the old end stays as it is.
    const stop = end === Infinity && from > 0 ? roundUp(header.virtualSize, clusterSize) : end;
    const to = Math.min(state.l2Entries, (stop - place.index * l2Span) / clusterSize);
    if (from >= to) continue;
    // With the end of the disk its tables go, but for that one.
    if (end === Infinity && from === 0) refcounts.get((place.hostOffset / clusterSize) as HostCluster);
    const countOf = ({ first: cluster, last }: Placed): void => {
      for (let at: number = cluster; at <= last && !hasDataFile; at++) refcounts.get(at as HostCluster);
    };
    forEachPlaced(readL2(store, header, place), place, header, countOf, from, to);
  }
}

/** The L1 table without all entries but [first, end): what lies elsewhere is not looked at. */
function l1Between({ l1, header }: ImageState, first: number, end: number): L1Table {
  const cut = new Uint8Array(l1.byteLength);
  const [from, to] = [Math.min(first * ENTRY_BYTES, l1.byteLength), Math.min(end * ENTRY_BYTES, l1.byteLength)];
  cut.set(new Uint8Array(l1.buffer, l1.byteOffset + from, Math.max(0, to - from)), from);
  return { view: new DataView(cut.buffer), offset: header.l1Offset, size: header.l1Size };
}

/** All of a growth but the header, which then leads to it: until that is written the disk on the store has its old size. */
function grow(state: ImageState, newSize: number, preallocate: boolean): void {
  const oldSize = state.header.virtualSize;
  const neededL1 = divideRoundUp(newSize, state.l2Span);
  // What lies behind the disk, which is nobody's any more, would become part of it: a machine's state, the rest of one between the
  // disk's end and the end of its last table, and what a shrink that did not come to its end had still to give up.
  const behind = roundUp(oldSize, state.clusterSize);
  const behindEnd = Math.min(roundUp(newSize, state.clusterSize), state.header.l1Size * state.l2Span);
  if (behind < behindEnd) unmapClusters(state, behind, behindEnd, relieving(state));
  if (neededL1 > state.header.l1Size) growL1(state, neededL1);
  // First, so that the file is long enough where the image's own tables already lead behind its end.
  if (state.hasDataFile) state.data.truncate(Math.max(state.hasRawDataFile ? roundUp(newSize, state.clusterSize) : newSize, state.data.size()));
  const before = state.header;
  state.header = { ...before, virtualSize: bytes(newSize) };
  const relieve = relieving(state);
  const exposed = state.backing === null ? 0 : roundUp(state.backing.virtualSize, state.clusterSize);
  // QEMU has all that is new be zeros then, which a map shows. Of a disk that has too many clusters for that they are where the backing file reaches.
  const shows = state.backing !== null && state.backing.virtualSize > oldSize;
  const isMarked = shows && before.version >= 3 && newSize - oldSize <= MOST_MARKED_CLUSTERS * state.clusterSize;
  const zeroEnd = isMarked ? newSize : Math.min(newSize, Math.max(roundUp(oldSize, state.clusterSize), exposed));
  const hides = isMarked || (zeroEnd > oldSize && !readsAsZeros(state, oldSize, zeroEnd) && !isBlankRest(state, oldSize, zeroEnd));
  // The rest of the last subcluster is written, whatever it says there.
  const headEnd = shows ? Math.min(roundUp(oldSize, state.format.subclusterSize), newSize) : oldSize;
  writeZeroData(state, oldSize, headEnd, relieve);
  if (hides && zeroEnd > headEnd) zeroGuest(state, headEnd, zeroEnd - headEnd, false, relieve);
  // By itself, too, such a data file reads as the disk does, whatever it has there already.
  if (state.hasRawDataFile) mapWhole(state, roundUp(oldSize, state.clusterSize), newSize);
  if (preallocate) takePlaces(state, oldSize, newSize, hides, relieve);
  flushImage(state);
}

/**
 * Gives [start, end) its places, with zeros there.
 * @param hides the backing file would show through; else subclusters are no data by that, as with QEMU and in a new image (create.ts)
 */
function takePlaces(state: ImageState, start: number, end: number, hides: boolean, relieve: () => void): void {
  const { clusterSize, format } = state;
  const most = Math.max(ZERO_PIECE_BYTES, clusterSize);
  const zeros = new Uint8Array(Math.min(most, end - start));
  for (let at = start; at < end; ) {
    // Up to a cluster's end, so that what was said of each is known before.
    const piece = zeros.subarray(0, Math.min(end, roundDown(at, clusterSize) + most) - at);
    const said = format.extended && !hides ? entriesOf(state, at, at + piece.length) : [];
    writeGuest(state, at, piece);
    said.forEach(({ alloc, zero, compressedBytes }, nth) => {
      const guest = roundDown(at, clusterSize) + nth * clusterSize;
      const table = ownL2Table(state, guest);
      if (compressedBytes === 0) setCluster(state, table, guest, { ...clusterAt(state, table, guest), alloc, zero });
    });
    at += piece.length;
    relieve();
  }
}

/** What is said of the clusters that [start, end) touches. */
function entriesOf(state: ImageState, start: number, end: number): ClusterEntry[] {
  const entries: ClusterEntry[] = [];
  for (let at: number = roundDown(start, state.clusterSize); at < end; at += state.clusterSize) {
    const table = l2TableOf(state, at);
    entries.push(table === null ? NOTHING_SAID : clusterAt(state, table, at));
  }
  return entries;
}

const NOTHING_SAID: ClusterEntry = { placed: false, hostOffset: 0, copied: false, compressedBytes: 0, alloc: 0, zero: 0 };

/** Whether what is left in the last cluster is zeros to the byte, and nothing of the backing file's: then it stays what it is, as with QEMU. */
function isBlankRest(state: ImageState, start: number, end: number): boolean {
  if (end - start >= state.clusterSize || (state.backing?.virtualSize ?? 0) > start) return false;
  const rest = new Uint8Array(end - start);
  readGuest(state, start, rest);
  return isZero(rest);
}

/** Gives the clusters of [start, end) that have nothing stored their places in the data file, as a new image has them (create.ts): subclusters are not data by that. */
function mapWhole(state: ImageState, start: number, end: number): void {
  const { clusterSize, format } = state;
  const relieve = relieving(state);
  for (let at = start; at < end; at += clusterSize) {
    const table = ownL2Table(state, at);
    const index = l2Index(state, at);
    if (isBlank(table.view, index, format)) setCluster(state, table, at, { hostOffset: at, copied: true, alloc: format.extended ? 0 : 1, zero: 0 });
    relieve();
  }
}

function shrink(state: ImageState, newSize: number): void {
  const oldSize = state.header.virtualSize;
  const { clusterSize, l2Span } = state;
  state.header = { ...state.header, virtualSize: bytes(newSize) };
  switchHeader(state, state.header);
  const tablesKept = divideRoundUp(newSize, l2Span);
  const from = roundUp(newSize, clusterSize);
  const to = Math.min(tablesKept * l2Span, roundUp(oldSize, clusterSize));
  if (from < to) unmapClusters(state, from, to, relieving(state));
  giveUpTables(state, tablesKept);
  flushImage(state);
  if (state.hasDataFile) state.data.truncate(newSize);
}

/** Clears the L1 entries from `first` on and gives up all that they reached. */
function giveUpTables(state: ImageState, first: number): void {
  const refcounts = state.refcounts!;
  const { header, store, clusterSize } = state;
  // Only what is cut off is looked at: the tables below may be new, and in memory alone.
  const cut = l1Between(state, first, header.l1Size);
  store.event?.("l1_shrink_write_table");
  for (let index = first; index < header.l1Size; index++) state.clearL1Entry(index);
  store.event?.("l1_shrink_free_l2_clusters");
  for (const place of l2Tables(cut, header, store.size())) {
    giveUpData(state, readL2(store, header, place), place);
    refcounts.holdDecrease((place.hostOffset / clusterSize) as HostCluster);
    state.metadata.releaseL2Table(place.hostOffset);
    if (refcounts.heldCount >= MAX_HELD) flushImage(state);
  }
}

/** What an L2 table's entries refer to; data in a file of its own is counted by nobody. */
function giveUpData(state: ImageState, table: DataView, place: L2Place): void {
  if (state.hasDataFile) return;
  forEachPlaced(table, place, state.header, ({ first, last }) => {
    for (let at: number = first; at <= last; at++) {
      // As in write.ts: an entry that led to a table was the file's lie, and the reference that is counted is the table's own.
      if (state.metadata.ownerOf(at * state.clusterSize) === null) state.refcounts!.holdDecrease(at as HostCluster);
    }
  });
}

function switchHeader(state: ImageState, header: Header): void {
  const { at, data } = encodeActiveDisk(header);
  state.write(at, data);
  state.barrier();
}

const relieving = (state: ImageState) => (): void => {
  if (state.l2.pressure || state.refcounts!.blocks.pressure) flushImage(state);
};
