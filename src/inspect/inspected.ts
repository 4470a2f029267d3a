/** A qcow2 file under inspection: its store, its header where one is believed, and what is read of its tables. */
import { Fault } from "../base/fault.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { ENTRY_BYTES } from "../qcow2/entries.ts";
import { offsetAt } from "../qcow2/entry-words.ts";
import type { Header } from "../qcow2/header.ts";
import { entryFormat } from "../qcow2/l2-entries.ts";
import type { EntryFormat } from "../qcow2/l2-entries.ts";
import { ReadSurvey } from "../qcow2/read-survey.ts";
import { StoredRefcounts } from "../qcow2/stored-refcounts.ts";
import type { ZonedHeader } from "../zoned/dialect.ts";
import { ClusterSet } from "./cluster-set.ts";
import type { HostIndex } from "./host-index.ts";
import { Structures } from "./structures.ts";

export interface ActiveTable {
  readonly l1Index: number;
  readonly offset: number;
  readonly table: DataView | null;
}

export class Inspected {
  readonly store: ByteStore;
  readonly header: Header;
  /** null without zones that are believed. */
  readonly zoned: ZonedHeader | null;
  readonly fileSize: number;
  readonly format: EntryFormat;
  /** Entries of an L2 table. */
  readonly l2Entries: number;
  /** Guest bytes that one L2 table maps. */
  readonly l2Span: number;
  /** Which table leads to a cluster, once that was asked for; null for an image that is too large. */
  hostIndex: HostIndex | null | undefined = undefined;
  /**
   * Such an index of the file as it was a while ago: the entry that it leads to is looked at, so that what is found is true; what it does
   * not know is looked for anew. null without one.
   */
  hint: HostIndex | null = null;
  private refcountsRead: StoredRefcounts | null = null;
  private structuresRead: Structures | null = null;
  private survey: ReadSurvey | null | undefined = undefined;

  constructor(store: ByteStore, header: Header, zoned: ZonedHeader | null) {
    this.store = store;
    this.header = header;
    this.zoned = zoned;
    this.fileSize = store.size();
    this.format = entryFormat(header);
    this.l2Entries = header.clusterSize / this.format.entryBytes;
    this.l2Span = this.l2Entries * header.clusterSize;
  }

  /** The refcounts; their table is read when they are first asked for. */
  get refcounts(): StoredRefcounts {
    return (this.refcountsRead ??= new StoredRefcounts(this.store, this.header));
  }

  /** Where the structures lie; the tables are read when they are first asked for. */
  get structures(): Structures {
    return (this.structuresRead ??= new Structures(this));
  }

  /** Entries [from, from + count) of the active L1 table. */
  l1Words(from: number, count: number): DataView {
    const words = new Uint8Array(count * ENTRY_BYTES);
    readPadded(this.store, this.header.l1Offset + from * ENTRY_BYTES, words);
    return new DataView(words.buffer);
  }

  /**
   * An L2 table of the active disk, for who goes through all of them; what lies behind the file's end is zeros.
   * @returns null for one that is known to have no entry. @throws Fault where they are more than the file can hold
   */
  nextTable(l1Index: number, offset: number): DataView | null {
    const { header } = this;
    if (this.survey === undefined) this.survey = ReadSurvey.of(this.store, this.l1Words(0, header.l1Size), header.clusterSize, false, 1);
    if (this.survey?.isEmpty(offset) === true) return null;
    const table = this.l2Table(offset);
    this.survey?.meet(l1Index, table);
    return table;
  }

  /** The L2 tables of the active disk that are in the file, each for the first L1 entry that leads there; null as nextTable says. @throws Fault as nextTable */
  *activeTables(): Generator<ActiveTable, void, void> {
    const { header, fileSize } = this;
    const l1 = this.l1Words(0, header.l1Size);
    const seen = new ClusterSet();
    for (let l1Index = 0; l1Index < header.l1Size; l1Index++) {
      const offset = offsetAt(l1, l1Index * ENTRY_BYTES);
      if (offset === 0 || offset >= fileSize || !seen.add(Math.floor(offset / header.clusterSize))) continue;
      yield { l1Index, offset, table: this.nextTable(l1Index, offset) };
    }
  }

  /** An L2 table; what lies behind the file's end is zeros. */
  l2Table(offset: number): DataView {
    const table = new Uint8Array(this.header.clusterSize);
    readPadded(this.store, offset, table);
    return new DataView(table.buffer);
  }
}

/** What a decoder makes of an entry, or the problem for which it refuses it. */
export function tolerant<Value>(decode: () => Value): { readonly value: Value; readonly problem: null } | { readonly value: null; readonly problem: Fault["problem"] & { kind: "image" } } {
  try {
    return { value: decode(), problem: null };
  } catch (error) {
    if (error instanceof Fault && error.problem.kind === "image") return { value: null, problem: error.problem };
    throw error;
  }
}
