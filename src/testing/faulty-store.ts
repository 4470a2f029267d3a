/**
 * A store over a store that fails when it is told to: the nth call of a kind, or every write beyond a quota. A write that
 * fails leaves the base as it was, or with the first bytes of it (`tornBytes`), as a real one may.
 */
import type { StoreProblem } from "../base/fault.ts";
import { storeFault } from "../bytes/byte-store.ts";
import type { ByteStore } from "../bytes/byte-store.ts";

export interface PlannedFailure {
  readonly operation: "read" | "write" | "truncate" | "flush";
  /** Which call of that operation fails first, counted from 1 at the store's making. */
  readonly nth: number;
  /** How many calls fail in a row; 1 if not told. */
  readonly times?: number;
  /** "io" if not told. */
  readonly code?: StoreProblem["code"];
  /** Bytes of a failing write that reach the base nevertheless; 0 if not told. */
  readonly tornBytes?: number;
}

export class FaultyStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  /** Absent where the base does not tell. */
  readonly allocated?: () => number;
  /** Longest length in bytes; a write or truncate beyond it is a Fault "no-space". May be changed at any time. */
  quotaBytes = Number.POSITIVE_INFINITY;
  private readonly base: ByteStore;
  private readonly plan: readonly PlannedFailure[];
  private readonly calls = { read: 0, write: 0, truncate: 0, flush: 0 };

  constructor(base: ByteStore, plan: readonly PlannedFailure[] = []) {
    this.base = base;
    this.plan = plan;
    this.name = base.name;
    this.readOnly = base.readOnly;
    if (base.allocated !== undefined) this.allocated = () => base.allocated!();
  }

  size(): number {
    return this.base.size();
  }

  read(offset: number, into: Uint8Array): number {
    this.next("read", offset, into.length, () => {});
    return this.base.read(offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    this.next("write", offset, from.length, (tornBytes) => this.base.write(offset, from.subarray(0, tornBytes)));
    this.requireRoom("write", offset, from.length);
    this.base.write(offset, from);
  }

  truncate(size: number): void {
    this.next("truncate", size, 0, () => {});
    this.requireRoom("truncate", size, 0);
    this.base.truncate(size);
  }

  flush(): void {
    this.next("flush", 0, 0, () => {});
    this.base.flush();
  }

  close(): void {
    this.base.close();
  }

  private next(operation: PlannedFailure["operation"], offset: number, lengthBytes: number, tear: (tornBytes: number) => void): void {
    const call = ++this.calls[operation];
    const failure = this.plan.find((planned) => planned.operation === operation && call >= planned.nth && call < planned.nth + (planned.times ?? 1));
    if (failure === undefined) return;
    if (failure.tornBytes !== undefined && failure.tornBytes > 0) tear(failure.tornBytes);
    throw storeFault(this.name, failure.code ?? "io", operation, offset, lengthBytes, `planned: ${operation} ${call}`);
  }

  private requireRoom(operation: "write" | "truncate", offset: number, lengthBytes: number): void {
    const end = offset + lengthBytes;
    // Bytes that exist already cost nothing, whatever the quota is now.
    if (end > this.quotaBytes && end > this.base.size()) {
      throw storeFault(this.name, "no-space", operation, offset, lengthBytes, `planned: a quota of ${this.quotaBytes} bytes`);
    }
  }
}
