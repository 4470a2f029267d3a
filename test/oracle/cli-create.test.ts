/**
 * qemu-img create against the stock program: the same line to both, in folders that hold the same files. What they print is the
 * same, the headers are the same bytes, and stock finds our images sound and equal to its own.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runOurs, runStock } from "./cli-harness.ts";
import type { Ran } from "./cli-harness.ts";

const root = mkdtempSync(join(tmpdir(), "zonescope-create-"));
afterAll(() => rmSync(root, { recursive: true }));
const ours = join(root, "ours");
const stock = join(root, "stock");
for (const folder of [ours, stock]) {
  mkdirSync(join(folder, "sub"), { recursive: true });
  runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "base.qcow2", "3M"]);
  runStock(folder, "qemu-img", ["create", "-q", "-f", "raw", "base.raw", "1000k"]);
  runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", "gone", "-F", "qcow2", "-u", "hanging.qcow2", "1M"]);
}

/** 7.2 forgets the newline behind the detected format. */
async function both(argv: readonly string[]): Promise<{ ours: Ran; stock: Ran }> {
  const theirs = runStock(stock, "qemu-img", ["create", ...argv]);
  return { ours: await runOurs(ours, "qemu-img", ["create", ...argv]), stock: { ...theirs, err: theirs.err.replace(/(Detected format of \w+\.)$/, "$1\n") } };
}

/** Stock takes the names of data files from where it is run. */
const soundness = (file: string): string => runStock(ours, "qemu-img", ["check", "-f", "qcow2", file]).out;
const SOUND = "No errors were found on the image.\n";

interface Mapped {
  start: number;
  length: number;
  present: boolean;
  zero: boolean | null;
  data: boolean;
}

/** What stock's map says, without where things lie; neighbours that say the same are one. @param falloc what lies on the disk is told as data there, and stock puts zeros on it that nobody asked for */
function mapped(folder: string, falloc: boolean): Mapped[] {
  const merged: Mapped[] = [];
  for (const { start, length, present, zero, data } of JSON.parse(runStock(folder, "qemu-img", ["map", "--output=json", "a"]).out) as Mapped[]) {
    const last = merged.at(-1);
    const next = { start, length, present, zero: falloc ? null : zero, data };
    if (last !== undefined && last.present === next.present && last.zero === next.zero && last.data === next.data) last.length += length;
    else merged.push(next);
  }
  return merged;
}

const HEADER_BYTES = 1024;
/** As the header lies in the file; an image of small clusters is cut where its first cluster ends. */
function header(folder: string, file: string): string {
  const bytes = readFileSync(join(folder, file));
  return bytes.subarray(0, Math.min(HEADER_BYTES, 2 ** bytes.readUInt32BE(20))).toString("hex");
}

/** Options whose header stock writes as ours; each is made, checked by stock and compared with stock's own. */
const MADE: readonly (readonly string[])[] = [
  ["a", "1M"],
  ["a", "0"],
  ["a", "1000"],
  ["-o", "compat=0.10", "a", "100M"],
  ["-o", "compat=v2,cluster_size=512", "a", "20M"],
  ["-o", "cluster_size=512", "a", "20M"],
  ["-o", "cluster_size=4k,refcount_bits=64", "a", "2G"],
  ["-o", "cluster_size=2M,refcount_bits=1", "a", "1T"],
  ["-o", "lazy_refcounts=on,extended_l2=on", "a", "1M"],
  ["-o", "extended_l2=on,cluster_size=16k", "a", "3G"],
  ["-o", "extended_l2=true,lazy_refcounts=y", "a", "1M"],
  ["-o", "extended_l2=no,lazy_refcounts=false", "a", "1M"],
  ["-o", "compression_type=zstd", "a", "1M"],
  ["-b", "base.qcow2", "-F", "qcow2", "a"],
  ["-b", "base.raw", "-F", "raw", "a"],
  ["-b", "base.raw", "-F", "raw", "-o", "compat=0.10", "a", "2M"],
  ["-o", "backing_file=base.qcow2,backing_fmt=qcow2,cluster_size=4096", "a", "10M"],
  ["-b", "../base.qcow2", "-F", "qcow2", "sub/a"],
  ["-b", `json:{"driver":"raw","file":{"driver":"file","filename":"base.raw"}}`, "-F", "raw", "a"],
  ["-o", "data_file=d", "a", "1M"],
];

describe("an image and its header", () => {
  test.each(MADE.map((argv) => [argv.join(" "), argv] as const))("%s", async (_, argv) => {
    const ran = await both(["-f", "qcow2", ...argv]);
    expect(ran.ours).toEqual(ran.stock);
    expect(ran.ours.status).toBe(0);
    const file = argv.find((word) => word === "a" || word === "sub/a")!;
    expect(header(ours, file)).toBe(header(stock, file));
    expect(soundness(file)).toContain(SOUND);
  });
});

describe("preallocated", () => {
  test.each([
    ["preallocation=metadata", "10M"],
    ["preallocation=falloc,cluster_size=4k", "5000k"],
    ["preallocation=full,refcount_bits=64,cluster_size=512", "1M"],
    ["preallocation=metadata,compat=0.10", "3G"],
    ["preallocation=metadata,extended_l2=on", "3G"],
    ["preallocation=metadata,cluster_size=2M,refcount_bits=1", "70G"],
    ["data_file=d,data_file_raw=on", "700M"],
    ["data_file=d,preallocation=full,cluster_size=4k", "3M"],
  ])("%s %s", async (options, size) => {
    const ran = await both(["-f", "qcow2", "-o", options, "a", size]);
    expect(ran.ours).toEqual(ran.stock);
    expect(soundness("a")).toContain(SOUND);
    const falloc = /falloc|full|data_file/.test(options);
    expect(mapped(ours, falloc)).toEqual(mapped(stock, falloc));
    if (options.includes("full")) {
      const file = options.includes("data_file") ? "d" : "a";
      expect(statSync(join(ours, file)).blocks * 512).toBeGreaterThanOrEqual(2 ** 20);
    }
    if (options.includes("data_file")) expect(statSync(join(ours, "d")).size).toBe(statSync(join(stock, "d")).size);
  });

  test("over a backing file with subclusters, which shows through", async () => {
    const ran = await both(["-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", "-o", "extended_l2=on,preallocation=metadata", "a"]);
    expect(ran.ours).toEqual(ran.stock);
    expect(soundness("a")).toContain(SOUND);
    expect(runStock(root, "qemu-img", ["compare", "ours/a", "stock/a"]).status).toBe(0);
  });
});

describe("raw", () => {
  test.each([[["r", "1M"]], [["-f", "raw", "-o", "preallocation=full", "r", "64k"]], [["-f", "raw", "-o", "preallocation=falloc", "r", "1000"]], [["-f", "raw", "-o", "nocow=on", "r", "0"]]])(
    "%j",
    async (argv) => {
      const ran = await both(argv);
      expect(ran.ours).toEqual(ran.stock);
      expect(readFileSync(join(ours, "r")).equals(readFileSync(join(stock, "r")))).toBe(true);
    },
  );
});

describe("what is refused", () => {
  const WORDS: readonly (readonly string[])[] = [
    ["-f", "qcow2", "-o", "compat=0.10,lazy_refcounts=on", "b", "1M"],
    ["-f", "qcow2", "-o", "compat=v2,refcount_bits=8", "b", "1M"],
    ["-f", "qcow2", "-o", "compat=0.10,extended_l2=on", "b", "1M"],
    ["-f", "qcow2", "-o", "extended_l2=on,cluster_size=8k", "b", "1M"],
    ["-f", "qcow2", "-o", "compression_type=zstd,compat=0.10", "b", "1M"],
    ["-f", "qcow2", "-o", "data_file_raw=on", "b", "1M"],
    ["-f", "qcow2", "-o", "data_file=d2,data_file_raw=on,backing_file=base.qcow2,backing_fmt=qcow2", "b", "1M"],
    ["-f", "qcow2", "-o", "data_file=/nodir/x", "b", "1M"],
    ["-f", "qcow2", "-o", "data_file=", "b", "1M"],
    ["-f", "qcow2", "-o", "extended_l2=maybe", "b", "1M"],
    ["-f", "qcow2", "-o", ",,", "-o", "help", "b", "1M"],
    ["-f", "qcow2", "-o", ",help", "b", "1M"],
    ["-f", "qcow2", "-o", "backing_file=base,", "-o", "help", "b", "1M"],
    ["-f", "qcow2", "-u", "-o", "backing_file=base.qcow2,,help", "-F", "qcow2", "-q", "b", "1M"],
    ["-f", "qcow2", "-o", "preallocation=metadata", "-b", "base.qcow2", "-F", "qcow2", "b"],
    ["-f", "qcow2", "-F", "qcow2", "b", "1M"],
    ["-f", "qcow2", "-b", "base.qcow2", "b"],
    ["-f", "qcow2", "-b", "base.raw", "b", "1M"],
    ["-f", "qcow2", "-b", "gone", "-F", "qcow2", "b"],
    ["-f", "qcow2", "-b", "hanging.qcow2", "-F", "qcow2", "b"],
    ["-f", "qcow2", "-b", "base.qcow2", "-F", "foo", "b"],
    ["-f", "qcow2", "-b", "../base", "-F", "raw", "sub/b"],
    ["-f", "qcow2", "-b", "foo:x", "-F", "raw", "b"],
    ["-f", "qcow2", "-b", `json:{"driver":"raw"}`, "-F", "raw", "b"],
    ["-f", "qcow2", "-u", "-b", "gone", "-F", "qcow2", "b"],
    ["-f", "qcow2", "-u", "-b", "gone", "b", "1M"],
    ["-f", "qcow2", "-u", "-b", "gone", "-F", "foo", "b", "1M"],
    ["-f", "qcow2", "-b", "b", "-F", "qcow2", "b"],
    ["-f", "qcow2", "-b", "", "b", "1M"],
    ["-f", "qcow2", "-o", "extent_size_hint=x", "b", "1M"],
    ["-f", "raw", "-o", "foo=1", "b", "1M"],
    ["-f", "raw", "-o", "preallocation=foo", "b", "1M"],
    ["-f", "raw", "-o", "preallocation=metadata", "b", "1M"],
    ["-f", "raw", "-b", "base.qcow2", "b", "1M"],
    ["-f", "raw", "-F", "qcow2", "b", "1M"],
    ["-f", "raw", "b"],
    ["-f", "raw", "/nodir/b", "1M"],
    ["-f", "raw", "-o", "help"],
    ["-f", "raw", "-o", "size=1M,help", "b"],
  ];
  test.each(WORDS.map((argv) => [argv.join(" "), argv] as const))("%s", async (_, argv) => {
    const ran = await both(argv);
    expect(ran.ours).toEqual(ran.stock);
  });
});
