/**
 * Long work in slices. The work is a generator that yields the fraction done, 0 to 1; between its slices the home's event loop
 * has its turn, so that a cancel, a signal or a message is heard while the work goes on. Calls behind a job wait for it all the
 * same: nothing else touches an image meanwhile.
 *
 * The work stops where it yields: its `finally` blocks run, and it must yield only where a stop leaves what a crash would leave
 * at worst.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Cancelled, Failure } from "../protocol/index.ts";
import { failureOf } from "./border.ts";

/** Yields the fraction done, 0 to 1. */
export type Work<Value> = Generator<number, Value, void>;

export interface JobHost {
  /** Milliseconds on any clock that runs. */
  readonly now: () => number;
  /** Lets whatever waits in the home's event loop be heard, and resolves behind it; it should cost next to nothing. */
  readonly pause: () => Promise<void>;
}

/** How far work must have come for it to be told although its slice is not over. */
const TOLD_STEP = 0.01;
/** Long enough that the pauses cost nothing, short enough that a cancel is heard at once. */
const SLICE_MS = 12;

export const CANCELLED: Cancelled = { kind: "cancelled" };

/** One call as those see it who carry it out: whether it shall go on, and whom to tell how far it is. */
export class Job {
  readonly id: number;
  private readonly host: JobHost;
  private readonly tell: (fraction: number) => void;
  private readonly tellsSteps: boolean;
  private stopped = false;

  /**
   * @param id the call's, by which it is cancelled; 0 for none
   * @param tellsSteps tells each hundredth too, where no slice is over yet
   */
  constructor(id: number, host: JobHost, tell: (fraction: number) => void, tellsSteps = false) {
    this.id = id;
    this.host = host;
    this.tell = tell;
    this.tellsSteps = tellsSteps;
  }

  get cancelled(): boolean {
    return this.stopped;
  }

  /** Stops the work at its next pause; a call that still waits for its turn is not begun. */
  cancel(): void {
    this.stopped = true;
  }

  /** Does the work, telling how far it is at each pause. @throws what the work throws */
  async run<Value>(work: Work<Value>): Promise<Result<Value, Cancelled>> {
    let sliceEnd = this.host.now() + SLICE_MS;
    let told = 0;
    for (;;) {
      const step = work.next();
      if (step.done === true) return ok(step.value);
      const over = this.host.now() >= sliceEnd;
      // Steps are counted from step to step, whenever a slice ends: which of them are told is no matter of time.
      const far = Math.abs(step.value - told) > TOLD_STEP;
      if (far) told = step.value;
      if (over || (this.tellsSteps && far)) this.tell(step.value);
      if (!over) continue;
      await this.host.pause();
      if (this.stopped) {
        work.return(undefined as Value);
        return err(CANCELLED);
      }
      sliceEnd = this.host.now() + SLICE_MS;
    }
  }

  /** As run, for work whose value is a Result itself. */
  async outcome<Value>(work: Work<Result<Value, Failure>>): Promise<Result<Value, Failure>> {
    const done = await this.run(work);
    return done.ok ? done.value : done;
  }
}

/** Work of which what it throws is its outcome. */
export function* safely<Value>(work: Work<Result<Value, Failure>>): Work<Result<Value, Failure>> {
  try {
    return yield* work;
  } catch (error) {
    return err(failureOf(error));
  }
}

/** Does work to its end without a pause, where nothing is to be heard meanwhile. */
export function runToEnd<Value>(work: Work<Value>): Value {
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}

/** Work as a part of other work: its fractions between `from` and `to` of the whole. */
export function* part<Value>(work: Work<Value>, from: number, to: number): Work<Value> {
  let step = work.next();
  try {
    for (; step.done !== true; step = work.next()) yield from + step.value * (to - from);
  } finally {
    // Dropped in the middle: the part's own `finally` blocks run too.
    if (step.done !== true) work.return(undefined as Value);
  }
  return step.value;
}
