/**
 * Bytes in memory for devices that are written with patterns: a page that holds one byte over and over is kept as that byte, so
 * that a scratch disk of gigabytes costs next to nothing. Forgotten when it is closed.
 */
import type { StoreProblem } from "../base/fault.ts";
import type { ByteStore } from "./byte-store.ts";
import { assertRange, requireOpen } from "./guard.ts";

const PAGE_SIZE = 64 * 1024;

/** A page's bytes, or the byte that fills it; a page that is missing is zeros. */
type Page = Uint8Array | number;

export class UniformStore implements ByteStore {
  readonly name: string;
  readonly readOnly = false;
  private readonly pages = new Map<number, Page>();
  private length = 0;
  private closed = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Memory held in bytes for pages that are not uniform. */
  get heldBytes(): number {
    let held = 0;
    for (const page of this.pages.values()) if (typeof page !== "number") held += PAGE_SIZE;
    return held;
  }

  size(): number {
    this.require("size", 0, 0);
    return this.length;
  }

  read(offset: number, into: Uint8Array): number {
    this.require("read", offset, into.length);
    const count = Math.max(0, Math.min(into.length, this.length - offset));
    for (let done = 0; done < count; ) {
      const start = (offset + done) % PAGE_SIZE;
      const length = Math.min(count - done, PAGE_SIZE - start);
      const page = this.pages.get((offset + done - start) / PAGE_SIZE) ?? 0;
      if (typeof page === "number") into.fill(page, done, done + length);
      else into.set(page.subarray(start, start + length), done);
      done += length;
    }
    return count;
  }

  write(offset: number, from: Uint8Array): void {
    this.require("write", offset, from.length);
    for (let done = 0; done < from.length; ) {
      const start = (offset + done) % PAGE_SIZE;
      const length = Math.min(from.length - done, PAGE_SIZE - start);
      this.put((offset + done - start) / PAGE_SIZE, start, from.subarray(done, done + length));
      done += length;
      this.length = Math.max(this.length, offset + done);
    }
  }

  /** Bytes beyond the new end are gone: growing again reads zeros. */
  truncate(size: number): void {
    this.require("truncate", size, 0);
    if (size < this.length) {
      const kept = Math.ceil(size / PAGE_SIZE);
      for (const index of this.pages.keys()) if (index >= kept) this.pages.delete(index);
      const rest = size % PAGE_SIZE;
      if (rest !== 0) this.put(kept - 1, rest, new Uint8Array(PAGE_SIZE - rest));
    }
    this.length = size;
  }

  flush(): void {
    this.require("flush", 0, 0);
  }

  close(): void {
    this.closed = true;
    this.pages.clear();
  }

  /** Puts bytes into one page at `start`. */
  private put(index: number, start: number, from: Uint8Array): void {
    const page = this.pages.get(index) ?? 0;
    const uniform = uniformByte(from);
    if (uniform !== null && (from.length === PAGE_SIZE || uniform === page)) {
      this.pages.set(index, uniform);
      return;
    }
    const bytes = typeof page === "number" ? new Uint8Array(PAGE_SIZE).fill(page) : page;
    bytes.set(from, start);
    this.pages.set(index, bytes);
  }

  private require(operation: StoreProblem["operation"], offset: number, lengthBytes: number): void {
    assertRange(offset, lengthBytes);
    requireOpen(this.closed, this.name, operation, offset, lengthBytes);
  }
}

/** The byte that all of these are, or null; there is at least one. */
function uniformByte(bytes: Uint8Array): number | null {
  const first = bytes[0]!;
  for (let index = 1; index < bytes.length; index++) if (bytes[index] !== first) return null;
  return first;
}
