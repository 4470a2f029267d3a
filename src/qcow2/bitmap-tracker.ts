/**
 * Records the changes of an open image in its bitmaps. The bitmaps that record are marked in use, durably, before the first change
 * that they must record; their bits stay in memory until they are stored, at the latest when the image is closed. A crash between
 * leaves the mark, and thereby a bitmap that nobody believes: without it a backup would miss what was written.
 */
import { forEachBitmap } from "./bitmaps.ts";
import type { PlacedBitmap } from "./bitmaps.ts";
import type { BitmapBits } from "./bitmap-bits.ts";
import { storeBits, storedBits, writeFlags } from "./bitmap-changes.ts";
import { flushImage } from "./flush.ts";
import type { ImageState } from "./image-state.ts";

interface Recording {
  readonly bitmap: PlacedBitmap;
  readonly bits: BitmapBits;
}

export class BitmapTracker {
  private readonly state: ImageState;
  /** The bitmaps that have something recorded which is not stored yet. */
  private recordings: Recording[] = [];
  /** The file says of every bitmap that records that it is in use. */
  private marked = false;

  constructor(state: ImageState) {
    this.state = state;
    state.onChange = (offset, lengthBytes) => this.beforeChange(offset, lengthBytes);
  }

  /** A change of [offset, offset + lengthBytes) of the disk is about to be made. @throws Fault when the bitmaps cannot be marked */
  private beforeChange(offset: number, lengthBytes: number): void {
    if (lengthBytes <= 0) return;
    if (!this.marked) this.begin();
    for (const { bits } of this.recordings) bits.mark(offset, lengthBytes);
  }

  /** Beside what is recorded already, where it could not be stored: that goes on, and its mark may be there or not. */
  private begin(): void {
    const { state } = this;
    const idle = this.directory(({ auto, inUse, entryAt }) => auto && !inUse && !this.recordings.some(({ bitmap }) => bitmap.entryAt === entryAt));
    const begun = idle.map((bitmap) => ({ bitmap, bits: storedBits(state.store, state.header, bitmap) }));
    this.recordings = [...this.recordings, ...begun];
    if (this.recordings.length > 0) writeFlags(state, this.recordings.map(({ bitmap }) => ({ ...bitmap, inUse: true })));
    this.marked = true;
  }

  /** Stores what was recorded; what it tells of is durable before. Where the store refuses, what is not stored yet is kept for the next time. */
  store(): void {
    if (this.recordings.length === 0) return;
    flushImage(this.state);
    // From here on some of them are true again: the next change marks them anew.
    this.marked = false;
    for (let next = this.recordings[0]; next !== undefined; next = this.recordings[0]) {
      this.recordings.shift();
      this.storeOne(next);
    }
  }

  private storeOne({ bitmap, bits }: Recording): void {
    try {
      storeBits(this.state, bitmap, bits.changed);
    } catch (error) {
      // As its entry is now: it may have got its new place, and then the old one is given up; or be true already.
      const now = this.directory(({ entryAt }) => entryAt === bitmap.entryAt)[0];
      if (now?.inUse === true) this.recordings.push({ bitmap: now, bits });
      throw error;
    }
  }

  /** Those of the image's bitmaps that are wanted; of the others, which may have 64 MiB of names, nothing is kept. */
  private directory(wanted: (bitmap: PlacedBitmap) => boolean): readonly PlacedBitmap[] {
    const found: PlacedBitmap[] = [];
    forEachBitmap(this.state.store, this.state.header, (bitmap) => {
      if (wanted(bitmap)) found.push(bitmap);
    });
    return found;
  }
}
