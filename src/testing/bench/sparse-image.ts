/**
 * A large qcow2 image whose data are holes: every table and refcount is there and right, and of the data not a byte. A file of it takes
 * next to nothing of the disk, and what it takes to read its tables is what a full one would take. Source: qcow2 specification.
 */
import { assert } from "../../base/assert.ts";
import type { ByteStore } from "../../bytes/byte-store.ts";

export interface SparseImage {
  readonly sizeBytes: number;
  /** Clusters of data, spread evenly over the disk. */
  readonly dataClusters: number;
}

const CLUSTER = 65536;
const ENTRIES = CLUSTER / 8;
const COUNTS_IN_BLOCK = CLUSTER / 2;
const COPIED = 2n ** 63n;

/** Writes the image into an empty store. @returns the length of its file */
export function writeSparseImage(store: ByteStore, { sizeBytes, dataClusters }: SparseImage): number {
  const guestClusters = Math.ceil(sizeBytes / CLUSTER);
  assert(dataClusters > 0 && dataClusters <= guestClusters, "there is room for the data on the disk");
  const l1Size = Math.ceil(guestClusters / ENTRIES);
  const l1Clusters = Math.ceil((l1Size * 8) / CLUSTER);
  const step = guestClusters / dataClusters;
  const guestOf = (index: number): number => Math.floor(index * step);
  const tables = new Set<number>();
  for (let index = 0; index < dataClusters; index++) tables.add(Math.floor(guestOf(index) / ENTRIES));
  // Header, L1 table, L2 tables, refcount table and blocks, data.
  const others = 2 + l1Clusters + tables.size + dataClusters;
  let blocks = 1;
  while (blocks * COUNTS_IN_BLOCK < others + blocks) blocks++;
  assert(blocks <= ENTRIES, "one cluster holds the refcount table");
  const clusters = others + blocks;
  const [refcountTable, firstBlock, l1Table] = [1, 2, 2 + blocks];
  const firstTable = l1Table + l1Clusters;
  const firstData = firstTable + tables.size;

  store.truncate(clusters * CLUSTER);
  store.write(0, headerOf(sizeBytes, l1Size, l1Table * CLUSTER, refcountTable * CLUSTER));
  const words = new DataView(new ArrayBuffer(CLUSTER));
  const bytes = new Uint8Array(words.buffer);
  for (let block = 0; block < blocks; block++) words.setBigUint64(block * 8, BigInt((firstBlock + block) * CLUSTER));
  store.write(refcountTable * CLUSTER, bytes);
  for (let block = 0; block < blocks; block++) {
    bytes.fill(0);
    for (let at = 0; at < COUNTS_IN_BLOCK && block * COUNTS_IN_BLOCK + at < clusters; at++) words.setUint16(at * 2, 1);
    store.write((firstBlock + block) * CLUSTER, bytes);
  }
  const l1 = new DataView(new ArrayBuffer(l1Clusters * CLUSTER));
  let index = 0;
  [...tables].forEach((l1Index, order) => {
    l1.setBigUint64(l1Index * 8, COPIED | BigInt((firstTable + order) * CLUSTER));
    bytes.fill(0);
    for (; index < dataClusters && Math.floor(guestOf(index) / ENTRIES) === l1Index; index++) words.setBigUint64((guestOf(index) % ENTRIES) * 8, COPIED | BigInt((firstData + index) * CLUSTER));
    store.write((firstTable + order) * CLUSTER, bytes);
  });
  store.write(l1Table * CLUSTER, new Uint8Array(l1.buffer));
  store.flush();
  return clusters * CLUSTER;
}

/** Version 3, refcounts of 16 bits, no features and no extensions. */
function headerOf(sizeBytes: number, l1Size: number, l1Offset: number, refcountTableOffset: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(112));
  header.setUint32(0, 0x514649fb);
  header.setUint32(4, 3);
  header.setUint32(20, 16);
  header.setBigUint64(24, BigInt(sizeBytes));
  header.setUint32(36, l1Size);
  header.setBigUint64(40, BigInt(l1Offset));
  header.setBigUint64(48, BigInt(refcountTableOffset));
  header.setUint32(56, 1);
  header.setUint32(96, 4);
  header.setUint32(100, 104);
  return new Uint8Array(header.buffer);
}
