/**
 * Draws the zone map on a 2D canvas: each cell's outline and fill up to the write pointer, its condition by colour and pattern,
 * the capacity line and the unusable tail beyond it, labels where there is room, hover and selection.
 *
 * Reads columns and a layout, owns nothing but pattern tiles, keeps no state between frames.
 */
import { CONDITION_ORDER, lookOf, PATTERN_TILE } from "./palette.ts";
import type { ConditionLook, Palette } from "./palette.ts";
import { cellOfZone, cellRect, endZoneOf, firstZoneOf } from "./zone-layout.ts";
import type { Rect, ZoneLayout } from "./zone-layout.ts";

/** What the map needs to know of the zones: columns, and the numbers that turn a pointer into a share of a cell. */
export interface ZonePicture {
  readonly condition: Uint8Array;
  readonly writePointer: Float64Array;
  readonly zoneSize: number;
  readonly lengthOf: (zone: number) => number;
  readonly capacityOf: (zone: number) => number;
  /** Two short texts for a labelled cell: the condition, and the bytes used. */
  readonly labelOf: (zone: number) => { readonly condition: string; readonly used: string };
}

export interface ZoneFrame {
  readonly layout: ZoneLayout;
  readonly picture: ZonePicture;
  readonly palette: Palette;
  readonly selected: number | null;
  readonly hovered: number | null;
  /** Whether the keyboard is on the map: the selection then has a second ring. */
  readonly focused: boolean;
  readonly pixelRatio: number;
  /** Distance of the layout from the canvas's edges: rings are drawn outside their cell. */
  readonly inset: number;
  readonly fonts: { readonly sans: string; readonly mono: string };
}

type Context = CanvasRenderingContext2D;

/** Tiles by theme, condition and surface; made once each. */
const tiles = new Map<string, CanvasPattern | null>();

/** The condition's marks as a repeating canvas pattern, drawn at the device's own resolution. */
function tileOf(context: Context, palette: Palette, look: ConditionLook, surface: "fill" | "tint", pixelRatio: number): CanvasPattern | null {
  if (look.pattern.path === "") return null;
  const key = `${palette.theme} ${look.condition} ${surface} ${pixelRatio}`;
  const known = tiles.get(key);
  if (known !== undefined) return known;
  const scale = Math.max(1, Math.round(pixelRatio));
  const canvas = context.canvas.ownerDocument.createElement("canvas");
  canvas.width = canvas.height = PATTERN_TILE * scale;
  const tile = canvas.getContext("2d");
  let pattern: CanvasPattern | null = null;
  if (tile !== null) {
    tile.scale(scale, scale);
    tile.globalAlpha = surface === "fill" ? 0.85 : 0.42;
    tile.strokeStyle = tile.fillStyle = surface === "fill" ? look.mark : look.line;
    tile.lineWidth = surface === "fill" ? 1.25 : 1;
    const path = new Path2D(look.pattern.path);
    if (look.pattern.filled) tile.fill(path);
    else tile.stroke(path);
    pattern = context.createPattern(canvas, "repeat");
    pattern?.setTransform(new DOMMatrix().scale(1 / scale));
  }
  tiles.set(key, pattern);
  return pattern;
}

function paint(context: Context, frame: ZoneFrame, look: ConditionLook, surface: "fill" | "tint", x: number, y: number, width: number, height: number): void {
  if (width <= 0 || height <= 0) return;
  context.fillStyle = look[surface];
  context.fillRect(x, y, width, height);
  const tile = height >= 5 ? tileOf(context, frame.palette, look, surface, frame.pixelRatio) : null;
  if (tile === null) return;
  context.fillStyle = tile;
  context.fillRect(x, y, width, height);
}

/** Draws one whole frame; the canvas has been sized to layout × pixelRatio. */
export function drawZones(context: Context, frame: ZoneFrame): void {
  const { layout, pixelRatio, inset } = frame;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  context.setTransform(pixelRatio, 0, 0, pixelRatio, inset * pixelRatio, inset * pixelRatio);
  const rect: Rect = { x: 0, y: 0, width: 0, height: 0 };
  for (let cell = 0; cell < layout.cellCount; cell++) {
    cellRect(layout, cell, rect);
    if (layout.zonesPerCell > 1) drawShared(context, frame, cell, rect);
    else drawZone(context, frame, cell, rect);
  }
  if (frame.hovered !== null && frame.hovered !== frame.selected) {
    ring(context, cellRect(layout, cellOfZone(layout, frame.hovered), rect), frame.palette.hover, 1.5, 0.75);
  }
  if (frame.selected !== null && frame.selected < layout.zoneCount) {
    cellRect(layout, cellOfZone(layout, frame.selected), rect);
    const thin = layout.gap < 4;
    ring(context, rect, frame.palette.selection, thin ? 2 : 2.5, thin ? 0 : 1.25);
    if (frame.focused && !thin) ring(context, rect, frame.palette.selection, 1, 4);
  }
}

function ring(context: Context, rect: Rect, colour: string, lineWidth: number, outset: number): void {
  context.strokeStyle = colour;
  context.lineWidth = lineWidth;
  context.strokeRect(rect.x - outset, rect.y - outset, rect.width + 2 * outset, rect.height + 2 * outset);
}

/** Height of the strip above a labelled cell's vessel. */
const LABEL_STRIP = 22;

function drawZone(context: Context, frame: ZoneFrame, zone: number, rect: Rect): void {
  const { layout, picture, palette } = frame;
  const look = lookOf(palette, picture.condition[zone]!);
  const labelled = layout.detail === "full";
  const bottom = labelled && rect.height >= 76 ? 20 : 0;
  const top = labelled ? LABEL_STRIP : 0;
  if (labelled) {
    context.fillStyle = palette.ground;
    context.fillRect(rect.x, rect.y, rect.width, rect.height);
  }
  drawVessel(context, frame, zone, look, rect.x, rect.y + top, rect.width, rect.height - top - bottom);
  context.strokeStyle = look.line;
  context.lineWidth = 1;
  if (layout.gap > 1) context.strokeRect(rect.x + 0.5, rect.y + 0.5, rect.width - 1, rect.height - 1);
  if (labelled) drawLabels(context, frame, zone, look, rect, bottom);
  else if (layout.detail === "number") drawNumber(context, frame, zone, rect);
}

/** The writable range from left to right: written, unwritten, and what lies beyond the capacity. */
function drawVessel(context: Context, frame: ZoneFrame, zone: number, look: ConditionLook, x: number, y: number, width: number, height: number): void {
  const { picture, palette } = frame;
  const start = zone * picture.zoneSize;
  const length = picture.lengthOf(zone);
  const capacity = picture.capacityOf(zone);
  // A short last zone is drawn as short as it is, against the stride of the others.
  const scale = width / picture.zoneSize;
  const lengthPixels = Math.max(2, length * scale);
  const capacityPixels = Math.min(lengthPixels, capacity * scale);
  const pointer = picture.writePointer[zone]! - start;
  const isConventional = look.pattern.name === "lines";
  const written = isConventional ? 0 : Math.max(0, Math.min(pointer, capacity));
  let writtenPixels = written * scale;
  // One written sector of a large zone is still something to see.
  if (written > 0) writtenPixels = Math.min(capacityPixels, Math.max(2, writtenPixels));
  // Cells without an outline show that they are there by their ground.
  const ground = frame.layout.gap === 1 && look.pattern.name === "plain" ? "fill" : "tint";
  paint(context, frame, look, ground, x, y, capacityPixels, height);
  if (isConventional) paint(context, frame, look, "tint", x, y, lengthPixels, height);
  else paint(context, frame, look, "fill", x, y, writtenPixels, height);
  if (capacity < length && !isConventional) {
    context.fillStyle = palette.unusable;
    context.fillRect(x + capacityPixels, y, lengthPixels - capacityPixels, height);
    context.fillStyle = palette.capacityLine;
    if (height >= 8) context.fillRect(Math.round(x + capacityPixels) - 0.5, y, 1, height);
  }
  if (height >= 14 && !isConventional && written > 0 && written < capacity) {
    const at = Math.round(x + writtenPixels);
    context.fillStyle = palette.pointer;
    context.fillRect(at - 1, y, 2, height);
    if (height >= 24) {
      // The flag on the pointer stays inside the cell.
      context.beginPath();
      context.moveTo(Math.max(x, at - 5), y);
      context.lineTo(Math.min(x + width, at + 5), y);
      context.lineTo(at, y + 6);
      context.fill();
    }
  }
}

function drawLabels(context: Context, frame: ZoneFrame, zone: number, look: ConditionLook, rect: Rect, bottom: number): void {
  const { palette, fonts, picture } = frame;
  const label = picture.labelOf(zone);
  context.textBaseline = "middle";
  context.fillStyle = palette.text;
  context.font = `600 13px ${fonts.sans}`;
  context.textAlign = "left";
  const middle = rect.y + LABEL_STRIP / 2 + 0.5;
  const name = String(zone);
  context.fillText(name, rect.x + 8, middle);
  const nameWidth = context.measureText(name).width;
  context.font = `500 10px ${fonts.mono}`;
  context.fillStyle = palette.textQuiet;
  const room = rect.width - nameWidth - 24;
  if (context.measureText(label.condition).width <= room) {
    context.textAlign = "right";
    context.fillText(label.condition, rect.x + rect.width - 8, middle);
  }
  context.fillStyle = look.line;
  context.fillRect(rect.x, rect.y + LABEL_STRIP - 1, rect.width, 1);
  if (bottom === 0) return;
  context.fillRect(rect.x, rect.y + rect.height - bottom, rect.width, 1);
  context.textAlign = "left";
  context.fillStyle = palette.textQuiet;
  context.font = `500 10.5px ${fonts.mono}`;
  context.fillText(label.used, rect.x + 8, rect.y + rect.height - bottom / 2 + 0.5, rect.width - 12);
}

function drawNumber(context: Context, frame: ZoneFrame, zone: number, rect: Rect): void {
  const { palette, fonts } = frame;
  context.font = `600 10px ${fonts.sans}`;
  context.textAlign = "left";
  context.textBaseline = "top";
  const text = String(zone);
  // The number stands on its own small ground: it is read on every pattern.
  context.fillStyle = palette.ground;
  context.fillRect(rect.x + 1, rect.y + 1, Math.min(rect.width - 2, context.measureText(text).width + 5), 12);
  context.fillStyle = palette.text;
  context.fillText(text, rect.x + 3, rect.y + 2.5);
}

const mix = new Float64Array(16);

/**
 * A cell of many zones: a bar of the conditions it holds, by number of zones, in the legend's order. Whatever a cell holds,
 * however few, keeps a pixel; the condition of most zones gives it up.
 */
function drawShared(context: Context, frame: ZoneFrame, cell: number, rect: Rect): void {
  const { layout, picture, palette } = frame;
  mix.fill(0);
  const end = endZoneOf(layout, cell);
  const first = firstZoneOf(layout, cell);
  for (let zone = first; zone < end; zone++) mix[picture.condition[zone]! & 15]!++;
  let most = 0;
  for (let condition = 1; condition < mix.length; condition++) if (mix[condition]! > mix[most]!) most = condition;
  let spare = rect.width;
  for (let condition = 0; condition < mix.length; condition++) {
    const count = mix[condition]!;
    if (condition === most || count === 0) continue;
    const width = Math.min(spare, Math.max(1, Math.round((count / (end - first)) * rect.width)));
    mix[condition] = width;
    spare -= width;
  }
  mix[most] = spare;
  let x = rect.x;
  for (const condition of CONDITION_ORDER) {
    const width = mix[condition]!;
    if (width === 0) continue;
    context.fillStyle = lookOf(palette, condition).fill;
    context.fillRect(x, rect.y, width, rect.height);
    x += width;
  }
}
