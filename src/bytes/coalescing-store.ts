/**
 * A store over a store that gathers writes which continue one another, so that a zone written 4 KiB at a time does not cost a
 * call of the platform each time. Several zones are appended to at once, so several extents are open at once.
 *
 * What always holds:
 * - open extents never overlap one another; each is contiguous and was acknowledged but not given to the base yet;
 * - a write that overlaps an open extent is put into that extent's own bytes or goes behind the extent's drain, so that of two
 *   writes to one byte the later always wins;
 * - a read sees every acknowledged byte;
 * - an extent leaves only after the base took it: a drain that fails keeps it, and the next drain tries again. Nothing that was
 *   acknowledged disappears silently;
 * - memory stays below EXTENT_COUNT x EXTENT_SIZE, 16 MiB.
 *
 * Between two flushes the order in which extents reach the base is not that of the writes: a caller that needs an order
 * flushes, as it must over a disk anyway.
 */
import type { StoreProblem } from "../base/fault.ts";
import type { ByteStore } from "./byte-store.ts";
import { assertRange, requireOpen, requireWritable } from "./guard.ts";

/** Extents open at once. */
const EXTENT_COUNT = 16;
/** Bytes gathered in one extent before it is drained. */
export const EXTENT_SIZE = 1024 * 1024;
/** Writes at least this long are not copied: they go to the base directly. */
export const PASS_THROUGH_SIZE = 256 * 1024;

interface Extent {
  readonly start: number;
  length: number;
  readonly buffer: Uint8Array;
}

export class CoalescingStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  /** Absent where the base does not tell. */
  readonly allocated?: () => number;
  private readonly base: ByteStore;
  /** Bytes written since the last flush: a platform may count what it still has in memory only later. */
  private unflushedBytes = 0;
  /** Open extents, the least recently written first. */
  private extents: Extent[] = [];
  private readonly spareBuffers: Uint8Array[] = [];
  private closed = false;

  /** Owns `base` from now on: close() closes it. */
  constructor(base: ByteStore) {
    this.base = base;
    this.name = base.name;
    this.readOnly = base.readOnly;
    if (base.allocated !== undefined) this.allocated = () => base.allocated!() + this.unflushedBytes;
  }

  /** Acknowledged bytes that the base does not have yet. */
  get pendingBytes(): number {
    return this.extents.reduce((sum, extent) => sum + extent.length, 0);
  }

  size(): number {
    this.require("size", 0, 0);
    let size = this.base.size();
    for (const extent of this.extents) size = Math.max(size, extent.start + extent.length);
    return size;
  }

  read(offset: number, into: Uint8Array): number {
    this.require("read", offset, into.length);
    const end = offset + into.length;
    const over = this.overlapping(offset, end);
    const only = over[0];
    if (only === undefined && this.extents.length === 0) return this.base.read(offset, into);
    if (only !== undefined && only.start <= offset && end <= only.start + only.length) {
      into.set(only.buffer.subarray(offset - only.start, end - only.start));
      return into.length;
    }
    const fromBase = this.base.read(offset, into);
    if (fromBase === into.length && only === undefined) return fromBase;
    const count = Math.max(fromBase, Math.min(into.length, this.size() - offset));
    // Between the base's end and pending bytes behind it there is a gap, and a gap reads as zeros.
    into.fill(0, fromBase, count);
    for (const extent of over) {
      const from = Math.max(offset, extent.start);
      const to = Math.min(end, extent.start + extent.length);
      into.set(extent.buffer.subarray(from - extent.start, to - extent.start), from - offset);
    }
    return count;
  }

  /** A Fault, of this write or of an older one that had to be drained first, means that nothing of `from` was acknowledged. */
  write(offset: number, from: Uint8Array): void {
    this.require("write", offset, from.length);
    requireWritable(this.readOnly, this.name, "write", offset, from.length);
    if (from.length === 0) return;
    this.unflushedBytes += from.length;
    if (from.length >= PASS_THROUGH_SIZE) {
      this.drainOverlapping(offset, offset + from.length, null);
      this.base.write(offset, from);
      return;
    }
    const end = offset + from.length;
    let home: Extent | null = null;
    let alone = true;
    for (const extent of this.extents) {
      if (home === null && fits(extent, offset, from.length)) home = extent;
      else if (extent.start < end && offset < extent.start + extent.length) alone = false;
    }
    if (!alone) this.drainOverlapping(offset, end, home);
    if (home === null) this.extents.push(this.begin(offset, from));
    else this.join(home, offset, from);
  }

  truncate(size: number): void {
    this.require("truncate", size, 0);
    requireWritable(this.readOnly, this.name, "truncate", size, 0);
    this.drain();
    this.base.truncate(size);
  }

  /** Gives everything acknowledged to the base, without making it durable. On a Fault what was not taken stays pending. */
  drain(): void {
    this.require("write", 0, 0);
    for (let extent = this.extents[0]; extent !== undefined; extent = this.extents[0]) this.drainOne(extent);
  }

  flush(): void {
    this.require("flush", 0, 0);
    this.drain();
    this.base.flush();
    this.unflushedBytes = 0;
  }

  /** Drains, then closes the base in any case; a Fault of that last drain is thrown, for its bytes are lost. */
  close(): void {
    if (this.closed) return;
    try {
      this.drain();
    } finally {
      this.closed = true;
      this.extents = [];
      this.spareBuffers.length = 0;
      this.base.close();
    }
  }

  private begin(offset: number, from: Uint8Array): Extent {
    // A full extent gathers nothing more: it leaves first, and its buffer serves again while it is in the processor's cache.
    const full = this.extents.find((extent) => extent.length === EXTENT_SIZE);
    const leaving = full ?? (this.extents.length < EXTENT_COUNT ? undefined : this.extents[0]);
    if (leaving !== undefined) this.drainOne(leaving);
    const buffer = this.spareBuffers.pop() ?? new Uint8Array(EXTENT_SIZE);
    buffer.set(from);
    return { start: offset, length: from.length, buffer };
  }

  /** Puts the bytes into an extent that they fit into, over or right behind what it has. */
  private join(extent: Extent, offset: number, from: Uint8Array): void {
    extent.buffer.set(from, offset - extent.start);
    extent.length = Math.max(extent.length, offset - extent.start + from.length);
    if (this.extents.at(-1) === extent) return;
    this.extents.splice(this.extents.indexOf(extent), 1);
    this.extents.push(extent);
  }

  private drainOverlapping(start: number, end: number, except: Extent | null): void {
    for (const extent of this.overlapping(start, end)) if (extent !== except) this.drainOne(extent);
  }

  private drainOne(extent: Extent): void {
    this.base.write(extent.start, extent.buffer.subarray(0, extent.length));
    this.extents.splice(this.extents.indexOf(extent), 1);
    this.spareBuffers.push(extent.buffer);
  }

  private overlapping(start: number, end: number): Extent[] {
    return this.extents.filter((extent) => extent.start < end && start < extent.start + extent.length);
  }

  private require(operation: StoreProblem["operation"], offset: number, lengthBytes: number): void {
    assertRange(offset, lengthBytes);
    requireOpen(this.closed, this.name, operation, offset, lengthBytes);
  }
}

/** Whether a write begins inside or right at the end of an extent and ends within its buffer. */
function fits(extent: Extent, offset: number, lengthBytes: number): boolean {
  return offset >= extent.start && offset <= extent.start + extent.length && offset + lengthBytes <= extent.start + EXTENT_SIZE;
}
