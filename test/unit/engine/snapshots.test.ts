import { expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";

async function opened(changes: Parameters<typeof createOptions>[0] = {}): Promise<EngineFixture & { handle: number }> {
  const fixture = engineFixture(new MemoryFiles());
  await fixture.ok("create", { file: "a", options: createOptions({ sizeBytes: MIB, clusterSize: 4 * KIB, zoned: null, ...changes }) });
  const { handle } = await fixture.ok("open", { file: "a", format: "qcow2", readOnly: false });
  return { ...fixture, handle };
}

const at = async (disk: EngineFixture, handle: number, offset: number): Promise<number> =>
  (await disk.ok("read", { handle, offset, length: 1, pattern: null, wantData: true })).data![0]!;

test("a live handle: what was not flushed is in the snapshot, and writing goes on after each change", async () => {
  const disk = await opened();
  const { handle } = disk;
  const write = (offset: number, pattern: number): Promise<unknown> => disk.ok("write", { handle, offset, length: 8 * KIB, pattern, data: null });
  await write(0, 1);
  expect(await disk.ok("createSnapshot", { handle, name: "one" })).toEqual({ id: "1" });
  await write(4 * KIB, 2);
  expect(await disk.ok("createSnapshot", { handle, name: "two" })).toEqual({ id: "2" });
  await write(0, 3);
  expect((await disk.ok("facts", { handle })).image.snapshotCount).toBe(2);
  await disk.ok("applySnapshot", { handle, snapshot: "one" });
  expect([await at(disk, handle, 0), await at(disk, handle, 4 * KIB), await at(disk, handle, 8 * KIB)]).toEqual([1, 1, 0]);
  await write(0, 4);
  await disk.ok("deleteSnapshot", { handle, snapshot: { id: "1", name: null } });
  await write(8 * KIB, 5);
  expect(await disk.ok("check", { handle })).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });
  expect(await disk.ok("listSnapshots", { handle })).toMatchObject([{ id: "2", name: "two", diskSize: MIB, vmStateBytes: 0 }]);
  await disk.ok("close", { handle });
  const { handle: view, facts } = await disk.ok("open", { file: "a", format: "qcow2", readOnly: true, snapshot: "two" });
  expect(facts.image.readOnly).toBe(true);
  expect([await at(disk, view, 0), await at(disk, view, 4 * KIB), await at(disk, view, 12 * KIB)]).toEqual([1, 2, 0]);
});

test("counts that have no room refuse the snapshot, and all that is left of it is the place of its L1 table", async () => {
  const disk = await opened({ refcountBits: 2 });
  const { handle } = disk;
  await disk.ok("write", { handle, offset: 0, length: 64 * KIB, pattern: 1, data: null });
  await disk.ok("createSnapshot", { handle, name: "a" });
  await disk.ok("createSnapshot", { handle, name: "b" });
  expect(await disk.fail("createSnapshot", { handle, name: "c" })).toEqual({ kind: "snapshot", code: "refcount-full", snapshot: "c" });
  expect(await disk.ok("check", { handle })).toMatchObject({ corruptions: 0, leaks: 1 });
  // Applying would be one reference too many as well, until one is deleted.
  expect(await disk.fail("applySnapshot", { handle, snapshot: "a" })).toMatchObject({ code: "refcount-full" });
  await disk.ok("deleteSnapshot", { handle, snapshot: "b" });
  await disk.ok("applySnapshot", { handle, snapshot: "a" });
  expect(await disk.ok("check", { handle })).toMatchObject({ corruptions: 0, leaks: 1 });
});

test("what is not there, not writable or zoned is refused by name", async () => {
  const disk = await opened();
  const { handle } = disk;
  expect(await disk.fail("applySnapshot", { handle, snapshot: "x" })).toEqual({ kind: "snapshot", code: "not-found", snapshot: "x" });
  expect(await disk.fail("deleteSnapshot", { handle, snapshot: { id: null, name: "x" } })).toMatchObject({ code: "not-found" });
  await disk.ok("close", { handle });
  expect(await disk.fail("open", { file: "a", format: "qcow2", readOnly: true, snapshot: "x" })).toMatchObject({ code: "not-found" });
  expect(await disk.fail("open", { file: "a", format: "raw", readOnly: true, snapshot: "x" })).toMatchObject({ code: "format-without" });
  const { handle: reader } = await disk.ok("open", { file: "a", format: "qcow2", readOnly: true });
  expect(await disk.fail("createSnapshot", { handle: reader, name: "x" })).toMatchObject({ kind: "usage", code: "read-only" });

  await disk.ok("create", { file: "z", options: createOptions() });
  const { handle: zoned } = await disk.ok("open", { file: "z", format: "qcow2", readOnly: false });
  for (const name of ["createSnapshot", "applySnapshot", "deleteSnapshot"] as const) {
    const failure = await disk.fail(name, { handle: zoned, name: "x", snapshot: "x" });
    expect(failure).toEqual({ kind: "unsupported", feature: "changing the internal snapshots of a zoned image" });
  }
  expect(await disk.ok("listSnapshots", { handle: zoned })).toEqual([]);
});

test("an L1 table longer than a refcount block counts still lies in one piece", async () => {
  const disk = await opened({ clusterSize: 512, refcountBits: 64, sizeBytes: 256 * MIB });
  const { handle } = disk;
  await disk.ok("write", { handle, offset: 100 * MIB, length: 4 * KIB, pattern: 1, data: null });
  await disk.ok("createSnapshot", { handle, name: "one" });
  await disk.ok("write", { handle, offset: 100 * MIB, length: 2 * KIB, pattern: 2, data: null });
  await disk.ok("applySnapshot", { handle, snapshot: "one" });
  expect((await disk.ok("read", { handle, offset: 100 * MIB, length: 4 * KIB, pattern: 1, wantData: false })).mismatchOffset).toBeNull();
  expect(await disk.ok("check", { handle })).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });
  await disk.ok("deleteSnapshot", { handle, snapshot: "one" });
  expect(await disk.ok("check", { handle })).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });
});
