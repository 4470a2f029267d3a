/**
 * An image's disk as the file under another image, as QEMU's nodes stand on each other. It has the disk's length and does not grow. A
 * flush of the one above is a flush of this one, so that what the one above has made durable is durable in the file below both; what
 * was written and not flushed is in the caches of this one alone, and reaches its file when it is closed.
 */
import type { StoreProblem } from "../base/fault.ts";
import { storeFault } from "../bytes/byte-store.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { requireOpen, requireWritable } from "../bytes/guard.ts";
import type { Disk } from "./disk.ts";
import type { OpenedFiles } from "./open-device.ts";

export class DiskStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  /** All files that the disk stands on, the image's own first. */
  readonly files: readonly string[];
  /** What those take of their disks, in bytes: no less than what this one has. Absent where one of them does not tell. */
  readonly allocated?: () => number;
  private readonly disk: Disk;
  private readonly closeBelow: () => void;
  private closed = false;
  private changed = false;

  /** @param files the image's own first @param opened what they were opened as @param closeBelow lets go of them */
  constructor(files: readonly [string, ...string[]], opened: OpenedFiles, disk: Disk, closeBelow: () => void) {
    this.name = files[0];
    this.files = files;
    this.disk = disk;
    this.readOnly = disk.readOnly;
    this.closeBelow = closeBelow;
    if (!Number.isNaN(allocatedOf(opened))) this.allocated = () => allocatedOf(opened);
  }

  size(): number {
    this.require("size", 0, 0);
    return this.disk.virtualSize;
  }

  read(offset: number, into: Uint8Array): number {
    this.require("read", offset, into.length);
    const count = Math.max(0, Math.min(into.length, this.disk.virtualSize - offset));
    if (count > 0) this.disk.read(offset, into.subarray(0, count));
    return count;
  }

  /** @throws Fault "no-space" behind the disk's end */
  write(offset: number, from: Uint8Array): void {
    this.require("write", offset, from.length);
    requireWritable(this.readOnly, this.name, "write", offset, from.length);
    if (offset + from.length > this.disk.virtualSize) throw storeFault(this.name, "no-space", "write", offset, from.length, "the disk of the image below ends before");
    this.changed = true;
    this.disk.write(offset, from);
  }

  /** @throws Fault for any length but the disk's */
  truncate(size: number): void {
    this.require("truncate", size, 0);
    if (size !== this.disk.virtualSize) throw storeFault(this.name, "io", "truncate", size, 0, "the disk of the image below keeps its size");
  }

  flush(): void {
    this.require("flush", 0, 0);
    if (this.changed) this.disk.flush();
    this.changed = false;
  }

  /** Also where the one above is never flushed, which may be its user's wish: its file is written when it is closed, and so is this disk. */
  close(): void {
    if (this.closed) return;
    try {
      this.flush();
      this.disk.settle?.();
    } finally {
      this.closed = true;
      this.closeBelow();
    }
  }

  private require(operation: StoreProblem["operation"], offset: number, lengthBytes: number): void {
    requireOpen(this.closed, this.name, operation, offset, lengthBytes);
  }
}

/** What all files of a chain take of their disks; NaN where one does not tell. */
const allocatedOf = ({ store, data, backing }: OpenedFiles): number =>
  [store, data?.store].reduce((sum, each) => sum + (each === undefined ? 0 : (each.allocated?.() ?? NaN)), backing === null ? 0 : allocatedOf(backing));
