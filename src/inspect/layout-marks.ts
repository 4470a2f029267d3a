/**
 * What each host cluster of a stretch of the file holds, by following the tables: no judgement, every entry taken for what it says.
 * Which of two has a cluster that both claim is for layout.ts to tell from the refcounts. Source: qcow2 specification.
 */
import { Fault } from "../base/fault.ts";
import { viewOf } from "../base/view.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { isZero } from "../bytes/zeros.ts";
import type { LayoutKind } from "../protocol/inspect.ts";
import { readBitmapTable, readBitmaps } from "../qcow2/bitmaps.ts";
import { ENCRYPTION_MAGIC } from "../qcow2/header.ts";
import { ENTRY_BYTES } from "../qcow2/entries.ts";
import { LOW_ZERO, compressedPlace, isCompressed, offsetOf } from "../qcow2/entry-words.ts";
import { checkL1 } from "../qcow2/snapshots.ts";
import { readSnapshotTable } from "../qcow2/snapshot-reader.ts";
import type { TableWork } from "../qcow2/table-work.ts";
import { ClusterSet } from "./cluster-set.ts";
import type { Inspected } from "./inspected.ts";

/** L1 entries that are read at once. */
const L1_PIECE = 2 ** 16;

/** The kinds of clusters [first, first + kinds.length), and whose zone's data they hold. */
export interface Marks {
  readonly first: number;
  /** By cluster, index of a kind in the list that the marker was given; 0 for what nothing leads to. */
  readonly kinds: Uint8Array;
  /** By cluster, zone plus one; null without zones. */
  readonly zones: Uint32Array | null;
  /** References to clusters behind the file's end. */
  beyond: number;
  /** Whether any of the clusters has been marked. */
  touched: boolean;
}

export class Marker {
  private readonly inspected: Inspected;
  private readonly indexOf: (kind: LayoutKind) => number;
  private readonly marks: Marks;
  private readonly work: TableWork;
  private readonly clusterSize: number;
  private readonly fileClusters: number;
  private readonly walked = new ClusterSet();
  /** It is the snapshots' turn: what they have gives way to what the active disk has. */
  private inactive = false;

  /** @param work takes account of the tables that are gone through, in all stretches */
  constructor(inspected: Inspected, kinds: readonly LayoutKind[], marks: Marks, work: TableWork) {
    this.inspected = inspected;
    this.work = work;
    this.indexOf = (kind) => kinds.indexOf(kind);
    this.marks = marks;
    this.clusterSize = inspected.header.clusterSize;
    this.fileClusters = Math.ceil(inspected.fileSize / this.clusterSize);
  }

  /** Follows all tables. Yields the fraction done. @throws Fault of the store, and for more tables than the file can hold */
  *run(): Generator<number, void, void> {
    const { header, zoned } = this.inspected;
    this.area("header", 0, this.clusterSize);
    // One at 0 would be the header, taken for a table: there is none.
    if (header.refcountTableOffset !== 0) {
      this.area("refcount-table", header.refcountTableOffset, header.refcountTableClusters * this.clusterSize);
      this.blocks();
    }
    if (zoned !== null) this.area("zoned-metadata", zoned.metadataOffset, zoned.metadataSize);
    const encryption = header.extensions.find(({ magic }) => magic === ENCRYPTION_MAGIC)?.data;
    if (encryption !== undefined && encryption.length >= 16) this.area("encryption-header", Number(viewOf(encryption).getBigUint64(0)), Number(viewOf(encryption).getBigUint64(8)));
    this.area("l1-table", header.l1Offset, header.l1Size * ENTRY_BYTES);
    for (const fraction of this.l1(header.l1Offset, header.l1Size, true)) yield 0.8 * fraction;
    leaveOut(() => this.bitmaps());
    this.inactive = true;
    for (const fraction of this.snapshots()) yield 0.8 + 0.2 * fraction;
  }

  private mark(cluster: number, kind: number, zone: number): void {
    const { marks } = this;
    if (cluster >= this.fileClusters) marks.beyond++;
    const index = cluster - marks.first;
    if (index < 0 || index >= marks.kinds.length) return;
    const there = marks.kinds[index]!;
    if (this.inactive ? there !== 0 : there >= kind) return;
    marks.kinds[index] = kind;
    marks.touched = true;
    if (marks.zones !== null && zone > 0) marks.zones[index] = zone;
  }

  private area(kind: LayoutKind, offset: number, lengthBytes: number): void {
    if (lengthBytes <= 0) return;
    const index = this.indexOf(kind);
    const { marks } = this;
    const last = Math.floor((offset + lengthBytes - 1) / this.clusterSize);
    // Of a length that cannot be, only what is asked for is gone through.
    const first = Math.floor(offset / this.clusterSize);
    if (last >= this.fileClusters) marks.beyond = Math.min(marks.beyond + last + 1 - Math.max(first, this.fileClusters), Number.MAX_SAFE_INTEGER);
    for (let cluster = Math.max(first, marks.first); cluster <= Math.min(last, marks.first + marks.kinds.length - 1); cluster++) {
      const there = marks.kinds[cluster - marks.first]!;
      if (this.inactive ? there !== 0 : there >= index) continue;
      marks.kinds[cluster - marks.first] = index;
      marks.touched = true;
    }
  }

  private blocks(): void {
    const { refcounts } = this.inspected;
    const kind = this.indexOf("refcount-block");
    for (let index = 0; index < refcounts.blockCount; index++) {
      const { offset, offsetLow } = refcounts.entry(index);
      if (offset !== 0 && offsetLow % this.clusterSize === 0) this.mark(offset / this.clusterSize, kind, 0);
    }
  }

  /** An L1 table and the L2 tables that it leads to, each once. */
  private *l1(offset: number, size: number, active: boolean): Generator<number, void, void> {
    const { store, l2Span, fileSize } = this.inspected;
    const kind = this.indexOf(active ? "l2-table" : "inactive-l2-table");
    for (let first = 0; first < size; first += L1_PIECE) {
      const words = new Uint8Array(Math.min(L1_PIECE, size - first) * ENTRY_BYTES);
      this.work.read(words.length);
      readPadded(store, offset + first * ENTRY_BYTES, words);
      yield first / size;
      if (isZero(words)) continue;
      const view = new DataView(words.buffer);
      let entries = 0;
      for (let at = 0; at < words.length; at += ENTRY_BYTES) {
        const table = offsetOf(view.getUint32(at), view.getUint32(at + 4));
        if (table === 0) continue;
        entries++;
        const cluster = Math.floor(table / this.clusterSize);
        this.mark(cluster, kind, 0);
        if (table >= fileSize || !this.walked.add(cluster)) continue;
        const index = first + at / ENTRY_BYTES;
        const l2 = active ? this.inspected.nextTable(index, table) : this.inactiveTable(table);
        if (l2 === null) continue;
        this.l2(l2, index * l2Span, active);
        yield index / size;
      }
      this.work.entries(entries);
    }
  }

  private inactiveTable(offset: number): DataView {
    this.work.read(this.clusterSize);
    return this.inspected.l2Table(offset);
  }

  private l2(table: DataView, guestStart: number, active: boolean): void {
    const { header, format, zoned } = this.inspected;
    const { clusterBits, clusterSize } = header;
    const zoneSize = active && zoned !== null ? zoned.geometry.zoneSize : 0;
    const zoneCount = zoned?.geometry.zoneCount ?? 0;
    const [data, zero, compressed] = active ? [this.indexOf("data"), this.indexOf("zero-allocated"), this.indexOf("compressed")] : [this.indexOf("inactive-data"), this.indexOf("inactive-data"), this.indexOf("inactive-data")];
    for (let at = 0, guest = guestStart; at < clusterSize; at += format.entryBytes, guest += clusterSize) {
      const [high, low] = [table.getUint32(at), table.getUint32(at + 4)];
      if (high === 0 && low === 0) continue;
      const zone = zoneSize === 0 ? 0 : Math.min(Math.floor(guest / zoneSize) + 1, zoneCount);
      if (isCompressed(high)) {
        const { offset, lengthBytes } = compressedPlace(high, low, clusterBits);
        const last = Math.floor((offset + lengthBytes - 1) / clusterSize);
        if (!format.externalData) for (let cluster = Math.floor(offset / clusterSize); cluster <= last; cluster++) this.mark(cluster, compressed, zone);
        continue;
      }
      const offset = offsetOf(high, low);
      // What lies in a file of its own takes no cluster of this one.
      if (offset === 0 || format.externalData) continue;
      const isZero = format.extended ? table.getUint32(at + 12) === 0 : (low & LOW_ZERO) !== 0;
      this.mark(Math.floor(offset / clusterSize), isZero ? zero : data, zone);
    }
  }

  private bitmaps(): void {
    const { store, header } = this.inspected;
    const directory = readBitmaps(store, header);
    if (directory === null) return;
    this.area("bitmap-directory", directory.offset, directory.lengthBytes);
    const kind = this.indexOf("bitmap");
    /** References behind the file's end, by table: those that have one go through it once. */
    const walked = new Map<string, number>();
    for (const bitmap of directory.bitmaps) {
      this.area("bitmap", bitmap.tableOffset, bitmap.tableSize * ENTRY_BYTES);
      const key = `${bitmap.tableOffset} ${bitmap.tableSize}`;
      const beyond = walked.get(key);
      if (beyond !== undefined) {
        this.marks.beyond += beyond;
        continue;
      }
      const before = this.marks.beyond;
      leaveOut(() => readBitmapTable(store, header, bitmap).forEach((entry) => entry > 1 && this.mark(entry / this.clusterSize, kind, 0)));
      walked.set(key, this.marks.beyond - before);
    }
  }

  private *snapshots(): Generator<number, void, void> {
    const { store, header } = this.inspected;
    if (header.snapshotCount === 0) return;
    const read = leaveOut(() => readSnapshotTable(store, header));
    if (read === null) return;
    // The table is the image's own, whatever snapshots it lists.
    this.inactive = false;
    this.area("snapshot-table", header.snapshotsOffset, read.lengthBytes);
    this.inactive = true;
    const seen = new Set<string>();
    for (const snapshot of read.snapshots) {
      const key = `${snapshot.l1Offset} ${snapshot.l1Size}`;
      const bytes = snapshot.l1Size * ENTRY_BYTES;
      if (bytes === 0 || seen.has(key) || !checkL1(store, header, snapshot).ok) continue;
      seen.add(key);
      this.area("inactive-l1-table", snapshot.l1Offset, bytes);
      yield* this.l1(snapshot.l1Offset, snapshot.l1Size, false);
    }
  }
}

/** A structure that cannot be has no clusters here; the check names it. */
function leaveOut<Value>(act: () => Value): Value | null {
  try {
    return act();
  } catch (error) {
    if (error instanceof Fault && (error.problem.kind === "image" || (error.problem.kind === "store" && error.problem.code === "short-read"))) return null;
    throw error;
  }
}
