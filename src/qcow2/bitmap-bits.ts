/**
 * The bits of one bitmap by pages of a cluster's size, of which one at a time is in memory. Knows neither where they lie nor when they are
 * stored. Bit n stands for guest bytes [n << granularityBits, (n + 1) << granularityBits).
 */
import { divideRoundUp } from "../base/units.ts";
import { setBits } from "./recorded-bits.ts";

/** A page's bits, where they are not all alike. */
export type BitmapPage = "none" | "all" | Uint8Array;

/** Guest bytes whose bits are set. */
export interface BitmapRun {
  readonly offset: number;
  readonly lengthBytes: number;
}

export class BitmapBits {
  private readonly granularity: number;
  private readonly bits: number;
  private readonly bitsPerPage: number;
  private readonly load: (page: number) => BitmapPage;

  /** @param load a page as it is stored, for the caller to change */
  constructor(granularityBits: number, diskSize: number, pageBytes: number, load: (page: number) => BitmapPage) {
    this.granularity = 2 ** granularityBits;
    this.bits = divideRoundUp(diskSize, this.granularity);
    this.bitsPerPage = pageBytes * 8;
    this.load = load;
  }

  /** Runs of guest bytes whose bits are set, in order. */
  *runs(): Generator<BitmapRun, void, void> {
    let start = -1;
    for (let first = 0; first < this.bits; first += this.bitsPerPage) {
      const page = this.load(first / this.bitsPerPage);
      const count = Math.min(this.bitsPerPage, this.bits - first);
      for (let bit = 0; bit < count; ) {
        const byte = typeof page === "string" ? 0 : page[bit >>> 3]!;
        // Eight at once where they are alike.
        const eight = bit % 8 === 0 && bit + 8 <= count && (byte === 0 || byte === 0xff);
        const set = page === "all" || (eight ? byte !== 0 : ((byte >> (bit % 8)) & 1) === 1);
        if (set && start < 0) start = first + bit;
        if (!set && start >= 0) {
          yield this.run(start, first + bit);
          start = -1;
        }
        bit += typeof page === "string" ? count : eight ? 8 : 1;
      }
    }
    if (start >= 0) yield this.run(start, this.bits);
  }

  private run(start: number, end: number): BitmapRun {
    return { offset: start * this.granularity, lengthBytes: (end - start) * this.granularity };
  }

  /** The pages that runs of guest bytes touch, with the runs' bits set beside their own, in order. @param runs in order */
  *pagesWith(runs: Iterable<BitmapRun>): Generator<{ readonly index: number; readonly page: BitmapPage }, void, void> {
    // Two runs that are apart may have a bit in common: a page, full or not, is told once it is left.
    let open: { readonly index: number; readonly page: BitmapPage } | null = null;
    for (const { offset, lengthBytes } of runs) {
      const end = Math.min(this.bits, divideRoundUp(offset + lengthBytes, this.granularity));
      for (let bit = Math.floor(offset / this.granularity); bit < end; ) {
        const index = Math.floor(bit / this.bitsPerPage);
        const first = index * this.bitsPerPage;
        const stop = Math.min(end, first + this.bitsPerPage);
        if (open !== null && open.index !== index) {
          yield open;
          open = null;
        }
        if (stop - bit === this.bitsPerPage) open = { index, page: "all" };
        else {
          const page: BitmapPage = open === null ? this.load(index) : open.page;
          if (page !== "all") {
            const bits: Uint8Array = page === "none" ? new Uint8Array(this.bitsPerPage / 8) : page;
            setBits(bits, bit - first, stop - first);
            open = { index, page: bits };
          }
        }
        bit = stop;
      }
    }
    if (open !== null) yield open;
  }
}
