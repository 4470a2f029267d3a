/**
 * A store over one that nobody else writes to meanwhile, for work that reads the same many holes several times over: what was read as zeros
 * is not asked for again. A bit by 512 bytes, for the first places that were read so.
 */
import type { ByteStore } from "./byte-store.ts";
import { isZero } from "./zeros.ts";

const PIECE_BYTES = 512;
/** Pieces by chunk of bits. */
const CHUNK = 2 ** 18;
/** 8 MiB, for 32 GiB of zeros. */
const MAX_CHUNKS = 256;

export class KnownZeros implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  readonly scratch?: true;
  readonly allocated?: NonNullable<ByteStore["allocated"]>;
  readonly leastReadBytes?: number;
  readonly event?: NonNullable<ByteStore["event"]>;
  private readonly base: ByteStore;
  private readonly chunks = new Map<number, Uint8Array>();

  constructor(base: ByteStore) {
    this.base = base;
    this.name = base.name;
    this.readOnly = base.readOnly;
    if (base.scratch === true) this.scratch = true;
    if (base.leastReadBytes !== undefined) this.leastReadBytes = base.leastReadBytes;
    if (base.allocated !== undefined) this.allocated = () => base.allocated!();
    if (base.event !== undefined) this.event = (event) => base.event!(event);
  }

  size(): number {
    return this.base.size();
  }

  read(offset: number, into: Uint8Array): number {
    const first = Math.floor(offset / PIECE_BYTES);
    if (this.isKnown(first, Math.ceil((offset + into.length) / PIECE_BYTES))) {
      const count = Math.max(0, Math.min(into.length, this.base.size() - offset));
      into.fill(0, 0, count);
      return count;
    }
    const count = this.base.read(offset, into);
    if (isZero(into.subarray(0, count))) this.learn(Math.ceil(offset / PIECE_BYTES), Math.floor((offset + count) / PIECE_BYTES));
    return count;
  }

  write(offset: number, from: Uint8Array): void {
    this.forget(Math.floor(offset / PIECE_BYTES), Math.ceil((offset + from.length) / PIECE_BYTES));
    this.base.write(offset, from);
  }

  truncate(size: number): void {
    this.base.truncate(size);
  }

  flush(): void {
    this.base.flush();
  }

  close(): void {
    this.base.close();
  }

  private isKnown(from: number, to: number): boolean {
    for (let piece = from; piece < to; piece++) {
      const chunk = this.chunks.get(Math.floor(piece / CHUNK));
      const within = piece % CHUNK;
      if (chunk === undefined || (chunk[within >>> 3]! & (1 << (within & 7))) === 0) return false;
    }
    return from < to;
  }

  private learn(from: number, to: number): void {
    for (let piece = from; piece < to; piece++) {
      const index = Math.floor(piece / CHUNK);
      let chunk = this.chunks.get(index);
      if (chunk === undefined) {
        if (this.chunks.size === MAX_CHUNKS) return;
        this.chunks.set(index, (chunk = new Uint8Array(CHUNK / 8)));
      }
      const within = piece % CHUNK;
      chunk[within >>> 3]! |= 1 << (within & 7);
    }
  }

  private forget(from: number, to: number): void {
    for (let piece = from; piece < to; piece++) {
      const chunk = this.chunks.get(Math.floor(piece / CHUNK));
      const within = piece % CHUNK;
      if (chunk !== undefined) chunk[within >>> 3]! &= ~(1 << (within & 7));
    }
  }
}
