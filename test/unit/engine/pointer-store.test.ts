/** What of the write pointers a flush writes, at which of its steps, and in how many writes. Zone semantics, "Durability". */
import { expect, test } from "vitest";
import { bytes, guestOffset, hostOffset, zoneIndex } from "../../../src/base/units.ts";
import type { GuestOffset, ZoneIndex } from "../../../src/base/units.ts";
import { Condition } from "../../../src/base/conditions.ts";
import { PointerStore, newPointerEntries } from "../../../src/engine/pointer-store.ts";
import type { ZonedHeader } from "../../../src/zoned/dialect.ts";
import { decodePointer, readPointers } from "../../../src/zoned/pointer.ts";
import { ZoneTable } from "../../../src/zoned/zone-table.ts";

const ZONE = 65536;
const ZONES = 300;
const METADATA = 3 * 65536;
const SECTOR = 512;

const header: ZonedHeader = {
  dialect: "v4",
  geometry: { deviceSize: bytes(ZONES * ZONE), zoneSize: bytes(ZONE), zoneCapacity: bytes(ZONE), zoneCount: ZONES, conventionalZones: 1, maxOpenZones: 0, maxActiveZones: 0, maxAppendBytes: bytes(ZONE) },
  metadataOffset: hostOffset(METADATA),
  metadataSize: bytes(ZONES * 8),
};

/** A store of pointers over an array that takes what is written, and a table whose moves it hears. */
function pointers() {
  const disk = newPointerEntries(header.geometry);
  const report = readPointers(header.geometry, new DataView(disk.slice().buffer), METADATA);
  if ("kind" in report) throw new Error("new pointers are sound");
  const told: number[] = [];
  const observer = { conditionChanged: () => undefined, pointerMoved: (zone: ZoneIndex, from: GuestOffset) => store.pointerMoved(zone, from), implicitOpenChanged: () => undefined, counted: () => undefined };
  const table = new ZoneTable(header.geometry, report.columns, 0, observer);
  const store = new PointerStore(header, table, (zone) => told.push(zone));
  const writes: [offset: number, length: number][] = [];
  const write = (offset: number, data: Uint8Array): void => {
    writes.push([offset - METADATA, data.length]);
    disk.set(data, offset - METADATA);
  };
  const move = (zone: number, to: number): void => table.apply(zoneIndex(zone), { to: to === 0 ? Condition.EMPTY : Condition.CLOSED, writePointer: guestOffset(zone * ZONE + to), implicitlyCloses: null });
  const onDisk = (zone: number): number => decodePointer(new DataView(disk.buffer), zone).offset - zone * ZONE;
  const flush = (): void => {
    store.beforeMapping(write);
    store.afterMapping(write);
    store.flushed();
  };
  return { store, writes, write, move, onDisk, flush, told, disk };
}

test("pointers in sectors that touch are one write, and each is told", () => {
  const { writes, move, flush, onDisk, told } = pointers();
  for (const zone of [1, 63, 64, 127, 200, 299]) move(zone, 4096);
  flush();
  // Sectors 0 and 1, then 3 and 4; the array ends within the last.
  expect(writes).toEqual([[0, 2 * SECTOR], [3 * SECTOR, ZONES * 8 - 3 * SECTOR]]);
  expect(told).toEqual([1, 63, 64, 127, 200, 299]);
  expect([1, 63, 64, 127, 200, 299].map(onDisk)).toEqual(Array(6).fill(4096));
  expect([2, 62, 65, 128, 298].map(onDisk)).toEqual(Array(5).fill(0));
});

test("a reset goes out in the first step, and takes no neighbour's advance with it", () => {
  const { store, writes, write, move, flush, onDisk } = pointers();
  for (const zone of [4, 5]) move(zone, 512);
  flush();
  writes.length = 0;
  move(5, 1024);
  move(4, 0);
  store.zoneReset(zoneIndex(4));
  store.beforeMapping(write);
  expect([onDisk(4), onDisk(5), writes.length]).toEqual([0, 512, 1]);
  store.afterMapping(write);
  expect([onDisk(4), onDisk(5), writes.length]).toEqual([0, 1024, 2]);
});

test("a zone that was reset and written again is at its start until the last step", () => {
  const { store, write, move, flush, onDisk } = pointers();
  move(7, 2048);
  flush();
  move(7, 0);
  store.zoneReset(zoneIndex(7));
  move(7, 512);
  store.beforeMapping(write);
  expect([onDisk(7), store.isResetPending(zoneIndex(7))]).toEqual([0, true]);
  store.afterMapping(write);
  store.flushed();
  expect([onDisk(7), store.isResetPending(zoneIndex(7))]).toEqual([512, false]);
});

test("what the disk has already is not written, and what could not be written is tried again", () => {
  const { store, writes, write, move, flush, onDisk } = pointers();
  move(9, 512);
  move(9, 0);
  flush();
  expect(writes).toEqual([]);
  move(9, 512);
  expect(() => store.afterMapping(() => { throw new Error("no room"); })).toThrow("no room");
  store.afterMapping(write);
  store.flushed();
  expect([onDisk(9), writes.length]).toEqual([512, 1]);
  flush();
  expect(writes).toHaveLength(1);
});

test("where a refused write of an advance got there all the same, a reset behind it does too", () => {
  const { store, write, move, flush, onDisk } = pointers();
  move(8, 512);
  flush();
  move(8, 1024);
  move(9, 512);
  const landed = (offset: number, data: Uint8Array): void => {
    write(offset, data);
    throw new Error("no answer");
  };
  expect(() => store.afterMapping(landed)).toThrow("no answer");
  move(9, 0);
  store.zoneReset(zoneIndex(9));
  store.beforeMapping(write);
  // The neighbour is where it was: only the last step brings it on.
  expect([onDisk(8), onDisk(9)]).toEqual([512, 0]);
  flush();
  expect([onDisk(8), onDisk(9)]).toEqual([1024, 0]);
});

test("over moves, resets, flushes and writes that fail, the disk has each pointer as of the last step that reached it", () => {
  const { store, write, move, flush, onDisk } = pointers();
  const memory = new Map<number, number>();
  const disk = new Map<number, number>();
  const resets = new Set<number>();
  const sequential = Array.from({ length: ZONES - 1 }, (_, index) => index + 1);
  let state = 7;
  const below = (bound: number): number => (state = (state * 48271) % 2147483647) % bound;
  for (let step = 0; step < 2000; step++) {
    const zone = 1 + below(ZONES - 1);
    switch (below(12)) {
      case 0:
        flush();
        for (const [moved, to] of memory) disk.set(moved, to);
        resets.clear();
        break;
      case 1:
        try {
          store.afterMapping(() => { throw new Error("no room"); });
        } catch {
          // Where there was something to write.
        }
        break;
      case 2:
        store.beforeMapping(write);
        for (const reset of resets) disk.set(reset, 0);
        break;
      case 3:
        move(zone, 0);
        store.zoneReset(zoneIndex(zone));
        memory.set(zone, 0);
        resets.add(zone);
        break;
      default:
        memory.set(zone, 512 * (1 + below(128)));
        move(zone, memory.get(zone)!);
    }
    if (step % 50 === 0) expect(sequential.map(onDisk)).toEqual(sequential.map((index) => disk.get(index) ?? 0));
  }
});

test("a conventional zone's mark stays beside its neighbours' pointers", () => {
  const { move, flush, disk } = pointers();
  move(1, 512);
  flush();
  expect(decodePointer(new DataView(disk.buffer), 0)).toEqual({ conventional: true, offset: 0 });
});
