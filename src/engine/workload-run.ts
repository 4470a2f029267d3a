/**
 * A job that is being carried out: its requests one after the other through the same calls that a person's go through, so many in a turn.
 * Requests that are in flight together are handed over together; writes are done in their order, appends in another one that the seed
 * decides, as a disk may, and each learns where it landed.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { Random } from "../base/random.ts";
import type { Failure, JobEnd, JobSpec, Outcome, WorkloadReport } from "../protocol/index.ts";
import { fillOffsets, matchesOffsets, matchesStamp, workloadOf } from "../workload/index.ts";
import type { HostView, JobProblem, Region, Request, RequestResult, Workload } from "../workload/index.ts";
import { performOnDevice } from "./device-calls.ts";
import type { Work } from "./jobs.ts";
import type { OpenImage } from "./open-image.ts";
import { WorkloadCounts } from "./workload-counts.ts";
import { hostViewOf } from "./workload-host.ts";

/** Of more zones than this the bytes below the pointers are not counted anew for each report. */
const COUNTED_ZONES = 2048;
const RECOUNT_MS = 500;
/** Events that a turn hands over; what more there are is told as the zones that changed. */
const EVENTS_PER_TURN = 128;

/** What resets have given back is used again after a flush only, so that a job without one would have the image file grow. */
const FLUSH_AFTER_RESET_BYTES = 64 * 2 ** 20;

interface InFlight {
  readonly requests: readonly Request[];
  readonly results: RequestResult[];
  /** In which order they are done. */
  readonly order: readonly number[];
  done: number;
  /** When they were handed over, on the clock of the time that this job was at it. */
  readonly sinceMs: number;
}

export class WorkloadRun {
  readonly image: OpenImage;
  private readonly job: JobSpec;
  private readonly view: HostView;
  private readonly workload: Workload;
  /** Milliseconds on a clock that only goes forward, with fractions. */
  private readonly clock: () => number;
  private readonly counts = new WorkloadCounts();
  private readonly order: Random;
  private flight: InFlight | null = null;
  private end: JobEnd | null = null;
  private writes = 0;
  /** Bytes of the zones that were reset since the last flush. */
  private resetBytes = 0;
  private elapsedMs = 0;
  private busyMs = 0;
  private turnEnded: number | null = null;
  private usedBytes = 0;
  private usedAtMs = -Infinity;

  private constructor(image: OpenImage, job: JobSpec, view: HostView, workload: Workload, clock: () => number) {
    this.image = image;
    this.job = job;
    this.view = view;
    this.workload = workload;
    this.clock = clock;
    this.order = new Random(job.randseed ^ 0x5eed);
  }

  /** Refused with kind "option" for a word that this disk cannot have. */
  static of(image: OpenImage, job: JobSpec, clock: () => number): Result<WorkloadRun, Failure> {
    const { readOnly, readOnlyReason } = image.device.disk;
    if (readOnly && job.rw !== "read" && job.rw !== "randread") return err({ kind: "usage", code: "read-only", detail: readOnlyReason ?? "the image is open for reading" });
    const view = hostViewOf(image);
    const workload = workloadOf(job, view);
    return workload.ok ? ok(new WorkloadRun(image, job, view, workload.value, clock)) : err(optionOf(workload.error));
  }

  /** The zones that the job works on. */
  get region(): Region {
    return this.workload.region;
  }

  /** Of the requests that are planned, or of the time; what nobody knows is 0. */
  get fraction(): number {
    const { planned } = this.workload;
    const byTime = this.job.runtimeMs === null ? 0 : this.elapsedMs / this.job.runtimeMs;
    return Math.min(1, Math.max(byTime, planned === null ? 0 : this.counts.requests / planned));
  }

  /**
   * Carries out up to `most` requests. Yields the fraction done after each; dropped there, it goes on with the next turn.
   * @returns how long the job's rate leaves nothing to do, in milliseconds; a failure that is no refusal, which ends the job
   */
  *turn(most: number, turnMs: number, afterPause: boolean): Work<Result<number, Failure>> {
    const began = this.clock();
    if (this.turnEnded !== null && !afterPause) this.elapsedMs += began - this.turnEnded;
    const elapsedBefore = this.elapsedMs;
    const busyBefore = this.busyMs;
    const { log } = this.image.device;
    const limitBefore = log.eventLimit;
    log.eventLimit = EVENTS_PER_TURN;
    const tick = (): number => {
      const spent = this.clock() - began;
      this.elapsedMs = elapsedBefore + spent;
      this.busyMs = busyBefore + spent;
      return spent;
    };
    try {
      for (let made = 0; made < most && this.end === null; made++) {
        if (tick() >= turnMs) break;
        if (this.job.runtimeMs !== null && this.elapsedMs >= this.job.runtimeMs) return this.over("runtime");
        const next = this.next();
        if (!next.ok) return this.failed(next.error);
        if (next.value === null) break;
        const waitMs = this.waitMs(next.value);
        if (waitMs > 0) return ok(waitMs);
        const done = this.perform(next.value, () => {
          tick();
          return this.busyMs;
        });
        if (!done.ok) return this.failed(done.error);
        yield this.fraction;
      }
      return ok(0);
    } finally {
      tick();
      this.turnEnded = this.clock();
      log.eventLimit = limitBefore;
    }
  }

  private failed(failure: Failure): Result<never, Failure> {
    this.end = "refused";
    return err(failure);
  }

  stop(): void {
    this.end ??= "stopped";
  }

  report(): WorkloadReport {
    const { open, active } = this.view.resources();
    return { end: this.end, elapsedMs: this.elapsedMs, busyMs: this.busyMs, planned: this.workload.planned, ...this.counts.report(), open, active, usedBytes: this.used(), store: this.workload.store() };
  }

  /** The request that is due; null when the job is over. */
  private next(): Result<Request | null, Failure> {
    while (this.flight === null || this.flight.done === this.flight.requests.length) {
      const step = this.workload.requests.next(this.flight?.results ?? []);
      this.flight = null;
      if (step.done === true || "end" in step.value) {
        const over = this.over(step.done === true ? step.value : (step.value as { end: JobEnd }).end);
        return over.ok ? ok(null) : over;
      }
      const requests = step.value;
      this.flight = { requests, results: [], order: this.orderOf(requests), done: 0, sinceMs: this.busyMs };
    }
    return ok(this.flight.requests[this.flight.order[this.flight.done]!]!);
  }

  /** Appends may be done in any order; what is written at a pointer may not. */
  private orderOf(requests: readonly Request[]): number[] {
    const order = requests.map((_, index) => index);
    if (!requests.every(({ op }) => op === "append")) return order;
    for (let index = order.length - 1; index > 0; index--) {
      const other = this.order.below(index + 1);
      [order[index], order[other]] = [order[other]!, order[index]!];
    }
    return order;
  }

  /** How long the rate has this request wait. */
  private waitMs(request: Request): number {
    if (!isOfJob(request)) return 0;
    const { rateBytes, rateIops } = this.job;
    const due = Math.max(rateBytes === null ? 0 : (this.counts.bytes / rateBytes) * 1000, rateIops === null ? 0 : (this.counts.requests / rateIops) * 1000);
    return due - this.elapsedMs;
  }

  /** @param busyMs the time that this job was at it until now */
  private perform(request: Request, busyMs: () => number): Result<null, Failure> {
    const flight = this.flight!;
    const outcome = this.carryOut(request);
    const latency = busyMs() - flight.sinceMs;
    if (isOfJob(request)) this.counts.requests++;
    if (!outcome.ok) {
      if (outcome.error.kind !== "zone") return outcome;
      this.counts.refused(outcome.error);
      if (!this.job.continueOnError) this.end = "refused";
      flight.results[flight.order[flight.done++]!] = { ok: false, code: outcome.error.code };
      return ok(null);
    }
    const bytes = "length" in request && (request.op === "write" || request.op === "append" || request.op === "read") ? request.length : 0;
    this.counts.add(request.op, bytes, latency);
    if (isOfJob(request)) this.counts.bytes += bytes;
    if (request.op === "read" && request.expected !== null) this.counts.compared(request.offset, outcome.value.matches);
    flight.results[flight.order[flight.done++]!] = outcome.value;
    return this.flushNowAndThen(request);
  }

  private carryOut(request: Request): Result<Extract<RequestResult, { ok: true }>, Failure> {
    const { handle } = this.image;
    const at = (offset: number, data: Uint8Array | null = null, matches = true): { ok: true; value: Extract<RequestResult, { ok: true }> } => ok({ ok: true, offset, data, matches });
    switch (request.op) {
      case "write": {
        const { offset, length, content } = request;
        const data = content.kind === "byte" ? null : content.kind === "data" ? content.data : offsetsAt(offset, length);
        const written = performOnDevice("write", this.image, { handle, offset, length, pattern: content.kind === "byte" ? content.byte : 0, data });
        return written.ok ? at(offset) : written;
      }
      case "append": {
        const landed = performOnDevice("append", this.image, { handle, offset: request.offset, lengths: [request.length], pattern: request.byte });
        return landed.ok ? at(landed.value.offset) : landed;
      }
      case "read": {
        const { offset, length, expected, wantData } = request;
        const read: Outcome<"read"> = performOnDevice("read", this.image, { handle, offset, length, pattern: null, wantData: wantData || expected !== null });
        if (!read.ok) return read;
        const { data } = read.value;
        const matches = data === null || expected === null || (expected.kind === "offsets" ? matchesOffsets(data, offset) : matchesStamp(data, expected.key, expected.version, this.job.randseed));
        return at(offset, data, matches);
      }
      case "reset":
      case "finish":
      case "close": {
        const { op, offset, length } = request;
        const managed = performOnDevice("manage", this.image, { handle, operation: op, offset, length });
        return managed.ok ? at(offset) : managed;
      }
      case "flush": {
        const flushed = performOnDevice("flush", this.image, { handle });
        return flushed.ok ? at(0) : flushed;
      }
    }
  }

  private flushNowAndThen(request: Request): Result<null, Failure> {
    if (request.op === "flush") this.resetBytes = 0;
    if (request.op === "reset" && (this.resetBytes += request.length) >= FLUSH_AFTER_RESET_BYTES) return this.flush();
    if ((request.op !== "write" && request.op !== "append") || request.purpose !== "job") return ok(null);
    this.writes++;
    return this.job.fsync > 0 && this.writes % this.job.fsync === 0 ? this.flush() : ok(null);
  }

  private flush(): Result<null, Failure> {
    this.resetBytes = 0;
    const before = this.clock();
    const flushed = this.carryOut({ op: "flush" });
    if (!flushed.ok) return flushed;
    this.counts.add("flush", 0, this.clock() - before);
    return ok(null);
  }

  private over(end: JobEnd): Result<number, Failure> {
    this.end = end;
    const flushed = this.job.endFsync && this.writes > 0 ? this.flush() : ok(null);
    return flushed.ok ? ok(0) : flushed;
  }

  /** Bytes below the write pointers of the region. */
  private used(): number {
    const { first, end } = this.workload.region;
    if (end - first > COUNTED_ZONES && this.busyMs - this.usedAtMs < RECOUNT_MS && this.end === null) return this.usedBytes;
    this.usedAtMs = this.busyMs;
    this.usedBytes = 0;
    for (let index = first; index < end; index++) {
      const { start, writePointer, capacity } = this.view.zone(index);
      this.usedBytes += Math.min(writePointer - start, capacity);
    }
    return this.usedBytes;
  }
}

const isOfJob = (request: Request): boolean => "purpose" in request && request.purpose === "job";

function offsetsAt(offset: number, length: number): Uint8Array {
  const data = new Uint8Array(length);
  fillOffsets(data, offset);
  return data;
}

const optionOf = ({ word, found, allowed }: JobProblem): Failure => ({ kind: "option", option: word, found, allowed });
