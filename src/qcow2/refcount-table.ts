/**
 * The refcount table in memory: which refcount block counts a range of clusters, where the table lies in the file, and which of its
 * entries the file does not have yet. It knows nothing of counts; what moves or grows it decides that.
 *
 * Source: qcow2 specification, "Host cluster management".
 */
import { Fault } from "../base/fault.ts";
import { hostOffset } from "../base/units.ts";
import type { HostOffset } from "../base/units.ts";
import { readPadded } from "../bytes/byte-store.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { ENTRY_BYTES, decodeRefcountTableEntry, decodeRefcountTableOffset, encodeRefcountTableEntry } from "./entries.ts";
import { MAX_REFCOUNT_TABLE_BYTES } from "./header.ts";
import type { Header } from "./header.ts";

export class RefcountTable {
  private readonly store: ByteStore;
  private readonly clusterSize: number;
  private bytes: Uint8Array;
  private view: DataView;
  private at: HostOffset;
  private clusterCount: number;
  /** Entries that differ from the file. */
  private readonly changed = new Set<number>();

  /** Reads the table; what lies behind the file's end is zero. */
  constructor(store: ByteStore, header: Header) {
    this.store = store;
    this.clusterSize = header.clusterSize;
    this.at = header.refcountTableOffset;
    this.clusterCount = header.refcountTableClusters;
    this.bytes = new Uint8Array(header.refcountTableClusters * header.clusterSize);
    store.event?.("reftable_load");
    readPadded(store, header.refcountTableOffset, this.bytes);
    this.view = new DataView(this.bytes.buffer);
  }

  /** The whole table as it shall be; another array once it has grown. */
  get data(): Uint8Array {
    return this.bytes;
  }

  /** Its length in bytes, which may be more than the clusters that it has in the file. */
  get length(): number {
    return this.bytes.length;
  }

  /** Its entries, of which not all lead to a block. */
  get entries(): number {
    return this.bytes.length / ENTRY_BYTES;
  }

  /** Where it lies in the file. */
  get offset(): HostOffset {
    return this.at;
  }

  /** The clusters that it has there. */
  get clusters(): number {
    return this.clusterCount;
  }

  /** Host offset of the refcount block of that index; 0 where there is none. @throws Fault for an entry that cannot be */
  blockOffset(index: number): HostOffset {
    if (index * ENTRY_BYTES >= this.bytes.length) return hostOffset(0);
    return decodeRefcountTableEntry(this.view, index, this.at, this.clusterSize, true);
  }

  /** Whether the entry of that index leads to no cluster's start. */
  leadsNowhere(index: number): boolean {
    return decodeRefcountTableOffset(this.view, index) % this.clusterSize !== 0;
  }

  /** The table has an entry of that index. */
  setBlock(index: number, block: HostOffset): void {
    encodeRefcountTableEntry(this.view, index, block);
    this.changed.add(index);
  }

  /** Bytes for a table of so many entries and half as many to come, in whole clusters; never more than anybody would open again. @throws Fault beyond that */
  bytesFor(entries: number): number {
    if (entries * ENTRY_BYTES > MAX_REFCOUNT_TABLE_BYTES) throw new Fault({ kind: "unsupported", feature: "a refcount table above 8 MiB: the image file cannot grow further" });
    return Math.min(Math.ceil((entries * ENTRY_BYTES * 1.5) / this.clusterSize) * this.clusterSize, MAX_REFCOUNT_TABLE_BYTES);
  }

  /** Grows in memory where it has fewer entries. @throws Fault as bytesFor */
  makeRoomFor(entries: number): void {
    if (entries > this.entries) this.grow(this.bytesFor(entries));
  }

  /** Grows in memory; in the file it has the clusters that it had. */
  grow(lengthBytes: number): void {
    this.store.event?.("reftable_grow");
    const grown = new Uint8Array(lengthBytes);
    grown.set(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** It was written in another place, whole, and the header points there. */
  liesAt(offset: HostOffset, clusters: number): void {
    this.at = offset;
    this.clusterCount = clusters;
  }

  /** Every entry was written as it is now. */
  changesStored(): void {
    this.changed.clear();
  }

  /** Writes the changed entries in place, one write per run. @returns whether there were any */
  writeEntries(write: (offset: number, data: Uint8Array) => void): boolean {
    const changed = [...this.changed].sort((a, b) => a - b);
    for (let index = 0; index < changed.length; ) {
      const from = changed[index]!;
      let to = from + 1;
      while (changed[++index] === to) to++;
      write(this.at + from * ENTRY_BYTES, this.bytes.subarray(from * ENTRY_BYTES, to * ENTRY_BYTES));
    }
    this.changed.clear();
    return changed.length > 0;
  }
}
