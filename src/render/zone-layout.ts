/**
 * Where each zone stands on the map: a regular grid of cells in a rectangle, one zone a cell while cells stay large enough to be
 * seen, and a run of zones a cell beyond that. Plain numbers, so that a million zones cost nothing: no cell is an object.
 *
 * Knows nothing of conditions or drawing. All lengths are CSS pixels.
 */

/** How much a cell can say: number, condition and bytes; its number; or nothing but its fill. */
export type Detail = "full" | "number" | "plain";

export interface ZoneLayout {
  readonly width: number;
  readonly height: number;
  readonly zoneCount: number;
  /** Zones that share a cell; 1 until cells would be too small, then a power of two. */
  readonly zonesPerCell: number;
  readonly cellCount: number;
  readonly columns: number;
  readonly rows: number;
  /** Distance from one cell's left edge to the next; cells are narrower by `gap`. */
  readonly pitchX: number;
  readonly pitchY: number;
  readonly gap: number;
  readonly detail: Detail;
}

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Cells are wider than high, as a zone is written from left to right. */
const CELL_ASPECT = 1.75;
/** Below this many pixels a side, zones share cells. */
const MIN_PITCH = 7;
/** A cell is not drawn larger than this, so that three zones do not fill a wall. */
const MAX_PITCH_X = 360;
const MAX_PITCH_Y = 190;

/** Lays `zoneCount` zones out in a rectangle of `width` by `height`. */
export function layoutZones(zoneCount: number, width: number, height: number): ZoneLayout {
  const usableWidth = Math.max(1, Math.floor(width));
  const usableHeight = Math.max(1, Math.floor(height));
  const room = Math.max(1, Math.floor(usableWidth / MIN_PITCH)) * Math.max(1, Math.floor(usableHeight / MIN_PITCH));
  let zonesPerCell = 1;
  while (Math.ceil(zoneCount / zonesPerCell) > room) zonesPerCell *= 2;
  const cellCount = Math.ceil(zoneCount / zonesPerCell);
  const columns = chooseColumns(cellCount, usableWidth, usableHeight);
  const rows = Math.max(1, Math.ceil(cellCount / columns));
  const pitchX = Math.min(usableWidth / columns, MAX_PITCH_X);
  const pitchY = Math.min(usableHeight / rows, MAX_PITCH_Y);
  const smaller = Math.min(pitchX, pitchY);
  const gap = smaller >= 60 ? 8 : smaller >= 28 ? 4 : smaller >= 12 ? 2 : 1;
  return {
    width: usableWidth,
    height: usableHeight,
    zoneCount,
    zonesPerCell,
    cellCount,
    columns,
    rows,
    pitchX,
    pitchY,
    gap,
    detail: detailOf(pitchX - gap, pitchY - gap, zoneCount, zonesPerCell),
  };
}

function detailOf(cellWidth: number, cellHeight: number, zoneCount: number, zonesPerCell: number): Detail {
  if (zonesPerCell > 1) return "plain";
  if (cellWidth >= 84 && cellHeight >= 44) return "full";
  const digits = String(Math.max(0, zoneCount - 1)).length;
  return cellWidth >= 10 + digits * 7 && cellHeight >= 22 ? "number" : "plain";
}

/** The column count whose cells come closest to the wanted shape, an even last row being worth a little. */
function chooseColumns(cellCount: number, width: number, height: number): number {
  if (cellCount <= 1) return 1;
  const ideal = Math.sqrt((cellCount * width) / (height * CELL_ASPECT));
  const smallest = Math.max(1, Math.ceil((cellCount * MIN_PITCH) / height / 2));
  const largest = Math.max(1, Math.min(cellCount, Math.floor(width / MIN_PITCH)));
  let best = Math.min(largest, Math.max(smallest, Math.round(ideal)));
  let bestCost = Infinity;
  const low = Math.max(1, Math.floor(ideal * 0.6));
  const high = Math.min(largest, Math.ceil(ideal * 1.6) + 1);
  for (let columns = low; columns <= high; columns++) {
    const rows = Math.ceil(cellCount / columns);
    if (height / rows < MIN_PITCH - 1e-9) continue;
    const shape = Math.abs(Math.log(Math.min(width / columns, MAX_PITCH_X) / Math.min(height / rows, MAX_PITCH_Y) / CELL_ASPECT));
    const wasted = (rows * columns - cellCount) / (rows * columns);
    const cost = shape + wasted * 0.8;
    if (cost < bestCost) {
      bestCost = cost;
      best = columns;
    }
  }
  return best;
}

export const cellOfZone = (layout: ZoneLayout, zone: number): number => Math.floor(zone / layout.zonesPerCell);

export const firstZoneOf = (layout: ZoneLayout, cell: number): number => cell * layout.zonesPerCell;

/** One past the last zone of a cell; the last cell may hold fewer. */
export const endZoneOf = (layout: ZoneLayout, cell: number): number => Math.min(layout.zoneCount, (cell + 1) * layout.zonesPerCell);

/** The cell's rectangle, on whole pixels, written into `into`. */
export function cellRect(layout: ZoneLayout, cell: number, into: Rect): Rect {
  const column = cell % layout.columns;
  const row = Math.floor(cell / layout.columns);
  const left = Math.round(column * layout.pitchX);
  const top = Math.round(row * layout.pitchY);
  into.x = left;
  into.y = top;
  into.width = Math.max(1, Math.round((column + 1) * layout.pitchX) - left - layout.gap);
  into.height = Math.max(1, Math.round((row + 1) * layout.pitchY) - top - layout.gap);
  return into;
}

/** The cell under a point, or -1; the gap belongs to the cell on its left and above, so that the map has no dead lines. */
export function cellAt(layout: ZoneLayout, x: number, y: number): number {
  if (layout.cellCount === 0 || x < 0 || y < 0) return -1;
  const column = Math.floor(x / layout.pitchX);
  const row = Math.floor(y / layout.pitchY);
  if (column >= layout.columns || row >= layout.rows) return -1;
  const cell = row * layout.columns + column;
  return cell < layout.cellCount ? cell : -1;
}

/**
 * The zone under a point, or -1. In a shared cell the zones stand side by side from left to right, so a million zones can still
 * be pointed at.
 */
export function zoneAt(layout: ZoneLayout, x: number, y: number): number {
  const cell = cellAt(layout, x, y);
  if (cell < 0) return -1;
  const first = firstZoneOf(layout, cell);
  const within = (x - (cell % layout.columns) * layout.pitchX) / layout.pitchX;
  const zone = first + Math.floor(within * layout.zonesPerCell);
  return Math.min(zone, endZoneOf(layout, cell) - 1);
}

export type Move = "left" | "right" | "up" | "down" | "first" | "last" | "page-up" | "page-down";

/** Where a key leads from a zone: by one zone sideways, by one row of cells up and down; it stops at the ends. */
export function moveSelection(layout: ZoneLayout, zone: number, move: Move): number {
  const last = layout.zoneCount - 1;
  const row = layout.columns * layout.zonesPerCell;
  const page = row * Math.max(1, Math.floor(layout.rows / 2));
  const within = (target: number): number => (target < 0 || target > last ? zone : target);
  switch (move) {
    case "left":
      return within(zone - 1);
    case "right":
      return within(zone + 1);
    case "up":
      return within(zone - row);
    case "down":
      return within(zone + row);
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
