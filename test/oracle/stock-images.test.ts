/**
 * Plain and zoned images in both directions against stock qemu-img and qemu-io: what stock makes we read, what we write stock
 * accepts and reads back, byte for byte, over cluster sizes, refcount widths and random work.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import { NodeFiles } from "../../src/bytes/node-files.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../src/testing/engine-fixture.ts";
import { inScratchFolder, runStock, stockCheck, stockRaw } from "../../src/testing/stock.ts";

const SHAPES = [
  { clusterSize: 512, refcountBits: 16 },
  { clusterSize: 4 * KIB, refcountBits: 1 },
  { clusterSize: 64 * KIB, refcountBits: 16 },
  { clusterSize: 64 * KIB, refcountBits: 64 },
  { clusterSize: 32 * KIB, refcountBits: 2 },
  { clusterSize: 2 * MIB, refcountBits: 8 },
];

const SIZE = 24 * MIB + 512;

/** Random work on a plain image, mirrored in an array; returns what the disk must read as. */
async function work(fixture: EngineFixture, handle: number, random: Random, model: Uint8Array, steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) {
    const offset = random.below(SIZE);
    const length = Math.min(SIZE - offset, 1 + random.below(random.chance(0.1) ? 2 * MIB : 40 * KIB));
    const kind = random.below(10);
    if (kind < 6) {
      const pattern = 1 + random.below(255);
      await fixture.ok("write", { handle, offset, length, pattern, data: null });
      model.fill(pattern, offset, offset + length);
    } else if (kind < 8) {
      await fixture.ok("writeZeroes", { handle, offset, length, unmap: random.chance(0.5) });
      model.fill(0, offset, offset + length);
    } else if (kind === 8) {
      const cluster = (await fixture.ok("facts", { handle })).image.clusterSize;
      const start = Math.ceil(offset / cluster) * cluster;
      const end = offset + length === SIZE ? SIZE : Math.floor((offset + length) / cluster) * cluster;
      await fixture.ok("discard", { handle, offset, length });
      if (start < end) model.fill(0, start, end);
    } else {
      await fixture.ok("flush", { handle });
    }
  }
}

async function readAll(fixture: EngineFixture, handle: number, size: number): Promise<Uint8Array> {
  const { data } = await fixture.ok("read", { handle, offset: 0, length: size, pattern: null, wantData: true });
  return data!;
}

test.each(SHAPES)("what we write stock accepts: %o", async ({ clusterSize, refcountBits }) => {
  await inScratchFolder(async (folder) => {
    const fixture = engineFixture(new NodeFiles());
    const image = join(folder, "ours.qcow2");
    await fixture.ok("create", { file: image, options: createOptions({ sizeBytes: SIZE, clusterSize, refcountBits, zoned: null }) });
    expect(stockCheck(image)).toEqual({ status: 0, corruptions: 0, leaks: 0, checkErrors: 0 });
    const model = new Uint8Array(SIZE);
    const random = new Random(clusterSize + refcountBits);
    for (let session = 0; session < 3; session++) {
      const { handle } = await fixture.ok("open", { file: image, readOnly: false, format: "qcow2" });
      expect(Buffer.compare(await readAll(fixture, handle, SIZE), model)).toBe(0);
      await work(fixture, handle, random, model, 60);
      expect(Buffer.compare(await readAll(fixture, handle, SIZE), model)).toBe(0);
      await fixture.ok("close", { handle });
      expect(stockCheck(image)).toEqual({ status: 0, corruptions: 0, leaks: 0, checkErrors: 0 });
      stockRaw(image, join(folder, "raw"));
      expect(Buffer.compare(readFileSync(join(folder, "raw")), model)).toBe(0);
    }
  });
});

test.each(SHAPES)("what stock makes we read and go on writing: %o", async ({ clusterSize, refcountBits }) => {
  await inScratchFolder(async (folder) => {
    const image = join(folder, "stock.qcow2");
    const created = runStock("qemu-img", ["create", "-f", "qcow2", "-o", `cluster_size=${clusterSize},refcount_bits=${refcountBits}`, image, String(SIZE)]);
    expect(created.status, created.stderr).toBe(0);
    const random = new Random(7 * clusterSize + refcountBits);
    const model = new Uint8Array(SIZE);
    const commands: string[] = [];
    for (let step = 0; step < 40; step++) {
      const offset = random.below(SIZE / 512 - 1) * 512;
      const length = Math.min(SIZE - offset, (1 + random.below(200)) * 512);
      const pattern = 1 + random.below(255);
      if (random.chance(0.2)) {
        commands.push(`write -z ${offset} ${length}`);
        model.fill(0, offset, offset + length);
      } else {
        commands.push(`write -P ${pattern} ${offset} ${length}`);
        model.fill(pattern, offset, offset + length);
      }
    }
    const wrote = runStock("qemu-io", ["-f", "qcow2", image], commands.join("\n") + "\n");
    expect(wrote.status, wrote.stdout).toBe(0);
    const fixture = engineFixture(new NodeFiles());
    const { handle } = await fixture.ok("open", { file: image, readOnly: false, format: null });
    expect(Buffer.compare(await readAll(fixture, handle, SIZE), model)).toBe(0);
    await work(fixture, handle, random, model, 60);
    await fixture.ok("close", { handle });
    expect(stockCheck(image)).toEqual({ status: 0, corruptions: 0, leaks: 0, checkErrors: 0 });
    stockRaw(image, join(folder, "raw"));
    expect(Buffer.compare(readFileSync(join(folder, "raw")), model)).toBe(0);
  });
});

test("a compressed image made by stock reads the same, and can be written", async () => {
  await inScratchFolder(async (folder) => {
    const model = new Uint8Array(4 * MIB);
    const random = new Random(3);
    for (let at = 0; at < model.length; at += 4 * KIB) model.fill(random.below(256), at, at + 1 + random.below(4 * KIB));
    writeFileSync(join(folder, "raw"), model);
    const image = join(folder, "packed.qcow2");
    expect(runStock("qemu-img", ["convert", "-c", "-f", "raw", "-O", "qcow2", join(folder, "raw"), image]).status).toBe(0);
    const fixture = engineFixture(new NodeFiles());
    const { handle } = await fixture.ok("open", { file: image, readOnly: false, format: null });
    expect(Buffer.compare(await readAll(fixture, handle, model.length), model)).toBe(0);
    await fixture.ok("write", { handle, offset: 100 * KIB + 7, length: 300 * KIB, pattern: 9, data: null });
    model.fill(9, 100 * KIB + 7, 400 * KIB + 7);
    expect(Buffer.compare(await readAll(fixture, handle, model.length), model)).toBe(0);
    await fixture.ok("close", { handle });
    expect(stockCheck(image)).toEqual({ status: 0, corruptions: 0, leaks: 0, checkErrors: 0 });
    stockRaw(image, join(folder, "back"));
    expect(Buffer.compare(readFileSync(join(folder, "back")), model)).toBe(0);
  });
});

test("an image with a snapshot is written without touching the snapshot", async () => {
  await inScratchFolder(async (folder) => {
    const image = join(folder, "snap.qcow2");
    runStock("qemu-img", ["create", "-f", "qcow2", image, "8M"]);
    runStock("qemu-io", ["-f", "qcow2", "-c", "write -P 5 0 4M", image]);
    expect(runStock("qemu-img", ["snapshot", "-c", "before", image]).status).toBe(0);
    const fixture = engineFixture(new NodeFiles());
    const { handle } = await fixture.ok("open", { file: image, readOnly: false, format: null });
    await fixture.ok("write", { handle, offset: 10 * KIB, length: 200 * KIB, pattern: 6, data: null });
    await fixture.ok("discard", { handle, offset: MIB, length: MIB });
    await fixture.ok("close", { handle });
    expect(stockCheck(image)).toEqual({ status: 0, corruptions: 0, leaks: 0, checkErrors: 0 });
    const now = runStock("qemu-io", ["-r", "-f", "qcow2", "-c", "read -P 6 10k 200k", "-c", "read -P 0 1M 1M", "-c", "read -P 5 2M 2M", image]);
    expect(now.stdout).not.toContain("Pattern verification failed");
    expect(runStock("qemu-img", ["snapshot", "-a", "before", image]).status).toBe(0);
    const before = runStock("qemu-io", ["-r", "-f", "qcow2", "-c", "read -P 5 0 4M", image]);
    expect(before.stdout).not.toContain("Pattern verification failed");
  });
});
