/** The guest's disk in some format: what a device stands on. Ranges lie within the disk; every call may throw a Fault. */
import type { Result } from "../base/result.ts";
import type { Extent } from "../protocol/index.ts";
import type { CompressionRefusal } from "../qcow2/write-compressed.ts";

export interface Disk {
  readonly virtualSize: number;
  /** The unit of allocation in bytes. */
  readonly clusterSize: number;
  readonly fileSize: number;
  readonly readOnly: boolean;
  readonly readOnlyReason: string | null;
  read(offset: number, into: Uint8Array): void;
  write(offset: number, data: Uint8Array): void;
  /** Whether compressed writes need the codecs' zstd encoder loaded. */
  readonly compressesWithZstd?: boolean;
  /** Writes whole clusters compressed; absent where the format has no compression. */
  writeCompressed?(offset: number, data: Uint8Array): Result<null, CompressionRefusal>;
  writeZeroes(offset: number, length: number, unmap: boolean): void;
  discard(offset: number, length: number): void;
  map(offset: number, length: number, maxExtents: number): { extents: readonly Extent[]; next: number | null };
  flush(): void;
  /** After the last flush, where the disk is closed in good order. */
  settle?(): void;
}
