/**
 * Reference counts of another width: the whole structure written anew beside the old one, every count as it is, also those that
 * nothing explains. Given the state of an image that is open for writing and was flushed; afterwards the image is to be opened anew,
 * and what the old structure took is to be given up (giveUpClusters), which only the new counts can do.
 *
 * The order, and what it prevents were the power to fail between:
 * 1. clusters for the new blocks and the new table are counted in the old structure, durably: the old image, with leaks;
 * 2. blocks and table are written, durably, before the header leads to them: counts read from whatever lay there;
 * 3. place and length of the table and the width of a count, which lie in one sector, are one write: counts of one width read as
 *    those of another;
 * 4. the old structure's clusters are given up only then: a table that the header still leads to, given out again.
 *
 * Source: qcow2 specification, "Host cluster management".
 */
import { assert } from "../base/assert.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { divideRoundUp, hostCluster, hostOffset } from "../base/units.ts";
import type { HostCluster } from "../base/units.ts";
import { ENTRY_BYTES, encodeRefcountTableEntry, maxRefcount, readRefcount, writeRefcount } from "./entries.ts";
import { flushImage } from "./flush.ts";
import { MAX_REFCOUNT_TABLE_BYTES } from "./header.ts";
import { changeHeader } from "./header-edit.ts";
import type { ImageState } from "./image-state.ts";
import type { Refcounts } from "./refcounts.ts";

/** Decreases that wait in memory; more of them are carried out between. */
const MAX_HELD = 2 ** 17;

/** Why the width stays. */
export type WidthRefusal =
  /** A count needs more bits. Bytes of the file. */
  | { readonly code: "too-narrow"; readonly hostOffset: number; readonly refcount: number }
  | { readonly code: "table-too-large" };

/**
 * @param order of the new width, log2 of its bits
 * @returns the clusters of the old structure; yields the fraction done, 0 to 1. Nothing is changed where it is refused
 */
export function* changeRefcountWidth(state: ImageState, order: number): Generator<number, Result<readonly HostCluster[], WidthRefusal>, void> {
  const { refcounts, header } = state;
  assert(refcounts !== null, "the width of refcounts changes in an image that is open for writing");
  assert(header.version === 3, "version 2 has one width");
  const narrow = yield* findTooLarge(refcounts, order);
  if (narrow !== null) return err(narrow);
  const plan = new Plan(state, refcounts, order);
  let old: readonly HostCluster[] | null = null;
  try {
    const planned = yield* plan.make();
    if (!planned.ok) return planned;
    const own = refcounts.ownClusters();
    yield* writeStructure(state, refcounts, plan, order);
    old = own;
  } catch (error) {
    // What the store could not do once it is not asked to undo: the old image, with leaks.
    plan.forget();
    throw error;
  } finally {
    // Refused, or stopped where it yielded: nothing leads to the new structure, and its clusters are free again.
    if (old === null) giveUpClusters(state, plan.clusters());
  }
  const refcountTable = { offset: plan.tableCluster * header.clusterSize, clusters: plan.tableClusters };
  const changed = changeHeader(state.store, () => ({ fields: { refcountTable, refcountOrder: order } }));
  assert(changed, "numbers of the fixed part need no room");
  return ok(old);
}

/** Gives up clusters of which nothing on the disk knows any more. */
export function giveUpClusters(state: ImageState, clusters: readonly HostCluster[]): void {
  const { refcounts } = state;
  assert(refcounts !== null, "clusters are given up in an image that is open for writing");
  for (const cluster of clusters) {
    refcounts.holdDecrease(cluster);
    if (refcounts.heldCount >= MAX_HELD) flushImage(state);
  }
  flushImage(state);
}

/** The first count that a narrower width cannot hold. */
function* findTooLarge(refcounts: Refcounts, order: number): Generator<number, WidthRefusal | null, void> {
  const most = maxRefcount(order);
  if (order >= refcounts.order) return null;
  for (let index = 0; index < refcounts.tableEntries; index++) {
    const block = refcounts.block(index);
    for (let entry = 0; block !== null && entry < refcounts.perBlock; entry++) {
      const refcount = readRefcount(block, entry, refcounts.order);
      if (refcount > most) return { code: "too-narrow", hostOffset: (index * refcounts.perBlock + entry) * refcounts.clusterSize, refcount };
    }
    yield 0;
  }
  return null;
}

/** The clusters that the new structure takes, each counted in the old one. */
class Plan {
  /** Host cluster of each new block, by its index in the new table. */
  readonly blocks = new Map<number, HostCluster>();
  tableCluster = 0;
  tableClusters = 0;
  private tableEntries = 0;
  readonly perBlock: number;
  /** How often the counts were gone through until all clusters were there. */
  walks = 0;
  private readonly state: ImageState;
  private readonly refcounts: Refcounts;

  constructor(state: ImageState, refcounts: Refcounts, order: number) {
    this.state = state;
    this.refcounts = refcounts;
    this.perBlock = (state.clusterSize * 8) / 2 ** order;
  }

  /** All that the new structure takes. */
  clusters(): HostCluster[] {
    return [...this.blocks.values(), ...Array.from({ length: this.tableClusters }, (_, index) => hostCluster(this.tableCluster + index))];
  }

  forget(): void {
    this.blocks.clear();
    this.tableClusters = 0;
  }

  /** Takes clusters until all are counted, its own among them. */
  *make(): Generator<number, Result<null, WidthRefusal>, void> {
    const { state, refcounts } = this;
    for (let walk = 0; ; walk++) {
      const missing = yield* this.missing(walk);
      this.walks = walk + 1;
      for (const index of missing) this.tableEntries = Math.max(this.tableEntries, index + 1);
      const tableClusters = divideRoundUp(this.tableEntries * ENTRY_BYTES, state.clusterSize);
      if (tableClusters * state.clusterSize > Math.max(MAX_REFCOUNT_TABLE_BYTES, state.clusterSize)) return err({ code: "table-too-large" });
      if (missing.length === 0 && this.tableClusters >= tableClusters) return ok(null);
      for (const index of missing) this.blocks.set(index, refcounts.allocateRun(1).first);
      if (this.tableClusters < tableClusters) {
        if (this.tableClusters > 0) refcounts.undoAllocate(hostCluster(this.tableCluster), this.tableClusters);
        this.tableCluster = refcounts.allocateArea(tableClusters);
        this.tableClusters = tableClusters;
      }
      // An old table that has outgrown its place moves now, and its new place is one more to count.
      flushImage(state);
    }
  }

  /** Indexes of new blocks that would hold a count and are not there yet, in order. */
  private *missing(walk: number): Generator<number, number[], void> {
    const { refcounts, perBlock } = this;
    const found: number[] = [];
    const { tableEntries } = refcounts;
    for (let index = 0; index < tableEntries; index++) {
      yield (walk + index / tableEntries) / Math.max(3, walk + 2);
      const block = refcounts.block(index);
      for (let entry = 0; block !== null && entry < refcounts.perBlock; ) {
        const wanted = Math.floor((index * refcounts.perBlock + entry) / perBlock);
        const next = (wanted + 1) * perBlock - index * refcounts.perBlock;
        if (this.blocks.has(wanted) || found.at(-1) === wanted) entry = next;
        else if (readRefcount(block, entry, refcounts.order) !== 0) found.push(wanted);
        else entry++;
      }
    }
    yield (walk + 1) / Math.max(3, walk + 2);
    return found;
  }
}

function* writeStructure(state: ImageState, refcounts: Refcounts, plan: Plan, order: number): Generator<number, void, void> {
  const { clusterSize } = state;
  const { perBlock } = plan;
  const table = new DataView(new ArrayBuffer(plan.tableClusters * clusterSize));
  let done = 0;
  for (const [index, cluster] of plan.blocks) {
    const block = new DataView(new ArrayBuffer(clusterSize));
    const end = (index + 1) * perBlock;
    for (let at = index * perBlock; at < end; ) {
      const oldIndex = Math.floor(at / refcounts.perBlock);
      const stop = Math.min(end, (oldIndex + 1) * refcounts.perBlock);
      const old = refcounts.block(oldIndex);
      for (; old !== null && at < stop; at++) {
        const count = readRefcount(old, at % refcounts.perBlock, refcounts.order);
        if (count > 0) writeRefcount(block, at % perBlock, order, count);
      }
      at = stop;
    }
    state.write(cluster * clusterSize, new Uint8Array(block.buffer));
    encodeRefcountTableEntry(table, index, hostOffset(cluster * clusterSize));
    yield (plan.walks + done++ / plan.blocks.size) / (plan.walks + 1);
  }
  state.write(plan.tableCluster * clusterSize, new Uint8Array(table.buffer));
  state.barrier();
}
