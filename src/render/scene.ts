/**
 * The part of the map that is seen: a layout under a zoom and a pan. Zooming is of the picture, so a zone keeps its place among
 * its neighbours: a cell that many zones share grows, and opens into its zones, row by row, once each has room to be seen.
 *
 * Knows nothing of conditions or drawing. All lengths are CSS pixels.
 */
import { cellOfZone, detailOf, gapOf } from "./zone-layout.ts";
import type { Detail, ZoneLayout } from "./zone-layout.ts";

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** How far the map is enlarged, and which point of the enlarged map stands in the corner. */
export interface View {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export const WHOLE: View = { scale: 1, x: 0, y: 0 };

export interface Scene {
  readonly layout: ZoneLayout;
  readonly view: View;
  /** Whether cells stand for many zones each, or every zone is drawn. */
  readonly level: "shared" | "zones";
  /** Distance between cells of the layout, enlarged. */
  readonly pitchX: number;
  readonly pitchY: number;
  readonly gap: number;
  /** Distance between zones inside a cell that is open; the cell's own where no cell is shared. */
  readonly zonePitchX: number;
  readonly zonePitchY: number;
  readonly zoneGap: number;
  /** What a zone's cell has room to say; "plain" while cells are shared. */
  readonly detail: Detail;
}

/** A shared cell opens when its zones have this many pixels each way. */
const OPEN_PITCH_X = 9;
const OPEN_PITCH_Y = 7;
/** Nothing is to be seen better when a zone is larger than this. */
const LARGEST_X = 260;
const LARGEST_Y = 150;

export function largestScale(layout: ZoneLayout): number {
  return Math.max(1, Math.min((LARGEST_X * layout.blockColumns) / layout.pitchX, (LARGEST_Y * layout.blockRows) / layout.pitchY));
}

export function sceneOf(layout: ZoneLayout, view: View): Scene {
  const pitchX = layout.pitchX * view.scale;
  const pitchY = layout.pitchY * view.scale;
  const gap = Math.min(12, gapOf(pitchX, pitchY));
  const alone = layout.zonesPerCell === 1;
  const zonePitchX = alone ? pitchX : (pitchX - gap) / layout.blockColumns;
  const zonePitchY = alone ? pitchY : (pitchY - gap) / layout.blockRows;
  const level = alone || (zonePitchX >= OPEN_PITCH_X && zonePitchY >= OPEN_PITCH_Y) ? "zones" : "shared";
  const zoneGap = alone ? gap : Math.max(1, gapOf(zonePitchX, zonePitchY) - 1);
  const detail = level === "shared" ? "plain" : detailOf(zonePitchX - zoneGap, zonePitchY - zoneGap, layout.zoneCount);
  return { layout, view, level, pitchX, pitchY, gap, zonePitchX, zonePitchY, zoneGap, detail };
}

/** The view kept inside the map, and the map no smaller than its box. */
export function clampView(layout: ZoneLayout, view: View): View {
  const scale = Math.min(largestScale(layout), Math.max(1, view.scale));
  const x = Math.min(Math.max(0, view.x), layout.width * (scale - 1));
  const y = Math.min(Math.max(0, view.y), layout.height * (scale - 1));
  return { scale, x, y };
}

/** Enlarges by `factor` so that what is at (px, py) of the box stays there. */
export function zoomAt(layout: ZoneLayout, view: View, factor: number, px: number, py: number): View {
  const scale = Math.min(largestScale(layout), Math.max(1, view.scale * factor));
  const by = scale / view.scale;
  return clampView(layout, { scale, x: (view.x + px) * by - px, y: (view.y + py) * by - py });
}

export const panBy = (layout: ZoneLayout, view: View, dx: number, dy: number): View => clampView(layout, { scale: view.scale, x: view.x + dx, y: view.y + dy });

/** The view moved as little as shows the zone; the same view when it is seen already. */
export function reveal(scene: Scene, zone: number): View {
  const { layout, view } = scene;
  const rect = placeOf(scene, zone, { x: 0, y: 0, width: 0, height: 0 });
  const room = (from: number, length: number, box: number): number => (from < 0 ? from : from + length > box ? from + length - box : 0);
  const dx = room(rect.x, rect.width, layout.width);
  const dy = room(rect.y, rect.height, layout.height);
  return dx === 0 && dy === 0 ? view : panBy(layout, view, dx, dy);
}

/** The view in whose middle the zone is. */
export function centredOn(layout: ZoneLayout, scale: number, zone: number): View {
  const scene = sceneOf(layout, { scale, x: 0, y: 0 });
  const rect = placeOf(scene, zone, { x: 0, y: 0, width: 0, height: 0 });
  return clampView(layout, { scale, x: rect.x + rect.width / 2 - layout.width / 2, y: rect.y + rect.height / 2 - layout.height / 2 });
}

/** The rectangle of a cell of the layout, on whole pixels of the box, written into `into`. */
export function cellRect(scene: Scene, cell: number, into: Rect): Rect {
  const { layout, view, pitchX, pitchY, gap } = scene;
  const column = cell % layout.columns;
  const row = Math.floor(cell / layout.columns);
  const left = Math.round(column * pitchX - view.x);
  const top = Math.round(row * pitchY - view.y);
  into.x = left;
  into.y = top;
  into.width = Math.max(1, Math.round((column + 1) * pitchX - view.x) - left - gap);
  into.height = Math.max(1, Math.round((row + 1) * pitchY - view.y) - top - gap);
  return into;
}

/** The rectangle of one zone where every zone is drawn, on whole pixels of the box. */
export function zoneRect(scene: Scene, zone: number, into: Rect): Rect {
  const { layout, view, zonePitchX, zonePitchY, zoneGap } = scene;
  if (layout.zonesPerCell === 1) return cellRect(scene, zone, into);
  const cell = cellOfZone(layout, zone);
  const within = zone % layout.zonesPerCell;
  const x = (cell % layout.columns) * scene.pitchX - view.x + (within % layout.blockColumns) * zonePitchX;
  const y = Math.floor(cell / layout.columns) * scene.pitchY - view.y + Math.floor(within / layout.blockColumns) * zonePitchY;
  into.x = Math.round(x);
  into.y = Math.round(y);
  into.width = Math.max(1, Math.round(x + zonePitchX) - into.x - zoneGap);
  into.height = Math.max(1, Math.round(y + zonePitchY) - into.y - zoneGap);
  return into;
}

/** Where a zone is seen: its own rectangle, or that of the cell it shares. */
export const placeOf = (scene: Scene, zone: number, into: Rect): Rect =>
  scene.level === "zones" ? zoneRect(scene, zone, into) : cellRect(scene, cellOfZone(scene.layout, zone), into);

/** Whether anything of the rectangle is inside the box. */
export const isSeen = (scene: Scene, rect: Rect): boolean =>
  rect.x < scene.layout.width && rect.y < scene.layout.height && rect.x + rect.width > 0 && rect.y + rect.height > 0;

/** Calls `visit` for every cell of the layout of which something is seen. */
export function forEachSeenCell(scene: Scene, visit: (cell: number) => void): void {
  const { layout, view, pitchX, pitchY } = scene;
  const firstColumn = Math.max(0, Math.floor(view.x / pitchX));
  const endColumn = Math.min(layout.columns, Math.ceil((view.x + layout.width) / pitchX));
  const firstRow = Math.max(0, Math.floor(view.y / pitchY));
  const endRow = Math.min(layout.rows, Math.ceil((view.y + layout.height) / pitchY));
  for (let row = firstRow; row < endRow; row++) {
    for (let column = firstColumn; column < endColumn; column++) {
      const cell = row * layout.columns + column;
      if (cell < layout.cellCount) visit(cell);
    }
  }
}

/** Calls `visit` for every zone of a cell of which something is seen. */
export function forEachSeenZone(scene: Scene, cell: number, visit: (zone: number) => void): void {
  const { layout, view, zonePitchX, zonePitchY } = scene;
  const first = cell * layout.zonesPerCell;
  if (layout.zonesPerCell === 1) return visit(first);
  const left = view.x - (cell % layout.columns) * scene.pitchX;
  const top = view.y - Math.floor(cell / layout.columns) * scene.pitchY;
  const firstColumn = Math.max(0, Math.floor(left / zonePitchX));
  const endColumn = Math.min(layout.blockColumns, Math.ceil((left + layout.width) / zonePitchX));
  const firstRow = Math.max(0, Math.floor(top / zonePitchY));
  const endRow = Math.min(layout.blockRows, Math.ceil((top + layout.height) / zonePitchY));
  for (let row = firstRow; row < endRow; row++) {
    for (let column = firstColumn; column < endColumn; column++) {
      const zone = first + row * layout.blockColumns + column;
      if (zone < layout.zoneCount) visit(zone);
    }
  }
}

/** The cell under a point of the box, or -1; the gap belongs to the cell on its left and above, so that the map has no dead lines. */
export function cellAt(scene: Scene, x: number, y: number): number {
  const { layout, view, pitchX, pitchY } = scene;
  if (layout.cellCount === 0 || x < 0 || y < 0 || x > layout.width || y > layout.height) return -1;
  const column = Math.floor((x + view.x) / pitchX);
  const row = Math.floor((y + view.y) / pitchY);
  if (column >= layout.columns || row >= layout.rows) return -1;
  const cell = row * layout.columns + column;
  return cell < layout.cellCount ? cell : -1;
}

/** The zone under a point of the box, or -1: in a shared cell the zone that stands there once the cell is open. */
export function zoneAt(scene: Scene, x: number, y: number): number {
  const cell = cellAt(scene, x, y);
  if (cell < 0) return -1;
  const { layout, view, zonePitchX, zonePitchY } = scene;
  if (layout.zonesPerCell === 1) return cell;
  const left = x + view.x - (cell % layout.columns) * scene.pitchX;
  const top = y + view.y - Math.floor(cell / layout.columns) * scene.pitchY;
  const column = Math.min(layout.blockColumns - 1, Math.floor(left / zonePitchX));
  const row = Math.min(layout.blockRows - 1, Math.floor(top / zonePitchY));
  return Math.min(layout.zoneCount - 1, cell * layout.zonesPerCell + row * layout.blockColumns + column);
}

export type Move = "left" | "right" | "up" | "down" | "first" | "last" | "page-up" | "page-down";

/** Where a key leads from a zone: to the next zone sideways, to the cell or zone above and below; it stops at the ends. */
export function moveSelection(scene: Scene, zone: number, move: Move): number {
  const { layout } = scene;
  const last = layout.zoneCount - 1;
  const rowZones = layout.columns * layout.zonesPerCell;
  const page = rowZones * Math.max(1, Math.floor(layout.rows / 2));
  const within = (target: number): number => (target < 0 || target > last ? zone : target);
  switch (move) {
    case "left":
      return within(zone - 1);
    case "right":
      return within(zone + 1);
    case "up":
      return within(vertically(scene, zone, -1));
    case "down":
      return within(vertically(scene, zone, 1));
    case "first":
      return 0;
    case "last":
      return last;
    case "page-up":
      return Math.max(0, zone - page);
    default:
      return Math.min(last, zone + page);
  }
}

/** The zone one row further; in an open cell the row is the cell's own, and behind its last one comes the next cell's. */
function vertically(scene: Scene, zone: number, by: 1 | -1): number {
  const { zonesPerCell, columns, blockColumns, blockRows } = scene.layout;
  if (scene.level === "shared" || zonesPerCell === 1) return zone + by * columns * zonesPerCell;
  const row = Math.floor((zone % zonesPerCell) / blockColumns) + by;
  if (row >= 0 && row < blockRows) return zone + by * blockColumns;
  return zone + by * columns * zonesPerCell - by * (blockRows - 1) * blockColumns;
}
