/** The command line as a process: bundled as it is shipped, talked to as a shell and a script talk to it. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { build } from "vite";
import { PROGRAMS } from "../../src/command/programs.ts";

const folder = mkdtempSync(join(tmpdir(), "zonescope-process-"));
const program = join(folder, "zonescope.js");
const SEED = "size=768M,zone_size=64M,zone_capacity=64M,nr_conv_zones=0,max_append_sectors=512,max_open_zones=0,max_active_zones=0,zone_model=1";

beforeAll(async () => {
  const configFile = new URL("../../vite.cli.config.ts", import.meta.url).pathname;
  await build({ configFile, logLevel: "silent", build: { outDir: folder, emptyOutDir: false } });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly status: number | null;
}
function zonescope(argv: readonly string[], input = ""): Ran {
  const ran = spawnSync(process.execPath, [program, ...argv], { cwd: folder, input, encoding: "utf8" });
  return { out: ran.stdout, err: ran.stderr, status: ran.status };
}

describe("the command line as a process", () => {
  it("makes the seed's disk and reports it", () => {
    expect(zonescope(["qemu-img", "create", "-q", "-f", "qcow2", "seed.qcow2", "-o", SEED])).toEqual({ out: "", err: "", status: 0 });
    const { out, status } = zonescope(["qemu-io", "-f", "qcow2", "-c", "zrp 0 12", "seed.qcow2"]);
    expect(out.split("\n")).toHaveLength(13);
    expect(out).toContain("start: 0x160000, len 0x20000, cap 0x20000, wptr 0x160000, zcond:1, [type: 2]\n");
    expect(status).toBe(0);
    expect(spawnSync("qemu-img", ["check", "seed.qcow2"], { cwd: folder, encoding: "utf8" }).status).toBe(3);
  });

  it("explains a refusal only if asked to", () => {
    const line = ["qemu-io", "-c", "write 4k 4k", "seed.qcow2"];
    expect(zonescope(line)).toEqual({ out: "write failed: Invalid argument\n", err: "", status: 1 });
    const explained = zonescope(["--explain", ...line]);
    expect(explained).toMatchObject({ out: "write failed: Invalid argument\n", status: 1 });
    expect(explained.err).toBe(
      "Not at the write pointer. Zone 0 is written only at its write pointer, 0; this write starts at 4 KiB (4096), 4 KiB (4096 bytes) above it.\n" +
        "Instead: Write at 0, or append, which finds the pointer by itself.\n" +
        "Elsewhere: errno EINVAL, virtio-blk ZONE_UNALIGNED_WP, NVMe 1BCh Zone Invalid Write, SCSI UNALIGNED WRITE COMMAND\n",
    );
  });

  it("says what it is", () => {
    expect(zonescope(["--version"])).toMatchObject({ out: expect.stringMatching(/^zonescope \d/) as string, status: 0 });
    expect(zonescope(["--help"])).toMatchObject({ out: expect.stringContaining("qemu-io") as string, status: 0 });
    expect(zonescope([])).toMatchObject({ out: "", status: 1 });
    expect(zonescope(["foo"])).toMatchObject({ err: expect.stringContaining("no program named 'foo'") as string, status: 1 });
    expect(zonescope(["--foo"])).toMatchObject({ status: 1 });
  });

  it("loads each program, and the pages of help, when they are first wanted", () => {
    // A program that never came would end with Node's own status 13, saying nothing.
    for (const { name } of PROGRAMS) {
      const { out, err, status } = zonescope([name, "--help"]);
      expect([name, status, out + err !== ""]).toEqual([name, expect.toBeOneOf([0, 1]), true]);
      expect(zonescope(["help", name === "qemu-io" || name === "qemu-img" ? "write" : name])).toMatchObject({ status: 0, err: "", out: expect.stringMatching(/./) as string });
    }
    expect(zonescope(["help"])).toMatchObject({ status: 0, out: expect.stringContaining("Usage: zonescope") as string });
    expect(zonescope(["help", "nothing"])).toEqual({ out: "", err: "zonescope: no command named 'nothing'\n", status: 1 });
  });

  it("answers each line before the next is sent", async () => {
    const child = spawn(process.execPath, [program, "qemu-io", "seed.qcow2"], { cwd: folder });
    let text = "";
    let heard: () => void = () => undefined;
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      heard();
    });
    const until = async (end: string): Promise<void> => {
      while (!text.endsWith(end)) await new Promise<void>((resolve) => (heard = resolve));
    };
    await until("qemu-io> ");
    child.stdin.write("zap -p 0 4k\n");
    await until("After zap done, the append sector is 0x0\nqemu-io> ");
    child.stdin.write("zrp 0 ");
    child.stdin.write("1\n");
    await until("wptr 0x8, zcond:2, [type: 2]\nqemu-io> ");
    const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
    child.stdin.end();
    expect(await ended).toBe(0);
    expect(zonescope(["qemu-io", "-c", "zrp 0 1", "seed.qcow2"]).out).toContain("wptr 0x8, zcond:4");
  });

  it("keeps what was written when it is told to end", async () => {
    const child = spawn(process.execPath, [program, "qemu-io", "seed.qcow2"], { cwd: folder });
    const answered = new Promise<void>((resolve) => child.stdout.setEncoding("utf8").on("data", (piece: string) => piece.includes("sector is") && resolve()));
    child.stdin.write("zap -p 64M 8k\n");
    await answered;
    const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
    child.kill("SIGTERM");
    expect(await ended).toBe(143);
    expect(zonescope(["qemu-io", "-c", "zrp 64M 1", "seed.qcow2"]).out).toContain("wptr 0x20010, zcond:4");
  });

  it("is quiet when nobody reads its output any more", () => {
    const many = Array.from({ length: 20000 }, () => "zrp 0 12").join("\n");
    const shell = `"${process.execPath}" zonescope.js qemu-io seed.qcow2 | head -1`;
    const ran = spawnSync("sh", ["-c", shell], { cwd: folder, input: many, encoding: "utf8" });
    expect(ran.stderr).toBe("");
    expect(ran.stdout.split("\n")).toHaveLength(2);
  });

  it("runs twenty thousand commands of one session in seconds", () => {
    zonescope(["qemu-img", "create", "-q", "-f", "qcow2", "many.qcow2", "-o", SEED]);
    const many = Array.from({ length: 20000 }, (_, index) => `write -q ${index * 512} 512`).join("\n");
    const start = performance.now();
    expect(zonescope(["qemu-io", "many.qcow2"], many).status).toBe(0);
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(zonescope(["qemu-io", "-c", "zrp 0 1", "-c", "read -q -P 0xcd 0 10000k", "many.qcow2"])).toMatchObject({ out: expect.stringContaining("wptr 0x4e20") as string, status: 0 });
  });
});
