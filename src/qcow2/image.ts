/**
 * An open qcow2 image: the door to mapping, writing, unmapping and flushing. Knows nothing of zones; the device attaches what it
 * has to write at a flush as a participant. Every call may throw a Fault (base/fault.ts); ranges lie within the disk.
 */
import { assert } from "../base/assert.ts";
import { pieceOf } from "../base/piece.ts";
import type { Result } from "../base/result.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { Backing } from "./backing.ts";
import { BitmapTracker } from "./bitmap-tracker.ts";
import { afterCorruption } from "./corruption.ts";
import { AUTOCLEAR_BITMAPS, hasBit } from "./features.ts";
import { flushImage } from "./flush.ts";
import type { Header } from "./header.ts";
import type { FlushParticipant, ImageState } from "./image-state.ts";
import { canBeMadeEmpty } from "./make-empty.ts";
import { mapGuest, readGuest, readsAsZeros } from "./mapping.ts";
import type { MappedExtent } from "./mapping.ts";
import { openState } from "./open.ts";
import type { OpenOptions } from "./open.ts";
import { dataPlaces, giveBack } from "./release-data.ts";
import type { DataPlace } from "./release-data.ts";
import { discardGuest, takesZeros, unmapClusters, writeZeroData, zeroGuest } from "./unmap.ts";
import { readVmState, reserveVmState, writeVmState } from "./vm-state.ts";
import { writeGuest } from "./write.ts";
import { refusalOfCompressed, writeCompressed } from "./write-compressed.ts";
import type { CompressionRefusal } from "./write-compressed.ts";

/** Larger writes are made in pieces of this size, so that tables under pressure can be flushed between. */
const PIECE_BYTES = 8 * 2 ** 20;

export class Qcow2Image {
  /** Why it is read-only although writing was asked for, or null. */
  readonly readOnlyReason: string | null;
  private readonly state: ImageState;
  /** null where nothing is recorded. */
  private readonly bitmaps: BitmapTracker | null;

  /** @param options what differs from an image that is read and stands alone. @throws Fault for an image that cannot be read */
  constructor(store: ByteStore, header: Header, options: Partial<OpenOptions> = {}) {
    const { state, readOnlyReason } = openState(store, header, options);
    this.state = state;
    this.readOnlyReason = readOnlyReason;
    // Opened for writing, the bit is left only where there are some.
    this.bitmaps = this.readOnly || !hasBit(state.header.autoclear, AUTOCLEAR_BITMAPS) ? null : new BitmapTracker(state);
  }

  get header(): Header {
    return this.state.header;
  }
  get readOnly(): boolean {
    return this.state.refcounts === null;
  }
  get virtualSize(): number {
    return this.header.virtualSize;
  }
  get clusterSize(): number {
    return this.header.clusterSize;
  }
  get fileSize(): number {
    return this.state.store.size();
  }
  /** What it stands on, null for nothing. */
  get backing(): Backing | null {
    return this.state.backing;
  }
  /** The unit in which it takes data from its backing: a cluster, or a part of one with extended L2 entries. */
  get unitBytes(): number {
    return this.state.format.subclusterSize;
  }

  attach(participant: FlushParticipant): void {
    this.state.participant = participant;
  }

  read(offset: number, into: Uint8Array): void {
    this.watched(() => readGuest(this.state, offset, into));
  }

  write(offset: number, data: Uint8Array): void {
    this.change(offset, data.length);
    this.watched(() => {
      for (let done = 0; done < data.length; done += PIECE_BYTES) {
        writeGuest(this.state, offset + done, pieceOf(data, done, Math.min(done + PIECE_BYTES, data.length)));
        this.relieve();
      }
    }, true);
  }

  get compressionType(): number {
    return this.state.header.compressionType;
  }

  /** Why a compressed write is refused before any of it is made, or null. */
  refusalOfCompressed(offset: number, length: number): CompressionRefusal | null {
    return refusalOfCompressed(this.state, offset, length);
  }

  /** Writes whole clusters compressed. @returns the first refusal; what was written before it stands */
  writeCompressed(offset: number, data: Uint8Array): Result<null, CompressionRefusal> {
    this.change(offset, data.length);
    return this.watched(() => {
      const outcome = writeCompressed(this.state, offset, data);
      this.relieve();
      return outcome;
    });
  }

  /** Whether a range becomes zeros without a byte of them written as data. */
  takesZeros(offset: number, length: number): boolean {
    return this.watched(() => takesZeros(this.state, offset, length));
  }

  /** Whole clusters become zero clusters where that can be; the rest is written as zeros. */
  writeZeroes(offset: number, length: number, unmap: boolean): void {
    this.change(offset, length);
    this.watched(() => zeroGuest(this.state, offset, length, unmap, this.relieve));
  }

  /** Discards whole clusters of the range. */
  discard(offset: number, length: number): void {
    this.change(offset, length);
    this.watched(() => discardGuest(this.state, offset, length, this.relieve));
  }

  /** Bytes of a machine's state, which lie behind the disk, by their own offset. */
  readVmState(offset: number, into: Uint8Array): void {
    this.watched(() => readVmState(this.state, offset, into));
  }

  /** Makes room for [offset, offset + length) of the state. @returns false where no L1 table is that long */
  reserveVmState(offset: number, length: number): boolean {
    assert(!this.readOnly, "writes reach an image only when it is writable");
    return this.watched(() => reserveVmState(this.state, offset, length));
  }

  /** Writes bytes of the state for which room was made. */
  writeVmState(offset: number, data: Uint8Array): void {
    assert(!this.readOnly, "writes reach an image only when it is writable");
    this.watched(() => {
      writeVmState(this.state, offset, data);
      this.relieve();
    });
  }

  /** Makes clusters unallocated; start and end are cluster-aligned (the end may be the disk's, rounded up). */
  unmap(start: number, end: number): void {
    this.change(start, end - start);
    this.unmapCopies(start, end);
  }

  /** As unmap, of clusters that hold what lies below them: the guest sees no change, so that no bitmap records one. */
  unmapCopies(start: number, end: number): void {
    assert(!this.readOnly, "writes reach an image only when it is writable");
    this.watched(() => unmapClusters(this.state, start, end, this.relieve));
  }

  /** What the disk has in a data file that is not the disk by itself. */
  dataPlaces(): readonly DataPlace[] {
    return this.watched(() => dataPlaces(this.state));
  }

  /**
   * Gives back what no entry leads to any more, behind the flush that made that durable: before it a crash would leave entries that lead to
   * what is gone.
   */
  giveBack(places: readonly DataPlace[]): void {
    giveBack(this.state.data, places);
  }

  /** Writes zeros into [start, end) where something is allocated, and leaves alone what reads as zeros already. */
  clear(start: number, end: number): void {
    this.change(start, end - start);
    this.watched(() => {
      for (let at = start; at < end; ) {
        const clusterEnd = Math.min((Math.floor(at / this.clusterSize) + 1) * this.clusterSize, end);
        if (!readsAsZeros(this.state, at, clusterEnd)) writeZeroData(this.state, at, clusterEnd, this.relieve);
        at = clusterEnd;
      }
    });
  }

  /**
   * The guest is about to see something else in a range, though no cluster may change: bitmaps that record changes record it. Offset and
   * length in bytes of the disk.
   */
  noteChange(offset: number, lengthBytes: number): void {
    this.watched(() => this.change(offset, lengthBytes));
  }

  /** Whether the image can be emptied at once, by a change of the whole (make-empty.ts). */
  get canBeMadeEmpty(): boolean {
    return canBeMadeEmpty(this.state);
  }

  /** A change of the image as a whole, over the flushed state. Afterwards this image is not what the file is: it is to be opened anew. */
  changeWhole<Value>(act: (state: ImageState) => Value): Value {
    assert(!this.readOnly, "writes reach an image only when it is writable");
    return this.watched(() => {
      flushImage(this.state);
      this.settleNow();
      this.state.metadata.requireUncontested();
      this.state.changesWhole = true;
      return act(this.state);
    });
  }

  /** What is to be told in place of what such a change threw on its way: the first lie of a table marks the image. */
  told(error: unknown): unknown {
    return afterCorruption(this.state, error, false);
  }

  map(offset: number, length: number, maxExtents: number): { extents: readonly MappedExtent[]; next: number | null } {
    return this.watched(() => mapGuest(this.state, offset, length, maxExtents));
  }

  /** Returns when everything written before is durable. */
  flush(): void {
    if (!this.readOnly) this.watched(() => flushImage(this.state));
  }

  /** After the last flush of an image that is closed in good order: stores what its bitmaps recorded, and takes the dirty bit away. */
  settle(): void {
    this.watched(() => this.settleNow());
  }

  private settleNow(): void {
    this.bitmaps?.store();
    if (this.readOnly || !this.state.owesCleanBit) return;
    flushImage(this.state, true);
    this.state.clearDirty();
  }

  private change(offset: number, lengthBytes: number): void {
    assert(!this.readOnly, "writes reach an image only when it is writable");
    this.state.onChange?.(offset, lengthBytes);
  }

  /** Does an operation; the first lie of the image's tables is told, and the image marked. */
  private watched<Value>(act: () => Value, writing = false): Value {
    try {
      return act();
    } catch (error) {
      throw afterCorruption(this.state, error, writing);
    }
  }

  /** Flushes early when the tables in memory are half dirty; legal at any point between two operations on entries. */
  private readonly relieve = (): void => {
    if (this.state.l2.pressure || this.state.refcounts?.blocks.pressure === true) flushImage(this.state);
  };
}
