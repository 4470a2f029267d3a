/** Workloads as calls: a job that is begun, carried out turn by turn at the caller's pace, and ended; what it has come to, as numbers. */
import type { JobEnd, JobSpec } from "../workload/job.ts";
import type { StoreReport } from "../workload/log-store.ts";
import type { RequestKind } from "../workload/requests.ts";
import type { ZoneRefusal } from "./failures.ts";

export type { CleaningPolicy, JobEnd, JobExtent, JobMode, JobSpec } from "../workload/job.ts";
export type { StoreReport } from "../workload/log-store.ts";
export type { RequestKind } from "../workload/requests.ts";

/**
 * What one kind of request came to. Latency is real: the time from handing a batch of `iodepth` requests to this engine until it was done
 * with the request, in milliseconds. No time of a disk is simulated.
 */
export interface KindReport {
  readonly kind: RequestKind;
  readonly requests: number;
  readonly bytes: number;
  readonly latency: { readonly least: number; readonly mean: number; readonly p50: number; readonly p99: number; readonly most: number };
}

export interface WorkloadReport {
  /** null while it goes on. */
  readonly end: JobEnd | null;
  /** Time since the first turn, less the pauses that the caller told of; milliseconds. */
  readonly elapsedMs: number;
  /** Time that the engine was at it. */
  readonly busyMs: number;
  /** Requests of the job itself, refused ones among them, and how many it will make; null where the end of the region or of the time decides. */
  readonly requests: number;
  readonly planned: number | null;
  /** Bytes of the job's own requests that were carried out: what fio counts. */
  readonly bytes: number;
  /** Of those that were made, by kind, the cleaner's and the reading back among them. */
  readonly kinds: readonly KindReport[];
  /** Refused requests by code, most first. */
  readonly refusals: readonly { readonly code: string; readonly count: number }[];
  readonly firstRefusal: ZoneRefusal | null;
  /** Blocks that were read and compared, how many were not what they should be, and where the first of those lies. */
  readonly verified: number;
  readonly mismatches: number;
  readonly firstMismatch: number | null;
  /** Open and active zones now, and bytes below the write pointers of the region. */
  readonly open: number;
  readonly active: number;
  readonly usedBytes: number;
  readonly store: StoreReport | null;
}

export interface WorkloadCalls {
  /**
   * Begins a job on an open disk, on its zones [firstZone, endZone): nothing is written yet. Refused with kind "option" for a word that this disk cannot have. The job goes
   * when it is ended, or with the handle.
   */
  startWorkload: { request: { handle: number; job: JobSpec }; reply: { workload: number; report: WorkloadReport; firstZone: number; endZone: number } };
  /**
   * Carries out at most `requests` of a job's requests, for at most `turnMs` milliseconds (and one request more). `waitMs` is how long
   * the job's own rate has nothing to do. Zone refusals are counted in the report; any other failure is the call's and ends the job.
   * @param afterPause the time since the last turn does not count
   */
  workloadTurn: { request: { workload: number; requests: number; turnMs: number; afterPause?: boolean }; reply: { report: WorkloadReport; waitMs: number } };
  /** Forgets a job, wherever it is. What it has written stays. */
  endWorkload: { request: { workload: number }; reply: { report: WorkloadReport } };
}
