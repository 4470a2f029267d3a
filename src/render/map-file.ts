/** The map as a file: what is seen, with a line that says what it is and a legend, drawn by the same code as on the page. */
import type { CellIndex } from "./cell-index.ts";
import { CONDITION_ORDER, lookOf } from "./palette.ts";
import type { Palette } from "./palette.ts";
import type { Pen } from "./pen.ts";
import { cellRect, forEachSeenCell, forEachSeenZone, zoneRect } from "./scene.ts";
import type { Rect, Scene } from "./scene.ts";
import { drawShared } from "./shared-cell.ts";
import { drawZone } from "./zone-cell.ts";
import type { ZonePicture } from "./zone-picture.ts";

const MARGIN = 16;
const HEAD = 34;
const FOOT = 34;

export interface MapFile {
  readonly scene: Scene;
  readonly picture: ZonePicture;
  readonly palette: Palette;
  readonly index: CellIndex | null;
  readonly title: string;
  /** Names and counts of the conditions that are there. */
  readonly legend: readonly { readonly condition: number; readonly text: string }[];
}

export const fileSize = ({ scene }: MapFile): { width: number; height: number } => ({
  width: scene.layout.width + 2 * MARGIN,
  height: scene.layout.height + HEAD + FOOT + MARGIN,
});

/** @param moved a pen whose origin is (x, y) of the page's */
export function drawMapFile(pen: Pen, file: MapFile): void {
  const { scene, picture, palette, index, title, legend } = file;
  const { width, height } = fileSize(file);
  pen.rect(palette.ground, 0, 0, width, height);
  pen.text(title, { family: "sans", weight: 600, size: 13, align: "left", colour: palette.text }, MARGIN, HEAD / 2 + 2, width - 2 * MARGIN);
  const shifted = new ShiftedPen(pen, MARGIN, HEAD);
  const brush = { pen: shifted, scene, picture, palette };
  const rect: Rect = { x: 0, y: 0, width: 0, height: 0 };
  forEachSeenCell(scene, (cell) => {
    if (scene.level === "zones") forEachSeenZone(scene, cell, (zone) => drawZone(brush, zone, zoneRect(scene, zone, rect), picture.condition[zone]!, picture.writePointer[zone]!));
    else if (index !== null) drawShared(brush, index, cell, cellRect(scene, cell, rect));
  });
  // What reaches out of the map is covered by the page's ground.
  pen.rect(palette.ground, 0, HEAD + scene.layout.height, width, FOOT + MARGIN);
  pen.rect(palette.ground, MARGIN + scene.layout.width, HEAD, MARGIN, scene.layout.height);
  pen.rect(palette.ground, 0, HEAD, MARGIN, scene.layout.height);
  let x = MARGIN;
  const y = height - FOOT;
  const font = { family: "mono", weight: 500, size: 11 } as const;
  const known = legend.filter(({ condition }) => CONDITION_ORDER.some((other) => other === condition));
  for (const { condition, text } of known) {
    const look = lookOf(palette, condition);
    pen.surface(look, "fill", x, y, 14, 14);
    pen.outline(look.line, 1, x + 0.5, y + 0.5, 13, 13);
    pen.text(text, { ...font, align: "left", colour: palette.text }, x + 20, y + 7);
    x += 38 + pen.textWidth(text, font);
  }
}

/** A pen whose origin lies elsewhere. */
class ShiftedPen implements Pen {
  private readonly pen: Pen;
  private readonly dx: number;
  private readonly dy: number;

  constructor(pen: Pen, dx: number, dy: number) {
    this.pen = pen;
    this.dx = dx;
    this.dy = dy;
  }

  rect: Pen["rect"] = (colour, x, y, ...rest) => this.pen.rect(colour, x + this.dx, y + this.dy, ...rest);
  surface: Pen["surface"] = (look, surface, x, y, ...rest) => this.pen.surface(look, surface, x + this.dx, y + this.dy, ...rest);
  outline: Pen["outline"] = (colour, lineWidth, x, y, ...rest) => this.pen.outline(colour, lineWidth, x + this.dx, y + this.dy, ...rest);
  text: Pen["text"] = (text, style, x, y, ...rest) => this.pen.text(text, style, x + this.dx, y + this.dy, ...rest);
  textWidth: Pen["textWidth"] = (text, font) => this.pen.textWidth(text, font);
  triangle: Pen["triangle"] = (colour, ax, ay, bx, by, cx, cy) => {
    const { dx, dy } = this;
    this.pen.triangle(colour, ax + dx, ay + dy, bx + dx, by + dy, cx + dx, cy + dy);
  };
}
