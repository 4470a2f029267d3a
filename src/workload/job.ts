/**
 * A job: what a workload does, as data. The words are fio's where fio has one (docs/workload.md says which are not, and what each
 * means here); the command language parses them, the page's form is made of them.
 */

export const JOB_MODES = ["write", "randwrite", "append", "read", "randread", "logstore"] as const;
export type JobMode = (typeof JOB_MODES)[number];

/** A length or a place in bytes, or in zones of the disk (fio's suffix z). */
export interface JobExtent {
  readonly count: number;
  readonly unit: "bytes" | "zones";
}

export const CLEANING_POLICIES = ["greedy", "cost-benefit"] as const;
export type CleaningPolicy = (typeof CLEANING_POLICIES)[number];

/** What rw=logstore needs beside. */
export interface StoreWords {
  /** Which zone is cleaned: the one with the least live data, or the best of free space and age against cost. */
  readonly policy: CleaningPolicy;
  /** Live data as a share of what the zones hold; above 0, below 1. */
  readonly fill: number;
  /** This share of the overwrites goes to the rest of the keys (0.9: nine tenths to a tenth of them); 0.5 is uniform. */
  readonly skew: number;
  /** Empty zones that are kept; the cleaner works when there are no more than these. At least 1. */
  readonly reserveZones: number;
}

export interface JobSpec {
  readonly rw: JobMode;
  /** Bytes of one request, a multiple of 512. */
  readonly blockBytes: number;
  /** Where the region begins. */
  readonly offset: JobExtent;
  /** How long the region is; null: to the end of the disk. */
  readonly size: JobExtent | null;
  /** How much is read or written in all; null: the region once. */
  readonly ioSize: JobExtent | null;
  /** How many requests are made at most; as in fio it makes no job longer. */
  readonly numberIos: number | null;
  readonly runtimeMs: number | null;
  /** Goes on until the runtime is over, however often the region was gone through. */
  readonly timeBased: boolean;
  /** Requests in flight together. */
  readonly iodepth: number;
  readonly rateBytes: number | null;
  readonly rateIops: number | null;
  /** Zones that are written at a time; null: what the disk allows, at most DEFAULT_OPEN_ZONES. */
  readonly maxOpenZones: number | null;
  /** What happens to a full zone that is to be written. */
  readonly whenFull: "reset" | "stop";
  /** Data in the region, as a share of it, from which on zones are reset now and then; see zoneResetFrequency. */
  readonly zoneResetThreshold: number;
  /** 0 never; 0.01 resets the zone that is to be written at every hundredth write. */
  readonly zoneResetFrequency: number;
  /** Writes after which a flush is made; 0: none. */
  readonly fsync: number;
  readonly endFsync: boolean;
  readonly randseed: number;
  readonly readBeyondWp: boolean;
  /** Writes every sector with its own offset, and checks that on reading. */
  readonly verify: boolean;
  /** Reads back after writing, where verify is given. */
  readonly doVerify: boolean;
  /** The byte that is written where nothing is verified. */
  readonly bufferPattern: number;
  readonly continueOnError: boolean;
  readonly store: StoreWords;
}

/** Zones that a job writes at a time where neither it nor the disk sets a limit. */
export const DEFAULT_OPEN_ZONES = 16;

export const DEFAULT_JOB: JobSpec = {
  rw: "read",
  blockBytes: 4096,
  offset: { count: 0, unit: "bytes" },
  size: null,
  ioSize: null,
  numberIos: null,
  runtimeMs: null,
  timeBased: false,
  iodepth: 1,
  rateBytes: null,
  rateIops: null,
  maxOpenZones: null,
  whenFull: "reset",
  zoneResetThreshold: 0,
  zoneResetFrequency: 0,
  fsync: 0,
  endFsync: false,
  randseed: 1,
  readBeyondWp: false,
  verify: false,
  doVerify: true,
  bufferPattern: 0xcd,
  continueOnError: true,
  store: { policy: "greedy", fill: 0.8, skew: 0.5, reserveZones: 2 },
};

/** A word whose value this disk, or this job, cannot have; `allowed` says what it could be. */
export interface JobProblem {
  readonly word: string;
  readonly found: string;
  readonly allowed: string;
}

/** Why a job is over. */
export type JobEnd =
  /** It did what it was asked for. */
  | "done"
  | "runtime"
  /** Every zone of the region is full and none may be reset. */
  | "full"
  /** No zone can be opened: others take the slots. */
  | "no-slot"
  /** There is nothing below any write pointer. */
  | "nothing-to-read"
  /** A request was refused, and the job was to end then, or cannot go on without it. */
  | "refused"
  /** Somebody else changed what the store had written. */
  | "disturbed"
  | "stopped";
