/** What a bitmap has set, as the file has it, and setting the same in another; apart from other changes, for it is seldom wanted. Source: qcow2 specification, "Bitmaps". */
import type { ByteStore } from "../bytes/byte-store.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { BitmapBits } from "./bitmap-bits.ts";
import { storeBits } from "./bitmap-changes.ts";
import { ALL_ONES, readBitmapTable } from "./bitmaps.ts";
import type { Bitmap, PlacedBitmap } from "./bitmaps.ts";
import type { Header } from "./header.ts";
import type { ImageState } from "./image-state.ts";

/** Sets in a bitmap that is true the bits of all that is set in another, of an image of the same size. */
export function mergeBitmap(state: ImageState, bitmap: PlacedBitmap, source: BitmapBits): void {
  storeBits(state, bitmap, storedBits(state.store, state.header, bitmap).pagesWith(source.runs()));
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
