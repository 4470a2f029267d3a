/**
 * Holes of files as stock's map, measure and strict compare tell them: stock asks its file system, this program finds them by what a file
 * takes (src/bytes/holes.ts). On a file system where that cannot be told, nothing is compared but what does not depend on it.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runOurs, runStock } from "./cli-harness.ts";
import type { Ran } from "./cli-harness.ts";

const root = mkdtempSync(join(tmpdir(), "zonescope-holes-"));
afterAll(() => rmSync(root, { recursive: true }));

const withoutCompressed = (ran: Ran): Ran => ({ ...ran, out: ran.out.replace(/, "compressed": (true|false)/g, "") });

async function same(...argv: string[]): Promise<void> {
  expect(withoutCompressed(await runOurs(root, "qemu-img", argv)), argv.join(" ")).toEqual(withoutCompressed(runStock(root, "qemu-img", argv)));
}

type Make = (program: string, argv: readonly string[]) => Ran | Promise<Ran>;
const MAKERS: readonly (readonly [name: string, make: Make])[] = [
  ["stock", (program, argv) => runStock(root, program, argv)],
  ["ours", (program, argv) => runOurs(root, program, argv)],
];

async function made(make: Make, ...steps: (readonly string[])[]): Promise<void> {
  for (const [program, ...argv] of steps) expect((await make(program!, argv)).status, argv.join(" ")).toBe(0);
}

/** Whether a file of holes takes exactly its other blocks here: not where blocks are larger, or are given ahead. */
async function tellsHoles(make: Make): Promise<boolean> {
  await made(make, ["qemu-img", "create", "-q", "-f", "raw", "probe.raw", "1M"], ["qemu-io", "-f", "raw", "-c", "write -P 1 512k 4k", "probe.raw"]);
  return statSync(join(root, "probe.raw")).blocks * 512 === 8192;
}

test.each(MAKERS)("a raw file, an image over it, and images that were given their places, made by %s", async (name, make) => {
  const tells = await tellsHoles(make);
  const file = (suffix: string): string => `${name}-${suffix}`;
  await made(
    make,
    ["qemu-img", "create", "-q", "-f", "raw", file("a.raw"), "4M"],
    ["qemu-io", "-f", "raw", "-c", "write -P 3 1M 1M", "-c", "write -P 4 100k 5k", file("a.raw")],
    ["qemu-img", "create", "-q", "-f", "raw", file("none.raw"), "100M"],
    ["qemu-img", "create", "-q", "-f", "qcow2", "-b", file("a.raw"), "-F", "raw", file("over.qcow2")],
    ["qemu-io", "-c", "write -P 7 64k 64k", file("over.qcow2")],
    ["qemu-img", "convert", "-O", "raw", file("over.qcow2"), file("copy.raw")],
    ["qemu-img", "create", "-q", "-f", "qcow2", "-o", "preallocation=metadata", file("given.qcow2"), "20M"],
    ["qemu-io", "-c", "write -P 5 1M 300k", "-c", "write -z 5M 128k", file("given.qcow2")],
    ["qemu-img", "create", "-q", "-f", "qcow2", "-o", "preallocation=metadata,cluster_size=4k", file("small.qcow2"), "6M"],
    ["qemu-io", "-c", "write -P 5 1M 300k", file("small.qcow2")],
    ["qemu-img", "create", "-q", "-f", "qcow2", "-o", "preallocation=full", file("full.qcow2"), "2M"],
  );
  const raws = ["a.raw", "none.raw", "copy.raw"].map(file);
  const images = ["over.qcow2", "given.qcow2", "small.qcow2", "full.qcow2"].map(file);
  await same("map", "--output=json", file("full.qcow2"));
  if (!tells) return;
  for (const image of [...raws, ...images]) {
    const format = image.endsWith(".raw") ? "raw" : "qcow2";
    await same("map", "-f", format, "--output=json", image);
    await same("map", "-f", format, image);
    await same("map", "-f", format, "--output=json", "--start-offset=102k", "--max-length=1M", image);
    await same("measure", "-f", format, "-O", "qcow2", image);
  }
  await same("compare", "-s", "-f", "raw", "-F", "raw", file("a.raw"), file("copy.raw"));
  await same("compare", "-s", "-f", "qcow2", "-F", "raw", file("over.qcow2"), file("copy.raw"));
});
