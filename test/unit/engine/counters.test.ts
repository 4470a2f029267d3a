/** What was done to each zone, as the notices and snapshots of a watched device count it. */
import { expect, test } from "vitest";
import type { Notice, ZoneChanges, ZoneColumns, ZonedCreateOptions } from "../../../src/protocol/index.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";

const NOTHING = { writes: 0, bytesWritten: 0, resets: 0, finishes: 0, refusals: 0 };
type Counted = typeof NOTHING;

const countersAt = (columns: ZoneColumns | ZoneChanges, row: number): Counted => ({
  writes: columns.writes[row]!,
  bytesWritten: columns.bytesWritten[row]!,
  resets: columns.resets[row]!,
  finishes: columns.finishes[row]!,
  refusals: columns.refusals[row]!,
});

/** A watched device of 12 zones of 1 MiB, the first two conventional. */
async function watched(zoned: Partial<ZonedCreateOptions> = {}) {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "a", options: createOptions({ zoned: { conventionalZones: 2, ...zoned } }) });
  const { handle } = await fixture.ok("open", { file: "a", readOnly: false, format: null });
  await fixture.ok("watch", { handle });
  const write = (offset: number, length: number) => fixture.engine.perform("write", { handle, offset, length, pattern: 1, data: null });
  const manage = (operation: "open" | "close" | "finish" | "reset", zone: number, zones = 1) =>
    fixture.engine.perform("manage", { handle, operation, offset: zone * MIB, length: zones * MIB });
  /** The device notices since the last time. */
  const taken = () => fixture.notices.splice(0).filter((notice): notice is Notice & { notice: "device" } => notice.notice === "device");
  /** Rows of those notices by zone, the latest of each. */
  const rows = (): Record<number, Counted> => {
    const latest: Record<number, Counted> = {};
    for (const { changes } of taken()) changes.zone.forEach((zone, row) => (latest[zone] = countersAt(changes, row)));
    return latest;
  };
  const snapshot = async (): Promise<ZoneColumns> => (await fixture.ok("watch", { handle })).zones!;
  return { ...fixture, ok: fixture.ok.bind(fixture), fail: fixture.fail.bind(fixture), handle, write, manage, taken, rows, snapshot };
}

test("writes, appends and writes of zeroes count with their bytes", async () => {
  const { ok, handle, write, rows, snapshot } = await watched();
  await write(3 * MIB, 4 * KIB);
  await ok("append", { handle, offset: 3 * MIB, lengths: [4 * KIB, 512], pattern: 1 });
  await ok("writeZeroes", { handle, offset: 3 * MIB + 8 * KIB + 512, length: 32 * KIB, unmap: true });
  const expected = { ...NOTHING, writes: 3, bytesWritten: 40 * KIB + 512 };
  expect(rows()).toEqual({ 3: expected });
  expect(countersAt(await snapshot(), 3)).toEqual(expected);
});

test("a write of nothing and a read count for nothing", async () => {
  const { ok, handle, write, taken } = await watched();
  await write(3 * MIB, 0);
  await ok("append", { handle, offset: 3 * MIB, lengths: [], pattern: 1 });
  await ok("read", { handle, offset: 0, length: MIB, pattern: null, wantData: false });
  expect(taken()).toEqual([]);
});

test("a write across conventional zones counts in each with its part, and is told though nothing else changed", async () => {
  const { ok, handle, write, taken } = await watched();
  await write(MIB - 4 * KIB, 12 * KIB);
  const [first, ...others] = taken();
  expect(others).toEqual([]);
  expect(first).toMatchObject({ events: [], changes: { zone: Uint32Array.of(0, 1), condition: Uint8Array.of(0, 0), writes: Uint32Array.of(1, 1), bytesWritten: Float64Array.of(4 * KIB, 8 * KIB) } });
  await ok("writeZeroes", { handle, offset: 0, length: 64 * KIB, unmap: false });
  await ok("discard", { handle, offset: 0, length: 64 * KIB });
  const [second] = taken();
  expect(countersAt(second!.changes, 0)).toEqual({ ...NOTHING, writes: 2, bytesWritten: 68 * KIB });
});

test("a refusal counts in the zone that it names, and its notice changes nothing else", async () => {
  const { ok, fail, handle, write, manage, taken, rows } = await watched({ maxOpenZones: 1, maxActiveZones: 1 });
  await write(3 * MIB, 4 * KIB);
  taken();
  expect(await write(3 * MIB, 4 * KIB)).toMatchObject({ ok: false });
  const [notice] = taken();
  expect(notice).toMatchObject({
    events: [{ type: "refusal", refusal: { code: "not-at-write-pointer", zone: 3 } }],
    changes: { zone: Uint32Array.of(3), condition: Uint8Array.of(2), writePointer: Float64Array.of(3 * MIB + 4 * KIB), refusals: Uint32Array.of(1), writes: Uint32Array.of(1) },
  });
  // One for each kind of operation, conventional zones among them.
  await write(4 * MIB, 4 * KIB);
  await manage("open", 5);
  await manage("reset", 1);
  await fail("append", { handle, offset: 0, lengths: [512], pattern: 1 });
  await fail("discard", { handle, offset: 6 * MIB, length: 512 });
  await write(2 * MIB - 512, KIB);
  const refused = { ...NOTHING, refusals: 1 };
  expect(rows()).toEqual({ 0: refused, 1: { ...NOTHING, refusals: 2 }, 4: refused, 5: refused, 6: refused });
  // Out of the device: no zone to count it in.
  await fail("write", { handle, offset: 12 * MIB, length: 512, pattern: 1, data: null });
  expect(rows()).toEqual({});
  expect((await ok("report", { handle, offset: 4 * MIB, count: 1 }))[0]).toMatchObject({ condition: 1 });
});

test("a range stops at a refusal: what was done before it and the refusal count", async () => {
  const { manage, rows } = await watched({ maxOpenZones: 2 });
  await manage("open", 3, 4);
  expect(rows()).toEqual({ 3: NOTHING, 4: NOTHING, 5: { ...NOTHING, refusals: 1 } });
});

test("resets and finishes count where they change the zone", async () => {
  const { write, manage, rows } = await watched();
  await write(3 * MIB, 4 * KIB);
  await manage("finish", 3);
  await manage("finish", 3);
  await manage("reset", 3, 2);
  await manage("reset", 3);
  expect(rows()).toEqual({ 3: { writes: 1, bytesWritten: 4 * KIB, resets: 1, finishes: 1, refusals: 0 } });
});

test("counters live in memory: a power cycle begins anew", async () => {
  const { ok, handle, write, manage, rows } = await watched();
  await write(0, 4 * KIB);
  await write(3 * MIB, 4 * KIB);
  await manage("finish", 3);
  await write(3 * MIB, 4 * KIB);
  const { zones } = await ok("powerCycle", { handle });
  for (const column of [zones!.writes, zones!.bytesWritten, zones!.resets, zones!.finishes, zones!.refusals]) expect(column).toHaveLength(0);
  rows();
  await write(4 * MIB, 512);
  expect(rows()).toEqual({ 4: { ...NOTHING, writes: 1, bytesWritten: 512 } });
});

test("a device that nobody watches counts, and tells nothing before it is asked", async () => {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "a", options: createOptions() });
  const { handle } = await fixture.ok("open", { file: "a", readOnly: false, format: null });
  await fixture.ok("write", { handle, offset: 0, length: 512, pattern: 1, data: null });
  await fixture.fail("write", { handle, offset: 0, length: 512, pattern: 1, data: null });
  expect(fixture.notices).toEqual([]);
  const { zones } = await fixture.ok("watch", { handle });
  expect(countersAt(zones!, 0)).toEqual({ ...NOTHING, writes: 1, bytesWritten: 512, refusals: 1 });
});
