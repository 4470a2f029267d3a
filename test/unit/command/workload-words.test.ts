/** fio's words: what they become, what is refused by name, and that a job's words make the same job again. */
import { expect, test } from "vitest";
import { JOB_WORDS, jobWords, parseJob } from "../../../src/command/workload-words.ts";
import { DEFAULT_JOB } from "../../../src/workload/index.ts";
import type { JobSpec } from "../../../src/workload/index.ts";

const parsed = (...words: string[]): JobSpec => {
  const given = parseJob(words);
  if (!given.ok) throw new Error(given.error);
  return given.value.job;
};
const refused = (...words: string[]): string => {
  const given = parseJob(words);
  if (given.ok) throw new Error(`${words.join(" ")} was taken`);
  return given.error;
};

test("sizes, zones, times and rates are fio's", () => {
  expect(parsed("rw=append", "bs=4k", "zones=8", "iodepth=16", "rate=5M")).toEqual({
    ...DEFAULT_JOB,
    rw: "append",
    blockBytes: 4096,
    size: { count: 8, unit: "zones" },
    iodepth: 16,
    rateBytes: 5 * 2 ** 20,
  });
  expect(parsed("--readwrite=randread", "--blocksize=64KiB", "--offset=2z", "--io_size=1G", "--runtime=1m", "--time_based")).toMatchObject({
    rw: "randread",
    blockBytes: 65536,
    offset: { count: 2, unit: "zones" },
    ioSize: { count: 2 ** 30, unit: "bytes" },
    runtimeMs: 60_000,
    timeBased: true,
  });
  expect(parsed("rw=read", "runtime=250ms")).toMatchObject({ runtimeMs: 250 });
  expect(parsed("rw=logstore", "policy=cost-benefit", "fill=0.6", "skew=.9", "reserve=3")).toMatchObject({ store: { policy: "cost-benefit", fill: 0.6, skew: 0.9, reserveZones: 3 } });
});

test("a word of which two are given counts as the last says", () => {
  expect(parsed("rw=read", "bs=4k", "rw=write", "bs=8k")).toMatchObject({ rw: "write", blockBytes: 8192 });
});

test("what is not understood is refused by its name", () => {
  expect(refused("rw=write", "ioengine=libaio")).toBe("there is no word 'ioengine' here");
  expect(refused("rw=write", "toString=1")).toBe("there is no word 'toString' here");
  expect(refused("rw=trim")).toContain("rw=trim cannot be; allowed: write, randwrite, append, read, randread, logstore");
  expect(refused("rw=write", "bs=1000")).toContain("a multiple of 512");
  expect(refused("rw=write", "bs=")).toContain("bs= cannot be");
  expect(refused("rw=write", "iodepth=0")).toContain("1 to 1024");
  expect(refused("rw=write", "zonemode=strided")).toContain("zonemode=zbd");
  expect(refused("rw=write", "runtime=-1")).toContain("a time");
  expect(refused("rw=write", "fill=1")).toContain("fill=1 cannot be");
  expect(refused("rw=write", "size=8zz")).toContain("size=8zz cannot be");
  expect(refused("bs=4k")).toContain("rw= is missing");
  expect(refused("rw=write", "time_based=1")).toContain("needs a runtime");
});

test("the image may be named as fio names it, and a job's name says nothing", () => {
  expect(parseJob(["--name=x", "--filename=disk.qcow2", "--rw=read"])).toMatchObject({ ok: true, value: { filename: "disk.qcow2" } });
});

test("a job's words make the same job again", () => {
  const jobs: JobSpec[] = [
    parsed("rw=append", "bs=4k", "zones=8", "iodepth=16", "rate=5M", "rate_iops=100"),
    parsed("rw=randwrite", "bs=1536", "offset=1z", "size=64M", "number_ios=9", "max_open_zones=3", "when_full=stop", "fsync=4", "end_fsync=1", "randseed=77", "verify=pattern", "do_verify=0"),
    parsed("rw=write", "zone_reset_threshold=0.5", "zone_reset_frequency=0.01", "buffer_pattern=0xab", "continue_on_error=none", "runtime=1500ms", "time_based=1", "io_size=3z"),
    parsed("rw=read", "read_beyond_wp=1"),
    parsed("rw=logstore", "policy=cost-benefit", "fill=0.5", "skew=0.9", "reserve=4"),
  ];
  for (const job of jobs) expect(parsed(...jobWords(job))).toEqual(job);
});

test("every word is of a spelling of its own", () => {
  const names = JOB_WORDS.flatMap(({ name, also }) => (also === undefined ? [name] : [name, also]));
  expect(new Set(names).size).toBe(names.length);
});
