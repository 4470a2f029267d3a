/**
 * qemu-img amend against the stock program: the same commands on the same images. Words and status are the same, stock finds ours
 * sound, reads the same disk and the same snapshots, and tells the same of both.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runOurs, runStock } from "./cli-harness.ts";

const root = mkdtempSync(join(tmpdir(), "zonescope-amend-"));
afterAll(() => rmSync(root, { recursive: true }));
const ours = join(root, "ours");
const stock = join(root, "stock");
for (const folder of [ours, stock]) mkdirSync(folder);

/** Makes an image by stock's commands, the same file in both folders. */
function make(create: readonly string[], writes: readonly string[] = [], snapshot = false): void {
  expect(runStock(stock, "qemu-img", ["create", "-q", "-f", "qcow2", ...create]).err).toBe("");
  const write = (commands: readonly string[]): void => void expect(runStock(stock, "qemu-io", ["-f", "qcow2", ...commands.flatMap((command) => ["-c", command]), "a"]).status).toBe(0);
  if (writes.length > 0) write(writes);
  if (snapshot) {
    expect(runStock(stock, "qemu-img", ["snapshot", "-c", "s", "a"]).status).toBe(0);
    write(["write -z 128k 64k", "write -P 5 900k 30k", "write -P 6 3M 64k"]);
  }
  copyFileSync(join(stock, "a"), join(ours, "a"));
}

/** @returns the status */
async function same(...argv: string[]): Promise<number> {
  const theirs = runStock(stock, "qemu-img", ["amend", ...argv]);
  expect(await runOurs(ours, "qemu-img", ["amend", ...argv])).toEqual(theirs);
  return theirs.status;
}

function info(folder: string): unknown {
  const told = JSON.parse(runStock(folder, "qemu-img", ["info", "-f", "qcow2", "--output=json", "a"]).out) as Record<string, unknown>;
  return [told["virtual-size"], told["format-specific"], told["backing-filename"], told["full-backing-filename"] === undefined];
}

function sameDisk(snapshot = false): void {
  expect(runStock(ours, "qemu-img", ["check", "-f", "qcow2", "a"]).out).toContain("No errors were found on the image.");
  expect(info(ours)).toEqual(info(stock));
  expect(runStock(root, "qemu-img", ["compare", "-f", "qcow2", "-F", "qcow2", "ours/a", "stock/a"]).out).toBe("Images are identical.\n");
  if (!snapshot) return;
  for (const folder of [ours, stock]) expect(runStock(folder, "qemu-img", ["convert", "-l", "s", "-O", "raw", "a", "r"]).status).toBe(0);
  expect(runStock(root, "qemu-img", ["compare", "-f", "raw", "-F", "raw", "ours/r", "stock/r"]).status).toBe(0);
}

for (const folder of [stock, ours, root]) {
  runStock(folder, "qemu-img", ["create", "-q", "-f", "raw", "base", "4M"]);
  runStock(folder, "qemu-io", ["-f", "raw", "-c", "write -P 9 0 4M", "base"]);
}

const WRITES = ["write -P 1 0 1M", "write -z 64k 128k", "write -z -u 256k 64k", "write -P 2 1536k 500k", "write -z 2M 256k"];
const SHAPES: readonly (readonly [name: string, create: readonly string[], snapshot: boolean])[] = [
  ["plain", ["a", "4M"], false],
  ["clusters of 512 bytes", ["-o", "cluster_size=512", "a", "4M"], false],
  ["version 2", ["-o", "compat=0.10,cluster_size=4k", "a", "4M"], false],
  ["over a backing file", ["-b", "base", "-F", "raw", "a", "4M"], false],
  ["version 2 over a backing file", ["-o", "compat=0.10", "-b", "base", "-F", "raw", "a", "4M"], false],
  ["a snapshot over a backing file", ["-b", "base", "-F", "raw", "-o", "cluster_size=16k", "a", "4M"], true],
  ["lazy refcounts, narrow", ["-o", "lazy_refcounts=on,refcount_bits=1,cluster_size=1k", "a", "4M"], false],
];
const AMENDS: readonly (readonly string[])[] = [["compat=0.10"], ["compat=1.1"], ["compat=v3,refcount_bits=64,lazy_refcounts=on"], ["refcount_bits=2"], ["refcount_bits=16,lazy_refcounts=off", "compat=v2"], ["size=9M"], ["compat=1.1,size=2M"]];

test.each(SHAPES)("%s", async (_, create, snapshot) => {
  for (const lists of AMENDS) {
    make(create, WRITES, snapshot);
    for (const list of lists) await same("-f", "qcow2", "-o", list, "a");
    sameDisk(snapshot);
  }
}, 60_000);

test("a snapshot without a backing file: stock zeroes what the snapshot has where the disk's zeros keep their place, ours keeps it", async () => {
  make(["a", "4M"], WRITES, true);
  runStock(ours, "qemu-img", ["convert", "-l", "s", "-O", "raw", "a", "before"]);
  expect(await same("-o", "compat=0.10", "a")).toBe(0);
  expect(runStock(ours, "qemu-img", ["check", "a"]).out).toContain("No errors were found on the image.");
  runStock(ours, "qemu-img", ["convert", "-l", "s", "-O", "raw", "a", "after"]);
  expect(runStock(ours, "qemu-img", ["compare", "-f", "raw", "-F", "raw", "before", "after"]).status).toBe(0);
});

test("refusals in stock's words, with what came before them done", async () => {
  const lists: readonly string[] = [
    "lazy_refcounts=on,compat=0.10", "refcount_bits=8,compat=0.10", "refcount_bits=3", "refcount_bits=0", "refcount_bits=128", "compat=0.42", "foo=bar", "cluster_size=1k",
    "encryption=on", "preallocation=on", "lazy_refcounts=maybe", "size=1000", "size=x", "backing_file=base,backing_fmt=raw", "backing_fmt=raw", "data_file=foo", "data_file_raw=on",
    "encrypt.state=active", "encrypt.keyslot=3", ",", "size=64P", "compression_type=zstd",
  ];
  for (const list of lists) {
    make(["a", "4M"], WRITES);
    expect(await same("-o", list, "a"), list).toBe(1);
    sameDisk();
  }
});

test("refusals of what the image is", async () => {
  const refused = async (create: readonly string[], list: string, snapshot = false): Promise<void> => {
    make(create, ["write -P 3 0 1M"], snapshot);
    expect(await same("-o", list, "a"), list).toBe(1);
    expect(info(ours)).toEqual(info(stock));
  };
  await refused(["-o", "extended_l2=on", "a", "4M"], "compat=0.10");
  await refused(["-o", "refcount_bits=8", "a", "4M"], "compat=0.10");
  await refused(["a", "4M"], "compat=0.10,size=3M", true);
  await refused(["a", "4M"], "refcount_bits=1", true);
  await refused(["-o", "compat=0.10", "a", "4M"], "size=8M", true);
  make(["-o", "compression_type=zstd", "a", "4M"], ["write -c -P 3 0 64k"]);
  expect(await same("-o", "compat=0.10", "a")).toBe(1);
  make(["-o", "compression_type=zstd", "a", "4M"], ["write -P 3 0 64k"]);
  expect(await same("-o", "compat=0.10", "a")).toBe(0);
  sameDisk();
});

test("an external data file: another name, none, and raw no more", async () => {
  const named = ["-o", "data_file=d,data_file_raw=on"];
  for (const folder of [ours, stock]) expect(runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", ...named, "a", "4M"]).status).toBe(0);
  for (const list of ["compat=0.10", "data_file_raw=on", "data_file_raw=off", "data_file_raw=on", "refcount_bits=32"]) await same("-o", list, "a");
  expect(info(ours)).toEqual(info(stock));
  for (const list of ["data_file=other", "data_file="]) {
    await same("--image-opts", "-o", list, "driver=qcow2,file.filename=a,data-file.filename=d");
    expect(info(ours)).toEqual(info(stock));
  }
});

test("the ways to ask", async () => {
  make(["a", "4M"]);
  for (const argv of [
    ["a"], ["-o", "size=8M"], ["-o", "size=8M", "a", "a"], ["-f", "raw", "-o", "help"], ["-f", "qcow2", "-o", "help"], ["-o", "help", "a"], ["-f", "foo", "-o", "help"], ["-t", "foo", "-o", "size=8M", "a"],
    ["-f", "raw", "-o", "size=8M", "base"], ["-p", "-o", "lazy_refcounts=on", "a"], ["-p", "-o", "foo=on", "a"], ["-p", "-q", "-o", "compat=0.10", "a"], ["-o", "compat=1.1", "a"], ["-o", "size=8M", "none"],
    ["-p", "-o", "compat=0.10", "a"], ["-p", "-o", "backing_file=x", "a"],
  ]) {
    await same(...argv);
  }
  sameDisk();
});

test("bitmaps, which version 2 has not, go with their clusters", async () => {
  make(["a", "4M"], WRITES);
  for (const name of ["x", "y", "z"]) expect((await runOurs(ours, "qemu-img", ["bitmap", "--add", "a", name])).status).toBe(0);
  expect((await runOurs(ours, "qemu-io", ["-c", "write 0 64k", "a"])).status).toBe(0);
  expect(await runOurs(ours, "qemu-img", ["amend", "-o", "refcount_bits=32", "a"])).toEqual({ status: 0, out: "", err: "" });
  expect(runStock(ours, "qemu-img", ["check", "a"]).out).toContain("No errors were found on the image.");
  expect(await runOurs(ours, "qemu-img", ["amend", "-o", "refcount_bits=16,compat=0.10", "a"])).toEqual({ status: 0, out: "", err: "" });
  expect(runStock(ours, "qemu-img", ["check", "a"])).toMatchObject({ status: 0, err: "" });
  expect(runStock(ours, "qemu-img", ["bitmap", "--remove", "a", "x"]).status).toBe(1);
});

test("a zoned image takes what zones go with", async () => {
  const made = await runOurs(ours, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "size=64M,zone_size=16M,zone_model=1", "z"]);
  expect(made.err).toBe("");
  expect((await runOurs(ours, "qemu-io", ["-c", "write -P 7 0 1M", "z"])).status).toBe(0);
  for (const [list, words] of [["compat=0.10", "version 2"], ["lazy_refcounts=on", "lazy refcounts"], ["size=128M", "another size"]] as const) {
    const ran = await runOurs(ours, "qemu-img", ["amend", "-o", list, "z"]);
    expect(ran.status).toBe(1);
    expect(ran.err).toContain(`${words} of a zoned image`);
  }
  expect(await runOurs(ours, "qemu-img", ["amend", "-o", "refcount_bits=64", "z"])).toEqual({ status: 0, out: "", err: "" });
  expect((await runOurs(ours, "qemu-img", ["check", "z"])).out).toContain("No errors were found on the image.");
  expect((await runOurs(ours, "qemu-io", ["-c", "read -P 7 0 1M", "-c", "write -P 8 1M 1M", "z"])).err).toBe("");
});

test("a zoned image that stock made one of version 2, or gave lazy refcounts, is made one that is written", async () => {
  for (const [theirs, words, back] of [["compat=0.10", "version 2", "compat=1.1"], ["lazy_refcounts=on", "lazy refcounts", "lazy_refcounts=off"]] as const) {
    expect((await runOurs(ours, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "size=64M,zone_size=16M,zone_model=1", "w"])).err).toBe("");
    expect((await runOurs(ours, "qemu-io", ["-c", "write -P 7 0 1M", "w"])).status).toBe(0);
    expect(runStock(ours, "qemu-img", ["amend", "-o", theirs, "w"])).toMatchObject({ status: 0, err: "" });
    expect((await runOurs(ours, "qemu-io", ["-c", "write -P 8 1M 1M", "w"])).err).toContain(words);
    // What lifts nothing is refused as before.
    // What does not take it away is refused while it is there.
    expect((await runOurs(ours, "qemu-img", ["amend", "-o", "refcount_bits=64", "w"])).status).toBe(1);
    expect(await runOurs(ours, "qemu-img", ["amend", "-o", back, "w"])).toEqual({ status: 0, out: "", err: "" });
    expect(await runOurs(ours, "qemu-io", ["-c", "read -q -P 7 0 1M", "-c", "write -q -P 8 1M 1M", "-c", "read -q -P 8 1M 1M", "w"])).toEqual({ status: 0, out: "", err: "" });
    expect((await runOurs(ours, "qemu-img", ["check", "w"])).out).toContain("No errors were found on the image.");
  }
});
