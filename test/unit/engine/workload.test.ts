/** Jobs on the engine: where their requests go, how they end, and what they tell. */
import { expect, test } from "vitest";
import { KIB, MIB } from "../../../src/testing/engine-fixture.ts";
import { bench, jobOf } from "./workload-fixture.ts";
import type { Bench } from "./workload-fixture.ts";

const zonesOf = async (disk: Bench): Promise<{ condition: number; used: number }[]> =>
  (await disk.ok("report", { handle: disk.handle, offset: 0, count: 100 })).map(({ condition, writePointer, start }) => ({ condition, used: writePointer - start }));
const FULL = 14;

test("write goes zone after zone from each pointer on, and one pass ends at the end of the region", async () => {
  const disk = await bench();
  await disk.ok("append", { handle: disk.handle, offset: 2 * MIB, lengths: [32 * KIB], pattern: 1 });
  const report = await disk.run({ rw: "write", blockBytes: 32 * KIB, offset: { count: 1, unit: "zones" }, size: { count: 2, unit: "zones" }, iodepth: 8 });
  expect(report).toMatchObject({ end: "done", requests: 63, bytes: 63 * 32 * KIB, refusals: [], usedBytes: 2 * MIB });
  expect((await zonesOf(disk)).slice(0, 4).map(({ used }) => used)).toEqual([0, MIB, MIB, 0]);
  expect((await disk.ok("read", { handle: disk.handle, offset: 2 * MIB, length: 32 * KIB, pattern: 1, wantData: false })).mismatchOffset).toBeNull();
  expect((await disk.ok("read", { handle: disk.handle, offset: 2 * MIB + 32 * KIB, length: MIB - 32 * KIB, pattern: 0xcd, wantData: false })).mismatchOffset).toBeNull();
});

test("a full zone is reset before it is written again, or left where the job says so", async () => {
  const disk = await bench({}, 3 * MIB);
  await disk.run({ rw: "write", blockBytes: 64 * KIB });
  const stopped = await disk.run({ rw: "randwrite", blockBytes: 64 * KIB, whenFull: "stop" });
  expect(stopped).toMatchObject({ end: "full", requests: 0, kinds: [] });
  const again = await disk.run({ rw: "write", blockBytes: 64 * KIB, ioSize: { count: 4, unit: "zones" } });
  expect(again).toMatchObject({ end: "done", requests: 64 });
  expect(again.kinds.find(({ kind }) => kind === "reset")?.requests).toBe(4);
});

test("appends go round the open zones, no more of them than the disk allows, and land in another order than they were made", async () => {
  const disk = await bench({ maxOpenZones: 3 });
  const report = await disk.run({ rw: "append", blockBytes: 4 * KIB, iodepth: 8, numberIos: 48 });
  expect(report).toMatchObject({ end: "done", refusals: [], open: 3 });
  expect((await zonesOf(disk)).filter(({ used }) => used > 0).map(({ used }) => used)).toEqual([64 * KIB, 64 * KIB, 64 * KIB]);
});

test("random writes stay at the pointers of at most max_open_zones zones", async () => {
  const disk = await bench();
  const report = await disk.run({ rw: "randwrite", blockBytes: 4 * KIB, maxOpenZones: 2, numberIos: 100, iodepth: 4 });
  expect(report).toMatchObject({ requests: 100, refusals: [], open: 2, usedBytes: 400 * KIB });
});

test("a tail too short for a block has its zone finished", async () => {
  const disk = await bench({ zoneCapacity: MIB - 4 * KIB, maxActiveZones: 2, maxOpenZones: 2 });
  const report = await disk.run({ rw: "write", blockBytes: 64 * KIB });
  expect(report).toMatchObject({ end: "done", requests: 12 * 15, refusals: [], open: 0, active: 0 });
  expect((await zonesOf(disk)).every(({ condition }) => condition === FULL)).toBe(true);
});

test("reads stay below the pointers unless the job says otherwise", async () => {
  const disk = await bench();
  expect(await disk.run({ rw: "randread" })).toMatchObject({ end: "nothing-to-read", requests: 0 });
  await disk.ok("write", { handle: disk.handle, offset: 5 * MIB, length: 10 * KIB, pattern: 7, data: null });
  const report = await disk.run({ rw: "read", blockBytes: 4 * KIB, iodepth: 4 });
  expect(report).toMatchObject({ end: "done", requests: 3, bytes: 10 * KIB });
  expect(await disk.run({ rw: "randread", ioSize: { count: 50 * 4 * KIB, unit: "bytes" } })).toMatchObject({ requests: 50 });
  expect(await disk.run({ rw: "read", blockBytes: MIB, readBeyondWp: true })).toMatchObject({ requests: 12 });
});

test("a disk without zones is read and written anywhere in the region", async () => {
  const disk = await bench(null);
  expect(await disk.run({ rw: "randwrite", offset: { count: 4 * MIB, unit: "bytes" }, size: { count: MIB, unit: "bytes" }, numberIos: 200, iodepth: 8 })).toMatchObject({ end: "done", refusals: [] });
  const before = await disk.ok("read", { handle: disk.handle, offset: 0, length: 4 * MIB, pattern: 0, wantData: false });
  const after = await disk.ok("read", { handle: disk.handle, offset: 5 * MIB, length: 7 * MIB, pattern: 0, wantData: false });
  expect([before.mismatchOffset, after.mismatchOffset]).toEqual([null, null]);
  expect(await disk.refused({ rw: "append" })).toMatchObject({ kind: "option", option: "rw" });
  expect(await disk.refused({ rw: "write", size: { count: 9, unit: "zones" } })).toMatchObject({ option: "zones", found: "9" });
  expect(await disk.refused({ rw: "write", offset: { count: 1, unit: "zones" } })).toMatchObject({ option: "offset", found: "1z" });
});

test("a region in zones may end with the disk's last zone, shorter than the others", async () => {
  const disk = await bench({}, 3 * MIB + 256 * KIB);
  const zones = (count: number) => ({ count, unit: "zones" }) as const;
  expect(await disk.run({ rw: "write", offset: zones(2), size: zones(2), blockBytes: 64 * KIB })).toMatchObject({ end: "done", bytes: MIB + 256 * KIB });
  expect(await disk.refused({ rw: "write", size: zones(5) })).toMatchObject({ option: "zones", found: "5", allowed: expect.stringContaining("at most 4,") as string });
});

test("what was written is compared, and a byte that somebody changed is found", async () => {
  const disk = await bench({ conventionalZones: 1 });
  const written = await disk.run({ rw: "write", verify: true, iodepth: 4 });
  expect(written).toMatchObject({ verified: 12 * 256, mismatches: 0 });
  await disk.ok("write", { handle: disk.handle, offset: 300 * KIB, length: 512, pattern: 0, data: null });
  expect(await disk.run({ rw: "read", verify: true, blockBytes: 16 * KIB })).toMatchObject({ verified: 12 * 64, mismatches: 1, firstMismatch: 288 * KIB });
});

test("a refusal is counted by its code, and ends the job only where it shall", async () => {
  const meddling = async (continueOnError: boolean) => {
    const disk = await bench();
    let turns = 0;
    const between = async (): Promise<void> => {
      if (++turns === 3) await disk.ok("manage", { handle: disk.handle, operation: "reset", offset: 0, length: MIB });
    };
    return await disk.run({ rw: "write", iodepth: 64, numberIos: 128, continueOnError }, 7, between);
  };
  // 64 writes are in flight when the zone is reset under them: those that are left are not at the pointer any more.
  expect(await meddling(true)).toMatchObject({ end: "done", requests: 128, refusals: [{ code: "not-at-write-pointer" }], firstRefusal: { zone: 0 } });
  expect(await meddling(false)).toMatchObject({ end: "refused", refusals: [{ code: "not-at-write-pointer", count: 1 }] });
});

test("a job without a slot says so, and closes what the disk opened by itself for others", async () => {
  const disk = await bench({ maxOpenZones: 1, maxActiveZones: 2 });
  await disk.ok("append", { handle: disk.handle, offset: 0, lengths: [4 * KIB], pattern: 1 });
  const elsewhere = { offset: { count: 4, unit: "zones" }, numberIos: 4 } as const;
  expect(await disk.run({ rw: "write", ...elsewhere })).toMatchObject({ end: "done", refusals: [], open: 1, active: 2 });
  await disk.ok("manage", { handle: disk.handle, operation: "open", offset: 0, length: MIB });
  expect(await disk.run({ rw: "write", offset: { count: 6, unit: "zones" } })).toMatchObject({ end: "no-slot", requests: 0, refusals: [] });
});

test("appends to conventional zones alone are refused; with a sequential zone behind them they go there", async () => {
  const disk = await bench({ conventionalZones: 2 });
  const zones = (count: number) => ({ count, unit: "zones" }) as const;
  expect(await disk.refused({ rw: "append", size: zones(2) })).toMatchObject({ option: "rw", allowed: expect.stringContaining("conventional") as string });
  expect(await disk.run({ rw: "append", size: zones(3), numberIos: 2 })).toMatchObject({ requests: 2 });
});

test("words that the disk cannot have are refused before anything is written", async () => {
  const disk = await bench();
  expect(await disk.refused({ rw: "append", blockBytes: 128 * KIB })).toMatchObject({ option: "bs", allowed: expect.stringContaining("65536") as string });
  expect(await disk.refused({ rw: "write", blockBytes: 2 * MIB })).toMatchObject({ option: "bs" });
  expect(await disk.refused({ rw: "write", offset: { count: 12, unit: "zones" } })).toMatchObject({ option: "offset" });
  expect(await disk.refused({ rw: "write", size: { count: 13, unit: "zones" } })).toMatchObject({ option: "zones", found: "13", allowed: expect.stringContaining("at most 12,") as string });
  expect(await disk.refused({ rw: "write", offset: { count: 4, unit: "zones" }, size: { count: 9, unit: "zones" } })).toMatchObject({ option: "zones", found: "9", allowed: expect.stringContaining("at most 8,") as string });
  expect(await disk.refused({ rw: "write", size: { count: 13 * MIB, unit: "bytes" } })).toMatchObject({ option: "size", found: String(13 * MIB) });
  expect(await disk.refused({ rw: "write", offset: { count: 4096, unit: "bytes" } })).toMatchObject({ option: "offset" });
  expect(await disk.refused({ rw: "append", verify: true })).toMatchObject({ option: "verify" });
  expect(await disk.refused({ rw: "logstore", store: { fill: 0.9 } })).toMatchObject({ option: "fill" });
  expect(await disk.refused({ rw: "logstore", blockBytes: 700 })).toMatchObject({ option: "bs" });
  expect((await zonesOf(disk)).every(({ used }) => used === 0)).toBe(true);
});

test("a job goes with its handle, and one that was ended is not known any more", async () => {
  const disk = await bench();
  const { handle } = disk;
  const first = await disk.ok("startWorkload", { handle, job: jobOf({ rw: "write" }) });
  const second = await disk.ok("startWorkload", { handle, job: jobOf({ rw: "read" }) });
  expect((await disk.ok("endWorkload", { workload: second.workload })).report.end).toBe("stopped");
  expect(await disk.fail("workloadTurn", { workload: second.workload, requests: 1, turnMs: 10 })).toMatchObject({ kind: "usage" });
  await disk.ok("close", { handle });
  expect(await disk.fail("workloadTurn", { workload: first.workload, requests: 1, turnMs: 10 })).toMatchObject({ kind: "usage", code: "closed-handle" });
});

test("a power cycle between two turns leaves the job whole", async () => {
  const disk = await bench({ maxOpenZones: 2, maxActiveZones: 2 });
  let turns = 0;
  const report = await disk.run({ rw: "append", iodepth: 4, numberIos: 300 }, 10, async () => {
    if (++turns % 5 === 0) await disk.ok("powerCycle", { handle: disk.handle });
  });
  expect(report).toMatchObject({ end: "done", requests: 300, refusals: [] });
});

test("the room that resets give back is used again: the file stays within a small part more than the disk", async () => {
  const disk = await bench();
  await disk.run({ rw: "logstore", iodepth: 16, store: { fill: 0.5 } });
  const { facts } = await disk.ok("watch", { handle: disk.handle });
  expect(facts.image.fileSize).toBeLessThan(15 * MIB);
});
