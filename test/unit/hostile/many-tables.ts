/** Images of few bytes with very many L2 tables, of clusters of 512 bytes, in memory; and a store that counts what is read of them. */
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { encodeHeader } from "../../../src/qcow2/header.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";

export const CLUSTER = 512;
export const PER_TABLE = CLUSTER / 8;
export const COPIED = 1n << 63n;
export const TABLES = 2 ** 16;
export const L1 = 8 * CLUSTER;
/** Where the first L2 table may lie. */
export const FIRST = L1 + TABLES * 8;

/** An image of 512-byte clusters. @param offsetOf the L2 table with an index, 0 for none, @param words by their place */
export function manyTables(offsetOf: (index: number) => number, length: number, words: Readonly<Record<number, bigint>> = {}, tables = TABLES): MemoryContents {
  const contents = new MemoryContents();
  contents.truncate(length);
  contents.write(0, encodeHeader({ clusterBits: 9, virtualSize: tables * PER_TABLE * CLUSTER, l1Size: tables, l1Offset: L1, refcountTableOffset: CLUSTER, refcountTableClusters: 1, incompatible: 0n, refcountOrder: 4, extensions: [] }));
  const l1 = new DataView(new ArrayBuffer(tables * 8));
  for (let index = 0; index < tables; index++) l1.setBigUint64(index * 8, offsetOf(index) === 0 ? 0n : COPIED | BigInt(offsetOf(index)));
  contents.write(L1, new Uint8Array(l1.buffer));
  for (const [at, value] of Object.entries({ [CLUSTER]: BigInt(2 * CLUSTER), ...words })) {
    const word = new DataView(new ArrayBuffer(8));
    word.setBigUint64(0, value);
    contents.write(Number(at), new Uint8Array(word.buffer));
  }
  return contents;
}

export function counting(contents: MemoryContents, allocated: number): CountingStore {
  return Object.assign(new CountingStore(new MemoryStore("a", contents)), { allocated: () => allocated });
}
