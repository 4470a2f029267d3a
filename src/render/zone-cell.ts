/**
 * One zone's cell: its outline and fill up to the write pointer, its condition by colour and pattern, the capacity line and the
 * unusable tail beyond it, labels where there is room. A short last zone is drawn as short as it is, against the stride of the others.
 */
import { Condition } from "../base/conditions.ts";
import { lookOf } from "./palette.ts";
import type { ConditionLook, Palette } from "./palette.ts";
import type { Pen } from "./pen.ts";
import type { Rect, Scene } from "./scene.ts";
import type { ZonePicture } from "./zone-picture.ts";

/** What is drawn, and of which moment. */
export interface Brush {
  readonly pen: Pen;
  readonly scene: Scene;
  readonly picture: ZonePicture;
  readonly palette: Palette;
}

/** Height of the strip above a labelled cell's vessel, of one with letters of the usual size. */
const LABEL_STRIP = 22;
const FOOT_STRIP = 20;
/** A labelled cell lower than this has no strip at its foot. */
const FOOT_FROM = 76;
/** The line at the capacity is drawn in cells of this height: in a thousand small ones it would be all that is seen. */
const CAPACITY_LINE_FROM = 14;

const NAME = { family: "sans", weight: 600, size: 13, align: "left" } as const;
const NUMBER = { family: "sans", weight: 600, size: 10, align: "left" } as const;
const CONDITION = { family: "mono", weight: 500, size: 10, align: "right" } as const;
const USED = { family: "mono", weight: 500, size: 10.5, align: "left" } as const;

/** How much larger the letters of a large cell are: it is looked at from the back of a room. */
export const letterScale = ({ width, height }: Rect): number => (width >= 220 && height >= 130 ? 1.4 : 1);

/** Height of the strip above a labelled cell's vessel. */
export const labelStripOf = (rect: Rect): number => Math.round(LABEL_STRIP * letterScale(rect));

/** @param pointer the write pointer to show: on its way during a brief transition, otherwise the picture's own */
export function drawZone(brush: Brush, zone: number, rect: Rect, condition: number, pointer: number): void {
  const { pen, scene, palette } = brush;
  const look = lookOf(palette, condition);
  const labelled = scene.detail === "full";
  const bottom = labelled && rect.height >= FOOT_FROM ? Math.round(FOOT_STRIP * letterScale(rect)) : 0;
  const top = labelled ? labelStripOf(rect) : 0;
  if (labelled) pen.rect(palette.ground, rect.x, rect.y, rect.width, rect.height);
  drawVessel(brush, zone, look, pointer, rect.x, rect.y + top, rect.width, rect.height - top - bottom);
  if (scene.zoneGap > 1) pen.outline(look.line, 1, rect.x + 0.5, rect.y + 0.5, rect.width - 1, rect.height - 1);
  if (labelled) drawLabels(brush, zone, look, rect, bottom);
  else if (scene.detail === "number") drawNumber(brush, zone, rect);
}

/** The writable range from left to right: written, unwritten, and what lies beyond the capacity. */
function drawVessel(brush: Brush, zone: number, look: ConditionLook, pointer: number, x: number, y: number, width: number, height: number): void {
  const { pen, picture, palette, scene } = brush;
  const length = picture.lengthOf(zone);
  const capacity = picture.capacityOf(zone);
  const scale = width / picture.zoneSize;
  const lengthPixels = Math.max(2, length * scale);
  const capacityPixels = Math.min(lengthPixels, capacity * scale);
  const conventional = look.condition === Condition.NOT_WP;
  if (length < picture.zoneSize && height >= CAPACITY_LINE_FROM) drawEnd(brush, x + lengthPixels, y, width - lengthPixels, height);
  if (conventional) {
    pen.surface(look, scene.zoneGap === 1 ? "fill" : "tint", x, y, lengthPixels, height);
    return;
  }
  const written = Math.max(0, Math.min(pointer - zone * picture.zoneSize, capacity));
  // One written sector of a large zone is still something to see.
  const writtenPixels = written === 0 ? 0 : Math.min(capacityPixels, Math.max(2, written * scale));
  // Cells without an outline show that they are there by their ground.
  const ground = scene.zoneGap === 1 && look.condition === Condition.EMPTY ? "fill" : "tint";
  pen.surface(look, ground, x, y, capacityPixels, height);
  pen.surface(look, "fill", x, y, writtenPixels, height);
  if (capacity < length) {
    pen.rect(palette.unusable, x + capacityPixels, y, lengthPixels - capacityPixels, height);
    if (height >= CAPACITY_LINE_FROM) pen.rect(palette.capacityLine, Math.round(x + capacityPixels) - 0.5, y, 1, height);
  }
  if (height < 14 || written === 0 || written >= capacity) return;
  // Two pixels wide and inside the cell: what is drawn beside a cell is not erased with it.
  const at = Math.min(Math.round(x + writtenPixels), Math.floor(x + width) - 1);
  pen.rect(palette.pointer, at - 1, y, 2, height);
  // The flag on the pointer stays inside the cell.
  if (height >= 24) pen.triangle(palette.pointer, Math.max(x, at - 5), y, Math.min(x + width, at + 5), y, at, y + 6);
}

/** Behind the end of a short last zone: a line, and nothing, which dashes say. */
function drawEnd({ pen, palette }: Brush, x: number, y: number, width: number, height: number): void {
  pen.rect(palette.hover, Math.round(x), y, 1, height);
  const middle = Math.round(y + height / 2);
  for (let at = x + 6; at + 4 < x + width; at += 9) pen.rect(palette.hover, at, middle, 4, 1);
}

function drawLabels({ pen, palette, picture }: Brush, zone: number, look: ConditionLook, rect: Rect, bottom: number): void {
  const label = picture.labelOf(zone);
  const name = String(zone);
  const scale = letterScale(rect);
  const [named, condition, used] = [larger(NAME, scale), larger(CONDITION, scale), larger(USED, scale)];
  const strip = labelStripOf(rect);
  const middle = rect.y + strip / 2 + 0.5;
  pen.text(name, { ...named, colour: palette.text }, rect.x + 8, middle);
  const room = rect.width - pen.textWidth(name, named) - 24;
  if (pen.textWidth(label.condition, condition) <= room) pen.text(label.condition, { ...condition, colour: palette.textQuiet }, rect.x + rect.width - 8, middle);
  pen.rect(look.line, rect.x, rect.y + strip - 1, rect.width, 1);
  if (bottom === 0) return;
  pen.rect(look.line, rect.x, rect.y + rect.height - bottom, rect.width, 1);
  pen.text(label.used, { ...used, colour: palette.textQuiet }, rect.x + 8, rect.y + rect.height - bottom / 2 + 0.5, rect.width - 12);
}

const larger = <Style extends { readonly size: number }>(style: Style, scale: number): Omit<Style, "size"> & { size: number } => ({ ...style, size: style.size * scale });

/** The number stands on its own small ground: it is read on every pattern. */
function drawNumber({ pen, palette }: Brush, zone: number, rect: Rect): void {
  const text = String(zone);
  const width = Math.min(rect.width - 2, pen.textWidth(text, NUMBER) + 5);
  pen.rect(palette.ground, rect.x + 1, rect.y + 1, width, 12);
  pen.text(text, { ...NUMBER, colour: palette.text }, rect.x + 3, rect.y + 7.5);
}
