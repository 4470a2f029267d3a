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
import type { AllocatedKind } from "../base/fault.ts";
import { hostCluster, hostOffset } from "../base/units.ts";
import type { HostCluster, HostOffset } from "../base/units.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { ENTRY_BYTES, forEachInUse, maxRefcount, readRefcount, writeRefcount } from "./entries.ts";
import { MAX_REFCOUNT_TABLE_BYTES } from "./header.ts";
import type { Header } from "./header.ts";
import type { MetadataMap } from "./metadata-map.ts";
import { RefcountTable } from "./refcount-table.ts";
import { TableCache } from "./table-cache.ts";

const CACHE_BYTES = 8 * 2 ** 20;

export interface TableMove {
  readonly offset: HostOffset;
  readonly clusters: number;
  /** The whole table, to be written at the offset. */
  readonly data: Uint8Array;
}

export class Refcounts {
  readonly blocks: TableCache;
  readonly clusterSize: number;
  /** log2 of a count's bits. */
  readonly order: number;
  /** Counts of a refcount block. */
  readonly perBlock: number;
  private readonly metadata: MetadataMap;
  private readonly store: ByteStore;
  private readonly table: RefcountTable;
  /** Clusters taken for a table that has outgrown its own, until the header points at them. */
  private pendingMove: TableMove | null = null;
  /** Whether the header's pointer to those clusters was given to the store: it may be on the disk then, whatever the store said. */
  private moveLeads = false;
  private readonly heldDecreases = new Map<HostCluster, number>();
  /** No cluster below is free, as far as is known. */
  private firstFree = 0;
  /** Host offset behind the last compressed stream, where the next may begin; 0 for none. */
  private packedEnd = 0;

  /** @param perUse an entry of the refcount table that leads to no cluster's start is met by who asks for a count of it, and not here */
  constructor(store: ByteStore, header: Header, metadata: MetadataMap, perUse = false) {
    this.clusterSize = header.clusterSize;
    this.order = header.refcountOrder;
    this.perBlock = (header.clusterSize * 8) / 2 ** header.refcountOrder;
    this.metadata = metadata;
    this.store = store;
    this.table = new RefcountTable(store, header);
    this.blocks = new TableCache(header.clusterSize, CACHE_BYTES, (at) => {
      const block = new Uint8Array(this.clusterSize);
      store.event?.("refblock_load");
      readPadded(store, at, block);
      return block;
    });
    this.claimBlocks(store.size(), perUse);
  }

  private claimBlocks(fileLength: number, perUse: boolean): void {
    forEachInUse(this.table.data, (index) => {
      if (perUse && this.table.leadsNowhere(index)) return;
      const offset = this.table.blockOffset(index);
      // Of reserved bits alone.
      if (offset === 0) return;
      // To write it would stretch the file up to there, beyond any quota.
      if (offset >= fileLength) throw new Fault(imageProblem("refcount block", "host offset", offset, `a block behind the file's end (${fileLength})`, "a block inside the file"));
      this.metadata.claim("refcount block", offset, this.clusterSize);
    });
  }

  get(cluster: HostCluster): number {
    const offset = this.table.blockOffset(Math.floor(cluster / this.perBlock));
    return offset === 0 ? 0 : readRefcount(this.blocks.get(offset).view, cluster % this.perBlock, this.order);
  }

  /** Entries of the refcount table, of which not all lead to a block. */
  get tableEntries(): number {
    return this.table.entries;
  }

  /** The first cluster for which no refcount table of the largest size has an entry. */
  get reach(): number {
    return (MAX_REFCOUNT_TABLE_BYTES / ENTRY_BYTES) * this.perBlock;
  }

  /** The refcount block of that index in the table, to be looked at until the next call; null where there is none. */
  block(index: number): DataView | null {
    const offset = this.table.blockOffset(index);
    return offset === 0 ? null : this.blocks.get(offset).view;
  }

  /** The clusters of the refcount table and of its blocks; everything must be flushed. */
  ownClusters(): HostCluster[] {
    const own: HostCluster[] = [];
    for (let index = 0; index < this.table.clusters; index++) own.push(hostCluster(this.table.offset / this.clusterSize + index));
    for (let index = 0; index < this.tableEntries; index++) {
      const offset = this.table.blockOffset(index);
      if (offset !== 0) own.push(hostCluster(offset / this.clusterSize));
    }
    return own;
  }

  /** Adds one reference now. @throws Fault when the count's width is full */
  increase(cluster: HostCluster): void {
    const count = this.get(cluster);
    if (count >= maxRefcount(this.order)) {
      throw new Fault(imageProblem("refcount block", `refcount of cluster ${cluster}`, cluster * this.clusterSize, count, `less than ${maxRefcount(this.order)}`));
    }
    this.set(cluster, count + 1);
  }

  /**
   * Takes one reference away at the next flush, when nothing on disk uses it any more. Of what nothing counts there is none to take: the
   * cluster is free, and the count that it has by then is that of whoever was given it.
   */
  holdDecrease(cluster: HostCluster): void {
    const held = this.heldDecreases.get(cluster) ?? 0;
    if (!this.isCountedBeyond(cluster, held)) return;
    this.heldDecreases.set(cluster, held + 1);
  }

  /** Whether more references are counted; so it is of a cluster whose count cannot be read: that is met when it is to change. */
  private isCountedBeyond(cluster: HostCluster, times: number): boolean {
    try {
      return this.get(cluster) > times;
    } catch (error) {
      if (error instanceof Fault) return true;
      throw error;
    }
  }

  /** Takes back an allocation that no entry refers to yet, in memory or on disk. */
  undoAllocate(first: HostCluster, count: number): void {
    for (let cluster: number = first; cluster < first + count; cluster++) {
      const count = this.get(hostCluster(cluster)) - 1;
      this.set(hostCluster(cluster), count);
      if (count > 0) continue;
      this.firstFree = Math.min(this.firstFree, cluster);
      this.forgetPacked(cluster);
    }
  }

  /**
   * Finds neighbouring free clusters, `max` of them where there is such a run, and gives each a count of 1. Where only the end of
   * the counted file is free, what fits before the next refcount block is taken, which may be fewer.
   * @param given what the clusters are for, where that is told of a lie
   * @returns the run, at least one cluster. @throws Fault when a count of 0 turns out to belong to metadata in use
   */
  allocateRun(max: number, given: AllocatedKind | null = null): { readonly first: HostCluster; readonly count: number } {
    this.store.event?.("cluster_alloc");
    let run = 0;
    let firstSeen = -1;
    let cluster = this.firstFree;
    while (run < max) {
      const index = Math.floor(cluster / this.perBlock);
      const offset = this.table.blockOffset(index);
      if (offset === 0) {
        if (run > 0) break;
        if (this.coverWithBlock(cluster)) cluster++;
        continue;
      }
      // Within one block nothing but its counts is looked at: most of what a large write asks here is about the next cluster.
      const { view } = this.blocks.get(offset);
      const stop = Math.min((index + 1) * this.perBlock, cluster + max - run);
      for (; cluster < stop; cluster++) {
        if (readRefcount(view, cluster % this.perBlock, this.order) !== 0) {
          run = 0;
          continue;
        }
        this.refuseMetadata(cluster, given);
        if (firstSeen < 0) firstSeen = cluster;
        run++;
      }
    }
    const first = cluster - run;
    this.setRun(first, cluster);
    this.firstFree = firstSeen === first ? cluster : firstSeen;
    return { first: hostCluster(first), count: run };
  }

  /**
   * `count` neighbouring clusters, each with a count of 1: for a table, which lies in one piece.
   * @returns the first. @throws Fault as allocateRun
   */
  allocateArea(count: number): HostCluster {
    const run = this.allocateRun(count);
    if (run.count === count) return run.first;
    this.undoAllocate(run.first, run.count);
    return hostCluster(this.takeBehind(() => count).first);
  }

  /**
   * Finds room for a compressed stream, right behind the last one where that can be, and counts a reference to each cluster that
   * it touches. Nobody else refers to the bytes that it is given.
   * @param lengthBytes at most a cluster. @returns the host offset of its first byte
   */
  allocateBytes(lengthBytes: number): HostOffset {
    this.store.event?.("cluster_alloc_bytes");
    const { clusterSize } = this;
    const open = hostCluster(Math.floor(this.packedEnd / clusterSize));
    const inOpen = this.packedEnd % clusterSize;
    let start = this.packedEnd;
    // A cluster whose last stream went may be anything by now; one that is counted to the brim takes no more.
    const goesOn = inOpen !== 0 && this.get(open) > 0 && this.get(open) < maxRefcount(this.order);
    if (!goesOn || inOpen + lengthBytes > clusterSize) {
      const next = this.allocateRun(1, "compressed cluster").first;
      if (!goesOn || next !== open + 1) start = next * clusterSize;
      // It was given a count of its own, which is the stream's; where the stream begins in the open cluster, that one gets another.
      if (start !== next * clusterSize) this.increase(open);
    } else this.increase(open);
    this.packedEnd = start + lengthBytes;
    return hostOffset(start);
  }

  /** A cluster that is free again takes no more streams. */
  private forgetPacked(cluster: number): void {
    if (this.packedEnd > 0 && Math.floor(this.packedEnd / this.clusterSize) === cluster) this.packedEnd = 0;
  }

  /** @throws Fault when a cluster that nothing counts holds metadata in use: giving it away would destroy a table */
  private refuseMetadata(cluster: number, given: AllocatedKind | null): void {
    const owner = this.metadata.ownerOf(cluster * this.clusterSize);
    if (owner === null) return;
    const problem = imageProblem("refcount block", `refcount of cluster ${cluster}`, cluster * this.clusterSize, 0, `at least 1: it holds the ${owner}`);
    const corruption = cluster === 0 && given !== null ? ({ fatal: true, what: "offset-zero", given } as const) : ({ fatal: true, what: "overlap", owner } as const);
    throw new Fault({ ...problem, corruption });
  }

  /** Looks at what would be given out next, and gives out nothing. @throws Fault when a count of 0 turns out to belong to metadata in use */
  guardNext(): void {
    for (let cluster = this.firstFree; this.block(Math.floor(cluster / this.perBlock)) !== null; cluster++) {
      if (this.get(hostCluster(cluster)) === 0) return this.refuseMetadata(cluster, null);
    }
  }

  /**
   * Makes sure that a refcount block covers the cluster. A new block takes the first cluster of its own range, which is free
   * because no block ever counted it, and counts itself.
   * @returns true when the block took this very cluster
   */
  private coverWithBlock(cluster: number): boolean {
    const index = Math.floor(cluster / this.perBlock);
    if (this.table.blockOffset(index) !== 0) return false;
    this.table.makeRoomFor(index + 1);
    const home = index * this.perBlock;
    // The header's own cluster: the table has no block for it.
    if (home === 0) this.refuseMetadata(0, "refcount block");
    this.addBlock(index, home);
    this.set(hostCluster(home), 1);
    return home === cluster;
  }

  private addBlock(index: number, home: number): void {
    const offset = hostOffset(home * this.clusterSize);
    this.metadata.claim("refcount block", offset, this.clusterSize);
    this.blocks.addNew(offset, new Uint8Array(this.clusterSize));
    this.table.setBlock(index, offset);
  }

  private set(cluster: HostCluster, count: number): void {
    const offset = this.table.blockOffset(Math.floor(cluster / this.perBlock));
    assert(offset !== 0, "a counted cluster has a refcount block");
    this.put(offset, cluster % this.perBlock, count);
  }

  /** A count of 1 for each of the clusters [first, end), which refcount blocks cover. */
  private setRun(first: number, end: number): void {
    this.store.event?.("refblock_alloc");
    for (let cluster = first; cluster < end; ) {
      const block = this.blocks.get(this.table.blockOffset(Math.floor(cluster / this.perBlock)));
      const from = cluster % this.perBlock;
      const to = Math.min(this.perBlock, from + end - cluster);
      for (let index = from; index < to; index++) writeRefcount(block.view, index, this.order, 1);
      const bytes = 2 ** this.order / 8;
      this.blocks.markDirty(block, Math.floor(from * bytes), Math.ceil(to * bytes));
      cluster += to - from;
    }
  }

  private put(at: HostOffset, index: number, count: number): void {
    const block = this.blocks.get(at);
    writeRefcount(block.view, index, this.order, count);
    const byte = Math.floor((index * 2 ** this.order) / 8);
    this.blocks.markDirty(block, byte, byte + Math.max(1, 2 ** this.order / 8));
  }

  // ---- the flush's side -------------------------------------------------------------------------------------------------

  /** Whether the table has outgrown its clusters, so that it moves at the next flush. */
  get tableOutgrown(): boolean {
    return this.pendingMove !== null || this.table.length !== this.table.clusters * this.clusterSize;
  }

  /** The table has outgrown its clusters: takes new ones for it, before step 1. @returns where it moves, null when it stays */
  prepareTableMove(): TableMove | null {
    const outgrown = this.table.length !== (this.pendingMove?.clusters ?? this.table.clusters) * this.clusterSize;
    if (outgrown) {
      // An earlier flush failed between: what it took is too small by now.
      if (this.pendingMove !== null) this.undoAllocate(hostCluster(this.pendingMove.offset / this.clusterSize), this.pendingMove.clusters);
      // Given back once, also where no others are found.
      this.pendingMove = null;
      this.pendingMove = this.takeTableClusters();
    }
    if (this.pendingMove !== null) this.pendingMove = { ...this.pendingMove, data: this.table.data };
    return this.pendingMove;
  }

  /** Clusters for the whole table, in a place where it can grow. */
  private takeTableClusters(): TableMove {
    const { first, clusters } = this.takeBehind((entries) => Math.max(this.table.length, this.table.bytesFor(entries)) / this.clusterSize);
    if (clusters * this.clusterSize > this.table.length) this.table.grow(clusters * this.clusterSize);
    return { offset: hostOffset(first * this.clusterSize), clusters, data: this.table.data };
  }

  /**
   * Neighbouring clusters behind everything that is counted, then the refcount blocks that count them. Each block in their midst
   * would break them up, so here they do not take the first cluster of their range.
   * @param clustersFor how many clusters are wanted when the refcount table has so many entries in use
   */
  private takeBehind(clustersFor: (entries: number) => number): { first: number; clusters: number } {
    let firstIndex = this.table.entries;
    while (firstIndex > 0 && this.table.blockOffset(firstIndex - 1) === 0) firstIndex--;
    let blocks = 0;
    let clusters = 0;
    for (let needed = 1; blocks < needed; ) {
      blocks = needed;
      clusters = clustersFor(firstIndex + blocks);
      needed = Math.ceil((clusters + blocks) / this.perBlock);
    }
    const first = firstIndex * this.perBlock;
    for (let cluster = first; cluster < first + clusters + blocks; cluster++) this.refuseMetadata(cluster, null);
    this.table.makeRoomFor(firstIndex + blocks);
    for (let block = 0; block < blocks; block++) this.addBlock(firstIndex + block, first + clusters + block);
    for (let cluster = first; cluster < first + clusters + blocks; cluster++) this.set(hostCluster(cluster), 1);
    return { first, clusters };
  }

  /** A move of which a flush failed when the header's pointer was on its way; the next one first makes that pointer durable. */
  get leadingMove(): TableMove | null {
    return this.moveLeads ? this.pendingMove : null;
  }

  /** The header's pointer to the table in its new place, which is durable with every entry as it is now, is about to be written. */
  beginToLead(): void {
    this.moveLeads = true;
    this.table.changesStored();
  }

  /** The header points at the new place, durably: the old clusters are free once this flush has ended. */
  tableMoved({ offset, clusters }: TableMove): void {
    const { table } = this;
    this.metadata.release(table.offset, table.clusters * this.clusterSize);
    this.metadata.claim("refcount table", offset, clusters * this.clusterSize);
    for (let index = 0; index < table.clusters; index++) this.holdDecrease(hostCluster(table.offset / this.clusterSize + index));
    table.liesAt(offset, clusters);
    this.pendingMove = null;
    this.moveLeads = false;
  }

  /** Writes the changed entries of a table that stays where it is, one write per run. @returns whether there were any */
  writeTableEntries(write: (offset: number, data: Uint8Array) => void): boolean {
    return this.table.writeEntries(write);
  }

  /**
   * Step 3: carries out the decreases that were held back. Each is forgotten as it is done: a block that cannot be read ends this
   * in the middle, and what was taken away before it, taken away again, would free a cluster that was given out since.
   */
  applyDecreases(): void {
    if (this.hasDecreases) this.store.event?.("cluster_free");
    for (const [cluster, times] of this.heldDecreases) {
      const count = this.get(cluster);
      this.heldDecreases.delete(cluster);
      if (count === 0) continue;
      this.set(cluster, Math.max(0, count - times));
      if (count - times > 0) continue;
      this.firstFree = Math.min(this.firstFree, cluster);
      this.forgetPacked(cluster);
    }
  }

  get hasDecreases(): boolean {
    return this.heldDecreases.size > 0;
  }

  /** Clusters whose counts wait for the next flush to go down; each takes memory until then. */
  get heldCount(): number {
    return this.heldDecreases.size;
  }
}
