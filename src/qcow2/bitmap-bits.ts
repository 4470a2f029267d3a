/**
 * The bits of one bitmap in memory: pages of a cluster's size, of which only those are held that were changed. Knows neither where
 * they lie nor when they are stored. Bit n stands for guest bytes [n << granularityBits, (n + 1) << granularityBits).
 */
import { divideRoundUp } from "../base/units.ts";

export class BitmapBits {
  readonly changed = new Map<number, Uint8Array>();
  private readonly granularity: number;
  private readonly diskSize: number;
  private readonly pageBytes: number;
  private readonly load: (page: number) => Uint8Array;

  /** @param load a page as it is stored, for the caller to change */
  constructor(granularityBits: number, diskSize: number, pageBytes: number, load: (page: number) => Uint8Array) {
    this.granularity = 2 ** granularityBits;
    this.diskSize = diskSize;
    this.pageBytes = pageBytes;
    this.load = load;
  }

  private get bitsPerPage(): number {
    return this.pageBytes * 8;
  }

  /** Sets the bits of all that [offset, offset + lengthBytes) touches of the disk. */
  mark(offset: number, lengthBytes: number): void {
    const end = divideRoundUp(Math.min(offset + lengthBytes, this.diskSize), this.granularity);
    for (let bit = Math.floor(offset / this.granularity); bit < end; ) {
      const index = Math.floor(bit / this.bitsPerPage);
      const stop = Math.min(end, (index + 1) * this.bitsPerPage);
      let page = this.changed.get(index);
      if (page === undefined) this.changed.set(index, (page = this.load(index)));
      setBits(page, bit % this.bitsPerPage, stop - index * this.bitsPerPage);
      bit = stop;
    }
  }

  /** Runs of guest bytes whose bits are set, in order. */
  *runs(): Generator<{ readonly offset: number; readonly lengthBytes: number }, void, void> {
    const bits = divideRoundUp(this.diskSize, this.granularity);
    let start = -1;
    for (let first = 0; first < bits; first += this.bitsPerPage) {
      const index = first / this.bitsPerPage;
      const page = this.changed.get(index) ?? this.load(index);
      const count = Math.min(this.bitsPerPage, bits - first);
      for (let bit = 0; bit < count; ) {
        const byte = page[bit >>> 3]!;
        // Eight at once where they are alike.
        const same = bit % 8 === 0 && bit + 8 <= count && (byte === 0 || byte === 0xff);
        const set = same ? byte !== 0 : ((byte >> (bit % 8)) & 1) === 1;
        if (set && start < 0) start = first + bit;
        if (!set && start >= 0) {
          yield this.run(start, first + bit);
          start = -1;
        }
        bit += same ? 8 : 1;
      }
    }
    if (start >= 0) yield this.run(start, bits);
  }

  private run(start: number, end: number): { offset: number; lengthBytes: number } {
    return { offset: start * this.granularity, lengthBytes: (end - start) * this.granularity };
  }
}

function setBits(page: Uint8Array, start: number, end: number): void {
  let bit = start;
  for (; bit < end && bit % 8 !== 0; bit++) page[bit >>> 3]! |= 1 << (bit % 8);
  const whole = Math.floor((end - bit) / 8);
  if (whole > 0) {
    page.fill(0xff, bit >>> 3, (bit >>> 3) + whole);
    bit += whole * 8;
  }
  for (; bit < end; bit++) page[bit >>> 3]! |= 1 << (bit % 8);
}
