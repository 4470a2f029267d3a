/** Reads as fio's zonemode=zbd makes them: of what lies below the write pointers alone, unless the job reads beyond them. */
import { Random } from "../base/random.ts";
import { readableEnd } from "./host.ts";
import type { HostView, Region } from "./host.ts";
import type { JobSpec } from "./job.ts";
import type { Budget, Request, RequestSource } from "./requests.ts";

/** What can be read of a zone, in bytes: [start, end). */
interface Readable {
  readonly start: number;
  readonly end: number;
}

function readableOf(job: JobSpec, host: HostView, region: Region, index: number): Readable {
  const zone = host.zone(index);
  return { start: Math.max(zone.start, region.start), end: readableEnd(zone, region, job.readBeyondWp) };
}

const reading = (job: JobSpec, offset: number, length: number): Request => ({ op: "read", offset, length, expected: job.verify ? { kind: "offsets" } : null, wantData: false, purpose: "job" });

/** Zone after zone, from its start to its pointer. @param wraps whether the region is begun anew at its end */
export function* readInOrder(job: JobSpec, host: HostView, region: Region, budget: Budget, wraps: boolean): RequestSource {
  for (let found = false; budget.left > 0; found = false) {
    for (let index = region.first; index < region.end && budget.left > 0; index++) {
      const { start, end } = readableOf(job, host, region, index);
      for (let at = start; at < end && budget.left > 0; ) {
        const batch: Request[] = [];
        for (let left = budget.take(job.iodepth); left > 0; left--) {
          const length = Math.min(job.blockBytes, end - at);
          if (length > 0) batch.push(reading(job, at, length));
          else budget.left++;
          at += length;
        }
        found = true;
        yield batch;
      }
    }
    if (!found) return "nothing-to-read";
    if (!wraps) return "done";
  }
  return "done";
}

/** Any block that has data. */
export function* readByChance(job: JobSpec, host: HostView, region: Region, budget: Budget): RequestSource {
  const random = new Random(job.randseed);
  const zones = region.end - region.first;
  while (budget.left > 0) {
    const batch: Request[] = [];
    const wanted = budget.take(job.iodepth);
    while (batch.length < wanted) {
      const drawn = random.below(zones);
      let { start, end } = readableOf(job, host, region, region.first + drawn);
      // A zone without data stands for the next one that has some.
      for (let step = 1; end <= start && step < zones; step++) ({ start, end } = readableOf(job, host, region, region.first + ((drawn + step) % zones)));
      if (end <= start) return "nothing-to-read";
      const blocks = Math.max(1, Math.floor((end - start) / job.blockBytes));
      const at = start + random.below(blocks) * job.blockBytes;
      batch.push(reading(job, at, Math.min(job.blockBytes, end - at)));
    }
    yield batch;
  }
  return "done";
}
