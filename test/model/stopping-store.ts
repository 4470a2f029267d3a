/** A store that refuses from a certain change on, so often or until it is mended; what it does not refuse its base has. */
import { storeFault } from "../../src/bytes/byte-store.ts";
import type { ByteStore } from "../../src/bytes/byte-store.ts";

/** Where a qcow2 header has the disk's size. */
const SIZE_AT = 24;

/** When stores refuse; several may have one, and their changes are counted together. */
export class Stop {
  mended = false;
  refused = 0;
  calls = 0;
  private readonly from: number;
  private readonly times: number;

  /** @param from the first change that is refused, counted from 1 @param times how many are, one after the other */
  constructor(from: number, times: number) {
    this.from = from;
    this.times = times;
  }

  /** Counts a change. @returns whether it is refused */
  refuses(): boolean {
    const call = ++this.calls;
    if (this.mended || call < this.from || call >= this.from + this.times) return false;
    this.refused++;
    return true;
  }
}

export class StoppingStore implements ByteStore {
  readonly name: string;
  readonly readOnly = false;
  /** Which change was the first to write the header's size and L1 table. */
  switchedAt = Infinity;
  private readonly base: ByteStore;
  private readonly stop: Stop;

  constructor(base: ByteStore, stop: Stop) {
    this.name = base.name;
    this.base = base;
    this.stop = stop;
  }

  size(): number {
    return this.base.size();
  }

  read(offset: number, into: Uint8Array): number {
    return this.base.read(offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    if (this.stop.refuses()) throw storeFault(this.name, "no-space", "write", offset, from.length, "refused by the test");
    if (offset <= SIZE_AT && offset + from.length > SIZE_AT) this.switchedAt = Math.min(this.switchedAt, this.stop.calls);
    this.base.write(offset, from);
  }

  truncate(size: number): void {
    if (this.stop.refuses()) throw storeFault(this.name, "no-space", "truncate", size, 0, "refused by the test");
    this.base.truncate(size);
  }

  flush(): void {
    this.base.flush();
  }

  close(): void {
    this.base.close();
  }
}
