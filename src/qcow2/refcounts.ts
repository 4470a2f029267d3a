/**
 * Reference counts of host clusters and the allocator over them.
 *
 * Increases go into the cached refcount blocks at once and reach the disk in step 1 of the next flush, before any entry that
 * refers to the cluster. Decreases are held back until step 3, after the entries that referred to it are gone from the disk: a
 * crash between leaks a cluster and never leaves one in use with a count of 0. A cluster whose decrease is held back still
 * counts as used, so it cannot be given out again before that flush has ended.
 *
 * Source: qcow2 specification, "Host cluster management"; zone semantics, "Durability".
 */
import { assert } from "../base/assert.ts";
import { Fault, imageProblem } from "../base/fault.ts";
import { hostCluster, hostOffset } from "../base/units.ts";
import type { HostCluster, HostOffset } from "../base/units.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { ENTRY_BYTES, decodeRefcountTableEntry, encodeRefcountTableEntry, maxRefcount, readRefcount, writeRefcount } from "./entries.ts";
import type { Header } from "./header.ts";
import type { MetadataMap } from "./metadata-map.ts";
import { TableCache } from "./table-cache.ts";
import type { CachedTable } from "./table-cache.ts";

const CACHE_BYTES = 8 * 2 ** 20;
/** QEMU opens no image with a larger refcount table. */
const MAX_TABLE_BYTES = 8 * 2 ** 20;

export interface TableMove {
  readonly offset: HostOffset;
  readonly clusters: number;
  /** The whole table, to be written at the offset. */
  readonly data: Uint8Array;
}

export class Refcounts {
  readonly blocks: TableCache;
  private readonly clusterSize: number;
  private readonly order: number;
  private readonly perBlock: number;
  private readonly metadata: MetadataMap;
  /** The refcount table as it shall be; grows in memory, moves in the file at the next flush. */
  private table: Uint8Array;
  private tableView: DataView;
  private tableOffset: HostOffset;
  private tableClusters: number;
  /** Entries of the table that differ from the disk. */
  private readonly changedEntries = new Set<number>();
  /** Clusters taken for a table that has outgrown its own, until the header points at them. */
  private pendingMove: TableMove | null = null;
  private readonly heldDecreases = new Map<HostCluster, number>();
  /** No cluster below is free, as far as is known. */
  private firstFree = 0;

  constructor(store: ByteStore, header: Header, metadata: MetadataMap) {
    this.clusterSize = header.clusterSize;
    this.order = header.refcountOrder;
    this.perBlock = (header.clusterSize * 8) / 2 ** header.refcountOrder;
    this.metadata = metadata;
    this.tableOffset = header.refcountTableOffset;
    this.tableClusters = header.refcountTableClusters;
    this.table = new Uint8Array(header.refcountTableClusters * header.clusterSize);
    readPadded(store, header.refcountTableOffset, this.table);
    this.tableView = new DataView(this.table.buffer);
    this.blocks = new TableCache(header.clusterSize, CACHE_BYTES, (at) => {
      const block = new Uint8Array(this.clusterSize);
      readPadded(store, at, block);
      return block;
    });
    this.claimBlocks();
  }

  private claimBlocks(): void {
    for (let index = 0; index < this.table.length / ENTRY_BYTES; index++) {
      const offset = this.blockOffset(index);
      if (offset !== 0) this.metadata.claim("refcount block", offset, this.clusterSize);
    }
  }

  private blockOffset(index: number): HostOffset {
    if (index * ENTRY_BYTES >= this.table.length) return hostOffset(0);
    return decodeRefcountTableEntry(this.tableView, index, this.tableOffset, this.clusterSize);
  }

  get(cluster: HostCluster): number {
    const offset = this.blockOffset(Math.floor(cluster / this.perBlock));
    return offset === 0 ? 0 : readRefcount(this.blocks.get(offset).view, cluster % this.perBlock, this.order);
  }

  /** Adds one reference now. @throws Fault when the count's width is full */
  increase(cluster: HostCluster): void {
    const count = this.get(cluster);
    if (count >= maxRefcount(this.order)) {
      throw new Fault(imageProblem("refcount block", `refcount of cluster ${cluster}`, cluster * this.clusterSize, count, `less than ${maxRefcount(this.order)}`));
    }
    this.set(cluster, count + 1);
  }

  /** Takes one reference away at the next flush, when nothing on disk uses it any more. */
  holdDecrease(cluster: HostCluster): void {
    this.heldDecreases.set(cluster, (this.heldDecreases.get(cluster) ?? 0) + 1);
  }

  /** Takes back an allocation that no entry refers to yet, in memory or on disk. */
  undoAllocate(first: HostCluster, count: number): void {
    for (let cluster: number = first; cluster < first + count; cluster++) {
      this.set(hostCluster(cluster), this.get(hostCluster(cluster)) - 1);
      this.firstFree = Math.min(this.firstFree, cluster);
    }
  }

  /**
   * Finds `count` neighbouring free clusters, lowest first from where free ones are known, and gives each a count of 1.
   * @throws Fault when a count of 0 turns out to belong to metadata in use
   */
  allocate(count: number): HostCluster {
    let run = 0;
    let cluster = this.firstFree;
    let firstSeen = -1;
    for (; run < count; cluster++) {
      if (this.get(hostCluster(cluster)) !== 0 || this.coverWithBlock(cluster)) {
        run = 0;
        continue;
      }
      if (firstSeen < 0) firstSeen = cluster;
      const owner = this.metadata.ownerOf(cluster * this.clusterSize);
      if (owner !== null) {
        throw new Fault(imageProblem("refcount block", `refcount of cluster ${cluster}`, cluster * this.clusterSize, 0, `at least 1: it holds the ${owner}`));
      }
      run++;
    }
    const first = cluster - count;
    for (let index = first; index < cluster; index++) this.set(hostCluster(index), 1);
    this.firstFree = firstSeen === first ? cluster : firstSeen;
    return hostCluster(first);
  }

  /**
   * Makes sure that a refcount block covers the cluster. A new block takes the first cluster of its own range, which is free
   * because no block ever counted it, and counts itself.
   * @returns true when the block took this very cluster
   */
  private coverWithBlock(cluster: number): boolean {
    const index = Math.floor(cluster / this.perBlock);
    if (this.blockOffset(index) !== 0) return false;
    if ((index + 1) * ENTRY_BYTES > this.table.length) this.growTable(index + 1);
    const home = index * this.perBlock;
    const offset = hostOffset(home * this.clusterSize);
    this.metadata.claim("refcount block", offset, this.clusterSize);
    const block = this.blocks.addNew(offset, new Uint8Array(this.clusterSize));
    encodeRefcountTableEntry(this.tableView, index, offset);
    this.changedEntries.add(index);
    this.put(block, 0, 1);
    return home === cluster;
  }

  private growTable(entries: number): void {
    if (entries * ENTRY_BYTES > MAX_TABLE_BYTES) throw new Fault({ kind: "unsupported", feature: "a refcount table above 8 MiB: the image file cannot grow further" });
    const grown = new Uint8Array(Math.ceil((entries * ENTRY_BYTES * 1.5) / this.clusterSize) * this.clusterSize);
    grown.set(this.table);
    this.table = grown;
    this.tableView = new DataView(grown.buffer);
  }

  private set(cluster: HostCluster, count: number): void {
    const offset = this.blockOffset(Math.floor(cluster / this.perBlock));
    assert(offset !== 0, "a counted cluster has a refcount block");
    this.put(this.blocks.get(offset), cluster % this.perBlock, count);
  }

  private put(block: CachedTable, index: number, count: number): void {
    writeRefcount(block.view, index, this.order, count);
    const at = Math.floor((index * 2 ** this.order) / 8);
    this.blocks.markDirty(block, at, at + Math.max(1, 2 ** this.order / 8));
  }

  // ---- the flush's side -------------------------------------------------------------------------------------------------

  /** The table has outgrown its clusters: takes new ones for it, before step 1. @returns where it moves, null when it stays */
  prepareTableMove(): TableMove | null {
    const outgrown = (): boolean => this.table.length !== (this.pendingMove?.clusters ?? this.tableClusters) * this.clusterSize;
    // Taking clusters may itself grow the table; each round needs fewer new blocks than the last, so this ends.
    while (outgrown()) {
      if (this.pendingMove !== null) this.undoAllocate(hostCluster(this.pendingMove.offset / this.clusterSize), this.pendingMove.clusters);
      const clusters = this.table.length / this.clusterSize;
      const first = this.allocate(clusters);
      this.pendingMove = { offset: hostOffset(first * this.clusterSize), clusters, data: this.table };
    }
    // Entries set since belong to it too.
    if (this.pendingMove !== null) this.pendingMove = { ...this.pendingMove, data: this.table };
    return this.pendingMove;
  }

  /** The header points at the new place: the old clusters are free once this flush has ended. */
  tableMoved({ offset, clusters }: TableMove): void {
    this.metadata.release(this.tableOffset, this.tableClusters * this.clusterSize);
    this.metadata.claim("refcount table", offset, clusters * this.clusterSize);
    for (let index = 0; index < this.tableClusters; index++) this.holdDecrease(hostCluster(this.tableOffset / this.clusterSize + index));
    this.tableOffset = offset;
    this.tableClusters = clusters;
    this.pendingMove = null;
    this.changedEntries.clear();
  }

  /** Writes the changed entries of a table that stays where it is, one write per run. @returns whether there were any */
  writeTableEntries(write: (offset: number, data: Uint8Array) => void): boolean {
    const changed = [...this.changedEntries].sort((a, b) => a - b);
    for (let index = 0; index < changed.length; ) {
      const from = changed[index]!;
      let to = from + 1;
      while (changed[++index] === to) to++;
      write(this.tableOffset + from * ENTRY_BYTES, this.table.subarray(from * ENTRY_BYTES, to * ENTRY_BYTES));
    }
    this.changedEntries.clear();
    return changed.length > 0;
  }

  /** Step 3: carries out the decreases that were held back. */
  applyDecreases(): void {
    for (const [cluster, times] of this.heldDecreases) {
      const count = this.get(cluster);
      // A count of 0 already is the file's lie: there is nothing to take away.
      if (count === 0) continue;
      this.set(cluster, Math.max(0, count - times));
      if (count - times <= 0) this.firstFree = Math.min(this.firstFree, cluster);
    }
    this.heldDecreases.clear();
  }

  get hasDecreases(): boolean {
    return this.heldDecreases.size > 0;
  }
}
