/**
 * A store of a fixed length that reads as zeros and keeps nothing of what is written: QEMU's null-co. For measuring what lies above it.
 */
import type { StoreProblem } from "../base/fault.ts";
import { storeFault } from "./byte-store.ts";
import type { ByteStore } from "./byte-store.ts";
import { assertRange, requireOpen, requireWritable } from "./guard.ts";

export class NullStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  private readonly length: number;
  private closed = false;

  /** @param lengthBytes of the store, for good */
  constructor(name: string, lengthBytes: number, readOnly: boolean) {
    this.name = name;
    this.length = lengthBytes;
    this.readOnly = readOnly;
  }

  size(): number {
    this.require("size", 0, 0);
    return this.length;
  }

  read(offset: number, into: Uint8Array): number {
    this.require("read", offset, into.length);
    const count = Math.max(0, Math.min(into.length, this.length - offset));
    into.fill(0, 0, count);
    return count;
  }

  /** @throws Fault "no-space" behind the end: this store does not grow */
  write(offset: number, from: Uint8Array): void {
    this.require("write", offset, from.length);
    requireWritable(this.readOnly, this.name, "write", offset, from.length);
    if (offset + from.length > this.length) throw storeFault(this.name, "no-space", "write", offset, from.length, "the store has one length");
  }

  /** @throws Fault for any length but its own */
  truncate(size: number): void {
    this.require("truncate", size, 0);
    if (size !== this.length) throw storeFault(this.name, "io", "truncate", size, 0, "the store has one length");
  }

  allocated(): number {
    return 0;
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
