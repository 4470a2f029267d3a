/** The inspector's calls over images that the engine made: what they tell is what stands in the file. */
import { expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { Condition } from "../../../src/base/conditions.ts";
import { createOptions, engineFixture, KIB, MIB } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";
import { fileReader, putFile } from "./images.ts";

const FILE = "image.qcow2";
const fill = (handle: number, offset: number, length: number) => ({ handle, offset, length, pattern: 0xab, data: null });

/** A zoned image with 96 KiB in zone 1, closed. */
async function zonedImage(): Promise<{ files: MemoryFiles; fixture: EngineFixture }> {
  const files = new MemoryFiles();
  const fixture = engineFixture(files);
  await fixture.ok("create", { file: FILE, options: createOptions() });
  const { handle } = await fixture.ok("open", { file: FILE, format: null, readOnly: false });
  await fixture.ok("write", fill(handle, MIB, 96 * KIB));
  await fixture.ok("close", { handle });
  return { files, fixture };
}

test("a whole header: every field by name, the zoned extension decoded, nothing wrong", async () => {
  const { fixture } = await zonedImage();
  const { identity, header } = await fixture.ok("inspect", { file: FILE });
  expect(identity).toMatchObject({ container: "qcow2", contents: [], contentsUnread: false, mark: { hostOffset: 0, lengthBytes: 4 } });
  expect(header!.problem).toBeNull();
  expect(header!.zoned).toEqual({ dialect: "v4", lengthBytes: 48, featureBit: false });
  const size = header!.fields.find(({ field }) => field === "size")!;
  expect(size).toMatchObject({ hostOffset: 24, lengthBytes: 8, value: String(12 * MIB), validity: "valid" });
  expect(header!.fields.every(({ validity }) => validity === "valid")).toBe(true);
  const zoned = header!.extensions.find(({ kind }) => kind === "zoned")!;
  expect(zoned.fields.find(({ field }) => field === "nr_zones")!.value).toBe("12");
  expect(header!.extensions.at(-1)!.kind).toBe("end");
});

test("a broken header: each field that cannot be is named, the others stand", async () => {
  const { files, fixture } = await zonedImage();
  const { size, read } = await fileReader(files, FILE);
  const bytes = read(0, size);
  const view = new DataView(bytes.buffer);
  view.setUint32(32, 9); // crypt_method
  view.setBigUint64(48, 77n); // refcount_table_offset
  view.setUint32(60, 1_000_000); // nb_snapshots
  await putFile(files, "broken", bytes);
  const { header } = await fixture.ok("inspect", { file: "broken" });
  const wrong = header!.fields.filter(({ problem }) => problem !== null).map(({ field, validity }) => `${field} ${validity}`);
  expect(wrong).toEqual(["crypt_method invalid", "refcount_table_offset invalid", "nb_snapshots invalid"]);
  expect(header!.problem!.field).toBe("refcount_table_offset");
  expect(header!.extensions.map(({ kind }) => kind)).toContain("zoned");
});

test("a place: the zone, the guest byte, the entry, the cluster and the byte lead to each other", async () => {
  const { fixture } = await zonedImage();
  const { inspection } = await fixture.ok("inspect", { file: FILE });
  const byZone = await fixture.ok("locate", { inspection, zone: 1 });
  expect(byZone.zone).toEqual({ zone: 1, start: MIB, condition: Condition.CLOSED, writePointer: MIB + 96 * KIB });
  expect(byZone).toMatchObject({ layoutKind: "data", l1: { index: 0 }, l2: { index: 16 }, guest: { offset: MIB, lengthBytes: 64 * KIB } });
  const byHost = await fixture.ok("locate", { inspection, hostOffset: byZone.hostOffset! + 5 });
  expect(byHost).toMatchObject({ guest: { offset: MIB + 5, lengthBytes: 64 * KIB - 5 }, l2: byZone.l2, zone: byZone.zone });
  const byEntry = await fixture.ok("locate", { inspection, hostOffset: byZone.l2!.entryOffset });
  expect(byEntry).toMatchObject({ layoutKind: "l2-table", guest: { offset: MIB, lengthBytes: 64 * KIB }, zone: byZone.zone });
  expect(byEntry.spans.at(-1)).toMatchObject({ structure: "L2 table", field: "entry 16" });
  const byField = await fixture.ok("locate", { inspection, hostOffset: 25 });
  expect(byField.spans.map(({ field }) => field)).toEqual(["", "size"]);
  const nowhere = await fixture.ok("locate", { inspection, guestOffset: 5 * MIB });
  expect(nowhere).toMatchObject({ hostOffset: null, guest: { offset: 5 * MIB }, zone: { zone: 5, condition: Condition.EMPTY } });
});

test("table entries lead where the data is, and the bytes there are the guest's", async () => {
  const { fixture } = await zonedImage();
  const { inspection } = await fixture.ok("inspect", { file: FILE });
  const l1 = await fixture.ok("tableEntries", { inspection, l1Index: null, from: 0, count: 10 });
  expect(l1).toMatchObject({ total: 1, entries: [{ kind: "l2-table", copied: true, refcount: 1, problem: null }] });
  const l2 = await fixture.ok("tableEntries", { inspection, l1Index: 0, from: 16, count: 3 });
  expect(l2.total).toBe(8192);
  expect(l2.tableOffset).toBe(l1.entries[0]!.target);
  expect(l2.entries.map(({ index, kind }) => `${index} ${kind}`)).toEqual(["16 data", "17 data", "18 none"]);
  const target = l2.entries[0]!.target!;
  const host = await fixture.ok("bytesAt", { inspection, view: "host", offset: target, length: 4 });
  expect([...host.data]).toEqual([0xab, 0xab, 0xab, 0xab]);
  const guest = await fixture.ok("bytesAt", { inspection, view: "guest", offset: MIB, length: 8 });
  expect(guest).toMatchObject({ total: 12 * MIB, spans: [{ hostOffset: target, guestOffset: MIB, lengthBytes: 8 }] });
  expect(guest.data.every((byte) => byte === 0xab)).toBe(true);
});

test("an image that is open here is seen as its device has it, and stays writable", async () => {
  const { fixture } = await zonedImage();
  const { handle } = await fixture.ok("open", { file: FILE, format: null, readOnly: false });
  const { inspection } = await fixture.ok("inspect", { file: FILE });
  await fixture.ok("manage", { handle, operation: "open", offset: 2 * MIB, length: MIB });
  await fixture.ok("write", fill(handle, 3 * MIB, 4 * KIB));
  expect((await fixture.ok("locate", { inspection, zone: 2 })).zone!.condition).toBe(Condition.EXPLICIT_OPEN);
  const written = await fixture.ok("locate", { inspection, zone: 3 });
  expect(written).toMatchObject({ layoutKind: "data", zone: { condition: Condition.IMPLICIT_OPEN, writePointer: 3 * MIB + 4 * KIB } });
  await fixture.ok("endInspection", { inspection });
  expect(await fixture.fail("locate", { inspection, zone: 2 })).toMatchObject({ kind: "usage", code: "closed-handle" });
  await fixture.ok("write", fill(handle, 3 * MIB + 4 * KIB, 4 * KIB));
});

test("an inspection of a library file holds nobody up, and what does not fit is refused", async () => {
  const { fixture } = await zonedImage();
  const { inspection } = await fixture.ok("inspect", { file: FILE });
  const { handle } = await fixture.ok("open", { file: FILE, format: null, readOnly: false });
  await fixture.ok("close", { handle });
  expect(await fixture.fail("bytesAt", { inspection, view: "host", offset: 0, length: 2 * MIB })).toMatchObject({ kind: "option", option: "length" });
  expect(await fixture.fail("locate", { inspection, zone: 12 })).toMatchObject({ kind: "option", option: "zone" });
  expect(await fixture.fail("locate", { inspection, guestOffset: 12 * MIB })).toMatchObject({ kind: "option" });
  expect(await fixture.fail("inspect", { file: "nowhere" })).toMatchObject({ kind: "file", code: "not-found" });
});

test("what the image stands on is told by name, and whether it is there", async () => {
  const { fixture } = await zonedImage();
  const backing = { file: "base.qcow2", format: "qcow2" };
  await fixture.ok("create", { file: "top.qcow2", options: createOptions({ zoned: null, backing }) });
  const missing = await fixture.ok("inspect", { file: "top.qcow2" });
  expect(missing.header!.needs).toEqual([{ role: "backing", name: "base.qcow2", found: null }]);
  expect(missing.identity.contentsUnread).toBe(true);
  await fixture.ok("create", { file: "base.qcow2", options: createOptions({ zoned: null }) });
  const there = await fixture.ok("inspect", { file: "top.qcow2" });
  expect(there.header!.needs).toEqual([{ role: "backing", name: "base.qcow2", found: "base.qcow2" }]);
  expect(there.identity.contentsUnread).toBe(false);
});

test("looking into an image that is open flushes what is owed, once, and tells no other flush", async () => {
  const fixture = engineFixture(new MemoryFiles());
  await fixture.ok("create", { file: FILE, options: createOptions() });
  const { handle } = await fixture.ok("open", { file: FILE, format: null, readOnly: false });
  await fixture.ok("watch", { handle });
  await fixture.ok("write", fill(handle, MIB, 96 * KIB));
  const { inspection } = await fixture.ok("inspect", { file: FILE });
  for (let again = 0; again < 3; again++) await fixture.ok("locate", { inspection, guestOffset: MIB });
  const { hostOffset } = await fixture.ok("locate", { inspection, guestOffset: MIB });
  const { data } = await fixture.ok("bytesAt", { inspection, view: "host", offset: hostOffset!, length: 4 });
  expect([...data]).toEqual([0xab, 0xab, 0xab, 0xab]);
  const flushes = fixture.notices.flatMap((notice) => (notice.notice === "device" ? notice.events.filter(({ type }) => type === "flush") : []));
  expect(flushes).toHaveLength(1);
});
