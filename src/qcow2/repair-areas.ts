/**
 * Where the tables of an image lie that are no L2 table: a repair writes no L2 table over any of them, whatever an L1 entry says.
 */
import type { ByteStore } from "../bytes/byte-store.ts";
import { claimBitmaps } from "./bitmap-guard.ts";
import { isImageFault } from "./check.ts";
import type { Check, ExtraArea } from "./check.ts";
import { ENTRY_BYTES } from "./entries.ts";
import type { Header } from "./header.ts";
import { MetadataMap } from "./metadata-map.ts";
import { L2_OF_SNAPSHOT, protectSnapshots } from "./snapshot-guard.ts";
import { StoredRefcounts } from "./stored-refcounts.ts";

export class AreaMap {
  private readonly areas: readonly ExtraArea[];
  private readonly check: Check;
  private clusters: Set<number> | null = null;
  /** Where bitmaps lie; null where that cannot be known. */
  private bitmaps: MetadataMap | null | undefined = undefined;

  /** @param areas what was counted as tables, @param check has the refcount blocks as they are now */
  constructor(areas: readonly ExtraArea[], check: Check) {
    this.areas = areas;
    this.check = check;
  }

  /** Whether some other table has a byte of this range. */
  has(offset: number, lengthBytes: number): boolean {
    const { clusterSize } = this.check.header;
    this.clusters ??= this.collect();
    if (this.bitmaps === undefined) this.bitmaps = this.findBitmaps();
    for (let cluster = Math.floor(offset / clusterSize); cluster * clusterSize < offset + lengthBytes; cluster++) {
      if (this.clusters.has(cluster) || this.bitmaps === null || this.bitmaps.ownerOf(cluster * clusterSize) !== null) return true;
    }
    return false;
  }

  /** Their bits too, which are no table and so not among the areas. */
  private findBitmaps(): MetadataMap | null {
    const { store, header } = this.check;
    const found = new MetadataMap(header.clusterSize);
    try {
      claimBitmaps(store, header, found, true);
      return found;
    } catch (error) {
      if (isImageFault(error)) return null;
      throw error;
    }
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

/**
 * Whether a cluster may be written as an L2 table, whatever an L1 entry says: for what a repair sets right while it still counts, and so
 * does not know all tables from the counting. Found when it is first asked for.
 */
export class TableGuard {
  private readonly store: ByteStore;
  private readonly header: Header;
  private readonly areas: readonly ExtraArea[];
  /** null where some table cannot be found. */
  private tables: MetadataMap | null | undefined = undefined;

  /** @param areas clusters that header extensions own */
  constructor(store: ByteStore, header: Header, areas: readonly ExtraArea[]) {
    this.store = store;
    this.header = header;
    this.areas = areas;
  }

  mayBeL2(offset: number): boolean {
    if (this.tables === undefined) this.tables = this.find();
    const owner = this.tables === null ? "" : this.tables.ownerOf(offset);
    return owner === null || owner === L2_OF_SNAPSHOT;
  }

  private find(): MetadataMap | null {
    const { store, header } = this;
    const tables = new MetadataMap(header.clusterSize);
    tables.protect("header", 0, header.clusterSize);
    tables.protect("L1 table", header.l1Offset, header.l1Size * ENTRY_BYTES);
    tables.protect("refcount table", header.refcountTableOffset, header.refcountTableClusters * header.clusterSize);
    for (const { offset, lengthBytes } of this.areas) tables.protect("area of an extension", offset, lengthBytes);
    const refcounts = new StoredRefcounts(store, header);
    for (let block = 0; block < refcounts.blockCount; block++) tables.protect("refcount block", refcounts.entry(block).offset, header.clusterSize);
    try {
      protectSnapshots(store, header, tables, true);
      claimBitmaps(store, header, tables, true);
    } catch (error) {
      if (isImageFault(error)) return null;
      throw error;
    }
    return tables;
  }
}
