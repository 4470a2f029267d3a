/**
 * Records the changes of an open image in its bitmaps. The bitmaps that record are marked in use, durably, before the first change
 * that they must record; the mark goes when their bits are stored, at the latest when the image is closed. A crash between
 * leaves the mark, and thereby a bitmap that nobody believes: without it a backup would miss what was written.
 *
 * Under the mark bits may be written at any time, where they lie: what was recorded is held in memory up to a bound. A new cluster of bits is
 * counted before an entry leads to it, and the entries are written when the mark is to go.
 */
import { writeMarks } from "./bitmap-changes.ts";
import { BitmapRecording } from "./bitmap-recording.ts";
import { forEachBitmap, requireTableInFile } from "./bitmaps.ts";
import { flushImage } from "./flush.ts";
import type { ImageState } from "./image-state.ts";

/** Pieces of bits that all bitmaps together hold in memory; as many as there may be bitmaps, so that a small change of each is held. */
const MAX_HELD = 2 ** 16;

export class BitmapTracker {
  private readonly state: ImageState;
  /** The bitmaps that have something recorded which is not stored yet. */
  private recordings: BitmapRecording[] = [];
  /** What they hold in memory, at most: where the store refused some of it the rest may be written. */
  private held = 0;
  /** The file says of every bitmap that records that it is in use. */
  private marked = false;

  constructor(state: ImageState) {
    this.state = state;
    state.onChange = (offset, lengthBytes) => this.beforeChange(offset, lengthBytes);
  }

  /** A change of [offset, offset + lengthBytes) of the disk is about to be made. @throws Fault when the bitmaps cannot be marked, have no table, or their bits not be written */
  private beforeChange(offset: number, lengthBytes: number): void {
    if (lengthBytes <= 0) return;
    if (!this.marked) this.begin();
    for (const recording of this.recordings) {
      const { bits } = recording;
      const before = bits.held;
      bits.mark(offset, lengthBytes);
      this.held += bits.held - before;
      if (this.held > MAX_HELD) this.writeBits();
    }
  }

  /** Beside what is recorded already, where it could not be stored: that goes on, and its mark may be there or not. */
  private begin(): void {
    const { state } = this;
    const known = new Set(this.recordings.map(({ bitmap }) => bitmap.entryAt));
    const begun: BitmapRecording[] = [];
    const fileEnd = state.store.size();
    // Their names, which may be 64 MiB, are not kept.
    forEachBitmap(state.store, state.header, ({ name: _, ...bitmap }) => {
      if (!bitmap.auto || bitmap.inUse || known.has(bitmap.entryAt)) return;
      // Found only when bits are stored, it would keep those of all others from it, too.
      requireTableInFile(bitmap, fileEnd);
      begun.push(new BitmapRecording(state, bitmap));
    });
    this.recordings = [...this.recordings, ...begun].sort((a, b) => a.bitmap.entryAt - b.bitmap.entryAt);
    if (this.recordings.length > 0) this.mark(true);
    this.marked = true;
  }

  private mark(inUse: boolean): void {
    writeMarks(
      this.state,
      this.recordings.map(({ bitmap }) => bitmap),
      inUse,
    );
  }

  /** What is held in memory goes to the file, where nothing leads to new clusters yet. Where the store refuses, it is held further. */
  private writeBits(): void {
    if (this.held === 0) return;
    const fileEnd = this.state.store.size();
    for (const recording of this.recordings) recording.writeBits(fileEnd);
    this.held = 0;
  }

  /** Stores what was recorded; what it tells of is durable before. Where the store refuses, what is not stored yet is kept for the next time. */
  store(): void {
    const { state, recordings } = this;
    if (recordings.length === 0) return;
    this.writeBits();
    flushImage(state);
    for (const recording of recordings) recording.writeEntries();
    state.barrier();
    // From here on some of them are true again: the next change marks them anew.
    this.marked = false;
    this.mark(false);
    this.recordings = [];
    let replaced = false;
    for (const recording of recordings) replaced = recording.giveUpReplaced() || replaced;
    if (replaced) flushImage(state);
  }
}
