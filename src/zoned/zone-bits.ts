/**
 * A set of zone numbers that finds the next member at or behind a number: a bit a zone, and above each 32 words a word that says
 * which of them hold any. Five levels reach beyond the largest number of zones, so that every call costs the same few steps.
 */
import type { ZoneIndex } from "../base/units.ts";

const BITS = 32;
/** Position of the lowest bit that is set; the word is not zero. */
const lowestBit = (word: number): number => 31 - Math.clz32(word & -word);

export class ZoneBits {
  /** levels[0] holds the zones; bit i of levels[k + 1] says that word i of levels[k] is not zero. */
  private readonly levels: Uint32Array[] = [];

  /** @param count zones are numbered below this */
  constructor(count: number) {
    let words = count;
    do {
      words = Math.max(1, Math.ceil(words / BITS));
      this.levels.push(new Uint32Array(words));
    } while (words > 1);
  }

  add(zone: ZoneIndex): void {
    let at: number = zone;
    for (const level of this.levels) {
      const word = at >>> 5;
      const before = level[word]!;
      level[word] = before | (1 << (at & 31));
      if (before !== 0) return;
      at = word;
    }
  }

  delete(zone: ZoneIndex): void {
    let at: number = zone;
    for (const level of this.levels) {
      const word = at >>> 5;
      level[word] = level[word]! & ~(1 << (at & 31));
      if (level[word] !== 0) return;
      at = word;
    }
  }

  has(zone: ZoneIndex): boolean {
    return ((this.levels[0]![zone >>> 5]! >>> (zone & 31)) & 1) === 1;
  }

  clear(): void {
    for (let zone = this.next(0); zone !== null; zone = this.next(zone + 1)) this.delete(zone);
  }

  /** The smallest member that is `from` or above, or null. */
  next(from: number): ZoneIndex | null {
    let at = from;
    for (let height = 0; height < this.levels.length; height++) {
      const level = this.levels[height]!;
      const word = at >>> 5;
      const left = word < level.length ? level[word]! & (-1 << (at & 31)) : 0;
      if (left !== 0) return this.lowestUnder(height, word * BITS + lowestBit(left));
      at = word + 1;
    }
    return null;
  }

  /** The smallest member below a bit of `levels[height]` that is set. */
  private lowestUnder(height: number, bit: number): ZoneIndex {
    let at = bit;
    for (let below = height - 1; below >= 0; below--) at = at * BITS + lowestBit(this.levels[below]![at]!);
    return at as ZoneIndex;
  }
}
