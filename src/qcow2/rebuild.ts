/**
 * Building the refcount structure anew from the references that were counted, beside the old one: blocks and table go into clusters
 * that nothing refers to, and the old ones are freed by whoever called.
 *
 * The order, and what it prevents were the power to fail between: the blocks and the table are durable before the header leads to them
 * (else all counts would be read from whatever lay there); place and size of the table are one write within a sector, so that the
 * header leads to the old structure or to the new one; and nothing of the old one is freed before that write is durable.
 *
 * Which clusters are taken follows qemu-img, so that the image ends where one that it repaired ends.
 * Source: qcow2 specification, "Host cluster management".
 */
import { Fault } from "../base/fault.ts";
import { hostOffset } from "../base/units.ts";
import type { Check } from "./check.ts";
import { ENTRY_BYTES, encodeRefcountTableEntry, writeRefcount } from "./entries.ts";
import { MAX_REFCOUNT_TABLE_BYTES, encodeRefcountTablePlace } from "./header.ts";

/** The clusters that the new structure takes, found before anything is written. */
class Plan {
  /** Host cluster of each block, by its index in the table. */
  readonly blocks = new Map<number, number>();
  tableCluster = 0;
  tableEntries = 0;
  private readonly check: Check;
  private readonly lowest: number;
  /** Clusters that are known of; those behind are free. */
  private known: number;

  /** @param lowest no cluster before is taken */
  constructor(check: Check, lowest: number) {
    this.check = check;
    this.lowest = lowest;
    this.known = check.clusters;
    this.cover(0, this.known);
    for (let grown = true; grown; ) {
      const entries = this.tableEntries;
      const clusters = (entries * ENTRY_BYTES) / check.header.clusterSize;
      this.tableCluster = this.take(clusters, 0).first;
      this.cover(this.tableCluster, this.tableCluster + clusters);
      grown = this.tableEntries !== entries;
    }
  }

  /** Finds a block for every cluster in use of [from, to), and for the blocks' own. */
  private cover(from: number, to: number): void {
    const { references, refcounts, header } = this.check;
    const { perBlock } = refcounts;
    let end = to;
    let firstFree = 0;
    for (let cluster = from; cluster < end; cluster++) {
      if (references.get(cluster) === 0) {
        cluster = references.skipUnused(cluster, end) - 1;
        continue;
      }
      const index = Math.floor(cluster / perBlock);
      if (!this.blocks.has(index)) {
        // Not in the range of a block that is settled already.
        const taken = this.take(1, Math.max(firstFree, index * perBlock));
        firstFree = taken.gap;
        end = Math.max(end, taken.first + 1);
        this.blocks.set(index, taken.first);
        const perTableCluster = header.clusterSize / ENTRY_BYTES;
        this.tableEntries = Math.max(this.tableEntries, Math.ceil((index + 1) / perTableCluster) * perTableCluster);
        if (this.tableEntries * ENTRY_BYTES > MAX_REFCOUNT_TABLE_BYTES) throw new Fault({ kind: "unsupported", feature: "a refcount table above 8 MiB, which this image's refcounts would need" });
      }
      cluster = (index + 1) * perBlock - 1;
    }
  }

  /** Takes neighbouring clusters that nothing refers to. @returns the first, and the first gap that was found on the way */
  private take(count: number, from: number): { readonly first: number; readonly gap: number } {
    const { references } = this.check;
    let cluster = Math.max(from, this.lowest);
    let gap = -1;
    let run = 0;
    for (; cluster < this.known && run < count; cluster++) {
      if (references.get(cluster) !== 0) {
        run = 0;
        continue;
      }
      run++;
      if (gap < 0) gap = cluster;
    }
    const first = cluster - run;
    this.known = Math.max(this.known, first + count);
    for (let taken = first; taken < first + count; taken++) references.add(taken, 1);
    return { first, gap: gap < 0 ? first : gap };
  }
}

/**
 * Writes a new refcount structure and has the header lead to it.
 * @param onlyBehind takes clusters behind the file's end alone: one that seems free may be what a reference that was not read leads to
 * @throws Fault of the store, or for an image whose references do not fit into memory at once; the old structure then still holds
 */
export function* rebuildRefcounts(check: Check, onlyBehind: boolean): Generator<number, void, void> {
  const { store, header, references, refcounts } = check;
  const { clusterSize, refcountOrder } = header;
  if (references.from > 0) throw new Fault({ kind: "unsupported", feature: "building the refcounts of so large an image anew" });
  const plan = new Plan(check, onlyBehind ? check.clusters : 0);
  const { perBlock } = refcounts;
  for (const [index, place] of plan.blocks) {
    const block = new DataView(new ArrayBuffer(clusterSize));
    for (let entry = 0; entry < perBlock; entry++) {
      const count = references.get(index * perBlock + entry);
      if (count > 0) writeRefcount(block, entry, refcountOrder, count);
    }
    store.write(place * clusterSize, new Uint8Array(block.buffer));
    yield 0.45;
  }
  const table = new DataView(new ArrayBuffer(plan.tableEntries * ENTRY_BYTES));
  for (const [index, place] of plan.blocks) encodeRefcountTableEntry(table, index, hostOffset(place * clusterSize));
  store.write(plan.tableCluster * clusterSize, new Uint8Array(table.buffer));
  store.flush();
  const { at, data } = encodeRefcountTablePlace(plan.tableCluster * clusterSize, table.byteLength / clusterSize);
  store.write(at, data);
  store.flush();
}
