/**
 * An open image as its parts share it: the store, the header, the tables in memory, and the registers of what the next flush
 * has to write. Functions of mapping.ts, write.ts, unmap.ts and flush.ts work on it; image.ts is the door from outside.
 */
import { assert } from "../base/assert.ts";
import { Fault, imageProblem, isOfFlush } from "../base/fault.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import type { HostOffset } from "../base/units.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { DebugEvent } from "../bytes/debug-rules.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { isZero } from "../bytes/zeros.ts";
import type { Backing } from "./backing.ts";
import { ClusterNames } from "./cluster-names.ts";
import type { Codecs } from "./codecs.ts";
import { ENTRY_BYTES, decodeL1Entry, encodeCopied, encodeOwnedEntry, firstInUse } from "./entries.ts";
import type { L1Entry } from "./entries.ts";
import { AUTOCLEAR_RAW_EXTERNAL, COMPATIBLE_LAZY_REFCOUNTS, INCOMPATIBLE_CORRUPT, INCOMPATIBLE_DIRTY, hasBit } from "./features.ts";
import { encodeIncompatible } from "./header.ts";
import type { Header } from "./header.ts";
import { entryFormat } from "./l2-entries.ts";
import type { EntryFormat } from "./l2-entries.ts";
import type { MetadataMap } from "./metadata-map.ts";
import { hasNoEntries } from "./no-entries.ts";
import { ReadSurvey } from "./read-survey.ts";
import type { Refcounts } from "./refcounts.ts";
import { TableCache } from "./table-cache.ts";
import { RIGHT_ORDER } from "./write-order.ts";
import type { FlushOrder } from "./write-order.ts";

const L2_CACHE_BYTES = 32 * 2 ** 20;
/** Of all disks of a chain. */
const CHAIN_CACHE_BYTES = 64 * 2 ** 20;

/** What else is written at the steps of a flush: the zoned device's write pointers. */
export interface FlushParticipant {
  /** Step 1: what must be on disk before any mapping changes. */
  beforeMapping(write: WriteBytes): void;
  /** Step 3: what may be on disk only after the mappings are. */
  afterMapping(write: WriteBytes): void;
  /** All three steps are durable. */
  flushed(): void;
}

export type WriteBytes = (offset: number, data: Uint8Array) => void;

/** An L1 entry that leads behind the end of the file. */
export const behindEnd = (at: number, fileLength: number): Fault =>
  new Fault(imageProblem("L2 table", "host offset", at, `a table behind the file's end (${fileLength})`, "a table inside the file"));

/** What an image stands on beside its own store. */
export interface ImageFoundation {
  /** The store of an external data file; null where guest data lies in the image itself. */
  readonly data: ByteStore | null;
  /** null where nothing stands below: unallocated bytes are zeros then. */
  readonly backing: Backing | null;
  readonly codecs: Codecs;
  /** Disks of the chain that it is one of, which share memory for tables and what is gone through of any file; absent: 1. */
  readonly chain?: number | undefined;
  /** Whether counts may lag under the dirty bit; absent: what the header says. */
  readonly lazyRefcounts?: boolean | undefined;
  /** Whether a cluster that is discarded, or zeroed and unmapped, keeps its place; absent: it does not. */
  readonly keepsPlaces?: boolean | undefined;
  /** Absent: the right one. Another is a bug of ours over any store but a scratch one. */
  readonly order?: FlushOrder | undefined;
}

function flushStore(store: ByteStore): void {
  store.event?.("flush_to_disk");
  store.flush();
}

export class ImageState {
  readonly store: ByteStore;
  /** Where the bytes of data clusters lie: `store`, or an external data file, whose host offsets are guest offsets. */
  readonly data: ByteStore;
  readonly backing: Backing | null;
  readonly codecs: Codecs;
  private readonly lazyRefcounts: boolean;
  readonly keepsPlaces: boolean;
  readonly order: FlushOrder;
  /** As it is on the disk, but for the place of a refcount table that moved; replaced by whoever changes the image as a whole. */
  header: Header;
  readonly format: EntryFormat;
  readonly clusterSize: number;
  /** Entries of an L2 table. */
  readonly l2Entries: number;
  /** Guest bytes that one L2 table maps. */
  readonly l2Span: number;
  l1: DataView;
  readonly l2: TableCache;
  /** null when the image is open for reading. */
  readonly refcounts: Refcounts | null;
  readonly metadata: MetadataMap;
  /** Of a large disk. */
  readonly survey: ReadSurvey | null;
  /** How often clusters are named, of a disk that is read; null before it is, where data lies at the guest's own offsets, and once anything was written: a cluster that is given up may be named again. */
  private names: ClusterNames | null = null;
  private written = false;
  participant: FlushParticipant | null = null;
  /** Told of every range of the guest's disk before it is written, zeroed or discarded; what it writes reaches the disk by its own barriers. */
  onChange: ((guestOffset: number, lengthBytes: number) => void) | null = null;
  /** Something was written to the store since its last barrier. */
  unflushed = false;
  /** The same of an external data file. */
  private unflushedData = false;
  /** Bytes that were written around new data to fill clusters, since the image was opened. */
  padding = 0;
  /** How far the data's store has to reach at the next flush, in bytes; 0 where it does at any rate. */
  private reach = 0;
  /** Whether the dirty bit was set here; unknown where the store refused a change of it, which may get there with a later write all the same. */
  private dirtyBit: "clear" | "set" | "unknown" = "clear";
  /** A change of the image as a whole goes on, after which it is opened anew: every count reaches the disk in its turn. */
  changesWhole = false;
  /** A lie of the image's tables was told (corruption.ts). */
  corruptionTold = false;
  /** Why the image refuses to be written: the flush that failed, or a switch of the header, a table that lies, or one that cannot be read. */
  private lost: Fault | null = null;
  /** Why nothing may be written from the beginning. What was never written is flushed all the same. */
  private refused: Fault | null = null;
  /** Bytes of the L1 table that changed, [start, end); empty when end is 0. */
  l1DirtyStart = 0;
  l1DirtyEnd = 0;
  /** The last compressed cluster that was read, inflated. */
  inflated: { readonly hostOffset: number; readonly data: Uint8Array } | null = null;
  /** Where a single cluster is put together. Small appends do that every few calls: a new array for each costs a browser as much as the rest. */
  private cluster: Uint8Array | null = null;
  private zeros: Uint8Array | null = null;

  constructor(store: ByteStore, header: Header, l1: Uint8Array, metadata: MetadataMap, refcounts: Refcounts | null, foundation: ImageFoundation) {
    this.store = store;
    this.data = foundation.data ?? store;
    this.backing = foundation.backing;
    this.codecs = foundation.codecs;
    this.lazyRefcounts = header.version >= 3 && (foundation.lazyRefcounts ?? hasBit(header.compatible, COMPATIBLE_LAZY_REFCOUNTS));
    // Of version 2 a place that is kept cannot be said to be zeros.
    this.keepsPlaces = header.version >= 3 && foundation.keepsPlaces === true;
    this.order = foundation.order ?? RIGHT_ORDER;
    assert(this.order === RIGHT_ORDER || store.scratch === true, "an image that is written in another order lies on a scratch store");
    this.header = header;
    const chain = foundation.chain ?? 1;
    this.format = entryFormat(header);
    this.clusterSize = header.clusterSize;
    this.l2Entries = header.clusterSize / this.format.entryBytes;
    this.l2Span = this.l2Entries * header.clusterSize;
    this.l1 = new DataView(l1.buffer, l1.byteOffset, l1.byteLength);
    this.metadata = metadata;
    this.survey = ReadSurvey.of(store, this.l1, header.clusterSize, refcounts !== null, chain);
    this.refcounts = refcounts;
    // Of a hundred disks, each on the next, every one may have thousands of tables in holes: what is only read has those in memory once.
    const room = refcounts === null ? new Uint8Array(header.clusterSize) : null;
    const empty = new Uint8Array(refcounts === null ? header.clusterSize : 0);
    this.l2 = new TableCache(header.clusterSize, Math.min(L2_CACHE_BYTES, CHAIN_CACHE_BYTES / chain), (at) => {
      store.event?.("l2_load");
      const table = room ?? new Uint8Array(header.clusterSize);
      readPadded(store, at, table);
      return room === null ? table : isZero(room) ? empty : room.slice();
    });
  }

  /** Bytes to fill and write, of at most a cluster and of any content; lent until the next call, for a store keeps nothing of what it is given. */
  lentBuffer(lengthBytes: number): Uint8Array {
    this.cluster ??= new Uint8Array(this.clusterSize);
    return this.cluster.subarray(0, lengthBytes);
  }

  /** As lentBuffer, of zeros; who puts something else into it makes it zeros again. */
  lentZeros(lengthBytes: number): Uint8Array {
    this.zeros ??= new Uint8Array(this.clusterSize);
    return this.zeros.subarray(0, lengthBytes);
  }

  /** Whether guest data lies in a file of its own. */
  get hasDataFile(): boolean {
    return this.data !== this.store;
  }

  /** Whether that file, by itself, is to read as the guest's disk does. */
  get hasRawDataFile(): boolean {
    return this.hasDataFile && hasBit(this.header.autoclear, AUTOCLEAR_RAW_EXTERNAL);
  }

  l1Entry(index: number): L1Entry {
    // Entries behind the table's end map nothing.
    if (index * ENTRY_BYTES >= this.l1.byteLength) return { hostOffset: 0 as HostOffset, copied: false };
    return decodeL1Entry(this.l1, index, this.header.l1Offset, this.clusterSize);
  }

  /** How many of `most` L1 entries from `index` on lead nowhere, up to the first that does; those behind the table's end do not. */
  l1EntriesUnused(index: number, most: number): number {
    if (most === 0 || hasNoEntries(this.l1)) return most;
    const { buffer, byteOffset, byteLength } = this.l1;
    const start = Math.min(index * ENTRY_BYTES, byteLength);
    const end = Math.min((index + most) * ENTRY_BYTES, byteLength);
    return firstInUse(new Uint8Array(buffer, byteOffset + start, end - start)) ?? most;
  }

  /** Data at a guest offset that a table maps is about to be read. @throws Fault where the disk names its clusters over and over */
  beforeDataRead(guestOffset: number): void {
    if (this.written || this.hasDataFile) return;
    this.names ??= new ClusterNames(this.header.clusterBits, this.format.entryBytes, this.l1.byteLength / ENTRY_BYTES);
    const index = Math.floor(guestOffset / this.l2Span);
    if (this.names.knows(index)) return;
    const { hostOffset } = this.l1Entry(index);
    this.names.count(index, this.l2.get(hostOffset).view, hostOffset);
  }

  setL1Entry(index: number, offset: HostOffset): void {
    encodeOwnedEntry(this.l1, index, offset);
    this.markL1Dirty(index);
  }

  /** Whether the L2 table is this disk's alone. */
  setL1Copied(index: number, copied: boolean): void {
    encodeCopied(this.l1, index, copied);
    this.markL1Dirty(index);
  }

  /** The entry leads nowhere any more. */
  clearL1Entry(index: number): void {
    this.l1.setBigUint64(index * ENTRY_BYTES, 0n);
    this.markL1Dirty(index);
  }

  private markL1Dirty(index: number): void {
    const start = index * ENTRY_BYTES;
    this.l1DirtyStart = this.l1DirtyEnd === 0 ? start : Math.min(this.l1DirtyStart, start);
    this.l1DirtyEnd = Math.max(this.l1DirtyEnd, start + ENTRY_BYTES);
  }

  /** Every write of the image to its store goes through here, so that a flush knows whether it owes a barrier. */
  readonly write: WriteBytes = (offset, data) => {
    this.requireSound(offset, data);
    this.unflushed = true;
    this.written = true;
    this.store.write(offset, data);
  };

  /** As write, of guest data. */
  readonly writeData: WriteBytes = (offset, data) => {
    this.data.event?.("write_aio");
    if (!this.hasDataFile) return this.write(offset, data);
    this.requireSound(offset, data);
    this.unflushedData = true;
    this.data.write(offset, data);
  };

  /** A cluster up to this host offset gets an entry, and the end of it was not written. */
  reachTo(end: number): void {
    this.reach = Math.max(this.reach, end);
  }

  /** Makes the store as long as what entries will lead to: a file that ends within a cluster looks cut short. Zeros are there already. */
  writeReach(): void {
    const size = this.reach === 0 ? 0 : this.data.size();
    if (size < this.reach) {
      const from = Math.max(size, this.reach - SECTOR_SIZE);
      this.writeData(from, new Uint8Array(this.reach - from));
    }
    this.reach = 0;
  }

  /** As write, told as `event` each time to a store that listens. */
  telling(event: DebugEvent): WriteBytes {
    if (this.store.event === undefined) return this.write;
    return (offset, data) => {
      this.store.event!(event);
      this.write(offset, data);
    };
  }

  private requireSound(offset: number, data: Uint8Array): void {
    const fault = this.lost ?? this.refused;
    if (fault !== null) throw fault;
    // Only an entry of the file leads there: it lies, and no bug of ours.
    if (!Number.isSafeInteger(offset + data.length)) throw new Fault(imageProblem("entry", "host offset", offset, offset, "a cluster that ends below 8 PiB"));
  }

  /**
   * What was written before is durable before what is written after, in both files. Where the platform's own flush fails nobody
   * knows what reached the disk, and asking again may falsely succeed: from then on the image is not written any more.
   */
  barrier(): void {
    if (this.lost !== null) throw this.lost;
    try {
      if (this.unflushedData) flushStore(this.data);
      this.unflushedData = false;
      if (this.unflushed) flushStore(this.store);
      this.unflushed = false;
    } catch (error) {
      if (error instanceof Fault && isOfFlush(error.problem)) this.lost = error;
      throw error;
    }
  }

  /**
   * Before an entry of an image with lazy refcounts changes: sets the dirty bit, durably. From then on until the image is left in good
   * order its refcounts may lag behind on the disk (flush.ts), and whoever opens it after a kill counts anew.
   */
  beforeMappingChange(): void {
    if (this.dirtyBit === "set" || this.changesWhole || !this.lazyRefcounts) return;
    this.markDirty();
  }

  /** Sets the dirty bit, durably: whoever opens the image after a kill counts anew. @throws Fault of the store */
  markDirty(): void {
    this.setDirty(true);
  }

  /** Whether the dirty bit says that refcounts on the disk need not be true. */
  get countsMayLag(): boolean {
    return this.dirtyBit === "set";
  }

  /** Whether the dirty bit is to go, or may be, before the image is left in good order. */
  get owesCleanBit(): boolean {
    return this.dirtyBit !== "clear";
  }

  /** After a flush of everything with all counts: they are true, and the dirty bit that was set here goes. */
  clearDirty(): void {
    if (this.owesCleanBit) this.setDirty(false);
  }

  /** As long as nobody knows what the disk says, no count lags. */
  private setDirty(set: boolean): void {
    const bit = 1n << BigInt(INCOMPATIBLE_DIRTY);
    this.dirtyBit = "unknown";
    this.setIncompatible(set ? this.header.incompatible | bit : this.header.incompatible & ~bit);
    this.dirtyBit = set ? "set" : "clear";
  }

  /**
   * Writes a field of the header that says where a table lies from then on. Where the store refuses, nobody knows which place the disk names, or
   * will once what was refused gets there: the image is not written any more. All that was written before is durable.
   */
  switchHeader(write: () => void): void {
    try {
      write();
      this.barrier();
    } catch (error) {
      if (error instanceof Fault) this.lost ??= error;
      throw error;
    }
  }

  /** Nothing is written from now on. @param fault of every write */
  refuseWrites(fault: Fault): void {
    this.refused ??= fault;
  }

  /**
   * A table lies: the image says so from now on and is not written any more.
   * @param fault of every later write
   */
  markCorrupt(fault: Fault): void {
    if (this.lost !== null) return;
    if (this.header.version >= 3) this.setIncompatible(this.header.incompatible | (1n << BigInt(INCOMPATIBLE_CORRUPT)));
    this.lost = fault;
  }

  private setIncompatible(bits: bigint): void {
    const { at, data } = encodeIncompatible(bits);
    this.write(at, data);
    this.barrier();
    this.header = { ...this.header, incompatible: bits };
  }
}
