/**
 * Images that somebody broke: seeded mutants of small images of every kind that qemu-img makes. Whatever command meets one ends soon
 * and in words, and no write lands on a table. `npm run fuzz` runs the same over many more, by another seed.
 */
import { readFileSync, readdirSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import type { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { aimedMutants } from "../../../src/testing/hostile/aimed.ts";
import { MARK } from "../../../src/testing/hostile/commands.ts";
import { torment } from "../../../src/testing/hostile/torment.ts";
import { mutate } from "../../../src/testing/hostile/mutator.ts";
import { tablesOf } from "../../../src/testing/hostile/tables.ts";
import { tellProgress } from "./progress.ts";

const FOLDER = "test/unit/hostile/data";
const ENDING = ".qcow2.gz";
const SEED = Number(process.env["FUZZ_SEED"] ?? 1);
/** Mutants of each image. */
const ROUNDS = Number(process.env["FUZZ_ROUNDS"] ?? 24);
/** Images of which one entry leads to one table, of each: so many by the seed, or "all". */
const AIMED = process.env["FUZZ_AIMED"] === "all" ? Infinity : Number(process.env["FUZZ_AIMED"] ?? 12);
const MOST_MEMORY_BYTES = 300 * 2 ** 20;

const imageOf = (name: string): Uint8Array => new Uint8Array(gunzipSync(readFileSync(`${FOLDER}/${name}${ENDING}`)));
const names = readdirSync(FOLDER).filter((file) => file.endsWith(ENDING)).map((file) => file.slice(0, -ENDING.length)).sort();
const raw = new Uint8Array(512 * 1024).fill(0x51, 0, 256 * 1024);
const beside = { "base.raw": raw, "data.raw": raw, other: imageOf("plain") };

test("the corpus has every kind of image, and of each the tables are found", () => {
  expect(names).toEqual(["bitmaps", "compressed", "datafile", "lazy", "narrow", "old", "overlay", "plain", "snapshots", "subclusters", "tiny", "zstd"]);
  for (const name of names) {
    const bytes = imageOf(name);
    const found = tablesOf((offset, length) => bytes.slice(offset, offset + length), bytes.length).map((table) => table.name);
    for (const wanted of ["header", "L1 table", name === "subclusters" ? "extended L2 table" : "L2 table", "refcount table", "refcount block"]) expect(found, name).toContain(wanted);
    if (name === "snapshots") expect(found).toEqual(expect.arrayContaining(["snapshot table", "snapshot's L1 table"]));
    if (name === "bitmaps") expect(found).toEqual(expect.arrayContaining(["bitmap directory", "bitmap table", "bits of a bitmap"]));
  }
});

test.each(names)("%s, as it is", { timeout: 120_000 }, async (name) => {
  const { wrong, tally } = await torment(imageOf(name), beside);
  expect(wrong).toBeNull();
  expect(tally.get("qemu-img check 0")).toBeGreaterThanOrEqual(1);
});

test.each(names)("mutants of %s", { timeout: 10_800_000 }, async (name) => {
  const image = imageOf(name);
  const memory = process.resourceUsage().maxRSS * 1024;
  const wrong: string[] = [];
  const tally = new Map<string, number>();
  for (let round = 0; round < ROUNDS && wrong.length < 5; round++) {
    const seed = SEED * 1_000_003 + round;
    const mutant = mutate(image, new Random(seed));
    const tormented = await torment(mutant.bytes, beside);
    for (const [key, count] of tormented.tally) tally.set(key, (tally.get(key) ?? 0) + count);
    if (tormented.wrong !== null) wrong.push(`FUZZ_SEED=${SEED}, round ${round} (${mutant.what}): ${tormented.wrong}`);
    tellProgress("commands", name, round, wrong);
  }
  expect(wrong).toEqual([]);
  expect(process.resourceUsage().maxRSS * 1024 - memory).toBeLessThan(MOST_MEMORY_BYTES);
  if (process.env["FUZZ_PRINT"] !== undefined) console.log(name, Object.fromEntries([...tally].sort()));
  // The mutations are worth something: some images are sound all the same, some are corrupt, some are refused.
  for (const key of ["qemu-img info 0", "qemu-img check 2", "qemu-img check 1"]) expect(tally.get(key) ?? 0, key).toBeGreaterThan(0);
});

test.each(names)("%s with one entry that leads to one table", { timeout: 3_600_000 }, async (name) => {
  const all = [...aimedMutants(imageOf(name))];
  expect(all.length).toBeGreaterThan(20);
  const random = new Random(SEED);
  const picked = Number.isFinite(AIMED) ? Array.from({ length: AIMED }, () => random.pick(all)) : all;
  const wrong: string[] = [];
  for (const { bytes, what } of picked) {
    const tormented = await torment(bytes, beside, {}, "changes");
    if (tormented.wrong !== null) wrong.push(`${what}: ${tormented.wrong}`);
  }
  expect(wrong).toEqual([]);
});

test("a snapshot whose L1 table is said to be the header: a new size of the disk is no pointer to a table", async () => {
  const image = imageOf("snapshots");
  const view = new DataView(image.buffer);
  const entry = Number(view.getBigUint64(64));
  view.setBigUint64(entry, 0n);
  // As far as the size of the disk, the header's fourth word.
  view.setUint32(entry + 8, 4);
  const resized = image.slice();
  new DataView(resized.buffer).setBigUint64(24, 65536n);
  const startsOf = (bytes: Uint8Array): number[] => tablesOf((offset, length) => bytes.slice(offset, offset + length), bytes.length).map((table) => table.start);
  expect(startsOf(resized)).toEqual(startsOf(image));
  // The other snapshot's are followed as ever.
  const second = Number(view.getBigUint64(entry + 72));
  expect(startsOf(image)).toEqual(expect.arrayContaining([second, Number(view.getBigUint64(second) & 0x00ff_ffff_ffff_fe00n)]));
  // Applied or deleted, that snapshot marks the image corrupt, which is not resized then.
  const leftOut: readonly string[] = ["applySnapshot", "deleteSnapshot"];
  const { wrong, tally } = await torment(image, beside, { outcome: (name) => (leftOut.includes(name) ? { ok: false, error: { kind: "unsupported", feature: "what is left out" } } : null) });
  expect(wrong).toBeNull();
  expect(tally.get("qemu-img resize 0")).toBe(2);
});

test.each(["7ffffffffffff000", "fffffffffffff000"])("a snapshot table at 0x%s is refused in words by a repair as well, which opens what a reader does not", async (offset) => {
  const image = imageOf("snapshots");
  const view = new DataView(image.buffer);
  view.setBigUint64(64, BigInt(`0x${offset}`));
  view.setUint32(60, 65536);
  const { wrong, tally } = await torment(image, beside);
  expect(wrong).toBeNull();
  expect(tally.get("qemu-img info 1")).toBe(2);
  expect([tally.get("qemu-img check 0"), tally.get("qemu-img check 1")]).toEqual([undefined, 5]);
});

test("canary: what must not happen is seen when it does", async () => {
  const image = imageOf("plain");
  const bug = await torment(image, beside, { outcome: (name) => (name === "map" ? { ok: false, error: { kind: "bug", message: "planted" } } : null) });
  expect(bug.wrong).toBe("qemu-img map image: the call map met a defect: planted");
  const thrown = await torment(image, beside, {
    outcome: (name) => {
      if (name !== "check") return null;
      throw new Error("planted");
    },
  });
  expect(thrown.wrong).toContain("qemu-img check image: threw Error: planted");
  const onTable = async (files: MemoryFiles): Promise<void> => {
    const opened = await files.open("image", "write");
    if (!opened.ok) throw new Error(JSON.stringify(opened.error));
    const l1 = new Uint8Array(8);
    opened.value.read(40, l1);
    opened.value.write(Number(new DataView(l1.buffer).getBigUint64(0)) + 512, new Uint8Array(128).fill(MARK));
    opened.value.close();
  };
  // Past the L1 table's own entries, so that the image is as good as before; the table is the whole cluster's first entries.
  expect((await torment(image, beside, { file: async (files) => onTable(files) })).wrong).toBeNull();
  const onEntries = async (files: MemoryFiles): Promise<void> => {
    const opened = await files.open("image", "write");
    if (!opened.ok) throw new Error(JSON.stringify(opened.error));
    const table = new Uint8Array(8);
    opened.value.read(48, table);
    opened.value.write(Number(new DataView(table.buffer).getBigUint64(0)) + 2048, new Uint8Array(128).fill(MARK));
    opened.value.close();
  };
  expect((await torment(image, beside, { file: onEntries })).wrong).toMatch(/guest data lies in the refcount table at/);
});

test("bitmaps whose autoclear bit is gone: a repair frees their tables, and a write that lands there is right", async () => {
  const image = imageOf("bitmaps");
  const view = new DataView(image.buffer);
  const namesOf = (bytes: Uint8Array): string[] => tablesOf((offset, length) => bytes.slice(offset, offset + length), bytes.length).map((table) => table.name);
  expect(namesOf(image)).toContain("bitmap directory");
  view.setBigUint64(88, view.getBigUint64(88) & ~1n);
  expect(namesOf(image)).not.toContain("bitmap directory");
  view.setUint8(4166, 8);
  expect((await torment(image, beside)).wrong).toBeNull();
});

test("snapshots that are said to lie at 0, where the header is: they are no table that a write could land on, and no snapshot is made or deleted", async () => {
  const image = imageOf("tiny");
  const view = new DataView(image.buffer);
  expect([view.getUint32(60), view.getBigUint64(64)]).toEqual([0, 0n]);
  view.setUint32(60, 4);
  expect(tablesOf((offset, length) => image.slice(offset, offset + length), image.length).map((table) => table.name)).not.toContain("snapshot table");
  const { wrong, tally } = await torment(image, beside);
  expect(wrong).toBeNull();
  expect([tally.get("qemu-img snapshot 0"), tally.get("qemu-img bitmap 0")]).toEqual([1, 1]);
});

test("an L2 table that is said to be the snapshot table: such an image is for reading, since an entry of the one is one of the other", async () => {
  const image = imageOf("snapshots");
  const view = new DataView(image.buffer);
  const l1 = Number(view.getBigUint64(40));
  view.setBigUint64(l1, view.getBigUint64(64) | (1n << 63n));
  const { wrong, tally } = await torment(image, beside);
  expect(wrong).toBeNull();
  expect([tally.get("qemu-img info 0"), tally.get("qemu-io -c 0")]).toEqual([2, undefined]);
});
