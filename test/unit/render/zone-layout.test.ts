/** The map's layout: everything fits, every zone has a place, and a place leads back to its zone. */
import { describe, expect, test } from "vitest";
import { cellAt, cellOfZone, cellRect, endZoneOf, firstZoneOf, layoutZones, moveSelection, zoneAt } from "../../../src/render/zone-layout.ts";
import type { Rect } from "../../../src/render/zone-layout.ts";

const BOXES = [
  [560, 480],
  [370, 300],
  [1040, 300],
  [200, 700],
  [60, 40],
] as const;
const COUNTS = [1, 2, 3, 5, 12, 13, 100, 1_000, 9_973, 65_536, 2 ** 20];
const rect: Rect = { x: 0, y: 0, width: 0, height: 0 };

describe.each(BOXES)("in a box of %i by %i", (width, height) => {
  test.each(COUNTS)("%i zones all lie inside and are found again", (count) => {
    const layout = layoutZones(count, width, height);
    expect(layout.cellCount * layout.zonesPerCell).toBeGreaterThanOrEqual(count);
    const step = Math.max(1, Math.floor(count / 997));
    const lost: number[] = [];
    for (let zone = 0; zone < count; zone += step) {
      const cell = cellOfZone(layout, zone);
      const holds = firstZoneOf(layout, cell) <= zone && zone < endZoneOf(layout, cell);
      cellRect(layout, cell, rect);
      const inside = rect.x >= 0 && rect.y >= 0 && rect.x + rect.width <= width && rect.y + rect.height <= height;
      const found = cellAt(layout, rect.x + rect.width / 2, rect.y + rect.height / 2) === cell;
      if (!holds || !inside || !found) lost.push(zone);
    }
    expect(lost).toEqual([]);
  });
});

test("cells do not overlap", () => {
  const layout = layoutZones(500, 560, 480);
  const owner = new Int32Array(560 * 480).fill(-1);
  let shared = 0;
  for (let cell = 0; cell < layout.cellCount; cell++) {
    cellRect(layout, cell, rect);
    for (let y = rect.y; y < rect.y + rect.height; y++) {
      for (let x = rect.x; x < rect.x + rect.width; x++) {
        if (owner[y * 560 + x] !== -1) shared++;
        owner[y * 560 + x] = cell;
      }
    }
  }
  expect(shared).toBe(0);
});

test("zones that share a cell are told apart from left to right", () => {
  const layout = layoutZones(2 ** 20, 560, 480);
  expect(layout.zonesPerCell).toBeGreaterThan(1);
  expect(layout.detail).toBe("plain");
  expect(zoneAt(layout, 0, 0)).toBe(0);
  expect(zoneAt(layout, layout.pitchX - 1e-6, 0)).toBe(layout.zonesPerCell - 1);
  expect(zoneAt(layout, layout.pitchX, 0)).toBe(layout.zonesPerCell);
});

test("a point off the cells is no zone", () => {
  const layout = layoutZones(5, 560, 480);
  expect(zoneAt(layout, -1, 5)).toBe(-1);
  expect(zoneAt(layout, 5, 481)).toBe(-1);
  expect(zoneAt(layout, 559, 479)).toBe(-1);
  expect(zoneAt(layoutZones(0, 560, 480), 5, 5)).toBe(-1);
});

test("few zones are large and labelled, a thousand are not", () => {
  expect(layoutZones(12, 560, 480).detail).toBe("full");
  expect(layoutZones(96, 1000, 600).detail).not.toBe("plain");
  expect(layoutZones(1_000, 400, 300).detail).toBe("plain");
});

test("keys move by a zone and by a row, and stop at the ends", () => {
  const layout = layoutZones(12, 560, 480);
  const { columns } = layout;
  expect(moveSelection(layout, 0, "left")).toBe(0);
  expect(moveSelection(layout, 0, "right")).toBe(1);
  expect(moveSelection(layout, 0, "down")).toBe(columns);
  expect(moveSelection(layout, columns, "up")).toBe(0);
  expect(moveSelection(layout, 11, "down")).toBe(11);
  expect(moveSelection(layout, 5, "first")).toBe(0);
  expect(moveSelection(layout, 5, "last")).toBe(11);
  expect(moveSelection(layout, 11, "page-down")).toBe(11);
  expect(moveSelection(layout, 0, "page-up")).toBe(0);
});
