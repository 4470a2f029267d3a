/**
 * The crash lab: the right order breaks no promise, each mistake breaks one within a bounded search, what is lost is told apart from what
 * may be gone, and the file that a lab looks at stays what it is.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { scenarioFor } from "../../../src/command/crash-scenarios.ts";
import type { CrashScenario } from "../../../src/command/crash-scenarios.ts";
import { runIoCommand } from "../../../src/command/io-commands.ts";
import { sessionOver } from "../../../src/command/io-session.ts";
import { run } from "../../../src/command/program.ts";
import type { CrashLoss, CrashWrite, ReplyOf } from "../../../src/protocol/index.ts";
import { WRITE_ORDER } from "../../../src/qcow2/write-order.ts";
import { MISTAKES, mistakeOf } from "../../../src/qcow2/wrong-order.ts";
import { KIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";

const TRIES = 300;
let files: MemoryFiles;
let fixture: EngineFixture;
beforeEach(() => {
  files = new MemoryFiles();
  fixture = engineFixture(files);
});

async function type(handle: number, lines: readonly string[]): Promise<void> {
  const session = sessionOver(handle, "", () => 0);
  for (const line of lines) expect(await run(runIoCommand(session, line.split(" ")), fixture.engine.perform, () => undefined), line).toBe(true);
}

/** A lab in which the scenario's commands, and a flush, were run. */
async function labOf(scenario: CrashScenario, mistakes: readonly string[] = []): Promise<number> {
  const { handle } = await fixture.ok("crashBegin", { source: { options: scenario.options }, mistakes });
  await type(handle, [...scenario.commands, "flush"]);
  return handle;
}

const search = (handle: number): Promise<ReplyOf<"crashSearch">> => fixture.ok("crashSearch", { handle, seed: 1, tries: TRIES });
const codes = (losses: readonly CrashLoss[]): string[] => losses.map(({ code }) => code);

describe("the right order", () => {
  test.each(MISTAKES)("breaks no promise on the commands that show %s", async (mistake) => {
    const handle = await labOf(scenarioFor([mistake]));
    const { tried, found } = await search(handle);
    expect(found).toBeNull();
    expect(tried).toBeGreaterThanOrEqual(7);
  });

  test("writes everything, whatever the order, when no power fails", async () => {
    for (const mistakes of [[], ...MISTAKES.map((mistake) => [mistake]), WRITE_ORDER.map(mistakeOf)]) {
      const handle = await labOf(scenarioFor(mistakes), mistakes);
      const { records } = await fixture.ok("crashRecord", { handle });
      const kept = records.filter(({ type }) => type === "write").map(({ record }) => ({ record, sectors: null }));
      const pending = mistakes.includes("no-barriers") ? kept : [];
      const outcome = await fixture.ok("crashCut", { handle, cut: records.length, kept: pending, seed: 0 });
      expect(outcome, mistakes.join()).toMatchObject({ losses: [], goneBytes: 0, missing: [], happened: [] });
      expect([...outcome.zones, ...outcome.ranges].every(({ verdict }) => verdict === "new")).toBe(true);
    }
  });
});

/** Rules that follow from others: with one of those they are broken. */
const IMPLIED: Readonly<Record<string, string>> = {
  "mappings-before-raised-refcounts": "mappings-before-refcount-table-entries",
  "lowered-refcounts-before-reset-pointers": "lowered-refcounts-before-mappings",
  "advanced-pointers-before-data": "advanced-pointers-before-mappings",
};
const SHOWS: Readonly<Record<string, { readonly losses: readonly string[]; readonly later?: readonly string[] }>> = {
  "mappings-before-data": { losses: ["bytes"] },
  "mappings-before-new-l2-tables": { losses: ["corrupt"] },
  "mappings-before-raised-refcounts": { losses: ["corrupt"], later: ["bytes"] },
  "mappings-before-refcount-table-entries": { losses: ["corrupt"], later: ["does-not-open"] },
  "refcount-table-entries-before-raised-refcounts": { losses: ["corrupt"], later: ["does-not-open"] },
  "refcount-table-entries-before-moved-refcount-table": { losses: ["corrupt"], later: ["does-not-open"] },
  "mappings-before-reset-pointers": { losses: ["bytes"] },
  "lowered-refcounts-before-reset-pointers": { losses: ["corrupt"], later: ["bytes"] },
  "lowered-refcounts-before-mappings": { losses: ["corrupt"], later: ["bytes"] },
  "advanced-pointers-before-data": { losses: ["bytes"] },
  "advanced-pointers-before-mappings": { losses: ["bytes"] },
  "no-barriers": { losses: ["pointer"] },
};

describe("a wrong order", () => {
  test.each(MISTAKES)("%s breaks a promise", async (mistake) => {
    const partner = IMPLIED[mistake];
    const handle = await labOf(scenarioFor([mistake]), partner === undefined ? [mistake] : [mistake, partner]);
    const { found } = await search(handle);
    expect(found).not.toBeNull();
    const { losses, later = [] } = SHOWS[mistake]!;
    expect(codes(found!.losses)).toEqual(losses);
    expect(new Set(codes(found!.later))).toEqual(new Set(later));
    if (mistake !== "no-barriers") expect(found!.happened).toContain(mistake);
  });

  test.each(Object.keys(IMPLIED))("%s alone changes nothing, and says which rules demand the same", async (mistake) => {
    const handle = await labOf(scenarioFor([mistake]), [mistake]);
    expect((await search(handle)).found).toBeNull();
    const { rules } = await fixture.ok("crashRecord", { handle });
    const rule = rules.find((each) => each.mistake === mistake)!;
    expect(rule.leftOut).toBe(true);
    expect(rule.impliedBy).toContain(IMPLIED[mistake]);
  });

  test("all rules left out", async () => {
    const handle = await labOf(scenarioFor([]), WRITE_ORDER.map(mistakeOf));
    const { found } = await search(handle);
    expect(codes(found!.losses)).toContain("bytes");
  });

  test("a name that is none is refused", async () => {
    const source = { options: scenarioFor([]).options };
    expect(await fixture.fail("crashBegin", { source, mistakes: ["data-before-mappings"] })).toMatchObject({ kind: "option", option: "wrong-order", found: "data-before-mappings" });
  });
});

describe("a cut", () => {
  test("in the middle: what was not flushed may be gone, and the rules that protected are named", async () => {
    const handle = await labOf(scenarioFor([]));
    const { records } = await fixture.ok("crashRecord", { handle });
    expect(records.map((record) => (record.type === "write" ? record.kind : record.type))).toEqual(["data", "raised-refcounts", "barrier", "mappings", "barrier", "advanced-pointers", "barrier"]);
    expect(records[0]).toMatchObject({ guest: { offset: 136 * KIB, lengthBytes: 8 * KIB }, zones: { first: 2, last: 2 }, sectors: 16, group: 0 });
    expect((records[3] as CrashWrite).guest).toEqual({ offset: 136 * KIB, lengthBytes: 8 * KIB });
    expect((records[5] as CrashWrite).zones).toEqual({ first: 2, last: 2 });
    // The entry is on its way and the data are durable; the pointer is not issued.
    const outcome = await fixture.ok("crashCut", { handle, cut: 4, kept: [{ record: 4, sectors: null }], seed: 0 });
    expect(outcome).toMatchObject({ losses: [], goneBytes: 8 * KIB, missing: [], protectedBy: [], happened: [], returned: false });
    expect(outcome.zones).toMatchObject([{ zone: 2, verdict: "old", goneBytes: 8 * KIB, after: { writePointer: 136 * KIB } }]);
    expect(outcome.check).toMatchObject({ corruptions: 0, checkErrors: 0 });
    const early = await fixture.ok("crashCut", { handle, cut: 2, kept: [{ record: 1, sectors: [0, 1, 5] }], seed: 0 });
    expect(early.missing).toEqual([1, 2]);
    expect(early.protectedBy).toEqual(["mappings-before-data", "mappings-before-raised-refcounts", "advanced-pointers-before-data", "advanced-pointers-before-mappings"]);
  });

  test("behind the flush: everything is there", async () => {
    const handle = await labOf(scenarioFor([]));
    const outcome = await fixture.ok("crashCut", { handle, cut: 7, kept: [], seed: 0 });
    expect(outcome).toMatchObject({ returned: true, losses: [], goneBytes: 0 });
  });

  test("that cannot be is refused, with what can", async () => {
    const handle = await labOf(scenarioFor([]));
    expect(await fixture.fail("crashCut", { handle, cut: 8, kept: [], seed: 0 })).toMatchObject({ kind: "option", option: "cut", allowed: "0 to 7" });
    expect(await fixture.fail("crashCut", { handle, cut: 4, kept: [{ record: 1, sectors: null }], seed: 0 })).toMatchObject({ kind: "option", option: "keep", allowed: "records 4 to 4, which no barrier has made durable" });
    expect(await fixture.fail("crashCut", { handle, cut: 2, kept: [{ record: 1, sectors: [16] }], seed: 0 })).toMatchObject({ kind: "option", found: "sector 16 of record 1" });
  });

  test("drawn from a seed is the same again", async () => {
    const handle = await labOf(scenarioFor(["mappings-before-refcount-table-entries"]));
    const draw = (seed: number, cut: number | null): Promise<ReplyOf<"crashCut">> => fixture.ok("crashCut", { handle, cut, kept: null, seed });
    expect(await draw(7, null)).toEqual(await draw(7, null));
    expect((await draw(7, 4)).cut).toBe(4);
    const seen = new Set<string>();
    for (let seed = 0; seed < 20; seed++) seen.add(JSON.stringify((await draw(seed, 4)).kept));
    expect(seen.size).toBeGreaterThan(5);
  });

  test("a flush with nothing to do leaves the record of the last one, a new write begins a new one", async () => {
    const handle = await labOf(scenarioFor([]));
    await type(handle, ["flush"]);
    expect((await fixture.ok("crashRecord", { handle })).records).toHaveLength(7);
    await type(handle, ["write -P 0x33 144k 4k", "flush"]);
    const { records } = await fixture.ok("crashRecord", { handle });
    expect(records[0]).toMatchObject({ guest: { offset: 144 * KIB, lengthBytes: 4 * KIB } });
  });
});

describe("over an image of the library", () => {
  const wholeOf = async (file: string): Promise<Uint8Array> => {
    const opened = await files.open(file, "read");
    if (!opened.ok) throw new Error(file);
    const bytes = new Uint8Array(opened.value.size());
    opened.value.read(0, bytes);
    opened.value.close();
    return bytes;
  };
  const make = async (): Promise<void> => {
    await fixture.ok("create", { file: "disk.qcow2", options: scenarioFor([]).options });
    const { handle } = await fixture.ok("open", { file: "disk.qcow2", format: null, readOnly: false });
    await type(handle, ["write -P 0x11 128k 8k", "flush"]);
    await fixture.ok("close", { handle });
  };

  test.each([false, true])("the file stays byte for byte what it is (open here: %s)", async (isOpen) => {
    await make();
    const before = await wholeOf("disk.qcow2");
    const attached = isOpen ? (await fixture.ok("open", { file: "disk.qcow2", format: null, readOnly: false })).handle : null;
    for (const mistakes of [[], ["advanced-pointers-before-mappings"]]) {
      const { handle } = await fixture.ok("crashBegin", { source: { file: "disk.qcow2" }, mistakes });
      await type(handle, ["write -P 0x22 136k 8k", "zf 128k 64k", "flush"]);
      expect((await search(handle)).found === null).toBe(mistakes.length === 0);
      await fixture.ok("close", { handle });
    }
    if (attached !== null) await fixture.ok("close", { handle: attached });
    expect(await wholeOf("disk.qcow2")).toEqual(before);
    expect((await files.list()).map(({ name }) => name)).toEqual(["disk.qcow2"]);
  });

  test("what is written to the open image meanwhile does not change the lab", async () => {
    await make();
    const { handle: attached } = await fixture.ok("open", { file: "disk.qcow2", format: null, readOnly: false });
    const { handle } = await fixture.ok("crashBegin", { source: { file: "disk.qcow2" }, mistakes: [] });
    await type(attached, ["write -P 0x99 136k 40k", "zrs 128k 64k", "flush", "write -P 0x98 128k 4k", "flush"]);
    await type(handle, ["write -P 0x22 136k 8k", "flush"]);
    expect((await search(handle)).found).toBeNull();
    await type(handle, ["read -P 0x11 128k 8k", "read -P 0x22 136k 8k"]);
  });

  test("the disk that a cut leaves becomes an image of the library", async () => {
    await make();
    const { handle } = await fixture.ok("crashBegin", { source: { file: "disk.qcow2" }, mistakes: [] });
    await type(handle, ["write -P 0x22 136k 8k", "flush"]);
    expect(await fixture.ok("crashSave", { handle, to: "after.qcow2", cut: 2, kept: [] })).toEqual({ file: "after.qcow2" });
    expect(await fixture.fail("crashSave", { handle, to: "after.qcow2", cut: 2, kept: [] })).toMatchObject({ kind: "file", code: "exists" });
    await fixture.ok("close", { handle });
    const opened = await fixture.ok("open", { file: "after.qcow2", format: null, readOnly: false });
    const report = await fixture.ok("report", { handle: opened.handle, offset: 128 * KIB, count: 1 });
    expect(report[0]).toMatchObject({ writePointer: 136 * KIB });
  });

  test("a lab is flushed by nobody but the person", async () => {
    const { handle } = await fixture.ok("crashBegin", { source: { options: scenarioFor([]).options }, mistakes: [] });
    await type(handle, ["write -P 0x11 128k 8k"]);
    expect(fixture.engine.hasUnflushed).toBe(false);
    await fixture.engine.flushIdle();
    expect((await fixture.ok("crashRecord", { handle })).records).toEqual([]);
  });

  test("raw images, external data files and what changes an image as a whole are refused by name", async () => {
    await fixture.ok("createRaw", { file: "raw.img", sizeBytes: 64 * KIB, preallocation: "off" });
    expect(await fixture.fail("crashBegin", { source: { file: "raw.img" }, mistakes: [] })).toMatchObject({ kind: "unsupported" });
    await fixture.ok("create", { file: "with.qcow2", options: createOptions({ sizeBytes: 64 * KIB, zoned: null, dataFile: { file: "data.raw", raw: true } }) });
    expect(await fixture.fail("crashBegin", { source: { file: "with.qcow2" }, mistakes: [] })).toMatchObject({ kind: "unsupported" });
    const { handle } = await fixture.ok("crashBegin", { source: { options: createOptions({ sizeBytes: 64 * KIB, zoned: null }) }, mistakes: [] });
    expect(await fixture.fail("resize", { handle, sizeBytes: 128 * KIB, preallocation: "off" })).toMatchObject({ kind: "unsupported", feature: "resize in the crash lab" });
    expect(await fixture.fail("createSnapshot", { handle, name: "one" })).toMatchObject({ kind: "unsupported" });
    expect(await fixture.fail("crashRecord", { handle: 99 })).toMatchObject({ kind: "usage", code: "closed-handle" });
  });

  test("an image without zones: sectors are old or new, and a wrong order shows what was never there", async () => {
    const options = createOptions({ sizeBytes: 256 * KIB, clusterSize: 4 * KIB, zoned: null });
    const lines = ["write -P 0x11 0 64k", "flush", "discard 0 64k", "flush", "write -P 0x22 128k 6k"];
    const right = await labOf({ story: "", options, commands: lines });
    expect((await search(right)).found).toBeNull();
    const wrong = await labOf({ story: "", options, commands: lines }, ["mappings-before-data"]);
    // Of the cluster that is new to the disk, what was written shows something else, and so does the rest, which was zeros.
    expect((await search(wrong)).found?.losses).toMatchObject([
      { code: "bytes", zone: null, offset: 128 * KIB, lengthBytes: 6 * KIB, shows: "other", flushed: false },
      { code: "bytes", zone: null, offset: 134 * KIB, lengthBytes: 2 * KIB, shows: "other", flushed: true },
    ]);
  });
});
