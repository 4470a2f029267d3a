/** A machine's state behind the disk, and compressed writes that are refused as a whole, through the engine's calls. */
import { expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";

interface Disk extends EngineFixture {
  readonly handle: number;
}

async function opened(changes: Parameters<typeof createOptions>[0] = {}): Promise<Disk> {
  const fixture = engineFixture(new MemoryFiles());
  await fixture.ok("create", { file: "a", options: createOptions({ sizeBytes: MIB, clusterSize: KIB, zoned: null, ...changes }) });
  const { handle } = await fixture.ok("open", { file: "a", format: "qcow2", readOnly: false });
  return { ...fixture, handle };
}

const write = (disk: Disk, vmState: boolean, offset: number, length: number, pattern: number): Promise<unknown> =>
  disk.ok("write", { handle: disk.handle, offset, length, pattern, data: null, vmState });
const differs = async (disk: Disk, vmState: boolean, offset: number, length: number, pattern: number): Promise<number | null> =>
  (await disk.ok("read", { handle: disk.handle, offset, length, pattern, wantData: false, vmState })).mismatchOffset;
const clean = async (disk: Disk): Promise<void> => expect(await disk.ok("check", { handle: disk.handle })).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });

test("the state is not the disk, survives closing, and is zeros where nothing was written", async () => {
  const disk = await opened();
  await write(disk, false, 0, MIB, 1);
  await write(disk, true, 512, 700 * KIB, 2);
  await write(disk, false, MIB - 512, 512, 3);
  expect([await differs(disk, false, 0, MIB - 512, 1), await differs(disk, true, 512, 700 * KIB, 2), await differs(disk, true, 0, 512, 0), await differs(disk, true, 2 ** 45, KIB, 0)]).toEqual([null, null, null, null]);
  expect(await differs(disk, true, 0, KIB, 0)).toBe(512);
  await clean(disk);
  await disk.ok("powerCycle", { handle: disk.handle });
  expect([await differs(disk, true, 512, 700 * KIB, 2), await differs(disk, false, MIB - 512, 512, 3)]).toEqual([null, null]);
  await clean(disk);
});

test("the L1 table grows again and again under writes that no flush has seen", async () => {
  const disk = await opened({ clusterSize: 512 });
  for (let power = 16; power <= 27; power++) {
    await write(disk, true, 2 ** power, KIB, power);
    await write(disk, false, power * KIB, KIB, 100 + power);
  }
  await clean(disk);
  await disk.ok("powerCycle", { handle: disk.handle });
  for (let power = 16; power <= 27; power++) expect([await differs(disk, true, 2 ** power, KIB, power), await differs(disk, false, power * KIB, KIB, 100 + power)]).toEqual([null, null]);
});

test("a snapshot keeps it; applying and deleting leave nothing behind", async () => {
  const disk = await opened();
  const { handle } = disk;
  await write(disk, true, 0, 300 * KIB, 5);
  await disk.ok("createSnapshot", { handle, name: "one" });
  await write(disk, true, 0, 300 * KIB, 6);
  await clean(disk);
  await disk.ok("applySnapshot", { handle, snapshot: "one" });
  expect(await differs(disk, true, 0, 300 * KIB, 5)).toBeNull();
  await disk.ok("deleteSnapshot", { handle, snapshot: "one" });
  await clean(disk);
});

test("a disk that grows over it reads as zeros there", async () => {
  const disk = await opened();
  await write(disk, true, 0, 3 * MIB, 5);
  const { image } = await disk.ok("resize", { handle: disk.handle, sizeBytes: 2 * MIB + 512, preallocation: "off" });
  expect(image.virtualSize).toBe(2 * MIB + 512);
  expect(await differs(disk, false, 0, 2 * MIB + 512, 0)).toBeNull();
  await clean(disk);
});

test("a disk that grows twice shows nothing of the state that the first time did not reach", async () => {
  const disk = await opened({ sizeBytes: 128 * KIB });
  await write(disk, true, 0, 128 * KIB, 5);
  for (const sizeBytes of [140 * KIB + 512, 170 * KIB, 600 * KIB]) {
    await disk.ok("resize", { handle: disk.handle, sizeBytes, preallocation: "off" });
    expect(await differs(disk, false, 0, sizeBytes, 0)).toBeNull();
    await clean(disk);
  }
});

test("too far behind the disk: refused, and nothing has changed", async () => {
  const disk = await opened();
  const tooFar = { handle: disk.handle, offset: 2 ** 52, length: 512, pattern: 1, data: null, vmState: true };
  expect(await disk.fail("write", tooFar)).toMatchObject({ kind: "usage", code: "vm-state-too-far" });
  expect(await disk.fail("write", { ...tooFar, offset: Number.MAX_SAFE_INTEGER - 511 })).toMatchObject({ code: "vm-state-too-far" });
  expect(await differs(disk, true, Number.MAX_SAFE_INTEGER - 511, 512, 0)).toBeNull();
  await clean(disk);
});

test("a raw disk has none, and is not written in its place", async () => {
  const raw = engineFixture(new MemoryFiles());
  await raw.ok("createRaw", { file: "r", sizeBytes: MIB, preallocation: "off" });
  const { handle } = await raw.ok("open", { file: "r", format: "raw", readOnly: false });
  expect(await raw.fail("read", { handle, offset: 0, length: 512, pattern: null, wantData: false, vmState: true })).toMatchObject({ kind: "unsupported" });
  expect(await raw.fail("write", { handle, offset: 0, length: 512, pattern: 1, data: null, vmState: true })).toMatchObject({ kind: "unsupported" });
  expect((await raw.ok("read", { handle, offset: 0, length: 512, pattern: 0, wantData: false })).mismatchOffset).toBeNull();
});

test("a compressed write of several pieces that is no whole clusters writes none of them", async () => {
  const disk = await opened({ sizeBytes: 8 * MIB, clusterSize: 64 * KIB });
  const { handle } = disk;
  const request = { handle, offset: 0, pattern: 7, data: null, compressed: true };
  expect(await disk.fail("write", { ...request, length: 3 * MIB + 512 })).toMatchObject({ code: "compressed-misaligned" });
  expect(await differs(disk, false, 0, 8 * MIB, 0)).toBeNull();
  await disk.ok("write", { ...request, length: 3 * MIB });
  expect([await differs(disk, false, 0, 3 * MIB, 7), await differs(disk, false, 3 * MIB, 5 * MIB, 0)]).toEqual([null, null]);
  await clean(disk);
});
