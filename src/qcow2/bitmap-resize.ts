/**
 * Bitmaps while their disk gets another size: what was marked stays marked, what is new is not, and what is cut off is forgotten.
 *
 * The order, and what it prevents were the power to fail between: all bitmaps are marked in use, durably, before the size changes (a
 * table of the old length under a disk of the new size would be read as true), and the marks go behind the size, when tables and
 * directory say what they shall. Where it fails between, the bitmaps are known not to be true, as after any writer that died; where
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
import { giveUpArea, removeAllBitmaps, writeArea, writeMarks, writeTablePlaces } from "./bitmap-changes.ts";
import { BITMAP_BITS, BITMAP_TABLE } from "./bitmap-guard.ts";
import { ALL_ONES, encodeBitmapTable, fitsLimits, forEachBitmap, readBitmapTable, requireTableInFile, tableSizeFor } from "./bitmaps.ts";
import type { BitmapProblem, UnnamedBitmap } from "./bitmaps.ts";
import { ENTRY_BYTES } from "./entries.ts";
import { flushImage } from "./flush.ts";
import type { ImageState } from "./image-state.ts";
import { textOf } from "./snapshots.ts";

/** The bitmaps, if each of them can follow to that size; those that are not true cannot. @throws Fault for one whose table is not in the file */
export function bitmapsToResize({ store, header }: ImageState, newSize: number): Result<readonly UnnamedBitmap[], BitmapProblem> {
  const bitmaps: UnnamedBitmap[] = [];
  let problem: BitmapProblem | null = null;
  const fileEnd = store.size();
  forEachBitmap(store, header, ({ name, ...bitmap }) => {
    const refuse = (code: "inconsistent" | "too-large"): void => void (problem ??= { kind: "bitmap", code, bitmap: textOf(name) });
    if (bitmap.inUse) refuse("inconsistent");
    else if (!fitsLimits(newSize, bitmap.granularityBits, header.clusterSize)) refuse("too-large");
    else requireTableInFile(bitmap, fileEnd);
    bitmaps.push(bitmap);
  });
  return problem === null ? ok(bitmaps) : err(problem);
}

/**
 * Takes the marks away where the disk kept its size, so that nothing the bitmaps say is wrong; where that is refused, too, they stay marked.
 * @param reason why the size stayed; after a flush that failed nothing more is written
 * @throws Fault of a flush that fails here
 */
export function unmarkInUse(state: ImageState, bitmaps: readonly UnnamedBitmap[], reason: unknown): void {
  if (bitmaps.length === 0 || !(reason instanceof Fault) || isOfFlush(reason.problem)) return;
  try {
    writeMarks(state, bitmaps, false);
  } catch (error) {
    if (!(error instanceof Fault) || isOfFlush(error.problem)) throw error;
  }
}

/** The disk has its new size; the bitmaps, as they were before, get theirs. Under their marks tables are changed where they lie. */
export function resizeBitmaps(state: ImageState, bitmaps: readonly UnnamedBitmap[], oldSize: number): void {
  if (bitmaps.length === 0) return;
  // Of a disk of nothing no bitmap can be read, by QEMU neither: an image that had one could not be opened any more.
  if (state.header.virtualSize === 0) return removeAllBitmaps(state);
  const given: Area[] = [];
  const later: NewEntry[] = [];
  const resized = bitmaps.map((bitmap) => resizeBitmap(state, bitmap, oldSize, given, later));
  // New clusters are counted before anything leads to them.
  flushImage(state);
  for (const { at, entry } of later) state.write(at, encodeBitmapTable(Float64Array.of(entry)));
  const moved = resized.filter(({ tableOffset }, index) => tableOffset !== bitmaps[index]!.tableOffset);
  writeTablePlaces(
    state,
    moved,
    resized.filter(({ tableSize }, index) => tableSize !== bitmaps[index]!.tableSize),
  );
  writeMarks(state, resized, false);
  for (const { offset, lengthBytes } of given) giveUpArea(state, offset, lengthBytes);
  flushImage(state);
}

interface Area {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** An entry of a table, by its host offset. */
interface NewEntry {
  readonly at: number;
  readonly entry: number;
}

/**
 * A table stays where it is as long as it takes no more clusters than it has.
 * @param given what nothing leads to once the directory and the tables are as they shall be
 * @param later entries that lead to new clusters
 * @returns the bitmap as the directory shall have it
 */
function resizeBitmap(state: ImageState, bitmap: UnnamedBitmap, oldSize: number, given: Area[], later: NewEntry[]): UnnamedBitmap {
  const { header, clusterSize } = state;
  const { granularityBits, tableOffset } = bitmap;
  const newSize: number = header.virtualSize;
  const entries = readBitmapTable(state.store, header, bitmap);
  const kept = divideRoundUp(Math.min(oldSize, newSize), 2 ** granularityBits);
  // Behind the last bit that stays none may be set: what grows there later has not been written.
  const last = Math.floor(kept / (clusterSize * 8));
  for (let page = last; page < entries.length; page++) if (entries[page]! > ALL_ONES) given.push({ offset: entries[page]!, lengthBytes: clusterSize });
  const tableSize = Math.max(1, tableSizeFor(newSize, granularityBits, clusterSize));
  const start = last < Math.min(tableSize, entries.length) && entries[last] !== 0 ? writeStart(state, entries[last]!, kept % (clusterSize * 8)) : 0;
  const [bytesBefore, bytesNow] = [entries.length, tableSize].map((size) => divideRoundUp(size * ENTRY_BYTES, clusterSize) * clusterSize) as [number, number];
  if (bytesNow <= bytesBefore) {
    if (start !== (entries[last] ?? 0)) later.push({ at: tableOffset + last * ENTRY_BYTES, entry: start });
    if (tableSize > entries.length) state.write(tableOffset + entries.length * ENTRY_BYTES, new Uint8Array((tableSize - entries.length) * ENTRY_BYTES));
    if (bytesNow < bytesBefore) given.push({ offset: tableOffset + bytesNow, lengthBytes: bytesBefore - bytesNow });
    return { ...bitmap, tableSize };
  }
  const table = new Float64Array(tableSize);
  table.set(entries.subarray(0, last));
  table[last] = start;
  given.push({ offset: tableOffset, lengthBytes: bytesBefore });
  return { ...bitmap, tableOffset: writeArea(state, BITMAP_TABLE, encodeBitmapTable(table)), tableSize };
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
