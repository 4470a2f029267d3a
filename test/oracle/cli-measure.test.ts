/** qemu-img measure against the stock program: the same numbers and words for images of many kinds and for sizes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import { runOurs, runStock } from "./cli-harness.ts";

const root = mkdtempSync(join(tmpdir(), "zonescope-measure-"));
afterAll(() => rmSync(root, { recursive: true }));

const img = (...argv: string[]): void => void expect(runStock(root, "qemu-img", argv), argv.join(" ")).toMatchObject({ status: 0 });
const write = (file: string, ...commands: string[]): void =>
  void expect(runStock(root, "qemu-io", ["-f", "qcow2", ...commands.flatMap((command) => ["-c", command]), file])).toMatchObject({ status: 0 });

async function same(...argv: string[]): Promise<void> {
  const theirs = runStock(root, "qemu-img", ["measure", ...argv]);
  expect(await runOurs(root, "qemu-img", ["measure", ...argv]), argv.join(" ")).toEqual(theirs);
}

const TARGETS: readonly (readonly string[])[] = [
  ["-O", "raw"],
  ["-O", "qcow2"],
  ["-O", "qcow2", "-o", "cluster_size=512"],
  ["-O", "qcow2", "-o", "cluster_size=2M,refcount_bits=64", "--output=json"],
  ["-O", "qcow2", "-o", "cluster_size=16k,extended_l2=on,refcount_bits=1"],
  ["-O", "qcow2", "-o", "compat=0.10,cluster_size=4k"],
  ["-O", "qcow2", "-o", "preallocation=full", "--output=json"],
  ["-O", "qcow2", "-o", "preallocation=metadata,extended_l2=on"],
  ["-O", "qcow2", "-o", "backing_file=x,backing_fmt=raw"],
  ["-O", "qcow2", "-o", "lazy_refcounts=on", "-o", "cluster_size=8k"],
];

/** Writes at places and of lengths that are no clusters' of any target. */
function scattered(seed: number, sizeKib: number): string[] {
  const random = new Random(seed);
  const commands: string[] = [];
  for (let index = 0; index < 25; index++) {
    const length = 1 + random.below(90);
    const at = random.below(sizeKib - length);
    commands.push(`write ${["-P 7", "-z", "-z -u", "-P 0", "-P 9"][random.below(5)]!} ${at}k ${length}k`);
  }
  return commands;
}

const SOURCES: readonly (readonly [name: string, make: () => void])[] = [
  ["plain", () => (img("create", "-q", "-f", "qcow2", "plain", "9M"), write("plain", ...scattered(1, 9216)))],
  ["small", () => (img("create", "-q", "-f", "qcow2", "-o", "cluster_size=512", "small", "1537k"), write("small", ...scattered(2, 1537)))],
  ["sub", () => (img("create", "-q", "-f", "qcow2", "-o", "extended_l2=on", "sub", "5M"), write("sub", ...scattered(3, 5120)))],
  ["old", () => (img("create", "-q", "-f", "qcow2", "-o", "compat=0.10,cluster_size=1k", "old", "3M"), write("old", "write -P 3 1M 77k"))],
  ["empty", () => img("create", "-q", "-f", "qcow2", "empty", "0")],
  ["packed", () => (img("create", "-q", "-f", "qcow2", "packed", "2M"), write("packed", "write -c -P 3 0 256k"))],
  ["above", () => (img("create", "-q", "-f", "qcow2", "-b", "plain", "-F", "qcow2", "above", "12M"), write("above", ...scattered(4, 12288)))],
  [
    "marked",
    () => {
      img("create", "-q", "-f", "qcow2", "marked", "300M");
      for (const [name, granularity] of [["a", "512"], ["a longer name", "64k"], ["b", "2M"]] as const) img("bitmap", "--add", "-g", granularity, "marked", name);
      write("marked", "write -P 4 3M 5M");
    },
  ],
];

describe("images", () => {
  test.each(SOURCES)("%s", async (name, make) => {
    make();
    for (const target of TARGETS) await same("-f", "qcow2", ...target, name);
  });

  test("a snapshot in place of the disk", async () => {
    img("create", "-q", "-f", "qcow2", "snapped", "9M");
    write("snapped", "write -P 1 0 100k");
    img("snapshot", "-c", "one", "snapped");
    write("snapped", "write -P 1 1M 5M");
    for (const snapshot of ["one", "1", "snapshot.name=one", "none"]) await same("-O", "qcow2", "-l", snapshot, "snapped");
    await same("-O", "qcow2", "--image-opts", "driver=qcow2,file.filename=snapped");
  });
});

test("sizes", async () => {
  for (const size of ["0", "1", "512", "1000000", "1G", "7T", "1P"]) for (const target of TARGETS.slice(0, 8)) await same(...target, "--size", size);
});

test("the ways to ask, and refusals", async () => {
  img("create", "-q", "-f", "qcow2", "asked", "9M");
  for (const line of [
    "-O qcow2", "-O qcow2 --size 1G asked", "-f qcow2 --size 1G", "asked asked", "--output=foo asked", "--size -3k", "-O foo asked", "-O qcow2 -o foo=1 asked", "-O qcow2 -o cluster_size=3 asked",
    "-O qcow2 -o compat=foo asked", "-O qcow2 -o compat=v3 asked", "-O qcow2 -o refcount_bits=3 asked", "-O qcow2 -o refcount_bits=8,compat=0.10 asked", "-O qcow2 -o preallocation=x asked",
    "-O qcow2 -o size=4G asked", "-O qcow2 -o size=4G", "-O qcow2 -o extended_l2=on,cluster_size=4k asked", "-O qcow2 -o lazy_refcounts=maybe asked", "-O qcow2 -o , asked", "-O raw -o preallocation=full asked",
    "-O raw -o preallocation=metadata asked", "-l foo --size 3", "-l snapshot.foo=bar --size 3", "-l snapshot.foo=bar --output=foo asked", "-O qcow2 --size 7E", "-O qcow2 -o cluster_size=2M --size 7E", "-O raw --size 7E", "-O qcow2 none", "-O raw -o cluster_size=1k asked", "-O qcow2 -o cluster_size=512 --size 4P", "asked",
  ]) {
    await same(...line.split(" "));
  }
});
