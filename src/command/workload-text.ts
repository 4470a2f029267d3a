/** What a workload came to, in lines that a person reads who knows fio's, and as JSON. */
import type { JobEnd, JobSpec, KindReport, WorkloadReport } from "../protocol/index.ts";
import { counted, exact, fixed, integer, ioSize } from "./format.ts";
import type { WorkloadSeries } from "./workload-series.ts";
import { jobWords } from "./workload-words.ts";

const ENDS: Readonly<Record<JobEnd, string>> = {
  done: "did what it was asked for",
  runtime: "the runtime is over",
  full: "every zone of the region is full",
  "no-slot": "no zone can be opened: others take the open or active slots",
  "nothing-to-read": "there is nothing to read below the write pointers",
  refused: "a request was refused",
  disturbed: "somebody else changed what the store had written",
  stopped: "it was stopped",
};

export const endWords = (end: JobEnd): string => ENDS[end];

/** "12.3k": IOPS as fio shows them. */
function shortCount(value: number): string {
  if (value < 1000) return value < 10 && !Number.isInteger(value) ? fixed(value, 1) : integer(Math.round(value));
  return value < 1e6 ? `${fixed(value / 1000, value < 1e5 ? 1 : 0)}k` : `${fixed(value / 1e6, 1)}M`;
}

const perSecond = (value: number, elapsedMs: number): number => (elapsedMs > 0 ? (value * 1000) / elapsedMs : 0);

export function workloadLines(file: string, job: JobSpec, report: WorkloadReport): string {
  const { elapsedMs, end, refusals, verified, mismatches, firstMismatch, store } = report;
  let text = `${file}: ${jobWords(job).join(" ")}\n`;
  for (const kind of report.kinds) text += kindLines(kind, elapsedMs);
  text += `  zones: ${counted(report.open, "open zone")} and ${report.active} active now, ${ioSize(report.usedBytes)} below the write pointers of the region\n`;
  if (store !== null) {
    text += `  store: ${integer(store.keys)} keys on ${counted(store.zones, "zone")}, ${fixed(store.utilisation * 100, 1)}% of them live, ${store.freeZones} free\n`;
    text += `    write amplification=${fixed(store.writeAmplification, 3)} (${integer(store.written)} blocks written, ${integer(store.copied)} copied), lately ${fixed(store.recentAmplification, 3)}\n`;
    text += `    ${counted(store.cleanings, "cleaning")} of zones that were ${fixed(store.victimUtilisation * 100, 1)}% live\n`;
  }
  if (verified > 0) text += `  verify: ${integer(verified)} blocks compared, ${mismatches === 0 ? "none wrong" : `${integer(mismatches)} wrong, the first at ${exact(firstMismatch!)}`}\n`;
  if (refusals.length > 0) text += `  refused: ${refusals.map(({ code, count }) => `${code}=${integer(count)}`).join(", ")}\n`;
  text += `  time: ${fixed(elapsedMs / 1000, 3)} s, of which ${fixed(report.busyMs / 1000, 3)} s in the engine\n`;
  return end === null || end === "done" ? text : `${text}  ended: ${endWords(end)}\n`;
}

function kindLines({ kind, requests, bytes, latency }: KindReport, elapsedMs: number): string {
  if (bytes === 0) return `  ${kind}: ${integer(requests)}\n`;
  const micro = (ms: number): string => fixed(ms * 1000, 1);
  return (
    `  ${kind}: IOPS=${shortCount(perSecond(requests, elapsedMs))}, BW=${ioSize(Math.round(perSecond(bytes, elapsedMs)))}/s (${ioSize(bytes)}/${Math.round(elapsedMs)}msec), ${integer(requests)} requests\n` +
    `    clat (usec): min=${micro(latency.least)}, avg=${micro(latency.mean)}, p50=${micro(latency.p50)}, p99=${micro(latency.p99)}, max=${micro(latency.most)}\n`
  );
}

export function workloadJson(file: string, job: JobSpec, report: WorkloadReport, series: WorkloadSeries): string {
  const { elapsedMs } = report;
  const kinds = report.kinds.map((kind) => ({ ...kind, iops: perSecond(kind.requests, elapsedMs), bytesPerSecond: perSecond(kind.bytes, elapsedMs) }));
  return `${JSON.stringify({ file, job: jobWords(job), report: { ...report, kinds }, series: series.columns() }, null, 4)}\n`;
}
