/**
 * A file of the person's machine, read where it lies: a Blob, read-only, nothing copied.
 *
 * Reading a Blob synchronously is a worker's privilege (FileReaderSync), so the reader is given. Small reads are served from a
 * window, since each one of the platform's costs a message to another process; a Blob never changes, so the window never lies.
 */
import type { StoreProblem } from "../base/fault.ts";
import { storeFault } from "./byte-store.ts";
import type { ByteStore } from "./byte-store.ts";
import { assertRange, errorDetail, requireOpen, requireWritable } from "./guard.ts";

const WINDOW_SIZE = 64 * 1024;

/** Reads a whole (sliced) Blob, synchronously; throws what the platform throws. */
export type ReadBlobSync = (blob: Blob) => ArrayBuffer;

export class BlobStore implements ByteStore {
  readonly name: string;
  readonly readOnly = true;
  private readonly blob: Blob;
  private readonly readSync: ReadBlobSync;
  private window = new Uint8Array(0);
  private windowStart = 0;
  private closed = false;

  constructor(name: string, blob: Blob, readSync: ReadBlobSync) {
    this.name = name;
    this.blob = blob;
    this.readSync = readSync;
  }

  size(): number {
    this.require("size", 0, 0);
    return this.blob.size;
  }

  read(offset: number, into: Uint8Array): number {
    this.require("read", offset, into.length);
    const count = Math.max(0, Math.min(into.length, this.blob.size - offset));
    if (count >= WINDOW_SIZE) {
      into.set(this.fetch(offset, count));
      return count;
    }
    for (let done = 0; done < count; ) {
      const part = this.windowed(offset + done, count - done);
      into.set(part, done);
      done += part.length;
    }
    return count;
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
    this.window = new Uint8Array(0);
  }

  /** At least one and at most `most` bytes from `offset`, which lies inside the Blob. */
  private windowed(offset: number, most: number): Uint8Array {
    if (offset < this.windowStart || offset >= this.windowStart + this.window.length) {
      const start = offset - (offset % WINDOW_SIZE);
      this.window = this.fetch(start, Math.min(WINDOW_SIZE, this.blob.size - start));
      this.windowStart = start;
    }
    return this.window.subarray(offset - this.windowStart, offset - this.windowStart + most);
  }

  private fetch(offset: number, lengthBytes: number): Uint8Array<ArrayBuffer> {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = new Uint8Array(this.readSync(this.blob.slice(offset, offset + lengthBytes)));
    } catch (thrown) {
      // A file that changed or vanished on the disk is NotReadableError or NotFoundError here.
      throw storeFault(this.name, "io", "read", offset, lengthBytes, errorDetail(thrown));
    }
    if (bytes.length !== lengthBytes) throw storeFault(this.name, "short-read", "read", offset, lengthBytes, `the platform gave ${bytes.length} bytes`);
    return bytes;
  }

  private require(operation: StoreProblem["operation"], offset: number, lengthBytes: number): void {
    assertRange(offset, lengthBytes);
    requireOpen(this.closed, this.name, operation, offset, lengthBytes);
  }
}
