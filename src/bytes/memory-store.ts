/**
 * Bytes in memory: pages on demand, so that a sparse length of 100 GB costs nothing. Forgotten with the process.
 *
 * The contents and the open handle are two things: a file space keeps the contents and hands out handles, one after another.
 * Knows nothing of names, of sharing or of limits other than the platform's own.
 */
import { assert } from "../base/assert.ts";
import type { StoreProblem } from "../base/fault.ts";
import { storeFault } from "./byte-store.ts";
import type { ByteStore } from "./byte-store.ts";
import { assertRange, errorDetail, requireOpen, requireWritable } from "./guard.ts";

const PAGE_SIZE = 64 * 1024;

/** One growing array of bytes, sparse by pages of 64 KiB; a missing page is zeros. */
export class MemoryContents {
  private pages = new Map<number, Uint8Array>();
  private length = 0;

  /** Contents that begin as a copy of `from`. */
  static of(from: Uint8Array): MemoryContents {
    const contents = new MemoryContents();
    contents.write(0, from);
    return contents;
  }

  get size(): number {
    return this.length;
  }

  /** Memory held in bytes, holes not counted. */
  get heldBytes(): number {
    return this.pages.size * PAGE_SIZE;
  }

  copy(): MemoryContents {
    const contents = new MemoryContents();
    contents.length = this.length;
    for (const [index, page] of this.pages) contents.pages.set(index, page.slice());
    return contents;
  }

  /** Fills `into` from byte `offset`; returns the count, short only at the end. */
  read(offset: number, into: Uint8Array): number {
    const count = Math.max(0, Math.min(into.length, this.length - offset));
    for (let done = 0; done < count; ) {
      const { index, start, length } = this.step(offset + done, count - done);
      const page = this.pages.get(index);
      if (page === undefined) into.fill(0, done, done + length);
      else into.set(page.subarray(start, start + length), done);
      done += length;
    }
    return count;
  }

  write(offset: number, from: Uint8Array): void {
    for (let done = 0; done < from.length; ) {
      const { index, start, length } = this.step(offset + done, from.length - done);
      let page = this.pages.get(index);
      if (page === undefined) {
        page = new Uint8Array(PAGE_SIZE);
        this.pages.set(index, page);
      }
      page.set(from.subarray(done, done + length), start);
      done += length;
      this.length = Math.max(this.length, offset + done);
    }
  }

  /** Bytes beyond the new end are gone: growing again reads zeros. */
  truncate(size: number): void {
    if (size < this.length) {
      const keptPages = Math.ceil(size / PAGE_SIZE);
      for (const index of this.pages.keys()) if (index >= keptPages) this.pages.delete(index);
      if (size % PAGE_SIZE !== 0) this.pages.get(keptPages - 1)?.fill(0, size % PAGE_SIZE);
    }
    this.length = size;
  }

  /** The part of one page that a transfer of `left` bytes at `offset` reaches. */
  private step(offset: number, left: number): { index: number; start: number; length: number } {
    const index = Math.floor(offset / PAGE_SIZE);
    const start = offset - index * PAGE_SIZE;
    const length = Math.min(left, PAGE_SIZE - start);
    assert(length > 0, "a step of a transfer moves at least one byte");
    return { index, start, length };
  }
}

export class MemoryStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  readonly contents: MemoryContents;
  private readonly onClose: () => void;
  private closed = false;

  /** `onClose` is called once, at the first close. */
  constructor(name: string, contents: MemoryContents = new MemoryContents(), readOnly = false, onClose: () => void = () => {}) {
    this.name = name;
    this.contents = contents;
    this.readOnly = readOnly;
    this.onClose = onClose;
  }

  size(): number {
    this.require("size", 0, 0);
    return this.contents.size;
  }

  read(offset: number, into: Uint8Array): number {
    this.require("read", offset, into.length);
    return this.contents.read(offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    this.require("write", offset, from.length);
    requireWritable(this.readOnly, this.name, "write", offset, from.length);
    try {
      this.contents.write(offset, from);
    } catch (thrown) {
      // The one thing that fails here is the platform's memory (a RangeError of the allocation or of the page table).
      if (thrown instanceof RangeError) throw storeFault(this.name, "no-space", "write", offset, from.length, errorDetail(thrown));
      throw thrown;
    }
  }

  truncate(size: number): void {
    this.require("truncate", size, 0);
    requireWritable(this.readOnly, this.name, "truncate", size, 0);
    this.contents.truncate(size);
  }

  flush(): void {
    this.require("flush", 0, 0);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.onClose();
  }

  private require(operation: StoreProblem["operation"], offset: number, lengthBytes: number): void {
    assertRange(offset, lengthBytes);
    requireOpen(this.closed, this.name, operation, offset, lengthBytes);
  }
}
