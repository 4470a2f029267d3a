/** rebase and commit: the guest's disk stays the same, whenever the power goes; what is refused, and what is left alone. */
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import type { MemoryContents } from "../../../src/bytes/memory-store.ts";
import type { RebaseOptions } from "../../../src/protocol/index.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";
import { CrashFiles } from "./crash-files.ts";

const CLUSTER = 4 * KIB;
type Write = readonly [offset: number, length: number, pattern: number | "zero"];

async function make(files: CrashFiles, file: string, sizeBytes: number, backing: string | null, writes: readonly Write[]): Promise<void> {
  const fixture = engineFixture(files);
  const options = { ...createOptions({ sizeBytes, clusterSize: CLUSTER, zoned: null }), backing: backing === null ? null : { file: backing, format: "qcow2" } };
  await fixture.ok("create", { file, options });
  const { handle } = await fixture.ok("open", { file, readOnly: false, format: "qcow2" });
  for (const [offset, length, pattern] of writes) {
    if (pattern === "zero") await fixture.ok("writeZeroes", { handle, offset, length, unmap: false });
    else await fixture.ok("write", { handle, offset, length, pattern, data: null });
  }
  await fixture.ok("close", { handle });
}

async function diskOf(files: ReadonlyMap<string, MemoryContents>, file: string): Promise<Uint8Array> {
  const fixture = engineFixture(new CrashFiles(files));
  const { handle, facts } = await fixture.ok("open", { file, readOnly: true, format: "qcow2" });
  return (await fixture.ok("read", { handle, offset: 0, length: facts.image.virtualSize, pattern: null, wantData: true })).data!;
}

let made: ReadonlyMap<string, MemoryContents>;
let disk: Uint8Array;
beforeAll(async () => {
  const files = new CrashFiles();
  await make(files, "base", 600 * KIB, null, [[0, 200 * KIB, 1], [300 * KIB, 100 * KIB, 2], [590 * KIB, 10 * KIB, 8]]);
  await make(files, "middle", 400 * KIB, "base", [[40 * KIB, 10 * KIB, 3], [310 * KIB, 20 * KIB, "zero"]]);
  await make(files, "top", MIB, "middle", [[60 * KIB, 5 * KIB, 4], [100 * KIB, 8 * KIB, "zero"], [900 * KIB, 9 * KIB, 5]]);
  await make(files, "other", 500 * KIB, null, [[0, 100 * KIB, 1], [100 * KIB, 50 * KIB, 6], [450 * KIB, 50 * KIB, 7]]);
  made = files.now();
  disk = await diskOf(made, "top");
});

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

async function opened(files: CrashFiles, commitTo?: string | null): Promise<{ fixture: EngineFixture; handle: number }> {
  const fixture = engineFixture(files);
  const { handle } = await fixture.ok("open", { file: "top", readOnly: false, format: "qcow2", ...(commitTo === undefined ? {} : { commitTo }) });
  return { fixture, handle };
}

describe("rebase", () => {
  const targets: readonly [string, RebaseOptions["backing"]][] = [
    ["another image", { file: "other", format: "qcow2" }],
    ["none", null],
    ["the middle's base", { file: "base", format: "qcow2" }],
  ];
  for (const compressed of [false, true]) {
    for (const [what, backing] of targets) {
      test(`onto ${what}${compressed ? ", compressed" : ""}: the disk stays, and a crash at any moment leaves it`, async () => {
        const files = new CrashFiles(made);
        const { fixture, handle } = await opened(files);
        await fixture.ok("rebase", { handle, backing, headerOnly: false, compressed });
        await fixture.ok("close", { handle });
        const after = files.now();
        expect(same(await diskOf(after, "top"), disk)).toBe(true);
        const check = engineFixture(new CrashFiles(after));
        const { handle: checked, facts } = await check.ok("open", { file: "top", readOnly: true, format: "qcow2" });
        expect(facts.image).toMatchObject({ backingFile: backing?.file ?? null, backingFormat: backing?.format ?? null });
        expect(await check.ok("check", { handle: checked })).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });
        const top = files.recorded.get("top")!;
        const random = new Random(11);
        for (let crash = 0; crash < 60; crash++) {
          const left = new Map(made).set("top", top.crash(top.randomPlan(random)));
          expect(same(await diskOf(left, "top"), disk), `crash ${crash}`).toBe(true);
        }
      });
    }
  }

  test("onto an image of its own chain only what lay between is copied", async () => {
    const files = new CrashFiles(made);
    const { fixture, handle } = await opened(files);
    await fixture.ok("rebase", { handle, backing: { file: "base", format: "qcow2" }, headerOnly: false, compressed: false });
    await fixture.ok("close", { handle });
    const look = engineFixture(new CrashFiles(files.now()));
    const { handle: top } = await look.ok("open", { file: "top", readOnly: true, format: "qcow2" });
    const { extents } = await look.ok("map", { handle: top, offset: 0, length: 300 * KIB, maxExtents: 100 });
    const own = extents.filter(({ depth, allocated }) => depth === 0 && allocated).map(({ start, length }) => [start / KIB, length / KIB]);
    expect(own).toEqual([[40, 12], [60, 8], [100, 8]]);
  });

  test("compressed, beside an external data file: refused at the first difference, and nothing is written", async () => {
    const files = new CrashFiles();
    await make(files, "old", 256 * KIB, null, [[64 * KIB, 4 * KIB, 1]]);
    await make(files, "new", 256 * KIB, null, []);
    const fixture = engineFixture(files);
    const options = { ...createOptions({ sizeBytes: 256 * KIB, clusterSize: 64 * KIB, zoned: null }), dataFile: { file: "data", raw: false }, backing: { file: "old", format: "qcow2" } };
    await fixture.ok("create", { file: "beside", options });
    const { handle } = await fixture.ok("open", { file: "beside", readOnly: false, format: "qcow2" });
    const refused = await fixture.fail("rebase", { handle, backing: { file: "new", format: "qcow2" }, headerOnly: false, compressed: true });
    expect(refused).toMatchObject({ kind: "move", step: "write", offset: 64 * KIB, cause: { kind: "usage", code: "compressed-data-file" } });
    const { extents } = await fixture.ok("map", { handle, offset: 0, length: 256 * KIB, maxExtents: 100 });
    expect(extents.filter(({ depth, allocated }) => depth === 0 && allocated)).toEqual([]);
  });

  test("compressed, with subclusters: whole clusters where the image has no part of one, its own bytes untouched", async () => {
    const files = new CrashFiles();
    const size = 256 * KIB;
    await make(files, "old", size, null, [[4 * KIB, 4 * KIB, 1], [60 * KIB, 8 * KIB, 2], [130 * KIB, 2 * KIB, 3]]);
    await make(files, "new", size, null, []);
    const fixture = engineFixture(files);
    const options = { ...createOptions({ sizeBytes: size, clusterSize: 64 * KIB, zoned: null }), extendedL2: true, backing: { file: "old", format: "qcow2" } };
    await fixture.ok("create", { file: "parts", options });
    const { handle } = await fixture.ok("open", { file: "parts", readOnly: false, format: "qcow2" });
    await fixture.ok("write", { handle, offset: 140 * KIB, length: 2 * KIB, pattern: 9, data: null });
    const before = (await fixture.ok("read", { handle, offset: 0, length: size, pattern: null, wantData: true })).data!;
    await fixture.ok("rebase", { handle, backing: { file: "new", format: "qcow2" }, headerOnly: false, compressed: true });
    const after = (await fixture.ok("read", { handle, offset: 0, length: size, pattern: null, wantData: true })).data!;
    expect(same(before, after)).toBe(true);
    const { extents } = await fixture.ok("map", { handle, offset: 0, length: size, maxExtents: 100 });
    const own = extents.filter(({ depth, allocated }) => depth === 0 && allocated).map(({ start, length, compressed }) => [start / KIB, length / KIB, compressed]);
    expect(own).toEqual([[0, 128, true], [130, 2, false], [140, 2, false]]);
    expect(await fixture.ok("check", { handle })).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });
  });

  test("with clusters of 2 MiB, the disk's last one cut short", async () => {
    const files = new CrashFiles();
    const size = 7 * MIB + 512;
    await make(files, "wide-base", size, null, [[MIB, 3 * MIB, 1], [7 * MIB, 512, 2]]);
    const fixture = engineFixture(files);
    await fixture.ok("create", { file: "wide", options: { ...createOptions({ sizeBytes: size, clusterSize: 2 * MIB, zoned: null }), backing: { file: "wide-base", format: "qcow2" } } });
    const { handle } = await fixture.ok("open", { file: "wide", readOnly: false, format: "qcow2" });
    await fixture.ok("write", { handle, offset: 4 * MIB, length: 100, pattern: 3, data: null });
    await fixture.ok("flush", { handle });
    const before = await diskOf(files.now(), "wide");
    await fixture.ok("rebase", { handle, backing: null, headerOnly: false, compressed: false });
    await fixture.ok("close", { handle });
    expect(same(await diskOf(files.now(), "wide"), before)).toBe(true);
  });

  test("headerOnly changes the name and nothing else", async () => {
    const files = new CrashFiles(made);
    const { fixture, handle } = await opened(files);
    await fixture.ok("rebase", { handle, backing: { file: "not there", format: "raw" }, headerOnly: true, compressed: false });
    expect((await engineFixture(new CrashFiles(files.now())).ok("open", { file: "top", readOnly: true, format: "qcow2", inspect: true })).facts.image.backingFile).toBe("not there");
  });

  test("refuses itself, what stands on it, and what is not there", async () => {
    const files = new CrashFiles(made);
    await make(files, "above", MIB, "top", []);
    const { fixture, handle } = await opened(files);
    const to = (file: string): Parameters<EngineFixture["fail"]>[1] => ({ handle, backing: { file, format: "qcow2" }, headerOnly: false, compressed: false });
    expect(await fixture.fail("rebase", to("top") as never)).toMatchObject({ kind: "chain", code: "cycle" });
    expect(await fixture.fail("rebase", to("above") as never)).toMatchObject({ kind: "chain", code: "backing-failed", cause: { kind: "chain", code: "cycle" } });
    expect(await fixture.fail("rebase", to("nowhere") as never)).toMatchObject({ kind: "file", code: "not-found" });
  });
});

describe("commit", () => {
  let chain: ReadonlyMap<string, MemoryContents>;
  let whole: Uint8Array;
  beforeAll(async () => {
    const files = new CrashFiles();
    await make(files, "base", MIB, null, [[0, 200 * KIB, 1], [300 * KIB, 100 * KIB, 2]]);
    await make(files, "middle", 400 * KIB, "base", [[40 * KIB, 10 * KIB, 3]]);
    await make(files, "top", MIB, "middle", [[60 * KIB, 5 * KIB, 4], [100 * KIB, 8 * KIB, "zero"], [900 * KIB, 9 * KIB, 5]]);
    chain = files.now();
    whole = await diskOf(chain, "top");
  });

  test("the base is durable before the image gives anything up, and no crash shows another disk", async () => {
    const files = new CrashFiles(chain);
    const { fixture, handle } = await opened(files, "base");
    files.journal.length = 0;
    await fixture.ok("commit", { handle, base: "base", empty: false });
    await fixture.ok("close", { handle });
    expect(files.journal).not.toContain("top");
    expect(same(await diskOf(files.now(), "base"), whole)).toBe(true);
    const base = files.recorded.get("base")!;
    const random = new Random(5);
    for (let crash = 0; crash < 60; crash++) {
      const left = new Map(chain).set("base", base.crash(base.randomPlan(random)));
      expect(same(await diskOf(left, "top"), whole), `crash ${crash}`).toBe(true);
    }
  });

  test("an image that is emptied shows its backing, which has everything", async () => {
    const two = new CrashFiles();
    await make(two, "base", MIB, null, [[0, 200 * KIB, 1], [300 * KIB, 100 * KIB, 2]]);
    await make(two, "top", MIB, "base", [[60 * KIB, 5 * KIB, 4], [100 * KIB, 8 * KIB, "zero"], [900 * KIB, 9 * KIB, 5]]);
    const before = two.now();
    const shown = await diskOf(before, "top");
    const files = new CrashFiles(before);
    const { fixture, handle } = await opened(files, null);
    files.journal.length = 0;
    await fixture.ok("commit", { handle, base: null, empty: true });
    const { extents } = await fixture.ok("map", { handle, offset: 0, length: MIB, maxExtents: 100 });
    expect(extents.some(({ depth, allocated }) => depth === 0 && allocated)).toBe(false);
    await fixture.ok("close", { handle });
    expect(files.journal.indexOf("top")).toBeGreaterThan(files.journal.lastIndexOf("base"));
    expect(files.recorded.get("base")!.log.at(-1)).toEqual({ kind: "flush" });
    const after = files.now();
    expect(same(await diskOf(after, "base"), shown)).toBe(true);
    const top = files.recorded.get("top")!;
    const random = new Random(6);
    for (let crash = 0; crash < 60; crash++) {
      const left = new Map(after).set("top", top.crash(top.randomPlan(random)));
      expect(same(await diskOf(left, "top"), shown), `crash ${crash}`).toBe(true);
    }
  });

  test("what an emptied image has in a data file is given back when no entry on the disk leads to it any more", async () => {
    const two = new CrashFiles();
    await make(two, "base", MIB, null, [[0, 200 * KIB, 1]]);
    const making = engineFixture(two);
    const options = { ...createOptions({ sizeBytes: MIB, clusterSize: CLUSTER, zoned: null }), backing: { file: "base", format: "qcow2" as const }, dataFile: { file: "data", raw: false } };
    await making.ok("create", { file: "top", options });
    const { handle: made } = await making.ok("open", { file: "top", readOnly: false, format: "qcow2" });
    await making.ok("write", { handle: made, offset: 60 * KIB, length: 9 * KIB, pattern: 4, data: null });
    await making.ok("close", { handle: made });
    const shown = await diskOf(two.now(), "top");
    const files = new CrashFiles(two.now());
    const { fixture, handle } = await opened(files, null);
    await fixture.ok("commit", { handle, base: null, empty: true });
    // Behind all that is durable of the image: the last two changes of any file.
    expect(files.journal.slice(-2)).toEqual(["data", "data"]);
    expect(files.recorded.get("data")!.log.slice(-2)).toEqual([{ kind: "truncate", size: 60 * KIB }, { kind: "truncate", size: MIB }]);
    expect(files.recorded.get("top")!.log.at(-1)).toEqual({ kind: "flush" });
    await fixture.ok("close", { handle });
    expect(same(await diskOf(files.now(), "base"), shown)).toBe(true);
    expect(same(await diskOf(files.now(), "top"), shown)).toBe(true);
  });

  test("refuses a base that is not in the chain, or was not opened to be written", async () => {
    const files = new CrashFiles(chain);
    const { fixture, handle } = await opened(files);
    expect(await fixture.fail("commit", { handle, base: "nowhere", empty: false })).toMatchObject({ kind: "option", option: "base" });
    expect(await fixture.fail("commit", { handle, base: "base", empty: false })).toMatchObject({ kind: "usage", code: "read-only" });
    const { handle: base } = await fixture.ok("open", { file: "base", readOnly: false, format: "qcow2" });
    expect(await fixture.fail("commit", { handle: base, base: null, empty: true })).toMatchObject({ kind: "option", option: "base" });
  });
});
