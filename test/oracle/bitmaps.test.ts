/**
 * Persistent bitmaps against stock qemu-img and qemu-io: each records and stores what the other reads, the images stay clean for stock's
 * check, and refusals are in stock's words.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { usableBitmap } from "../../src/qcow2/bitmap-changes.ts";
import { storedBits } from "../../src/qcow2/bitmap-merge.ts";
import { readBitmaps } from "../../src/qcow2/bitmaps.ts";
import { readHeader } from "../../src/qcow2/open.ts";
import { inScratchFolder, runStock, stockCheck } from "../../src/testing/stock.ts";
import { runOurs } from "./cli-harness.ts";

type Tool = (folder: string, program: string, ...argv: string[]) => Promise<string>;

const ours: Tool = async (folder, program, ...argv) => {
  const ran = await runOurs(folder, program, argv);
  expect(ran, `${program} ${argv.join(" ")}`).toMatchObject({ status: 0, err: "" });
  return ran.out;
};

const stock: Tool = (folder, program, ...argv) => {
  const ran = runStock(program, argv, "", folder);
  expect(ran, `${program} ${argv.join(" ")}`).toMatchObject({ status: 0, stderr: "" });
  return Promise.resolve(ran.stdout);
};

/** Where a bitmap's bits are set, as the file has them: "offset+length" in bytes. */
function runsOf(folder: string, file: string, name: string): string[] {
  const contents = new MemoryContents();
  contents.write(0, readFileSync(join(folder, file)));
  const store = new MemoryStore(file, contents);
  const header = readHeader(store);
  const found = usableBitmap(readBitmaps(store, header)?.bitmaps ?? [], name);
  if (!found.ok) throw new Error(JSON.stringify(found.error));
  return [...storedBits(store, header, found.value).runs()].map(({ offset, lengthBytes }) => `${offset}+${lengthBytes}`);
}

const WORK: readonly (readonly string[])[] = [
  ["qemu-img", "bitmap", "--add", "-g", "64k", "a", "coarse"],
  ["qemu-img", "bitmap", "--add", "-g", "512", "a", "fine"],
  ["qemu-io", "-f", "qcow2", "-c", "write 100k 70k", "-c", "write -z 5M 512", "-c", "discard 9M 1M", "a"],
  ["qemu-img", "bitmap", "--disable", "a", "fine"],
  ["qemu-io", "-f", "qcow2", "-c", "write 0 1", "-c", "write 23M 1M", "a"],
  ["qemu-img", "bitmap", "--add", "--disable", "--merge", "coarse", "--enable", "-g", "1M", "a", "third"],
  ["qemu-img", "bitmap", "--clear", "--merge", "fine", "a", "coarse"],
  ["qemu-io", "-f", "qcow2", "-c", "write 12M 512", "a"],
];

for (const options of ["cluster_size=65536", "cluster_size=512", "cluster_size=2M,refcount_bits=1"]) {
  test(`the same work records the same, by ours and by stock, alone and by turns: ${options}`, async () => {
    await inScratchFolder(async (folder) => {
      const results: unknown[] = [];
      for (const turn of [[ours], [stock], [ours, stock], [stock, ours]]) {
        await stock(folder, "qemu-img", "create", "-q", "-f", "qcow2", "-o", options, "a", "24M");
        for (const [index, [program, ...argv]] of WORK.entries()) {
          await turn[index % turn.length]!(folder, program!, ...argv);
          expect(stockCheck(join(folder, "a")), `after ${argv.join(" ")}`).toMatchObject({ status: 0, leaks: 0 });
        }
        results.push(["coarse", "fine", "third"].map((name) => runsOf(folder, "a", name)));
        const info = JSON.parse(await ours(folder, "qemu-img", "info", "--output=json", "a")) as { "format-specific": { data: { bitmaps: unknown } } };
        const theirs = JSON.parse(await stock(folder, "qemu-img", "info", "--output=json", "a")) as typeof info;
        expect(info["format-specific"].data.bitmaps).toEqual(theirs["format-specific"].data.bitmaps);
        await ours(folder, "qemu-img", "bitmap", "--remove", "a", "fine");
        await stock(folder, "qemu-img", "bitmap", "--remove", "a", "coarse");
        await ours(folder, "qemu-img", "bitmap", "--remove", "a", "third");
        expect(stockCheck(join(folder, "a"))).toMatchObject({ status: 0, leaks: 0 });
      }
      expect(results[0]).toEqual([
        ["65536+131072", "5242880+65536", "9437184+1048576", "12582912+65536"],
        ["102400+71680", "5242880+512", "9437184+1048576"],
        ["0+1048576", "5242880+1048576", "9437184+1048576", "12582912+1048576", "24117248+1048576"],
      ]);
      for (const result of results.slice(1)) expect(result).toEqual(results[0]);
    });
  });
}

test("a bitmap of another image is merged, and refusals have stock's words and status", async () => {
  await inScratchFolder(async (folder) => {
    for (const [file, size] of [["a", "1M"], ["b", "1M"], ["c", "2M"]] as const) await stock(folder, "qemu-img", "create", "-q", "-f", "qcow2", file, size);
    await stock(folder, "qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=0.10", "old", "1M");
    await stock(folder, "qemu-img", "bitmap", "--add", "-g", "4k", "b", "theirs");
    await stock(folder, "qemu-img", "bitmap", "--add", "c", "other");
    await stock(folder, "qemu-io", "-c", "write 40k 1k", "b");
    await ours(folder, "qemu-img", "bitmap", "--add", "--merge", "theirs", "-b", "b", "-F", "qcow2", "-g", "1k", "-f", "qcow2", "a", "mine");
    expect(runsOf(folder, "a", "mine")).toEqual(["40960+4096"]);
    const refusals: readonly (readonly string[])[] = [
      [],
      ["--add"],
      ["--add", "a"],
      ["--clear", "-g", "1k", "a", "mine"],
      ["--clear", "-F", "qcow2", "a", "mine"],
      ["--clear", "-b", "b", "a", "mine"],
      ["--add", "-g", "x", "a", "new"],
      ["--add", "-g", "1000", "a", "new"],
      ["--add", "-g", "256", "a", "new"],
      ["--add", "-g", "4G", "a", "new"],
      ["--add", "a", "mine"],
      ["--add", "a", ""],
      ["--clear", "a", "none"],
      ["--remove", "a", "none"],
      ["--enable", "a", "none"],
      ["--merge", "none", "a", "mine"],
      ["--merge", "other", "-b", "c", "a", "mine"],
      ["--add", "gone", "x"],
      ["--merge", "x", "-b", "gone", "a", "mine"],
      ["--add", "--fly", "a", "x"],
    ];
    for (const words of refusals) {
      const argv = ["bitmap", ...words];
      const [our, their] = [await runOurs(folder, "qemu-img", argv), runStock("qemu-img", argv, "", folder)];
      expect({ err: our.err, status: our.status }, argv.join(" ")).toEqual({ err: their.stderr, status: their.status });
    }
    expect(stockCheck(join(folder, "a"))).toMatchObject({ status: 0, leaks: 0 });
  });
});
