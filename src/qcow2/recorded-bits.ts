/**
 * Which bits of one bitmap are to be set, until they are written: as little as was touched, whatever the bitmap's length. Knows nothing of
 * the bits that are set already, nor where any lie. Bit n stands for guest bytes [n << granularityBits, (n + 1) << granularityBits); a page
 * is what a cluster of bits takes.
 */
import { divideRoundUp } from "../base/units.ts";

/** Bits are held by so many bytes at once: a sector, and never more than a page. */
export const PIECE_BYTES = 512;
const PIECE_BITS = PIECE_BYTES * 8;

export class RecordedBits {
  /** Bits to be set, by the index of the piece among all of the bitmap. */
  readonly pieces = new Map<number, Uint8Array>();
  /** Pages of which every bit is to be set, [first, end) each, in the order they were recorded. */
  wholePages: { first: number; end: number }[] = [];
  private readonly granularity: number;
  private readonly bits: number;
  private readonly bitsPerPage: number;

  constructor(granularityBits: number, diskSize: number, pageBytes: number) {
    this.granularity = 2 ** granularityBits;
    this.bits = divideRoundUp(diskSize, this.granularity);
    this.bitsPerPage = pageBytes * 8;
  }

  /** What it holds: pieces, and runs of pages. */
  get held(): number {
    return this.pieces.size + this.wholePages.length;
  }

  /** The bits of all that [offset, offset + lengthBytes) touches of the disk are to be set. */
  mark(offset: number, lengthBytes: number): void {
    const first = Math.floor(offset / this.granularity);
    const end = Math.min(this.bits, divideRoundUp(offset + lengthBytes, this.granularity));
    const pages = { first: divideRoundUp(first, this.bitsPerPage), end: Math.floor(end / this.bitsPerPage) };
    if (pages.first >= pages.end) return this.markPieces(first, end);
    this.markPieces(first, pages.first * this.bitsPerPage);
    this.markPieces(pages.end * this.bitsPerPage, end);
    const last = this.wholePages.at(-1);
    // What goes through a disk from its start to its end makes one run.
    if (last === undefined || pages.first < last.first || pages.first > last.end) this.wholePages.push(pages);
    else last.end = Math.max(last.end, pages.end);
  }

  private markPieces(first: number, end: number): void {
    for (let bit = first; bit < end; ) {
      const index = Math.floor(bit / PIECE_BITS);
      const stop = Math.min(end, (index + 1) * PIECE_BITS);
      let piece = this.pieces.get(index);
      if (piece === undefined) this.pieces.set(index, (piece = new Uint8Array(PIECE_BYTES)));
      setBits(piece, bit % PIECE_BITS, stop - index * PIECE_BITS);
      bit = stop;
    }
  }
}

/** Sets the bits [start, end) of what those bytes hold, the lowest bit of a byte first. */
export function setBits(bytes: Uint8Array, start: number, end: number): void {
  let bit = start;
  for (; bit < end && bit % 8 !== 0; bit++) bytes[bit >>> 3]! |= 1 << (bit % 8);
  const whole = Math.floor((end - bit) / 8);
  if (whole > 0) {
    bytes.fill(0xff, bit >>> 3, (bit >>> 3) + whole);
    bit += whole * 8;
  }
  for (; bit < end; bit++) bytes[bit >>> 3]! |= 1 << (bit % 8);
}
