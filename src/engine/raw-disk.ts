/**
 * A file that is the disk itself, byte for byte ("raw"), or a part of one. The file's length rounded up to a sector is the disk's
 * size, as in QEMU; a part with a size of its own is that long.
 */
import { SECTOR_SIZE, roundUp } from "../base/units.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { readPadded } from "../bytes/byte-store.ts";
import type { Extent } from "../protocol/index.ts";
import type { Disk } from "./disk.ts";
import { PIECE_BYTES, forEachPiece, patternPayload } from "./payload.ts";
import { MOST_DISCARDED_BYTES, isZero } from "../bytes/zeros.ts";

export class RawDisk implements Disk {
  readonly virtualSize: number;
  readonly clusterSize = SECTOR_SIZE;
  readonly readOnly: boolean;
  readonly readOnlyReason = null;
  private readonly store: ByteStore;
  /** Where in the file the disk begins, in bytes. */
  private readonly start: number;
  private unflushed = false;
  /** The flush that failed: nobody knows what reached the disk, and asking again may falsely succeed (as qcow2/image-state.ts). */
  private lost: Error | null = null;

  /** @param part the part of the file that is the disk, in bytes, which lies in it; null for the whole */
  constructor(store: ByteStore, write: boolean, part: { readonly offset: number; readonly size: number | null } | null = null) {
    this.store = store;
    this.readOnly = !write || store.readOnly;
    this.start = part?.offset ?? 0;
    this.virtualSize = part?.size ?? roundUp(store.size() - this.start, SECTOR_SIZE);
  }

  get fileSize(): number {
    return this.store.size();
  }

  read(offset: number, into: Uint8Array): void {
    readPadded(this.store, this.start + offset, into);
  }

  write(offset: number, data: Uint8Array): void {
    if (this.lost !== null) throw this.lost;
    this.unflushed = true;
    this.store.write(this.start + offset, data);
  }

  /** With `unmap` a range that is zeros already is left as it is, so that a hole stays one; no platform of ours makes new ones. */
  writeZeroes(offset: number, length: number, unmap: boolean): void {
    const there = unmap ? new Uint8Array(Math.min(length, PIECE_BYTES)) : null;
    forEachPiece(patternPayload(0, length), (at, data) => {
      if (there !== null) {
        const piece = there.subarray(0, data.length);
        this.read(offset + at, piece);
        if (isZero(piece)) return;
      }
      this.write(offset + at, data);
    });
  }

  /** Any range can become zeros: a platform's file needs no clusters for that. */
  takesZeros(): boolean {
    return true;
  }

  /** A hint. What it reads as afterwards is zeros, as where QEMU gives a file's blocks back; here the file keeps them, and what is too much to be gone through at once keeps its bytes too. */
  discard(offset: number, length: number): void {
    if (length <= MOST_DISCARDED_BYTES) this.writeZeroes(offset, length, true);
  }

  map(offset: number, length: number, _maxExtents: number): { extents: readonly Extent[]; next: number | null } {
    const extent = { start: offset, length, allocated: true, zero: false, data: true, compressed: false, depth: 0, hostOffset: this.start + offset };
    return { extents: length === 0 ? [] : [extent], next: null };
  }

  flush(): void {
    if (this.lost !== null) throw this.lost;
    if (!this.unflushed) return;
    try {
      this.store.flush();
    } catch (error) {
      if (error instanceof Error) this.lost = error;
      throw error;
    }
    this.unflushed = false;
  }
}
