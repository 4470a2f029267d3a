/**
 * What a check finds and a repair does, as data. The order of the findings and what counts as what are qemu-img check's.
 */
import { assert } from "../base/assert.ts";
import type { ImageProblem } from "../base/fault.ts";

/** One finding; `repairing` where a repair that looks at it sets it right. `entry` is a stored word in hex, no leading zeros. */
export type CheckFinding = { readonly repairing?: boolean } & (
  /** Counted more often than referred to. digits: of a refcount beyond 2^53 - 1, all of them; `refcount` is 2^53 - 1 then. */
  | { readonly finding: "leak"; readonly cluster: number; readonly refcount: number; readonly digits?: string; readonly references: number }
  | /** Counted less often than referred to. */ { readonly finding: "refcount-too-low"; readonly cluster: number; readonly refcount: number; readonly references: number }
  /** The COPIED flag of an active entry disagrees with the refcount being 1. */
  | {
      readonly finding: "copied-flag";
      readonly structure: "L1 table" | "L2 table";
      /** Of an L1 entry, its index in the table. */
      readonly index: number;
      readonly entry: string;
      readonly refcount: number;
      readonly digits?: string;
    }
  /** A compressed cluster has the COPIED flag, which it never may. */
  | { readonly finding: "copied-compressed"; readonly hostOffset: number }
  | { readonly finding: "reserved-bits"; readonly structure: "L1 table" | "L2 table"; readonly entry: string }
  | { readonly finding: "l2-table-unaligned"; readonly hostOffset: number }
  | { readonly finding: "data-unaligned"; readonly hostOffset: number }
  /** A zero cluster whose host cluster is none: a repair makes it one without. */
  | { readonly finding: "preallocated-unaligned"; readonly hostOffset: number }
  | { readonly finding: "compressed-in-data-file"; readonly index: number; readonly entry: string }
  | { readonly finding: "compressed-subclusters"; readonly index: number; readonly entry: string }
  /** A subcluster is said to be data and zeros both. */
  | { readonly finding: "subclusters-contradict"; readonly hostOffset: number }
  /** A subcluster is said to be data, and there is no cluster. */
  | { readonly finding: "subclusters-without-cluster" }
  /** Something is said to lie a cluster or more behind the file's end. */
  | { readonly finding: "beyond-end"; readonly offset: number; readonly lengthBytes: number }
  /** More references than the width of the refcounts can count. */
  | { readonly finding: "overflow"; readonly offset: number }
  | { readonly finding: "snapshots-with-data-file"; readonly count: number }
  | { readonly finding: "snapshot-incomplete"; readonly index: number }
  /** An entry of the snapshot table with more extra data than QEMU reads; a repair that writes the table anew leaves out what is too much. */
  | { readonly finding: "snapshot-extra"; readonly index: number; readonly extraBytes: number; readonly most: number }
  /** Snapshots beyond those that QEMU reads, or beyond the length of table that it reads: a repair has the header count them no more. */
  | { readonly finding: "snapshots-overhanging"; readonly count: number; readonly wrong: "too-many" | "too-long" }
  | { readonly finding: "snapshot-l1"; readonly id: string; readonly name: string; readonly offset: number; readonly size: number; readonly wrong: "unaligned" | "too-large" }
  /** The refcount table's entry of that index: what is wrong with it, or with the block that it leads to. */
  | { readonly finding: "table-entry"; readonly block: number; readonly wrong: "reserved-bits" | "unaligned" | "outside"; readonly attempted?: boolean }
  /** A refcount block whose cluster something else refers to as well. */
  | { readonly finding: "block-shared"; readonly block: number; readonly references: number }
  /** The file could not be made as long as a refcount block needs. */
  | { readonly finding: "cannot-resize"; readonly /** Beyond what a file's length can be told in. */ countless: boolean }
  /** A cluster whose refcount cannot be looked up: an error of the check, neither a corruption nor a leak. */
  | { readonly finding: "refcount-unreadable"; readonly cluster: number }
  /** A structure that cannot be read at all. */
  | { readonly finding: "structure"; readonly problem: ImageProblem }
  /** What a repair does as a whole, or would have to. */
  | { readonly finding: "rebuilding" | "needs-rebuild" | "still-broken" }
);

export type FindingName = CheckFinding["finding"];

/** Findings that are told and are no number of their own. */
const UNCOUNTED: ReadonlySet<FindingName> = new Set<FindingName>(["cannot-resize", "rebuilding", "needs-rebuild", "still-broken"]);
/** Findings that leave every reference counted. */
const COMPLETE: ReadonlySet<FindingName> = new Set<FindingName>([
  "leak", "overflow", "refcount-too-low", "copied-flag", "copied-compressed", "snapshot-incomplete", "snapshot-extra", "table-entry", "block-shared", "subclusters-contradict",
  // Of a place within a cluster all that it reaches over is counted.
  "data-unaligned", "preallocated-unaligned",
  "subclusters-without-cluster", "rebuilding", "needs-rebuild", "still-broken", "cannot-resize", "refcount-unreadable",
]);

/** Most findings that are kept; the counts are complete. */
const MAX_FINDINGS = 20_000;

/** The numbers that a verdict is made of. */
export class Numbers {
  corruptions = 0;
  leaks = 0;
  checkErrors = 0;
  leaksFixed = 0;
  corruptionsFixed = 0;
}

/** What was found on a way that is gone several times, in its order, each with the times from which and before which it is. */
export interface Repeated {
  readonly times: number;
  readonly findings: { readonly finding: CheckFinding; readonly from: number; readonly before: number }[];
}

/** The findings in their order. */
export class Verdict {
  readonly list: CheckFinding[] = [];
  /** All that were told, those too for which the list was full. */
  told = 0;
  /** Findings that hide references: with any, a cluster that nothing refers to may be in use all the same. */
  unread = 0;
  /** Clusters with more references than their count tells: one that is counted once may have several owners. */
  overflowed = 0;
  private repeated: Repeated | null = null;

  /** A way begins that is gone so many times, and is gone through but once. */
  beginRepeated(times: number): void {
    this.repeated = { times, findings: [] };
  }

  /** The way ends; of what was found each time is counted, and the first is in the list. @returns what `repeat` tells of the others */
  endRepeated(): Repeated {
    const { repeated } = this;
    assert(repeated !== null, "a repeated way ends that began");
    this.repeated = null;
    this.repeat(repeated, 0);
    return repeated;
  }

  /** Puts into the list what was found the `nth` time, from 0. */
  repeat({ findings }: Repeated, nth: number): void {
    for (const { finding, from, before } of findings) {
      if (this.list.length >= MAX_FINDINGS) return;
      if (from <= nth && nth < before) this.list.push(finding);
    }
  }

  /** Whether findings are only counted from now on. */
  get full(): boolean {
    return this.list.length >= MAX_FINDINGS;
  }

  /** @param times how often the very same was found */
  add(finding: CheckFinding, numbers: Numbers, times = 1): void {
    const name = finding.finding;
    const weight = finding.finding === "snapshots-overhanging" ? finding.count : times;
    if (finding.repairing === true) {
      if (name === "leak") numbers.leaksFixed += times;
      else numbers.corruptionsFixed += weight;
    } else if (name === "leak") numbers.leaks += times;
    else if (name === "refcount-unreadable" || name === "needs-rebuild") numbers.checkErrors += times;
    else if (!UNCOUNTED.has(name)) numbers.corruptions += weight;
    if (name === "overflow") this.overflowed += times;
    if (!COMPLETE.has(name) && finding.repairing !== true) this.unread += times;
    this.told += times;
    if (this.repeated !== null) {
      // A count is full from some time on; what is mended is so from the first.
      const from = finding.repairing === true ? 0 : this.repeated.times - times;
      if (this.repeated.findings.length < MAX_FINDINGS) this.repeated.findings.push({ finding, from, before: from + times });
      return;
    }
    for (let time = 0; time < times && this.list.length < MAX_FINDINGS; time++) this.list.push(finding);
  }

  /** As add for a flag, where the list is full. @param repairing whether it is set right */
  countFlag(repairing: boolean, numbers: Numbers): void {
    if (repairing) numbers.corruptionsFixed++;
    else numbers.corruptions++;
    this.told++;
  }

  append(other: Verdict): void {
    this.told += other.told;
    this.unread += other.unread;
    this.overflowed += other.overflowed;
    for (const finding of other.list) {
      if (this.list.length >= MAX_FINDINGS) return;
      this.list.push(finding);
    }
  }
}
