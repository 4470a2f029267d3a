/**
 * Images whose tables lie, met by reads and writes: which line is printed on which stream, the exit status, and whether the image says
 * afterwards that it is corrupt, against the stock programs over a copy of the same bytes.
 */
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runOurs, runStock } from "./cli-harness.ts";

const root = mkdtempSync(join(tmpdir(), "zonescope-corrupt-"));
afterAll(() => rmSync(root, { recursive: true }));
const ours = join(root, "ours");
const stock = join(root, "stock");
for (const folder of [ours, stock]) mkdirSync(folder);

const COPIED = 1n << 63n;
const INCOMPATIBLE_AT = 72;
/** Of the images made here: the L1 table in cluster 3, the first L2 table in cluster 4, data behind it. */
const CLUSTER = 65536;
const L1_AT = 3 * CLUSTER;
const L2_AT = 4 * CLUSTER;

/** The same image of two clusters of data in both folders, changed alike. */
function damaged(options: readonly string[], change: (image: DataView) => void): void {
  runStock(stock, "qemu-img", ["create", "-q", "-f", "qcow2", ...options, "a.qcow2", "64M"]);
  runStock(stock, "qemu-io", ["-c", "write -q -P 1 0 128k", "a.qcow2"]);
  const path = join(stock, "a.qcow2");
  const bytes = new Uint8Array(readFileSync(path));
  const view = new DataView(bytes.buffer);
  expect(Number(view.getBigUint64(L1_AT) & ~COPIED)).toBe(L2_AT);
  change(view);
  writeFileSync(path, bytes);
  copyFileSync(path, join(ours, "a.qcow2"));
}

const isMarked = (folder: string): boolean => (readFileSync(join(folder, "a.qcow2"))[INCOMPATIBLE_AT + 7]! & 2) !== 0;

async function same(argv: readonly string[]): Promise<{ marked: boolean; err: string }> {
  const ran = { ours: await runOurs(ours, "qemu-io", argv), stock: runStock(stock, "qemu-io", argv) };
  expect(ran.ours).toEqual(ran.stock);
  expect(isMarked(ours)).toBe(isMarked(stock));
  return { marked: isMarked(ours), err: ran.ours.err };
}

const WRITE = ["-c", "write 0 64k", "a.qcow2"];

describe("a write whose entry leads to metadata", () => {
  test.each([
    ["the refcount table", 1, "refcount table"],
    ["the refcount block", 2, "refcount block"],
    ["the L1 table", 3, "active L1 table"],
    ["the L2 table", 4, "active L2 table"],
  ])("%s", async (_, cluster, name) => {
    damaged([], (view) => view.setBigUint64(L2_AT, BigInt(cluster * CLUSTER) | COPIED));
    const { marked, err } = await same(WRITE);
    expect(marked).toBe(true);
    expect(err).toBe(`qcow2: Marking image as corrupt: Preventing invalid write on metadata (overlaps with ${name}); further corruption events will be suppressed\n`);
  });
});

test("a write by an L1 entry that leads to the L1 table", async () => {
  damaged([], (view) => view.setBigUint64(L1_AT, BigInt(L1_AT) | COPIED));
  const { marked, err } = await same(WRITE);
  expect(marked).toBe(true);
  expect(err).toContain("overlaps with active L1 table");
});

describe("an entry that leads to no cluster's start", () => {
  const unaligned = (view: DataView): void => view.setBigUint64(L2_AT + 8, BigInt(5 * CLUSTER + 0x2a00) | COPIED);

  test("read, the image open for writing", async () => {
    damaged([], unaligned);
    expect((await same(["-c", "read 64k 512", "a.qcow2"])).marked).toBe(true);
  });

  test("read, the image open for reading: told once, and not marked", async () => {
    damaged([], unaligned);
    expect((await same(["-r", "-c", "read 64k 512", "-c", "read 64k 512", "a.qcow2"])).marked).toBe(false);
  });

  test("written", async () => {
    damaged([], unaligned);
    expect((await same(["-c", "write 64k 512", "a.qcow2"])).marked).toBe(true);
  });

  test.each([
    ["read", "read 32M 512", true],
    ["written", "write 32M 512", true],
    ["read elsewhere", "read 512M 512", false],
    ["written elsewhere", "write 512M 64k", false],
  ])("of the L1 table, %s", async (_, command, told) => {
    damaged(["-o", "refcount_bits=16"], (view) => view.setBigUint64(L1_AT, BigInt(L2_AT + 0x2a00) | COPIED));
    runStock(stock, "qemu-img", ["resize", "-q", "a.qcow2", "1G"]);
    copyFileSync(join(stock, "a.qcow2"), join(ours, "a.qcow2"));
    expect((await same(["-c", command, "a.qcow2"])).marked).toBe(told);
  });

  test.each([
    ["a cluster is taken", "write 1M 64k", true],
    ["a cluster is written in place", "write 0 64k", false],
  ])("of the refcount table, where %s", async (_, command, told) => {
    damaged([], (view) => view.setBigUint64(CLUSTER, BigInt(2 * CLUSTER + 0x2a00)));
    expect((await same(["-c", command, "a.qcow2"])).marked).toBe(told);
  });

  test("a cluster of zeros, written", async () => {
    damaged([], (view) => view.setBigUint64(L2_AT + 8, BigInt(5 * CLUSTER + 0x2a00) | COPIED | 1n));
    expect((await same(["-c", "write 64k 512", "a.qcow2"])).marked).toBe(true);
  });
});

describe("the header's cluster, which nothing counts, would be given out", () => {
  const uncounted = (view: DataView): void => view.setUint16(2 * CLUSTER, 0);
  test.each([
    ["to an L2 table", ["-c", "write 32M 64k", "a.qcow2"], "L2 table", (view: DataView) => (uncounted(view), view.setBigUint64(L1_AT, 0n))],
    ["to a compressed cluster", ["-c", "write -c 32M 64k", "a.qcow2"], "compressed cluster", uncounted],
    ["to a refcount block, of which there is none", ["-c", "write 0 192k", "a.qcow2"], "refcount block", (view: DataView) => view.setBigUint64(CLUSTER, 0n)],
  ])("%s", async (_, argv, name, change) => {
    damaged([], change);
    const { marked, err } = await same(argv);
    expect(marked).toBe(true);
    expect(err).toContain(`Preventing invalid allocation of ${name} at offset 0`);
  });

  test("to data", async () => {
    damaged([], uncounted);
    expect((await same(["-c", "write 32M 64k", "a.qcow2"])).err).toContain("overlaps with qcow2_header");
  });
});

describe("subclusters", () => {
  test.each([
    ["read", "found  ("],
    ["write", "found ("],
  ])("that are allocated without a cluster: %s", async (command, words) => {
    damaged(["-o", "extended_l2=on"], (view) => {
      view.setBigUint64(L2_AT, 0n);
      view.setBigUint64(L2_AT + 8, 1n);
    });
    const { marked, err } = await same(["-c", `${command} 0 512`, "a.qcow2"]);
    expect(marked).toBe(true);
    expect(err).toContain(words);
  });

  const STREAM_BITS = 0x1_8000_0000n;
  function compressedWithBits(): void {
    runStock(stock, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "extended_l2=on", "a.qcow2", "64M"]);
    runStock(stock, "qemu-io", ["-c", "write -q -c -P 11 0 64k", "-c", "write -q -c -P 12 64k 64k", "a.qcow2"]);
    const path = join(stock, "a.qcow2");
    const bytes = new Uint8Array(readFileSync(path));
    new DataView(bytes.buffer).setBigUint64(L2_AT + 8, STREAM_BITS);
    writeFileSync(path, bytes);
    copyFileSync(path, join(ours, "a.qcow2"));
  }

  test.each(["read -q -P 11 0 64k", "write -q -P 13 4k 2k", "write -q -z 0 64k", "discard -q 0 64k"])("of a compressed cluster are not looked at: %s", async (command) => {
    compressedWithBits();
    const { marked, err } = await same(["-c", command, "-c", "read -q -P 12 64k 64k", "a.qcow2"]);
    expect({ marked, err }).toEqual({ marked: false, err: "" });
    const whole = ["compare", "a.qcow2", join(stock, "a.qcow2")];
    expect(runStock(ours, "qemu-img", whole).status).toBe(0);
  });

  test("of a compressed cluster are told by a check, and a repair loses nothing of its stream", async () => {
    compressedWithBits();
    expect(await runOurs(ours, "qemu-img", ["check", "a.qcow2"])).toEqual(runStock(stock, "qemu-img", ["check", "a.qcow2"]));
    await runOurs(ours, "qemu-img", ["check", "-r", "all", "a.qcow2"]);
    expect(await runOurs(ours, "qemu-io", ["-c", "write -q -P 14 128k 1M", "-c", "read -q -P 11 0 64k", "a.qcow2"])).toMatchObject({ out: "", err: "", status: 0 });
  });
});

test("what was written before a lie was met is in the image", async () => {
  damaged([], (view) => view.setBigUint64(L2_AT + 8, BigInt(5 * CLUSTER + 0x2a00) | COPIED));
  await runOurs(ours, "qemu-io", ["-c", "write -q -P 7 32M 64k", "-c", "read -q 64k 512", "a.qcow2"]);
  expect(isMarked(ours)).toBe(true);
  expect(runStock(ours, "qemu-io", ["-r", "-c", "read -P 7 32M 64k", "a.qcow2"])).toMatchObject({ err: "", status: 0 });
});

test.each([
  ["read", ["read -P 5 0 64k", "map"]],
  ["written over in part", ["write -P 7 0 4k", "read -P 5 4k 60k"]],
  ["made zeros in part", ["write -z 0 2k", "read -P 5 2k 62k"]],
  ["made zeros", ["write -z 0 64k"]],
  ["discarded", ["discard 0 64k", "read -P 0 0 64k"]],
])("subcluster bits beside a compressed cluster mean nothing: %s", async (_, commands) => {
  runStock(stock, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "extended_l2=on", "a.qcow2", "64M"]);
  expect(runStock(stock, "qemu-io", ["-c", "write -c -P 5 0 64k", "a.qcow2"]).status).toBe(0);
  const path = join(stock, "a.qcow2");
  const bytes = new Uint8Array(readFileSync(path));
  new DataView(bytes.buffer).setBigUint64(L2_AT + 8, 0x3_0000_0005n);
  writeFileSync(path, bytes);
  copyFileSync(path, join(ours, "a.qcow2"));
  const { marked } = await same([...commands.flatMap((command) => ["-c", command]), "a.qcow2"]);
  expect(marked).toBe(false);
  expect(runStock(root, "qemu-img", ["compare", "stock/a.qcow2", "ours/a.qcow2"]).out).toBe("Images are identical.\n");
  const argv = ["check", "a.qcow2"];
  expect(await runOurs(stock, "qemu-img", argv)).toEqual(runStock(stock, "qemu-img", argv));
});

test("an image that is its own data file by another name is not opened: its header would be written over", async () => {
  expect(runStock(ours, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "data_file=other.raw", "own.qcow2", "1M"]).status).toBe(0);
  rmSync(join(ours, "other.raw"));
  linkSync(join(ours, "own.qcow2"), join(ours, "other.raw"));
  const before = readFileSync(join(ours, "own.qcow2"));
  const argv = ["-c", "write -P 1 0 64k", "own.qcow2"];
  expect(await runOurs(ours, "qemu-io", argv)).toMatchObject({ status: 1, err: expect.stringContaining("other.raw") as string });
  expect(runStock(ours, "qemu-io", argv).status).toBe(1);
  expect(readFileSync(join(ours, "own.qcow2")).equals(before)).toBe(true);
});

test("a data file whose name says that it is a file's is the file behind the prefix, as it is to QEMU", async () => {
  const created = ["create", "-q", "-f", "qcow2", "-o", "data_file=file:d.raw", "prefixed.qcow2", "1M"];
  const write = ["-c", "write -P 1 0 64k", "prefixed.qcow2"];
  expect(await runOurs(ours, "qemu-img", created)).toMatchObject({ status: 0 });
  expect(await runOurs(ours, "qemu-io", write)).toMatchObject({ status: 0 });
  expect(readFileSync(join(ours, "d.raw")).subarray(0, 65536).every((byte) => byte === 1)).toBe(true);
  expect(runStock(ours, "qemu-io", ["-r", "-c", "read -P 1 0 64k", "prefixed.qcow2"])).toMatchObject({ status: 0, out: expect.not.stringContaining("failed") as string });
  const itself = ["create", "-q", "-f", "qcow2", "-o", "data_file=file:prefixed.qcow2", "prefixed.qcow2", "1M"];
  const before = readFileSync(join(ours, "prefixed.qcow2"));
  expect(await runOurs(ours, "qemu-img", itself)).toMatchObject({ status: 1 });
  expect(readFileSync(join(ours, "prefixed.qcow2")).equals(before)).toBe(true);
});

describe("a snapshot is made, applied or deleted over a table that lies", () => {
  const lies: Readonly<Record<string, (image: DataView) => void>> = {
    "an entry of the disk": (image) => unalign(image, tableOf(image, image.getBigUint64(40)) + 8),
    "an entry of the snapshot's": (image) => unalign(image, tableOf(image, image.getBigUint64(Number(image.getBigUint64(64)))) + 8),
    "the snapshot's L1 table": (image) => unalign(image, Number(image.getBigUint64(Number(image.getBigUint64(64))))),
  };
  const tableOf = (image: DataView, l1: bigint): number => Number(image.getBigUint64(Number(l1)) & ~COPIED);
  const unalign = (image: DataView, at: number): void => image.setBigUint64(at, image.getBigUint64(at) | 0x2a00n);

  test.each(Object.keys(lies).flatMap((where) => ["-c new", "-a one", "-d one"].map((what) => [where, what] as const)))("%s, %s", async (where, what) => {
    const path = join(stock, "a.qcow2");
    runStock(stock, "qemu-img", ["create", "-q", "-f", "qcow2", "a.qcow2", "64M"]);
    runStock(stock, "qemu-io", ["-c", "write -q -P 1 0 256k", "a.qcow2"]);
    runStock(stock, "qemu-img", ["snapshot", "-c", "one", "a.qcow2"]);
    runStock(stock, "qemu-io", ["-c", "write -q -P 2 0 64k", "a.qcow2"]);
    const bytes = new Uint8Array(readFileSync(path));
    lies[where]!(new DataView(bytes.buffer));
    writeFileSync(path, bytes);
    copyFileSync(path, join(ours, "a.qcow2"));
    const argv = ["snapshot", ...what.split(" "), "a.qcow2"];
    const [told, wanted] = [await runOurs(ours, "qemu-img", argv), runStock(stock, "qemu-img", argv)];
    expect(told.status).toBe(wanted.status);
    expect(told.err.split("\n")[0]).toBe(wanted.err.split("\n")[0]);
    expect(isMarked(ours)).toBe(isMarked(stock));
  });
});
