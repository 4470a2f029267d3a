/**
 * A file of the browser's origin-private file system, through its synchronous access handle (a dedicated worker's privilege).
 *
 * Every returned count is checked: a write that makes no progress is a full disk, not a success. Knows nothing of names' rules
 * or of who else wants the file (opfs-files.ts). Source: WHATWG File System, FileSystemSyncAccessHandle.
 */
import type { StoreProblem } from "../base/fault.ts";
import { storeFault } from "./byte-store.ts";
import type { ByteStore } from "./byte-store.ts";
import { asFault, assertRange, errorName, platformFault, requireOpen, requireWritable } from "./guard.ts";

type Operation = StoreProblem["operation"];

/** The part of FileSystemSyncAccessHandle that is used; offsets and counts in bytes. */
export interface SyncHandle {
  read(into: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  write(from: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

/** What an exception of an access handle means. */
function codeOf(thrown: unknown): StoreProblem["code"] {
  switch (errorName(thrown)) {
    case "QuotaExceededError":
      return "no-space";
    case "InvalidStateError":
      return "closed";
    case "NoModificationAllowedError":
      return "read-only";
    default:
      return "io";
  }
}

/** What is left of the bytes. The first call gets the caller's own view: a browser keeps what it made of one, and makes it anew of each new one. */
function restOf(bytes: Uint8Array, done: number): Uint8Array<ArrayBuffer> {
  return (done === 0 ? bytes : bytes.subarray(done)) as Uint8Array<ArrayBuffer>;
}

export class OpfsStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  private readonly handle: SyncHandle;
  private readonly onClose: () => void;
  private closed = false;
  /** Length in bytes, kept because asking costs a system call and nobody else can change it; null when not known. */
  private length: number | null = null;

  /** `onClose` is called once, after the handle was let go. */
  constructor(name: string, handle: SyncHandle, readOnly: boolean, onClose: () => void = () => {}) {
    this.name = name;
    this.handle = handle;
    this.readOnly = readOnly;
    this.onClose = onClose;
  }

  size(): number {
    this.require("size", 0, 0);
    return (this.length ??= this.ask("size", 0, 0, () => this.handle.getSize()));
  }

  read(offset: number, into: Uint8Array): number {
    this.require("read", offset, into.length);
    const asked = into.length;
    let done = 0;
    while (done < asked) {
      const count = this.readOnce(offset + done, restOf(into, done));
      if (count <= 0) break;
      done += count;
    }
    return done;
  }

  /** One call of the platform, without a closure: a small read costs little more than such a call. */
  private readOnce(at: number, into: Uint8Array<ArrayBuffer>): number {
    try {
      return this.handle.read(into, { at });
    } catch (thrown) {
      throw platformFault(this.name, codeOf, "read", at, into.length, thrown);
    }
  }

  write(offset: number, from: Uint8Array): void {
    this.require("write", offset, from.length);
    requireWritable(this.readOnly, this.name, "write", offset, from.length);
    const before = this.size();
    this.length = null;
    for (let done = 0; done < from.length; ) {
      const rest = restOf(from, done);
      const count = this.ask("write", offset, from.length, () => this.handle.write(rest, { at: offset + done }));
      if (count <= 0) throw storeFault(this.name, "no-space", "write", offset, from.length, `the platform wrote ${done} bytes of it`);
      done += count;
    }
    this.length = from.length === 0 ? before : Math.max(before, offset + from.length);
  }

  truncate(size: number): void {
    this.require("truncate", size, 0);
    requireWritable(this.readOnly, this.name, "truncate", size, 0);
    this.length = null;
    this.ask("truncate", size, 0, () => this.handle.truncate(size));
    this.length = size;
  }

  flush(): void {
    this.require("flush", 0, 0);
    if (!this.readOnly) this.ask("flush", 0, 0, () => this.handle.flush());
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    try {
      this.handle.close();
    } finally {
      this.onClose();
    }
  }

  private ask<Value>(operation: Operation, offset: number, lengthBytes: number, call: () => Value): Value {
    return asFault(this.name, codeOf, operation, offset, lengthBytes, call);
  }

  private require(operation: Operation, offset: number, lengthBytes: number): void {
    assertRange(offset, lengthBytes);
    requireOpen(this.closed, this.name, operation, offset, lengthBytes);
  }
}
