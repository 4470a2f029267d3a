/**
 * Making an image independent of what differs between its old backing and a new one: whatever the guest sees through the image
 * from the old one, and would see otherwise from the new, is copied into the image. The guest's disk stays the same at every
 * moment, so that it may be stopped anywhere; the header is changed afterwards. Source: qemu-img, "rebase".
 */
import { assert } from "../base/assert.ts";
import { ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { roundDown, roundUp } from "../base/units.ts";
import type { Extent, Failure, MoveProblem } from "../protocol/index.ts";
import type { Below } from "./below.ts";
import { firstDifference } from "./compare.ts";
import { endCompressed } from "./compressed-write.ts";
import type { Disk } from "./disk.ts";
import type { Work } from "./jobs.ts";
import { MOVE_BYTES, Runs, attempt, attemptAct } from "./moving.ts";

export interface RebaseRules {
  /** The unit in which the image takes data from its backing: its clusters, or their parts with extended L2 entries. */
  readonly unitBytes: number;
  /** The new backing is the image of this depth in the present chain: what lies below it stays. null when it is another one. */
  readonly newDepth: number | null;
  /** What is copied is written compressed, in whole clusters wherever the image has no part of one. */
  readonly compressed: boolean;
}

/** Parts of a cluster that can differ: its subclusters, each told by whole sectors of what lies below. */
const MAX_PARTS = 2 ** 21 / 512;

/** own: in the image itself, or in a part of the chain that stays. zero, data: what the old backing shows. */
type Status = "own" | "zero" | "data";

export function* copyDifferences(overlay: Disk, old: Below | null, next: Below | null, rules: RebaseRules): Work<Result<null, MoveProblem>> {
  const rebasing = new Rebasing(overlay, old, next, rules);
  const size = overlay.virtualSize;
  for (let at = 0; at < size; ) {
    const end = rebasing.settleFrom(at);
    if (!end.ok) return end;
    at = end.value;
    yield at / size;
  }
  return ok(null);
}

class Rebasing {
  private readonly overlay: Disk;
  private readonly old: Below | null;
  private readonly next: Below | null;
  private readonly rules: RebaseRules;
  private readonly runs: Runs<Status>;
  private readonly nextRuns: Runs<boolean> | null;
  private readonly oldBytes = new Uint8Array(MOVE_BYTES);
  private readonly newBytes = new Uint8Array(MOVE_BYTES);

  constructor(overlay: Disk, old: Below | null, next: Below | null, rules: RebaseRules) {
    assert(MOVE_BYTES % rules.unitBytes === 0, "a piece is a whole number of units");
    this.overlay = overlay;
    this.old = old;
    this.next = next;
    this.rules = rules;
    const statusOf = ({ allocated, depth, zero }: Extent): Status => {
      const stays = depth === 0 ? allocated : rules.newDepth !== null && depth >= rules.newDepth;
      return stays ? "own" : zero ? "zero" : "data";
    };
    this.runs = new Runs(mappedOf(overlay), "target", statusOf);
    this.nextRuns = next === null ? null : new Runs(mappedOf(next), "new-backing", ({ zero }) => zero);
  }

  /** Sees to the run at `at`. @returns where the next begins */
  settleFrom(at: number): Result<number, MoveProblem> {
    const run = this.runs.next(at);
    if (!run.ok) return run;
    const { status } = run.value;
    let { end } = run.value;
    if (status === "own") return ok(end);
    if (status === "zero") {
      const zeros = this.nextZeros(at);
      if (!zeros.ok) return zeros;
      if (zeros.value > at) return ok(Math.min(end, zeros.value));
    }
    let { unitBytes } = this.rules;
    const { clusterSize, virtualSize } = this.overlay;
    if (this.rules.compressed && unitBytes < clusterSize) {
      // One cluster at a time: of a part of one nothing can be compressed.
      const cluster = roundDown(at, clusterSize);
      const clusterEnd = Math.min(cluster + clusterSize, virtualSize);
      if (this.hasNothingIn(cluster, clusterEnd)) {
        unitBytes = clusterSize;
        end = clusterEnd;
      } else end = Math.min(end, clusterEnd);
    }
    // Whole units: a part of one would have the rest of it copied from the old backing anyway.
    const start = roundDown(at, unitBytes);
    end = Math.min(roundUp(end, unitBytes), start + MOVE_BYTES, virtualSize);
    const settled = this.settle(start, end, unitBytes);
    return settled.ok ? ok(end) : settled;
  }

  /** Whether the image itself has none of [start, end), so that all of it may be written as the old backing shows it. */
  private hasNothingIn(start: number, end: number): boolean {
    const { extents, next } = this.overlay.map(start, end - start, MAX_PARTS);
    return next === null && extents.every(({ depth, allocated }) => depth > 0 || !allocated);
  }

  /** Where the zeros that the new backing shows from `at` on end; `at` where there are none. */
  private nextZeros(at: number): Result<number, MoveProblem> {
    if (this.next === null || this.nextRuns === null || at >= this.next.virtualSize) return ok(Infinity);
    const run = this.nextRuns.next(at);
    return run.ok ? ok(run.value.status ? run.value.end : at) : run;
  }

  /** Copies those units of [start, end) in which the backings differ. */
  private settle(start: number, end: number, unitBytes: number): Result<null, MoveProblem> {
    const before = this.read(this.old, "old-backing", start, this.oldBytes.subarray(0, end - start));
    if (!before.ok) return before;
    const after = this.read(this.next, "new-backing", start, this.newBytes.subarray(0, end - start));
    if (!after.ok) return after;
    const differs = (at: number): boolean => firstDifference(before.value.subarray(at, at + unitBytes), after.value.subarray(at, at + unitBytes)) >= 0;
    for (let at = 0; at < end - start; ) {
      let stop = at + unitBytes;
      if (differs(at)) {
        while (stop < end - start && differs(stop)) stop += unitBytes;
        const copied = this.copy(start + at, before.value.subarray(at, stop), unitBytes);
        if (!copied.ok) return copied;
      }
      at = stop;
    }
    return ok(null);
  }

  private read(from: Below | null, subject: "old-backing" | "new-backing", offset: number, into: Uint8Array): Result<Uint8Array, MoveProblem> {
    const there = Math.max(0, Math.min(into.length, (from?.virtualSize ?? 0) - offset));
    into.fill(0, there);
    if (from === null || there === 0) return ok(into);
    const read = attemptAct({ step: "read", subject, offset }, () => from.read(offset, into.subarray(0, there)));
    return read.ok ? ok(into) : read;
  }

  /** Behind the old backing's end zero clusters do, as QEMU has it. */
  private copy(offset: number, data: Uint8Array, unitBytes: number): Result<null, MoveProblem> {
    const oldEnd = Math.max(0, Math.min(data.length, (this.old?.virtualSize ?? 0) - offset));
    const inside = roundUp(oldEnd, unitBytes);
    if (oldEnd > 0) {
      const written = attempt({ step: "write", subject: "target", offset }, () => this.write(offset, data.subarray(0, inside)));
      if (!written.ok) return written;
    }
    if (inside >= data.length) return ok(null);
    return attemptAct({ step: "write", subject: "target", offset: offset + inside }, () => this.overlay.writeZeroes(offset + inside, data.length - inside, false));
  }

  /** Beside an external data file nothing is written, as with QEMU: what is to be compressed is not stored otherwise unasked. */
  private write(offset: number, data: Uint8Array): Result<null, Failure> {
    const { overlay } = this;
    const possible = this.rules.compressed ? endCompressed({ disk: overlay }) : ok(null);
    if (!possible.ok) return possible;
    const { clusterSize } = overlay;
    const whole = offset % clusterSize === 0 && (data.length % clusterSize === 0 || offset + data.length === overlay.virtualSize);
    // A cluster of which the image has a part is written as it is: compressed data replaces none.
    const packed = this.rules.compressed && whole && overlay.writeCompressed !== undefined ? overlay.writeCompressed(offset, data) : null;
    if (packed?.ok !== true) overlay.write(offset, data);
    return ok(null);
  }
}

const mappedOf = (disk: Below): { size: number; map: (offset: number, length: number, maxExtents: number) => Result<ReturnType<Below["map"]>, never> } => ({
  size: disk.virtualSize,
  map: (offset, length, maxExtents) => ok(disk.map(offset, length, maxExtents)),
});
