/**
 * Bitmaps while their disk gets another size: what was marked stays marked, what is new is not, and what is cut off is forgotten.
 *
 * The order, and what it prevents were the power to fail between: all bitmaps are marked in use, durably, before the size changes (a
 * table of the old length under a disk of the new size would be read as true), and the mark goes with the directory that leads to
 * the new tables, or, where all stay as they are, behind the size. Where it fails between, the bitmaps are known not to be true, as after any writer that died; where
 * the store refuses before the size has changed, the marks are taken away again.
 *
 * Source: qcow2 specification, "Bitmaps".
 */
import { Fault, isOfFlush } from "../base/fault.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { divideRoundUp } from "../base/units.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { isZero } from "../bytes/zeros.ts";
import { giveUpArea, putDirectory, removeAllBitmaps, writeArea, writeFlags } from "./bitmap-changes.ts";
import { BITMAP_BITS, BITMAP_TABLE } from "./bitmap-guard.ts";
import { encodeBitmapTable, fitsLimits, forEachBitmap, readBitmapTable, tableSizeFor } from "./bitmaps.ts";
import type { Bitmap, BitmapProblem, PlacedBitmap } from "./bitmaps.ts";
import { flushImage } from "./flush.ts";
import type { ImageState } from "./image-state.ts";
import { textOf } from "./snapshots.ts";

const ALL_ONES = 1;

/** Without its name: those of 65,535 bitmaps are 64 MiB, and only a new directory wants them. */
type Unnamed = Omit<PlacedBitmap, "name">;

/** The bitmaps, if each of them can follow to that size; those that are not true cannot. */
export function bitmapsToResize({ store, header }: ImageState, newSize: number): Result<readonly Unnamed[], BitmapProblem> {
  const bitmaps: Unnamed[] = [];
  let problem: BitmapProblem | null = null;
  forEachBitmap(store, header, ({ name, ...bitmap }) => {
    const refuse = (code: "inconsistent" | "too-large"): void => void (problem ??= { kind: "bitmap", code, bitmap: textOf(name) });
    if (bitmap.inUse) refuse("inconsistent");
    else if (!fitsLimits(newSize, bitmap.granularityBits, header.clusterSize)) refuse("too-large");
    bitmaps.push(bitmap);
  });
  return problem === null ? ok(bitmaps) : err(problem);
}

export function markInUse(state: ImageState, bitmaps: readonly Unnamed[]): void {
  writeFlags(
    state,
    bitmaps.map((bitmap) => ({ ...bitmap, inUse: true })),
  );
}

/**
 * Takes the marks away where the disk kept its size, so that nothing the bitmaps say is wrong; where that is refused, too, they stay marked.
 * @param reason why the size stayed; after a flush that failed nothing more is written
 * @throws Fault of a flush that fails here
 */
export function unmarkInUse(state: ImageState, bitmaps: readonly Unnamed[], reason: unknown): void {
  if (bitmaps.length === 0 || !(reason instanceof Fault) || isOfFlush(reason.problem)) return;
  try {
    writeFlags(state, bitmaps);
  } catch (error) {
    if (!(error instanceof Fault) || isOfFlush(error.problem)) throw error;
  }
}

/** The disk has its new size; the bitmaps, as they were before, get theirs. */
export function resizeBitmaps(state: ImageState, bitmaps: readonly Unnamed[], oldSize: number): void {
  if (bitmaps.length === 0) return;
  // Of a disk of nothing no bitmap can be read, by QEMU neither: an image that had one could not be opened any more.
  if (state.header.virtualSize === 0) return removeAllBitmaps(state);
  const given: { offset: number; lengthBytes: number }[] = [];
  const resized = bitmaps.map((bitmap) => resizeBitmap(state, bitmap, oldSize, given));
  if (resized.every(({ tableOffset }, index) => tableOffset === bitmaps[index]!.tableOffset)) {
    // The directory says all of it but the mark, which goes when the size is what it says.
    flushImage(state);
    writeFlags(state, resized);
    return;
  }
  const named: Bitmap[] = [];
  forEachBitmap(state.store, state.header, ({ name }) => named.push({ ...resized[named.length]!, name }));
  putDirectory(state, named);
  for (const { offset, lengthBytes } of given) giveUpArea(state, offset, lengthBytes);
  flushImage(state);
}

/** A table that stays as it is stays where it is. @param given what nothing leads to once the new directory counts */
function resizeBitmap(state: ImageState, bitmap: Unnamed, oldSize: number, given: { offset: number; lengthBytes: number }[]): Unnamed {
  const { header, clusterSize } = state;
  const { granularityBits } = bitmap;
  const newSize: number = header.virtualSize;
  const old = readBitmapTable(state.store, header, bitmap);
  const tableSize = Math.max(1, tableSizeFor(newSize, granularityBits, clusterSize));
  const entries = new Float64Array(tableSize);
  entries.set(old.subarray(0, tableSize));
  const kept = divideRoundUp(Math.min(oldSize, newSize), 2 ** granularityBits);
  const bitsPerPage = clusterSize * 8;
  // Behind the last bit that stays none may be set: what grows there later has not been written.
  const last = Math.floor(kept / bitsPerPage);
  for (let page = 0; page < old.length; page++) {
    const entry = old[page]!;
    if (page < last || (page === last && entry === 0)) continue;
    if (entry > ALL_ONES) given.push({ offset: entry, lengthBytes: clusterSize });
    if (page < tableSize) entries[page] = page === last ? writeStart(state, entry, kept % bitsPerPage) : 0;
  }
  if (tableSize === bitmap.tableSize && entries.every((entry, page) => entry === old[page])) return { ...bitmap, inUse: false };
  given.push({ offset: bitmap.tableOffset, lengthBytes: bitmap.tableSize * 8 });
  return { ...bitmap, tableOffset: writeArea(state, BITMAP_TABLE, encodeBitmapTable(entries)), tableSize, inUse: false };
}

/** The first bits of a page in a cluster of their own. @returns its entry */
function writeStart(state: ImageState, entry: number, bits: number): number {
  const page = new Uint8Array(state.clusterSize);
  if (entry === ALL_ONES) page.fill(0xff);
  else readPadded(state.store, entry, page);
  const whole = Math.floor(bits / 8);
  if (bits % 8 > 0) page[whole]! &= (1 << (bits % 8)) - 1;
  page.fill(0, Math.ceil(bits / 8));
  return isZero(page) ? 0 : writeArea(state, BITMAP_BITS, page);
}
