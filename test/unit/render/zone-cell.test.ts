/** A zone's cell is erased by its rectangle, so that nothing of it may be drawn beside that. */
import { expect, test } from "vitest";
import { Condition } from "../../../src/base/conditions.ts";
import { paletteOf } from "../../../src/render/palette.ts";
import type { Pen } from "../../../src/render/pen.ts";
import { sceneOf, WHOLE, zoneRect } from "../../../src/render/scene.ts";
import { drawZone } from "../../../src/render/zone-cell.ts";
import { layoutZones } from "../../../src/render/zone-layout.ts";

const ZONE = 2 ** 20;

test.each([[12, 365, 360], [12, 560, 470], [300, 365, 360]])("%d zones in %d × %d pixels: wherever the pointer is, the cell keeps to its rectangle", (count, width, height) => {
  const scene = sceneOf(layoutZones(count, width, height), WHOLE);
  const zone = 5;
  const cell = zoneRect(scene, zone, { x: 0, y: 0, width: 0, height: 0 });
  let [left, right] = [Infinity, -Infinity];
  const reaches = (...xs: readonly number[]): void => {
    left = Math.min(left, ...xs);
    right = Math.max(right, ...xs);
  };
  const pen: Pen = {
    rect: (_, x, _y, wide) => reaches(x, x + wide),
    surface: (_, _surface, x, _y, wide) => reaches(x, x + wide),
    outline: (_, line, x, _y, wide) => reaches(x - line / 2, x + wide + line / 2),
    triangle: (_, ax, _ay, bx, _by, cx) => reaches(ax, bx, cx),
    text: () => undefined,
    textWidth: () => 40,
  };
  const picture = {
    condition: new Uint8Array(count),
    writePointer: new Float64Array(count),
    zoneSize: ZONE,
    zoneCapacity: ZONE,
    lengthOf: () => ZONE,
    capacityOf: () => ZONE,
    labelOf: () => ({ condition: "IMPLICIT_OPEN", used: "" }),
    sharedLabelOf: () => ({ zones: "", fill: "" }),
  };
  for (let written = 0; written <= ZONE; written += 512) drawZone({ pen, scene, picture, palette: paletteOf("light") }, zone, cell, Condition.IMPLICIT_OPEN, zone * ZONE + written);
  expect([left, right]).toEqual([cell.x, cell.x + cell.width]);
});
