/** A job made into its requests: which source serves it, how many requests it has, and what is read back at its end. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { bytesOf, capacityOf, checkJob, isConventional, readableEnd, regionOf } from "./host.ts";
import type { HostView, Region } from "./host.ts";
import type { JobProblem, JobSpec } from "./job.ts";
import { LogStore } from "./log-store.ts";
import type { StoreReport } from "./log-store.ts";
import { readByChance, readInOrder } from "./read-source.ts";
import { Budget } from "./requests.ts";
import type { RequestSource } from "./requests.ts";
import { WriteSource, readBack } from "./write-source.ts";

export interface Workload {
  readonly requests: RequestSource;
  readonly region: Region;
  /** How many requests of its own the job makes; null where the end of the region or of the time decides. */
  readonly planned: number | null;
  /** null for jobs without a store. */
  store(): StoreReport | null;
}

/** A store overwrites its disk so often where the job says nothing of it. */
const STORE_PASSES = 2;

export function workloadOf(job: JobSpec, host: HostView): Result<Workload, JobProblem> {
  const problem = checkJob(job, host);
  if (problem !== null) return err(problem);
  const region = regionOf(job, host);
  if (!region.ok) return region;
  // Conventional zones are the first of a disk.
  if (job.rw === "append" && isConventional(host.zone(region.value.end - 1))) return err({ word: "rw", found: job.rw, allowed: "another kind: all zones that the job names are conventional" });
  const endless = job.timeBased && job.runtimeMs !== null;
  const wraps = endless || job.ioSize !== null;
  const requests = endless ? (job.numberIos ?? Infinity) : Math.min(job.numberIos ?? Infinity, requestsOf(job, host, region.value));
  const budget = new Budget(requests);
  const planned = Number.isFinite(requests) ? requests : null;
  const common = { region: region.value, planned };
  switch (job.rw) {
    case "read":
      return ok({ ...common, requests: readInOrder(job, host, region.value, budget, wraps), store: () => null });
    case "randread":
      return ok({ ...common, requests: readByChance(job, host, region.value, budget), store: () => null });
    case "write":
    case "append":
    case "randwrite":
      return ok({ ...common, requests: written(job, host, region.value, budget, wraps), store: () => null });
    case "logstore": {
      const store = LogStore.over(job, host, region.value, budget);
      return store.ok ? ok({ ...common, requests: store.value.requests(), store: () => store.value.report() }) : store;
    }
  }
}

function* written(job: JobSpec, host: HostView, region: Region, budget: Budget, wraps: boolean): RequestSource {
  const source = new WriteSource(job, host, region, budget, wraps);
  const end = yield* source.requests();
  if (job.verify && job.doVerify) yield* readBack(job, source);
  return end;
}

/** How many requests the bytes of a job are; Infinity where the end of the region decides. */
function requestsOf(job: JobSpec, host: HostView, region: Region): number {
  if (job.ioSize !== null) return Math.max(1, Math.floor(bytesOf(job.ioSize, host) / job.blockBytes));
  switch (job.rw) {
    case "read":
    case "write":
    case "append":
      return Infinity;
    case "randwrite":
      return Math.max(1, Math.floor(capacityOf(region, host) / job.blockBytes));
    case "randread":
      return Math.max(1, Math.floor(dataIn(job, region, host) / job.blockBytes));
    case "logstore":
      return Math.max(1, Math.floor((capacityOf(region, host) * (job.store.fill + STORE_PASSES)) / job.blockBytes));
  }
}

function dataIn(job: JobSpec, region: Region, host: HostView): number {
  let sum = 0;
  for (let index = region.first; index < region.end; index++) {
    const zone = host.zone(index);
    sum += Math.max(0, readableEnd(zone, region, job.readBeyondWp) - Math.max(zone.start, region.start));
  }
  return sum;
}
