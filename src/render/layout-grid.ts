/**
 * Where the host clusters of a file stand in a picture of it: rows of cells from left to right, a cell a cluster while there is room,
 * a run of clusters a cell beyond that. Zooming gives a cell fewer clusters, and then more pixels. Lengths are CSS pixels.
 */

export interface LayoutGrid {
  /** Report cells that a drawn cell stands for: a power of two. */
  readonly perCell: number;
  readonly cellCount: number;
  readonly columns: number;
  readonly rows: number;
  readonly pitch: number;
  readonly visibleRows: number;
}

const SMALLEST_PITCH = 6;
const LARGEST_PITCH = 22;
/** A file of few clusters has larger cells, one of very few the largest, with their numbers: it would be lost in its box. */
const FEW_CELLS = 96;
const LARGEST_PITCH_OF_FEW = 40;
const VERY_FEW_CELLS = 24;
const LARGEST_PITCH_OF_VERY_FEW = 72;

const largestPitch = (cellCount: number): number => (cellCount <= VERY_FEW_CELLS ? LARGEST_PITCH_OF_VERY_FEW : cellCount <= FEW_CELLS ? LARGEST_PITCH_OF_FEW : LARGEST_PITCH);

/** Zoom 0 shows the whole file; each step halves what a cell stands for, then doubles its size up to the largest. */
export function layoutGrid(cells: number, width: number, height: number, zoom: number): LayoutGrid {
  const wide = Math.max(1, Math.floor(width));
  const high = Math.max(1, Math.floor(height));
  const room = Math.max(1, Math.floor(wide / SMALLEST_PITCH)) * Math.max(1, Math.floor(high / SMALLEST_PITCH));
  let perCell = 1;
  while (Math.ceil(cells / perCell) > room) perCell *= 2;
  let left = zoom;
  while (left > 0 && perCell > 1) {
    perCell /= 2;
    left--;
  }
  const cellCount = Math.ceil(cells / perCell);
  // As large as they all fit at zoom 0, and larger by the zoom that is left.
  const largest = largestPitch(cellCount);
  let pitch = SMALLEST_PITCH;
  while (pitch < largest && Math.floor(wide / (pitch + 1)) * Math.floor(high / (pitch + 1)) >= cellCount) pitch++;
  pitch = Math.min(largest, pitch + left * 4);
  const columns = Math.max(1, Math.floor(wide / pitch));
  return { perCell, cellCount, columns, rows: Math.ceil(cellCount / columns), pitch, visibleRows: Math.max(1, Math.ceil(high / pitch)) };
}

/** Whether another step of zoom shows anything new. */
export const canZoom = (grid: LayoutGrid): boolean => grid.perCell > 1 || grid.pitch < largestPitch(grid.cellCount);

/** The report cells of a drawn cell that decide how it looks: of several kinds the later of LAYOUT_KINDS wins. */
export function kindOf(kinds: Uint8Array, grid: LayoutGrid, cell: number): number {
  let kind = 0;
  const end = Math.min(kinds.length, (cell + 1) * grid.perCell);
  for (let index = cell * grid.perCell; index < end; index++) if (kinds[index]! > kind) kind = kinds[index]!;
  return kind;
}

/** The cell at a point of the box, -1 for none. */
export function layoutCellAt(grid: LayoutGrid, firstRow: number, x: number, y: number): number {
  const column = Math.floor(x / grid.pitch);
  if (column < 0 || column >= grid.columns || y < 0) return -1;
  const cell = (firstRow + Math.floor(y / grid.pitch)) * grid.columns + column;
  return cell < grid.cellCount ? cell : -1;
}
