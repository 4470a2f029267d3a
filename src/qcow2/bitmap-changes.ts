/**
 * Changing the bitmaps of an image that is open for writing and was flushed. Each change leaves the old bitmaps or the new ones,
 * whatever happens, and at worst leaked clusters:
 * - new clusters and their counts are durable before the directory, or the header's extension, leads to them: a bitmap made of
 *   whatever lay there;
 * - what nothing leads to any more is given up after that is durable: clusters given out again under a bitmap that a crash brings back.
 *
 * A bitmap that records is marked in use before the first write that it must record, durably (bitmap-tracker.ts), and the mark goes
 * when its bits are stored: after a crash between it is known not to be true.
 * Source: qcow2 specification, "Bitmaps".
 */
import { assert } from "../base/assert.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { divideRoundUp } from "../base/units.ts";
import type { HostCluster } from "../base/units.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { isZero } from "../bytes/zeros.ts";
import type { BitmapPage } from "./bitmap-bits.ts";
import { BITMAP_BITS, BITMAP_DIRECTORY, BITMAP_STRUCTURES, BITMAP_TABLE } from "./bitmap-guard.ts";
import type { BitmapStructure } from "./bitmap-guard.ts";
import {
  ALL_ONES,
  FLAGS_AT,
  MAX_BITMAP_NAME_BYTES,
  PLACE_BYTES,
  TABLE_SIZE_AT,
  encodeBitmapTable,
  encodeBitmapsExtension,
  encodeDirectory,
  encodePlace,
  fitsLimits,
  forEachBitmap,
  readBitmapTable,
  readBitmaps,
  tableSizeFor,
} from "./bitmaps.ts";
import type { Bitmap, BitmapProblem, PlacedBitmap, UnnamedBitmap } from "./bitmaps.ts";
import { putBitmapsExtension } from "./bitmaps-extension.ts";
import { ENTRY_BYTES } from "./entries.ts";
import { flushImage } from "./flush.ts";
import type { ImageState } from "./image-state.ts";
import type { Refcounts } from "./refcounts.ts";
import { textOf } from "./snapshots.ts";

/** Of the directory, as much as is changed by one write where many bitmaps change. */
const WORDS_AT_ONCE = 2 ** 16;

type Done = Result<null, BitmapProblem>;

const refuse = (code: Exclude<BitmapProblem["code"], "sizes-differ">, bitmap: string): Result<never, BitmapProblem> => err({ kind: "bitmap", code, bitmap });

function findBitmap(bitmaps: readonly PlacedBitmap[], name: string): Result<PlacedBitmap, BitmapProblem> {
  const found = bitmaps.find((bitmap) => textOf(bitmap.name) === name);
  return found === undefined ? refuse("not-found", name) : ok(found);
}

/** The bitmap of that name, if it is true. */
export function usableBitmap(bitmaps: readonly PlacedBitmap[], name: string): Result<PlacedBitmap, BitmapProblem> {
  const found = findBitmap(bitmaps, name);
  return found.ok && found.value.inUse ? refuse("inconsistent", name) : found;
}

const directoryOf = (state: ImageState): readonly PlacedBitmap[] => readBitmaps(state.store, state.header)?.bitmaps ?? [];

/** A new bitmap that records from now on, with no bit set. */
export function addBitmap(state: ImageState, name: string, granularityBits: number): Done {
  const { header, clusterSize } = state;
  const bitmaps = directoryOf(state);
  if (findBitmap(bitmaps, name).ok) return refuse("exists", name);
  if (header.version < 3) return refuse("version-2", name);
  if (header.virtualSize === 0) return refuse("no-disk", name);
  if (!fitsLimits(header.virtualSize, granularityBits, clusterSize)) return refuse("too-large", name);
  const nameBytes = new TextEncoder().encode(name);
  if (nameBytes.length > MAX_BITMAP_NAME_BYTES) return refuse("name-too-long", name);
  const tableSize = Math.max(1, tableSizeFor(header.virtualSize, granularityBits, clusterSize));
  const added = (tableOffset: number): Bitmap => ({ name: nameBytes, tableOffset, tableSize, inUse: false, auto: true, granularityBits });
  if (encodeDirectory([...bitmaps, added(0)]) === null) return refuse("too-many", name);
  putDirectory(state, [...bitmaps, added(writeArea(state, BITMAP_TABLE, encodeBitmapTable(new Float64Array(tableSize))))]);
  return ok(null);
}

/** Forgets a bitmap, true or not, and gives up its clusters. */
export function removeBitmap(state: ImageState, name: string): Done {
  const bitmaps = directoryOf(state);
  const found = findBitmap(bitmaps, name);
  if (!found.ok) return found;
  const { value: bitmap } = found;
  const entries = readBitmapTable(state.store, state.header, bitmap);
  putDirectory(state, bitmaps.filter((other) => other !== bitmap));
  for (const entry of entries) if (entry > ALL_ONES) giveUpArea(state, entry, state.clusterSize);
  giveUpArea(state, bitmap.tableOffset, bitmap.tableSize * 8);
  flushImage(state);
  return ok(null);
}

/** Forgets all bitmaps and gives up their clusters. */
export function removeAllBitmaps(state: ImageState): void {
  const { store, header } = state;
  // Neither their names nor entries that lead nowhere: of 65,535 bitmaps both are many megabytes.
  const tables: { readonly tableOffset: number; readonly tableSize: number; readonly bits: readonly number[] }[] = [];
  forEachBitmap(store, header, ({ tableOffset, tableSize }) => {
    const bits: number[] = [];
    for (const entry of readBitmapTable(store, header, { tableOffset, tableSize })) if (entry > ALL_ONES) bits.push(entry);
    tables.push({ tableOffset, tableSize, bits });
  });
  if (tables.length === 0) return;
  putDirectory(state, []);
  for (const { tableOffset, tableSize, bits } of tables) {
    for (const at of bits) giveUpArea(state, at, state.clusterSize);
    giveUpArea(state, tableOffset, tableSize * ENTRY_BYTES);
  }
  flushImage(state);
}

/** Clears all bits. */
export function clearBitmap(state: ImageState, name: string): Done {
  const found = usableBitmap(directoryOf(state), name);
  if (!found.ok) return found;
  storeBits(state, found.value, "none");
  return ok(null);
}

/** Whether writes are recorded from now on. */
export function setRecording(state: ImageState, name: string, auto: boolean): Done {
  const found = usableBitmap(directoryOf(state), name);
  if (!found.ok) return found;
  writeFlags(state, [{ ...found.value, auto }]);
  return ok(null);
}

/** Flags of bitmaps as they shall be, in the directory's order; a flag is one word, which is there or not. */
export function writeFlags(state: ImageState, bitmaps: readonly UnnamedBitmap[]): void {
  writeWords(state, bitmaps, FLAGS_AT, PLACE_BYTES);
}

/** Marks bitmaps as in use, in the directory's order, or takes the marks away. */
export function writeMarks(state: ImageState, bitmaps: readonly UnnamedBitmap[], inUse: boolean): void {
  writeFlags(
    state,
    bitmaps.map((bitmap) => ({ ...bitmap, inUse })),
  );
}

/**
 * Places and lengths of tables as they shall be, in the directory's order, of bitmaps that are in use and stay so for now. An entry may lie
 * across two sectors: a new place is there before its length, which is not less than that of the table before.
 */
export function writeTablePlaces(state: ImageState, moved: readonly UnnamedBitmap[], resized: readonly UnnamedBitmap[]): void {
  writeWords(state, moved, 0, TABLE_SIZE_AT);
  writeWords(state, resized, TABLE_SIZE_AT, FLAGS_AT);
}

/** The bytes [from, to) of entries, each of which lies in one sector, durably. */
function writeWords(state: ImageState, bitmaps: readonly UnnamedBitmap[], from: number, to: number): void {
  const room = new Uint8Array(bitmaps.length === 1 ? to - from : WORDS_AT_ONCE);
  for (let next = 0; next < bitmaps.length; ) {
    const first = next;
    const at = bitmaps[first]!.entryAt + from;
    while (next < bitmaps.length && bitmaps[next]!.entryAt + to - at <= WORDS_AT_ONCE) next++;
    // What lies between them is written as it is.
    const words = room.subarray(0, bitmaps[next - 1]!.entryAt + to - at);
    if (next - first > 1) readPadded(state.store, at, words);
    for (let index = first; index < next; index++) words.set(encodePlace(bitmaps[index]!).subarray(from, to), bitmaps[index]!.entryAt + from - at);
    state.write(at, words);
  }
  state.barrier();
}

/**
 * Stores a bitmap's changed pages, if there are any, in new clusters under a new table.
 * @param changed each once; "none" for no bit set at all
 */
export function storeBits(state: ImageState, bitmap: PlacedBitmap, changed: Iterable<{ readonly index: number; readonly page: BitmapPage }> | "none"): void {
  const entries = readBitmapTable(state.store, state.header, bitmap);
  const replaced: number[] = [];
  let changes = false;
  const replace = (page: number, entry: number): void => {
    if (entries[page]! > ALL_ONES) replaced.push(entries[page]!);
    entries[page] = entry;
    changes = true;
  };
  if (changed === "none") entries.forEach((_, page) => replace(page, 0));
  else for (const { index, page } of changed) replace(index, entryOf(state, page));
  if (!changes) return;
  const tableOffset = writeArea(state, BITMAP_TABLE, encodeBitmapTable(entries));
  flushImage(state);
  // Of an entry that lies across two sectors, too, the place is in one.
  writeWords(state, [{ ...bitmap, tableOffset }], 0, TABLE_SIZE_AT);
  for (const offset of replaced) giveUpArea(state, offset, state.clusterSize);
  giveUpArea(state, bitmap.tableOffset, bitmap.tableSize * 8);
  flushImage(state);
}

/** An entry for bits that are stored in a cluster of their own where they are not all alike. */
function entryOf(state: ImageState, page: BitmapPage): number {
  if (page === "all") return ALL_ONES;
  return page === "none" || isZero(page) ? 0 : writeArea(state, BITMAP_BITS, page);
}

/** A new directory in place of the old one, which is given up. */
export function putDirectory(state: ImageState, bitmaps: readonly Bitmap[]): void {
  const old = forEachBitmap(state.store, state.header, () => undefined);
  if (bitmaps.length === 0) putBitmapsExtension(state, null);
  else {
    const directory = encodeDirectory(bitmaps);
    assert(directory !== null, "a directory that is too long was refused before");
    const offset = writeArea(state, BITMAP_DIRECTORY, directory);
    flushImage(state);
    putBitmapsExtension(state, encodeBitmapsExtension(bitmaps.length, { offset, lengthBytes: directory.length }));
  }
  if (old !== null) giveUpArea(state, old.offset, old.lengthBytes);
  flushImage(state);
}

function writable(state: ImageState): Refcounts {
  assert(state.refcounts !== null, "bitmaps change in an image that is open for writing");
  return state.refcounts;
}

/** Writes bytes of a bitmap into neighbouring new clusters, which are kept for it from now on. @returns their host offset */
export function writeArea(state: ImageState, structure: BitmapStructure, data: Uint8Array): number {
  const clusters = divideRoundUp(data.length, state.clusterSize);
  const lengthBytes = clusters * state.clusterSize;
  const offset = takeArea(state, structure, clusters);
  state.write(offset, data);
  // Not padded in one: a directory may have 64 MiB.
  if (data.length < lengthBytes) state.write(offset + data.length, new Uint8Array(lengthBytes - data.length));
  return offset;
}

/** Neighbouring new clusters for a part of a bitmap. @returns their host offset */
export function takeArea(state: ImageState, structure: BitmapStructure, clusters: number): number {
  const offset = writable(state).allocateArea(clusters) * state.clusterSize;
  state.metadata.claim(structure, offset, clusters * state.clusterSize);
  return offset;
}

/** Takes a cluster back that was taken for bits, before anything leads to it. */
export function undoCluster(state: ImageState, offset: number): void {
  state.metadata.release(offset, state.clusterSize);
  writable(state).undoAllocate((offset / state.clusterSize) as HostCluster, 1);
}

/** A place of a bitmap that nothing leads to any more. */
export function giveUpArea(state: ImageState, offset: number, lengthBytes: number): void {
  state.metadata.releaseOf(BITMAP_STRUCTURES, offset, lengthBytes);
  const first = offset / state.clusterSize;
  for (let cluster = first; cluster < first + divideRoundUp(lengthBytes, state.clusterSize); cluster++) writable(state).holdDecrease(cluster as HostCluster);
}
