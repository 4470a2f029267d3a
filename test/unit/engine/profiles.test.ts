/** Every cell of the table of profiles, through the engine: the same steps on a scratch device of each. Zone semantics, "Other profiles". */
import { describe, expect, test } from "vitest";
import { conditionName } from "../../../src/base/conditions.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { PROFILE_NAMES } from "../../../src/protocol/index.ts";
import type { Failure, ProfileName, ZonedCreateOptions } from "../../../src/protocol/index.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import { PROFILES } from "../../../src/zoned/profiles.ts";
import { fileReader, putFile, rawExtension } from "./images.ts";

const CAPACITY = 768 * KIB;
const LOOSE: Partial<ZonedCreateOptions> = { zoneCapacity: CAPACITY };
/** One open zone of three active ones. */
const ONE_OPEN: Partial<ZonedCreateOptions> = { ...LOOSE, maxOpenZones: 1, maxActiveZones: 3 };
const TWO_ACTIVE: Partial<ZonedCreateOptions> = { ...LOOSE, maxOpenZones: 2, maxActiveZones: 2 };
const THREE_OPEN: Partial<ZonedCreateOptions> = { ...LOOSE, maxOpenZones: 3 };

/** A fixture whose short-hands can be taken apart. */
function newEngine(files = new MemoryFiles()) {
  const fixture = engineFixture(files);
  return { engine: fixture.engine, ok: fixture.ok.bind(fixture), fail: fixture.fail.bind(fixture) };
}

const codeOf = (failure: Failure): string => ("code" in failure ? failure.code : failure.kind);

/** A scratch device that takes steps such as "write 3" (4 KiB at the pointer), "skip 3" (beyond it), "fill 3", "open 3". */
async function bench(profile: ProfileName, zoned: Partial<ZonedCreateOptions>) {
  const { engine, ok } = newEngine();
  const { handle } = await ok("scratch", { options: createOptions({ zoned }), profile });
  const zones = () => ok("report", { handle, offset: 0, count: 12 });
  const step = async (text: string): Promise<string> => {
    const [verb, number] = text.split(" ");
    const { start, writePointer } = (await zones())[Number(number)]!;
    const range = { handle, offset: start, length: MIB };
    const write = (offset: number, length: number) => engine.perform("write", { handle, offset, length, pattern: 0x5a, data: null });
    const outcome =
      verb === "write" ? await write(writePointer, 4 * KIB)
      : verb === "skip" ? await write(writePointer + 64 * KIB, 4 * KIB)
      : verb === "fill" ? await write(writePointer, start + CAPACITY - writePointer)
      : verb === "append" ? await engine.perform("append", { handle, offset: start, lengths: [4 * KIB], pattern: 1 })
      : await engine.perform("manage", { ...range, operation: verb as "open" | "close" | "finish" | "reset" });
    return outcome.ok ? "ok" : codeOf(outcome.error);
  };
  const condition = async (zone: number): Promise<string> => conditionName((await zones())[zone]!.condition as 1);
  return { ok, handle, step, condition, zones };
}

/** Steps that must go well, the step in question, and for each profile its answer and the condition of the zone afterwards. */
type Row = readonly [rule: string, limits: Partial<ZonedCreateOptions>, before: string, step: string, expected: Readonly<Record<ProfileName, string>>];

const row = (qcow2: string, v4: string, zns: string, zbc: string, nullBlk: string): Readonly<Record<ProfileName, string>> => ({
  qcow2, "v4-as-posted": v4, zns, zbc, null_blk: nullBlk,
});

const NOT_FROM_FULL = "invalid-transition, FULL";
const NOT_FROM_EMPTY = "invalid-transition, EMPTY";
const FULL = "ok, FULL";
const ACTIVE_EMPTY = "too-many-active, EMPTY";
const OPEN_EMPTY = "too-many-open, EMPTY";
const OPEN_CLOSED = "too-many-open, CLOSED";
const EXPLICIT = "ok, EXPLICIT_OPEN";
const IMPLICIT = "ok, IMPLICIT_OPEN";
const ALL_ACTIVE = "write 0, close 0, write 1, close 1";

const ROWS: readonly Row[] = [
  ["OPEN of FULL", LOOSE, "fill 0", "open 0", row(NOT_FROM_FULL, EXPLICIT, NOT_FROM_FULL, FULL, NOT_FROM_FULL)],
  ["CLOSE of EMPTY", LOOSE, "", "close 0", row("ok, EMPTY", "ok, EMPTY", NOT_FROM_EMPTY, "ok, EMPTY", NOT_FROM_EMPTY)],
  ["CLOSE of FULL", LOOSE, "fill 0", "close 0", row(FULL, FULL, NOT_FROM_FULL, FULL, NOT_FROM_FULL)],
  ["CLOSE of EXPLICIT, unwritten", LOOSE, "open 0", "close 0", row("ok, EMPTY", "ok, EMPTY", "ok, CLOSED", "ok, EMPTY", "ok, EMPTY")],
  ["CLOSE of EXPLICIT, written", LOOSE, "open 0, write 0", "close 0", row("ok, CLOSED", "ok, CLOSED", "ok, CLOSED", "ok, CLOSED", "ok, CLOSED")],
  ["a closed, unwritten zone stays active", { ...LOOSE, maxActiveZones: 1 }, "open 0, close 0", "open 1", row(EXPLICIT, EXPLICIT, ACTIVE_EMPTY, EXPLICIT, EXPLICIT)],
  ["FINISH of EMPTY, no active slot", TWO_ACTIVE, ALL_ACTIVE, "finish 2", row(ACTIVE_EMPTY, ACTIVE_EMPTY, FULL, FULL, ACTIVE_EMPTY)],
  ["FINISH of EMPTY, no open slot", ONE_OPEN, "open 0", "finish 1", row(OPEN_EMPTY, FULL, FULL, OPEN_EMPTY, OPEN_EMPTY)],
  ["FINISH of CLOSED, no active slot", TWO_ACTIVE, ALL_ACTIVE, "finish 1", row(FULL, FULL, FULL, FULL, FULL)],
  ["FINISH of CLOSED, no open slot", ONE_OPEN, "write 1, close 1, open 0", "finish 1", row(OPEN_CLOSED, OPEN_CLOSED, FULL, OPEN_CLOSED, OPEN_CLOSED)],
  ["OPEN of EMPTY, no active slot", TWO_ACTIVE, ALL_ACTIVE, "open 2", row(ACTIVE_EMPTY, ACTIVE_EMPTY, ACTIVE_EMPTY, EXPLICIT, ACTIVE_EMPTY)],
  ["WRITE of EMPTY, no active slot", TWO_ACTIVE, ALL_ACTIVE, "write 2", row(ACTIVE_EMPTY, ACTIVE_EMPTY, ACTIVE_EMPTY, IMPLICIT, ACTIVE_EMPTY)],
  ["OPEN of EMPTY, no open slot", ONE_OPEN, "open 0", "open 1", row(OPEN_EMPTY, EXPLICIT, OPEN_EMPTY, OPEN_EMPTY, OPEN_EMPTY)],
  ["WRITE of EMPTY, no open slot", ONE_OPEN, "open 0", "write 1", row(OPEN_EMPTY, IMPLICIT, OPEN_EMPTY, OPEN_EMPTY, OPEN_EMPTY)],
  [
    "implicit close while active is full", { ...LOOSE, maxOpenZones: 1, maxActiveZones: 2 }, "write 0, close 0, write 1", "open 0",
    row(EXPLICIT, OPEN_CLOSED, EXPLICIT, EXPLICIT, OPEN_CLOSED),
  ],
  ["WRITE above the pointer", LOOSE, "write 0", "skip 0", row("not-at-write-pointer, IMPLICIT_OPEN", IMPLICIT, "not-at-write-pointer, IMPLICIT_OPEN", "not-at-write-pointer, IMPLICIT_OPEN", "not-at-write-pointer, IMPLICIT_OPEN")],
  ["APPEND", LOOSE, "", "append 0", row(IMPLICIT, IMPLICIT, IMPLICIT, "unsupported, EMPTY", IMPLICIT)],
];

describe.each(ROWS)("%s", (_rule, limits, before, step, expected) => {
  test.each(PROFILE_NAMES)("%s", async (profile) => {
    const device = await bench(profile, limits);
    for (const earlier of before === "" ? [] : before.split(", ")) expect(await device.step(earlier), earlier).toBe("ok");
    const answer = await device.step(step);
    expect(`${answer}, ${await device.condition(Number(step.split(" ")[1]))}`).toBe(expected[profile]);
  });
});

describe("which zone is closed implicitly", () => {
  // Zone 5 is closed from the start: to open it needs an open slot under every profile.
  test.each<[string, Readonly<Record<ProfileName, number>>]>([
    ["write 2, write 0, write 1, write 2", { qcow2: 0, "v4-as-posted": 0, zns: 2, zbc: 2, null_blk: 0 }],
    ["write 3, write 1, write 2, write 3", { qcow2: 1, "v4-as-posted": 2, zns: 3, zbc: 3, null_blk: 1 }],
    ["write 3, write 2, write 1, write 2", { qcow2: 3, "v4-as-posted": 1, zns: 3, zbc: 3, null_blk: 1 }],
  ])("%s", async (writes, expected) => {
    for (const profile of PROFILE_NAMES) {
      const { ok, handle, step, zones } = await bench(profile, THREE_OPEN);
      for (const text of ["write 5", "close 5", ...writes.split(", ")]) expect(await step(text)).toBe("ok");
      const { resources } = await ok("watch", { handle });
      expect(await step("open 5")).toBe("ok");
      const closed = (await zones()).filter(({ condition }) => condition === 4).map(({ zone }) => zone);
      expect([profile, ...closed]).toEqual([profile, expected[profile]]);
      expect(resources?.implicitOrder[0], "the order that is shown begins with it").toBe(expected[profile]);
    }
  });

  test("null_blk goes on behind the zone that it closed last", async () => {
    const { ok, handle, step, condition } = await bench("null_blk", THREE_OPEN);
    const closings: number[] = [];
    for (const zone of [6, 2, 4, 1, 2, 7, 4, 6]) {
      const next = (await ok("watch", { handle })).resources!.implicitOrder[0];
      expect(await step(`write ${zone}`)).toBe("ok");
      if (next !== undefined && (await condition(next)) === "CLOSED") closings.push(next);
    }
    expect(closings).toEqual([2, 4, 6, 7, 1]);
  });
});

test.each<[ProfileName, number]>([["qcow2", CAPACITY], ["v4-as-posted", MIB], ["zns", CAPACITY], ["zbc", MIB], ["null_blk", CAPACITY]])(
  "reported capacity, %s",
  async (profile, expected) => {
    const { ok, handle, zones } = await bench(profile, LOOSE);
    expect((await zones())[3]!.capacity).toBe(expected);
    expect(codeOf(await engineFailure(ok, handle))).toBe("exceeds-capacity");
  },
);

/** A write beyond the capacity, which no report makes possible. */
async function engineFailure(ok: Awaited<ReturnType<typeof bench>>["ok"], handle: number): Promise<Failure> {
  const outcome = await ok("write", { handle, offset: 0, length: CAPACITY + 512, pattern: 1, data: null }).catch((error: Error) => error);
  if (!(outcome instanceof Error)) throw new Error("the write succeeded");
  return JSON.parse(outcome.message.replace("write failed: ", "")) as Failure;
}

test("a device with conventional zones cannot follow zns, and all else can be had", async () => {
  const { ok, fail } = newEngine();
  const options = createOptions({ zoned: { conventionalZones: 2 } });
  for (const profile of PROFILE_NAMES) {
    if (profile === "zns") {
      const refused = { kind: "option", option: "profile", found: "zns", allowed: expect.stringContaining("this disk has 2 of them") as string };
      expect(await fail("scratch", { options, profile })).toMatchObject(refused);
      const { handle } = await ok("scratch", { options, profile: "qcow2" });
      expect(await fail("setProfile", { handle, profile })).toMatchObject(refused);
      expect((await ok("facts", { handle })).zoned?.policy).toBe("qcow2");
    } else {
      const { handle } = await ok("scratch", { options, profile });
      await ok("write", { handle, offset: 4096, length: 4096, pattern: 1, data: null });
    }
  }
});

test("what a skipping write skips reads as zeros, also where data was before a reset", async () => {
  const { ok, handle, step } = await bench("v4-as-posted", LOOSE);
  for (const text of ["fill 0", "reset 0", "write 0", "skip 0"]) expect(await step(text)).toBe("ok");
  const { mismatchOffset } = await ok("read", { handle, offset: 4 * KIB, length: 64 * KIB, pattern: 0, wantData: false });
  expect(mismatchOffset).toBeNull();
  await ok("read", { handle, offset: 68 * KIB, length: 4 * KIB, pattern: 0x5a, wantData: false });
  expect((await ok("check", { handle })).findings).toEqual([]);
});

test("what a skipping write skips reads as zeros in a cluster that a neighbour shares, which a reset leaves as it was", async () => {
  const { ok } = newEngine();
  const zone = 8 * KIB;
  const { handle } = await ok("scratch", { options: createOptions({ sizeBytes: 8 * zone, zoned: { zoneSize: zone, zoneCapacity: zone } }), profile: "v4-as-posted" });
  const write = (offset: number, length: number, pattern: number) => ok("write", { handle, offset, length, pattern, data: null });
  const shows = async (offset: number, length: number, pattern: number): Promise<void> => expect((await ok("read", { handle, offset, length, pattern, wantData: false })).mismatchOffset).toBeNull();
  await write(0, 512, 3);
  await write(zone, zone, 4);
  await ok("manage", { handle, operation: "reset", offset: zone, length: zone });
  await write(zone + 4 * KIB, 512, 5);
  await shows(0, 512, 3);
  await shows(zone, 4 * KIB, 0);
  await shows(zone + 4 * KIB, 512, 5);
  await shows(zone + 4608, zone - 4608, 0);
});

test("what a skipping write skips reads as zeros where a crash left data above the pointer, from sector to sector", async () => {
  const files = new MemoryFiles();
  const { ok } = newEngine(files);
  await ok("create", { file: "a", options: createOptions() });
  const { handle: filled } = await ok("open", { file: "a", readOnly: false, format: null });
  await ok("write", { handle: filled, offset: MIB, length: MIB, pattern: 7, data: null });
  await ok("close", { handle: filled });
  const { size, read } = await fileReader(files, "a");
  const bytes = read(0, size);
  const pointer = MIB + 64 * KIB + 512;
  new DataView(bytes.buffer).setBigUint64(rawExtension(bytes).metadataOffset + 8, BigInt(pointer), true);
  await putFile(files, "b", bytes);
  const { handle } = await ok("open", { file: "b", readOnly: false, format: null });
  await ok("setProfile", { handle, profile: "v4-as-posted" });
  // Over the rest of a cluster, a whole one, and the beginning of the one that is written.
  const at = MIB + 200 * KIB;
  await ok("write", { handle, offset: at, length: 4 * KIB, pattern: 5, data: null });
  for (const [from, to, pattern] of [[MIB, pointer, 7], [pointer, at, 0], [at, at + 4 * KIB, 5], [at + 4 * KIB, 2 * MIB, 0]] as const) {
    expect((await ok("read", { handle, offset: from, length: to - from, pattern, wantData: false })).mismatchOffset).toBeNull();
  }
});

test("a zone that was opened while FULL takes nothing and is FULL again when it is closed or finished", async () => {
  const { step, condition } = await bench("v4-as-posted", LOOSE);
  for (const text of ["fill 0", "finish 1", "open 0", "open 1"]) expect(await step(text)).toBe("ok");
  expect(await step("append 0")).toBe("exceeds-capacity");
  expect([await condition(0), await condition(1)]).toEqual(["EXPLICIT_OPEN", "EXPLICIT_OPEN"]);
  expect([await step("close 0"), await step("finish 1")]).toEqual(["ok", "ok"]);
  expect([await condition(0), await condition(1)]).toEqual(["FULL", "FULL"]);
});

describe("the profile of an open image", () => {
  const made = async () => {
    const fixture = newEngine();
    await fixture.ok("create", { file: "a", options: createOptions({ zoned: { maxOpenZones: 2, maxActiveZones: 3 } }) });
    const open = async () => (await fixture.ok("open", { file: "a", readOnly: false, format: null })).handle;
    return { ...fixture, open, policyOf: async (handle: number) => (await fixture.ok("facts", { handle })).zoned?.policy };
  };

  test("lasts over a power cycle and ends with the handle", async () => {
    const { ok, open, policyOf } = await made();
    const handle = await open();
    expect(await policyOf(handle)).toBe("qcow2");
    expect((await ok("setProfile", { handle, profile: "zbc" })).zoned?.policy).toBe("zbc");
    const cycled = await ok("powerCycle", { handle });
    expect(cycled.facts.zoned?.policy).toBe("zbc");
    expect(cycled.resources, "a limit that the profile does not mind is none").toMatchObject({ maxOpen: 2, maxActive: 0 });
    await ok("close", { handle });
    expect(await policyOf(await open())).toBe("qcow2");
  });

  test("changes what is closed next for zones that are open already", async () => {
    const { ok, open } = await made();
    const handle = await open();
    for (const offset of [2 * MIB, MIB, 2 * MIB + 4096]) await ok("write", { handle, offset, length: 4096, pattern: 1, data: null });
    const order = async (profile: ProfileName) => {
      await ok("setProfile", { handle, profile });
      return (await ok("watch", { handle })).resources?.implicitOrder;
    };
    expect([await order("zns"), await order("qcow2"), await order("null_blk"), await order("v4-as-posted")]).toEqual([[2, 1], [1, 2], [1, 2], [1, 2]]);
  });

  test("is refused for a name that is none, and for a disk without zones", async () => {
    const { ok, fail, open } = await made();
    expect(await fail("setProfile", { handle: await open(), profile: "toString" as ProfileName })).toMatchObject({ kind: "option", found: "toString" });
    await ok("create", { file: "plain", options: createOptions({ zoned: null }) });
    const { handle } = await ok("open", { file: "plain", readOnly: false, format: null });
    expect(await fail("setProfile", { handle, profile: "zns" })).toMatchObject({ kind: "unsupported" });
    expect(await fail("scratch", { options: createOptions({ zoned: null }), profile: "zns" })).toMatchObject({ kind: "unsupported" });
    expect(await fail("scratch", { options: createOptions({ clusterSize: 7 }), profile: "zns" })).toMatchObject({ kind: "option", option: "cluster_size" });
  });
});

test("a scratch device is no file, and gone when it is closed", async () => {
  const { ok, fail } = newEngine();
  const { handle, facts } = await ok("scratch", { options: createOptions(), profile: "null_blk" });
  expect(facts.zoned?.policy).toBe("null_blk");
  expect((await ok("listFiles", {})).files).toEqual([]);
  await ok("close", { handle });
  expect(await fail("facts", { handle })).toMatchObject({ code: "closed-handle" });
});

test("the names of the protocol are the profiles, each under its own name", () => {
  expect(PROFILE_NAMES).toEqual(Object.keys(PROFILES));
  for (const name of PROFILE_NAMES) expect(PROFILES[name].name).toBe(name);
});
