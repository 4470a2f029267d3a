/**
 * A picture of the file: what every host cluster holds, and which are leaked, referred to more often than counted, or behind the
 * file's end. References are counted as the check counts them (qcow2/check.ts), so that the two cannot tell different stories.
 *
 * Memory: a byte or five by cell, a byte by cluster for the references; a file of more clusters than cells is gone through stretch by
 * stretch. Long work: yields the fraction done, and may be dropped at any yield.
 */
import type { ImageProblem } from "../base/fault.ts";
import type { LayoutKind, LayoutReport } from "../protocol/inspect.ts";
import { Check, inWindows, isImageFault } from "../qcow2/check.ts";
import { FREE_WORK, TableWork, isTooMuch } from "../qcow2/table-work.ts";
import type { Inspected } from "./inspected.ts";
import { Marker } from "./layout-marks.ts";
import type { Marks } from "./layout-marks.ts";

export interface LayoutLimits {
  /** A power of two; also the clusters of one stretch. */
  readonly maxCells: number;
}

/** Clusters compared between two yields. */
const YIELD_EVERY = 2 ** 16;

/**
 * @param kinds their order, by which a report's numbers count
 * @param wrong why the header is none for a reader, null where it is: what can be followed is shown, and nothing judged
 * @throws Fault of the store, and for more tables than the file can hold
 */
export function* layoutOf(inspected: Inspected, kinds: readonly LayoutKind[], { maxCells }: LayoutLimits, wrong: ImageProblem | null = null): Generator<number, LayoutReport, void> {
  const layout = new Layout(inspected, kinds, maxCells);
  if (wrong !== null) return yield* layout.unjudged(wrong);
  try {
    const check = new Check(inspected.store, inspected.header, null, false);
    const areas = inspected.zoned === null ? [] : [{ offset: inspected.zoned.metadataOffset, lengthBytes: inspected.zoned.metadataSize }];
    yield* inWindows(check, areas, () => layout.window(check));
  } catch (error) {
    // What is too much to be judged is too much to be followed.
    if (!isImageFault(error) || isTooMuch(error)) throw error;
    // Nothing can be judged: what the tables lead to is shown all the same.
    layout.forget();
    return yield* layout.unjudged(error.problem);
  }
  return layout.report(null);
}

class Layout {
  readonly clusters: number;
  private readonly inspected: Inspected;
  private readonly kinds: readonly LayoutKind[];
  private readonly stretch: number;
  private readonly clustersPerCell: number;
  /** A stretch goes through all tables: each further one counts as much again. */
  private readonly work: TableWork;
  private cells: Uint8Array;
  private zoneCells: Uint32Array | null;
  private counts: number[];
  private beyond = 0;
  /** Marks of the last stretch that was not the whole file. */
  private last: Marks | null = null;

  constructor(inspected: Inspected, kinds: readonly LayoutKind[], maxCells: number) {
    this.inspected = inspected;
    this.kinds = kinds;
    this.stretch = maxCells;
    this.work = new TableWork(inspected.store, FREE_WORK, () => false);
    this.clusters = Math.ceil(inspected.fileSize / inspected.header.clusterSize);
    this.clustersPerCell = 1;
    while (this.clusters / this.clustersPerCell > maxCells) this.clustersPerCell *= 2;
    this.cells = new Uint8Array(Math.ceil(this.clusters / this.clustersPerCell));
    this.zoneCells = inspected.zoned === null ? null : new Uint32Array(this.cells.length);
    this.counts = kinds.map(() => 0);
  }

  forget(): void {
    this.cells.fill(0);
    this.zoneCells?.fill(0);
    this.counts.fill(0);
  }

  /** The window of clusters whose references have just been counted. */
  window(check: Check): Generator<number, void, void> {
    return this.stretches(check.references.from, Math.min(check.references.to, this.clusters), check);
  }

  /** What the tables lead to, whatever the refcounts say. */
  *unjudged(problem: ImageProblem): Generator<number, LayoutReport, void> {
    yield* this.stretches(0, this.clusters, null);
    return this.report(problem);
  }

  *stretches(from: number, to: number, check: Check | null): Generator<number, void, void> {
    for (let first = from; first < to; first += this.stretch) {
      const count = Math.min(this.stretch, to - first);
      const share = count / Math.max(1, to - from);
      const base = (first - from) / Math.max(1, to - from);
      for (const fraction of this.one(first, count, check)) yield base + share * fraction;
    }
  }

  private *one(first: number, count: number, check: Check | null): Generator<number, void, void> {
    const isWhole = this.clustersPerCell === 1 && first === 0 && count === this.cells.length;
    const marks = isWhole ? { first, kinds: this.cells, zones: this.zoneCells, beyond: 0, touched: false } : this.blank(first, count);
    for (const fraction of new Marker(this.inspected, this.kinds, marks, this.work).run()) yield 0.6 * fraction;
    // Every stretch follows the same tables, so that each sees all of it.
    this.beyond = marks.beyond;
    if (check !== null) for (const fraction of this.judge(marks, count, check)) yield 0.6 + 0.4 * fraction;
    if (!marks.touched) {
      this.counts[0]! += count;
      return;
    }
    const { kinds, zones } = marks;
    for (let index = 0; index < count; index++) this.counts[kinds[index]!]!++;
    if (isWhole) return;
    for (let index = 0; index < count; index++) {
      const cell = Math.floor((first + index) / this.clustersPerCell);
      if (kinds[index]! > this.cells[cell]!) this.cells[cell] = kinds[index]!;
      if (zones !== null && zones[index]! > 0) this.zoneCells![cell] = zones[index]!;
    }
  }

  /** The marks of a stretch with nothing in it; the arrays of the one before are used again. */
  private blank(first: number, count: number): Marks {
    const last = this.last;
    if (last?.kinds.length !== count) return (this.last = { first, kinds: new Uint8Array(count), zones: this.zoneCells === null ? null : new Uint32Array(count), beyond: 0, touched: false });
    if (last.touched) last.kinds.fill(0);
    if (last.touched) last.zones?.fill(0);
    return (this.last = { ...last, first, beyond: 0, touched: false });
  }

  /** Refcounts against references. */
  private *judge(marks: Marks, count: number, check: Check): Generator<number, void, void> {
    const { first, kinds } = marks;
    const { refcounts, references } = check;
    const { perBlock } = refcounts;
    const leaked = this.kinds.indexOf("leaked");
    const usedTwice = this.kinds.indexOf("used-twice");
    const end = first + count;
    let work = 0;
    for (let at = first; at < end; ) {
      const index = Math.floor(at / perBlock);
      // Behind the last block there is none, as far as the file goes.
      const behind = index < refcounts.blockCount ? Math.min((index + 1) * perBlock, end) : end;
      const block = refcounts.block(index);
      if (block === null || refcounts.totals(index).inUse === 0) {
        if (block !== "unreadable" && references.hasAny(at, behind)) {
          for (const [from, to] of behind - at > perBlock ? references.runs(at, behind) : [[at, behind] as const]) {
            for (let cluster = from; cluster < to; cluster++) {
              if (references.get(cluster) === 0) continue;
              kinds[cluster - first] = usedTwice;
              marks.touched = true;
            }
            work += to - from;
          }
        }
        work += 64;
      } else if (block !== "unreadable") {
        const start = index * perBlock;
        marks.touched = true;
        for (let cluster = at; cluster < behind; cluster++) {
          const refcount = block[cluster - start]!;
          const used = references.get(cluster);
          if (refcount > used) kinds[cluster - first] = leaked;
          else if (refcount < used) kinds[cluster - first] = usedTwice;
        }
        work += behind - at;
      }
      at = behind;
      if (work < YIELD_EVERY) continue;
      work = 0;
      yield (at - first) / count;
    }
  }

  report(problem: ImageProblem | null): LayoutReport {
    const counts = this.counts.slice();
    counts[this.kinds.indexOf("beyond-end")] = this.beyond;
    return {
      clusterSize: this.inspected.header.clusterSize,
      clusters: this.clusters,
      clustersPerCell: this.clustersPerCell,
      kinds: this.cells,
      zones: this.zoneCells,
      counts,
      problem,
    };
  }
}
