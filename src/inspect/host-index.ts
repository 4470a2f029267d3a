/**
 * Which L2 table leads to a host cluster: what no structure of the format says, and every place in the file is asked for. Built by going
 * through all tables once; two bytes by cluster of the file, within a bound. Takes every entry for what it says and knows no kinds.
 * Source: qcow2 specification, "Cluster mapping".
 */
import { compressedPlace, isCompressed, offsetOf } from "../qcow2/entry-words.ts";
import type { Inspected } from "./inspected.ts";

/** More clusters than this are not indexed: 32 MiB. */
const MOST_CLUSTERS = 2 ** 24;
/** By cluster: the index of the first L1 entry whose table leads there plus one, 0 for none, or this for streams of several tables. */
const SEVERAL = 0xffff;

/** Where the entry that leads to a cluster is to be looked for. "anywhere" where this cannot tell. */
export type Sought = { readonly l1Index: number } | "nowhere" | "anywhere";

export class HostIndex {
  private readonly tables: Uint16Array;

  private constructor(clusters: number) {
    this.tables = new Uint16Array(clusters);
  }

  /** Yields the fraction of the tables that were gone through. @returns null for an image that is too large to be indexed */
  static *build(inspected: Inspected): Generator<number, HostIndex | null, void> {
    const { header, format, fileSize } = inspected;
    const clusters = Math.ceil(fileSize / header.clusterSize);
    if (clusters > MOST_CLUSTERS || header.l1Size >= SEVERAL - 1) return null;
    const index = new HostIndex(clusters);
    for (const { l1Index, table } of inspected.activeTables()) {
      for (let at = 0; table !== null && at < header.clusterSize; at += format.entryBytes) index.add(l1Index, table.getUint32(at), table.getUint32(at + 4), header.clusterBits);
      yield l1Index / header.l1Size;
    }
    return index;
  }

  private add(l1Index: number, high: number, low: number, clusterBits: number): void {
    const clusterSize = 2 ** clusterBits;
    if (isCompressed(high)) {
      const { offset, lengthBytes } = compressedPlace(high, low, clusterBits);
      const last = Math.min(this.tables.length - 1, Math.floor((offset + lengthBytes - 1) / clusterSize));
      // Streams share clusters: only the byte tells which one, and so perhaps which table.
      for (let cluster = Math.floor(offset / clusterSize); cluster <= last; cluster++) this.put(cluster, l1Index, true);
      return;
    }
    const offset = offsetOf(high, low);
    if (offset !== 0 && offset % clusterSize === 0 && offset / clusterSize < this.tables.length) this.put(offset / clusterSize, l1Index, false);
  }

  private put(cluster: number, l1Index: number, stream: boolean): void {
    const there = this.tables[cluster]!;
    if (there === 0) this.tables[cluster] = l1Index + 1;
    else if (stream && there !== l1Index + 1) this.tables[cluster] = SEVERAL;
  }

  tableOf(cluster: number): Sought {
    const found = this.tables[cluster] ?? 0;
    if (found === SEVERAL) return "anywhere";
    return found === 0 ? "nowhere" : { l1Index: found - 1 };
  }
}
