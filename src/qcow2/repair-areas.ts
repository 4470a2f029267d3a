/**
 * Where the tables of an image lie that are no L2 table: a repair writes no L2 table over any of them, whatever an L1 entry says.
 */
import type { Check, ExtraArea } from "./check.ts";

export class AreaMap {
  private readonly areas: readonly ExtraArea[];
  private readonly check: Check;
  private clusters: Set<number> | null = null;

  /** @param areas what was counted as tables, @param check has the refcount blocks as they are now */
  constructor(areas: readonly ExtraArea[], check: Check) {
    this.areas = areas;
    this.check = check;
  }

  /** Whether some other table has a byte of this range. */
  has(offset: number, lengthBytes: number): boolean {
    const { clusterSize } = this.check.header;
    this.clusters ??= this.collect();
    for (let cluster = Math.floor(offset / clusterSize); cluster * clusterSize < offset + lengthBytes; cluster++) if (this.clusters.has(cluster)) return true;
    return false;
  }

  private collect(): Set<number> {
    const clusters = new Set<number>();
    const { header, refcounts, fileLength } = this.check;
    const { clusterSize } = header;
    for (const { offset, lengthBytes } of this.areas) {
      const end = Math.min(offset + lengthBytes, fileLength);
      for (let cluster = Math.floor(offset / clusterSize); cluster * clusterSize < end; cluster++) clusters.add(cluster);
    }
    for (let block = 0; block < refcounts.blockCount; block++) clusters.add(Math.floor(refcounts.entry(block).offset / clusterSize));
    return clusters;
  }
}
