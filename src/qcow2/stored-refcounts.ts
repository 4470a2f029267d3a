/**
 * The refcounts as the file has them, for those who look at all of them: blocks decoded to plain numbers, a bounded number of them in
 * memory. Believes as little as qemu-img check does: reserved bits of the refcount table do not keep a block from being read, an
 * offset that is no cluster's does. Source: qcow2 specification, "Host cluster management".
 */
import type { ByteStore } from "../bytes/byte-store.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { ENTRY_BYTES, readRefcount } from "./entries.ts";
import { isZero } from "../bytes/zeros.ts";
import { refcountTableWord } from "./entry-words.ts";
import type { RefcountTableWord } from "./entry-words.ts";
import type { Header } from "./header.ts";
import type { TableWork } from "./table-work.ts";

/** No file reaches further for QEMU; what lies behind a file's end and before this reads as zeros. */
const LAST_OFFSET = 2 ** 63 - 2 ** 30;
/** Decoded blocks in memory. */
const CACHE_BYTES = 32 * 2 ** 20;

/** What a block takes of that beside its values, which all blocks of zeros share. */
const ENTRY_COST = 1024;
/** Blocks of which it is known how many of their counts are none. */
const MAX_TOTALS = 4096;

export type RefcountValues = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** Of a block. */
export interface BlockTotals {
  /** Counts that are not 0. */
  readonly inUse: number;
  /** Index of the last of them. */
  readonly last: number;
}

const NO_TOTALS: BlockTotals = { inUse: 0, last: 0 };

export class StoredRefcounts {
  /** Entries of the refcount table. */
  readonly blockCount: number;
  /** Clusters that one block counts. */
  readonly perBlock: number;
  private readonly store: ByteStore;
  private readonly clusterSize: number;
  private readonly order: number;
  private readonly table: DataView;
  /** By host offset, the one used last behind the others. */
  private readonly cache = new Map<number, RefcountValues>();
  private cachedBytes = 0;
  private readonly work: TableWork | null;
  private readonly raw: Uint8Array;
  private zeros: Uint8Array | null = null;
  private readonly known = new Map<number, BlockTotals>();
  private lastIndex = -1;
  private last: RefcountValues | null = null;

  /** @param work takes account of what is read, where that is bounded */
  constructor(store: ByteStore, header: Pick<Header, "clusterSize" | "refcountOrder" | "refcountTableOffset" | "refcountTableClusters">, work: TableWork | null = null) {
    this.store = store;
    this.work = work;
    this.raw = new Uint8Array(header.clusterSize);
    this.clusterSize = header.clusterSize;
    this.order = header.refcountOrder;
    const table = new Uint8Array(header.refcountTableClusters * header.clusterSize);
    readPadded(store, header.refcountTableOffset, table);
    this.table = new DataView(table.buffer);
    this.blockCount = table.length / ENTRY_BYTES;
    this.perBlock = (header.clusterSize * 8) / 2 ** header.refcountOrder;
  }

  /** What the refcount table says of a block. */
  entry(index: number): RefcountTableWord {
    return refcountTableWord(this.table, index);
  }

  /** The counts of a block; null where there is none, and all are 0, "unreadable" where the table's entry leads to no cluster that a file can have. */
  block(index: number): RefcountValues | null | "unreadable" {
    if (index === this.lastIndex) return this.last;
    if (index >= this.blockCount) return null;
    const { offset, offsetLow } = this.entry(index);
    if (offset === 0) return null;
    if (offsetLow % this.clusterSize !== 0 || offset > LAST_OFFSET - this.clusterSize) return "unreadable";
    this.last = this.cached(offset);
    this.lastIndex = index;
    return this.last;
  }

  /** How many counts of a block that can be read are not 0. */
  totals(index: number): BlockTotals {
    const values = this.block(index);
    if (values === null || values === "unreadable" || values === this.zeros) return NO_TOTALS;
    const { offset } = this.entry(index);
    let totals = this.known.get(offset);
    if (totals !== undefined) return totals;
    let inUse = 0;
    let last = 0;
    for (let at = 0; at < values.length; at++) {
      if (values[at] === 0) continue;
      inUse++;
      last = at;
    }
    totals = { inUse, last };
    if (this.known.size >= MAX_TOTALS) this.known.clear();
    this.known.set(offset, totals);
    return totals;
  }

  /** null where the count cannot be looked up. */
  of(cluster: number): number | null {
    const index = Math.floor(cluster / this.perBlock);
    const block = index === this.lastIndex ? this.last : this.block(index);
    return block === null ? 0 : block === "unreadable" ? null : block[cluster - index * this.perBlock]!;
  }

  /** A cluster's count as a finding tells it: with all its digits where `refcount`, as it was read, has not all of them. */
  told(cluster: number, refcount: number): { readonly refcount: number; readonly digits?: string } {
    return refcount < Number.MAX_SAFE_INTEGER ? { refcount } : { refcount, digits: this.exactly(cluster).toString() };
  }

  /** A count of 64 bits, with all its digits; 0 where it cannot be looked up. */
  private exactly(cluster: number): bigint {
    const index = Math.floor(cluster / this.perBlock);
    const { offset } = index < this.blockCount ? this.entry(index) : { offset: 0 };
    if (offset === 0 || this.of(cluster) === null) return 0n;
    const bytes = new Uint8Array(8);
    readPadded(this.store, offset + (cluster - index * this.perBlock) * 8, bytes);
    return new DataView(bytes.buffer).getBigUint64(0);
  }

  private cached(offset: number): RefcountValues {
    let values = this.cache.get(offset);
    if (values !== undefined) {
      this.cache.delete(offset);
      this.cache.set(offset, values);
      return values;
    }
    const { raw } = this;
    this.work?.read(raw.length);
    readPadded(this.store, offset, raw);
    values = isZero(raw) ? (this.zeros ??= new Uint8Array(this.perBlock)) : decodeBlock(raw, this.order);
    this.cache.set(offset, values);
    this.cachedBytes += this.costOf(values);
    if (this.cachedBytes > CACHE_BYTES) this.dropOldest();
    return values;
  }

  /** An eighth at once: to find the oldest costs as much as all that went before it were. */
  private dropOldest(): void {
    for (const [oldest, old] of this.cache) {
      if (this.cachedBytes <= (CACHE_BYTES / 8) * 7 || this.cache.size <= 2) break;
      this.cache.delete(oldest);
      this.cachedBytes -= this.costOf(old);
    }
  }

  private costOf(values: RefcountValues): number {
    return ENTRY_COST + (values === this.zeros ? 0 : values.byteLength);
  }
}

/** All counts of a refcount block. @param order log2 of their width in bits */
function decodeBlock(raw: Uint8Array, order: number): RefcountValues {
  const count = (raw.length * 8) / 2 ** order;
  if (order === 3) return raw.slice();
  if (order === 4) {
    const values = new Uint16Array(count);
    for (let index = 0, at = 0; index < count; index++, at += 2) values[index] = (raw[at]! << 8) | raw[at + 1]!;
    return values;
  }
  const values = order < 3 ? new Uint8Array(count) : order === 5 ? new Uint32Array(count) : new Float64Array(count);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  for (let index = 0; index < count; index++) values[index] = readRefcount(view, index, order);
  return values;
}
