/** The calls of workloads: jobs by number, each on an open handle, carried out in turns that end soon. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Failure, JobSpec, Outcome, RequestOf, WorkloadCalls } from "../protocol/index.ts";
import type { Job } from "./jobs.ts";
import type { OpenImage } from "./open-image.ts";
import type { WorkloadRun } from "./workload-run.ts";

export type WorkloadCallName = keyof WorkloadCalls;
type Handler<Name extends WorkloadCallName> = (request: RequestOf<Name>, job: Job) => Promise<Outcome<Name>> | Outcome<Name>;
type Handlers = { readonly [Name in WorkloadCallName]: Handler<Name> };

/** A turn longer than this would keep a click waiting. */
const MOST_TURN_MS = 250;

export interface WorkloadHost {
  /** The handle's image, while it is open. */
  readonly image: (handle: number) => OpenImage | null;
  readonly changed: (image: OpenImage) => void;
  /** Milliseconds on a clock that only goes forward, with fractions. */
  readonly clock: () => number;
}

export class Workloads {
  private readonly host: WorkloadHost;
  private readonly runs = new Map<number, WorkloadRun>();
  private nextNumber = 1;

  constructor(host: WorkloadHost) {
    this.host = host;
  }

  /** Whether a call is one of these. */
  has(name: string): boolean {
    return Object.hasOwn(this.handlers, name);
  }

  /** @throws what the engine's border makes a failure of */
  async perform<Name extends WorkloadCallName>(name: Name, request: RequestOf<Name>, job: Job): Promise<Outcome<Name>> {
    return await (this.handlers[name] as unknown as Handler<Name>)(request, job);
  }

  private readonly handlers: Handlers = {
    startWorkload: async ({ handle, job }) => {
      // Seldom wanted, and not small: loaded with the first job.
      const { WorkloadRun } = await import("./workload-run.ts");
      const image = this.host.image(handle);
      if (image === null) return closed(handle);
      const bad = badJob(job);
      if (bad !== null) return bad;
      const run = image.guard(() => WorkloadRun.of(image, job, this.host.clock));
      if (!run.ok) return run;
      this.dropClosed();
      this.runs.set(this.nextNumber, run.value);
      const { first, end } = run.value.region;
      return ok({ workload: this.nextNumber++, report: run.value.report(), firstZone: first, endZone: end });
    },
    workloadTurn: async ({ workload, requests, turnMs, afterPause = false }, job) => {
      const run = this.running(workload);
      if (!run.ok) return run;
      const { image } = run.value;
      const turn = await job.run(image.guardWork(() => run.value.turn(requests, Math.min(turnMs, MOST_TURN_MS), afterPause)));
      this.host.changed(image);
      // Cancelled in the middle of a turn: what was done is told all the same.
      if (!turn.ok) run.value.stop();
      else if (!turn.value.ok) return turn.value;
      return ok({ report: run.value.report(), waitMs: turn.ok && turn.value.ok ? turn.value.value : 0 });
    },
    endWorkload: ({ workload }) => {
      const run = this.running(workload);
      if (!run.ok) return run;
      run.value.stop();
      this.runs.delete(workload);
      return ok({ report: run.value.report() });
    },
  };

  private running(workload: number): Result<WorkloadRun, Failure> {
    const run = this.runs.get(workload);
    if (run === undefined) return err({ kind: "usage", code: "closed-handle", detail: `there is no workload ${workload}` });
    if (this.host.image(run.image.handle) === run.image) return ok(run);
    this.runs.delete(workload);
    return closed(run.image.handle);
  }

  /** Jobs on handles that were closed meanwhile are forgotten. */
  private dropClosed(): void {
    for (const [number, run] of this.runs) if (this.host.image(run.image.handle) !== run.image) this.runs.delete(number);
  }
}

const closed = (handle: number): { readonly ok: false; readonly error: Failure } => err({ kind: "usage", code: "closed-handle", detail: `handle ${handle} is not open` });

/** What no disk could do. The command language refuses it before, with the word as it was typed. */
function badJob(job: JobSpec): { readonly ok: false; readonly error: Failure } | null {
  const bad = (option: string, found: number, allowed: string): { readonly ok: false; readonly error: Failure } => err({ kind: "option", option, found: String(found), allowed });
  const { blockBytes, iodepth, store } = job;
  if (!Number.isSafeInteger(blockBytes) || blockBytes < 512 || blockBytes % 512 !== 0 || blockBytes > 64 * 2 ** 20) return bad("bs", blockBytes, "a multiple of 512 up to 64 MiB");
  if (!Number.isSafeInteger(iodepth) || iodepth < 1 || iodepth > 1024 || iodepth * blockBytes > 256 * 2 ** 20) return bad("iodepth", iodepth, "1 to 1024, and at most 256 MiB in flight");
  if (!(store.fill > 0 && store.fill < 1)) return bad("fill", store.fill, "a share above 0 and below 1");
  if (!(store.skew >= 0.5 && store.skew < 1)) return bad("skew", store.skew, "0.5 to less than 1");
  if (!Number.isSafeInteger(store.reserveZones) || store.reserveZones < 1) return bad("reserve", store.reserveZones, "1 or more");
  return null;
}
