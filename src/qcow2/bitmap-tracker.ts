/**
 * Records the changes of an open image in its bitmaps. The bitmaps that record are marked in use, durably, before the first change
 * that they must record; their bits stay in memory until they are stored, at the latest when the image is closed. A crash between
 * leaves the mark, and thereby a bitmap that nobody believes: without it a backup would miss what was written.
 */
import { readBitmaps } from "./bitmaps.ts";
import type { PlacedBitmap } from "./bitmaps.ts";
import type { BitmapBits } from "./bitmap-bits.ts";
import { storeBits, storedBits, writeFlags } from "./bitmap-changes.ts";
import { flushImage } from "./flush.ts";
import type { ImageState } from "./image-state.ts";

export class BitmapTracker {
  private readonly state: ImageState;
  /** The bitmaps that record, with their bits; null where nothing was recorded since they were stored. */
  private recording: { readonly bitmap: PlacedBitmap; readonly bits: BitmapBits }[] | null = null;

  constructor(state: ImageState) {
    this.state = state;
    state.onChange = (offset, lengthBytes) => this.beforeChange(offset, lengthBytes);
  }

  /** A change of [offset, offset + lengthBytes) of the disk is about to be made. @throws Fault when the bitmaps cannot be marked */
  private beforeChange(offset: number, lengthBytes: number): void {
    if (lengthBytes <= 0) return;
    this.recording ??= this.begin();
    for (const { bits } of this.recording) bits.mark(offset, lengthBytes);
  }

  private begin(): { bitmap: PlacedBitmap; bits: BitmapBits }[] {
    const { state } = this;
    const bitmaps = (readBitmaps(state.store, state.header)?.bitmaps ?? []).filter(({ auto, inUse }) => auto && !inUse);
    const recording = bitmaps.map((bitmap) => ({ bitmap, bits: storedBits(state.store, state.header, bitmap) }));
    if (bitmaps.length > 0) writeFlags(state, bitmaps.map((bitmap) => ({ ...bitmap, inUse: true })));
    return recording;
  }

  /** Stores what was recorded; what it tells of is durable before. */
  store(): void {
    if (this.recording === null) return;
    flushImage(this.state);
    for (const { bitmap, bits } of this.recording) storeBits(this.state, bitmap, bits.changed);
    this.recording = null;
  }
}
