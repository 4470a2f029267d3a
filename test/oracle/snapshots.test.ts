/**
 * Internal snapshots against stock qemu-img, both ways: what ours makes stock lists, checks, reads, applies and deletes, and what stock
 * makes ours does. 7.2 prints the list in other columns than 10 (and this program): the cells are compared.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inScratchFolder, runStock, stockCheck } from "../../src/testing/stock.ts";
import { runOurs } from "./cli-harness.ts";

const FILE = "a.qcow2";

async function ours(folder: string, program: string, ...argv: string[]): Promise<string> {
  const ran = await runOurs(folder, program, argv);
  expect(ran, `${program} ${argv.join(" ")}`).toMatchObject({ status: 0, err: "" });
  return ran.out;
}

function stock(folder: string, program: string, ...argv: string[]): string {
  const ran = runStock(program, argv, "", folder);
  expect(ran, `${program} ${argv.join(" ")}`).toMatchObject({ status: 0, stderr: "" });
  return ran.stdout;
}

const clean = (folder: string): void => expect(stockCheck(join(folder, FILE))).toMatchObject({ status: 0, corruptions: 0, leaks: 0, checkErrors: 0 });

/** The list's cells; the clock without 10's two more digits, and each name in one cell. */
const cells = (list: string): string[][] =>
  list
    .split("\n")
    .slice(2, -1)
    .map((line) => line.trim().split(/\s+/).map((cell) => cell.replace(/^00(\d\d:\d\d:\d\d\.\d\d\d)$/, "$1")));

function diskOf(folder: string, snapshot: string | null): string {
  const view = snapshot === null ? [] : ["-l", snapshot];
  stock(folder, "qemu-img", "convert", "-f", "qcow2", "-O", "raw", ...view, FILE, "disk.raw");
  return readFileSync(join(folder, "disk.raw")).toString("latin1");
}

const SHAPES: Readonly<Record<string, string>> = {
  "64 KiB clusters": "cluster_size=65536",
  "512-byte clusters, counts of 4 bits": "cluster_size=512,refcount_bits=4",
  "2 MiB clusters, counts of 64 bits": "cluster_size=2M,refcount_bits=64",
  "version 2": "compat=0.10,cluster_size=4096",
  "extended entries": "extended_l2=on,cluster_size=65536",
};

const FILLS = [
  ["write -P 1 0 700k", "write -P 2 3M 100k", "write -c -P 9 2M 64k"],
  ["write -P 3 300k 500k", "discard 3M 64k"],
  ["write -P 4 2M 1500k", "write -z 0 64k"],
];

/** Not where a stream is as long as a cluster, nor where so many share one that its count would be full. */
const compresses = (options: string): boolean => options.endsWith("65536");

for (const [name, options] of Object.entries(SHAPES)) {
  test(`ours and stock by turns: ${name}`, async () => {
    await inScratchFolder(async (folder) => {
      stock(folder, "qemu-img", "create", "-q", "-f", "qcow2", "-o", options, FILE, "4M");
      const disks: string[] = [];
      for (const [index, fill] of FILLS.entries()) {
        const commands = fill.flatMap((line) => ["-c", compresses(options) ? line : line.replace(" -c", "")]);
        // What is compressed is written by stock; the rest, by turns.
        if (index === 1) await ours(folder, "qemu-io", ...commands, FILE);
        else stock(folder, "qemu-io", ...commands, FILE);
        disks.push(diskOf(folder, null));
        if (index === 1) stock(folder, "qemu-img", "snapshot", "-c", `s${index}`, FILE);
        else await ours(folder, "qemu-img", "snapshot", "-c", `s${index}`, FILE);
        clean(folder);
      }
      const list = await ours(folder, "qemu-img", "snapshot", "-l", FILE);
      expect(cells(list)).toEqual(cells(stock(folder, "qemu-img", "snapshot", "-l", FILE)));
      expect(cells(list).map((row) => row.slice(0, 2))).toEqual([["1", "s0"], ["2", "s1"], ["3", "s2"]]);
      for (const [index, disk] of disks.entries()) expect(diskOf(folder, `s${index}`) === disk).toBe(true);

      await ours(folder, "qemu-img", "snapshot", "-a", "s0", FILE);
      clean(folder);
      expect(diskOf(folder, null) === disks[0]).toBe(true);
      await ours(folder, "qemu-io", "-c", "write -P 7 1M 1M", "-c", "write -P 8 0 4k", FILE);
      clean(folder);
      await ours(folder, "qemu-img", "snapshot", "-d", "s1", FILE);
      clean(folder);
      await ours(folder, "qemu-io", "-c", "write -P 6 0 4M", FILE);
      expect(diskOf(folder, "s0") === disks[0]).toBe(true);
      expect(diskOf(folder, "s2") === disks[2]).toBe(true);
      stock(folder, "qemu-img", "snapshot", "-a", "3", FILE);
      stock(folder, "qemu-img", "snapshot", "-d", "s2", FILE);
      await ours(folder, "qemu-img", "snapshot", "-d", "s0", FILE);
      clean(folder);
      expect(diskOf(folder, null) === disks[2]).toBe(true);
      expect(await ours(folder, "qemu-img", "snapshot", "-l", FILE)).toBe("");
    });
  });
}

test("a snapshot of a disk that was resized since: read as it is now, applied as it was", async () => {
  await inScratchFolder(async (folder) => {
    stock(folder, "qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=512", FILE, "64k");
    stock(folder, "qemu-io", "-c", "write -P 1 0 64k", FILE);
    await ours(folder, "qemu-img", "snapshot", "-c", "small", FILE);
    stock(folder, "qemu-img", "resize", "-q", FILE, "5M");
    stock(folder, "qemu-io", "-c", "write -P 2 1M 4M", FILE);
    await ours(folder, "qemu-img", "snapshot", "-c", "large", FILE);
    const large = diskOf(folder, null);
    expect(await ours(folder, "qemu-img", "snapshot", "-a", "small", FILE)).toBe("");
    clean(folder);
    expect(diskOf(folder, null)).toBe("\x01".repeat(65536));
    await ours(folder, "qemu-img", "snapshot", "-a", "large", FILE);
    clean(folder);
    expect(diskOf(folder, null) === large).toBe(true);
    await ours(folder, "qemu-img", "snapshot", "-d", "small", FILE);
    await ours(folder, "qemu-img", "snapshot", "-d", "large", FILE);
    clean(folder);
  });
});

test("refusals in stock's words, with its status", async () => {
  await inScratchFolder(async (folder) => {
    const both = async (...argv: string[]): Promise<void> => {
      const [our, their] = [await runOurs(folder, "qemu-img", argv), runStock("qemu-img", argv, "", folder)];
      expect({ err: our.err, status: our.status }, argv.join(" ")).toEqual({ err: their.stderr, status: their.status });
    };
    stock(folder, "qemu-img", "create", "-q", "-f", "qcow2", "-o", "refcount_bits=1", FILE, "1M");
    stock(folder, "qemu-img", "create", "-q", "-f", "raw", "a.raw", "1M");
    await both("snapshot", "-a", "none", FILE);
    await both("snapshot", "-d", "none", FILE);
    await both("snapshot", "-c", "x", "-d", "x", FILE);
    await both("snapshot", "-l");
    await both("snapshot", "-l", "gone.qcow2");
    expect(await runOurs(folder, "qemu-img", ["snapshot", "-a", "x", "a.raw"])).toMatchObject({
      status: 1,
      err: expect.stringContaining("qemu-img: Could not apply snapshot 'x': Block driver does not support snapshots\n") as string,
    });
    expect(await runOurs(folder, "qemu-img", ["snapshot", "-l", "a.raw"])).toMatchObject({ status: 0, out: "" });
    stock(folder, "qemu-io", "-c", "write 0 64k", FILE);
    const refused = await runOurs(folder, "qemu-img", ["snapshot", "-c", "x", FILE]);
    expect(refused).toMatchObject({ status: 1, err: "qemu-img: Could not create snapshot 'x': Invalid argument\n" });
    // As after stock's own try: the place that the L1 table was given.
    expect(stockCheck(join(folder, FILE))).toMatchObject({ status: 3, corruptions: 0, leaks: 1, checkErrors: 0 });
  });
});

/** Writes a big-endian word into the file. */
function poke(file: string, at: number, word: bigint): void {
  const descriptor = openSync(file, "r+");
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(word);
  writeSync(descriptor, bytes, 0, 8, at);
  closeSync(descriptor);
}

test("a disk whose entry leads to where no count is has the errno of version 10", async () => {
  await inScratchFolder(async (folder) => {
    for (const [entry, errno] of [
      [0xbfff_ffff_ffff_0000n, "File too large"],
      [0x8000_00ff_ffff_0000n, "Resource temporarily unavailable"],
    ] as const) {
      stock(folder, "qemu-img", "create", "-q", "-f", "qcow2", FILE, "64M");
      stock(folder, "qemu-io", "-c", "write 0 512", FILE);
      poke(join(folder, FILE), 0x40000, entry);
      const our = await runOurs(folder, "qemu-img", ["snapshot", "-c", "x", FILE]);
      expect(our).toMatchObject({ err: `qemu-img: Could not create snapshot 'x': ${errno}\n`, status: 1 });
    }
  });
});

test("with the check for snapshots' tables a broken snapshot keeps the image from being written, and without it does not", async () => {
  await inScratchFolder(async (folder) => {
    stock(folder, "qemu-img", "create", "-q", "-f", "qcow2", FILE, "64M");
    stock(folder, "qemu-io", "-c", "write 0 512", FILE);
    stock(folder, "qemu-img", "snapshot", "-c", "x", FILE);
    poke(join(folder, FILE), 0x70000, 0x40_0200n);
    for (const option of ["overlap-check.inactive-l2=on", "overlap-check=all"]) {
      const argv = ["-c", `open -o ${option} ${FILE}`, "-c", "write 0 4k"];
      const our = await runOurs(folder, "qemu-io", argv);
      const their = runStock("qemu-io", argv, "", folder);
      expect({ err: our.err, out: our.out, status: our.status }).toEqual({ err: their.stderr, out: their.stdout, status: their.status });
      expect(our.out).toBe("write failed: Invalid argument\n");
    }
    expect((await runOurs(folder, "qemu-io", ["-c", `open -o overlap-check=cached ${FILE}`, "-c", "write 0 4k"])).out).toContain("wrote 4096/4096");
  });
});

test("a count of 64 bits is told with all its digits", async () => {
  await inScratchFolder(async (folder) => {
    stock(folder, "qemu-img", "create", "-q", "-f", "qcow2", "-o", "refcount_bits=64", FILE, "64M");
    stock(folder, "qemu-io", "-c", "write 0 512", FILE);
    for (const count of [2n ** 64n - 1n, 2n ** 53n, 2n ** 53n - 1n, 2n ** 63n + 1n]) {
      poke(join(folder, FILE), 0x20028, count);
      const our = await runOurs(folder, "qemu-img", ["check", FILE]);
      const their = runStock("qemu-img", ["check", FILE], "", folder);
      expect({ out: our.out, err: our.err, status: our.status }).toEqual({ out: their.stdout, err: their.stderr, status: their.status });
      expect(our.out + our.err).toContain(`refcount=${count} `);
    }
  });
});
