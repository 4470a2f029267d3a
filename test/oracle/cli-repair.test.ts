/**
 * qemu-img check -r against the stock program over copies of the same damaged bytes: the words and the exit status where both repair
 * alike, and always that stock finds nothing wrong afterwards and reads the same disk as before.
 *
 * Leaks beside entries that cannot be read are left here, where stock frees them: they may be what those entries led to.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runOurs, runStock } from "./cli-harness.ts";
import type { Ran } from "./cli-harness.ts";
import { damagedCopy } from "./damage.ts";
import type { Patient } from "./damage.ts";

const root = mkdtempSync(join(tmpdir(), "zonescope-repair-"));
afterAll(() => rmSync(root, { recursive: true }));

const COPIED = 1n << 63n;
const leak = (image: Patient): void => image.l2(2, () => 0n);
const tooHigh = (image: Patient): void => image.refcount(8, 3);
const tooLow = (image: Patient): void => image.refcount(6, 0);
const flagCleared = (image: Patient): void => image.l2(0, (entry) => entry & ~COPIED);
const twice = (image: Patient): void => image.l2(1, () => image.l2Entry(0));
const all = (...damages: ((image: Patient) => void)[]) => (image: Patient): void => damages.forEach((damage) => damage(image));

beforeAll(() => {
  const run = (program: string, ...argv: string[]): void => expect(runStock(root, program, argv)).toMatchObject({ err: "", status: 0 });
  run("qemu-img", "create", "-q", "-f", "qcow2", "plain.qcow2", "64M");
  run("qemu-io", "-c", "write -q -P 1 0 300k", "-c", "write -q -P 2 10M 128k", "plain.qcow2");
  copyFileSync(join(root, "plain.qcow2"), join(root, "snapshot.qcow2"));
  run("qemu-img", "snapshot", "-c", "one", "snapshot.qcow2");
  run("qemu-io", "-c", "write -q -P 3 64k 64k", "snapshot.qcow2");
  run("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=512", "small.qcow2", "1M");
  run("qemu-io", "-c", "write -q -P 4 0 600k", "small.qcow2");
});

/** The guest's disk as stock reads it. */
function content(name: string): Buffer {
  expect(runStock(root, "qemu-img", ["convert", "-f", "qcow2", "-O", "raw", name, "content.raw"])).toMatchObject({ status: 0 });
  return readFileSync(join(root, "content.raw"));
}

interface Repaired {
  readonly ours: Ran;
  readonly stock: Ran;
}

/** Repairs a damaged copy by each program, and holds the guest's bytes of ours against those before. */
async function repair(from: string, mode: string, damage: (image: Patient) => void, ...options: string[]): Promise<Repaired> {
  damagedCopy(join(root, from), join(root, "damaged.qcow2"), damage);
  const before = content("damaged.qcow2");
  copyFileSync(join(root, "damaged.qcow2"), join(root, "kept.qcow2"));
  const stock = runStock(root, "qemu-img", ["check", "-r", mode, ...options, "damaged.qcow2"]);
  copyFileSync(join(root, "kept.qcow2"), join(root, "damaged.qcow2"));
  const ours = await runOurs(root, "qemu-img", ["check", "-r", mode, ...options, "damaged.qcow2"]);
  expect(content("damaged.qcow2").equals(before)).toBe(true);
  return { ours, stock };
}

const stockFinds = (): Ran => runStock(root, "qemu-img", ["check", "damaged.qcow2"]);
const CLEAN = { out: expect.stringContaining("No errors were found on the image.\n") as string, err: "", status: 0 };

const alike: Readonly<Record<string, { readonly from?: string; readonly modes?: readonly string[]; readonly clean?: boolean; readonly damage: (image: Patient) => void }>> = {
  nothing: { damage: () => undefined },
  "a leak": { damage: leak },
  "a refcount too high": { damage: tooHigh },
  "COPIED cleared of a cluster": { damage: flagCleared },
  "COPIED cleared of an L2 table": { damage: (image) => image.l1(0, (entry) => entry & ~COPIED) },
  "a leak and COPIED": { damage: all(leak, tooHigh, flagCleared) },
  "two entries at one cluster": { modes: ["all"], damage: twice },
  "two entries at one cluster, where only leaks are repaired": { modes: ["leaks"], clean: false, damage: all(twice, tooHigh) },
  "all of them": { modes: ["all"], damage: all(twice, tooHigh, (image) => image.l2(3, (entry) => entry & ~COPIED)) },
  "the dirty bit": { damage: all(leak, (image) => image.incompatible(1)) },
  "the corrupt bit": { damage: all(twice, (image) => image.incompatible(2)), modes: ["all"] },
  "both bits and nothing else": { damage: (image) => image.incompatible(3) },
  "a refcount of 0": { modes: ["all"], damage: all(tooLow, leak, flagCleared) },
  "a refcount of 0, where only leaks are repaired": { modes: ["leaks"], clean: false, damage: all(tooLow, tooHigh, flagCleared, (image) => image.incompatible(1)) },
  "a refcount block gone": { modes: ["all"], damage: (image) => image.refcountTable(0, () => 0n) },
  "the first refcount block of small clusters gone": { from: "small.qcow2", modes: ["all"], damage: (image) => image.refcountTable(0, () => 0n) },
  "a later refcount block of small clusters gone": { from: "small.qcow2", modes: ["all"], damage: (image) => image.refcountTable(2, () => 0n) },
  "a refcount block twice": { modes: ["all"], damage: (image) => image.refcountTable(1, () => 0x20000n) },
  "a refcount block a little behind the end": { from: "small.qcow2", modes: ["all"], damage: (image) => image.refcountTable(12, () => 0x100000n) },
  "a refcount block at no cluster's start": { modes: ["all"], damage: (image) => image.refcountTable(1, () => 0x20200n) },
  "reserved bits in the refcount table": { modes: ["all"], damage: (image) => image.refcountTable(1, () => 0x1n) },
  "an entry at a table": { modes: ["all"], damage: (image) => image.l2(0, () => COPIED | 0x20000n) },
  "reserved bits in an entry": { modes: ["all"], clean: false, damage: (image) => image.l2(0, (entry) => entry | 0x100n) },
  "a snapshot's cluster counted once": { from: "snapshot.qcow2", modes: ["all"], damage: (image) => image.refcount(7, 1) },
  "a snapshot that tells nothing of its disk": { from: "snapshot.qcow2", modes: ["all"], damage: (image) => image.snapshotExtra(0) },
  "a snapshot that does not tell its disk's size, and a leak": { from: "snapshot.qcow2", modes: ["all"], damage: all((image) => image.snapshotExtra(8), (image) => image.refcount(20, 1)) },
  "the same, where only leaks are repaired": { from: "snapshot.qcow2", modes: ["leaks"], clean: false, damage: all((image) => image.snapshotExtra(8), (image) => image.refcount(20, 1)) },
  "a snapshot's L2 table counted once": { from: "snapshot.qcow2", modes: ["all"], damage: (image) => image.refcount(4, 2) },
};

describe("as stock repairs", () => {
  for (const [title, { from = "plain.qcow2", modes = ["leaks", "all"], clean = true, damage }] of Object.entries(alike)) {
    for (const mode of modes) {
      it(`-r ${mode}: ${title}`, async () => {
        const { ours, stock } = await repair(from, mode, damage);
        expect(ours).toEqual(stock);
        if (clean) expect(stockFinds()).toMatchObject(CLEAN);
        if (clean) expect(readFileSync(join(root, "damaged.qcow2"))[79]).toBe(0);
        const json = await repair(from, mode, damage, "--output=json");
        expect(json.ours).toEqual(json.stock);
      });
    }
  }
  it("with -q the sums are left out", async () => {
    const { ours, stock } = await repair("plain.qcow2", "all", leak, "-q");
    expect(ours).toEqual(stock);
  });
});

describe("images that only a check opens", () => {
  const patched = (change: (bytes: Buffer) => void, from = "plain.qcow2", length?: number): void => {
    const bytes = readFileSync(join(root, from));
    const longer = length === undefined ? bytes : Buffer.concat([bytes, Buffer.alloc(length - bytes.length)]);
    change(longer);
    writeFileSync(join(root, "damaged.qcow2"), longer);
  };
  const both = async (change: (bytes: Buffer) => void, argv: readonly string[], from?: string, length?: number): Promise<Repaired> => {
    patched(change, from, length);
    const stock = runStock(root, "qemu-img", argv);
    patched(change, from, length);
    return { ours: await runOurs(root, "qemu-img", argv), stock };
  };
  const MIB = 2 ** 20;
  const extra = (lengthBytes: number) => (bytes: Buffer): void => void bytes.writeUInt32BE(lengthBytes, Number(bytes.readBigUInt64BE(64)) + 36);
  const broken: Readonly<Record<string, { from: string; length?: number; unmended?: true; change: (bytes: Buffer) => void }>> = {
    "no refcount table": { from: "plain.qcow2", change: (bytes) => bytes.fill(0, 48, 60) },
    "no refcount table, small clusters": { from: "small.qcow2", change: (bytes) => bytes.fill(0, 48, 60) },
    "no refcount table, with a snapshot": { from: "snapshot.qcow2", change: (bytes) => bytes.fill(0, 56, 60) },
    "a refcount table behind the end": { from: "small.qcow2", change: (bytes) => bytes.writeBigUInt64BE(BigInt(64 * MIB), 48) },
    "a refcount table over the header": { from: "plain.qcow2", change: (bytes) => bytes.writeBigUInt64BE(0n, 48) },
    "a refcount table over the L1 table": { from: "plain.qcow2", change: (bytes) => bytes.copy(bytes, 48, 40, 48) },
    "a little too much extra data": { from: "last.qcow2", length: 2 * MIB, change: extra(1025) },
    "much too much extra data": { from: "last.qcow2", length: 4 * MIB, change: extra(2 * MIB) },
    "too much extra data over a table": { from: "snapshot.qcow2", unmended: true, change: extra(0x10000) },
    "too many snapshots": { from: "plain.qcow2", unmended: true, change: (bytes) => bytes.writeUInt32BE(65536 + 3, 60) },
    "a snapshot table at no cluster's start": { from: "plain.qcow2", unmended: true, change: (bytes) => bytes.writeBigUInt64BE(513n, 64) },
  };
  beforeAll(() => {
    copyFileSync(join(root, "plain.qcow2"), join(root, "last.qcow2"));
    expect(runStock(root, "qemu-img", ["snapshot", "-c", "one", "last.qcow2"]).status).toBe(0);
  });
  for (const [title, { from, length, unmended = false, change }] of Object.entries(broken)) {
    it(title, async () => {
      for (const argv of [["info", "damaged.qcow2"], ["check", "damaged.qcow2"], ["check", "-r", "leaks", "damaged.qcow2"]]) {
        const { ours, stock } = await both(change, argv, from, length);
        expect({ ...ours, out: argv[0] === "info" ? "" : ours.out }).toEqual({ ...stock, out: argv[0] === "info" ? "" : stock.out });
      }
      // Stock needs half a minute to read so many.
      if (title === "too many snapshots") return;
      const { ours, stock } = await both(change, ["check", "-r", "all", "damaged.qcow2"], from, length);
      expect(ours).toEqual(stock);
      if (unmended) return;
      expect(stockFinds()).toMatchObject(CLEAN);
      expect(runStock(root, "qemu-img", ["compare", "-f", "qcow2", "-F", "qcow2", from, "damaged.qcow2"])).toMatchObject({ status: 0 });
    });
  }
});

describe("what no count can tell", () => {
  const kept = "Leaked cluster 5 refcount=1 reference=0\n";
  it("a zero cluster at no cluster's start becomes one without a cluster, as by stock", async () => {
    const damage = (image: Patient): void => image.l2(0, (entry) => entry | 0x201n);
    const by = async (run: (argv: readonly string[]) => Promise<Ran> | Ran): Promise<Ran> => {
      damagedCopy(join(root, "plain.qcow2"), join(root, "damaged.qcow2"), damage);
      return await run(["check", "-r", "all", "damaged.qcow2"]);
    };
    const stock = await by((argv) => runStock(root, "qemu-img", argv));
    expect(await by((argv) => runOurs(root, "qemu-img", argv))).toEqual(stock);
    expect(stockFinds()).toMatchObject(CLEAN);
  });
  it("an entry behind the end, and the leak that it may be; its flag is cleared", async () => {
    const { ours } = await repair("plain.qcow2", "all", (image) => image.l2(0, (entry) => entry | (1n << 32n)));
    expect(ours.err).toContain(`${kept + kept}Repairing OFLAG_COPIED data cluster: l2_entry=8000000100050000 refcount=0\n`);
    expect(ours.status).toBe(2);
  });
  it("a leak that an unknown extension may own", async () => {
    const ours = async (): Promise<Ran> => runOurs(root, "qemu-img", ["check", "-r", "all", "foreign.qcow2"]);
    expect(runStock(root, "qemu-img", ["create", "-q", "-f", "qcow2", "foreign.qcow2", "1M"]).status).toBe(0);
    damagedCopy(join(root, "plain.qcow2"), join(root, "foreign.qcow2"), leak);
    const bytes = readFileSync(join(root, "foreign.qcow2"));
    expect(bytes.readUInt32BE(112)).toBe(0x6803f857);
    bytes.writeUInt32BE(0x12345678, 112);
    writeFileSync(join(root, "foreign.qcow2"), bytes);
    expect(await ours()).toMatchObject({ err: "Leaked cluster 7 refcount=1 reference=0\n".repeat(2), status: 3 });
  });
});

describe("opened for writing", () => {
  const open = async (damage: (image: Patient) => void, ...argv: string[]): Promise<{ ours: Ran; stock: Ran }> => {
    const by = async (run: () => Promise<Ran> | Ran): Promise<Ran> => {
      damagedCopy(join(root, "plain.qcow2"), join(root, "damaged.qcow2"), damage);
      return await run();
    };
    const stock = await by(() => runStock(root, "qemu-io", [...argv, "damaged.qcow2"]));
    return { ours: await by(() => runOurs(root, "qemu-io", [...argv, "damaged.qcow2"])), stock };
  };
  const dirty = all(tooLow, leak, (image) => image.incompatible(1));
  const bits = (): number | undefined => readFileSync(join(root, "damaged.qcow2"))[79];

  it("the dirty bit has an image repaired first", async () => {
    const { ours, stock } = await open(dirty, "-c", "write -q -P 9 0 64k");
    expect(ours).toEqual(stock);
    expect(ours.err).toContain("Rebuilding refcount structure\n");
    expect(bits()).toBe(0);
    expect(stockFinds()).toMatchObject(CLEAN);
  });
  it("the dirty bit keeps nobody from reading, and stays", async () => {
    const { ours, stock } = await open(dirty, "-r", "-c", "read -q -P 1 0 64k");
    expect(ours).toEqual(stock);
    expect(bits()).toBe(1);
  });
  it("the corrupt bit has it refused, but for reading", async () => {
    const corrupt = all(twice, (image) => image.incompatible(2));
    const { ours, stock } = await open(corrupt, "-c", "write -q -P 9 0 64k");
    expect(ours).toEqual(stock);
    expect(ours.err).toContain("Image is corrupt; cannot be opened read/write");
    const read = await open(corrupt, "-r", "-c", "read -q -P 1 0 64k");
    expect(read.ours).toEqual(read.stock);
    expect(bits()).toBe(2);
  });
});

describe("zoned", () => {
  const create = "create -q -f qcow2 -o size=12M,zone_size=1M,zone_capacity=1M,nr_conv_zones=0,max_append_sectors=128,zone_model=1 zoned.qcow2";
  const writes = ["write -q -P 5 3M 128k", "write -q -P 6 5M 64k", "write -q -P 7 0 64k"].flatMap((command) => ["-c", command]);
  const report = async (): Promise<string> => (await runOurs(root, "qemu-io", ["-r", "-c", "zrp 0 12", "damaged.qcow2"])).out;

  it("leaks go, pointers stay, and data above them is given back", async () => {
    expect((await runOurs(root, "qemu-img", create.split(" "))).status).toBe(0);
    expect((await runOurs(root, "qemu-io", [...writes, "zoned.qcow2"])).status).toBe(0);
    damagedCopy(join(root, "zoned.qcow2"), join(root, "damaged.qcow2"), (image) => {
      image.refcount(3, 0);
      image.refcount(6, 4);
    });
    const bytes = readFileSync(join(root, "damaged.qcow2"));
    const metadata = Number(bytes.readBigUInt64BE(112 + 8 + 32));
    expect(metadata).toBe(3 * 65536);
    bytes.writeBigUInt64LE(3145728n + 65536n, metadata + 3 * 8);
    bytes.writeBigUInt64LE(5242880n, metadata + 5 * 8);
    writeFileSync(join(root, "damaged.qcow2"), bytes);
    const before = await report();
    const ours = await runOurs(root, "qemu-img", ["check", "-r", "all", "damaged.qcow2"]);
    expect(ours).toMatchObject({ err: expect.stringContaining("ERROR cluster 3 refcount=0 reference=1\nLeaked cluster 6 refcount=4 reference=1\nRebuilding refcount structure\n") as string, status: 0 });
    expect(ours.out).toContain("    1 leaked clusters\n    1 corruptions\n    131072 bytes of data above write pointers\n\nDouble checking the fixed image now...\nNo errors");
    expect(ours.out).not.toContain("Zone ");
    expect(await report()).toBe(before);
    expect(stockFinds()).toMatchObject({ err: "Leaked cluster 3 refcount=1 reference=0\n", status: 3 });
    const read = ["read -q -P 5 3M 64k", "read -q -P 0 3136k 960k", "read -q -P 0 5M 1M", "read -q -P 7 0 64k"].flatMap((command) => ["-c", command]);
    expect(await runOurs(root, "qemu-io", [...read, "damaged.qcow2"])).toMatchObject({ out: "", err: "", status: 0 });
    expect((await runOurs(root, "qemu-img", ["check", "-r", "leaks", "damaged.qcow2"])).out).toMatch(/^No errors/);
    expect(await report()).toBe(before);
  });
});
