/**
 * The same commands on the same image by stock qemu-io and by ours: one content, one map, and a clean check, for every kind of
 * cluster: plain and subclusters, with a backing chain of raw and qcow2 below, in an external data file, compressed.
 */
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/base/random.ts";
import { inScratchFolder } from "../../src/testing/stock.ts";
import { runOurs, runStock } from "./cli-harness.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

interface Extent {
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly present: boolean;
  readonly zero: boolean;
  readonly data: boolean;
}

/**
 * What a map says, without host offsets, which are each program's own choice, and without the holes that stock looks up in the
 * file under data: this program does not ask the file system for those.
 */
function mapWithoutPlaces(text: string): Extent[] {
  const extents: Extent[] = [];
  for (const { start, length, depth, present, zero, data } of JSON.parse(text) as Extent[]) {
    const next = { start, length, depth, present, zero: zero && !data, data };
    const last = extents.at(-1);
    const same = last !== undefined && last.depth === depth && last.present === present && last.zero === next.zero && last.data === data;
    if (same) extents[extents.length - 1] = { ...last, length: last.length + length };
    else extents.push(next);
  }
  return extents;
}

const args = (commands: readonly string[]): string[] => commands.flatMap((command) => ["-c", command]);

async function sameFromBoth(folder: string, prepared: readonly string[], commands: readonly string[]): Promise<void> {
  const [theirs, ours] = ["theirs.qcow2", "ours.qcow2"];
  const stock = (program: string, argv: readonly string[]): string => {
    const ran = runStock(folder, program, argv);
    expect(ran.status, ran.err + ran.out).toBe(0);
    return ran.out;
  };
  if (prepared.length > 0) for (const image of [theirs, ours]) stock("qemu-io", [...args(prepared), image]);
  stock("qemu-io", [...args(commands), theirs]);
  const ran = await runOurs(folder, "qemu-io", [...args(commands), ours]);
  expect(ran.status, ran.err + ran.out).toBe(0);
  expect(stock("qemu-img", ["compare", theirs, ours])).toBe("Images are identical.\n");
  expect(stock("qemu-img", ["check", ours])).toContain("No errors were found on the image.");
  const maps = [theirs, ours].map((image) => mapWithoutPlaces(stock("qemu-img", ["map", "--output=json", image])));
  expect(maps[1]).toEqual(maps[0]);
  const seen = await runOurs(folder, "qemu-img", ["map", "--output=json", theirs]);
  expect(seen.status, seen.err).toBe(0);
  expect(mapWithoutPlaces(seen.out)).toEqual(maps[0]);
}

const WRITES = [
  "write -P 7 70000 9000",
  "write -z 1000000 200000",
  "write -P 9 5M 600k",
  "discard 5M 256k",
  "discard 2M 128k",
  "write -z -u 5500k 100k",
  "write -P 4 2900k 200k",
  "write -z 2950k 10k",
  "write -P 6 7864320 1k",
  "write -z 8126464 262144",
];

describe.each(["extended_l2=off", "extended_l2=on", "compat=0.10", "cluster_size=4k", "cluster_size=2M,extended_l2=on"])("%s", (options) => {
  it("over nothing", () =>
    inScratchFolder(async (folder) => {
      for (const image of ["theirs.qcow2", "ours.qcow2"]) runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", options, image, "8M"]);
      await sameFromBoth(folder, ["write -P 1 0 100k", "write -P 2 1M 4k", "write -z 2M 300k", "write -P 3 2100k 1k"], WRITES);
    }));

  it("over a chain of qcow2 and raw", () =>
    inScratchFolder(async (folder) => {
      const random = new Random(7);
      writeFileSync(join(folder, "base.raw"), Uint8Array.from({ length: 3 * MIB }, () => random.below(256)));
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", "base.raw", "-F", "raw", "mid.qcow2", "6M"]);
      runStock(folder, "qemu-io", [...args(["write -P 3 1M 1M", "write -z 0 64k"]), "mid.qcow2"]);
      for (const image of ["theirs.qcow2", "ours.qcow2"]) {
        runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", "mid.qcow2", "-F", "qcow2", "-o", options, image, "8M"]);
      }
      await sameFromBoth(folder, [], WRITES);
    }));
});

describe.each(["off", "on"])("an external data file, raw: %s", (raw) => {
  it("takes the same writes", () =>
    inScratchFolder(async (folder) => {
      for (const name of ["theirs", "ours"]) {
        runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", `data_file=${name}.data,data_file_raw=${raw}`, `${name}.qcow2`, "8M"]);
      }
      await sameFromBoth(folder, ["write -P 1 0 100k"], WRITES);
      if (raw === "off") return;
      expect(runStock(folder, "qemu-img", ["compare", "-f", "raw", "-F", "raw", "theirs.data", "ours.data"]).out).toBe("Images are identical.\n");
    }));
});

describe.each(["compression_type=zlib", "compression_type=zstd", "extended_l2=on", "refcount_bits=1", "compat=0.10", "cluster_size=512"])("compressed, %s", (options) => {
  it("streams of stock's are read, and overwritten as data", () =>
    inScratchFolder(async (folder) => {
      const cluster = options.includes("512") ? 512 : 64 * KIB;
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", options, "theirs.qcow2", "2M"]);
      const packed = ["write -c -P 5 0 512k", "write -c -P 6 1M 128k"].concat(cluster === 512 ? ["write -c -P 7 1536k 512"] : []);
      runStock(folder, "qemu-io", [...args(packed), "theirs.qcow2"]);
      copyFileSync(join(folder, "theirs.qcow2"), join(folder, "ours.qcow2"));
      await sameFromBoth(folder, [], ["read -P 5 0 512k", "write -P 8 70000 500", "write -z 128k 64k", "discard 192k 64k", "read -P 6 1M 128k"]);
    }));
});
