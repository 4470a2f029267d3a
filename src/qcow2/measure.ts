/**
 * How long a qcow2 file becomes that holds a disk: its header, tables and refcounts, the data, and bitmaps. The numbers are those of
 * qemu-img measure, which count the metadata of a disk that is written as a whole even where it is not.
 *
 * Source: qcow2 specification, "Host cluster management", "Cluster mapping" and "Bitmaps".
 */
import { divideRoundUp, roundUp } from "../base/units.ts";
import { ENTRY_BYTES } from "./entries.ts";
import { directoryEntryBytes, tableSizeFor } from "./bitmaps.ts";
import type { Bitmap } from "./bitmaps.ts";
import { MAX_L1_BYTES } from "./header.ts";

/** The shape of an image that would be made. */
export interface MeasuredShape {
  readonly clusterSize: number;
  readonly refcountBits: number;
  readonly extendedL2: boolean;
}

const l2EntryBytes = ({ extendedL2 }: MeasuredShape): number => (extendedL2 ? 2 * ENTRY_BYTES : ENTRY_BYTES);

/** Whether an L1 table that maps so large a disk is longer than QEMU opens. */
export const needsTooLargeL1 = (sizeBytes: number, shape: MeasuredShape): boolean =>
  divideRoundUp(Math.ceil(sizeBytes / shape.clusterSize), shape.clusterSize / l2EntryBytes(shape)) * ENTRY_BYTES > MAX_L1_BYTES;

/** Bytes of an image of which every cluster is allocated. @param sizeBytes of the disk, a multiple of the cluster size */
export function fullyAllocatedBytes(sizeBytes: number, shape: MeasuredShape): number {
  const { clusterSize } = shape;
  const entryBytes = l2EntryBytes(shape);
  const l2Entries = roundUp(sizeBytes / clusterSize, clusterSize / entryBytes);
  const l1Entries = roundUp((l2Entries * entryBytes) / clusterSize, clusterSize / ENTRY_BYTES);
  const tables = clusterSize + l2Entries * entryBytes + l1Entries * ENTRY_BYTES;
  return tables + sizeBytes + refcountBytes((tables + sizeBytes) / clusterSize, shape);
}

/** Bytes of refcount blocks and table that count so many clusters and themselves. */
function refcountBytes(clusters: number, { clusterSize, refcountBits }: MeasuredShape): number {
  const perBlock = (clusterSize * 8) / refcountBits;
  let own = 0;
  for (let last = -1; own !== last; ) {
    last = own;
    const blocks = divideRoundUp(clusters + own, perBlock);
    own = blocks + divideRoundUp(blocks * ENTRY_BYTES, clusterSize);
  }
  return own * clusterSize;
}

/** Bytes that bitmaps take in an image of that cluster size, were all of their bits stored. @param diskSize of the disk that they are about */
export function bitmapsBytes(bitmaps: readonly Pick<Bitmap, "name" | "granularityBits">[], diskSize: number, clusterSize: number): number {
  let sum = 0;
  let directory = 0;
  for (const { name, granularityBits } of bitmaps) {
    const clusters = tableSizeFor(diskSize, granularityBits, clusterSize);
    sum += clusters * clusterSize + roundUp(clusters * ENTRY_BYTES, clusterSize);
    directory += directoryEntryBytes(name.length);
  }
  return sum + roundUp(directory, clusterSize);
}
