/**
 * The zoned programs of the command line as a process, over files, with stock qemu-img as judge where it opens the image: blkzone,
 * dialect, the summary of pointers, trace events.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { build } from "vite";
import { stockCheck, stockRaw } from "../../src/testing/stock.ts";

const folder = mkdtempSync(join(tmpdir(), "zonescope-zoned-"));
const bundle = mkdtempSync(join(tmpdir(), "zonescope-bundle-"));

beforeAll(async () => {
  const configFile = new URL("../../vite.cli.config.ts", import.meta.url).pathname;
  await build({ configFile, logLevel: "silent", build: { outDir: bundle, emptyOutDir: false } });
  writeFileSync(join(bundle, "package.json"), '{ "type": "module" }');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  rmSync(bundle, { recursive: true });
});

function zonescope(...argv: string[]): { out: string; err: string; status: number | null } {
  const ran = spawnSync(process.execPath, [join(bundle, "zonescope.js"), ...argv], { cwd: folder, encoding: "utf8" });
  return { out: ran.stdout, err: ran.stderr, status: ran.status };
}
const image = (name: string): string => join(folder, name);
const put = (name: string, data: string): void => writeFileSync(image(name), gunzipSync(readFileSync(new URL(`./data/${data}.qcow2.gz`, import.meta.url))));
const LEAK = { status: 3, corruptions: 0, leaks: 1, checkErrors: 0 };

function makeDisk(name: string): void {
  const options = "size=11520K,zone_size=1M,zone_capacity=768k,nr_conv_zones=1,max_open_zones=2,zone_model=1";
  expect(zonescope("qemu-img", "create", "-q", "-f", "qcow2", name, "-o", options)).toEqual({ out: "", err: "", status: 0 });
}

describe("blkzone", () => {
  it("works on an image in place of a device, a power cycle between two commands", () => {
    makeDisk("b.qcow2");
    expect(zonescope("qemu-io", "-c", "write -q 1M 4k", "b.qcow2").status).toBe(0);
    expect(zonescope("blkzone", "finish", "-v", "-o", "4096", "-c", "1", "b.qcow2")).toEqual({ out: "b.qcow2: successful finish of zones in range from 4096, to 6144", err: "", status: 0 });
    expect(zonescope("blkzone", "open", "-o", "6144", "-c", "1", "b.qcow2").status).toBe(0);
    expect(zonescope("blkzone", "report", "-c", "4", "b.qcow2")).toEqual({
      out:
        "  start: 0x000000000, len 0x000800, cap 0x000800, wptr 0x000000 reset:0 non-seq:0, zcond: 0(nw) [type: 1(CONVENTIONAL)]\n" +
        "  start: 0x000000800, len 0x000800, cap 0x000600, wptr 0x000008 reset:0 non-seq:0, zcond: 4(cl) [type: 2(SEQ_WRITE_REQUIRED)]\n" +
        "  start: 0x000001000, len 0x000800, cap 0x000600, wptr 0x000800 reset:0 non-seq:0, zcond:14(fu) [type: 2(SEQ_WRITE_REQUIRED)]\n" +
        "  start: 0x000001800, len 0x000800, cap 0x000600, wptr 0x000000 reset:0 non-seq:0, zcond: 1(em) [type: 2(SEQ_WRITE_REQUIRED)]\n",
      err: "",
      status: 0,
    });
    expect(zonescope("--explain", "blkzone", "open", "-o", "4096", "-c", "1", "b.qcow2")).toEqual({
      out: "",
      err: expect.stringMatching(/^blkzone: b\.qcow2: BLKOPENZONE ioctl failed: Invalid argument\n[A-Z].*\nInstead: .*\nElsewhere: errno EINVAL/) as string,
      status: 1,
    });
    expect(stockCheck(image("b.qcow2"))).toEqual(LEAK);
  });
});

describe("qemu-img info", () => {
  it("sums up the pointers, for people and for programs", () => {
    makeDisk("i.qcow2");
    zonescope("qemu-io", "-c", "write -q 1M 4k", "-c", "zf 2M 1M", "i.qcow2");
    expect(zonescope("qemu-img", "info", "i.qcow2").out).toContain(
      "        pointers:\n            empty: 9\n            closed: 1\n            full: 1\n            conventional: 1\n            bytes below: 790528\n",
    );
    const json = JSON.parse(zonescope("qemu-img", "info", "--output=json", "i.qcow2").out) as { "format-specific": { data: { zoned: { pointers: unknown } } } };
    expect(json["format-specific"].data.zoned.pointers).toEqual({ empty: 9, closed: 1, full: 1, conventional: 1, "bytes-below": 790528 });
  });
});

describe("dialect", () => {
  it("changes an image of ours in place, and back", () => {
    makeDisk("d.qcow2");
    zonescope("qemu-io", "-c", "write -q -P 5 0 64k", "-c", "write -q -P 7 1M 68k", "d.qcow2");
    stockRaw(image("d.qcow2"), image("before.raw"));
    const { ino } = statSync(image("d.qcow2"));
    const report = zonescope("blkzone", "report", "d.qcow2").out;
    for (const dialect of ["v9", "v7", "v4"]) {
      expect(zonescope("dialect", "d.qcow2", dialect).out).toMatch(new RegExp(`^d\\.qcow2: v\\d is now ${dialect}, by one write of the first 512 bytes`));
      expect(zonescope("dialect", "d.qcow2").out).toContain(`\ndialect: ${dialect} (`);
      expect(zonescope("blkzone", "report", "d.qcow2").out).toBe(report);
      expect(zonescope("qemu-io", "-c", "read -P 7 1M 68k", "d.qcow2").status).toBe(0);
    }
    expect(statSync(image("d.qcow2")).ino).toBe(ino);
    expect(stockCheck(image("d.qcow2"))).toEqual(LEAK);
    stockRaw(image("d.qcow2"), image("after.raw"));
    expect(Buffer.compare(readFileSync(image("after.raw")), readFileSync(image("before.raw")))).toBe(0);
  });

  it.each(["v4-seed", "v9-conv2", "v9-s08_conventional"])("swaps a file in for an image of the patched builds: %s", (data) => {
    put("p.qcow2", data);
    chmodSync(image("p.qcow2"), 0o640);
    rmSync(image("link.qcow2"), { force: true });
    symlinkSync("p.qcow2", image("link.qcow2"));
    const report = zonescope("blkzone", "report", "p.qcow2").out;
    for (const dialect of [data.startsWith("v4") ? "v9" : "v7", "v4"]) {
      expect(zonescope("dialect", "link.qcow2", dialect).out).toMatch(/, by a copy with the new header, put in its place\n$/);
      expect(zonescope("blkzone", "report", "p.qcow2").out).toBe(report);
    }
    expect(statSync(image("p.qcow2")).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder).filter((name) => name.includes("new-dialect"))).toEqual([]);
    expect(stockCheck(image("p.qcow2"))).toEqual(LEAK);
    expect(spawnSync("qemu-img", ["info", "p.qcow2"], { cwd: folder }).status).toBe(0);
  });

  it("leaves zones of 8 GiB in v9", () => {
    zonescope("qemu-img", "create", "-q", "-f", "qcow2", "-o", "size=32G,zone.size=8G,zone.mode=host-managed", "large.qcow2");
    const before = readFileSync(image("large.qcow2"));
    expect(zonescope("dialect", "large.qcow2", "v4")).toEqual({ out: "", err: "dialect: large.qcow2: cannot be v4: zone_size is 8589934592; allowed is at most 2147483648 in v4\n", status: 1 });
    expect(Buffer.compare(readFileSync(image("large.qcow2")), before)).toBe(0);
  });
});

describe("trace events", () => {
  const commands = ["-c", "zap 1M 4k", "-c", "zap 2M 4k", "-c", "zrs 1M 1M", "-c", "flush", "-c", "zap 1M 512"];
  const tracking = "qcow2_wp_tracking wps[2]: 0x1008\n";
  it("are printed as they happen with --trace", () => {
    makeDisk("t.qcow2");
    expect(zonescope("--trace", "qemu-io", ...commands, "t.qcow2")).toEqual({
      out: "",
      err:
        "qcow2_imp_open_zones nr_imp_open_zones after op 0x24: 1\n" +
        "qcow2_imp_open_zones nr_imp_open_zones after op 0x24: 2\n" +
        "qcow2_imp_open_zones nr_imp_open_zones after op 0x3: 1\n" +
        tracking +
        "qcow2_imp_open_zones nr_imp_open_zones after op 0x24: 2\n" +
        // What the last flush, at the end, stores.
        "qcow2_wp_tracking wps[1]: 0x801\n",
      status: 0,
    });
  });

  it("are printed for qemu-io's own -T, by pattern", () => {
    makeDisk("u.qcow2");
    expect(zonescope("qemu-io", "-T", "qcow2_wp*", ...commands, "u.qcow2").err).toBe(`${tracking}qcow2_wp_tracking wps[1]: 0x801\n`);
    expect(zonescope("qemu-io", "--trace", "enable=bdrv_*", "-c", "zap 3M 4k", "u.qcow2").err).toBe("");
    expect(zonescope("--trace", "blkzone", "finish", "-o", "8192", "-c", "1", "u.qcow2").err).toBe("qcow2_wp_tracking wps[4]: 0x2800\n");
  });
});
