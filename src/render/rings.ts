/** What lies over the cells: the selection, the place under the pointer, and on labelled cells the order in which zones would be closed. */
import type { Palette } from "./palette.ts";
import type { Pen } from "./pen.ts";
import { isSeen, placeOf } from "./scene.ts";
import type { Rect, Scene } from "./scene.ts";
import { labelStripOf, letterScale } from "./zone-cell.ts";

export interface Rings {
  readonly selected: number | null;
  readonly hovered: number | null;
  /** Whether the keyboard is on the map: the selection then has a second ring. */
  readonly focused: boolean;
  /** Implicitly open zones, the one to be closed next first. */
  readonly closingOrder: readonly number[];
}

const PLACE = { family: "mono", weight: 600, size: 10, align: "left" } as const;

export function drawRings(pen: Pen, scene: Scene, palette: Palette, { selected, hovered, focused, closingOrder }: Rings): void {
  const rect: Rect = { x: 0, y: 0, width: 0, height: 0 };
  if (scene.detail === "full") {
    closingOrder.forEach((zone, index) => {
      if (zone < scene.layout.zoneCount && isSeen(scene, placeOf(scene, zone, rect))) drawPlace(pen, palette, rect, index + 1);
    });
  }
  if (hovered !== null && hovered !== selected && hovered < scene.layout.zoneCount) {
    placeOf(scene, hovered, rect);
    ring(pen, rect, palette.hover, 1.5, 0.75);
  }
  if (selected === null || selected >= scene.layout.zoneCount) return;
  placeOf(scene, selected, rect);
  if (!isSeen(scene, rect)) return;
  const thin = rect.width < 24;
  // A small ring needs its own ground to be seen between cells of every colour.
  if (thin) ring(pen, rect, palette.ground, 4, 1.5);
  ring(pen, rect, palette.selection, thin ? 2 : 2.5, thin ? 1 : 1.25);
  if (focused && !thin) ring(pen, rect, palette.selection, 1, 4);
}

const ring = (pen: Pen, rect: Rect, colour: string, lineWidth: number, outset: number): void =>
  pen.outline(colour, lineWidth, rect.x - outset, rect.y - outset, rect.width + 2 * outset, rect.height + 2 * outset);

/** The zone's place in the closing order, in the corner of its vessel. */
function drawPlace(pen: Pen, palette: Palette, rect: Rect, place: number): void {
  const text = place === 1 ? "closed next" : `in ${place}`;
  const scale = letterScale(rect);
  const font = { ...PLACE, size: PLACE.size * scale };
  const width = pen.textWidth(text, font) + 8;
  const height = Math.round(15 * scale);
  if (rect.width < width + 8 || rect.height < 60) return;
  const x = rect.x + rect.width - width - 4;
  const y = rect.y + labelStripOf(rect) + 4;
  pen.rect(palette.ground, x, y, width, height, 0.92);
  pen.outline(palette.hover, 1, x + 0.5, y + 0.5, width - 1, height - 1);
  pen.text(text, { ...font, colour: palette.text }, x + 4, y + height / 2 + 0.5);
}
