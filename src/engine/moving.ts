/**
 * What the programs that move data share: where one failed, named so that each can word it as QEMU does, and a disk's extents as
 * runs of one answer.
 */
import { Fault } from "../base/fault.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Extent, Failure, MoveProblem } from "../protocol/index.ts";
import type { Answer } from "./device.ts";

/**
 * Bytes that are read and written at once: few calls, what was read still in the processor's cache when it is written, and a whole
 * number of clusters of any size, which rebase counts on.
 */
export const MOVE_BYTES = 2 * 2 ** 20;
/** Extents that are asked for at once. */
const EXTENTS = 1024;
/** Extents that one run may go through: even the smallest then make a whole cluster of the largest size. */
const WALKED_EXTENTS = 4 * EXTENTS;

export type Place = Omit<MoveProblem, "kind" | "cause">;

/** Does one step and tells where it was when it fails. @throws what is no Fault */
export function attempt<Value>(place: Place, act: () => Result<Value, Failure>): Result<Value, MoveProblem> {
  const failed = (cause: Failure): Result<Value, MoveProblem> => err({ kind: "move", ...place, cause });
  try {
    const outcome = act();
    return outcome.ok ? outcome : failed(outcome.error);
  } catch (error) {
    if (error instanceof Fault) return failed(error.problem);
    throw error;
  }
}

/** As attempt, for what answers nothing. */
export const attemptAct = (place: Place, act: () => void): Result<null, MoveProblem> =>
  attempt(place, () => {
    act();
    return ok(null);
  });

/** What has extents: a device, or several end to end. */
export interface Mapped {
  readonly size: number;
  map(offset: number, length: number, maxExtents: number): Answer<{ extents: readonly Extent[]; next: number | null }>;
}

export interface Run<Status> {
  readonly status: Status;
  /** The first byte behind it. */
  readonly end: number;
}

/** A disk's extents, asked for in pieces and walked through from start to end, neighbours of one status taken together. */
export class Runs<Status> {
  private readonly disk: Mapped;
  private readonly subject: Place["subject"];
  private readonly statusOf: (extent: Extent) => Status;
  private extents: readonly Extent[] = [];
  private index = 0;
  /** The last run that was found, from where it began. */
  private last: (Run<Status> & { readonly start: number }) | null = null;
  /** A failure in front of which the last run ended. */
  private met: { readonly at: number; readonly problem: Result<never, MoveProblem> } | null = null;

  constructor(disk: Mapped, subject: Place["subject"], statusOf: (extent: Extent) => Status) {
    this.disk = disk;
    this.subject = subject;
    this.statusOf = statusOf;
  }

  /**
   * The run that holds `at`, which lies within the disk. It ends where the status does, where the next cannot be told, or where enough
   * was walked through for one slice of work.
   */
  next(at: number): Result<Run<Status>, MoveProblem> {
    if (this.last !== null && this.last.start <= at && at < this.last.end) return ok(this.last);
    let status: Status | undefined;
    let end = at;
    for (let seen = 0; end < this.disk.size && seen < WALKED_EXTENTS; seen++) {
      const extent = this.extentAt(end);
      if (!extent.ok && end > at) {
        // It is told when its turn comes, as it was met: a second look would not tell of a lie any more.
        this.met = { at: end, problem: extent };
        break;
      }
      if (!extent.ok) return extent;
      const found = this.statusOf(extent.value);
      status ??= found;
      if (found !== status) break;
      end = extent.value.start + extent.value.length;
    }
    this.last = { start: at, status: status!, end };
    return ok(this.last);
  }

  private extentAt(at: number): Result<Extent, MoveProblem> {
    const { met } = this;
    this.met = null;
    if (met?.at === at) return met.problem;
    const first = this.extents[0];
    if (first !== undefined && at < first.start) this.extents = [];
    this.index = Math.min(this.index, Math.max(0, this.extents.length - 1));
    while (this.index > 0 && this.extents[this.index]!.start > at) this.index--;
    while (this.index < this.extents.length && this.extents[this.index]!.start + this.extents[this.index]!.length <= at) this.index++;
    if (this.index >= this.extents.length) {
      const mapped = attempt({ step: "map", subject: this.subject, offset: at }, () => this.disk.map(at, this.disk.size - at, EXTENTS));
      if (!mapped.ok) return mapped;
      this.extents = mapped.value.extents;
      this.index = 0;
    }
    return ok(this.extents[this.index]!);
  }
}
