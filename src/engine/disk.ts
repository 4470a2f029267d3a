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
  /** Which of the codecs' encoders compressed writes need loaded; beside writeCompressed. */
  readonly compressionType?: number;
  /** Why a compressed write of a range is refused before any of it is made, or null; beside writeCompressed. */
  refusalOfCompressed?(offset: number, length: number): CompressionRefusal | null;
  /** Writes whole clusters compressed; absent where the format has no compression. */
  writeCompressed?(offset: number, data: Uint8Array): Result<null, CompressionRefusal>;
  writeZeroes(offset: number, length: number, unmap: boolean): void;
  /** Whether that writes no byte of zeros as data; absent where it never does for whole sectors. */
  takesZeros?(offset: number, length: number): boolean;
  discard(offset: number, length: number): void;
  map(offset: number, length: number, maxExtents: number): { extents: readonly Extent[]; next: number | null };
  /** Where the format keeps a machine's state behind the disk: its bytes, by their own offset; zeros where none were written. */
  readVmState?(offset: number, into: Uint8Array): void;
  /** Makes room before such a write. @returns false where the format has none that far behind */
  reserveVmState?(offset: number, length: number): boolean;
  writeVmState?(offset: number, data: Uint8Array): void;
  flush(): void;
  /** After the last flush, where the disk is closed in good order. */
  settle?(): void;
}
