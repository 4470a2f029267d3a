/** A store over a store that counts calls and bytes, so that tests can pin the I/O of an operation. Changes nothing else. */
import type { ByteStore } from "../bytes/byte-store.ts";

export interface Counts {
  reads: number;
  readBytes: number;
  writes: number;
  writtenBytes: number;
  truncates: number;
  flushes: number;
}

const none = (): Counts => ({ reads: 0, readBytes: 0, writes: 0, writtenBytes: 0, truncates: 0, flushes: 0 });

export class CountingStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  /** Absent where the base does not tell. */
  readonly allocated?: () => number;
  private readonly base: ByteStore;
  private counts = none();

  constructor(base: ByteStore) {
    this.base = base;
    this.name = base.name;
    this.readOnly = base.readOnly;
    if (base.allocated !== undefined) this.allocated = () => base.allocated!();
  }

  /** The counts since the last take, which begin anew. Calls that fault are counted too. */
  take(): Counts {
    const counts = this.counts;
    this.counts = none();
    return counts;
  }

  size(): number {
    return this.base.size();
  }

  read(offset: number, into: Uint8Array): number {
    this.counts.reads++;
    this.counts.readBytes += into.length;
    return this.base.read(offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    this.counts.writes++;
    this.counts.writtenBytes += from.length;
    this.base.write(offset, from);
  }

  truncate(size: number): void {
    this.counts.truncates++;
    this.base.truncate(size);
  }

  flush(): void {
    this.counts.flushes++;
    this.base.flush();
  }

  close(): void {
    this.base.close();
  }
}
