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
  /** How the zones of a shared cell stand inside it once it is large enough: row by row. 1 by 1 while no cell is shared. */
  readonly blockColumns: number;
  readonly blockRows: number;
  readonly cellCount: number;
  readonly columns: number;
  readonly rows: number;
  /** Distance from one cell's left edge to the next; cells are narrower by `gap`. */
  readonly pitchX: number;
  readonly pitchY: number;
  readonly gap: number;
  readonly detail: Detail;
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
  const gap = gapOf(pitchX, pitchY);
  const blockBits = Math.log2(zonesPerCell);
  return {
    width: usableWidth,
    height: usableHeight,
    zoneCount,
    zonesPerCell,
    blockColumns: 2 ** Math.ceil(blockBits / 2),
    blockRows: 2 ** Math.floor(blockBits / 2),
    cellCount,
    columns,
    rows,
    pitchX,
    pitchY,
    gap,
    detail: zonesPerCell > 1 ? "plain" : detailOf(pitchX - gap, pitchY - gap, zoneCount),
  };
}

/** The room between cells, in pixels, by the distance from one to the next. */
export function gapOf(pitchX: number, pitchY: number): number {
  const smaller = Math.min(pitchX, pitchY);
  return smaller >= 60 ? 8 : smaller >= 28 ? 4 : smaller >= 12 ? 2 : 1;
}

/** What a zone's cell of this size has room to say. */
export function detailOf(cellWidth: number, cellHeight: number, zoneCount: number): Detail {
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
