/** The program profile over an engine in this process: listing, switching in the console, and comparisons as they are printed. */
import { describe, expect, it } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { completions, runConsoleLine } from "../../../src/command/console.ts";
import { commandsOfHistory, parseScript } from "../../../src/command/profile-script.ts";
import { run } from "../../../src/command/program.ts";
import { findProgram } from "../../../src/command/programs.ts";
import { KIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";

async function files(texts: Readonly<Record<string, string>>): Promise<MemoryFiles> {
  const space = new MemoryFiles();
  for (const [name, text] of Object.entries(texts)) {
    const opened = await space.open(name, "create");
    if (!opened.ok) throw new Error(name);
    opened.value.write(0, new TextEncoder().encode(text));
    opened.value.close();
  }
  return space;
}

/** A fixture whose short-hands can be taken apart. */
function newEngine(space: MemoryFiles = new MemoryFiles()) {
  const fixture = engineFixture(space);
  return { engine: fixture.engine, ok: fixture.ok.bind(fixture) };
}

/** `profile …` as a shell runs it. */
async function shell(argv: readonly string[], texts: Readonly<Record<string, string>> = {}): Promise<{ out: string; err: string; status: number; files: string[] }> {
  const { engine, ok } = newEngine(await files(texts));
  await ok("create", { file: "conventional.qcow2", options: createOptions({ zoned: { zoneCapacity: 768 * KIB, conventionalZones: 1 } }) });
  await ok("create", { file: "plain.qcow2", options: createOptions({ zoned: null }) });
  const text = { out: "", err: "", explain: "" };
  const status = await run(findProgram("profile")!.run(argv, { now: () => 0 }), engine.perform, (piece, stream) => (text[stream] += piece));
  return { out: text.out, err: text.err, status, files: (await ok("listFiles", {})).files.map(({ name }) => name).sort() };
}

/** Lines typed one after the other into a console with an image attached. */
async function consoleWith(zoned: Parameters<typeof createOptions>[0], lines: readonly string[]): Promise<string> {
  const { engine, ok } = newEngine();
  await ok("create", { file: "zns", options: createOptions(zoned) });
  const open = async () => ({ handle: (await ok("open", { file: "zns", readOnly: false, format: null })).handle, file: "zns" });
  let attached: Awaited<ReturnType<typeof open>> | null = await open();
  let text = "";
  const typed: string[] = [];
  for (const line of lines) {
    typed.push(line);
    await runConsoleLine(line, {
      perform: engine.perform,
      write: (piece, stream) => (text += stream === "out" ? piece : `${stream}: ${piece}`),
      now: () => 0,
      attached: () => attached,
      detach: async () => {
        if (attached !== null) await ok("close", { handle: attached.handle });
        attached = null;
      },
      attach: async () => {
        attached = await open();
      },
      history: () => typed,
    });
  }
  return text;
}

describe("a comparison", () => {
  it("tells for each pair the first command at which they part", async () => {
    const script = "# opens beyond the limit\nwrite -q 0 4k\nzo 64M 64M\n\nzo 128M 64M\nzc 128M 64M\nzo 192M 64M\nzf 256M 64M\nzap -p 0 512\n";
    expect((await shell(["compare", "script.txt"], { "script.txt": script })).out).toBe(`7 commands on scratch disks: 12 zones of 64 MiB, capacity 64 MiB, max open 2, max active 3, max append 64 KiB

qcow2 / v4-as-posted: line 5: zo 128M 64M
    qcow2         done                                                    zone 0 CLOSED, wptr 0x8
    v4-as-posted  done                                                    zone 0 IMPLICIT_OPEN, wptr 0x8

qcow2 / zns: line 6: zc 128M 64M
    qcow2         done                                                    zone 2 EMPTY, wptr 0x40000
    zns           done                                                    zone 2 CLOSED, wptr 0x40000

qcow2 / zbc: line 8: zf 256M 64M
    qcow2         zone finish failed: Invalid argument [too-many-active]  zone 4 EMPTY, wptr 0x80000
    zbc           zone finish failed: Invalid argument [too-many-open]    zone 4 EMPTY, wptr 0x80000

qcow2 / null_blk: the same throughout

v4-as-posted / zns: line 5: zo 128M 64M
    v4-as-posted  done                                                    zone 0 IMPLICIT_OPEN, wptr 0x8
    zns           done                                                    zone 0 CLOSED, wptr 0x8

v4-as-posted / zbc: line 5: zo 128M 64M
    v4-as-posted  done                                                    zone 0 IMPLICIT_OPEN, wptr 0x8
    zbc           done                                                    zone 0 CLOSED, wptr 0x8

v4-as-posted / null_blk: line 5: zo 128M 64M
    v4-as-posted  done                                                    zone 0 IMPLICIT_OPEN, wptr 0x8
    null_blk      done                                                    zone 0 CLOSED, wptr 0x8

zns / zbc: line 6: zc 128M 64M
    zns           done                                                    zone 2 CLOSED, wptr 0x40000
    zbc           done                                                    zone 2 EMPTY, wptr 0x40000

zns / null_blk: line 6: zc 128M 64M
    zns           done                                                    zone 2 CLOSED, wptr 0x40000
    null_blk      done                                                    zone 2 EMPTY, wptr 0x40000

zbc / null_blk: line 8: zf 256M 64M
    zbc           zone finish failed: Invalid argument [too-many-open]    zone 4 EMPTY, wptr 0x80000
    null_blk      zone finish failed: Invalid argument [too-many-active]  zone 4 EMPTY, wptr 0x80000
`);
  });

  it("leaves out a profile that cannot have the disk", async () => {
    const { out, status, files: listed } = await shell(["compare", "script.txt", "conventional.qcow2"], { "script.txt": "zrp 1M 1\r\nzap -p 1M 512 512\r\nquit\r\nnonsense" });
    expect(out).toBe(`2 commands on scratch disks: 12 zones of 1 MiB, capacity 768 KiB, 1 conventional, max open 0, max active 0, max append 64 KiB
Without zns: it has no conventional zones, and this disk has some.

qcow2 / v4-as-posted: line 1: zrp 1M 1
    qcow2         start: 0x800, len 0x800, cap 0x600, wptr 0x800, zcond:1, [type: 2]
    v4-as-posted  start: 0x800, len 0x800, cap 0x800, wptr 0x800, zcond:1, [type: 2]

qcow2 / zbc: line 1: zrp 1M 1
    qcow2         start: 0x800, len 0x800, cap 0x600, wptr 0x800, zcond:1, [type: 2]
    zbc           start: 0x800, len 0x800, cap 0x800, wptr 0x800, zcond:1, [type: 2]

qcow2 / null_blk: the same throughout

v4-as-posted / zbc: line 2: zap -p 1M 512 512
    v4-as-posted  After zap done, the append sector is 0x800                          zone 1 IMPLICIT_OPEN, wptr 0x802
    zbc           zone append failed: Operation not supported [unsupported]           zone 1 EMPTY, wptr 0x800

v4-as-posted / null_blk: line 1: zrp 1M 1
    v4-as-posted  start: 0x800, len 0x800, cap 0x800, wptr 0x800, zcond:1, [type: 2]
    null_blk      start: 0x800, len 0x800, cap 0x600, wptr 0x800, zcond:1, [type: 2]

zbc / null_blk: line 1: zrp 1M 1
    zbc           start: 0x800, len 0x800, cap 0x800, wptr 0x800, zcond:1, [type: 2]
    null_blk      start: 0x800, len 0x800, cap 0x600, wptr 0x800, zcond:1, [type: 2]
`);
    expect(status).toBe(0);
    expect(listed).toEqual(["conventional.qcow2", "plain.qcow2", "script.txt"]);
  });
});

describe("a script", () => {
  const refused = (name: string, argv: readonly string[], texts: Readonly<Record<string, string>>, expected: string): void =>
    it(name, async () => expect(await shell(argv, texts)).toMatchObject({ out: "", err: expected, status: 1 }));
  refused("that is not there", ["compare", "s"], {}, "profile: Could not open 's': No such file or directory\n");
  refused("with what is no command", ["compare", "s"], { s: "length\nqemu-img info x\n" }, 'profile: s, line 2: "qemu-img" is no command of qemu-io\n');
  refused("with a command of own sessions", ["compare", "s"], { s: "reopen\n" }, "profile: s, line 1: reopen is not for scratch disks, which stay open\n");
  refused("without commands", ["compare", "s"], { s: "# none\n" }, "profile: s has no commands\n");
  refused("that is too long", ["compare", "s"], { s: "length\n".repeat(10_000) }, "profile: s is 70000 bytes long; a script has at most 65536\n");
  refused("for a disk without zones", ["compare", "s", "plain.qcow2"], { s: "length" }, "profile: plain.qcow2 has no zones\n");
  refused("for a disk that is not there", ["compare", "s", "x"], { s: "length" }, "profile: Could not open 'x': No such file or directory\n");

  it("has at most 10,000 lines", () => expect(parseScript("s", "\n".repeat(10_000))).toEqual({ ok: false, error: "s has 10001 lines; a script has at most 10000" }));
  it("of a history is what was for the disk", () => {
    const history = ["zo 0 1M", "qemu-img info a", "write -q 0 4k # note", "help", "$ zonescope zrp 0 1", "read 'x", "profile compare last 2"];
    expect(commandsOfHistory(history, 2)).toEqual([{ line: 1, argv: ["write", "-q", "0", "4k"] }, { line: 2, argv: ["zrp", "0", "1"] }]);
    expect(commandsOfHistory(history, 9)).toHaveLength(3);
  });
});

describe("in a shell", () => {
  it("lists the profiles", async () => expect((await shell([])).out).toContain("  v4-as-posted  the series as it was posted in version 4\n"));
  it("has nothing to switch", async () => expect(await shell(["zns"])).toMatchObject({ err: "profile: no image is attached whose rules could be switched\n", status: 1 }));
  it("has no history", async () => expect(await shell(["compare", "last", "3"])).toMatchObject({ err: "profile: there is no history here; name a file of commands\n", status: 1 }));
  it("tells what there is", async () => expect(await shell(["v4"])).toMatchObject({ err: "profile: there is no profile 'v4'; there are qcow2, v4-as-posted, zns, zbc, null_blk\n" }));
  it("has a usage", async () => expect(await shell(["compare"])).toMatchObject({ err: expect.stringContaining("Usage: profile") as string, status: 1 }));
});

describe("in the console", () => {
  it("switches the attached image, though its name is a profile's, and marks the one in force", async () => {
    expect(await consoleWith({ zoned: {} }, ["zc 0 1M", "profile zns", "zc 0 1M", "profile"])).toBe(`zns follows the rules of zns until it is detached
zone close failed: Invalid argument
explain: Not from this condition. Zone 0 is EMPTY, and a zone in that condition cannot be closed.
Instead: There is nothing to close; open or write zone 0 first.
Elsewhere: errno EINVAL, virtio-blk ZONE_INVALID_CMD, NVMe 1BFh Invalid Zone State Transition, SCSI INVALID FIELD IN CDB
  qcow2         the series' device with its bugs mended towards the standards
  v4-as-posted  the series as it was posted in version 4
* zns           NVMe Zoned Namespaces
  zbc           SCSI Zoned Block Commands
  null_blk      Linux's null_blk driver
`);
  });
  it("until the image is detached", async () => {
    expect(await consoleWith({ zoned: {} }, ["profile zbc", "zap 0 512", "qemu-img info --output=json zns >", "profile"])).toContain("* qcow2");
  });
  it("not to rules that cannot have the disk", async () => {
    expect(await consoleWith({ zoned: { conventionalZones: 2 } }, ["profile zns"])).toBe(
      "err: profile: zns cannot follow the rules of zns\n" +
        "explain: An option's value cannot be. profile is zns; allowed is a profile with conventional zones, since this disk has 2 of them.\n",
    );
  });
  it("compares what was typed, on disks like the attached one, which stays as it is", async () => {
    const lines = ["profile zbc", "write -q 0 4k", "zap -p 0 512", "profile compare last 1", "zrp 0 1"];
    const text = await consoleWith({ zoned: {} }, lines);
    expect(text).toContain("1 command on scratch disks: 12 zones of 1 MiB, capacity 1 MiB, max open 0, max active 0, max append 64 KiB\n");
    expect(text).toContain("qcow2 / v4-as-posted: the same throughout\n");
    expect(text).toContain("zns / zbc: line 1: zap -p 0 512\n    zns");
    expect(text.endsWith("start: 0x0, len 0x800, cap 0x800, wptr 0x8, zcond:2, [type: 2]\n")).toBe(true);
  });
  it("completes names", () => {
    expect(completions("prof")).toEqual(["profile"]);
    expect(completions("profile z")).toEqual(["zbc", "zns"]);
  });
});
