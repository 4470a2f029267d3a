/** Draws the rows of a file's picture that are seen, on one canvas. */
import { kindOf } from "./layout-grid.ts";
import type { LayoutGrid } from "./layout-grid.ts";
import { kindLook, PATTERN_TILE, zoneColour } from "./layout-palette.ts";
import type { Theme } from "./palette.ts";

export interface LayoutPicture {
  readonly kinds: Uint8Array;
  /** Zone plus one by cell, 0 for none; null to colour by kind. */
  readonly zones: Uint32Array | null;
  readonly theme: Theme;
  readonly pixelRatio: number;
  /** Drawn cells. */
  readonly selected: number;
  readonly hovered: number;
  /** Of a drawn cell; its first one's number is written in it where there is room. */
  readonly clustersPerCell: number;
}

/** From this pitch on cells have a gap, and marks are seen. */
const MARKED_FROM = 7;
/** From this pitch on cells have the room for a number. */
const NUMBERED_FROM = 52;
const NUMBER_FONT = '600 12px "IBM Plex Sans Variable", "IBM Plex Sans", system-ui, sans-serif';

export function paintLayout(context: CanvasRenderingContext2D, grid: LayoutGrid, firstRow: number, picture: LayoutPicture): void {
  const { canvas } = context;
  const { theme, pixelRatio, kinds, zones } = picture;
  context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  const side = grid.pitch >= MARKED_FROM ? grid.pitch - 1 : grid.pitch - 0.5;
  const patterns = new Map<number, CanvasPattern | null>();
  const end = Math.min(grid.cellCount, (firstRow + grid.visibleRows) * grid.columns);
  for (let cell = firstRow * grid.columns; cell < end; cell++) {
    const x = (cell % grid.columns) * grid.pitch;
    const y = (Math.floor(cell / grid.columns) - firstRow) * grid.pitch;
    const kind = kindOf(kinds, grid, cell);
    const zone = zones === null ? 0 : (zones[cell * grid.perCell] ?? 0);
    context.fillStyle = zone > 0 ? zoneColour(zone - 1) : kindLook(kind, theme).fill;
    context.fillRect(x, y, side, side);
    if (zone > 0) continue;
    const marks = grid.pitch >= MARKED_FROM ? marksOf(context, patterns, kind, theme) : null;
    if (marks === null) continue;
    context.fillStyle = marks;
    context.fillRect(x, y, side, side);
  }
  if (grid.pitch >= NUMBERED_FROM) numberCells(context, grid, firstRow, end, picture);
  const frame = (cell: number, colour: string, width: number): void => {
    const row = Math.floor(cell / grid.columns) - firstRow;
    if (cell < 0 || row < 0 || row >= grid.visibleRows) return;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.strokeRect((cell % grid.columns) * grid.pitch - 0.5, row * grid.pitch - 0.5, grid.pitch, grid.pitch);
  };
  frame(picture.hovered, theme === "dark" ? "#b4bfc2" : "#465052", 1);
  frame(picture.selected, theme === "dark" ? "#0b0e0f" : "#ffffff", 5);
  frame(picture.selected, theme === "dark" ? "#45d3b9" : "#0b7264", 2.5);
}

/** A number stands on a ground of its own, whatever the cell's colour and marks. */
function numberCells(context: CanvasRenderingContext2D, grid: LayoutGrid, firstRow: number, end: number, { theme, clustersPerCell }: LayoutPicture): void {
  context.font = NUMBER_FONT;
  context.textBaseline = "middle";
  for (let cell = firstRow * grid.columns; cell < end; cell++) {
    const x = (cell % grid.columns) * grid.pitch;
    const y = (Math.floor(cell / grid.columns) - firstRow) * grid.pitch;
    const text = String(cell * clustersPerCell);
    context.fillStyle = theme === "dark" ? "#14191b" : "#ffffff";
    context.fillRect(x + 3, y + 3, context.measureText(text).width + 8, 17);
    context.fillStyle = theme === "dark" ? "#e9eeef" : "#161b1c";
    context.fillText(text, x + 7, y + 12);
  }
}

function marksOf(context: CanvasRenderingContext2D, patterns: Map<number, CanvasPattern | null>, kind: number, theme: Theme): CanvasPattern | null {
  const known = patterns.get(kind);
  if (known !== undefined) return known;
  const look = kindLook(kind, theme);
  let made: CanvasPattern | null = null;
  const canvas = look.path === "" ? null : new OffscreenCanvas(PATTERN_TILE, PATTERN_TILE);
  const tile = canvas?.getContext("2d") ?? null;
  if (canvas !== null && tile !== null) {
    tile.strokeStyle = look.mark;
    tile.lineWidth = 1.2;
    tile.stroke(new Path2D(look.path));
    made = context.createPattern(canvas, "repeat");
  }
  patterns.set(kind, made);
  return made;
}
