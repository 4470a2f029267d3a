/**
 * The disk of an image that was opened for its facts alone, and whose data is not in its own file: it has a size, and reading is
 * refused by name. Knows nothing of the tables.
 */
import { Fault } from "../base/fault.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { Extent } from "../protocol/index.ts";
import type { Header } from "../qcow2/header.ts";
import type { Disk } from "./disk.ts";

export class FactsDisk implements Disk {
  readonly virtualSize: number;
  readonly clusterSize: number;
  readonly readOnly = true;
  readonly readOnlyReason = null;
  private readonly store: ByteStore;

  constructor(store: ByteStore, header: Header) {
    this.store = store;
    this.virtualSize = header.virtualSize;
    this.clusterSize = header.clusterSize;
  }

  get fileSize(): number {
    return this.store.size();
  }

  read(_offset: number, _into: Uint8Array): void {
    throw refusal();
  }

  write(_offset: number, _data: Uint8Array): void {
    throw refusal();
  }

  writeZeroes(_offset: number, _length: number, _unmap: boolean): void {
    throw refusal();
  }

  discard(_offset: number, _length: number): void {
    throw refusal();
  }

  map(_offset: number, _length: number, _maxExtents: number): { extents: readonly Extent[]; next: number | null } {
    throw refusal();
  }

  flush(): void {}
}

const refusal = (): Fault => new Fault({ kind: "unsupported", feature: "the data of an image that was opened for its facts alone" });
