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

/** What contents in memory may lie over: bytes that are only read and stay as they are. */
export interface BytesBelow {
  size(): number;
  read(offset: number, into: Uint8Array): number;
}

/** One growing array of bytes, sparse by pages of 64 KiB; a missing page is what lies below, and zeros where nothing does. */
export class MemoryContents {
  private pages = new Map<number, Uint8Array>();
  /** Pages that are shared with a copy: whoever writes to one first takes a page of its own. */
  private shared = new Set<number>();
  private length = 0;
  private readonly below: BytesBelow | null;
  /** Bytes of what lies below that still show: what was cut off does not come back. */
  private belowLength: number;
  private readonly mostBytes: number;

  /** @param mostBytes memory that pages may take; a write that needs more throws a RangeError, as one without memory does */
  constructor(below: BytesBelow | null = null, mostBytes = Infinity) {
    this.below = below;
    this.length = this.belowLength = below?.size() ?? 0;
    this.mostBytes = mostBytes;
  }

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

  /** What a write there would hold beyond what is held already. */
  missingBytes(offset: number, lengthBytes: number): number {
    let missing = 0;
    for (let index = Math.floor(offset / PAGE_SIZE); index * PAGE_SIZE < offset + lengthBytes; index++) if (!this.pages.has(index)) missing += PAGE_SIZE;
    return missing;
  }

  /** Contents of their own; pages are shared until one of the two writes to them. */
  copy(): MemoryContents {
    const contents = new MemoryContents(this.below, this.mostBytes);
    contents.length = this.length;
    contents.belowLength = this.belowLength;
    contents.pages = new Map(this.pages);
    contents.shared = new Set(this.pages.keys());
    this.shared = new Set(this.pages.keys());
    return contents;
  }

  /** Fills `into` from byte `offset`; returns the count, short only at the end. */
  read(offset: number, into: Uint8Array): number {
    const count = Math.max(0, Math.min(into.length, this.length - offset));
    for (let done = 0; done < count; ) {
      const { index, start, length } = this.step(offset + done, count - done);
      const page = this.pages.get(index);
      if (page === undefined) this.readBelow(offset + done, into.subarray(done, done + length));
      else into.set(page.subarray(start, start + length), done);
      done += length;
    }
    return count;
  }

  write(offset: number, from: Uint8Array): void {
    for (let done = 0; done < from.length; ) {
      const { index, start, length } = this.step(offset + done, from.length - done);
      this.ownPage(index).set(from.subarray(done, done + length), start);
      done += length;
      this.length = Math.max(this.length, offset + done);
    }
  }

  /** Bytes beyond the new end are gone: growing again reads zeros. */
  truncate(size: number): void {
    if (size < this.length) {
      const keptPages = Math.ceil(size / PAGE_SIZE);
      for (const index of this.pages.keys()) if (index >= keptPages) this.pages.delete(index);
      if (size % PAGE_SIZE !== 0 && this.pages.has(keptPages - 1)) this.ownPage(keptPages - 1).fill(0, size % PAGE_SIZE);
      this.belowLength = Math.min(this.belowLength, size);
    }
    this.length = size;
  }

  private readBelow(offset: number, into: Uint8Array): void {
    const there = Math.max(0, Math.min(into.length, this.belowLength - offset));
    const count = there === 0 ? 0 : this.below!.read(offset, into.subarray(0, there));
    into.fill(0, count);
  }

  /** The page, to be written to. */
  private ownPage(index: number): Uint8Array {
    const page = this.pages.get(index);
    if (page !== undefined && !this.shared.has(index)) return page;
    if (page === undefined && this.heldBytes + PAGE_SIZE > this.mostBytes) throw new RangeError(`more than ${this.mostBytes} bytes in memory`);
    const own = page?.slice() ?? new Uint8Array(PAGE_SIZE);
    if (page === undefined && this.belowLength > 0) this.readBelow(index * PAGE_SIZE, own);
    this.pages.set(index, own);
    this.shared.delete(index);
    return own;
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
  private readonly room: () => number;
  private closed = false;

  /** `onClose` is called once, at the first close; `room` tells how many bytes more may be held. */
  constructor(name: string, contents: MemoryContents = new MemoryContents(), readOnly = false, onClose: () => void = () => {}, room: () => number = () => Infinity) {
    this.name = name;
    this.contents = contents;
    this.readOnly = readOnly;
    this.onClose = onClose;
    this.room = room;
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
    const room = this.room();
    if (room !== Infinity && this.contents.missingBytes(offset, from.length) > room) throw storeFault(this.name, "no-space", "write", offset, from.length, "the library in memory is full");
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
