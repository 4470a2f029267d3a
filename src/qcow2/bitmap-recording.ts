/**
 * What one bitmap of an open image records, and how that gets into the file while the bitmap is marked as in use: a crash then leaves one
 * that nobody believes, so that its bits and the entries of its table may be written where they lie, in any order. Only what the image as a
 * whole asks holds: a new cluster is counted before an entry leads to it, and one that was replaced is given up behind that.
 * Source: qcow2 specification, "Bitmaps".
 */
import { hostCluster } from "../base/units.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { giveUpArea, takeArea, undoCluster } from "./bitmap-changes.ts";
import { BITMAP_BITS } from "./bitmap-guard.ts";
import { ALL_ONES, encodeBitmapTable, readBitmapTable } from "./bitmaps.ts";
import type { UnnamedBitmap } from "./bitmaps.ts";
import { ENTRY_BYTES } from "./entries.ts";
import type { ImageState } from "./image-state.ts";
import { PIECE_BYTES, RecordedBits } from "./recorded-bits.ts";
import { PADDING_BYTES } from "./write.ts";

export class BitmapRecording {
  readonly bitmap: UnnamedBitmap;
  readonly bits: RecordedBits;
  private readonly state: ImageState;
  /** New clusters of bits by their page, to which no entry leads yet; null for none. */
  private placed: Map<number, number> | null = null;
  /** Clusters of bits to which no entry is to lead any more, each once: what is tried again replaces them again. */
  private replaced: Set<number> | null = null;

  constructor(state: ImageState, bitmap: UnnamedBitmap) {
    this.state = state;
    this.bitmap = bitmap;
    this.bits = new RecordedBits(bitmap.granularityBits, state.header.virtualSize, state.clusterSize);
  }

  /**
   * Sets the bits in the file and holds none any more.
   * @param fileEnd how long the file was before the first of the bitmaps did: clusters behind it are new
   * @throws Fault of the store, which leaves all held that is not written
   */
  writeBits(fileEnd: number): void {
    const { bits } = this;
    for (const { first, end } of bits.wholePages) this.writeWholePages(first, end);
    bits.wholePages = [];
    for (const [index, piece] of bits.pieces) this.writePiece(index * PIECE_BYTES, piece, fileEnd);
    bits.pieces.clear();
  }

  /** Entries that say of pages that all is set, in place of clusters of bits. */
  private writeWholePages(first: number, end: number): void {
    const { state } = this;
    const entries = this.readEntries(first, end);
    if (entries.every((entry) => entry === ALL_ONES)) return;
    // Before the write, which may get there though it is refused: what is found then is that all is set, and tells of no other cluster.
    for (let page = first; page < end; page++) {
      this.replace(entries[page - first]!);
      this.replace(this.placed?.get(page) ?? 0);
      this.placed?.delete(page);
    }
    state.write(this.entryAt(first), encodeBitmapTable(new Float64Array(end - first).fill(ALL_ONES)));
  }

  /** @param at where the piece begins among the bitmap's bits, in bytes */
  private writePiece(at: number, piece: Uint8Array, fileEnd: number): void {
    const { store, clusterSize } = this.state;
    const page = Math.floor(at / clusterSize);
    const placed = this.placed?.get(page);
    const entry = placed ?? this.readEntries(page, page + 1)[0]!;
    if (entry === ALL_ONES) return;
    if (placed === undefined && !this.isWritable(entry, fileEnd)) return this.writeNewPage(page, entry, at % clusterSize, piece, fileEnd);
    const host = entry + (at % clusterSize);
    const bits = new Uint8Array(PIECE_BYTES);
    readPadded(store, host, bits);
    if (addBits(bits, piece)) this.state.write(host, bits);
  }

  /** Whether bits are where an entry leads, and nobody else's. Behind the file's end a write would stretch the file up to there. */
  private isWritable(entry: number, fileEnd: number): boolean {
    const { clusterSize, refcounts } = this.state;
    return entry > ALL_ONES && entry + clusterSize <= fileEnd && refcounts!.get(hostCluster(entry / clusterSize)) === 1;
  }

  /** A new cluster for a page: the bits that the entry leads to, and those of a piece. */
  private writeNewPage(page: number, entry: number, inPage: number, piece: Uint8Array, fileEnd: number): void {
    const { state } = this;
    const { clusterSize, store } = state;
    const host = takeArea(state, BITMAP_BITS, 1);
    try {
      // As with data: of very many new pages the zeros are left to the file, where nothing of it ever was.
      if (entry === 0 && host >= fileEnd && state.padding >= PADDING_BYTES && !state.hasDataFile) {
        state.write(host + inPage, piece);
        state.reachTo(host + clusterSize);
      } else {
        const bits = new Uint8Array(clusterSize);
        if (entry > ALL_ONES) readPadded(store, entry, bits);
        addBits(bits.subarray(inPage, inPage + PIECE_BYTES), piece);
        state.write(host, bits);
        state.padding += clusterSize;
      }
    } catch (error) {
      undoCluster(state, host);
      throw error;
    }
    this.placed ??= new Map();
    this.placed.set(page, host);
    this.replace(entry);
  }

  private replace(entry: number): void {
    if (entry > ALL_ONES) (this.replaced ??= new Set()).add(entry);
  }

  /** Lets the entries lead to the new clusters, which are counted durably. */
  writeEntries(): void {
    for (const [page, host] of this.placed ?? []) this.state.write(this.entryAt(page), encodeBitmapTable(Float64Array.of(host)));
    this.placed = null;
  }

  /** Behind a flush. @returns whether there was anything to give up */
  giveUpReplaced(): boolean {
    const { replaced } = this;
    this.replaced = null;
    for (const offset of replaced ?? []) giveUpArea(this.state, offset, this.state.clusterSize);
    return replaced !== null;
  }

  private entryAt(page: number): number {
    return this.bitmap.tableOffset + page * ENTRY_BYTES;
  }

  private readEntries(first: number, end: number): Float64Array {
    return readBitmapTable(this.state.store, this.state.header, { tableOffset: this.entryAt(first), tableSize: end - first });
  }
}

/** Sets in `bits` what is set in the others. @returns whether that changes any */
function addBits(bits: Uint8Array, others: Uint8Array): boolean {
  let changes = false;
  for (let index = 0; index < bits.length; index++) {
    const wanted = bits[index]! | others[index]!;
    changes ||= wanted !== bits[index];
    bits[index] = wanted;
  }
  return changes;
}
