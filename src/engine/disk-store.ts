/**
 * An image's disk as the file under another image, as QEMU's nodes stand on each other. It has the disk's length and does not grow. A
 * flush of the one above is a flush of this one, so that what the one above has made durable is durable in the file below both.
 */
import { Fault } from "../base/fault.ts";
import type { StoreProblem } from "../base/fault.ts";
import { storeFault } from "../bytes/byte-store.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { requireOpen, requireWritable } from "../bytes/guard.ts";
import type { Disk } from "./disk.ts";

export class DiskStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  private readonly disk: Disk;
  private readonly closeBelow: () => void;
  private closed = false;

  /** @param closeBelow lets go of the files of the disk */
  constructor(name: string, disk: Disk, closeBelow: () => void) {
    this.name = name;
    this.disk = disk;
    this.readOnly = disk.readOnly;
    this.closeBelow = closeBelow;
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
    this.disk.write(offset, from);
  }

  /** @throws Fault for any length but the disk's */
  truncate(size: number): void {
    this.require("truncate", size, 0);
    if (size !== this.disk.virtualSize) throw storeFault(this.name, "io", "truncate", size, 0, "the disk of the image below keeps its size");
  }

  flush(): void {
    this.require("flush", 0, 0);
    if (!this.readOnly) this.disk.flush();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    try {
      // Nothing that was promised is at stake here: a dirty bit stays, and whoever opens the image next counts anew.
      this.disk.settle?.();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    } finally {
      this.closeBelow();
    }
  }

  private require(operation: StoreProblem["operation"], offset: number, lengthBytes: number): void {
    requireOpen(this.closed, this.name, operation, offset, lengthBytes);
  }
}
