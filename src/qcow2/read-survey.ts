/**
 * The L2 tables of a large disk, as whoever goes through it meets them. No more is gone through than the file takes of its disk
 * (table-work.ts), each table once for every L1 entry that leads to it. Once many of them turn out to be empty, all are held against
 * that by their number; and of a disk that is only read all are looked at in the file's order then (filled-tables.ts), so that the empty ones
 * are not read one by one.
 */
import { Fault } from "../base/fault.ts";
import { sortNumbers } from "../base/sort.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { ENTRY_BYTES, forEachInUse } from "./entries.ts";
import { offsetAt } from "./entry-words.ts";
import { distinct, filledTables } from "./filled-tables.ts";
import type { OffsetSet } from "./filled-tables.ts";
import { FREE_WORK, TableWork } from "./table-work.ts";

/** Disks whose tables can take no more than this are read as they are. */
const LARGE_BYTES = 2 ** 25;
/** Bytes of empty tables after which all are looked at; a small one costs as much as one of these. */
const MANY_EMPTY_BYTES = 2 ** 26;
const SMALL_BYTES = 2 ** 16;
/** How many times as many of a disk that is written: they are only counted, and who reads a part of it is not to be refused for the rest. */
const WRITTEN_TIMES = 8;
/** Entries become extents that are told one by one, or clusters that are copied: of a file that holds next to nothing, fewer than a check goes through. */
const FREE_ENTRIES = 2 ** 20;

/** The word of a cluster that reads as zeros and has no place. */
const isPlainZero = (table: DataView, index: number): boolean => table.getUint32(index * ENTRY_BYTES) === 0 && table.getUint32(index * ENTRY_BYTES + 4) === 1;

interface L1Facts {
  /** Every entry leads to a table of its own. */
  readonly distinct: boolean;
  /** What the file takes for entries that say anything. */
  readonly inUseBytes: number;
}

export class ReadSurvey {
  private readonly store: ByteStore;
  private readonly l1: DataView;
  private readonly tableBytes: number;
  private readonly work: TableWork;
  private readonly changes: boolean;
  private readonly chain: number;
  /** By L1 entry, a bit: its table was met. */
  private readonly met: Uint8Array;
  private empty = 0;
  private looked = false;
  /** Why the tables are too many, once that is known. */
  private refusal: Fault | null = null;
  private filled: OffsetSet | null = null;
  private l1Facts: L1Facts | null = null;

  private constructor(store: ByteStore, l1: DataView, tableBytes: number, changes: boolean, chain: number) {
    this.store = store;
    this.changes = changes;
    this.chain = chain;
    this.l1 = l1;
    this.tableBytes = tableBytes;
    this.work = this.newWork();
    this.met = new Uint8Array(Math.ceil(l1.byteLength / ENTRY_BYTES / 8));
  }

  /** @returns null for a disk of few tables. @param changes whether tables may change: then none is known to be empty. @param chain how many disks share what is gone through of any file */
  static of(store: ByteStore, l1: DataView, tableBytes: number, changes: boolean, chain: number): ReadSurvey | null {
    return (l1.byteLength / ENTRY_BYTES) * tableBytes < LARGE_BYTES ? null : new ReadSurvey(store, l1, tableBytes, changes, chain);
  }

  /** Whether the table is known to have no entry, so that it need not be read. */
  isEmpty(hostOffset: number): boolean {
    return this.filled !== null && !this.filled.has(hostOffset);
  }

  /** An L1 entry led to a table, which was read. @throws Fault where that is more than the file can hold; of a disk that is only read, for every further one then */
  meet(l1Index: number, table: DataView): void {
    const bit = 1 << (l1Index & 7);
    const at = l1Index >>> 3;
    // Entries that came behind the end of the table lead to tables of this program.
    if (at >= this.met.length || (this.met[at]! & bit) !== 0) return;
    if (this.refusal !== null) throw this.refusal;
    this.met[at] = this.met[at]! | bit;
    try {
      this.count(table);
    } catch (error) {
      if (error instanceof Fault && !this.changes) this.refusal = error;
      throw error;
    }
  }

  private count(table: DataView): void {
    this.work.read(this.tableBytes);
    let inUse = 0;
    let told = 0;
    forEachInUse(new Uint8Array(table.buffer, table.byteOffset, table.byteLength), (index) => {
      inUse++;
      // A run of zeros is one extent and no data; and tables of nothing else are what file systems compress to next to nothing.
      if (index === 0 || !isPlainZero(table, index) || !isPlainZero(table, index - 1)) told++;
    });
    this.work.entries(told);
    if (inUse > 0 || this.looked) return;
    this.empty++;
    if (this.empty * Math.max(this.tableBytes, SMALL_BYTES) >= MANY_EMPTY_BYTES * (this.changes ? WRITTEN_TIMES : 1)) this.look();
  }

  private newWork(): TableWork {
    return new TableWork(this.store, { ...FREE_WORK, entries: FREE_ENTRIES }, () => this.facts().distinct, this.chain, () => this.facts().inUseBytes);
  }

  /** Looks at all tables at once. @throws Fault where they are more than the file can hold */
  private look(): void {
    this.looked = true;
    const sorted = this.sortedTables();
    this.l1Facts ??= this.factsOf(sorted);
    const offsets = distinct(sorted);
    const number = this.newWork();
    // Side by side they are read by the megabyte, where none of them changes.
    if (this.changes) for (let count = 0; count < offsets.length; count++) number.read(this.tableBytes);
    else {
      number.read(offsets.length * this.tableBytes);
      this.filled = filledTables(this.store, offsets, this.tableBytes, this.work);
    }
  }

  private facts(): L1Facts {
    return (this.l1Facts ??= this.factsOf(this.sortedTables()));
  }

  private factsOf(sorted: Float64Array): L1Facts {
    let index = 1;
    while (index < sorted.length && sorted[index]! - sorted[index - 1]! >= this.tableBytes) index++;
    return { distinct: index >= sorted.length, inUseBytes: sorted.length * ENTRY_BYTES };
  }

  private sortedTables(): Float64Array {
    const offsets = new Float64Array(this.l1.byteLength / ENTRY_BYTES);
    let count = 0;
    forEachInUse(new Uint8Array(this.l1.buffer, this.l1.byteOffset, this.l1.byteLength), (index) => {
      offsets[count++] = offsetAt(this.l1, index * ENTRY_BYTES);
    });
    return sortNumbers(offsets.subarray(0, count));
  }
}
