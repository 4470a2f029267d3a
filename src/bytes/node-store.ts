/**
 * A file of a computer, through Node's synchronous, positioned calls. Knows nothing of names (node-files.ts); takes a file
 * descriptor and owns it from then on.
 */
import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, readSync, writeSync } from "node:fs";
import type { StoreProblem } from "../base/fault.ts";
import { storeFault } from "./byte-store.ts";
import type { ByteStore } from "./byte-store.ts";
import { asFault, assertRange, requireOpen, requireWritable } from "./guard.ts";
import { holesIn, scanFile } from "./holes.ts";
import type { FileRange, ScannedFile } from "./holes.ts";

/** The unit of st_blocks, whatever the file system uses. */
const STAT_BLOCK_BYTES = 512;

type Operation = StoreProblem["operation"];

/** The platform's error code ("ENOSPC"), or "" where there is none. */
export function systemCode(thrown: unknown): string {
  return typeof thrown === "object" && thrown !== null && "code" in thrown ? String(thrown.code) : "";
}

function codeOf(thrown: unknown): StoreProblem["code"] {
  switch (systemCode(thrown)) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return "no-space";
    case "EROFS":
      return "read-only";
    case "EBADF":
      return "closed";
    default:
      return "io";
  }
}

export class NodeStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  private readonly descriptor: number;
  private closed = false;
  /** Of the file as it is; undefined before it is asked for. */
  private scanned: ScannedFile | null | undefined = undefined;

  /** `name` is the path as it was given; `descriptor` an open file, which close() closes. */
  constructor(name: string, descriptor: number, readOnly: boolean) {
    this.name = name;
    this.descriptor = descriptor;
    this.readOnly = readOnly;
  }

  size(): number {
    this.require("size", 0, 0);
    return this.ask("size", 0, 0, () => fstatSync(this.descriptor).size);
  }

  read(offset: number, into: Uint8Array): number {
    this.require("read", offset, into.length);
    let done = 0;
    while (done < into.length) {
      const count = this.ask("read", offset, into.length, () => readSync(this.descriptor, into, done, into.length - done, offset + done));
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  write(offset: number, from: Uint8Array): void {
    this.require("write", offset, from.length);
    this.scanned = undefined;
    requireWritable(this.readOnly, this.name, "write", offset, from.length);
    for (let done = 0; done < from.length; ) {
      const count = this.ask("write", offset, from.length, () => writeSync(this.descriptor, from, done, from.length - done, offset + done));
      if (count === 0) throw storeFault(this.name, "short-write", "write", offset, from.length, `the platform wrote ${done} bytes of it`);
      done += count;
    }
  }

  allocated(): number {
    this.require("size", 0, 0);
    return this.ask("size", 0, 0, () => fstatSync(this.descriptor).blocks * STAT_BLOCK_BYTES);
  }

  /** Found by reading the file once; again after a change of it that was made here. */
  holes(writers: readonly (readonly FileRange[])[]): readonly FileRange[] | null {
    if (this.scanned === undefined) this.scanned = scanFile(this, this.allocated());
    return this.scanned && holesIn(this.scanned, writers);
  }

  truncate(size: number): void {
    this.require("truncate", size, 0);
    this.scanned = undefined;
    requireWritable(this.readOnly, this.name, "truncate", size, 0);
    this.ask("truncate", size, 0, () => ftruncateSync(this.descriptor, size));
  }

  flush(): void {
    this.require("flush", 0, 0);
    // fdatasync writes the length too where the data needs it; only times are left behind.
    if (!this.readOnly) this.ask("flush", 0, 0, () => fdatasyncSync(this.descriptor));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.descriptor);
  }

  private ask<Value>(operation: Operation, offset: number, lengthBytes: number, call: () => Value): Value {
    return asFault(this.name, codeOf, operation, offset, lengthBytes, call);
  }

  private require(operation: Operation, offset: number, lengthBytes: number): void {
    assertRange(offset, lengthBytes);
    requireOpen(this.closed, this.name, operation, offset, lengthBytes);
  }
}
