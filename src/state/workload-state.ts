/** What the tab "Workload" shows, as data: the form in fio's words, the job that runs, and what the stores before it came to. */
import type { WorkloadReport } from "../protocol/index.ts";
import type { SeriesRow } from "../command/workload-series.ts";
import type { ZoneFills } from "./zone-fills.ts";

export const KINDS = ["write", "randwrite", "append", "read", "randread", "logstore"] as const;

/** The form's fields as they are typed; an empty one is a word that is not given. */
export interface WorkloadForm {
  readonly rw: string;
  readonly bs: string;
  readonly zones: string;
  readonly iodepth: string;
  readonly rate: string;
  readonly policy: string;
  readonly fill: string;
  readonly skew: string;
  /** Further words, separated by spaces. */
  readonly more: string;
}

export const PRESETS: readonly { readonly name: string; readonly form: WorkloadForm }[] = (() => {
  const form: WorkloadForm = { rw: "append", bs: "4k", zones: "", iodepth: "16", rate: "", policy: "greedy", fill: "0.5", skew: "0.5", more: "" };
  return [
    { name: "Appends, round the zones", form },
    { name: "Zone after zone", form: { ...form, rw: "write", bs: "16k", iodepth: "4" } },
    { name: "Random writes", form: { ...form, rw: "randwrite", iodepth: "4", more: "io_size=1G" } },
    { name: "Random reads", form: { ...form, rw: "randread", iodepth: "4", more: "runtime=10s time_based=1" } },
    { name: "Store, greedy cleaner", form: { ...form, rw: "logstore" } },
    { name: "Store, hot and cold keys", form: { ...form, rw: "logstore", policy: "cost-benefit", skew: "0.9" } },
  ];
})();

/** The words of a form. */
export function wordsOf(form: WorkloadForm): readonly string[] {
  const words = [`rw=${form.rw}`];
  const add = (name: "bs" | "zones" | "iodepth" | "rate" | "policy" | "fill" | "skew"): void => {
    const value = form[name].trim();
    if (value !== "") words.push(`${name}=${value}`);
  };
  for (const name of ["bs", "zones", "iodepth", "rate"] as const) add(name);
  if (form.rw === "logstore") for (const name of ["policy", "fill", "skew"] as const) add(name);
  return [...words, ...form.more.split(/\s+/).filter((word) => word !== "")];
}

/** Requests a second; null is as fast as it goes. */
export type Speed = number | null;
export const SPEEDS: readonly { readonly speed: Speed; readonly name: string }[] = [
  { speed: 1, name: "1/s" },
  { speed: 10, name: "10/s" },
  { speed: 100, name: "100/s" },
  { speed: 1000, name: "1k/s" },
  { speed: null, name: "Flat out" },
];

/** Fill of the job's zones at a moment. */
export interface PointerRow extends ZoneFills {
  readonly elapsedMs: number;
}

/** What a store came to: a point of write amplification against free space. */
export interface StorePoint {
  readonly policy: string;
  readonly skew: number;
  /** Space that holds no live data, as a share. */
  readonly spare: number;
  readonly amplification: number;
}

export interface WorkloadState {
  readonly form: WorkloadForm;
  readonly speed: Speed;
  readonly status: "idle" | "running" | "paused" | "ended";
  /** The job's words, as it was started. */
  readonly words: string;
  readonly report: WorkloadReport | null;
  /** Rows over time; its array changes in place, and `version` tells. */
  readonly rows: readonly SeriesRow[];
  readonly pointers: readonly PointerRow[];
  /** The zones of the pointers, and of how many neighbours a fill is the mean. */
  readonly firstZone: number;
  readonly endZone: number;
  readonly zonesPerBand: number;
  readonly version: number;
  /** Why it could not be started, or ended early, a sentence. */
  readonly problem: string | null;
  readonly points: readonly StorePoint[];
}

export const NO_WORKLOAD: WorkloadState = { form: PRESETS[0]!.form, speed: 100, status: "idle", words: "", report: null, rows: [], pointers: [], firstZone: 0, endZone: 0, zonesPerBand: 1, version: 0, problem: null, points: [] };
