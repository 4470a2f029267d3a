/**
 * What an image shows where it has nothing of its own: another disk, in whatever format, only read. Knows no names and no files;
 * a device's disk fits. Behind the backing's end there are zeros.
 */
import type { MappedExtent } from "./mapping.ts";

export interface Backing {
  /** Length in bytes; may be less or more than that of the image above. */
  readonly virtualSize: number;
  /** Fills `into` from guest offset `offset`; the range lies within the backing. @throws Fault */
  read(offset: number, into: Uint8Array): void;
  /** Extents of a range within the backing, as an image's own map. */
  map(offset: number, length: number, maxExtents: number): { extents: readonly MappedExtent[]; next: number | null };
}
