/** What shared cells hold is what their zones hold: counted at once, and kept up with changes. */
import { expect, test } from "vitest";
import { Condition } from "../../../src/base/conditions.ts";
import { Random } from "../../../src/base/random.ts";
import { CellIndex } from "../../../src/render/cell-index.ts";
import { endZoneOf, firstZoneOf, layoutZones } from "../../../src/render/zone-layout.ts";
import type { ZoneLayout } from "../../../src/render/zone-layout.ts";
import { CONDITION_SLOTS } from "../../../src/render/zone-picture.ts";
import type { ZonePicture } from "../../../src/render/zone-picture.ts";

const ZONE = 2 ** 20;
const CAPACITY = ZONE - 4096;

/** Zones of which the last is shorter than the capacity of the others. */
function pictureOf(zones: number, conventional: number): ZonePicture {
  const lengthOf = (zone: number): number => (zone === zones - 1 ? 8192 : ZONE);
  return {
    condition: new Uint8Array(zones).fill(Condition.EMPTY).fill(Condition.NOT_WP, 0, conventional),
    writePointer: Float64Array.from({ length: zones }, (_, zone) => zone * ZONE),
    zoneSize: ZONE,
    zoneCapacity: CAPACITY,
    lengthOf,
    capacityOf: (zone) => (zone < conventional ? lengthOf(zone) : Math.min(CAPACITY, lengthOf(zone))),
    labelOf: () => ({ condition: "", used: "" }),
    sharedLabelOf: () => ({ zones: "", fill: "" }),
  };
}

/** The same, zone by zone. */
function counted(layout: ZoneLayout, picture: ZonePicture): unknown {
  const counts = new Array<number>(layout.cellCount * CONDITION_SLOTS).fill(0);
  const used = new Array<number>(layout.cellCount).fill(0);
  const writable = new Array<number>(layout.cellCount).fill(0);
  for (let cell = 0; cell < layout.cellCount; cell++) {
    for (let zone = firstZoneOf(layout, cell); zone < endZoneOf(layout, cell); zone++) {
      counts[cell * CONDITION_SLOTS + picture.condition[zone]!]!++;
      if (picture.condition[zone] === Condition.NOT_WP) continue;
      used[cell]! += Math.min(picture.writePointer[zone]! - zone * ZONE, picture.capacityOf(zone));
      writable[cell]! += picture.capacityOf(zone);
    }
  }
  return { counts, used, writable };
}

test.each([
  [5_003, 0],
  [5_003, 77],
  [40_000, 39_999],
  [40_001, 40_001],
])("%i zones, %i of them conventional", (zones, conventional) => {
  const random = new Random(zones + conventional);
  const picture = pictureOf(zones, conventional);
  const layout = layoutZones(zones, 200, 150);
  expect(layout.zonesPerCell).toBeGreaterThan(1);
  const found = (index: CellIndex): unknown => ({ counts: [...index.counts], used: [...index.used], writable: [...index.writable] });
  const kept = new CellIndex(layout, picture);
  expect(found(kept)).toEqual(counted(layout, picture));
  for (let change = 0; change < 2_000 && conventional < zones; change++) {
    const zone = conventional + random.below(zones - conventional);
    const before = { condition: picture.condition[zone]!, pointer: picture.writePointer[zone]! };
    const condition = [Condition.EMPTY, Condition.CLOSED, Condition.IMPLICIT_OPEN, Condition.FULL][random.below(4)]!;
    picture.condition[zone] = condition;
    // A finished zone's pointer stands at its end, beyond the capacity.
    picture.writePointer[zone] = zone * ZONE + (condition === Condition.EMPTY ? 0 : condition === Condition.FULL ? ZONE : 512 * random.below(16));
    kept.changed(zone, before.condition, before.pointer);
  }
  expect(found(kept)).toEqual(counted(layout, picture));
  expect(found(new CellIndex(layout, picture))).toEqual(counted(layout, picture));
});
