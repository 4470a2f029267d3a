/**
 * Whose turn it is: calls one at a time, in the order in which they came, and beside them those that touch nothing of the others'.
 * Each can be cancelled before its turn and in the midst of its work. Knows nothing of what a call does.
 *
 * Most calls are small and wait for nothing: their outcome is passed on as it is. A promise for each step of its way would cost as much
 * as the call itself, on every one of the thousands that a guest or a script makes.
 */
import { err } from "../base/result.ts";
import type { FileSpace } from "../bytes/file-space.ts";
import type { CallName, Notice, Outcome, ProgressListener } from "../protocol/index.ts";
import { failureOf } from "./border.ts";
import { CANCELLED, Job } from "./jobs.ts";
import type { JobHost } from "./jobs.ts";
import { withRoom } from "./room.ts";

/** An outcome, or the promise of one where something has to be waited for. */
export type Answered<Name extends CallName> = Outcome<Name> | Promise<Outcome<Name>>;

export interface TurnsHost {
  /** What is asked how much room is left. */
  readonly files: FileSpace;
  readonly notify: (notice: Notice) => void;
  readonly now: JobHost["now"];
  /** Absent: only what waits for a promise is heard in the midst of long work. */
  readonly pause?: JobHost["pause"];
}

export class Turns {
  private readonly host: TurnsHost;
  private readonly jobHost: JobHost;
  /** Told when the last of the calls that have come was carried out. */
  private readonly idle: () => void;
  /** What came last. */
  private tail: Promise<unknown> = Promise.resolve();
  /** The calls that have come and are not answered yet. */
  private readonly jobs = new Set<Job>();
  /** Those of them that run beside the others, and what they need that stays open. */
  private readonly apart = new Map<Job, string>();

  constructor(host: TurnsHost, idle: () => void) {
    this.host = host;
    this.jobHost = { now: host.now, pause: host.pause ?? (() => Promise.resolve()) };
    this.idle = idle;
  }

  /** Calls that have come and are not answered yet, those apart left out. */
  get waiting(): number {
    return this.jobs.size - this.apart.size;
  }

  /**
   * Carries a call out, after those before it. What it throws is its outcome.
   * @param id names it to cancel, and in progress notices; 0 for none
   * @param apart what it needs that stays open while it runs beside the others; null where it waits its turn
   */
  enter<Name extends CallName>(id: number, listen: ProgressListener | undefined, apart: string | null, carryOut: (job: Job) => Answered<Name>): Promise<Outcome<Name>> {
    const tell = listen ?? ((fraction: number): void => this.host.notify({ notice: "progress", id, fraction }));
    const job = new Job(id, this.jobHost, tell, listen !== undefined);
    this.jobs.add(job);
    const act = (): Answered<Name> => this.answer(job, carriedOut(job, carryOut));
    if (apart === null) return this.inTurn(act);
    this.apart.set(job, apart);
    return Promise.resolve(act());
  }

  /** Acts after what came before it, however that ended. */
  inTurn<Value>(act: () => Promise<Value> | Value): Promise<Value> {
    const run = this.tail.then(act, act);
    this.tail = run;
    return run;
  }

  /** Stops a call between two slices of its work, or before it is begun; one that is answered already is not known any more. */
  cancel(id: number): void {
    for (const job of this.jobs) if (job.id === id && id !== 0) job.cancel();
  }

  cancelAll(): void {
    for (const job of this.jobs) job.cancel();
  }

  /** Has what runs apart and needs something stop before it goes; all that runs apart where nothing is named. */
  stopApart(key: string | null): void {
    for (const [job, needed] of this.apart) if (key === null || needed === key) job.cancel();
  }

  private answer<Name extends CallName>(job: Job, outcome: Answered<Name>): Answered<Name> {
    if (outcome instanceof Promise) return outcome.catch((error: unknown) => err(failureOf(error))).then((settled) => this.answer(job, settled));
    if (!outcome.ok) return withRoom(this.host.files, outcome).then((told) => this.leave(job, told));
    return this.leave(job, outcome);
  }

  private leave<Name extends CallName>(job: Job, outcome: Outcome<Name>): Outcome<Name> {
    this.jobs.delete(job);
    this.apart.delete(job);
    if (this.waiting === 0) this.idle();
    return outcome;
  }
}

function carriedOut<Name extends CallName>(job: Job, carryOut: (job: Job) => Answered<Name>): Answered<Name> {
  if (job.cancelled) return err(CANCELLED);
  try {
    return carryOut(job);
  } catch (error) {
    return err(failureOf(error));
  }
}
