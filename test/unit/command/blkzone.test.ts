import { describe, expect, it } from "vitest";
import { BLKZONE_USAGE, blkzone, blkzoneLine } from "../../../src/command/blkzone.ts";
import { run } from "../../../src/command/program.ts";
import { parseUtilCount, parseUtilSize } from "../../../src/command/util-linux-numbers.ts";
import type { Failure, Perform, ZoneDescriptor } from "../../../src/protocol/index.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";

/** Twelve zones: two conventional, capacity below size, the last one short. */
const OPTIONS = createOptions({ sizeBytes: 11 * MIB + 256 * KIB, zoned: { zoneSize: MIB, zoneCapacity: 768 * KIB, conventionalZones: 2, maxOpenZones: 2, maxActiveZones: 3 } });

async function disk() {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "z.qcow2", options: OPTIONS });
  await fixture.ok("create", { file: "plain.qcow2", options: createOptions({ zoned: null }) });
  return async (line: string): Promise<{ out: string; err: string; explain: string; status: number }> => {
    const text = { out: "", err: "", explain: "" };
    const words = line === "" ? [] : line.split(" ");
    const status = await run(blkzone(words), fixture.engine.perform, (piece, stream) => (text[stream] += piece));
    return { ...text, status };
  };
}

const good = (out: string) => ({ out, err: "", explain: "", status: 0 });
const bad = (err: string) => ({ out: "", err: `blkzone: ${err}\n`, status: 1 });

describe("blkzone report", () => {
  it("prints a line a zone", async () => {
    const ran = await (await disk())("report z.qcow2");
    const lines = ran.out.split("\n");
    expect(lines).toHaveLength(13);
    expect(lines[0]).toBe("  start: 0x000000000, len 0x000800, cap 0x000800, wptr 0x000000 reset:0 non-seq:0, zcond: 0(nw) [type: 1(CONVENTIONAL)]");
    expect(lines[2]).toBe("  start: 0x000001000, len 0x000800, cap 0x000600, wptr 0x000000 reset:0 non-seq:0, zcond: 1(em) [type: 2(SEQ_WRITE_REQUIRED)]");
    expect(lines[11]).toBe("  start: 0x000005800, len 0x000200, cap 0x000200, wptr 0x000000 reset:0 non-seq:0, zcond: 1(em) [type: 2(SEQ_WRITE_REQUIRED)]");
  });

  const zone = (changes: Partial<ZoneDescriptor>): string =>
    blkzoneLine({ zone: 5, type: 2, condition: 1, start: 320 * MIB, length: 64 * MIB, capacity: 64 * MIB, writePointer: 320 * MIB, ...changes });
  it("counts the write pointer from the zone's start, rounded down to a sector", () => {
    expect(zone({ condition: 4, writePointer: 320 * MIB + 4097 })).toContain("start: 0x0000a0000, len 0x020000, cap 0x020000, wptr 0x000008 reset:0 non-seq:0, zcond: 4(cl)");
    expect(zone({ condition: 14, writePointer: 384 * MIB })).toContain("wptr 0x020000 reset:0 non-seq:0, zcond:14(fu)");
    expect(zone({ condition: 2 })).toContain("zcond: 2(oi)");
    expect(zone({ condition: 3 })).toContain("zcond: 3(oe)");
    expect(zone({ start: 2 ** 52, length: 2 ** 43, capacity: 2 ** 43, writePointer: 2 ** 52 })).toContain("start: 0x80000000000, len 0x400000000, cap 0x400000000, wptr 0x000000");
  });

  it("goes by offset, count and length", async () => {
    const type = await disk();
    expect((await type("report -o 0x1000 -c 3 z.qcow2")).out.match(/start: \S+/g)).toEqual(["start: 0x000001000,", "start: 0x000001800,", "start: 0x000002000,"]);
    // From the zone that holds the offset; a length is rounded up to whole zones.
    expect((await type("report --offset=4097 --length 2049 z.qcow2")).out.match(/start: \S+/g)).toEqual(["start: 0x000001000,", "start: 0x000001800,"]);
    expect((await type("report -o 5800 -c 100 z.qcow2")).out.split("\n")).toHaveLength(11);
    expect((await type("report -c 0 -v z.qcow2")).out).toMatch(/^Found 12 zones from 0x0\n {2}start/);
    expect(await type("report -o 23040 z.qcow2")).toMatchObject(bad("z.qcow2: offset is greater than or equal to device size"));
  });

  it("sums capacities", async () => {
    const type = await disk();
    expect(await type("capacity z.qcow2")).toEqual(good("0x000004800\n"));
    expect(await type("capacity -o 2K -c 2 z.qcow2")).toEqual(good("0x000000e00\n"));
    expect(await type("capacity -v -c 1 z.qcow2")).toEqual(good("Found 1 zones from 0x0\n0x000000800\n"));
  });
});

describe("blkzone reset, open, close, finish", () => {
  it("says so with -v, without a newline", async () => {
    const type = await disk();
    expect(await type("finish -o 4096 -c 2 z.qcow2")).toEqual(good(""));
    expect((await type("report -o 4096 -c 3 z.qcow2")).out.match(/wptr.*?zcond:..\(..\)/g)).toEqual([
      "wptr 0x000800 reset:0 non-seq:0, zcond:14(fu)",
      "wptr 0x000800 reset:0 non-seq:0, zcond:14(fu)",
      "wptr 0x000000 reset:0 non-seq:0, zcond: 1(em)",
    ]);
    expect(await type("reset -v -o 4096 -l 2048 z.qcow2")).toEqual(good("z.qcow2: successful reset of zones in range from 4096, to 6144"));
    expect(await type("reset -v z.qcow2")).toEqual(good("z.qcow2: successful reset of zones in range from 0, to 23040"));
    expect(await type("open -v -o 22528 -c 5 z.qcow2")).toEqual(good("z.qcow2: successful open of zones in range from 22528, to 23040"));
    expect(await type("close -f -o 22528 z.qcow2")).toEqual(good(""));
  });

  it("refuses as util-linux and the device do", async () => {
    const type = await disk();
    expect(await type("reset -o 5 z.qcow2")).toMatchObject(bad("z.qcow2: offset 5 is not aligned to zone size 2048"));
    expect(await type("reset -o 24576 z.qcow2")).toMatchObject(bad("z.qcow2: offset is greater than device size"));
    expect(await type("reset -o 4096 -l 1 z.qcow2")).toMatchObject(bad("z.qcow2: number of sectors 1 is not aligned to zone size 2048"));
    expect(await type("finish -c 3 z.qcow2")).toMatchObject(bad("z.qcow2: BLKFINISHZONE ioctl failed: Input/output error"));
    const refused = await type("open -o 4096 z.qcow2");
    expect(refused).toMatchObject(bad("z.qcow2: BLKOPENZONE ioctl failed: Invalid argument"));
    expect(refused.explain).toMatch(/^Too many open zones\. /);
    expect(await type("reset plain.qcow2")).toMatchObject(bad("plain.qcow2: unable to determine zone size"));
    expect(await type("report plain.qcow2")).toMatchObject(bad("plain.qcow2: unable to determine zone size"));
  });

  it("fails where what it did could not be made durable", async () => {
    const fixture = engineFixture();
    await fixture.ok("create", { file: "z.qcow2", options: OPTIONS });
    const lost: Failure = { kind: "store", operation: "flush", store: "z.qcow2", code: "io", offset: 0, lengthBytes: 0, detail: "the device is gone" };
    const perform: Perform = async (name, request) => {
      const outcome = await fixture.engine.perform(name, request);
      return name === "close" ? { ok: false, error: lost } : outcome;
    };
    const text = { out: "", err: "", explain: "" };
    expect(await run(blkzone(["reset", "-v", "z.qcow2"]), perform, (piece, stream) => (text[stream] += piece))).toBe(1);
    expect(text).toMatchObject({ out: "z.qcow2: successful reset of zones in range from 0, to 23040", err: "blkzone: z.qcow2: Input/output error\n" });
  });

  it("explains itself", async () => {
    const type = await disk();
    expect(await type("--help")).toEqual(good(BLKZONE_USAGE));
    expect(await type("report -h")).toEqual(good(BLKZONE_USAGE));
    expect((await type("-V")).out).toMatch(/^blkzone from util-linux 2\.\d+ /);
  });
});

describe("util-linux's numbers", () => {
  const size = (text: string, value: number): void => it(`size ${text}`, () => expect(parseUtilSize(text)).toEqual({ ok: true, value }));
  size("0", 0);
  size("4096", 4096);
  size("0x1000", 4096);
  size("010", 8);
  size(" +7", 7);
  size("2K", 2048);
  size("2k", 2048);
  size("2KiB", 2048);
  size("2Kib", 2048);
  size("2KB", 2000);
  size("1.5M", 1572864);
  size("0.25GB", 250000000);
  const none = (text: string, error: string): void => it(`no size ${JSON.stringify(text)}`, () => expect(parseUtilSize(text)).toEqual({ ok: false, error }));
  for (const text of ["", "x", "-5", "5B", "5ki", "08", "1.5", "5X", "5KiBs"]) none(text, ": Invalid argument");
  for (const text of ["18446744073709551616", "16E", "1Z", "1Y"]) none(text, ": Numerical result out of range");
  it("counts", () => {
    expect(parseUtilCount("010")).toEqual({ ok: true, value: 10 });
    expect(parseUtilCount("4294967295")).toEqual({ ok: true, value: 4294967295 });
    for (const text of ["4294967296", "-1"]) expect(parseUtilCount(text)).toEqual({ ok: false, error: ": Numerical result out of range" });
    for (const text of ["", "x", "0x10", "1K"]) expect(parseUtilCount(text)).toEqual({ ok: false, error: "" });
  });
});
