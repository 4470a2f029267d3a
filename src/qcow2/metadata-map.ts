/**
 * Which host clusters hold metadata that is in use, so that no guest data is ever written over a table because an entry or a
 * refcount of the file lies. Made from the header, the L1 table, the refcount table and the tables of snapshots and bitmaps.
 *
 * It guards writes; it does not judge images (that is the check). Source: qcow2 specification; QEMU's "overlap checks".
 */
import { Fault, imageProblem } from "../base/fault.ts";
import { firstAt } from "../base/search.ts";
import { ClusterOwners } from "./cluster-owners.ts";

/** Two structures have a cluster in common. @param hostOffset where that cluster begins, @param owner who has it already */
export const clash = (structure: string, hostOffset: number, owner: string): Fault =>
  new Fault(imageProblem(structure, "host offset", hostOffset, `a cluster that holds the ${owner}`, "a cluster of its own"));

/** Most clusters that several tables may have; beyond it nobody knows what is whose. */
const MAX_CONTESTED = 2 ** 16;

export class MetadataMap {
  private readonly clusterSize: number;
  private readonly owners = new ClusterOwners();
  /** Clusters of which an L1 entry makes an L2 table though another table has them: whose they are, and how many entries do that beside it. */
  private readonly contested = new Map<number, { readonly owner: string; rivals: number }>();
  /** Runs of clusters that are only kept from being written: sorted by their first, neighbours of one owner and overlaps merged. */
  private runs: { first: number; end: number; readonly structure: string }[] = [];
  private unsorted = false;
  /** Single clusters that are only kept from being written, each kind in order. */
  private readonly singles: { readonly structure: string; readonly clusters: Float64Array }[] = [];

  constructor(clusterSize: number) {
    this.clusterSize = clusterSize;
  }

  /** So many clusters are about to be claimed. */
  reserve(count: number): void {
    this.owners.reserve(count);
  }

  /** Claims [offset, offset + lengthBytes) for a structure. @throws Fault when another structure claims a part of it */
  claim(structure: string, offset: number, lengthBytes: number): void {
    const end = Math.ceil((offset + lengthBytes) / this.clusterSize);
    for (let cluster = Math.floor(offset / this.clusterSize); cluster < end; cluster++) {
      const owner = this.owners.claim(cluster, structure);
      if (owner !== undefined) throw clash(structure, cluster * this.clusterSize, owner);
    }
  }

  /**
   * As claim, of an L2 table: a cluster that is the L1 table's, or an L2 table's already, is its owner's as before, and contested.
   * @throws Fault when any other structure has it
   */
  claimL2Table(offset: number): void {
    const cluster = offset / this.clusterSize;
    const owner = this.owners.claim(cluster, "L2 table");
    if (owner === undefined) return;
    if ((owner !== "L1 table" && owner !== "L2 table") || this.contested.size === MAX_CONTESTED) throw clash("L2 table", offset, owner);
    this.contested.set(cluster, { owner, rivals: (this.contested.get(cluster)?.rivals ?? 0) + 1 });
  }

  /** An L1 entry leads to this L2 table no more: the cluster stays another's that does. */
  releaseL2Table(offset: number): void {
    const cluster = offset / this.clusterSize;
    const contest = this.contested.get(cluster);
    if (contest === undefined) this.owners.delete(cluster);
    else if (--contest.rivals === 0) this.contested.delete(cluster);
  }

  /** Whose the cluster of an L2 table is, where another table has it too: to write an entry of the one would change the other. Null where it is its own. */
  contestedBy(offset: number): string | null {
    return this.contested.get(offset / this.clusterSize)?.owner ?? null;
  }

  /** Whether no L2 table lies in another table's cluster. */
  get isUncontested(): boolean {
    return this.contested.size === 0;
  }

  /** @throws Fault where any L2 table lies in another table's cluster: changes that go through all tables are not made */
  requireUncontested(): void {
    for (const [cluster, { owner }] of this.contested) throw new Fault(imageProblem("L2 table", "cluster", cluster * this.clusterSize, `one that holds the ${owner}`, "one of its own"));
  }

  /**
   * As claim, for what may stand in nobody's way and nobody in its: also not those that are only kept from being written.
   * @param shares lets the cluster be another's that is another's already. @throws Fault when it does not and one is
   */
  claimApart(structure: string, offset: number, lengthBytes: number, shares: boolean): void {
    const end = Math.ceil((offset + lengthBytes) / this.clusterSize);
    for (let cluster = Math.floor(offset / this.clusterSize); cluster < end; cluster++) {
      const owner = this.ownerOf(cluster * this.clusterSize);
      if (owner === null) this.owners.claim(cluster, structure);
      else if (!shares) throw clash(structure, cluster * this.clusterSize, owner);
    }
  }

  /** Takes a claim back where it is this structure's. */
  releaseOf(structures: readonly string[], offset: number, lengthBytes: number): void {
    const end = Math.ceil((offset + lengthBytes) / this.clusterSize);
    for (let cluster = Math.floor(offset / this.clusterSize); cluster < end; cluster++) if (structures.includes(this.owners.get(cluster) ?? "")) this.owners.delete(cluster);
  }

  release(offset: number, lengthBytes: number): void {
    const end = Math.ceil((offset + lengthBytes) / this.clusterSize);
    for (let cluster = Math.floor(offset / this.clusterSize); cluster < end; cluster++) this.owners.delete(cluster);
  }

  /**
   * Keeps [offset, offset + lengthBytes) from being written, whoever else claims it: for structures of which an image may have very
   * many, and which may be broken without harm to the disk.
   */
  protect(structure: string, offset: number, lengthBytes: number): void {
    this.runs.push({ first: Math.floor(offset / this.clusterSize), end: Math.ceil((offset + lengthBytes) / this.clusterSize), structure });
    this.unsorted = true;
  }

  /** As protect, for single clusters, of which there may be millions. @param clusters in order; kept, not copied */
  protectClusters(structure: string, clusters: Float64Array): void {
    if (clusters.length > 0) this.singles.push({ structure, clusters });
  }

  /**
   * As protect, for what shares a cluster with no table that is written where it lies: an entry of the one would change the other.
   * The header is let be: it is not written entry by entry.
   * @throws Fault when another structure claims a part of it
   */
  protectAlone(structure: string, offset: number, lengthBytes: number): void {
    const end = Math.ceil((offset + lengthBytes) / this.clusterSize);
    for (let cluster = Math.floor(offset / this.clusterSize); cluster < end; cluster++) {
      const owner = this.owners.get(cluster);
      if (owner !== undefined && owner !== "header") throw clash(structure, cluster * this.clusterSize, owner);
    }
    this.protect(structure, offset, lengthBytes);
  }

  /** For which structure the cluster of this offset is kept from being written, whoever else claims it; null for none. */
  keptFor(offset: number): string | null {
    return this.runs.length + this.singles.length === 0 ? null : this.protectorOf(Math.floor(offset / this.clusterSize));
  }

  private protectorOf(cluster: number): string | null {
    if (this.unsorted) this.runs = merged(this.runs);
    this.unsorted = false;
    const index = firstAt(this.runs.length, (at) => this.runs[at]!.end > cluster);
    const run = this.runs[index];
    if (run !== undefined && run.first <= cluster) return run.structure;
    const single = this.singles.find(({ clusters }) => clusters[firstAt(clusters.length, (at) => clusters[at]! >= cluster)] === cluster);
    return single?.structure ?? null;
  }

  /** What lies in the cluster of this offset, or null when guest data may. */
  ownerOf(offset: number): string | null {
    return this.owners.get(Math.floor(offset / this.clusterSize)) ?? this.keptFor(offset);
  }
}

/** Runs in order and apart from each other. */
export function merged<Run extends { first: number; end: number }>(runs: readonly Run[]): Run[] {
  const result: Run[] = [];
  for (const run of [...runs].sort((a, b) => a.first - b.first)) {
    const last = result.at(-1);
    if (last !== undefined && run.first <= last.end) last.end = Math.max(last.end, run.end);
    else result.push(run);
  }
  return result;
}
