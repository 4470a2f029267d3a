/** The guest's disk in some format: what a device stands on. Ranges lie within the disk; every call may throw a Fault. */
import type { Extent } from "../protocol/index.ts";

export interface Disk {
  readonly virtualSize: number;
  /** The unit of allocation in bytes. */
  readonly clusterSize: number;
  readonly fileSize: number;
  readonly readOnly: boolean;
  readonly readOnlyReason: string | null;
  read(offset: number, into: Uint8Array): void;
  write(offset: number, data: Uint8Array): void;
  writeZeroes(offset: number, length: number, unmap: boolean): void;
  discard(offset: number, length: number): void;
  map(offset: number, length: number, maxExtents: number): { extents: readonly Extent[]; next: number | null };
  flush(): void;
}
