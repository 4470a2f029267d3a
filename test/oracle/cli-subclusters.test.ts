/** Zeros and copies in parts of clusters: the entries that are left are those that stock's programs leave, bit for bit. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inScratchFolder } from "../../src/testing/stock.ts";
import { runOurs, runStock } from "./cli-harness.ts";

const ENTRY = 16;
const OFFSET_MASK = (1n << 56n) - 512n;

/** The first entries of the disk's first L2 table, each as its two words. */
function entriesOf(file: string, count: number): string[] {
  const bytes = readFileSync(file);
  const l1 = Number(bytes.readBigUInt64BE(40));
  const l2 = Number(bytes.readBigUInt64BE(l1) & OFFSET_MASK);
  return Array.from({ length: count }, (_, index) => bytes.subarray(l2 + index * ENTRY, l2 + (index + 1) * ENTRY).toString("hex"));
}

async function same(sizeKib: number, backing: boolean, before: readonly string[], snapshot: boolean, commands: readonly string[]): Promise<void> {
  await inScratchFolder(async (folder) => {
    const make = (): void => {
      runStock(folder, "qemu-img", ["create", "-q", "-f", "raw", "base", `${sizeKib}k`]);
      runStock(folder, "qemu-io", ["-f", "raw", "-c", `write -q -P 9 0 ${sizeKib}k`, "base"]);
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "extended_l2=on", ...(backing ? ["-b", "base", "-F", "raw"] : []), "a", `${sizeKib}k`]);
      if (before.length > 0) runStock(folder, "qemu-io", ["-f", "qcow2", ...before.flatMap((command) => ["-c", command]), "a"]);
      if (snapshot) runStock(folder, "qemu-img", ["snapshot", "-c", "s", "a"]);
    };
    const argv = ["-f", "qcow2", ...commands.flatMap((command) => ["-c", command]), "a"];
    const count = Math.ceil(sizeKib / 64);
    make();
    const theirs = { ran: runStock(folder, "qemu-io", argv), entries: entriesOf(join(folder, "a"), count) };
    make();
    expect({ ran: await runOurs(folder, "qemu-io", argv), entries: entriesOf(join(folder, "a"), count) }).toEqual(theirs);
    expect(runStock(folder, "qemu-img", ["check", "a"]).status).toBe(0);
  });
}

const COMPRESSED = Array.from({ length: 11 }, (_, index) => `write -q -c -P ${index + 1} ${index * 64}k 64k`);

test.each([[true], [false]])("zeros that begin or end within compressed clusters, over a backing file: %s", async (backing) => {
  for (const flag of ["-z", "-z -u"]) {
    await same(704, backing, COMPRESSED, false, [`write ${flag} 0 192k`, `write ${flag} 224k 128k`, `write ${flag} 415k 129k`, `write ${flag} 607k 97k`]);
  }
});

test.each([[true], [false]])("zeros up to the end of a disk that ends within a subcluster, or a cluster, over a backing file: %s", async (backing) => {
  await same(163, backing, [], false, ["write -z 128k 35k"]);
  await same(164, backing, [], false, ["write -z 128k 36k"]);
  await same(164, backing, [], false, ["write -z 130k 34k"]);
  await same(163, backing, ["write -q -P 3 128k 35k"], false, ["write -z -u 128k 35k"]);
});

test.each([[true], [false]])("a cluster that a snapshot has too is copied from the first to the last subcluster that is data, over a backing file: %s", async (backing) => {
  const before = Array.from({ length: 8 }, (_, index) => [`write -q -z ${64 * index + 14}k 2k`, `write -q -P 7 ${64 * index + 26}k 2k`, `write -q -P 8 ${64 * index + 36}k 2k`]).flat();
  const commands = ["write -P 1 30k 1k", "write -P 2 84k 1k", "write -P 3 168k 1k", "write -P 4 218k 1k", "write -P 5 270k 1k", "write -P 6 321k 1k", "write -z 414k 3k", "write -z 474k 2k"];
  await same(512, backing, before, true, commands);
});
