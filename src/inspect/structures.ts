/**
 * Where the structures of an image lie in its file, for whoever asks what a byte is: the header, tables, blocks and lists, those of
 * snapshots and bitmaps too, as far as they can be read. Data is not known here: only L2 tables know where that lies. Takes every
 * entry for what it is; what cannot be read leaves its structures out.
 */
import { Fault } from "../base/fault.ts";
import { firstAt } from "../base/search.ts";
import { sortAlong } from "../base/sort.ts";
import { viewOf } from "../base/view.ts";
import { readPadded } from "../bytes/byte-store.ts";
import type { LayoutKind } from "../protocol/inspect.ts";
import { readBitmapTable, readBitmaps } from "../qcow2/bitmaps.ts";
import { ENTRY_BYTES } from "../qcow2/entries.ts";
import { ENCRYPTION_MAGIC } from "../qcow2/header.ts";
import { forEachL1Offset } from "../qcow2/references.ts";
import { checkL1, textOf } from "../qcow2/snapshots.ts";
import { readSnapshotTable } from "../qcow2/snapshot-reader.ts";
import type { Inspected } from "./inspected.ts";

/** A structure's bytes in the file, [start, end). */
export interface Area {
  readonly start: number;
  readonly end: number;
  readonly kind: LayoutKind;
  /** In the format's words: "L2 table". */
  readonly structure: string;
  /** Which of its kind: the index of the entry that leads there, 0 for what there is one of. */
  readonly index: number;
}

/** Tables of snapshots and bitmaps that are read here; those of an image with more are left out. */
const MAX_INACTIVE_BYTES = 16 * 2 ** 20;

/** Where clusters of one kind lie, in the order of their indices; there may be millions. */
class Places {
  private offsetsAdded = new Float64Array(0);
  private indicesAdded = new Uint32Array(0);
  private count = 0;

  add(offset: number, index: number): void {
    // The first of those with one cluster has it.
    if (this.count > 0 && this.offsetsAdded[this.count - 1] === offset) return;
    if (this.count === this.offsetsAdded.length) this.reserve(Math.max(64, this.count));
    this.offsetsAdded[this.count] = offset;
    this.indicesAdded[this.count++] = index;
  }

  /** Makes room for so many more. */
  reserve(count: number): void {
    const [offsets, indices] = [new Float64Array(this.count + count), new Uint32Array(this.count + count)];
    offsets.set(this.offsets);
    indices.set(this.indices);
    [this.offsetsAdded, this.indicesAdded] = [offsets, indices];
  }

  get offsets(): Float64Array {
    return this.offsetsAdded.subarray(0, this.count);
  }

  get indices(): Uint32Array {
    return this.indicesAdded.subarray(0, this.count);
  }
}

/** Clusters of one kind, found by offset. Of several indices with one cluster the first has it. */
class Clusters {
  private readonly offsets: Float64Array;
  private readonly indices: Uint32Array;

  /** @param places are used up */
  constructor(places: Places) {
    const { offsets, indices } = places;
    sortAlong(offsets, indices);
    let count = 0;
    for (let at = 0; at < offsets.length; at++) {
      if (at > 0 && offsets[at] === offsets[count - 1]) continue;
      offsets[count] = offsets[at]!;
      indices[count++] = indices[at]!;
    }
    const once = [offsets.subarray(0, count), indices.subarray(0, count)] as const;
    // Where most were the same the rest of the memory is not kept.
    [this.offsets, this.indices] = count * 2 < offsets.length ? [once[0].slice(), once[1].slice()] : once;
  }

  has(offset: number): boolean {
    return this.offsets[this.position(offset)] === offset;
  }

  /** Position of the first cluster at or behind an offset. */
  private position(offset: number): number {
    return firstAt(this.offsets.length, (at) => this.offsets[at]! >= offset);
  }

  /** Clusters that begin in [from, to). */
  *between(from: number, to: number): Generator<readonly [offset: number, index: number], void, void> {
    for (let at = this.position(from); at < this.offsets.length && this.offsets[at]! < to; at++) yield [this.offsets[at]!, this.indices[at]!];
  }
}

export class Structures {
  private readonly clusterSize: number;
  /** What there are few of. */
  private readonly single: Area[] = [];
  private readonly many: { readonly clusters: Clusters; readonly kind: LayoutKind; readonly structure: string }[] = [];

  constructor(inspected: Inspected) {
    const { header, zoned } = inspected;
    this.clusterSize = header.clusterSize;
    this.add("header", "header", 0, header.clusterSize);
    if (header.l1Size > 0) this.add("l1-table", "L1 table", header.l1Offset, header.l1Size * ENTRY_BYTES);
    // One at 0 would be the header, taken for a table: there is none.
    const counts = header.refcountTableOffset !== 0;
    if (counts) this.add("refcount-table", "refcount table", header.refcountTableOffset, header.refcountTableClusters * header.clusterSize);
    if (zoned !== null) this.add("zoned-metadata", "zoned metadata", zoned.metadataOffset, zoned.metadataSize);
    const encryption = header.extensions.find(({ magic }) => magic === ENCRYPTION_MAGIC)?.data;
    if (encryption !== undefined && encryption.length >= 16) this.add("encryption-header", "encryption header", Number(viewOf(encryption).getBigUint64(0)), Number(viewOf(encryption).getBigUint64(8)));
    const tables = new Clusters(l1Targets(inspected.l1Words(0, header.l1Size)));
    this.many.push({ clusters: tables, kind: "l2-table", structure: "L2 table" });
    if (counts) this.addMany("refcount-block", "refcount block", this.blocks(inspected));
    orLeaveOut(() => this.addSnapshots(inspected, tables));
    orLeaveOut(() => this.addBitmaps(inspected));
  }

  /** The structures that have a byte of [from, to), by their start; what takes only a part of it is cut to that by nobody. */
  within(from: number, to: number): Area[] {
    const areas = this.single.filter(({ start, end }) => start < to && end > from);
    for (const { clusters, kind, structure } of this.many) {
      for (const [start, index] of clusters.between(from - this.clusterSize + 1, to)) areas.push({ start, end: start + this.clusterSize, kind, structure, index });
    }
    return areas.sort((a, b) => a.start - b.start);
  }

  private add(kind: LayoutKind, structure: string, start: number, lengthBytes: number, index = 0): void {
    if (lengthBytes > 0) this.single.push({ start, end: start + lengthBytes, kind, structure, index });
  }

  private addMany(kind: LayoutKind, structure: string, places: Places): void {
    this.many.push({ clusters: new Clusters(places), kind, structure });
  }

  private blocks({ refcounts }: Inspected): Places {
    const places = new Places();
    for (let index = 0; index < refcounts.blockCount; index++) {
      const { offset, offsetLow } = refcounts.entry(index);
      if (offset !== 0 && offsetLow % this.clusterSize === 0) places.add(offset, index);
    }
    return places;
  }

  private addSnapshots({ store, header }: Inspected, active: Clusters): void {
    if (header.snapshotCount === 0) return;
    const { snapshots, lengthBytes } = readSnapshotTable(store, header);
    this.add("snapshot-table", "snapshot table", header.snapshotsOffset, lengthBytes);
    const tables = new Places();
    let left = MAX_INACTIVE_BYTES;
    for (const [index, snapshot] of snapshots.entries()) {
      const bytes = snapshot.l1Size * ENTRY_BYTES;
      if (bytes === 0 || !checkL1(store, header, snapshot).ok || bytes > left) continue;
      left -= bytes;
      this.add("inactive-l1-table", `L1 table of snapshot ${textOf(snapshot.id)}`, snapshot.l1Offset, bytes, index);
      const words = new Uint8Array(bytes);
      readPadded(store, snapshot.l1Offset, words);
      l1Targets(new DataView(words.buffer), tables, active);
    }
    this.addMany("inactive-l2-table", "L2 table of a snapshot", tables);
  }

  private addBitmaps({ store, header }: Inspected): void {
    const directory = readBitmaps(store, header);
    if (directory === null) return;
    this.add("bitmap-directory", "bitmap directory", directory.offset, directory.lengthBytes);
    let left = MAX_INACTIVE_BYTES;
    const bits = new Places();
    for (const [index, bitmap] of directory.bitmaps.entries()) {
      const bytes = bitmap.tableSize * ENTRY_BYTES;
      if (bytes > left) continue;
      left -= bytes;
      this.add("bitmap", `table of bitmap ${textOf(bitmap.name)}`, bitmap.tableOffset, bytes, index);
      orLeaveOut(() => readBitmapTable(store, header, bitmap).forEach((entry) => entry > 1 && bits.add(entry, index)));
    }
    this.addMany("bitmap", "bits of a bitmap", bits);
  }
}

/** Adds the offsets of L2 tables with the index of their entry, none for entries that lead nowhere or to tables that are known. */
function l1Targets(words: DataView, places = new Places(), known: Clusters | null = null): Places {
  const l1 = { view: words, offset: 0, size: words.byteLength / ENTRY_BYTES };
  let entries = 0;
  forEachL1Offset(l1, () => entries++);
  places.reserve(entries);
  forEachL1Offset(l1, (offset, index) => {
    if (offset !== 0 && known?.has(offset) !== true) places.add(offset, index);
  });
  return places;
}

/** A structure that cannot be is told elsewhere; here it is not there. */
function orLeaveOut(act: () => void): void {
  try {
    act();
  } catch (error) {
    const isBroken = error instanceof Fault && (error.problem.kind === "image" || (error.problem.kind === "store" && error.problem.code === "short-read"));
    if (!isBroken) throw error;
  }
}
