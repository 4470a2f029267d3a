/** The program crash: what it prints, its exit status, what it refuses, and that words and numbers agree with the engine's. */
import { beforeEach, describe, expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { keptOf } from "../../../src/command/crash.ts";
import { scenarioFor } from "../../../src/command/crash-scenarios.ts";
import { recordRuns } from "../../../src/command/crash-words.ts";
import { run } from "../../../src/command/program.ts";
import { findProgram } from "../../../src/command/programs.ts";
import type { CrashRecord } from "../../../src/protocol/index.ts";
import { MISTAKES } from "../../../src/qcow2/wrong-order.ts";
import { engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";

let fixture: EngineFixture;
beforeEach(() => {
  fixture = engineFixture(new MemoryFiles());
});

async function ran(argv: readonly string[], attached: { handle: number; file: string } | null = null): Promise<{ out: string; err: string; status: number }> {
  const text = { out: "", err: "", explain: "" };
  const context = { now: () => 0, attached: () => attached };
  const status = await run(findProgram("crash")!.run(argv, context), fixture.engine.perform, (piece, stream) => (text[stream] += piece));
  return { out: text.out, err: text.err, status };
}

test("the list of a flush, with its barriers", async () => {
  const { out, status } = await ran(["--list"]);
  expect(status).toBe(0);
  expect(out).toContain(
    [
      "  1  guest data               8 KiB      at 0x8000      zone 2, 8 KiB at 136 KiB",
      "  2  raised refcounts         512 bytes  at 0x2000",
      "  3  ---- barrier ----",
      "  4  L2 entries               512 bytes  at 0x5000      zone 2, maps 8 KiB at 136 KiB",
      "  5  ---- barrier ----",
      "  6  advanced pointers        256 bytes  at 0x3000      zone 2",
      "  7  ---- barrier ----",
    ].join("\n"),
  );
});

describe("without --cut", () => {
  test("the right order loses nothing, status 0", async () => {
    const { out, status } = await ran([]);
    expect(out).toMatch(/14 crashes were looked at. None loses anything that was flushed/);
    expect(status).toBe(0);
  });

  test.each(["mappings-before-data", "advanced-pointers-before-mappings", "no-barriers", "all"])("the wrong order %s is shown with what it lost, status 2", async (name) => {
    const { out, status } = await ran(["--wrong-order", name]);
    expect(out).toContain("The order is wrong on purpose:");
    expect(out).toContain("A promise is broken.");
    expect(out).toMatch(/The disk shows what was never there|Flushed data is lost|ends .* too early/);
    expect(status).toBe(2);
  });

  test("a rule that follows from others is told to change nothing", async () => {
    const { out, status } = await ran(["--wrong-order=mappings-before-raised-refcounts"]);
    expect(out).toContain("Nothing changes: other rules demand the same (Refcount table entries wait for raised refcounts; L1 and L2 entries wait for refcount table entries)");
    expect(status).toBe(0);
  });
});

describe("with --cut", () => {
  test("what was lost, why it may be, and what protected", async () => {
    const { out, status } = await ran(["--cut", "2", "--keep", "1:0-3"]);
    expect(out).toContain("reached the disk in part: 1, sectors 0-3");
    expect(out).toContain("on its way and lost: 2");
    expect(out).toContain("zone 2: closed, 8 KiB written (before: closed, 8 KiB written; expected: closed, 16 KiB written): as the last flush left it");
    expect(out).toContain("8 KiB (8192 bytes) that were acknowledged are gone. That is allowed: no flush had returned behind them.");
    expect(out).toContain("L1 and L2 entries wait for guest data; otherwise a power failure between the two leaves this: the guest reads what was never written there.");
    expect(status).toBe(0);
  });

  test("random draws follow from the seed", async () => {
    const [first, again] = [await ran(["--cut", "random", "--seed", "5"]), await ran(["--cut", "random", "--seed", "5"])];
    expect(first).toEqual(again);
    expect(first.status).toBe(0);
    const all = new Set<string>();
    for (let seed = 0; seed < 12; seed++) all.add((await ran(["--cut", "random", "--seed", String(seed)])).out);
    expect(all.size).toBeGreaterThan(3);
  });

  test("as JSON it is the engine's answer", async () => {
    const { out, status } = await ran(["--cut", "4", "--keep", "all", "--output=json", "--wrong-order", "advanced-pointers-before-mappings"]);
    const json = JSON.parse(out) as { records: unknown[]; outcome: { losses: unknown[]; kept: unknown[]; happened: string[] } };
    expect(json.records).toHaveLength(7);
    expect(json.outcome).toMatchObject({ cut: 4, kept: [{ record: 4, sectors: null }], happened: ["advanced-pointers-before-mappings"], losses: [{ code: "bytes", zone: 2, offset: 139264, lengthBytes: 8192, shows: "zeros" }] });
    expect(status).toBe(2);
  });
});

describe("on an image", () => {
  const make = async (): Promise<void> => {
    await fixture.ok("create", { file: "a.qcow2", options: scenarioFor([]).options });
  };

  test("runs the commands on a copy and leaves it alone", async () => {
    await make();
    const { out, status } = await ran(["-c", "write -P 1 128k 4k", "-c", "zf 128k 64k", "a.qcow2"]);
    expect(out).toContain("A scratch copy of a.qcow2: the image itself is only read.");
    expect(status).toBe(0);
    const { handle } = await fixture.ok("open", { file: "a.qcow2", format: null, readOnly: false });
    expect((await fixture.ok("report", { handle, offset: 131072, count: 1 }))[0]).toMatchObject({ condition: 1, writePointer: 131072 });
    // Attached, it is what commands without an image are for.
    expect((await ran(["-c", "write 128k 4k"], { handle, file: "a.qcow2" })).out).toContain("A scratch copy of a.qcow2");
  });

  test.each([
    [["a.qcow2"], /nothing to flush/],
    [["-c", "write 132k 4k", "a.qcow2"], /"write 132k 4k" failed: write failed: Invalid argument/],
    [["-c", "read 0 4k", "a.qcow2"], /left nothing to flush/],
    [["-c", "quit", "a.qcow2"], /"quit" is no command for the disk/],
    [["-c", "write 0 4k", "none.qcow2"], /none\.qcow2/],
    [["a.qcow2", "b.qcow2"], /one image at most/],
    [["--cut", "9"], /cut is 9; allowed is 0 to 7/],
    [["--cut", "x"], /--cut is no number: 'x'/],
    [["--cut", "4", "--keep", "1"], /keep is 1; allowed is records 4 to 4/],
    [["--cut", "4", "--keep", "4-1"], /from the lower number/],
    [["--keep", "4"], /name it with --cut/],
    [["--wrong-order", "nonsense"], /wrong-order is nonsense; allowed is mappings-before-data/],
    [["--output", "xml"], /human or json/],
    [["--nonsense"], /nonsense/],
  ])("refuses %j with status 1", async (argv, words) => {
    await make();
    const { err, status } = await ran(argv);
    expect(err).toMatch(words);
    expect(status).toBe(1);
  });
});

test("commands of a file", async () => {
  await fixture.ok("createRaw", { file: "script", sizeBytes: 512, preallocation: "off" });
  const { handle } = await fixture.ok("open", { file: "script", format: "raw", readOnly: false });
  const text = "# one zone\nwrite -P 1 128k 4k\n";
  await fixture.ok("write", { handle, offset: 0, length: 512, pattern: 0, data: new TextEncoder().encode(text.padEnd(512, "\n")) });
  await fixture.ok("close", { handle });
  const { out, status } = await ran(["--commands", "script"]);
  expect(out).toContain("> write -P 1 128k 4k\n> flush\n");
  expect(status).toBe(0);
});

test("what --keep says", () => {
  const write = (record: number): CrashRecord => ({ type: "write", record, kind: "data", part: "guest data", hostOffset: 0, lengthBytes: 512, sectors: 1, guest: null, zones: null, group: 0 });
  const records: CrashRecord[] = [write(1), { type: "barrier", record: 2, group: 0 }, write(3), write(4)];
  const kept = (text: string, cut = 4) => {
    const read = keptOf(text, cut, records);
    return read.ok ? read.value.map(({ record, sectors }) => [record, sectors]) : read.error;
  };
  expect(kept("all")).toEqual([[3, null], [4, null]]);
  expect(kept("all", 2)).toEqual([]);
  expect(kept("all", 1)).toEqual([[1, null]]);
  expect(kept("none")).toEqual([]);
  expect(kept("4,3:0-2,3:7")).toEqual([[3, [0, 1, 2, 7]], [4, null]]);
  expect(kept("3-4,3:1")).toEqual([[3, null], [4, null]]);
  expect(kept("3;4")).toMatch(/cannot read/);
});

test("the help names what can be given, and every mistake is known to the engine", async () => {
  const { out, status } = await ran(["--help"]);
  for (const option of ["--commands", "--cut", "--keep", "--seed", "--wrong-order", "--list", "--output", "--tries"]) expect(out).toContain(option);
  expect(status).toBe(0);
  expect((await ran(["--wrong-order", MISTAKES.join(","), "--list"])).status).toBe(0);
});

test("runs of numbers", () => {
  expect(recordRuns([1, 2, 3, 5, 7, 8])).toBe("1-3, 5, 7-8");
  expect(recordRuns([])).toBe("none");
});
