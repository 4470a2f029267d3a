/**
 * Keeps an image's persistent bitmaps from being written over: their directory, their tables, and the clusters of their bits. A bitmap
 * with anything else written into it is a wrong bitmap, and a backup by it misses what was written.
 *
 * Bitmaps share no cluster with each other nor with any table: what changes the one would change the other, and to give up the one would
 * give the other's clusters away. What would take too long or too much memory to know is a fault: the image is then for reading.
 * Source: qcow2 specification, "Bitmaps".
 */
import { Fault, imageProblem } from "../base/fault.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { forEachBitmap } from "./bitmaps.ts";
import { ENTRY_BYTES } from "./entries.ts";
import type { Header } from "./header.ts";
import { forEachLedTo } from "./led-to.ts";
import type { MetadataMap } from "./metadata-map.ts";

/** Most entries of all tables, and most clusters of bits that they lead to. */
const MAX_GUARDED_ENTRIES = 2 ** 23;
const MAX_GUARDED_CLUSTERS = 2 ** 20;

/** What the parts of a bitmap are called in a map. */
export const BITMAP_DIRECTORY = "bitmap directory";
export const BITMAP_TABLE = "bitmap table";
export const BITMAP_BITS = "bits of a bitmap";
export const BITMAP_STRUCTURES = [BITMAP_DIRECTORY, BITMAP_TABLE, BITMAP_BITS] as const;
export type BitmapStructure = (typeof BITMAP_STRUCTURES)[number];

/**
 * Claims what the image's bitmaps have. @returns whether there are any that count
 * @param shares whether clusters may be others' as well: a repair must get there
 * @throws Fault for a directory that cannot be, for too many to be known, and where they may not be shared for a cluster of a bitmap that is another's
 */
export function claimBitmaps(store: ByteStore, header: Header, metadata: MetadataMap, shares: boolean): boolean {
  const tables: { readonly tableOffset: number; readonly tableSize: number }[] = [];
  const directory = forEachBitmap(store, header, ({ tableOffset, tableSize }) => tables.push({ tableOffset, tableSize }));
  if (directory === null) return false;
  const { offset, lengthBytes } = directory;
  const refuse = (field: string, found: number | string, most: number): Fault => new Fault(imageProblem(BITMAP_DIRECTORY, field, offset, found, `at most ${most}`));
  const entries = tables.reduce((sum, { tableSize }) => sum + tableSize, 0);
  if (entries > MAX_GUARDED_ENTRIES) throw refuse("entries of all tables", entries, MAX_GUARDED_ENTRIES);
  metadata.claimApart(BITMAP_DIRECTORY, offset, lengthBytes, shares);
  let left = MAX_GUARDED_CLUSTERS;
  for (const { tableOffset, tableSize } of tables) {
    metadata.claimApart(BITMAP_TABLE, tableOffset, tableSize * ENTRY_BYTES, shares);
    forEachLedTo(store, tableOffset, tableOffset + tableSize * ENTRY_BYTES, header.clusterSize, (cluster) => {
      metadata.claimApart(BITMAP_BITS, cluster * header.clusterSize, header.clusterSize, shares);
      return --left >= 0;
    });
    if (left < 0) throw refuse("clusters of bits", `more than ${MAX_GUARDED_CLUSTERS}`, MAX_GUARDED_CLUSTERS);
  }
  return true;
}
