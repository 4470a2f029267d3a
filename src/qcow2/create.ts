/**
 * Making a new version 3 image: header, refcount table, refcount blocks, one area of a guest's (the zoned metadata), L1 table, in
 * that order from cluster 0, as the patched builds lay it out (zoned format, "Zoned metadata").
 *
 * The header is written last, behind a barrier: a file whose making was interrupted is no qcow2 image and is never half of one.
 */
import { Fault } from "../base/fault.ts";
import { divideRoundUp, hostOffset } from "../base/units.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { ENTRY_BYTES, encodeRefcountTableEntry, writeRefcount } from "./entries.ts";
import { FEATURE_NAMES_MAGIC, encodeHeader } from "./header.ts";
import { KNOWN_FEATURES, encodeFeatureNames } from "./features.ts";
import type { FeatureName } from "./features.ts";

/** QEMU opens no image with a larger L1 table. */
const MAX_L1_BYTES = 32 * 2 ** 20;

/** An area that a header extension points at. */
export interface ExtensionArea {
  readonly contents: Uint8Array;
  /** Encodes the extension once the area's place in the file is known. */
  readonly extension: (areaOffset: number) => { readonly magic: number; readonly data: Uint8Array };
}

export interface NewImage {
  readonly virtualSize: number;
  /** A power of two from 512 to 2 MiB. */
  readonly clusterSize: number;
  /** A power of two from 1 to 64. */
  readonly refcountBits: number;
  readonly incompatible: bigint;
  /** Names for the feature name table beyond QEMU's own. */
  readonly featureNames: readonly FeatureName[];
  readonly area: ExtensionArea | null;
}

/** The largest disk that an L1 table of QEMU's limit can map with this cluster size, in bytes. */
export const maxVirtualSize = (clusterSize: number): number => (MAX_L1_BYTES / ENTRY_BYTES) * (clusterSize / ENTRY_BYTES) * clusterSize;

/** Writes the image into an empty store and flushes it. Options must be valid; the engine refuses others by name. */
export function createImage(store: ByteStore, image: NewImage): void {
  const { clusterSize } = image;
  const order = Math.log2(image.refcountBits);
  const perBlock = (clusterSize * 8) / image.refcountBits;
  const l1Size = divideRoundUp(image.virtualSize, (clusterSize / ENTRY_BYTES) * clusterSize);
  const l1Clusters = Math.max(1, divideRoundUp(l1Size * ENTRY_BYTES, clusterSize));
  const areaClusters = image.area === null ? 0 : divideRoundUp(image.area.contents.length, clusterSize);

  // The blocks count themselves and the table that lists them: grow both until they cover everything.
  let blocks = 1;
  let tableClusters = 1;
  const total = (): number => 1 + tableClusters + blocks + areaClusters + l1Clusters;
  while (blocks * perBlock < total() || tableClusters * clusterSize < blocks * ENTRY_BYTES) {
    blocks = Math.max(blocks, divideRoundUp(total(), perBlock));
    tableClusters = divideRoundUp(blocks * ENTRY_BYTES, clusterSize);
  }
  const tableOffset = clusterSize;
  const blocksOffset = tableOffset + tableClusters * clusterSize;
  const areaOffset = blocksOffset + blocks * clusterSize;
  const l1Offset = areaOffset + areaClusters * clusterSize;

  store.truncate(total() * clusterSize);
  const table = new Uint8Array(tableClusters * clusterSize);
  const tableView = new DataView(table.buffer);
  const counts = new Uint8Array(blocks * clusterSize);
  const countsView = new DataView(counts.buffer);
  for (let block = 0; block < blocks; block++) encodeRefcountTableEntry(tableView, block, hostOffset(blocksOffset + block * clusterSize));
  for (let cluster = 0; cluster < total(); cluster++) writeRefcount(countsView, cluster, order, 1);
  store.write(tableOffset, table);
  store.write(blocksOffset, counts);
  if (image.area !== null) store.write(areaOffset, image.area.contents);
  store.flush();

  // The area's extension comes first, so that header and extension share the first 512 bytes; the names give way where they must.
  const extensions = image.area === null ? [] : [image.area.extension(areaOffset)];
  const names = { magic: FEATURE_NAMES_MAGIC, data: encodeFeatureNames([...KNOWN_FEATURES, ...image.featureNames]) };
  const header = (extra: typeof extensions): Uint8Array =>
    encodeHeader({
      clusterBits: Math.log2(clusterSize),
      virtualSize: image.virtualSize,
      l1Size,
      l1Offset,
      refcountTableOffset: tableOffset,
      refcountTableClusters: tableClusters,
      incompatible: image.incompatible,
      refcountOrder: order,
      extensions: extra,
    });
  const withNames = header([...extensions, names]);
  const chosen = withNames.length <= clusterSize ? withNames : header(extensions);
  if (chosen.length > clusterSize) throw new Fault({ kind: "unsupported", feature: `a header of ${chosen.length} bytes in clusters of ${clusterSize}` });
  store.write(0, chosen);
  store.flush();
}
