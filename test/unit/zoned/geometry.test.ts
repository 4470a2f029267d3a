/** Where zones start and end, and what of each can be written: short last zones, capacities, types. Zoned format, "Create options". */
import { expect, test } from "vitest";
import { bytes, zoneIndex } from "../../../src/base/units.ts";
import { countZones, zoneCapacityOf, zoneEnd, zoneLength, zoneOf, zoneStart } from "../../../src/zoned/geometry.ts";
import type { ZoneGeometry } from "../../../src/zoned/geometry.ts";
import { conditionAfterPowerCycle } from "../../../src/zoned/pointer.ts";
import { Condition } from "../../../src/base/conditions.ts";

const geometry = (deviceSize: number, zoneSize: number, zoneCapacity: number): ZoneGeometry => ({
  deviceSize: bytes(deviceSize), zoneSize: bytes(zoneSize), zoneCapacity: bytes(zoneCapacity), zoneCount: countZones(deviceSize, zoneSize),
  conventionalZones: 0, maxOpenZones: 0, maxActiveZones: 0, maxAppendBytes: bytes(0),
});

test.each([
  [4096, 4096, 1], [4097, 4096, 2], [8192, 4096, 2], [512, 4096, 1], [2 ** 42 + 512, 2 ** 40, 5], [0, 4096, 0],
])("a disk of %i bytes in zones of %i has %i", (deviceSize, zoneSize, count) => expect(countZones(deviceSize, zoneSize)).toBe(count));

test.each([
  // [device, zone size, capacity, zone] -> [start, length, end, capacity, conventional capacity]
  [16384, 4096, 4096, 0, [0, 4096, 4096, 4096, 4096]],
  [16384, 4096, 3072, 3, [12288, 4096, 16384, 3072, 4096]],
  [14336, 4096, 3072, 3, [12288, 2048, 14336, 2048, 2048]],
  [15872, 4096, 3072, 3, [12288, 3584, 15872, 3072, 3584]],
  [2 ** 42 + 512, 2 ** 40, 2 ** 39, 4, [2 ** 42, 512, 2 ** 42 + 512, 512, 512]],
])("device %i, zones %i, capacity %i: zone %i", (deviceSize, zoneSize, zoneCapacity, index, expected) => {
  const shape = geometry(deviceSize, zoneSize, zoneCapacity);
  const zone = zoneIndex(index);
  expect([zoneStart(shape, zone), zoneLength(shape, zone), zoneEnd(shape, zone), zoneCapacityOf(shape, zone, false), zoneCapacityOf(shape, zone, true)]).toEqual(expected);
});

test("the zone of an offset", () => {
  const shape = geometry(2 ** 42 + 512, 2 ** 40, 2 ** 40);
  expect([0, 2 ** 40 - 1, 2 ** 40, 2 ** 42, 2 ** 42 + 511].map((offset) => zoneOf(shape, offset))).toEqual([0, 0, 1, 4, 4]);
});

test.each([
  [4096, false, Condition.EMPTY], [4608, false, Condition.CLOSED], [7167, false, Condition.CLOSED], [7168, false, Condition.FULL], [8192, false, Condition.FULL], [4096, true, Condition.NOT_WP],
])("a pointer stored at %i (conventional: %s) means condition %i", (offset, conventional, condition) => {
  expect(conditionAfterPowerCycle(geometry(16384, 4096, 3072), zoneIndex(1), conventional, offset)).toBe(condition);
});

test("a short last zone is full at its own capacity, and stays so with a pointer beyond the disk", () => {
  const shape = geometry(14336, 4096, 3072);
  const after = (offset: number): Condition => conditionAfterPowerCycle(shape, zoneIndex(3), false, offset);
  expect([14336 - 512, 14336, 16384].map(after)).toEqual([Condition.CLOSED, Condition.FULL, Condition.FULL]);
});
