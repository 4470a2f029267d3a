/**
 * Making a new image: header, refcount table, refcount blocks, one area of a guest's (the zoned metadata), L1 table, and, where it is
 * preallocated, L2 tables and the data that they map; in that order from cluster 0, as QEMU and the patched builds begin a file
 * (zoned format, "Zoned metadata"). Every cluster of it is counted once.
 *
 * The header is written last, behind a barrier: a file whose making was interrupted is no qcow2 image and is never half of one.
 */
import { Fault } from "../base/fault.ts";
import { divideRoundUp, hostOffset, roundUp } from "../base/units.ts";
import { lengthen } from "../bytes/byte-store.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { ENTRY_BYTES, encodeOwnedEntry, encodeRefcountTableEntry, writeRefcount } from "./entries.ts";
import { FEATURE_NAMES_MAGIC, MAX_L1_BYTES, MAX_REFCOUNT_TABLE_BYTES, encodeHeader } from "./header.ts";
import type { NewHeader } from "./header.ts";
import { KNOWN_FEATURES, encodeFeatureNames } from "./features.ts";
import type { FeatureName } from "./features.ts";

/** QEMU leaves the feature names out of smaller clusters, whose header would have no room for a backing file's name. */
export const LEAST_CLUSTER_WITH_NAMES = 8192;
const ZERO_PIECE_BYTES = 4 * 2 ** 20;

/** An area that a header extension points at. */
export interface ExtensionArea {
  readonly contents: Uint8Array;
  /** Encodes the extension once the area's place in the file is known. */
  readonly extension: (areaOffset: number) => { readonly magic: number; readonly data: Uint8Array };
}

export interface NewImage extends Pick<NewHeader, "version" | "compatible" | "autoclear" | "compressionType" | "backingFile" | "incompatible"> {
  readonly virtualSize: number;
  /** A power of two from 512 to 2 MiB. */
  readonly clusterSize: number;
  /** A power of two from 1 to 64. */
  readonly refcountBits: number;
  /** L2 entries have a bitmap of subclusters each. */
  readonly extendedL2?: boolean;
  /** Extensions in front of the feature name table. */
  readonly extensions?: NewHeader["extensions"];
  /** Names for the feature name table beyond QEMU's own. */
  readonly featureNames: readonly FeatureName[];
  readonly area: ExtensionArea | null;
  /** Every cluster of the disk is mapped; "zeros": and written, where "holes" leaves the file as long as that and no more. */
  readonly preallocated?: "no" | "holes" | "zeros";
  /** The file that has the data in place of this one, cluster for cluster. */
  readonly data?: ByteStore | null;
}

/** The largest disk that an L1 table of QEMU's limit can map with this cluster size, in bytes. */
export const maxVirtualSize = (clusterSize: number, extendedL2 = false): number =>
  (MAX_L1_BYTES / ENTRY_BYTES) * (clusterSize / (extendedL2 ? 2 * ENTRY_BYTES : ENTRY_BYTES)) * clusterSize;

/** Writes the image into an empty store and flushes it. Options must be valid; the engine refuses others by name. */
export function createImage(store: ByteStore, image: NewImage): void {
  const making = makeImage(store, image);
  while (making.next().done !== true);
}

/** Where everything of a new image lies, in clusters of the file. */
interface Layout {
  readonly clusterSize: number;
  readonly order: number;
  readonly perBlock: number;
  readonly l1Size: number;
  readonly tableClusters: number;
  readonly blocks: number;
  readonly area: number;
  readonly l1: number;
  readonly l2: number;
  /** L2 tables, and clusters of data that they map; 0 unless preallocated. */
  readonly l2Tables: number;
  readonly dataClusters: number;
  /** Clusters of data in this file. */
  readonly ownData: number;
  readonly total: number;
  /** Bytes of the file: all clusters, but for what the L1 table leaves free of its last one where nothing lies behind it. */
  readonly fileBytes: number;
}

/** @throws Fault when the refcounts of so many clusters need a larger table than QEMU opens */
function layOut(image: NewImage): Layout {
  const { clusterSize } = image;
  const perBlock = (clusterSize * 8) / image.refcountBits;
  const l2Span = (clusterSize / (image.extendedL2 === true ? 2 * ENTRY_BYTES : ENTRY_BYTES)) * clusterSize;
  const l1Size = divideRoundUp(image.virtualSize, l2Span);
  const l1Clusters = divideRoundUp(l1Size * ENTRY_BYTES, clusterSize);
  const areaClusters = image.area === null ? 0 : divideRoundUp(image.area.contents.length, clusterSize);
  const preallocated = (image.preallocated ?? "no") !== "no";
  const l2Tables = preallocated ? l1Size : 0;
  const dataClusters = preallocated ? divideRoundUp(image.virtualSize, clusterSize) : 0;
  const ownData = image.data === undefined || image.data === null ? dataClusters : 0;
  // The blocks count themselves and the table that lists them: grow both until they cover everything.
  let blocks = 1;
  let tableClusters = 1;
  const total = (): number => 1 + tableClusters + blocks + areaClusters + l1Clusters + l2Tables + ownData;
  while (blocks * perBlock < total() || tableClusters * clusterSize < blocks * ENTRY_BYTES) {
    blocks = Math.max(blocks, divideRoundUp(total(), perBlock));
    tableClusters = divideRoundUp(blocks * ENTRY_BYTES, clusterSize);
  }
  if (tableClusters * clusterSize > Math.max(MAX_REFCOUNT_TABLE_BYTES, clusterSize)) {
    throw new Fault({ kind: "unsupported", feature: `a refcount table of ${tableClusters * clusterSize} bytes` });
  }
  const area = 1 + tableClusters + blocks;
  const l1 = area + areaClusters;
  const l2 = l1 + l1Clusters;
  const fileBytes = l2 === total() && l1Size > 0 ? l1 * clusterSize + l1Size * ENTRY_BYTES : total() * clusterSize;
  return { clusterSize, order: Math.log2(image.refcountBits), perBlock, l1Size, tableClusters, blocks, area, l1, l2, l2Tables, dataClusters, ownData, total: total(), fileBytes };
}

/** As createImage, telling how much of the data is written, 0 to 1, where the work can be stopped: what is left is no image. */
export function* makeImage(store: ByteStore, image: NewImage): Generator<number, void, void> {
  const layout = layOut(image);
  const { clusterSize, l1 } = layout;
  store.truncate(layout.fileBytes);
  yield* writeRefcounts(store, layout);
  if (image.area !== null) store.write(layout.area * clusterSize, image.area.contents);
  yield* writeMapping(store, layout, image);
  const data = image.data ?? null;
  // Where the tables map all of the disk, its last cluster is whole.
  if (data !== null) lengthen(data, image.preallocated === "no" ? image.virtualSize : roundUp(image.virtualSize, clusterSize));
  if (image.preallocated === "zeros") {
    const start = (layout.l2 + layout.l2Tables) * clusterSize;
    yield* writeZeros(data ?? store, data === null ? start : 0, data === null ? layout.ownData * clusterSize : image.virtualSize);
  }
  data?.flush();
  store.flush();
  // The rest of its cluster is stored too, as by QEMU, which takes a file with less in it than clusters in use for one that was given its places ahead.
  const head = new Uint8Array(clusterSize);
  head.set(headerOf(image, layout, layout.l1Size === 0 ? 0 : l1 * clusterSize));
  store.write(0, head);
  store.flush();
}

/** Every cluster of the file is used once, so that all blocks but the last are alike. */
function* writeRefcounts(store: ByteStore, { clusterSize, order, perBlock, blocks, tableClusters, total }: Layout): Generator<number, void, void> {
  const blocksAt = 1 + tableClusters;
  const table = new Uint8Array(tableClusters * clusterSize);
  const tableView = new DataView(table.buffer);
  for (let block = 0; block < blocks; block++) encodeRefcountTableEntry(tableView, block, hostOffset((blocksAt + block) * clusterSize));
  store.write(clusterSize, table);
  const counts = new Uint8Array(clusterSize);
  const view = new DataView(counts.buffer);
  for (let index = 0; index < Math.min(perBlock, total); index++) writeRefcount(view, index, order, 1);
  for (let block = 0; block < blocks; block++) {
    const used = Math.min(perBlock, Math.max(0, total - block * perBlock));
    if (used < perBlock) {
      counts.fill(0);
      for (let index = 0; index < used; index++) writeRefcount(view, index, order, 1);
    }
    store.write((blocksAt + block) * clusterSize, counts);
    yield 0;
  }
}

/** L1 and L2 tables of a preallocated image: data lies in guest order, in this file behind the tables, in another from its start. */
function* writeMapping(store: ByteStore, layout: Layout, image: NewImage): Generator<number, void, void> {
  const { clusterSize, l1, l2, l2Tables, dataClusters } = layout;
  if (l2Tables === 0) return;
  const stride = image.extendedL2 === true ? 2 : 1;
  const entries = clusterSize / (stride * ENTRY_BYTES);
  const firstData = layout.ownData === 0 ? 0 : l2 + l2Tables;
  const l1Table = new DataView(new ArrayBuffer(l2Tables * ENTRY_BYTES));
  const table = new DataView(new ArrayBuffer(clusterSize));
  for (let index = 0; index < l2Tables; index++) {
    encodeOwnedEntry(l1Table, index, hostOffset((l2 + index) * clusterSize));
    const used = Math.min(entries, dataClusters - index * entries);
    if (used < entries) new Uint8Array(table.buffer).fill(0);
    // With subclusters the cluster is the entry's own and none of its subclusters is written: what it shows is still the backing's.
    for (let entry = 0; entry < used; entry++) encodeOwnedEntry(table, entry * stride, hostOffset((firstData + index * entries + entry) * clusterSize));
    store.write((l2 + index) * clusterSize, new Uint8Array(table.buffer));
    yield 0;
  }
  store.write(l1 * clusterSize, new Uint8Array(l1Table.buffer));
}

/** Zeros as written bytes, not as a hole; tells the fraction done. */
export function* writeZeros(store: ByteStore, start: number, lengthBytes: number): Generator<number, void, void> {
  const zeros = new Uint8Array(Math.min(ZERO_PIECE_BYTES, lengthBytes));
  for (let done = 0; done < lengthBytes; done += zeros.length) {
    store.write(start + done, zeros.subarray(0, Math.min(zeros.length, lengthBytes - done)));
    yield done / lengthBytes;
  }
}

/** @throws Fault when the header does not fit its cluster */
function headerOf(image: NewImage, layout: Layout, l1Offset: number): Uint8Array {
  const { clusterSize } = layout;
  const { version = 3, backingFile = null, area } = image;
  const encode = (extensions: NewHeader["extensions"]): Uint8Array =>
    encodeHeader({
      version,
      clusterBits: Math.log2(clusterSize),
      virtualSize: image.virtualSize,
      l1Size: layout.l1Size,
      l1Offset,
      refcountTableOffset: clusterSize,
      refcountTableClusters: layout.tableClusters,
      incompatible: image.incompatible,
      compatible: image.compatible ?? 0n,
      autoclear: image.autoclear ?? 0n,
      refcountOrder: layout.order,
      compressionType: image.compressionType ?? 0,
      extensions,
      backingFile,
    });
  // The area's extension comes first, so that header and extension share the first 512 bytes; the names give way where they must.
  const extensions = [...(area === null ? [] : [area.extension(layout.area * clusterSize)]), ...(image.extensions ?? [])];
  const names = { magic: FEATURE_NAMES_MAGIC, data: encodeFeatureNames([...KNOWN_FEATURES, ...image.featureNames]) };
  const named = version === 3 && (area !== null || clusterSize >= LEAST_CLUSTER_WITH_NAMES);
  const withNames = encode(named ? [...extensions, names] : extensions);
  const chosen = withNames.length <= clusterSize ? withNames : encode(extensions);
  if (chosen.length > clusterSize) throw new Fault({ kind: "unsupported", feature: `a header of ${chosen.length} bytes in clusters of ${clusterSize}` });
  return chosen;
}
