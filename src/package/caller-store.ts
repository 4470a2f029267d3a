/**
 * A byte store that somebody else wrote, held to the rules of ours: what it throws becomes a Fault, and what it answers is checked,
 * for an engine that takes a short read for a whole one would show bytes that are not there. It stays its owner's: close lets go of
 * it and does not close it.
 */
import { Fault } from "../base/fault.ts";
import type { StoreProblem } from "../base/fault.ts";
import { storeFault } from "../bytes/byte-store.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { assertRange, errorDetail, errorName, requireOpen, requireWritable } from "../bytes/guard.ts";

type Operation = StoreProblem["operation"];

export class CallerStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  /** Absent where the caller's does not tell. */
  readonly allocated?: () => number;
  private readonly store: ByteStore;
  private closed = false;

  constructor(name: string, store: ByteStore, readOnly: boolean) {
    this.name = name;
    this.store = store;
    this.readOnly = readOnly || store.readOnly;
    if (store.allocated !== undefined) this.allocated = () => this.count(() => store.allocated!());
  }

  size(): number {
    return this.count(() => this.store.size());
  }

  read(offset: number, into: Uint8Array): number {
    assertRange(offset, into.length);
    const there = Math.min(into.length, Math.max(0, this.size() - offset));
    const count = this.ask("read", offset, into.length, () => this.store.read(offset, into));
    if (count !== there) throw storeFault(this.name, "short-read", "read", offset, into.length, `it read ${String(count)} bytes of the ${there} that it has there`);
    return count;
  }

  write(offset: number, from: Uint8Array): void {
    assertRange(offset, from.length);
    requireWritable(this.readOnly, this.name, "write", offset, from.length);
    this.ask("write", offset, from.length, () => this.store.write(offset, from));
  }

  truncate(size: number): void {
    assertRange(0, size);
    requireWritable(this.readOnly, this.name, "truncate", size, 0);
    this.ask("truncate", size, 0, () => this.store.truncate(size));
  }

  flush(): void {
    this.ask("flush", 0, 0, () => this.store.flush());
  }

  close(): void {
    this.closed = true;
  }

  private count(call: () => number): number {
    const count = this.ask("size", 0, 0, call);
    if (!Number.isSafeInteger(count) || count < 0) throw storeFault(this.name, "io", "size", 0, 0, `it says ${String(count)}, which is no length`);
    return count;
  }

  private ask<Value>(operation: Operation, offset: number, lengthBytes: number, call: () => Value): Value {
    requireOpen(this.closed, this.name, operation, offset, lengthBytes);
    try {
      return call();
    } catch (thrown) {
      if (thrown instanceof Fault) throw thrown;
      throw storeFault(this.name, isFull(thrown) ? "no-space" : "io", operation, offset, lengthBytes, errorDetail(thrown));
    }
  }
}

/** What a browser and Node throw where there is no room left. */
const isFull = (thrown: unknown): boolean => errorName(thrown) === "QuotaExceededError" || (thrown as { code?: unknown } | null)?.code === "ENOSPC";
