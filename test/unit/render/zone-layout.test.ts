/** The map's layout: everything fits, every zone has a place, and a place leads back to its zone. */
import { describe, expect, test } from "vitest";
import { cellAt, cellRect, centredOn, clampView, forEachSeenCell, forEachSeenZone, largestScale, moveSelection, reveal, sceneOf, WHOLE, zoneAt, zoneRect, zoomAt } from "../../../src/render/scene.ts";
import type { Rect } from "../../../src/render/scene.ts";
import { cellOfZone, endZoneOf, firstZoneOf, layoutZones } from "../../../src/render/zone-layout.ts";

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
    const scene = sceneOf(layout, WHOLE);
    expect(layout.cellCount * layout.zonesPerCell).toBeGreaterThanOrEqual(count);
    const step = Math.max(1, Math.floor(count / 997));
    const lost: number[] = [];
    for (let zone = 0; zone < count; zone += step) {
      const cell = cellOfZone(layout, zone);
      const holds = firstZoneOf(layout, cell) <= zone && zone < endZoneOf(layout, cell);
      cellRect(scene, cell, rect);
      const inside = rect.x >= 0 && rect.y >= 0 && rect.x + rect.width <= width && rect.y + rect.height <= height;
      const found = cellAt(scene, rect.x + rect.width / 2, rect.y + rect.height / 2) === cell;
      if (!holds || !inside || !found) lost.push(zone);
    }
    expect(lost).toEqual([]);
  });
});

test("cells do not overlap", () => {
  const layout = layoutZones(500, 560, 480);
  const scene = sceneOf(layout, WHOLE);
  const owner = new Int32Array(560 * 480).fill(-1);
  let shared = 0;
  for (let cell = 0; cell < layout.cellCount; cell++) {
    cellRect(scene, cell, rect);
    for (let y = rect.y; y < rect.y + rect.height; y++) {
      for (let x = rect.x; x < rect.x + rect.width; x++) {
        if (owner[y * 560 + x] !== -1) shared++;
        owner[y * 560 + x] = cell;
      }
    }
  }
  expect(shared).toBe(0);
});

test("zones that share a cell are told apart, row by row", () => {
  const layout = layoutZones(2 ** 20, 560, 480);
  const scene = sceneOf(layout, WHOLE);
  expect(layout.blockColumns * layout.blockRows).toBe(layout.zonesPerCell);
  expect(scene.level).toBe("shared");
  expect(zoneAt(scene, 0, 0)).toBe(0);
  expect(zoneAt(scene, scene.zonePitchX * 1.5, 0)).toBe(1);
  expect(zoneAt(scene, 0, scene.zonePitchY * 1.5)).toBe(layout.blockColumns);
  expect(zoneAt(scene, layout.pitchX, 0)).toBe(layout.zonesPerCell);
});

test("zooming keeps what is under the pointer, opens shared cells, and finds every zone where it is drawn", () => {
  const layout = layoutZones(2 ** 20, 560, 480);
  let view = WHOLE;
  const target = zoneAt(sceneOf(layout, view), 300, 200);
  const cell = cellOfZone(layout, target);
  while (view.scale < largestScale(layout)) {
    view = zoomAt(layout, view, 1.7, 300, 200);
    expect(cellOfZone(layout, zoneAt(sceneOf(layout, view), 300, 200))).toBe(cell);
  }
  const scene = sceneOf(layout, view);
  expect(scene.level).toBe("zones");
  expect(scene.detail).toBe("full");
  const lost: number[] = [];
  let seen = 0;
  forEachSeenCell(scene, (each) =>
    forEachSeenZone(scene, each, (zone) => {
      seen++;
      zoneRect(scene, zone, rect);
      const x = rect.x + rect.width / 2;
      const y = rect.y + rect.height / 2;
      if (x >= 0 && y >= 0 && x <= layout.width && y <= layout.height && zoneAt(scene, x, y) !== zone) lost.push(zone);
    }),
  );
  expect(lost).toEqual([]);
  expect(seen).toBeGreaterThan(0);
  expect(seen).toBeLessThan(100);
  expect(zoomAt(layout, view, 1e-9, 0, 0)).toEqual(WHOLE);
});

test("a view stays on the map, and a zone out of view is brought into it", () => {
  const layout = layoutZones(2 ** 20, 560, 480);
  expect(clampView(layout, { scale: 4, x: -50, y: 1e9 })).toEqual({ scale: 4, x: 0, y: layout.height * 3 });
  const view = centredOn(layout, 20, 0);
  const far = reveal(sceneOf(layout, view), 2 ** 20 - 1);
  expect(far).not.toEqual(view);
  const scene = sceneOf(layout, far);
  zoneRect(scene, 2 ** 20 - 1, rect);
  expect(rect.x >= 0 && rect.y >= 0 && rect.x < layout.width && rect.y < layout.height).toBe(true);
  expect(reveal(scene, 2 ** 20 - 1)).toBe(scene.view);
});

test("in an open cell down goes to the row below, and from its last row to the next cell's first", () => {
  const layout = layoutZones(2 ** 20, 560, 480);
  const scene = sceneOf(layout, { scale: largestScale(layout), x: 0, y: 0 });
  expect(moveSelection(scene, 3, "down")).toBe(3 + layout.blockColumns);
  const lastRow = layout.zonesPerCell - layout.blockColumns + 3;
  expect(moveSelection(scene, lastRow, "down")).toBe(layout.columns * layout.zonesPerCell + 3);
  expect(moveSelection(scene, layout.columns * layout.zonesPerCell + 3, "up")).toBe(lastRow);
});

test("a point off the cells is no zone", () => {
  const scene = sceneOf(layoutZones(5, 560, 480), WHOLE);
  expect(zoneAt(scene, -1, 5)).toBe(-1);
  expect(zoneAt(scene, 5, 481)).toBe(-1);
  expect(zoneAt(scene, 559, 479)).toBe(-1);
  expect(zoneAt(sceneOf(layoutZones(0, 560, 480), WHOLE), 5, 5)).toBe(-1);
});

test("few zones are large and labelled, a thousand are not", () => {
  expect(layoutZones(12, 560, 480).detail).toBe("full");
  expect(layoutZones(96, 1000, 600).detail).not.toBe("plain");
  expect(layoutZones(1_000, 400, 300).detail).toBe("plain");
});

test("keys move by a zone and by a row, and stop at the ends", () => {
  const layout = layoutZones(12, 560, 480);
  const { columns } = layout;
  const scene = sceneOf(layout, WHOLE);
  expect(moveSelection(scene, 0, "left")).toBe(0);
  expect(moveSelection(scene, 0, "right")).toBe(1);
  expect(moveSelection(scene, 0, "down")).toBe(columns);
  expect(moveSelection(scene, columns, "up")).toBe(0);
  expect(moveSelection(scene, 11, "down")).toBe(11);
  expect(moveSelection(scene, 5, "first")).toBe(0);
  expect(moveSelection(scene, 5, "last")).toBe(11);
  expect(moveSelection(scene, 11, "page-down")).toBe(11);
  expect(moveSelection(scene, 0, "page-up")).toBe(0);
});
