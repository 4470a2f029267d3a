/**
 * A file of the person's machine, read where it lies: a Blob, read-only, nothing copied.
 *
 * Reading a Blob synchronously is a worker's privilege (FileReaderSync), so the reader is given. Small reads are served from a
 * window, since each one of the platform's costs a message to another process; a Blob never changes, so the window never lies.
 */
import { storeFault } from "./byte-store.ts";
import { errorDetail } from "./guard.ts";
import { ReadOnlyStore } from "./read-only-store.ts";

const WINDOW_SIZE = 64 * 1024;

/** Reads a whole (sliced) Blob, synchronously; throws what the platform throws. */
export type ReadBlobSync = (blob: Blob) => ArrayBuffer;

export class BlobStore extends ReadOnlyStore {
  private readonly blob: Blob;
  private readonly readSync: ReadBlobSync;
  private window = new Uint8Array(0);
  private windowStart = 0;

  constructor(name: string, blob: Blob, readSync: ReadBlobSync) {
    super(name);
    this.blob = blob;
    this.readSync = readSync;
  }

  protected length(): number {
    return this.blob.size;
  }

  protected readWithin(offset: number, into: Uint8Array): number {
    const count = into.length;
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

  override close(): void {
    super.close();
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
}
