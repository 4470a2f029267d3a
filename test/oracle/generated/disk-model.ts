/**
 * What a guest's disk must read as, kept by the test alone: bytes in chunks, absent chunks zero, so that a disk of terabytes costs
 * what was written to it. A copy shares chunks until one side changes them. Offsets and lengths in bytes.
 */
export const CHUNK = 64 * 1024;

export class DiskModel {
  private chunks = new Map<number, Uint8Array>();
  /** Chunks that nobody else shares. */
  private own = new Set<number>();
  private sizeBytes: number;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  get size(): number {
    return this.sizeBytes;
  }

  /** A model that starts with the same bytes, cut or continued with zeros to `sizeBytes`. */
  copy(sizeBytes = this.sizeBytes): DiskModel {
    const copy = new DiskModel(this.sizeBytes);
    copy.chunks = new Map(this.chunks);
    this.own.clear();
    copy.resize(sizeBytes);
    return copy;
  }

  /** Cuts, or continues with zeros. */
  resize(sizeBytes: number): void {
    if (sizeBytes < this.sizeBytes) this.zero(sizeBytes, this.sizeBytes - sizeBytes);
    this.sizeBytes = sizeBytes;
  }

  /** Fills with `pattern`, repeated from the range's start. */
  write(offset: number, lengthBytes: number, pattern: Uint8Array): void {
    this.eachPart(offset, lengthBytes, (chunk, from, to, done) => {
      const bytes = this.ownChunk(chunk);
      if (pattern.length === 1) bytes.fill(pattern[0]!, from, to);
      else for (let at = from; at < to; at++) bytes[at] = pattern[(done + at - from) % pattern.length]!;
    });
  }

  zero(offset: number, lengthBytes: number): void {
    this.eachPart(offset, lengthBytes, (chunk, from, to) => {
      if (!this.chunks.has(chunk)) return;
      if (to - from === CHUNK) {
        this.chunks.delete(chunk);
        this.own.delete(chunk);
      } else this.ownChunk(chunk).fill(0, from, to);
    });
  }

  /** The bytes of a range that lies within one chunk; null where they were never written. */
  peek(offset: number, lengthBytes: number): Uint8Array | null {
    const from = offset % CHUNK;
    return this.chunks.get(Math.floor(offset / CHUNK))?.subarray(from, from + lengthBytes) ?? null;
  }

  /** Numbers of the chunks that were written, ascending. */
  written(): number[] {
    return [...this.chunks.keys()].sort((a, b) => a - b);
  }

  private ownChunk(chunk: number): Uint8Array {
    const had = this.chunks.get(chunk);
    if (had !== undefined && this.own.has(chunk)) return had;
    const bytes = had === undefined ? new Uint8Array(CHUNK) : had.slice();
    this.chunks.set(chunk, bytes);
    this.own.add(chunk);
    return bytes;
  }

  private eachPart(offset: number, lengthBytes: number, act: (chunk: number, from: number, to: number, done: number) => void): void {
    const end = Math.min(offset + lengthBytes, this.sizeBytes);
    for (let at = offset; at < end; ) {
      const from = at % CHUNK;
      const to = Math.min(CHUNK, from + end - at);
      act(Math.floor(at / CHUNK), from, to, at - offset);
      at += to - from;
    }
  }
}
