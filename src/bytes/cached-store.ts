/**
 * A store over one whose bytes do not change meanwhile and cost much to ask for: a file of the person's machine, a remote one. Blocks
 * that were read are kept up to a fixed budget, the ones used last the longest; neighbours that are missing are read with one call, and
 * what is longer than a few blocks is not kept, so that a walk through the whole file does not drive out the tables. Of a block of
 * zeros only that is kept: a file of very many holes is walked through several times over. Read-only.
 */
import type { ByteStore } from "./byte-store.ts";
import { ReadOnlyStore } from "./read-only-store.ts";
import { isZero } from "./zeros.ts";

export interface CacheLimits {
  readonly blockBytes: number;
  readonly budgetBytes: number;
  /** Longer reads go past the cache. */
  readonly longestBytes: number;
}

const DEFAULT_LIMITS: CacheLimits = { blockBytes: 32 * 1024, budgetBytes: 16 * 2 ** 20, longestBytes: 512 * 1024 };

/** Blocks of zeros that are remembered: of 8 GiB by default. */
const MAX_ZERO_BLOCKS = 2 ** 18;

export class CachedStore extends ReadOnlyStore {
  /** Absent where the base does not tell. */
  readonly allocated?: () => number;
  /** A block, of which whoever asks for little has the rest read along. */
  readonly leastReadBytes: number;
  private readonly base: ByteStore;
  private readonly limits: CacheLimits;
  private readonly sizeBytes: number;
  /** By index, the one used last behind the others. The last block of the file is as long as the file has bytes there. */
  private readonly blocks = new Map<number, Uint8Array>();
  /** By index, those that hold nothing but zeros and are not among the blocks. */
  private readonly zeros = new Set<number>();
  /** What is read into: only what is kept gets memory of its own. */
  private room = new Uint8Array(0);

  constructor(base: ByteStore, limits: CacheLimits = DEFAULT_LIMITS) {
    super(base.name);
    this.base = base;
    if (base.allocated !== undefined) this.allocated = () => base.allocated!();
    this.limits = limits;
    this.leastReadBytes = limits.blockBytes;
    this.sizeBytes = base.size();
  }

  protected length(): number {
    return this.sizeBytes;
  }

  protected readWithin(offset: number, into: Uint8Array): number {
    const count = into.length;
    const { blockBytes, longestBytes } = this.limits;
    const first = Math.floor(offset / blockBytes);
    const last = Math.floor((offset + count - 1) / blockBytes);
    if (count > longestBytes) return this.base.read(offset, into);
    // From here on in blocks: each is copied before another may be dropped for it.
    for (let index = first; index <= last; ) {
      const block = this.blocks.get(index);
      const isZeros = block === undefined && this.zeros.has(index);
      const behind = block === undefined && !isZeros ? this.missingBehind(index, last) : index + 1;
      if (isZeros) into.fill(0, Math.max(0, index * blockBytes - offset), behind * blockBytes - offset);
      else if (block === undefined) this.fetch(index, behind, offset, into);
      else {
        this.keep(index, block);
        copyBlock(block, index * blockBytes, offset, into);
      }
      index = behind;
    }
    return count;
  }

  override close(): void {
    if (this.closed) return;
    super.close();
    this.blocks.clear();
    this.zeros.clear();
    this.base.close();
  }

  /** The first block from `index` on, at most one behind `last`, that is there. */
  private missingBehind(index: number, last: number): number {
    let behind = index + 1;
    while (behind <= last && !this.blocks.has(behind) && !this.zeros.has(behind)) behind++;
    return behind;
  }

  private fetch(index: number, behind: number, offset: number, into: Uint8Array): void {
    const { blockBytes } = this.limits;
    const start = index * blockBytes;
    const length = Math.min(behind * blockBytes, this.sizeBytes) - start;
    if (this.room.length < length) this.room = new Uint8Array(length);
    const bytes = this.room.subarray(0, length);
    const there = bytes.subarray(0, this.base.read(start, bytes));
    copyBlock(there, start, offset, into);
    for (let at = index; at < behind; at++) {
      const block = there.subarray((at - index) * blockBytes, (at - index + 1) * blockBytes);
      // One that was cut short by the base is no block of zeros to its end.
      const isWhole = block.length === Math.min(blockBytes, this.sizeBytes - at * blockBytes);
      if (isWhole && this.zeros.size < MAX_ZERO_BLOCKS && isZero(block)) this.zeros.add(at);
      else this.keep(at, block.slice());
    }
  }

  private keep(index: number, block: Uint8Array): void {
    this.blocks.delete(index);
    this.blocks.set(index, block);
    const most = Math.max(1, Math.floor(this.limits.budgetBytes / this.limits.blockBytes));
    for (const oldest of this.blocks.keys()) {
      if (this.blocks.size <= most) break;
      this.blocks.delete(oldest);
    }
  }
}

/** Copies what a block and a stretch have in common. @param start the block's, @param offset the stretch's place in the file */
function copyBlock(block: Uint8Array, start: number, offset: number, into: Uint8Array): void {
  const from = Math.max(start, offset);
  const to = Math.min(start + block.length, offset + into.length);
  if (from < to) into.set(block.subarray(from - start, to - start), from - offset);
}
