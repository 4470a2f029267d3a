/**
 * Persistent bitmaps when their disk gets another size, and when the disk is converted, against stock qemu-img: the same words, the same
 * bits, and images that stock finds sound.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { storedBits } from "../../src/qcow2/bitmap-merge.ts";
import { readBitmaps } from "../../src/qcow2/bitmaps.ts";
import { readHeader } from "../../src/qcow2/open.ts";
import { textOf } from "../../src/qcow2/snapshots.ts";
import { inScratchFolder, stockCheck } from "../../src/testing/stock.ts";
import { runOurs, runStock } from "./cli-harness.ts";

/** The bitmaps of a file: names, flags, and where bits are set. */
function bitmapsOf(file: string): unknown {
  const contents = new MemoryContents();
  contents.write(0, readFileSync(file));
  const store = new MemoryStore(file, contents, true);
  const header = readHeader(store);
  return (readBitmaps(store, header)?.bitmaps ?? []).map((bitmap) => ({
    name: textOf(bitmap.name),
    auto: bitmap.auto,
    inUse: bitmap.inUse,
    granularityBits: bitmap.granularityBits,
    runs: bitmap.inUse ? [] : [...storedBits(store, header, bitmap).runs()].map(({ offset, lengthBytes }) => `${offset}+${lengthBytes}`),
  }));
}

async function withFolders(act: (ours: string, stock: string, same: (...argv: string[]) => Promise<number>) => Promise<void>): Promise<void> {
  await inScratchFolder(async (folder) => {
    const [ours, stock] = [join(folder, "ours"), join(folder, "stock")];
    for (const each of [ours, stock]) mkdirSync(each);
    await act(ours, stock, async (...argv) => {
      const theirs = runStock(stock, "qemu-img", argv);
      expect(await runOurs(ours, "qemu-img", argv), argv.join(" ")).toEqual(theirs);
      return theirs.status;
    });
  });
}

function made(ours: string, stock: string, options: string): void {
  const img = (...argv: string[]): void => void expect(runStock(stock, "qemu-img", argv), argv.join(" ")).toMatchObject({ status: 0 });
  img("create", "-q", "-f", "qcow2", "-o", options, "a", "9M");
  img("bitmap", "--add", "-g", "512", "a", "fine");
  img("bitmap", "--add", "-g", "64k", "a", "coarse");
  img("bitmap", "--add", "--disable", "-g", "1M", "a", "off");
  runStock(stock, "qemu-io", ["-f", "qcow2", "-c", "write 100k 70k", "-c", "write 3M 5000k", "-c", "write 9000k 216k", "a"]);
  img("bitmap", "--add", "-g", "4k", "a", "empty");
  copyFileSync(join(stock, "a"), join(ours, "a"));
}

for (const options of ["cluster_size=65536", "cluster_size=512", "cluster_size=16k,extended_l2=on"]) {
  test(`bitmaps follow the size: ${options}`, async () => {
    await withFolders(async (ours, stock, same) => {
      for (const sizes of [["64M"], ["4M"], ["5000k", "300M"], ["40M", "2M", "10M"], ["9M"]]) {
        made(ours, stock, options);
        for (const size of sizes) {
          await same("resize", "-f", "qcow2", "--shrink", "a", size);
          expect(stockCheck(join(ours, "a"))).toMatchObject({ status: 0, leaks: 0 });
          expect(bitmapsOf(join(ours, "a"))).toEqual(bitmapsOf(join(stock, "a")));
        }
        for (const folder of [ours, stock]) runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write 1M 3000", "a"]);
        expect(bitmapsOf(join(ours, "a"))).toEqual(bitmapsOf(join(stock, "a")));
      }
    });
  });
}

/** Marks the bitmaps as in use, as a program leaves them that died. */
function leaveInUse(file: string, names: readonly string[]): void {
  const bytes = readFileSync(file);
  const contents = new MemoryContents();
  contents.write(0, bytes);
  const store = new MemoryStore(file, contents, true);
  for (const bitmap of readBitmaps(store, readHeader(store))!.bitmaps) if (names.includes(textOf(bitmap.name))) bytes[bitmap.entryAt + 15]! |= 1;
  writeFileSync(file, bytes);
}

test("a bitmap that is not true keeps the disk's size, and is removed first", async () => {
  await withFolders(async (ours, stock, same) => {
    made(ours, stock, "cluster_size=4k");
    for (const folder of [ours, stock]) leaveInUse(join(folder, "a"), ["coarse"]);
    expect(await same("resize", "-f", "qcow2", "a", "10M")).toBe(1);
    await same("bitmap", "--remove", "a", "coarse");
    expect(await same("resize", "-f", "qcow2", "a", "10M")).toBe(0);
    expect(bitmapsOf(join(ours, "a"))).toEqual(bitmapsOf(join(stock, "a")));
  });
});

test("convert takes bitmaps along, the true ones", async () => {
  await withFolders(async (ours, stock, same) => {
    made(ours, stock, "cluster_size=4k");
    const taken = async (...argv: string[]): Promise<void> => {
      expect(await same("convert", "-f", "qcow2", "-O", "qcow2", "--bitmaps", ...argv)).toBe(0);
      expect(stockCheck(join(ours, "b"))).toMatchObject({ status: 0, leaks: 0 });
      expect(bitmapsOf(join(ours, "b"))).toEqual(bitmapsOf(join(stock, "b")));
      expect(bitmapsOf(join(ours, "a"))).toEqual(bitmapsOf(join(stock, "a")));
      expect(runStock(ours, "qemu-img", ["compare", "a", "b"]).status).toBe(0);
    };
    await taken("a", "b");
    await taken("-o", "cluster_size=512", "a", "b");
    await taken("-c", "-o", "cluster_size=1M", "a", "b");
    for (const folder of [ours, stock]) leaveInUse(join(folder, "a"), ["coarse", "empty"]);
    expect(await same("convert", "-O", "qcow2", "--bitmaps", "a", "c")).toBe(1);
    await taken("--skip-broken-bitmaps", "a", "b");
  });
});

test("a commit changes nothing that the overlay shows, and its bitmaps say so; the base's record what came into it", async () => {
  await withFolders(async (ours, stock, same) => {
    made(ours, stock, "cluster_size=4k");
    for (const folder of [ours, stock]) {
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", "a", "-F", "qcow2", "-o", "cluster_size=16k", "over", "10M"]);
      runStock(folder, "qemu-img", ["bitmap", "--add", "-g", "4k", "over", "since"]);
      runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write 1M 30k", "-c", "write -z 4M 64k", "over"]);
    }
    expect(await same("commit", "-f", "qcow2", "over")).toBe(0);
    for (const image of ["over", "a"]) expect(bitmapsOf(join(ours, image)), image).toEqual(bitmapsOf(join(stock, image)));
    expect(stockCheck(join(ours, "over"))).toMatchObject({ status: 0, leaks: 0 });
  });
});

test("what convert --bitmaps refuses", async () => {
  await withFolders(async (ours, stock, same) => {
    made(ours, stock, "cluster_size=4k");
    for (const folder of [ours, stock]) {
      for (const [name, options] of [["old", ["-f", "qcow2", "-o", "compat=0.10"]], ["raw", ["-f", "raw"]], ["large", ["-f", "qcow2"]]] as const) runStock(folder, "qemu-img", ["create", "-q", ...options, name, name === "large" ? "12M" : "9M"]);
    }
    for (const argv of [
      ["-O", "raw", "a", "b"], ["-O", "qcow2", "-f", "raw", "raw", "b"], ["-O", "qcow2", "old", "b"], ["-O", "qcow2", "-o", "compat=0.10", "a", "b"], ["-O", "qcow2", "a", "a", "b"], ["-n", "-O", "qcow2", "a", "large"],
    ]) {
      expect(await same("convert", "--bitmaps", ...argv), argv.join(" ")).toBe(1);
    }
    expect(bitmapsOf(join(ours, "large"))).toEqual([]);
  });
});
