/**
 * A store that refuses now and then, as a disk without room or a browser over its quota does: a write, perhaps after some of its
 * sectors got there, or a truncate. Seeded; what it did not refuse the base has. A flush is never refused: an image whose flush failed
 * is not written any more.
 */
import { Random } from "../../src/base/random.ts";
import type { StoreProblem } from "../../src/base/fault.ts";
import { storeFault } from "../../src/bytes/byte-store.ts";
import type { ByteStore } from "../../src/bytes/byte-store.ts";

const SECTOR = 512;

export class RefusingStore implements ByteStore {
  readonly name: string;
  readonly readOnly = false;
  /** Of a thousand calls that change something, how many are refused; refusals come in runs, as a full disk's do. */
  rate = 0;
  refused = 0;
  private run = 0;
  private readonly base: ByteStore;
  private readonly random: Random;

  constructor(base: ByteStore, seed: number) {
    this.base = base;
    this.name = base.name;
    this.random = new Random(seed);
  }

  size(): number {
    return this.base.size();
  }

  read(offset: number, into: Uint8Array): number {
    return this.base.read(offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    if (this.refuses()) {
      const sectors = Math.floor(from.length / SECTOR);
      const torn = this.random.chance(0.5) ? 0 : SECTOR * this.random.below(sectors + 1);
      if (torn > 0 && offset % SECTOR === 0) this.base.write(offset, from.subarray(0, torn));
      this.refuse("write", offset, from.length);
    }
    this.base.write(offset, from);
  }

  truncate(size: number): void {
    if (this.refuses()) this.refuse("truncate", size, 0);
    this.base.truncate(size);
  }

  flush(): void {
    this.base.flush();
  }

  close(): void {
    this.base.close();
  }

  private refuses(): boolean {
    if (this.rate === 0) return false;
    if (this.run > 0) this.run--;
    else if (this.random.below(1000) >= this.rate) return false;
    else this.run = this.random.below(3);
    return true;
  }

  private refuse(operation: StoreProblem["operation"], offset: number, lengthBytes: number): never {
    this.refused++;
    throw storeFault(this.name, "no-space", operation, offset, lengthBytes, "refused by the test");
  }
}
