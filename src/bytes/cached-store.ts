/**
 * A store over one whose bytes do not change meanwhile and cost much to ask for: a file of the person's machine, a remote one. Blocks
 * that were read are kept up to a fixed budget, the ones used last the longest; neighbours that are missing are read with one call, and
 * what is longer than a few blocks is not kept, so that a walk through the whole file does not drive out the tables. Read-only.
 */
import type { StoreProblem } from "../base/fault.ts";
import type { ByteStore } from "./byte-store.ts";
import { assertRange, requireOpen, requireWritable } from "./guard.ts";

export interface CacheLimits {
  readonly blockBytes: number;
  readonly budgetBytes: number;
  /** Longer reads go past the cache. */
  readonly longestBytes: number;
}

export const DEFAULT_LIMITS: CacheLimits = { blockBytes: 32 * 1024, budgetBytes: 16 * 2 ** 20, longestBytes: 512 * 1024 };

export class CachedStore implements ByteStore {
  readonly name: string;
  readonly readOnly = true;
  /** Absent where the base does not tell. */
  readonly allocated?: () => number;
  private readonly base: ByteStore;
  private readonly limits: CacheLimits;
  private readonly length: number;
  /** By index, the one used last behind the others. The last block of the file is as long as the file has bytes there. */
  private readonly blocks = new Map<number, Uint8Array>();
  private closed = false;

  constructor(base: ByteStore, limits: CacheLimits = DEFAULT_LIMITS) {
    this.base = base;
    this.name = base.name;
    if (base.allocated !== undefined) this.allocated = () => base.allocated!();
    this.limits = limits;
    this.length = base.size();
  }

  size(): number {
    this.require("size", 0, 0);
    return this.length;
  }

  read(offset: number, into: Uint8Array): number {
    this.require("read", offset, into.length);
    const count = Math.max(0, Math.min(into.length, this.length - offset));
    if (count === 0) return 0;
    const { blockBytes, longestBytes } = this.limits;
    const first = Math.floor(offset / blockBytes);
    const last = Math.floor((offset + count - 1) / blockBytes);
    if (count > longestBytes) return this.base.read(offset, into.subarray(0, count));
    // From here on in blocks: each is copied before another may be dropped for it.
    for (let index = first; index <= last; ) {
      const block = this.blocks.get(index);
      const behind = block === undefined ? this.missingBehind(index, last) : index + 1;
      if (block === undefined) this.fetch(index, behind, offset, into.subarray(0, count));
      else {
        this.keep(index, block);
        copyBlock(block, index * blockBytes, offset, into.subarray(0, count));
      }
      index = behind;
    }
    return count;
  }

  write(offset: number, from: Uint8Array): void {
    this.require("write", offset, from.length);
    requireWritable(this.readOnly, this.name, "write", offset, from.length);
  }

  truncate(size: number): void {
    this.require("truncate", size, 0);
    requireWritable(this.readOnly, this.name, "truncate", size, 0);
  }

  flush(): void {
    this.require("flush", 0, 0);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.blocks.clear();
    this.base.close();
  }

  /** The first block from `index` on, at most one behind `last`, that is there. */
  private missingBehind(index: number, last: number): number {
    let behind = index + 1;
    while (behind <= last && !this.blocks.has(behind)) behind++;
    return behind;
  }

  private fetch(index: number, behind: number, offset: number, into: Uint8Array): void {
    const { blockBytes } = this.limits;
    const start = index * blockBytes;
    const bytes = new Uint8Array(Math.min(behind * blockBytes, this.length) - start);
    const there = bytes.subarray(0, this.base.read(start, bytes));
    copyBlock(there, start, offset, into);
    for (let at = index; at < behind; at++) this.keep(at, there.slice((at - index) * blockBytes, (at - index + 1) * blockBytes));
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

  private require(operation: StoreProblem["operation"], offset: number, lengthBytes: number): void {
    assertRange(offset, lengthBytes);
    requireOpen(this.closed, this.name, operation, offset, lengthBytes);
  }
}

/** Copies what a block and a stretch have in common. @param start the block's, @param offset the stretch's place in the file */
function copyBlock(block: Uint8Array, start: number, offset: number, into: Uint8Array): void {
  const from = Math.max(start, offset);
  const to = Math.min(start + block.length, offset + into.length);
  if (from < to) into.set(block.subarray(from - start, to - start), from - offset);
}
