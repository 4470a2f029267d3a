/**
 * What the stores have in common that are only read (a Blob, a file at a URL, the cache over one): whether they are open, and the
 * refusal of everything that would change bytes. A home adds its length and its reading.
 */
import type { StoreProblem } from "../base/fault.ts";
import type { ByteStore } from "./byte-store.ts";
import { assertRange, requireOpen, requireWritable } from "./guard.ts";

export abstract class ReadOnlyStore implements ByteStore {
  readonly name: string;
  readonly readOnly = true;
  protected closed = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Length in bytes of a store that is open. */
  protected abstract length(): number;
  /** Reads into all of `into`, which is not empty and lies within the length; returns the count read. */
  protected abstract readWithin(offset: number, into: Uint8Array): number;

  size(): number {
    this.require("size", 0, 0);
    return this.length();
  }

  read(offset: number, into: Uint8Array): number {
    this.require("read", offset, into.length);
    const count = Math.max(0, Math.min(into.length, this.length() - offset));
    return count === 0 ? 0 : this.readWithin(offset, into.subarray(0, count));
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
    this.closed = true;
  }

  private require(operation: StoreProblem["operation"], offset: number, lengthBytes: number): void {
    assertRange(offset, lengthBytes);
    requireOpen(this.closed, this.name, operation, offset, lengthBytes);
  }
}
