/** What a bitmap has set, as the file has it, and setting the same in another; apart from other changes, for it is seldom wanted. Source: qcow2 specification, "Bitmaps". */
import { ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { BitmapBits } from "./bitmap-bits.ts";
import { storeBits, usableBitmap } from "./bitmap-changes.ts";
import { ALL_ONES, readBitmapTable, readBitmaps } from "./bitmaps.ts";
import type { Bitmap, BitmapProblem } from "./bitmaps.ts";
import type { Header } from "./header.ts";
import type { ImageState } from "./image-state.ts";

/** Sets the bits of all that is set in another bitmap, of an image of the same size. */
export function mergeBitmap(state: ImageState, name: string, source: BitmapBits): Result<null, BitmapProblem> {
  const found = usableBitmap(readBitmaps(state.store, state.header)?.bitmaps ?? [], name);
  if (!found.ok) return found;
  storeBits(state, found.value, storedBits(state.store, state.header, found.value).pagesWith(source.runs()));
  return ok(null);
}

/** The bits as the file has them. */
export function storedBits(store: ByteStore, header: Header, bitmap: Bitmap): BitmapBits {
  const entries = readBitmapTable(store, header, bitmap);
  return new BitmapBits(bitmap.granularityBits, header.virtualSize, header.clusterSize, (page) => {
    const entry = entries[page] ?? 0;
    if (entry <= ALL_ONES) return entry === ALL_ONES ? "all" : "none";
    const bits = new Uint8Array(header.clusterSize);
    readPadded(store, entry, bits);
    return bits;
  });
}
