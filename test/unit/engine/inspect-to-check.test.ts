/** An image without a usable refcount table: its header is told to be wrong, and it is checked, planned for and repaired all the same. */
import { describe, expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { createOptions, engineFixture, KIB, MIB } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";
import { LAYOUT_KINDS } from "../../../src/protocol/index.ts";
import type { ReplyOf } from "../../../src/protocol/index.ts";
import { putFile } from "./images.ts";

interface Broken {
  readonly files: MemoryFiles;
  readonly fixture: EngineFixture;
  readonly bytes: Uint8Array;
}

async function bytesOf(files: MemoryFiles, name: string): Promise<Uint8Array> {
  const opened = await files.open(name, "read");
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  const all = new Uint8Array(opened.value.size());
  opened.value.read(0, all);
  opened.value.close();
  return all;
}

async function brokenImage(zoned: boolean, spoil: (header: DataView) => void): Promise<Broken> {
  const files = new MemoryFiles();
  const fixture = engineFixture(files);
  await fixture.ok("create", { file: "image", options: createOptions(zoned ? {} : { zoned: null }) });
  const { handle } = await fixture.ok("open", { file: "image", format: null, readOnly: false });
  await fixture.ok("write", { handle, offset: 2 * MIB, length: 100 * KIB, pattern: 7, data: null });
  await fixture.ok("close", { handle });
  const bytes = await bytesOf(files, "image");
  spoil(new DataView(bytes.buffer));
  await putFile(files, "broken", bytes);
  await putFile(files, "copy", bytes);
  return { files, fixture, bytes };
}

const SPOILT: readonly [what: string, field: string, at: number, spoil: (header: DataView) => void][] = [
  ["of no clusters", "refcount_table_clusters", 56, (header) => header.setUint32(56, 0)],
  ["behind the file's end", "refcount_table_offset", 48, (header) => header.setBigUint64(48, 1n << 30n)],
];

describe.each([["zoned", true], ["plain", false]] as const)("a %s image with a refcount table", (_, zoned) => {
  test.each(SPOILT)("%s: the field is named, the plan lists what the repair of a copy changes, and the copy is whole", async (_what, field, at, spoil) => {
    const { files, fixture, bytes } = await brokenImage(zoned, spoil);
    const { inspection, header } = await fixture.ok("inspect", { file: "broken" });
    expect(header).toMatchObject({ problem: { structure: "header", field, hostOffset: at }, isForCheck: true });
    expect(header!.fields.filter(({ validity }) => validity === "invalid").map((fact) => fact.field)).toEqual([field]);

    const checked = await fixture.ok("open", { file: "broken", format: "qcow2", readOnly: true, inspect: true, forCheck: true });
    const check = await fixture.ok("check", { handle: checked.handle });
    await fixture.ok("close", { handle: checked.handle });
    expect(check.corruptions + check.checkErrors).toBeGreaterThan(0);

    const plan = await fixture.ok("repairPlan", { inspection, mode: "all" });
    expect(plan.report).toMatchObject({ needsRebuild: false, after: { corruptions: 0, leaks: 0, checkErrors: 0 } });
    const ofHeader = plan.changes.filter(({ hostOffset }) => hostOffset < 64 * KIB);
    expect(ofHeader.map(({ structure }) => structure)).toEqual(ofHeader.map(() => "header"));
    expect(ofHeader.some(({ hostOffset, lengthBytes }) => hostOffset < 60 && hostOffset + lengthBytes > 48)).toBe(true);
    expect(Buffer.compare(await bytesOf(files, "broken"), bytes)).toBe(0);

    const copy = await fixture.ok("open", { file: "copy", format: "qcow2", readOnly: false, inspect: true, forCheck: true });
    expect(await fixture.ok("repair", { handle: copy.handle, mode: "all" })).toEqual(plan.report);
    await fixture.ok("close", { handle: copy.handle });
    const repaired = await bytesOf(files, "copy");
    const patched = new Uint8Array(plan.fileSize);
    patched.set(bytes.subarray(0, plan.fileSize));
    for (const { hostOffset, lengthBytes } of plan.changes) patched.set(repaired.subarray(hostOffset, hostOffset + lengthBytes), hostOffset);
    expect(plan.told).toBe(plan.changes.length);
    expect(Buffer.compare(patched, repaired)).toBe(0);
    expect((await fixture.ok("inspect", { file: "copy" })).header).toMatchObject({ problem: null, isForCheck: false });
    const { handle } = await fixture.ok("open", { file: "copy", format: null, readOnly: false });
    expect(await fixture.ok("check", { handle })).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });
    expect((await fixture.ok("read", { handle, offset: 2 * MIB, length: 100 * KIB, pattern: 7, wantData: false })).mismatchOffset).toBeNull();
  });
});

// Words of the header lead to blocks far behind the file's end, and a repair makes it that long, as qemu-img does: the file is not compared byte by byte.
test.each([["zoned", true], ["plain", false]] as const)("a %s image with a refcount table at 0, where the header is, can be checked as its header says, and a copy is repaired", async (_, zoned) => {
  const { fixture } = await brokenImage(zoned, (header) => header.setBigUint64(48, 0n));
  const { inspection, header } = await fixture.ok("inspect", { file: "broken" });
  expect(header).toMatchObject({ problem: { structure: "header", field: "refcount_table_offset", hostOffset: 48 }, isForCheck: true });
  const checked = await fixture.ok("open", { file: "broken", format: "qcow2", readOnly: true, inspect: true, forCheck: true });
  expect((await fixture.ok("check", { handle: checked.handle })).corruptions).toBeGreaterThan(0);
  await fixture.ok("close", { handle: checked.handle });
  const plan = await fixture.ok("repairPlan", { inspection, mode: "all" });
  expect(plan.report).toMatchObject({ needsRebuild: false, after: { corruptions: 0, leaks: 0, checkErrors: 0 } });
  const copy = await fixture.ok("open", { file: "copy", format: "qcow2", readOnly: false, inspect: true, forCheck: true });
  expect(await fixture.ok("repair", { handle: copy.handle, mode: "all" })).toEqual(plan.report);
  await fixture.ok("close", { handle: copy.handle });
  const { handle } = await fixture.ok("open", { file: "copy", format: null, readOnly: false });
  expect(await fixture.ok("check", { handle })).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });
  expect((await fixture.ok("read", { handle, offset: 2 * MIB, length: 100 * KIB, pattern: 7, wantData: false })).mismatchOffset).toBeNull();
});

test.each([
  ["of no clusters", (header: DataView) => header.setUint32(56, 0)],
  ["at 0", (header: DataView) => header.setBigUint64(48, 0n)],
  ["neither anywhere nor of any length", (header: DataView) => [48, 52, 56].forEach((at) => header.setUint32(at, 0))],
])("a refcount table %s: the layout shows what the other tables lead to, judges nothing, and says what is wrong", async (_, spoil) => {
  const sound = await brokenImage(true, () => undefined);
  const layoutOf = async ({ fixture }: Broken): Promise<ReplyOf<"layout">> => fixture.ok("layout", { inspection: (await fixture.ok("inspect", { file: "broken" })).inspection });
  const before = await layoutOf(sound);
  const layout = await layoutOf(await brokenImage(true, spoil));
  expect(layout.problem).toMatchObject({ structure: "header", field: expect.stringMatching(/^refcount_table_/) as string });
  expect(before.problem).toBeNull();
  const withoutCounts = before.kinds.map((kind) => (["refcount-table", "refcount-block"].includes(LAYOUT_KINDS[kind]!) ? 0 : kind));
  expect(layout.kinds).toEqual(withoutCounts);
  expect(layout.counts[LAYOUT_KINDS.indexOf("data")]).toBe(2);
});

test("its tables are followed, and a byte is told for what it is", async () => {
  const { fixture } = await brokenImage(true, (header) => header.setUint32(56, 0));
  const { inspection } = await fixture.ok("inspect", { file: "broken" });
  const { entries } = await fixture.ok("tableEntries", { inspection, l1Index: 0, from: 32, count: 1 });
  expect(entries[0]).toMatchObject({ kind: "data", guestOffset: 2 * MIB, refcount: 0 });
  const place = await fixture.ok("locate", { inspection, hostOffset: entries[0]!.target! });
  expect(place.guest?.offset).toBe(2 * MIB);
  expect(await fixture.ok("verifyCompressed", { inspection })).toEqual({ clusters: 0, bad: 0, findings: [] });
});

test("a header with anything else wrong is not for a check either, and neither is one that needs an unknown feature", async () => {
  for (const spoil of [(header: DataView) => header.setUint32(96, 9), (header: DataView) => header.setBigUint64(72, 1n << 40n)]) {
    const { fixture } = await brokenImage(false, (header) => {
      header.setUint32(56, 0);
      spoil(header);
    });
    const { inspection, header } = await fixture.ok("inspect", { file: "broken" });
    expect(header).toMatchObject({ problem: { field: "refcount_table_clusters" }, isForCheck: false });
    expect(await fixture.fail("repairPlan", { inspection, mode: "all" })).toMatchObject({ kind: "image" });
  }
});
