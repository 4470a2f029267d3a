/**
 * Clusters of metadata in memory: L2 tables or refcount blocks, by host offset, within a fixed budget.
 *
 * Clean tables are dropped least recently used first. A dirty table stays until a flush writes it, because when it may reach
 * the disk is the flush's business alone (flush.ts): `pressure` tells the image when to flush early. Only the sectors that
 * changed are written.
 */
import { assert } from "../base/assert.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import type { HostOffset } from "../base/units.ts";

/** What a table takes in memory beside its bytes, with what is not yet collected of those that were dropped. */
const TABLE_COST = 1536;

export interface CachedTable {
  readonly hostOffset: HostOffset;
  readonly data: Uint8Array;
  readonly view: DataView;
  /** Changed bytes [dirtyStart, dirtyEnd), sector-aligned; empty when clean. */
  dirtyStart: number;
  dirtyEnd: number;
  /** Never yet on disk, and nothing on disk refers to it: written whole, before the entries that will. */
  isNew: boolean;
  lastUse: number;
}

export class TableCache {
  private readonly tables = new Map<number, CachedTable>();
  private readonly dirty = new Set<CachedTable>();
  private readonly maxTables: number;
  private readonly load: (hostOffset: HostOffset) => Uint8Array;
  private tick = 0;

  /**
   * @param budgetBytes how much may be cached; at least eight tables are
   * @param load reads one cluster from the store
   */
  constructor(clusterSize: number, budgetBytes: number, load: (hostOffset: HostOffset) => Uint8Array) {
    this.maxTables = Math.max(8, Math.floor(budgetBytes / (clusterSize + TABLE_COST)));
    this.load = load;
  }

  get(hostOffset: HostOffset): CachedTable {
    const cached = this.tables.get(hostOffset);
    if (cached !== undefined) {
      cached.lastUse = ++this.tick;
      return cached;
    }
    return this.insert(hostOffset, this.load(hostOffset), false);
  }

  /** The bytes of a table that is in memory; null for any other, which is not read. */
  cached(hostOffset: number): DataView | null {
    return this.tables.get(hostOffset)?.view ?? null;
  }

  /** A table that is being born at this cluster, dirty as a whole. */
  addNew(hostOffset: HostOffset, data: Uint8Array): CachedTable {
    assert(!this.tables.has(hostOffset), "a new table takes a cluster that holds no cached table");
    const table = this.insert(hostOffset, data, true);
    this.markDirty(table, 0, data.length);
    return table;
  }

  markDirty(table: CachedTable, start: number, end: number): void {
    const from = Math.floor(start / SECTOR_SIZE) * SECTOR_SIZE;
    const to = Math.min(Math.ceil(end / SECTOR_SIZE) * SECTOR_SIZE, table.data.length);
    if (table.dirtyEnd === 0) {
      table.dirtyStart = from;
      table.dirtyEnd = to;
      this.dirty.add(table);
      return;
    }
    if (from < table.dirtyStart) table.dirtyStart = from;
    if (to > table.dirtyEnd) table.dirtyEnd = to;
  }

  /** Forgets a table whose cluster is about to become something else; what it had unwritten no longer matters. */
  forget(hostOffset: HostOffset): void {
    const table = this.tables.get(hostOffset);
    if (table === undefined) return;
    this.tables.delete(hostOffset);
    this.dirty.delete(table);
  }

  /** Writes dirty tables in order of their place in the file; each is clean once its write returned. */
  writeDirty(which: "new" | "all", write: (offset: number, data: Uint8Array) => void): void {
    const tables = [...this.dirty].filter((table) => which === "all" || table.isNew).sort((a, b) => a.hostOffset - b.hostOffset);
    for (const table of tables) {
      write(table.hostOffset + table.dirtyStart, table.data.subarray(table.dirtyStart, table.dirtyEnd));
      table.dirtyStart = 0;
      table.dirtyEnd = 0;
      table.isNew = false;
      this.dirty.delete(table);
    }
  }

  get dirtyCount(): number {
    return this.dirty.size;
  }

  /** Half the budget is dirty: flush before touching more tables. */
  get pressure(): boolean {
    return this.dirty.size * 2 >= this.maxTables;
  }

  private insert(hostOffset: HostOffset, data: Uint8Array, isNew: boolean): CachedTable {
    if (this.tables.size >= this.maxTables) this.evictClean();
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const table: CachedTable = { hostOffset, data, view, dirtyStart: 0, dirtyEnd: 0, isNew, lastUse: ++this.tick };
    this.tables.set(hostOffset, table);
    return table;
  }

  /** Drops the least recently used clean eighth, so that one search pays for many insertions. */
  private evictClean(): void {
    const clean = [...this.tables.values()].filter((table) => table.dirtyEnd === 0).sort((a, b) => a.lastUse - b.lastUse);
    for (const table of clean.slice(0, Math.max(1, this.maxTables >> 3))) this.tables.delete(table.hostOffset);
  }
}
