/** The inspector's long work: layout, search, decompressing and saving. */
import { expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { LAYOUT_KINDS } from "../../../src/protocol/index.ts";
import type { LayoutReport } from "../../../src/protocol/index.ts";
import { createOptions, engineFixture, KIB, MIB } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";
import { layoutOf } from "../../../src/inspect/layout.ts";
import { inspectHeader } from "../../../src/inspect/header-report.ts";
import { Inspected } from "../../../src/inspect/inspected.ts";
import { runToEnd } from "../../../src/engine/jobs.ts";
import { fileReader, putFile } from "./images.ts";

const FILE = "image.qcow2";
const fill = (handle: number, offset: number, length: number, pattern = 0xab) => ({ handle, offset, length, pattern, data: null });

async function image(zoned: boolean): Promise<{ files: MemoryFiles; fixture: EngineFixture; inspection: number }> {
  const files = new MemoryFiles();
  const fixture = engineFixture(files);
  await fixture.ok("create", { file: FILE, options: createOptions(zoned ? {} : { zoned: null }) });
  const { handle } = await fixture.ok("open", { file: FILE, format: null, readOnly: false });
  await fixture.ok("write", fill(handle, MIB, 100 * KIB));
  await fixture.ok("write", fill(handle, 7 * MIB, 64 * KIB, 0x17));
  await fixture.ok("close", { handle });
  const { inspection } = await fixture.ok("inspect", { file: FILE });
  return { files, fixture, inspection };
}

const picture = ({ kinds }: LayoutReport): string[] => [...kinds].map((kind) => LAYOUT_KINDS[kind]!);
const countsOf = ({ counts }: LayoutReport): Record<string, number> => Object.fromEntries(counts.flatMap((count, kind) => (count === 0 ? [] : [[LAYOUT_KINDS[kind]!, count] as const])));

test("every cluster of a zoned image by what it holds, and data by its zone", async () => {
  const { fixture, inspection } = await image(true);
  const layout = await fixture.ok("layout", { inspection });
  const counts = countsOf(layout);
  delete counts["free"];
  expect(counts).toEqual({ header: 1, "refcount-table": 1, "refcount-block": 1, "l1-table": 1, "l2-table": 1, "zoned-metadata": 1, data: 3 });
  expect(layout.counts.reduce((sum, count) => sum + count, 0)).toBe(layout.clusters);
  const zones = [...layout.zones!].filter((zone) => zone > 0).sort();
  expect(zones).toEqual([2, 2, 8]);
});

test("a leaked cluster, one that is used twice, and one behind the end are told apart", async () => {
  const { files, fixture, inspection } = await image(false);
  const { entries } = await fixture.ok("tableEntries", { inspection, l1Index: 0, from: 16, count: 1 });
  const { entries: other } = await fixture.ok("tableEntries", { inspection, l1Index: 0, from: 112, count: 1 });
  const { size, read } = await fileReader(files, FILE);
  const bytes = read(0, size);
  const view = new DataView(bytes.buffer);
  // The entry of 7 MiB leads to the cluster of 1 MiB; its own is nobody's now. One entry more leads behind the file.
  view.setBigUint64(other[0]!.hostOffset, view.getBigUint64(entries[0]!.hostOffset));
  view.setBigUint64(other[0]!.hostOffset + 8, 1n << 40n);
  await putFile(files, "broken", bytes);
  const broken = await fixture.ok("inspect", { file: "broken" });
  const layout = await fixture.ok("layout", { inspection: broken.inspection });
  expect(countsOf(layout)).toMatchObject({ leaked: 1, "used-twice": 1, "beyond-end": 1, data: 1 });
  const cells = picture(layout);
  expect(cells[other[0]!.target! / (64 * KIB)]).toBe("leaked");
  expect(cells[entries[0]!.target! / (64 * KIB)]).toBe("used-twice");
});

test("a file of more clusters than cells: the same counts, and each cell has the later kind of its clusters", async () => {
  const { files, fixture, inspection } = await image(true);
  const whole = await fixture.ok("layout", { inspection });
  const opened = await files.open(FILE, "read");
  if (!opened.ok) throw new Error("not there");
  const { header, zoned } = inspectHeader(opened.value);
  const coarse = runToEnd(layoutOf(new Inspected(opened.value, header!, zoned), LAYOUT_KINDS, { maxCells: 4 }));
  expect(coarse.counts).toEqual(whole.counts);
  expect(coarse.clustersPerCell).toBe(4);
  const expected = Array.from({ length: coarse.kinds.length }, (_, cell) => Math.max(...whole.kinds.subarray(4 * cell, 4 * cell + 4)));
  expect([...coarse.kinds]).toEqual(expected);
});

test("bytes are found on the disk and in the file", async () => {
  const { fixture, inspection } = await image(true);
  const needle = new Uint8Array([0x17, 0x17]);
  const guest = await fixture.ok("search", { inspection, view: "guest", needle, from: 0, backwards: false });
  expect(guest.offset).toBe(7 * MIB);
  const host = await fixture.ok("search", { inspection, view: "host", needle, from: 0, backwards: false });
  expect((await fixture.ok("locate", { inspection, hostOffset: host.offset! })).guest!.offset).toBe(7 * MIB);
  expect(await fixture.ok("search", { inspection, view: "guest", needle, from: 7 * MIB, backwards: true })).toEqual({ offset: null });
  expect(await fixture.fail("search", { inspection, view: "guest", needle: new Uint8Array(0), from: 0, backwards: false })).toMatchObject({ kind: "option" });
});

test("a compressed stream that was damaged is found, and no other", async () => {
  const { files, fixture } = await image(false);
  const { handle } = await fixture.ok("open", { file: FILE, format: null, readOnly: false });
  await fixture.ok("write", { ...fill(handle, 0, 128 * KIB, 0x33), compressed: true });
  await fixture.ok("close", { handle });
  const { inspection } = await fixture.ok("inspect", { file: FILE });
  expect(await fixture.ok("verifyCompressed", { inspection })).toEqual({ clusters: 2, bad: 0, findings: [] });
  const { entries } = await fixture.ok("tableEntries", { inspection, l1Index: 0, from: 1, count: 1 });
  const { size, read } = await fileReader(files, FILE);
  const bytes = read(0, size);
  bytes.fill(0xff, entries[0]!.target!, entries[0]!.target! + 8);
  await putFile(files, "damaged", bytes);
  const damaged = await fixture.ok("inspect", { file: "damaged" });
  expect(await fixture.ok("verifyCompressed", { inspection: damaged.inspection })).toEqual({ clusters: 2, bad: 1, findings: [{ guestOffset: 64 * KIB, hostOffset: entries[0]!.target, code: "undecodable" }] });
});

test("saved as qcow2, compressed, in another dialect and raw, the disk is the same", async () => {
  const { files, fixture, inspection } = await image(true);
  const forms = [
    { file: "plain.qcow2", form: { format: "qcow2", compressed: false, dialect: null } },
    { file: "small.qcow2", form: { format: "qcow2", compressed: true, dialect: null } },
    { file: "v9.qcow2", form: { format: "qcow2", compressed: false, dialect: "v9" } },
    { file: "disk.raw", form: { format: "raw" } },
  ] as const;
  for (const { file, form } of forms) {
    const saved = await fixture.ok("saveAs", { inspection, form, to: file });
    const first = await fixture.ok("open", { file: FILE, format: null, readOnly: true });
    const second = await fixture.ok("open", { file, format: null, readOnly: true });
    const compared = await fixture.ok("compare", { first: first.handle, second: second.handle, strict: false });
    expect(compared).toEqual({ mismatch: null, sizesDiffer: false });
    expect(second.facts.zoned?.dialect ?? null).toBe(form.format === "qcow2" ? form.dialect : null);
    expect(saved.bytes).toBe(second.facts.image.fileSize);
    if (second.facts.zoned !== null) expect(second.facts.zoned.pointers).toEqual(first.facts.zoned!.pointers);
    for (const { handle } of [first, second]) await fixture.ok("close", { handle });
  }
  expect((await files.list()).map(({ name }) => name).sort()).toEqual(["disk.raw", FILE, "plain.qcow2", "small.qcow2", "v9.qcow2"]);
});

test("a range of the disk is saved byte for byte; what is there is not replaced, and a refusal leaves nothing", async () => {
  const { files, fixture, inspection } = await image(true);
  const form = { format: "range", view: "guest", offset: MIB + 100 * KIB - 2, lengthBytes: 4 } as const;
  await fixture.ok("saveAs", { inspection, form, to: "range" });
  const { size, read } = await fileReader(files, "range");
  expect([...read(0, size)]).toEqual([0xab, 0xab, 0, 0]);
  expect(await fixture.fail("saveAs", { inspection, form, to: "range" })).toMatchObject({ kind: "file", code: "exists" });
  expect(await fixture.fail("saveAs", { inspection, form: { ...form, lengthBytes: 12 * MIB }, to: "longer" })).toMatchObject({ kind: "option", option: "length" });
  expect(await fixture.fail("saveAs", { inspection, form: { format: "qcow2", compressed: true, dialect: "v4" }, to: "both" })).toMatchObject({ kind: "unsupported" });
  expect(await fixture.fail("saveAs", { inspection, form, to: null })).toMatchObject({ kind: "unsupported" });
  expect((await files.list()).map(({ name }) => name).sort()).toEqual([FILE, "range"]);
});
