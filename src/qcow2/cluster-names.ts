/**
 * How often the L2 tables of a disk that is read name a host cluster. In one view of a disk each cluster, and each compressed stream, is
 * named once: snapshots share clusters with the disk, and no entry of a disk shares one with another of the same disk. A file of a few
 * kilobytes may name one cluster for terabytes of a disk, and whoever copies the disk would be busy for days. So beyond an amount that is
 * copied at once, a disk whose entries name far fewer clusters than there are entries is not read any more.
 *
 * Each table is counted when data of it is first read. How many clusters there are among millions of names is estimated, with a memory of
 * a few kilobytes: of the clusters those are kept whose scattered bits end with so many zeros that few enough are.
 * Source: qcow2 specification, "Cluster mapping".
 */
import { Fault, imageProblem } from "../base/fault.ts";
import { scattered } from "./cluster-owners.ts";
import { ENTRY_BYTES } from "./entries.ts";
import { compressedPlace, hasZeroFlag, isCompressed, offsetOf } from "./entry-words.ts";

/** The structure of the problem of a disk whose clusters are named over and over, by which its sentence is found. */
export const ALL_CLUSTERS = "image's clusters";

/** Guest bytes that any disk may name, however often it names a cluster. */
const FREE_BYTES = 2 ** 27;
/** A sound disk names each cluster once; the estimate's standard deviation is 2 percent. */
const MOST_TIMES = 1.5;
const MOST_KEPT = 4096;

export class ClusterNames {
  private readonly clusterBits: number;
  private readonly entryBytes: number;
  private readonly freeBytes: number;
  /** By L1 entry, a bit: its table was counted. */
  private readonly counted: Uint8Array;
  private named = 0;
  /** Host offsets whose scattered bits end with `zeros` zeros. */
  private kept = new Set<number>();
  private zeros = 0;
  private readonly salt = Math.floor(Math.random() * 2 ** 32) | 1;
  private refused: Fault | null = null;

  /** @param l1Size entries of the L1 table, @param entryBytes of an entry of an L2 table */
  constructor(clusterBits: number, entryBytes: number, l1Size: number, freeBytes = FREE_BYTES) {
    this.clusterBits = clusterBits;
    this.entryBytes = entryBytes;
    this.freeBytes = freeBytes;
    this.counted = new Uint8Array(Math.ceil(l1Size / 8));
  }

  /** Whether the table of that L1 entry was counted, and the disk may be read. */
  knows(l1Index: number): boolean {
    return this.refused === null && (this.counted[l1Index >>> 3]! & (1 << (l1Index & 7))) !== 0;
  }

  /**
   * Data of the table of that L1 entry is about to be read.
   * @param hostOffset of the table. @throws Fault where the tables so far name few clusters over and over
   */
  count(l1Index: number, table: DataView, hostOffset: number): void {
    if (this.refused !== null) throw this.refused;
    this.counted[l1Index >>> 3]! |= 1 << (l1Index & 7);
    // Beside the first word an extended entry has bits of its subclusters, which name no cluster.
    const extended = this.entryBytes > ENTRY_BYTES;
    for (let at = 0; at < table.byteLength; at += this.entryBytes) {
      const high = table.getUint32(at);
      const low = table.getUint32(at + 4);
      if ((high | low) === 0 || (!extended && !isCompressed(high) && hasZeroFlag(low))) continue;
      const offset = isCompressed(high) ? compressedPlace(high, low, this.clusterBits).offset : offsetOf(high, low);
      if (offset === 0) continue;
      this.named++;
      this.keep(offset);
    }
    const clusterSize = 2 ** this.clusterBits;
    const namedBytes = this.named * clusterSize;
    const most = MOST_TIMES * this.kept.size * 2 ** this.zeros;
    if (namedBytes <= this.freeBytes || this.named <= most) return;
    const found = `${namedBytes} bytes of the disk in about ${this.kept.size * 2 ** this.zeros} different clusters of ${clusterSize} bytes`;
    this.refused = new Fault(imageProblem(ALL_CLUSTERS, "entries", hostOffset, found, "each cluster once"));
    throw this.refused;
  }

  private keep(offset: number): void {
    if ((scattered(offset, this.salt) & (2 ** this.zeros - 1)) !== 0) return;
    this.kept.add(offset);
    if (this.kept.size <= MOST_KEPT) return;
    this.zeros++;
    const mask = 2 ** this.zeros - 1;
    this.kept = new Set([...this.kept].filter((known) => (scattered(known, this.salt) & mask) === 0));
  }
}
