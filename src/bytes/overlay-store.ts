/**
 * A store over one that is only read: what is written stays in memory, in pages, and is what is read from then on. For trying out what a
 * change would do. What differs can be listed. The memory is bounded; a change that needs more is refused as a disk without room is.
 */
import type { StoreProblem } from "../base/fault.ts";
import { storeFault } from "./byte-store.ts";
import type { ByteStore } from "./byte-store.ts";
import { assertRange, requireOpen } from "./guard.ts";

const PAGE_BYTES = 4096;
const MOST_BYTES = 128 * 2 ** 20;
/** Differences are told in units of a table's word. */
const WORD_BYTES = 8;

/** A stretch that differs: how its first bytes are below, and would be. */
export interface Difference {
  readonly offset: number;
  readonly lengthBytes: number;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}
/** First bytes of a stretch that are told, a whole number of words. */
const SHOWN_BYTES = 16;

/** Whether two pages have the same word at a place. */
function isSameWord(before: Uint8Array, after: Uint8Array, start: number): boolean {
  for (let at = start; at < start + WORD_BYTES; at++) if (before[at] !== after[at]) return false;
  return true;
}

export class OverlayStore implements ByteStore {
  readonly name: string;
  readonly readOnly = false;
  /** Absent where the base does not tell. */
  readonly allocated?: () => number;
  readonly leastReadBytes?: number;
  private readonly base: ByteStore;
  private readonly pages = new Map<number, Uint8Array>();
  private length: number;
  /** Bytes of the base that still show: what was cut off does not come back. */
  private baseLength: number;
  private closed = false;

  /** The base stays open when this is closed. */
  constructor(base: ByteStore) {
    this.base = base;
    this.name = base.name;
    this.length = base.size();
    this.baseLength = this.length;
    if (base.leastReadBytes !== undefined) this.leastReadBytes = base.leastReadBytes;
    if (base.allocated !== undefined) this.allocated = () => base.allocated!() + this.pages.size * PAGE_BYTES;
  }

  size(): number {
    this.require("size", 0, 0);
    return this.length;
  }

  read(offset: number, into: Uint8Array): number {
    this.require("read", offset, into.length);
    const count = Math.max(0, Math.min(into.length, this.length - offset));
    this.readBase(offset, into.subarray(0, count));
    const last = Math.floor((offset + count - 1) / PAGE_BYTES);
    for (let index = Math.floor(offset / PAGE_BYTES); count > 0 && index <= last && this.pages.size > 0; index++) {
      const page = this.pages.get(index);
      if (page === undefined) continue;
      const from = Math.max(offset, index * PAGE_BYTES);
      const to = Math.min(offset + count, (index + 1) * PAGE_BYTES);
      into.set(page.subarray(from - index * PAGE_BYTES, to - index * PAGE_BYTES), from - offset);
    }
    return count;
  }

  write(offset: number, from: Uint8Array): void {
    this.require("write", offset, from.length);
    for (let done = 0; done < from.length; ) {
      const at = offset + done;
      const index = Math.floor(at / PAGE_BYTES);
      const start = at - index * PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - start, from.length - done);
      this.pageFor(index, offset, from.length).set(from.subarray(done, done + count), start);
      done += count;
    }
    if (from.length > 0) this.length = Math.max(this.length, offset + from.length);
  }

  truncate(size: number): void {
    this.require("truncate", size, 0);
    this.length = size;
    this.baseLength = Math.min(this.baseLength, size);
    for (const [index, page] of this.pages) {
      if (index * PAGE_BYTES >= size) this.pages.delete(index);
      else if ((index + 1) * PAGE_BYTES > size) page.fill(0, size - index * PAGE_BYTES);
    }
  }

  flush(): void {
    this.require("flush", 0, 0);
  }

  close(): void {
    this.closed = true;
  }

  /** What differs from the base, in order, neighbours together; behind the base's end from zeros. */
  *differences(): Generator<Difference, void, void> {
    let run: { offset: number; lengthBytes: number; before: number[]; after: number[] } | null = null;
    const end = (): Difference | null => run && { ...run, before: Uint8Array.from(run.before), after: Uint8Array.from(run.after) };
    const below = new Uint8Array(PAGE_BYTES);
    for (const index of [...this.pages.keys()].sort((a, b) => a - b)) {
      const page = this.pages.get(index)!;
      this.readBase(index * PAGE_BYTES, below);
      for (let word = 0; word < PAGE_BYTES; word += WORD_BYTES) {
        const at = index * PAGE_BYTES + word;
        if (isSameWord(below, page, word)) continue;
        if (run === null || run.offset + run.lengthBytes !== at) {
          const finished = end();
          if (finished !== null) yield finished;
          run = { offset: at, lengthBytes: 0, before: [], after: [] };
        }
        run.lengthBytes += WORD_BYTES;
        if (run.before.length === SHOWN_BYTES) continue;
        run.before.push(...below.subarray(word, word + WORD_BYTES));
        run.after.push(...page.subarray(word, word + WORD_BYTES));
      }
    }
    const finished = end();
    if (finished !== null) yield finished;
  }

  private readBase(offset: number, into: Uint8Array): void {
    const there = Math.max(0, Math.min(into.length, this.baseLength - offset));
    if (there > 0) this.base.read(offset, into.subarray(0, there));
    into.fill(0, there);
  }

  private pageFor(index: number, offset: number, lengthBytes: number): Uint8Array {
    let page = this.pages.get(index);
    if (page !== undefined) return page;
    if (this.pages.size * PAGE_BYTES >= MOST_BYTES) throw storeFault(this.name, "no-space", "write", offset, lengthBytes, `more than ${MOST_BYTES} bytes would change`);
    page = new Uint8Array(PAGE_BYTES);
    this.readBase(index * PAGE_BYTES, page);
    this.pages.set(index, page);
    return page;
  }

  private require(operation: StoreProblem["operation"], offset: number, lengthBytes: number): void {
    assertRange(offset, lengthBytes);
    requireOpen(this.closed, this.name, operation, offset, lengthBytes);
  }
}
