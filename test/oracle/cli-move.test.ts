/**
 * qemu-img convert, compare and dd against the stock program: the same bytes, the same words and exit status, images that stock
 * finds nothing wrong with. Debian's 7.2 and 10.0 agree in all of this.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stockCheck } from "../../src/testing/stock.ts";
import { runOurs, runStock } from "./cli-harness.ts";
import type { Ran } from "./cli-harness.ts";

const root = mkdtempSync(join(tmpdir(), "zonescope-move-"));
afterAll(() => rmSync(root, { recursive: true }));
const path = (name: string): string => join(root, name);
const stock = (...argv: string[]): Ran => {
  const ran = runStock(root, "qemu-img", argv);
  expect(ran, argv.join(" ")).toMatchObject({ err: "", status: 0 });
  return ran;
};
const ours = (...argv: string[]): Promise<Ran> => runOurs(root, "qemu-img", argv);
const io = (file: string, ...commands: string[]): void => {
  const ran = runStock(root, "qemu-io", [...commands.flatMap((command) => ["-c", command]), file]);
  if (ran.status !== 0) throw new Error(ran.err + ran.out);
};
const sameBytes = (a: string, b: string): void => expect(Buffer.compare(readFileSync(path(a)), readFileSync(path(b))), `${a} and ${b}`).toBe(0);

/** Runs both, in their own copies of the names where a command makes a file: @ stands for whose it is. */
async function same(argv: readonly string[]): Promise<void> {
  const of = (who: string): string[] => argv.map((word) => word.replaceAll("@", who));
  const back = (ran: Ran, who: string): Ran => ({ out: ran.out.replaceAll(who, "@"), err: ran.err.replaceAll(who, "@"), status: ran.status });
  expect(back(await ours(...of("OURS")), "OURS")).toEqual(back(runStock(root, "qemu-img", of("STOCK")), "STOCK"));
}

const WRITES = ["write -q -P 1 0 300k", "write -q -P 2 3M 128k", "write -q -z 5M 1M", "write -q -P 0 7M 2M", "write -q -P 3 10M 6k", "write -q -P 4 15M 1M"];

beforeAll(() => {
  stock("create", "-q", "-f", "qcow2", "plain.qcow2", "16M");
  io("plain.qcow2", ...WRITES);
  stock("create", "-q", "-f", "qcow2", "-o", "cluster_size=512,refcount_bits=1", "tiny.qcow2", "3M");
  io("tiny.qcow2", "write -q -P 5 1000 20000", "write -q -P 6 2M 300k", "write -q -z 2100k 100k");
  stock("create", "-q", "-f", "qcow2", "-o", "cluster_size=2M", "wide.qcow2", "9M");
  io("wide.qcow2", "write -q -P 7 3M 1M", "write -q -P 8 8M 1M");
  stock("convert", "-c", "-O", "qcow2", "plain.qcow2", "packed.qcow2");
  stock("create", "-q", "-f", "qcow2", "empty.qcow2", "16M");
  stock("create", "-q", "-f", "qcow2", "nothing.qcow2", "0");
  writeFileSync(path("odd.raw"), Buffer.alloc(100_001, 9));
  writeFileSync(path("text"), "not an image\n".repeat(1000));
});

const IMAGES = ["plain.qcow2", "tiny.qcow2", "wide.qcow2", "packed.qcow2", "empty.qcow2", "nothing.qcow2", "odd.raw"];

describe("convert", () => {
  it("-p tells how much of what is to be copied was", async () => {
    stock("create", "-q", "-f", "qcow2", "told.qcow2", "128M");
    io("told.qcow2", ...[0, 2, 4, 32].map((at) => `write -q ${at}M 1M`));
    const argv = ["convert", "-p", "-O", "qcow2", "told.qcow2", "@.told"];
    await same(argv);
    await same([...argv.slice(0, 2), "-c", ...argv.slice(2)]);
    await same(["convert", "-p", "-O", "qcow2", "empty.qcow2", "@.told"]);
  });
  for (const image of IMAGES) {
    it(`${image} to raw is stock's file, holes and all`, async () => {
      expect(await ours("convert", "-O", "raw", image, "ours.raw")).toEqual({ out: "", err: "", status: 0 });
      stock("convert", "-O", "raw", image, "stock.raw");
      sameBytes("ours.raw", "stock.raw");
      expect(Math.abs(statSync(path("ours.raw")).blocks - statSync(path("stock.raw")).blocks)).toBeLessThanOrEqual(64);
    });
    const choices = [[], ["-S", "0"], ["-S", "64k"], ["-o", "cluster_size=4k"], ["-o", "cluster_size=2M,refcount_bits=64"]];
    for (const options of image === "plain.qcow2" ? choices : choices.slice(0, 1)) {
      it(`${image} to qcow2 ${options.join(" ")}`, async () => {
        expect(await ours("convert", "-O", "qcow2", ...options, image, "ours.qcow2")).toEqual({ out: "", err: "", status: 0 });
        stock("convert", "-O", "qcow2", ...options, image, "stock.qcow2");
        expect(stockCheck(path("ours.qcow2"))).toEqual({ status: 0, corruptions: 0, leaks: 0, checkErrors: 0 });
        expect(runStock(root, "qemu-img", ["compare", image, "ours.qcow2"]).out).toContain("Images are identical.\n");
        const shape = (file: string): unknown =>
          (JSON.parse(stock("map", "--output=json", file).out) as Record<string, unknown>[]).map(({ start, length, present, zero, data }) => ({ start, length, present, zero, data }));
        // Where a source's clusters are smaller than a hole's granularity, the two cut it at other places.
        if (image !== "tiny.qcow2") expect(shape("ours.qcow2")).toEqual(shape("stock.qcow2"));
      });
    }
  }

  describe("from an image over another", () => {
    beforeAll(() => {
      stock("create", "-q", "-f", "qcow2", "below.qcow2", "8M");
      io("below.qcow2", "write -q -P 1 0 3M");
      stock("create", "-q", "-f", "qcow2", "-b", "below.qcow2", "-F", "qcow2", "over.qcow2", "9M");
      io("over.qcow2", "write -q -P 2 1M 70k", "write -q -z 2M 64k", "write -q -P 3 8500k 100k");
    });
    for (const line of [
      "",
      "-c",
      "-c -o compression_type=zstd,cluster_size=32k",
      "-B below.qcow2 -F qcow2",
      "-c -B below.qcow2 -F qcow2",
      "-S 0 -o backing_file=below.qcow2,backing_fmt=qcow2",
      "-o extended_l2=on,cluster_size=128k",
      "-o preallocation=metadata",
      "-o compat=0.10",
    ]) {
      it(`convert -O qcow2 ${line}`, async () => {
        const options = line.split(" ").filter((word) => word !== "");
        expect(await ours("convert", "-O", "qcow2", ...options, "over.qcow2", "ours.qcow2")).toEqual({ out: "", err: "", status: 0 });
        stock("convert", "-O", "qcow2", ...options, "over.qcow2", "stock.qcow2");
        expect(stockCheck(path("ours.qcow2"))).toMatchObject({ status: 0, corruptions: 0, leaks: 0 });
        expect(runStock(root, "qemu-img", ["compare", "over.qcow2", "ours.qcow2"]).out).toBe("Images are identical.\n");
        const places = (file: string): string => stock("map", "--output=json", file).out.replace(/, "offset": \d+/g, "");
        expect(places("ours.qcow2")).toBe(places("stock.qcow2"));
      });
    }
  });

  it("joins several sources", async () => {
    expect(await ours("convert", "-O", "raw", "tiny.qcow2", "odd.raw", "wide.qcow2", "ours.raw")).toMatchObject({ err: "", status: 0 });
    stock("convert", "-O", "raw", "tiny.qcow2", "odd.raw", "wide.qcow2", "stock.raw");
    sameBytes("ours.raw", "stock.raw");
  });

  it("-n writes over what is there, zeros too", async () => {
    for (const who of ["ours", "stock"]) {
      writeFileSync(path(`${who}.raw`), Buffer.alloc(17 * 2 ** 20, 0xee));
      stock("create", "-q", "-f", "qcow2", `${who}.qcow2`, "17M");
      io(`${who}.qcow2`, "write -q -P 0xee 0 17M");
    }
    for (const [options, target] of [[["-O", "raw"], "raw"], [["-O", "qcow2"], "qcow2"], [["-O", "qcow2", "--target-is-zero"], "qcow2"]] as const) {
      expect(await ours("convert", "-n", ...options, "plain.qcow2", `ours.${target}`)).toEqual({ out: "", err: "", status: 0 });
      stock("convert", "-n", ...options, "plain.qcow2", `stock.${target}`);
      expect(runStock(root, "qemu-img", ["compare", `ours.${target}`, `stock.${target}`]).out).toBe("Images are identical.\n");
    }
    expect(stockCheck(path("ours.qcow2")).status).toBe(0);
  });

  it("raw preallocation takes the room", async () => {
    expect(await ours("convert", "-O", "raw", "-o", "preallocation=full", "empty.qcow2", "ours.raw")).toMatchObject({ err: "", status: 0 });
    expect(statSync(path("ours.raw")).blocks * 512).toBeGreaterThanOrEqual(16 * 2 ** 20);
  });

  it("a zoned image keeps its zones only where the target is told to have them", async () => {
    const zones = "zone_size=1M,zone_capacity=1M,nr_conv_zones=1,max_append_sectors=128,zone_model=1";
    expect((await ours("create", "-q", "-f", "qcow2", "-o", `size=8M,${zones}`, "zoned.qcow2")).status).toBe(0);
    expect((await runOurs(root, "qemu-io", ["-c", "write -q -P 1 0 64k", "-c", "write -q -P 2 1M 100k", "-c", "write -q -P 3 3M 1M", "-c", "zo 5M 1M", "zoned.qcow2"])).status).toBe(0);
    expect(await ours("convert", "-O", "qcow2", "zoned.qcow2", "without.qcow2")).toEqual({ out: "", err: "", status: 0 });
    expect(await ours("convert", "-O", "qcow2", "-o", zones, "zoned.qcow2", "with.qcow2")).toEqual({ out: "", err: "", status: 0 });
    expect(stockCheck(path("without.qcow2"))).toMatchObject({ status: 0, leaks: 0 });
    expect(runStock(root, "qemu-img", ["compare", "zoned.qcow2", "without.qcow2"]).out).toBe("Images are identical.\n");
    expect(runStock(root, "qemu-img", ["compare", "zoned.qcow2", "with.qcow2"]).out).toBe("Images are identical.\n");
    const report = async (file: string): Promise<string> => (await runOurs(root, "qemu-io", ["-c", "zrp 0 8", file])).out;
    expect(await report("with.qcow2")).toBe(await report("zoned.qcow2"));
    expect(await ours("convert", "-c", "-O", "qcow2", "-o", zones, "zoned.qcow2", "compressed.qcow2")).toEqual({ out: "", err: "", status: 0 });
    expect(runStock(root, "qemu-img", ["compare", "zoned.qcow2", "compressed.qcow2"]).out).toBe("Images are identical.\n");
    expect(await report("compressed.qcow2")).toBe(await report("zoned.qcow2"));
    expect(await ours("convert", "-O", "qcow2", "-o", zones.replace("nr_conv_zones=1", "nr_conv_zones=2"), "zoned.qcow2", "other.qcow2")).toMatchObject({ status: 1, err: expect.stringMatching(/nr_conv_zones|Invalid argument/) as string });
  });
});

describe("compare", () => {
  beforeAll(() => {
    for (const [name, commands] of [["first", []], ["second", ["write -q -P 9 10100k 1"]], ["third", ["write -q -P 9 15M 100"]]] as const) {
      writeFileSync(path(`${name}.qcow2`), readFileSync(path("plain.qcow2")));
      if (commands.length > 0) io(`${name}.qcow2`, ...commands);
    }
    stock("convert", "-O", "raw", "plain.qcow2", "plain.raw");
    writeFileSync(path("long.raw"), readFileSync(path("plain.raw")));
    truncateSync(path("long.raw"), 18 * 2 ** 20);
    writeFileSync(path("longer.raw"), Buffer.concat([readFileSync(path("plain.raw")), Buffer.alloc(5000), Buffer.from([1]), Buffer.alloc(10_000)]));
  });
  const pairs = [
    ["plain.qcow2", "first.qcow2"],
    ["plain.qcow2", "second.qcow2"],
    ["second.qcow2", "third.qcow2"],
    ["plain.qcow2", "packed.qcow2"],
    ["plain.qcow2", "plain.raw"],
    ["plain.raw", "long.raw"],
    ["long.raw", "plain.qcow2"],
    ["plain.raw", "longer.raw"],
    ["longer.raw", "empty.qcow2"],
    ["empty.qcow2", "nothing.qcow2"],
    ["nothing.qcow2", "nothing.qcow2"],
    ["plain.qcow2", "nonexist"],
    ["nonexist", "plain.qcow2"],
  ];
  for (const pair of pairs) it(["compare", ...pair].join(" "), () => same(["compare", ...pair]));
  for (const pair of [pairs[1]!, pairs[5]!, pairs[11]!]) {
    for (const options of [["-q"], ["-U", "-T", "none"]]) it(["compare", ...options, ...pair].join(" "), () => same(["compare", ...options, ...pair]));
    it(["compare", "-p", ...pair].join(" "), () => sameButProgress(["compare", "-p", ...pair]));
  }
  for (const pair of pairs.slice(0, 4)) it(`compare -s ${pair.join(" ")}`, () => same(["compare", "-s", ...pair]));
  for (const argv of [[], ["plain.qcow2"], ["a", "b", "c"], ["-x"], ["-f"], ["-T", "foo", "a", "b"], ["-f", "foo", "plain.qcow2", "plain.qcow2"], ["-F", "raw", "plain.qcow2", "plain.qcow2"], ["-s", "plain.raw", "long.raw"], ["--image-opts", "driver=qcow2,file.filename=plain.qcow2", "driver=raw,file.filename=plain.raw"], ["--image-opts", "-f", "qcow2", "plain.qcow2", "plain.raw"]]) {
    it(["compare", ...argv].join(" "), () => same(["compare", ...argv]));
  }

  /** How often progress is told depends on the clock. */
  async function sameButProgress(argv: readonly string[]): Promise<void> {
    const bare = (ran: Ran): Ran => ({ ...ran, out: ran.out.replace(/ {4}\([\d.]+\/100%\)\r/g, "") });
    expect(bare(await ours(...argv))).toEqual(bare(runStock(root, "qemu-img", argv)));
  }
});

describe("dd", () => {
  const lines = [
    "if=plain.qcow2 of=@.out",
    "if=plain.qcow2 of=@.out bs=1M count=3 skip=2",
    "if=plain.qcow2 of=@.out bs=100 skip=3",
    "if=plain.qcow2 of=@.out bs=7k count=1000 skip=999",
    "if=plain.qcow2 of=@.out bs=1M skip=20",
    "if=plain.qcow2 of=@.out bs=1M count=2 skip=3",
    "if=plain.qcow2 of=@.out count=0",
    "if=odd.raw of=@.out bs=3k",
    "-f raw if=text of=@.out bs=64k",
    "-O qcow2 if=plain.qcow2 of=@.out bs=64k skip=30 count=200",
  ];
  for (const line of lines) {
    it(`dd ${line}`, async () => {
      await same(["dd", ...line.split(" ")]);
      if (!line.includes("-O qcow2")) {
        sameBytes("OURS.out", "STOCK.out");
        return;
      }
      expect(stockCheck(path("OURS.out")).status).toBe(0);
      expect(runStock(root, "qemu-img", ["compare", "-s", "OURS.out", "STOCK.out"]).out).toBe("Images are identical.\n");
    });
  }
  const refusals = ["", "if=plain.qcow2", "of=@.out", "if=plain.qcow2 of=@.out bs=0", "if=plain.qcow2 of=@.out bs=2G", "if=plain.qcow2 of=@.out bs=x", "if=plain.qcow2 of=@.out skip=9E", "foo", "foo=1", "if=nonexist of=@.out", "-O foo if=plain.qcow2 of=@.out", "-x", "-O"];
  // 7.2 calls a negative number none; these are 10.0's words.
  it("dd of a negative count", async () => {
    const ran = await runOurs(root, "qemu-img", ["dd", "if=plain.qcow2", "of=none.out", "count=-1"]);
    expect(ran).toEqual({ status: 1, out: "", err: "qemu-img: Invalid count specified. Must be between 0 and 9223372036854775807.\n" });
  });
  for (const line of refusals) it(`dd ${line}`, () => same(["dd", ...line.split(" ").filter((word) => word !== "")]));
});

describe("convert's command line", () => {
  const lines = [
    "",
    "plain.qcow2",
    "-x",
    "-O",
    "-O foo plain.qcow2 @.out",
    "-f foo plain.qcow2 @.out",
    "nonexist @.out",
    "plain.qcow2 nonexist/@.out",
    "-O qcow2 plain.qcow2 nonexist/@.out",
    "-S 1000 plain.qcow2 @.out",
    "-S x plain.qcow2 @.out",
    "-S 32M plain.qcow2 @.out",
    "-m 0 plain.qcow2 @.out",
    "-m 17 plain.qcow2 @.out",
    "-m x plain.qcow2 @.out",
    "-r x plain.qcow2 @.out",
    "-t foo plain.qcow2 @.out",
    "-T foo plain.qcow2 @.out",
    "-c plain.qcow2 @.out",
    "-c -C plain.qcow2 @.out",
    "-S 4k -C plain.qcow2 @.out",
    "-C --salvage plain.qcow2 @.out",
    "--target-image-opts plain.qcow2 @.out",
    "-n -o size=1 plain.qcow2 @.out",
    "--target-is-zero plain.qcow2 @.out",
    "-n --target-is-zero -B empty.qcow2 -F qcow2 -O qcow2 plain.qcow2 @.out",
    "-p -n --target-is-zero -B nonexist -c -O foo plain.qcow2 odd.raw @.out",
    "-n --target-is-zero -B empty.qcow2 -O qcow2 nonexist @.out",
    "-n -B empty.qcow2 -O qcow2 plain.qcow2 odd.raw @.out",
    ...["plain.qcow2", "empty.qcow2", "nothing.qcow2"].flatMap((source) => [
      `-c -O qcow2 -o data_file=@.data ${source} @.out`,
      `-c -O qcow2 -o data_file=@.data,data_file_raw=on ${source} @.out`,
    ]),
    "-o , plain.qcow2 @.out",
    "-o foo=1 plain.qcow2 @.out",
    "-O qcow2 -o foo=1 plain.qcow2 @.out",
    "-O qcow2 -o cluster_size=3 plain.qcow2 @.out",
    "-O qcow2 -o preallocation=foo plain.qcow2 @.out",
    "-O qcow2 -c -o preallocation=full plain.qcow2 @.out",
    "-B base plain.qcow2 @.out",
    "-n -O qcow2 plain.qcow2 tiny.qcow2",
    "-n plain.qcow2 nonexist",
    "-n -O qcow2 plain.qcow2 nothing.qcow2",
    "-l foo plain.qcow2 tiny.qcow2 @.out",
    "--skip-broken-bitmaps plain.qcow2 @.out",
    "-q -p -W -m 4 -r 1M -t none -T none -U plain.qcow2 @.out",
    "--image-opts driver=qcow2,file.filename=plain.qcow2 @.out",
    "--image-opts -f qcow2 plain.qcow2 @.out",
  ];
  for (const line of lines) it(`convert ${line}`, () => same(["convert", ...line.split(" ").filter((word) => word !== "")]));

  it("an image is not converted onto itself", async () => {
    const before = readFileSync(path("plain.qcow2"));
    for (const options of [[], ["-O", "qcow2"]]) {
      const [mine, theirs] = [await ours("convert", ...options, "plain.qcow2", "plain.qcow2"), runStock(root, "qemu-img", ["convert", ...options, "plain.qcow2", "plain.qcow2"])];
      expect(mine.status).toBe(theirs.status);
      expect(Buffer.compare(readFileSync(path("plain.qcow2")), before)).toBe(0);
    }
  });
});
