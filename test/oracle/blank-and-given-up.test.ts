/** What is given up or blank, and what stands in front of a lie: found by the random scripts, held here by short ones. */
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inScratchFolder } from "../../src/testing/stock.ts";
import { runOurs, runStock } from "./cli-harness.ts";
import type { Ran } from "./cli-harness.ts";

/** What each program leaves of one image, told by `of`. */
async function left(create: readonly string[], fill: readonly string[], change: readonly [program: string, ...argv: string[]], of: (folder: string) => unknown): Promise<unknown[]> {
  return await inScratchFolder(async (folder) => {
    const results: unknown[] = [];
    for (const run of [runStock, runOurs]) {
      expect(runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", ...create])).toMatchObject({ status: 0 });
      for (const line of fill) expect(runStock(folder, "qemu-io", ["-f", "qcow2", "-c", line, "a"])).toMatchObject({ status: 0 });
      expect(await run(folder, change[0], change.slice(1))).toMatchObject({ status: 0 });
      results.push(of(folder));
    }
    return results;
  });
}

test("clusters of a data file that are discarded, or zeroed and unmapped, are zeros there too; those that keep their places keep their bytes", async () => {
  const lines = ["discard 4k 8k", "write -zu 20k 4k", "write -z 28k 4k", "write -zu 34000 9000"].flatMap((line) => ["-c", line]);
  const [stock, ours] = await left(["-o", "data_file=d,cluster_size=4k", "a", "64k"], ["write -P 1 0 64k"], ["qemu-io", "-d", "unmap", "-f", "qcow2", ...lines, "a"], (folder) => readFileSync(join(folder, "d")));
  expect((stock as Buffer).subarray(0, 16384)).toEqual(Buffer.concat([Buffer.alloc(4096, 1), Buffer.alloc(8192), Buffer.alloc(4096, 1)]));
  expect((ours as Buffer).equals(stock as Buffer)).toBe(true);
});

test.each<readonly [what: string, others: readonly number[]]>([
  ["bytes of its user's between what the image has, and behind the disk", [512 * 1024, 2 ** 21]],
  ["bytes of its user's in front of what the image has", [64 * 1024, 0]],
  ["nothing else", []],
])("a data file with %s: what an emptied image had there is zeros, and the rest stays", async (_, others) => {
  await inScratchFolder(async (folder) => {
    const left: Buffer[] = [];
    for (const run of [runStock, runOurs]) {
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "base", "2M"]);
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", "base", "-F", "qcow2", "-o", "data_file=d", "a", "2M"]);
      runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write -q -P 5 128k 128k", "-c", "write -q -P 6 1M 64k", "-c", "write -q -P 7 1984k 64k", "-c", "write -q -z 1984k 64k", "a"]);
      const data = openSync(join(folder, "d"), "r+");
      for (const at of others) writeSync(data, Buffer.alloc(4096, 85), 0, 4096, at);
      closeSync(data);
      expect(await run(folder, "qemu-img", ["commit", "-q", "a"])).toMatchObject({ out: "", err: "", status: 0 });
      left.push(readFileSync(join(folder, "d")));
    }
    expect(left[0]!.filter((byte) => byte !== 0).length).toBe(others.length * 4096);
    expect(left[1]!.equals(left[0]!)).toBe(true);
  });
});

test("a grown disk leaves the blank rest of its last cluster as it is", async () => {
  const mapOf = (folder: string): string => runStock(folder, "qemu-img", ["map", "--output=json", "a"]).out;
  const [stock, ours] = await left(["-o", "extended_l2=on", "a", "890368"], ["write -P 134 851968 38400"], ["qemu-img", "resize", "-q", "a", "+65536"], mapOf);
  expect(ours).toBe(stock);
});

test("a grown disk does not show what a shrink left in its last cluster", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "a", "128k"]);
    runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write -P 7 0 128k", "a"]);
    for (const size of [["--shrink", "a", "70k"], ["a", "128k"]]) expect(await runOurs(folder, "qemu-img", ["resize", "-q", ...size])).toMatchObject({ status: 0 });
    expect(runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "read -P 7 0 70k", "-c", "read -P 0 70k 58k", "a"])).toMatchObject({ status: 0 });
  });
});

/** Changes a word of the first L2 table of the image "a". @param at its place in the table */
function changeWord(folder: string, at: number, change: (word: bigint) => bigint): void {
  const bytes = readFileSync(join(folder, "a"));
  const l2 = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & 0x00ff_ffff_ffff_fe00n);
  bytes.writeBigUInt64BE(change(bytes.readBigUInt64BE(l2 + at)), l2 + at);
  writeFileSync(join(folder, "a"), bytes);
}

test("qemu-io's map shows what stands in front of an entry that lies", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", "a", "150000"]);
    runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write 8k 4k", "-c", "write 80k 4k", "a"]);
    changeWord(folder, 8 * 20, (word) => word + 512n);
    const argv = ["-r", "-f", "qcow2", "-c", "map", "a"];
    const [stock, ours] = [runStock(folder, "qemu-io", argv), await runOurs(folder, "qemu-io", argv)];
    expect(stock.out).toContain("68 KiB (0x11000) bytes not allocated at offset 12 KiB (0x3000)\n");
    expect(ours).toEqual(stock);
  });
});

/** Version 7 of stock does not tell it. */
const withoutCompressed = (ran: Ran): Ran => ({ ...ran, out: ran.out.replaceAll(', "compressed": false', "") });

test("a cluster whose subclusters contradict each other is met where the run in front of it is counted", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "extended_l2=on", "a", "1M"]);
    runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write 64k 64k", "-c", "write 256k 128k", "a"]);
    // Zeros beside data, in the second of two clusters that lie next to each other.
    changeWord(folder, 16 * 5 + 8, (word) => word | (1n << 33n));
    const session = ["-r", "-f", "qcow2", "-c", "map", "-c", "read 256k 64k", "-c", "read 256k 65k", "a"];
    const [stock, ours] = [runStock(folder, "qemu-io", session), await runOurs(folder, "qemu-io", session)];
    expect(stock.out).not.toContain("256 KiB");
    expect(ours).toEqual(stock);
    const measured = ["measure", "-O", "qcow2", "a"];
    expect(await runOurs(folder, "qemu-img", measured)).toEqual(runStock(folder, "qemu-img", measured));
    // What stands in front of it.
    const mapped = withoutCompressed(await runOurs(folder, "qemu-img", ["map", "--output=json", "a"]));
    expect(mapped).toEqual(withoutCompressed(runStock(folder, "qemu-img", ["map", "--output=json", "a"])));
    expect(mapped.out).toContain('"start": 0, "length": 65536');
  });
});

test.each(["metadata", "falloc", "full"])("the places of a disk with subclusters that is grown with preallocation=%s are no data", async (mode) => {
  const mapOf = (folder: string): string => runStock(folder, "qemu-img", ["map", "--output=json", "a"]).out.replace(/, "offset": \d+/g, "");
  const [stock, ours] = await left(["-o", "extended_l2=on", "a", "100000"], ["write -P 1 90000 9000"], ["qemu-io", "-f", "qcow2", "-c", `truncate -m ${mode} 5M`, "a"], mapOf);
  expect(stock).toContain('"present": false');
  expect(ours).toBe(stock);
});

test("a disk beyond 8 PiB is told by what its header lacks: an L1 table that is long enough, or one that could be", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "a", "1M"]);
    const bytes = readFileSync(join(folder, "a"));
    for (const [size, words] of [[2n ** 55n, "L1 table is too small"], [2n ** 62n, "Image is too big"]] as const) {
      bytes.writeBigUInt64BE(size, 24);
      writeFileSync(join(folder, "a"), bytes);
      const ours = await runOurs(folder, "qemu-img", ["info", "a"]);
      expect(ours.err).toContain(words);
      expect(ours).toEqual(runStock(folder, "qemu-img", ["info", "a"]));
    }
  });
});

test("options of -o are read before a backing file is found to be none of the raw format's", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "a", "1M"]);
    for (const options of [["-B", "a", "-F", "qcow2", "-o", "x=y"], ["-B", "a", "-F", "qcow2"], ["-F", "qcow2"], ["-o", "backing_file=a"], ["-B", "a", "-o", "preallocation=some"]]) {
      const argv = ["convert", "-O", "raw", ...options, "a", "b"];
      const stock = runStock(folder, "qemu-img", argv);
      expect(stock.status).toBe(1);
      expect(await runOurs(folder, "qemu-img", argv)).toEqual(stock);
    }
  });
});

test("a commit takes the base's last cluster for zeros that end within it", async () => {
  await inScratchFolder(async (folder) => {
    const maps: string[] = [];
    for (const run of [runStock, runOurs]) {
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "base", "200000"]);
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", "base", "-F", "qcow2", "a", "300032"]);
      runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write -z 100000 200000", "a"]);
      expect(await run(folder, "qemu-img", ["commit", "-q", "a"])).toMatchObject({ status: 0, err: "" });
      maps.push(runStock(folder, "qemu-img", ["map", "--output=json", "base"]).out.replace(/, "offset": \d+/g, ""));
    }
    expect(maps[0]).toContain('"start": 262144, "length": 37888, "depth": 0, "present": true, "zero": false');
    expect(maps[1]).toBe(maps[0]);
  });
});

test("a target or a new backing file that the command reads by another way is locked", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "base", "1M"]);
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", "base", "-F", "qcow2", "middle"]);
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", "middle", "-F", "qcow2", "top"]);
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", "middle", "-F", "qcow2", "longer", "2M"]);
    const commands = [
      ["convert", "-n", "-O", "qcow2", "longer", "base"],
      ["convert", "-n", "-O", "qcow2", "top", "top"],
      ["convert", "-n", "-O", "qcow2", "top", "base"],
      ["convert", "-n", "--target-image-opts", "top", "driver=qcow2,file.filename=middle"],
      ["rebase", "-b", "middle", "-F", "qcow2", "base"],
      ["rebase", "-b", "top", "-F", "qcow2", "base"],
    ];
    for (const argv of commands) {
      const stock = runStock(folder, "qemu-img", argv);
      expect(stock.err).toContain("lock\n");
      expect(await runOurs(folder, "qemu-img", argv)).toEqual(stock);
    }
  });
});

test.each(["extended_l2=on", "cluster_size=4k"])("a disk that is grown over a longer backing file is zeros all along, the rest of its last subcluster written: %s", async (options) => {
  const mapOf = (folder: string): unknown => [runStock(folder, "qemu-img", ["map", "--output=json", "a"]).out.replace(/, "offset": \d+/g, ""), runStock(folder, "qemu-img", ["check", "--output=json", "a"]).out.replace(/"(image-end-offset|fragmented-clusters)": \d+,?\s*/g, "")];
  await inScratchFolder(async (folder) => {
    const left: unknown[] = [];
    for (const run of [runStock, runOurs]) {
      runStock(folder, "qemu-img", ["create", "-q", "-f", "raw", "base", "300k"]);
      runStock(folder, "qemu-io", ["-f", "raw", "-c", "write -P 9 0 300k", "base"]);
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", options, "-b", "base", "-F", "raw", "a", "66048"]);
      for (const size of ["100352", "2M"]) expect(await run(folder, "qemu-img", ["resize", "-q", "a", size])).toMatchObject({ status: 0 });
      expect(runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "read -P 0 66048 2031104", "-c", "read -P 9 0 66048", "a"])).toMatchObject({ status: 0 });
      left.push(mapOf(folder));
    }
    expect(left[1]).toEqual(left[0]);
  });
});
