/**
 * Checking an image: counts every reference to every host cluster and compares the counts with the refcounts. Changes nothing.
 *
 * A cluster that is counted less often than it is referred to is a corruption (it may be given out again); one that is counted
 * more often is a leak (lost space, no harm). Only clusters that the file has are compared: what is counted behind its end is
 * taken by nobody, and what is referred to there is a corruption of its own. An entry that cannot be is counted as what it says all
 * the same, as qemu-img check does. Long work: a generator that yields its progress and may be dropped at any yield.
 * Source: qcow2 specification; verdicts, numbers and the order of findings are qemu-img check's.
 */
import { Fault } from "../base/fault.ts";
import type { ImageProblem } from "../base/fault.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { Numbers, Verdict } from "./check-findings.ts";
import type { CheckFinding } from "./check-findings.ts";
import { referBitmaps, referBlocks, referSnapshots } from "./check-metadata.ts";
import { judgeSnapshotTable } from "./check-snapshots.ts";
import { walkActive } from "./check-walk.ts";
import { maxRefcount } from "./entries.ts";
import { INCOMPATIBLE_EXTERNAL_DATA, INCOMPATIBLE_EXTENDED_L2, hasBit } from "./features.ts";
import type { Header } from "./header.ts";
import { ReferenceCounts } from "./reference-counts.ts";
import { StoredRefcounts } from "./stored-refcounts.ts";
import { TableWork } from "./table-work.ts";

export type { CheckFinding } from "./check-findings.ts";

export interface ClusterReport {
  readonly corruptions: number;
  readonly leaks: number;
  /** What the check could not find out; with any, the verdict is incomplete. */
  readonly checkErrors: number;
  /** The first findings, at most 20,000; `told` counts all. */
  readonly findings: readonly CheckFinding[];
  readonly told: number;
  readonly allocatedClusters: number;
  readonly totalClusters: number;
  readonly compressedClusters: number;
  readonly fragmentedClusters: number;
  /** End of the last cluster that is counted or referred to, in bytes. */
  readonly imageEndOffset: number;
}

/** Clusters that a header extension's structure takes: the check counts them as used. */
export interface ExtraArea {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** Memory for the references, and for the tables of snapshots that are still to be walked. */
const REFERENCE_BYTES = 64 * 2 ** 20;
const NOTED_BYTES = 16 * 2 ** 20;
/** Refcounts that are compared between two yields. */
const YIELD_EVERY = 2 ** 13;

/** What the counting does besides: nothing in a check, setting right in a repair. */
export interface CheckHooks {
  /** Whether the refcount structure is built anew where it cannot be set right. */
  readonly rebuilds: boolean;
  /** Makes a zero entry with an impossible host cluster one without. @returns whether it did. `at` is the entry's place in its table */
  clearEntry(tableOffset: number, at: number, zeroSubclusters: number): boolean;
  /** Makes the file long enough for a refcount block behind its end. @returns whether it did */
  lengthen(blockOffset: number): boolean;
}

/** One count of all references, and what is found on the way. */
export class Check {
  readonly store: ByteStore;
  readonly header: Header;
  readonly refcounts: StoredRefcounts;
  readonly hasDataFile: boolean;
  readonly subclusters: boolean;
  /** Whether COPIED flags are judged on the way; a repair judges them by the refcounts that it makes. */
  readonly judges: boolean;
  readonly hooks: CheckHooks | null;
  readonly verdict: Verdict;
  /** What is gone through, in all windows. */
  readonly work: TableWork;
  /** Numbers of what the structures say, and of what the refcounts do. */
  readonly structural = new Numbers();
  compared = new Numbers();
  readonly references: ReferenceCounts;
  /** Snapshots' L2 tables by cluster, while they wait to be walked. */
  readonly noted = new ReferenceCounts(NOTED_BYTES);
  /** Clusters of tables that no L2 table may be written over, for a repair. */
  readonly areas: ExtraArea[] = [];
  /** The disk's L1 table once it was read, of a file that nothing is mended in: for all windows. */
  l1: DataView | null = null;
  fileLength = 0;
  /** Clusters that the file has. */
  fileClusters = 0;
  /** Clusters to compare: those of the file, and one more where a reference reaches a little behind its end. */
  clusters = 0;
  /** In rounds after the first, what concerns no single cluster has been told. */
  again = false;
  /** How a snapshot table beyond the limits is taken: refused, counted as a repair leaves it, or that and what is wrong with it was told before. */
  snapshots: "strict" | "cutting" | "told" = "strict";
  /** The refcounts cannot be set right where they are. */
  rebuild = false;
  highestCluster = 0;
  allocated = 0;
  compressed = 0;
  fragmented = 0;
  /** Told after the others, as qemu-img check does: a wrong refcount is the cause, the flag a consequence. */
  private readonly copied = new Verdict();

  constructor(store: ByteStore, header: Header, hooks: CheckHooks | null = null, judges = true, verdict = new Verdict()) {
    this.store = store;
    this.header = header;
    this.hooks = hooks;
    this.judges = judges;
    this.verdict = verdict;
    this.work = new TableWork(store);
    this.refcounts = new StoredRefcounts(store, header, this.work);
    this.references = new ReferenceCounts(REFERENCE_BYTES, maxRefcount(header.refcountOrder));
    this.hasDataFile = hasBit(header.incompatible, INCOMPATIBLE_EXTERNAL_DATA);
    this.subclusters = hasBit(header.incompatible, INCOMPATIBLE_EXTENDED_L2);
    this.measure();
  }

  /** Takes over the file's length as it is now. */
  measure(): void {
    this.fileLength = this.store.size();
    this.fileClusters = Math.ceil(this.fileLength / this.header.clusterSize);
    this.clusters = Math.max(this.clusters, this.fileClusters);
  }

  /** Counts `times` references to every cluster that [offset, offset + lengthBytes) touches. */
  refer(offset: number, lengthBytes: number, times = 1): void {
    if (lengthBytes === 0) return;
    const { clusterSize } = this.header;
    if (offset + lengthBytes - this.fileLength >= clusterSize) {
      this.found({ finding: "beyond-end", offset, lengthBytes }, times);
      return;
    }
    const last = Math.floor((offset + lengthBytes - 1) / clusterSize);
    this.clusters = Math.max(this.clusters, last + 1);
    for (let cluster = Math.floor(offset / clusterSize); cluster <= last; cluster++) {
      const overflow = this.references.add(cluster, times);
      if (overflow > 0) this.found({ finding: "overflow", offset: cluster * clusterSize }, overflow);
    }
  }

  /** As refer, for tables that are not an L2 table. */
  referMetadata(offset: number, lengthBytes: number, times = 1): void {
    if (!this.again) this.areas.push({ offset, lengthBytes });
    this.refer(offset, lengthBytes, times);
  }

  /** Notes what a structure says that cannot be. */
  found(finding: CheckFinding, times = 1): void {
    if (this.again && finding.finding !== "overflow" && finding.finding !== "block-shared") return;
    this.verdict.add(finding, this.structural, times);
  }

  foundCopied(finding: CheckFinding, times = 1): void {
    this.copied.add(finding, this.structural, times);
  }

  /** As of a verdict, for what is found on the way and about flags. */
  beginRepeated(times: number): void {
    for (const verdict of [this.verdict, this.copied]) verdict.beginRepeated(times);
  }

  /** @returns tells what was found the `nth` time, from 0; the first is told. null where nothing was */
  endRepeated(): ((nth: number) => void) | null {
    const [found, copied] = [this.verdict.endRepeated(), this.copied.endRepeated()];
    if (found.findings.length + copied.findings.length === 0) return null;
    return (nth) => {
      this.verdict.repeat(found, nth);
      this.copied.repeat(copied, nth);
    };
  }

  /** Counts wrong flags of which there are too many to be told one by one. @returns whether it is not to be told: there are, or it was in the first round */
  countsCopied(times: number): boolean {
    if (this.again) return true;
    if (!this.copied.full) return false;
    this.structural.corruptions += times;
    this.copied.told += times;
    return true;
  }

  /** Tells what was found about flags, behind everything else. */
  tellCopied(): void {
    this.verdict.append(this.copied);
  }

  /** Forgets what was compared: it is compared again. */
  resetCompared(): void {
    this.compared = new Numbers();
  }

  clearEntry(tableOffset: number, at: number, zeroSubclusters: number): boolean {
    return this.hooks !== null && !this.again && this.hooks.clearEntry(tableOffset, at, zeroSubclusters);
  }
}

/** Whether what was thrown says that a structure of the image cannot be true. */
export const isImageFault = (error: unknown): error is Fault & { problem: ImageProblem } => error instanceof Fault && error.problem.kind === "image";

/**
 * Checks the image in a store that nobody writes to meanwhile.
 * @param cutting in the middle of a repair: a snapshot table beyond the limits is a finding
 * @returns the report; yields the fraction done, 0 to 1. @throws Fault when the store fails, or for a table that cannot be read at all
 */
export function* checkImage(store: ByteStore, header: Header, areas: readonly ExtraArea[], cutting = false): Generator<number, ClusterReport, void> {
  const check = new Check(store, header);
  if (cutting) check.snapshots = "cutting";
  yield* inWindows(check, areas, () => compare(check, null));
  check.tellCopied();
  return reportOf(check);
}

function reportOf(check: Check): ClusterReport {
  const { header, structural, compared, verdict } = check;
  return {
    corruptions: structural.corruptions + compared.corruptions,
    leaks: structural.leaks + compared.leaks,
    checkErrors: structural.checkErrors + compared.checkErrors,
    findings: verdict.list,
    told: verdict.told,
    allocatedClusters: check.allocated,
    totalClusters: Math.ceil(header.virtualSize / header.clusterSize),
    compressedClusters: check.compressed,
    fragmentedClusters: check.fragmented,
    imageEndOffset: (check.highestCluster + 1) * header.clusterSize,
  };
}

/** Counts all references, window by window where they are too many for one, and acts on each window's. */
export function* inWindows(check: Check, areas: readonly ExtraArea[], act: () => Generator<number, void, void>): Generator<number, void, void> {
  const { references } = check;
  references.begin(0);
  for (;;) {
    const base = references.from / Math.max(1, check.clusters);
    for (const fraction of countReferences(check, areas)) yield base + (1 - base) * 0.7 * fraction;
    for (const fraction of act()) yield base + (1 - base) * (0.7 + 0.3 * fraction);
    if (references.to >= check.clusters) return;
    check.again = true;
    references.begin(references.to);
  }
}

/** Counts the references of the window, those of the refcount blocks last. */
function* countReferences(check: Check, areas: readonly ExtraArea[]): Generator<number, void, void> {
  const { header } = check;
  const { clusterSize } = header;
  const told = check.snapshots === "told";
  const table = judgeSnapshotTable(check.store, header, check.snapshots !== "strict", (finding) => told || check.found(finding));
  check.referMetadata(0, clusterSize);
  for (const area of areas) check.referMetadata(area.offset, area.lengthBytes);
  if (header.l1Size > 0) yield* walkActive(check, { offset: header.l1Offset, size: header.l1Size });
  yield* referSnapshots(check, table);
  // A table behind the file's end hides nothing but its own blocks, which are built anew.
  const { unread } = check.verdict;
  check.referMetadata(header.refcountTableOffset, header.refcountTableClusters * clusterSize);
  check.verdict.unread = unread;
  referBitmaps(check);
  referBlocks(check);
}

/** What may be set right while refcounts are compared. */
export interface Mending {
  readonly leaks: boolean;
  readonly errors: boolean;
  /** Sets the refcount of a cluster of the current block. */
  set(cluster: number, refcount: number): void;
  /** The current block has been gone through. */
  endBlock(): void;
}

/** Refcounts against the references of the window. Yields the fraction done. */
export function* compare(check: Check, mending: Mending | null): Generator<number, void, void> {
  const { refcounts, references } = check;
  const { perBlock } = refcounts;
  const end = Math.min(references.to, check.clusters);
  const runs = [...references.runs(references.from, end)];
  let run = 0;
  let work = 0;
  const counted = Math.min(end, refcounts.blockCount * perBlock);
  for (let first = references.from; first < counted; ) {
    const index = Math.floor(first / perBlock);
    const behind = Math.min((index + 1) * perBlock, counted);
    const block = refcounts.block(index);
    if (block === null) {
      while (run < runs.length && runs[run]![1] <= first) run++;
      for (let at = run; at < runs.length && runs[at]![0] < behind; at++) uncounted(check, Math.max(first, runs[at]![0]), Math.min(behind, runs[at]![1]));
    } else if (block === "unreadable") {
      for (let cluster = first; cluster < behind; cluster++) check.verdict.add({ finding: "refcount-unreadable", cluster }, check.compared);
    } else if (countsLeaks(check, mending, index, first, behind)) {
      // All of it has been counted.
    } else {
      const base = index * perBlock;
      for (let cluster = first; cluster < behind; cluster++) {
        const refcount = block[cluster - base]!;
        const count = references.get(cluster);
        if (refcount !== count) differ(check, mending, cluster, refcount, count);
        else if (count > 0) check.highestCluster = cluster;
      }
      mending?.endBlock();
      work += behind - first;
    }
    work += 64;
    first = behind;
    if (work < YIELD_EVERY) continue;
    work = 0;
    yield first / check.clusters;
  }
  for (const [first, behind] of runs) if (behind > counted) uncounted(check, Math.max(first, counted), behind);
}

/** Clusters that no block counts. */
function uncounted(check: Check, first: number, behind: number): void {
  for (let cluster = first; cluster < behind; cluster++) {
    const count = check.references.get(cluster);
    if (count > 0) differ(check, null, cluster, 0, count);
  }
}

/**
 * Clusters of a block of which nothing refers to any: all are leaked that count, and where findings are no longer told one by one their
 * number is enough. A refcount table may lead to one block a million times.
 * @returns whether they were counted
 */
function countsLeaks(check: Check, mending: Mending | null, index: number, first: number, behind: number): boolean {
  const { refcounts, references, verdict, compared } = check;
  const { perBlock } = refcounts;
  if (mending !== null || behind - first < perBlock || references.hasAny(first, behind)) return false;
  const { inUse, last } = refcounts.totals(index);
  if (inUse === 0) return true;
  if (!verdict.full) return false;
  compared.leaks += inUse;
  verdict.told += inUse;
  check.highestCluster = Math.max(check.highestCluster, index * perBlock + last);
  return true;
}

function differ(check: Check, mending: Mending | null, cluster: number, refcount: number, references: number): void {
  check.highestCluster = Math.max(check.highestCluster, cluster);
  // A used cluster that counts as free: qemu-img takes the refcount structure itself for broken.
  if (refcount === 0) check.rebuild = true;
  const leak = refcount > references;
  const repairing = mending !== null && refcount !== 0 && (leak ? mending.leaks : mending.errors);
  if (!repairing && check.verdict.full) {
    if (leak) check.compared.leaks++;
    else check.compared.corruptions++;
    check.verdict.told++;
    return;
  }
  if (repairing) mending.set(cluster, references);
  const numbers = { cluster, ...check.refcounts.told(cluster, refcount), references };
  check.verdict.add({ finding: leak ? "leak" : "refcount-too-low", ...numbers, ...(repairing ? { repairing } : {}) }, check.compared);
}
