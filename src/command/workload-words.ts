/**
 * The words of a workload as fio spells them: one row each, from which parsing, completion and help derive. A word that is not in the table is
 * refused by its name; what differs from fio is in docs/workload.md.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { CLEANING_POLICIES, DEFAULT_JOB, JOB_MODES } from "../workload/index.ts";
import type { JobExtent, JobSpec } from "../workload/index.ts";
import { integer } from "./format.ts";
import { parseInteger, parsePattern, parseSize } from "./sizes.ts";

/** What a value becomes, or what it should have been. */
type Parsed = Result<Partial<JobSpec>, string>;

export interface JobWord {
  readonly name: string;
  /** fio's other spelling. */
  readonly also?: string;
  /** What its value is, for help. */
  readonly value: string;
  readonly says: string;
  /** What it is without the word, for help. */
  readonly without: string;
  readonly parse: (text: string, job: JobSpec) => Parsed;
}

const BLOCK_UNIT = 512;
const MOST_BLOCK = 64 * 2 ** 20;
const MOST_DEPTH = 1024;

function size(text: string, least = 1): Result<number, string> {
  const parsed = parseSize(text.replace(/(i?b|i)$/i, (suffix) => (/\d$/.test(text.slice(0, -suffix.length)) ? suffix : "")));
  return parsed.ok && Number.isSafeInteger(parsed.value) && parsed.value >= least ? ok(parsed.value) : err("a size in bytes, such as 4096, 4k or 1M");
}

/** Bytes, or zones with fio's suffix z. */
function extent(text: string, least: number): Result<JobExtent, string> {
  const zones = /^(\d+)z$/i.exec(text);
  if (zones !== null) {
    const count = Number(zones[1]);
    return Number.isSafeInteger(count) && count >= least ? ok({ count, unit: "zones" }) : err("a number of zones, such as 8z");
  }
  const bytes = size(text, least);
  return bytes.ok ? ok({ count: bytes.value, unit: "bytes" }) : err("a size in bytes, such as 64M, or in zones, such as 8z");
}

function count(text: string, least: number, most: number): Result<number, string> {
  const value = parseInteger(text);
  return text !== "" && value !== null && value >= least && value <= most ? ok(value) : err(most < 2 ** 32 - 1 ? `a number from ${least} to ${most}` : `a number, ${least} or more`);
}

function share(text: string, least: number, most: number, says: string): Result<number, string> {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : NaN;
  return value >= least && value <= most ? ok(value) : err(says);
}

/** Seconds as fio reads them, with us, ms, s, m, h or d behind. */
function time(text: string): Result<number, string> {
  const match = /^(\d+(?:\.\d+)?)(us|ms|s|m|h|d)?$/.exec(text);
  const units: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const value = match === null ? 0 : Number(match[1]) * units[match[2] ?? "s"]!;
  return value > 0 ? ok(value) : err("a time such as 10, 10s, 500ms or 1m");
}

const flag = (text: string): Result<boolean, string> => (text === "1" || text === "0" ? ok(text === "1") : err("0 or 1"));
const to = <Value>(parsed: Result<Value, string>, make: (value: Value) => Partial<JobSpec>): Parsed => (parsed.ok ? ok(make(parsed.value)) : parsed);
const oneOf = <const Value extends string>(text: string, values: readonly Value[]): Result<Value, string> => {
  const found = values.find((value) => value === text);
  return found === undefined ? err(values.join(", ")) : ok(found);
};

const MANY = 2 ** 32 - 1;

export const JOB_WORDS: readonly JobWord[] = [
  { name: "rw", also: "readwrite", value: JOB_MODES.join("|"), says: "what is done", without: DEFAULT_JOB.rw, parse: (text) => to(oneOf(text, JOB_MODES), (rw) => ({ rw })) },
  {
    name: "bs",
    also: "blocksize",
    value: "SIZE",
    says: "bytes of a request",
    without: "4k",
    parse: (text) => {
      const parsed = size(text);
      return parsed.ok && parsed.value % BLOCK_UNIT === 0 && parsed.value <= MOST_BLOCK ? ok({ blockBytes: parsed.value }) : err("a multiple of 512 up to 64M");
    },
  },
  { name: "offset", value: "SIZE|Nz", says: "where the region begins", without: "0", parse: (text) => to(extent(text, 0), (offset) => ({ offset })) },
  { name: "size", value: "SIZE|Nz", says: "how long the region is", without: "to the end of the disk", parse: (text) => to(extent(text, 1), (length) => ({ size: length })) },
  { name: "zones", value: "N", says: "the same in zones", without: "to the end of the disk", parse: (text) => to(count(text, 1, MANY), (zones) => ({ size: { count: zones, unit: "zones" } })) },
  { name: "io_size", value: "SIZE|Nz", says: "how much is read or written in all", without: "the region once", parse: (text) => to(extent(text, 1), (ioSize) => ({ ioSize })) },
  { name: "number_ios", value: "N", says: "how many requests are made at most", without: "as many as io_size asks for", parse: (text) => to(count(text, 1, MANY), (numberIos) => ({ numberIos })) },
  { name: "runtime", value: "TIME", says: "when it ends at the latest; seconds, or with ms, s, m", without: "no limit", parse: (text) => to(time(text), (runtimeMs) => ({ runtimeMs })) },
  { name: "time_based", value: "0|1", says: "goes on until the runtime is over", without: "0", parse: (text) => to(flag(text), (timeBased) => ({ timeBased })) },
  { name: "iodepth", value: "N", says: "requests in flight together", without: "1", parse: (text) => to(count(text, 1, MOST_DEPTH), (iodepth) => ({ iodepth })) },
  { name: "rate", value: "SIZE", says: "bytes a second at most", without: "no limit", parse: (text) => to(size(text), (rateBytes) => ({ rateBytes })) },
  { name: "rate_iops", value: "N", says: "requests a second at most", without: "no limit", parse: (text) => to(count(text, 1, MANY), (rateIops) => ({ rateIops })) },
  { name: "max_open_zones", value: "N", says: "zones that are written at a time", without: "the disk's limit, and at most 16", parse: (text) => to(count(text, 1, MANY), (maxOpenZones) => ({ maxOpenZones })) },
  { name: "when_full", value: "reset|stop", says: "what happens to a full zone that is to be written", without: "reset", parse: (text) => to(oneOf(text, ["reset", "stop"]), (whenFull) => ({ whenFull })) },
  { name: "zone_reset_threshold", value: "0..1", says: "share of the region with data from which on zones are reset now and then", without: "0", parse: (text) => to(share(text, 0, 1, "a share from 0 to 1"), (zoneResetThreshold) => ({ zoneResetThreshold })) },
  { name: "zone_reset_frequency", value: "0..1", says: "how often: 0.01 is at every hundredth write", without: "0, never", parse: (text) => to(share(text, 0, 1, "a share from 0 to 1"), (zoneResetFrequency) => ({ zoneResetFrequency })) },
  { name: "read_beyond_wp", value: "0|1", says: "reads above write pointers too", without: "0", parse: (text) => to(flag(text), (readBeyondWp) => ({ readBeyondWp })) },
  { name: "fsync", value: "N", says: "a flush after so many writes", without: "0, none", parse: (text) => to(count(text, 0, MANY), (fsync) => ({ fsync })) },
  { name: "end_fsync", value: "0|1", says: "a flush at the end", without: "0", parse: (text) => to(flag(text), (endFsync) => ({ endFsync })) },
  { name: "randseed", value: "N", says: "the seed of everything that is left to chance", without: "1", parse: (text) => to(count(text, 0, MANY), (randseed) => ({ randseed })) },
  { name: "buffer_pattern", value: "BYTE", says: "the byte that is written", without: "0xcd", parse: (text) => to(byte(text), (bufferPattern) => ({ bufferPattern })) },
  { name: "verify", value: "pattern|null", says: "writes what can be told apart, and compares what is read", without: "null", parse: (text) => to(oneOf(text, ["pattern", "null"]), (kind) => ({ verify: kind === "pattern" })) },
  { name: "do_verify", value: "0|1", says: "reads back at the end, where verify is given", without: "1", parse: (text) => to(flag(text), (doVerify) => ({ doVerify })) },
  { name: "continue_on_error", value: "all|none", says: "goes on when a request is refused", without: "all", parse: (text) => to(oneOf(text, ["all", "none"]), (which) => ({ continueOnError: which === "all" })) },
  { name: "policy", value: CLEANING_POLICIES.join("|"), says: "rw=logstore: which zone is cleaned", without: "greedy", parse: (text, job) => to(oneOf(text, CLEANING_POLICIES), (policy) => ({ store: { ...job.store, policy } })) },
  { name: "fill", value: "0..1", says: "rw=logstore: live data as a share of what the zones hold", without: "0.8", parse: (text, job) => to(share(text, 0.001, 0.999, "a share above 0 and below 1"), (fill) => ({ store: { ...job.store, fill } })) },
  { name: "skew", value: "0.5..1", says: "rw=logstore: this share of the overwrites goes to the rest of the keys; 0.5 is uniform", without: "0.5", parse: (text, job) => to(share(text, 0.5, 0.999, "a share from 0.5, which is uniform, to below 1"), (skew) => ({ store: { ...job.store, skew } })) },
  { name: "reserve", value: "N", says: "rw=logstore: empty zones at which cleaning begins", without: "2", parse: (text, job) => to(count(text, 1, 65536), (reserveZones) => ({ store: { ...job.store, reserveZones } })) },
];

function byte(text: string): Result<number, string> {
  const value = text === "" ? null : parsePattern(text);
  return value === null ? err("a byte, 0 to 255 or 0x00 to 0xff") : ok(value);
}

/** fio's words whose one value here is what this program does anyway. */
const FIXED: Readonly<Record<string, string>> = { zonemode: "zbd", numjobs: "1" };

export interface GivenJob {
  readonly job: JobSpec;
  /** fio's filename=; null without it. */
  readonly filename: string | null;
}

/** Words "name=value", each perhaps with fio's dashes in front; the error is a sentence. */
export function parseJob(words: readonly string[]): Result<GivenJob, string> {
  let job = DEFAULT_JOB;
  let filename: string | null = null;
  let named = false;
  for (const typed of words) {
    const text = typed.replace(/^--/, "");
    const equals = text.indexOf("=");
    const name = equals === -1 ? text : text.slice(0, equals);
    const value = equals === -1 ? "1" : text.slice(equals + 1);
    if (name === "filename") {
      filename = value;
      continue;
    }
    // A job of fio has a name, which says nothing to a disk.
    if (name === "name") continue;
    const fixed = Object.hasOwn(FIXED, name) ? FIXED[name] : undefined;
    if (fixed !== undefined) {
      if (value !== fixed) return err(`${name}=${value} is not what this program does; it does ${name}=${fixed}`);
      continue;
    }
    const word = JOB_WORDS.find((known) => known.name === name || known.also === name);
    if (word === undefined) return err(`there is no word '${name}' here`);
    const parsed = word.parse(value, job);
    if (!parsed.ok) return err(`${name}=${value} cannot be; allowed: ${parsed.error}`);
    if (word.name === "rw") named = true;
    job = { ...job, ...parsed.value };
  }
  if (!named) return err(`rw= is missing; it is one of ${JOB_MODES.join(", ")}`);
  if (job.timeBased && job.runtimeMs === null) return err("time_based=1 needs a runtime=");
  return ok({ job, filename });
}

/** The words that make a job, those left out that say what it does without them. */
export function jobWords(job: JobSpec): readonly string[] {
  const plain = DEFAULT_JOB;
  const words = [`rw=${job.rw}`, `bs=${shortSize(job.blockBytes)}`];
  const add = (name: string, value: string | number | null, without: string | number | null): void => {
    if (value !== null && value !== without) words.push(`${name}=${value}`);
  };
  const written = (length: JobExtent | null): string | null => (length === null ? null : length.unit === "zones" ? `${length.count}z` : shortSize(length.count));
  add("offset", written(job.offset), "0");
  add("size", written(job.size), null);
  add("io_size", written(job.ioSize), null);
  add("number_ios", job.numberIos, null);
  add("runtime", job.runtimeMs === null ? null : `${job.runtimeMs}ms`, null);
  add("time_based", Number(job.timeBased), 0);
  add("iodepth", job.iodepth, plain.iodepth);
  add("rate", job.rateBytes === null ? null : shortSize(job.rateBytes), null);
  add("rate_iops", job.rateIops, null);
  add("max_open_zones", job.maxOpenZones, null);
  add("when_full", job.whenFull, plain.whenFull);
  add("zone_reset_threshold", job.zoneResetThreshold, plain.zoneResetThreshold);
  add("zone_reset_frequency", job.zoneResetFrequency, plain.zoneResetFrequency);
  add("read_beyond_wp", Number(job.readBeyondWp), 0);
  add("fsync", job.fsync, 0);
  add("end_fsync", Number(job.endFsync), 0);
  add("randseed", job.randseed, plain.randseed);
  add("buffer_pattern", job.bufferPattern, plain.bufferPattern);
  add("verify", job.verify ? "pattern" : "null", "null");
  add("do_verify", Number(job.doVerify), 1);
  add("continue_on_error", job.continueOnError ? "all" : "none", "all");
  if (job.rw !== "logstore") return words;
  add("policy", job.store.policy, null);
  add("fill", job.store.fill, null);
  add("skew", job.store.skew, plain.store.skew);
  add("reserve", job.store.reserveZones, plain.store.reserveZones);
  return words;
}

function shortSize(bytes: number): string {
  for (const [suffix, unit] of [["G", 2 ** 30], ["M", 2 ** 20], ["k", 2 ** 10]] as const) if (bytes > 0 && bytes % unit === 0) return `${bytes / unit}${suffix}`;
  return integer(bytes);
}
