/**
 * What a map tells of holes in the files below an image, where a file tells of them: of a raw image they are zeros without data. Of a qcow2
 * image they are looked at where it seems to have been given its places ahead of its data, and are zeros then, beside the places. Source:
 * qemu-img, "map".
 */
import { Fault } from "../base/fault.ts";
import { FIRST_BLOCK_BYTES } from "../bytes/byte-store.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { MOST_READ_BYTES } from "../bytes/holes.ts";
import type { FileRange } from "../bytes/holes.ts";
import type { Extent } from "../protocol/index.ts";
import { ENTRY_BYTES } from "../qcow2/entries.ts";
import type { Header } from "../qcow2/header.ts";
import { readHeader } from "../qcow2/open.ts";
import { forEachL1Offset, readL1 } from "../qcow2/references.ts";
import { StoredRefcounts } from "../qcow2/stored-refcounts.ts";
import { TableWork } from "../qcow2/table-work.ts";
import type { OpenedFiles } from "./open-device.ts";
import type { OpenImage } from "./open-image.ts";

export interface MappedExtents {
  readonly extents: readonly Extent[];
  readonly next: number | null;
}

/** QEMU stores the first block of every raw file that it makes. */
const OF_RAW: readonly (readonly FileRange[])[] = [[{ offset: 0, lengthBytes: FIRST_BLOCK_BYTES }]];

/**
 * The same ranges, parted where holes begin and end. Of an image that owes a flush nothing is told: what was written may not be in the file yet,
 * where a hole still is. @throws what is no Fault
 */
export function withHoles({ files, unflushed }: Pick<OpenImage, "files" | "unflushed">, mapped: MappedExtents): MappedExtents {
  if (unflushed) return mapped;
  const known = new Map<number, readonly FileRange[] | null>();
  const extents = mapped.extents.flatMap((extent) => {
    if (!extent.data || extent.zero || extent.hostOffset === null) return [extent];
    const below = filesAt(files, extent.depth);
    if (below === null) return [extent];
    if (!known.has(extent.depth)) known.set(extent.depth, holesIfTold(below));
    const holes = known.get(extent.depth)!;
    return holes === null ? [extent] : parted(extent, extent.hostOffset, holes, below.format === "raw");
  });
  return { extents, next: mapped.next };
}

function filesAt(files: OpenedFiles, depth: number): OpenedFiles | null {
  let at: OpenedFiles | null = files;
  for (let step = 0; step < depth && at !== null; step++) at = at.backing;
  return at;
}

/** Of images that are open for reading, which stay as they are: a map is asked for in pieces, and tables are gone through for the first. */
const found = new WeakMap<OpenedFiles, readonly FileRange[] | null>();

/** A file that cannot be read, or has too much to go through, is mapped all the same. */
function holesIfTold(files: OpenedFiles): readonly FileRange[] | null {
  let holes = found.get(files);
  if (holes !== undefined) return holes;
  try {
    holes = holesUnder(files);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    holes = null;
  }
  if (files.store.readOnly && files.data?.store.readOnly !== false) found.set(files, holes);
  return holes;
}

/** The holes of the file that has an image's data; null where there are none to tell of. @throws Fault of a store, and for too much work */
function holesUnder({ under, format, store, data }: OpenedFiles): readonly FileRange[] | null {
  if (under !== undefined) return null;
  if (format === "raw") return store.holes?.(OF_RAW) ?? null;
  if (store.holes === undefined || (data !== null && data.store.holes === undefined)) return null;
  const header = readHeader(store);
  const refcounts = new StoredRefcounts(store, header, new TableWork(store));
  if (!takesMoreThanItHas(store, header, refcounts)) return null;
  if (data !== null) return data.store.holes!(OF_RAW);
  // Of a longer file it is only told whether it has any.
  return store.holes(store.size() > MOST_READ_BYTES ? [] : [tablesOf(store, header, refcounts)]);
}

/** Whether many more clusters are in use than the file takes room for, as after a preallocation of metadata. */
function takesMoreThanItHas(store: ByteStore, { clusterSize }: Header, refcounts: StoredRefcounts): boolean {
  const there = Math.floor((store.allocated?.() ?? Infinity) / clusterSize);
  const threshold = Math.max(Math.floor((there * 10) / 9), there + 2);
  const clusters = Math.ceil(store.size() / clusterSize);
  if (clusters < threshold) return false;
  const { blockCount, perBlock } = refcounts;
  let used = 0;
  // By whole blocks: a file may be long enough for more clusters than can be asked for one by one.
  for (let index = 0; index < blockCount && index * perBlock < clusters && used < threshold; index++) {
    if (refcounts.block(index) === "unreadable") return false;
    const { inUse, last } = refcounts.totals(index);
    if (index * perBlock + last < clusters) used += inUse;
    else for (let cluster = index * perBlock; cluster < clusters; cluster++) if (refcounts.of(cluster) !== 0) used++;
  }
  return used >= threshold;
}

/** What is stored of header and tables, in order: whole clusters, but of the L1 table. @throws Fault of the store, and for an L1 table behind the file's end */
function tablesOf(store: ByteStore, header: Header, refcounts: StoredRefcounts): readonly FileRange[] {
  const { clusterSize } = header;
  const ranges: FileRange[] = [];
  const add = (offset: number, lengthBytes: number): void => void ranges.push({ offset, lengthBytes });
  add(0, clusterSize);
  add(header.refcountTableOffset, header.refcountTableClusters * clusterSize);
  add(header.l1Offset, header.l1Size * ENTRY_BYTES);
  for (let index = 0; index < refcounts.blockCount; index++) if (refcounts.entry(index).offset !== 0) add(refcounts.entry(index).offset, clusterSize);
  forEachL1Offset(readL1(store, header.l1Offset, header.l1Size), (offset) => add(offset, clusterSize));
  return ranges.sort((a, b) => a.offset - b.offset);
}

/** An extent in parts, of which those in holes are zeros. */
function parted(extent: Extent, hostOffset: number, holes: readonly FileRange[], raw: boolean): Extent[] {
  const parts: Extent[] = [];
  const end = hostOffset + extent.length;
  const add = (from: number, to: number, hole: boolean): void => {
    if (to > from) parts.push({ ...extent, start: extent.start + from - hostOffset, length: to - from, hostOffset: from, zero: hole, data: !(hole && raw) });
  };
  let at = hostOffset;
  for (let index = firstEndingBehind(holes, at); index < holes.length && at < end; index++) {
    const { offset, lengthBytes } = holes[index]!;
    const from = Math.min(Math.max(offset, at), end);
    add(at, from, false);
    at = Math.min(offset + lengthBytes, end);
    add(from, at, true);
  }
  add(at, end, false);
  return parts;
}

/** Index of the first range that ends behind an offset. */
function firstEndingBehind(ranges: readonly FileRange[], offset: number): number {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle]!.offset + ranges[middle]!.lengthBytes > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
