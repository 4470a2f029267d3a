/**
 * qemu-img resize against the stock program: the same commands on the same images, whose contents stock compares afterwards; and
 * stock finds ours sound.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runOurs, runStock } from "./cli-harness.ts";
import type { Ran } from "./cli-harness.ts";

const root = mkdtempSync(join(tmpdir(), "zonescope-resize-"));
afterAll(() => rmSync(root, { recursive: true }));
const ours = join(root, "ours");
const stock = join(root, "stock");
for (const folder of [ours, stock]) mkdirSync(folder);

/** Makes an image by stock's commands, the same file in both folders. */
function make(create: readonly string[], writes: readonly string[]): void {
  expect(runStock(stock, "qemu-img", ["create", "-q", ...create]).err).toBe("");
  if (writes.length > 0) expect(runStock(stock, "qemu-io", ["-f", create[1]!, ...writes.flatMap((write) => ["-c", write]), "a"]).status).toBe(0);
  copyFileSync(join(stock, "a"), join(ours, "a"));
}

async function both(...argv: string[]): Promise<{ ours: Ran; stock: Ran }> {
  const theirs = runStock(stock, "qemu-img", ["resize", ...argv]);
  return { ours: await runOurs(ours, "qemu-img", ["resize", ...argv]), stock: theirs };
}

async function same(...argv: string[]): Promise<void> {
  const ran = await both(...argv);
  expect(ran.ours).toEqual(ran.stock);
}

function sameDisk(format: string): void {
  if (format === "qcow2") expect(runStock(ours, "qemu-img", ["check", "-f", "qcow2", "a"]).out).toContain("No errors were found on the image.");
  const compared = runStock(root, "qemu-img", ["compare", "-f", format, "-F", format, "ours/a", "stock/a"]);
  expect(compared.out).toBe("Images are identical.\n");
  const size = (folder: string): unknown => (JSON.parse(runStock(folder, "qemu-img", ["info", "-f", format, "--output=json", "a"]).out) as Record<string, unknown>)["virtual-size"];
  expect(size(ours)).toBe(size(stock));
}

runStock(stock, "qemu-img", ["create", "-q", "-f", "raw", "base", "40M"]);
runStock(stock, "qemu-io", ["-f", "raw", "-c", "write -P 9 0 40M", "base"]);
copyFileSync(join(stock, "base"), join(ours, "base"));
runStock(root, "cp", [join(stock, "base"), join(root, "base")]);

const SHAPES: readonly (readonly [name: string, create: readonly string[], writes: readonly string[]])[] = [
  ["plain", ["-f", "qcow2", "a", "10M"], ["write -P 1 0 3M", "write -P 2 9M 1M"]],
  ["small clusters", ["-f", "qcow2", "-o", "cluster_size=512", "a", "3000k"], ["write -P 1 0 100k", "write -P 2 2900k 100k"]],
  ["subclusters", ["-f", "qcow2", "-o", "extended_l2=on,cluster_size=16k", "a", "20M"], ["write -P 1 0 3M", "write -P 2 19M 1M"]],
  ["version 2", ["-f", "qcow2", "-o", "compat=0.10,cluster_size=4k", "a", "7M"], ["write -P 1 0 100k", "write -P 2 6M 1M"]],
  ["backing", ["-f", "qcow2", "-b", "base", "-F", "raw", "a", "5M"], ["write -P 1 1M 100k"]],
  ["backing, cut in a cluster", ["-f", "qcow2", "-b", "base", "-F", "raw", "-o", "cluster_size=1M", "a", "3585k"], ["write -P 1 1M 100k"]],
  ["empty", ["-f", "qcow2", "a", "0"], []],
  ["raw", ["-f", "raw", "a", "3M"], ["write -P 1 0 3M"]],
];

describe.each(SHAPES)("%s", (_, create, writes) => {
  const format = create[1]!;
  test.each([[["a", "+30M"]], [["a", "1G"]], [["--preallocation=full", "-q", "a", "+2M"]], [["--shrink", "a", "1M"]], [["--shrink", "a", "-1536k"]]])("%j", async (argv) => {
    make(create, writes);
    await same("-f", format, ...argv);
    sameDisk(format);
  });
  test("there and back: what was cut off does not come back", async () => {
    make(create, writes);
    for (const argv of [["--shrink", "a", "1M"], ["a", "64M"], ["--shrink", "a", "512k"], ["a", "65M"]]) await same("-f", format, ...argv);
    sameDisk(format);
  });
});

test("an image with snapshots keeps them", async () => {
  make(["-f", "qcow2", "a", "10M"], ["write -P 1 0 10M"]);
  for (const folder of [ours, stock]) runStock(folder, "qemu-img", ["snapshot", "-c", "s", "a"]);
  await same("--shrink", "a", "4M");
  await same("a", "3G");
  sameDisk("qcow2");
  for (const folder of [ours, stock]) expect(runStock(folder, "qemu-img", ["convert", "-l", "s", "-O", "raw", "a", "r"]).status).toBe(0);
  expect(runStock(root, "qemu-img", ["compare", "ours/r", "stock/r"]).status).toBe(0);
});

test("an external data file follows", async () => {
  for (const folder of [ours, stock]) {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "data_file=d,cluster_size=4k", "a", "10M"]);
    expect(runStock(folder, "qemu-io", ["-c", "write -P 7 0 10M", "a"]).status).toBe(0);
  }
  await same("a", "20M");
  await same("--shrink", "a", "1M");
  await same("a", "3M");
  expect(readFileSync(join(ours, "d")).equals(readFileSync(join(stock, "d")))).toBe(true);
  expect(runStock(ours, "qemu-img", ["check", "a"]).out).toContain("No errors");
});

describe("refused", () => {
  test.each([
    [["a", "4M"]],
    [["a", "-4M"]],
    [["a", "-64M"]],
    [["a", "0"]],
    [["a", "x"]],
    [["a", "1000"]],
    [["a", "64P"]],
    [["--preallocation=full", "--shrink", "a", "1M"]],
    [["--preallocation=foo", "a", "1G"]],
    [["a"]],
    [[]],
    [["gone", "1M"]],
    [["a", "b", "1M"]],
    [["-f", "raw", "--shrink", "--image-opts", "a", "1M"]],
  ])("%j", async (argv) => {
    make(["-f", "qcow2", "a", "10M"], []);
    await same(...argv);
  });

  test("an old image with snapshots", async () => {
    make(["-f", "qcow2", "-o", "compat=0.10", "a", "10M"], []);
    for (const folder of [ours, stock]) runStock(folder, "qemu-img", ["snapshot", "-c", "s", "a"]);
    await same("a", "20M");
  });

  test("a zoned image, by name", async () => {
    await runOurs(ours, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "zone_model=1,zone_size=1M", "z", "4M"]);
    expect(await runOurs(ours, "qemu-img", ["resize", "z", "8M"])).toEqual({ out: "", err: "qemu-img: This program does not support resizing a zoned image\n", status: 1 });
  });
});
