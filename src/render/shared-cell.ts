/**
 * A cell that many zones share: a bar of the conditions it holds, by number of zones, in the legend's order, over a gauge of how
 * much of their capacity is written; which zones they are, where there is room. Whatever a cell holds, however few, keeps
 * a stripe that is seen from afar where there is room for it, and a pixel where there is not.
 */
import type { CellIndex } from "./cell-index.ts";
import { CONDITION_ORDER, lookOf } from "./palette.ts";
import type { Rect } from "./scene.ts";
import type { Brush } from "./zone-cell.ts";
import { CONDITION_SLOTS } from "./zone-picture.ts";

const widths = new Float64Array(CONDITION_SLOTS);
const ZONES = { family: "sans", weight: 600, size: 11, align: "left" } as const;
const FILL = { family: "mono", weight: 500, size: 10, align: "left" } as const;

/** From this height on a cell has a gauge, from these sizes on a label and a second one. */
const GAUGE_FROM = 10;
const LABEL_WIDTH = 62;
const LABEL_HEIGHT = 30;
const SECOND_LABEL_HEIGHT = 48;
/** The narrowest stripe in pixels, where the conditions of a cell leave room for so much of each. */
const STRIPE = 3;

export function drawShared(brush: Brush, index: CellIndex, cell: number, rect: Rect): void {
  const { pen, palette, scene, picture } = brush;
  const first = cell * scene.layout.zonesPerCell;
  const end = Math.min(scene.layout.zoneCount, first + scene.layout.zonesPerCell);
  const share = index.writable[cell]! === 0 ? 0 : index.used[cell]! / index.writable[cell]!;
  const labelled = rect.width >= LABEL_WIDTH && rect.height >= LABEL_HEIGHT;
  const strip = labelled ? 16 : 0;
  const foot = labelled && rect.height >= SECOND_LABEL_HEIGHT ? 15 : 0;
  const gauge = rect.height >= GAUGE_FROM ? Math.max(2, Math.min(5, Math.round(rect.height / 9))) : 0;
  if (labelled) pen.rect(palette.ground, rect.x, rect.y, rect.width, rect.height);
  const top = rect.y + strip;
  const height = rect.height - strip - foot - gauge;
  drawMix(brush, index, cell, end - first, rect.x, top, rect.width, height);
  if (gauge > 0) {
    pen.rect(palette.unusable, rect.x, top + height, rect.width, gauge);
    if (share > 0) pen.rect(palette.pointer, rect.x, top + height, Math.max(1, Math.round(rect.width * share)), gauge);
  }
  if (!labelled) return;
  const label = picture.sharedLabelOf(first, end, share);
  pen.text(label.zones, { ...ZONES, colour: palette.text }, rect.x + 4, rect.y + strip / 2 + 0.5, rect.width - 8);
  if (foot > 0) pen.text(label.fill, { ...FILL, colour: palette.textQuiet }, rect.x + 4, rect.y + rect.height - foot / 2 + 0.5, rect.width - 8);
  pen.outline(palette.unusable, 1, rect.x + 0.5, rect.y + 0.5, rect.width - 1, rect.height - 1);
}

function drawMix({ pen, palette }: Brush, index: CellIndex, cell: number, zones: number, left: number, y: number, width: number, height: number): void {
  const base = cell * CONDITION_SLOTS;
  let most = 0;
  for (let condition = 1; condition < CONDITION_SLOTS; condition++) if (index.counts[base + condition]! > index.counts[base + most]!) most = condition;
  if (index.counts[base + most] === zones) {
    pen.surface(lookOf(palette, most), "fill", left, y, width, height);
    return;
  }
  let others = 0;
  for (let condition = 0; condition < CONDITION_SLOTS; condition++) if (condition !== most && index.counts[base + condition]! > 0) others++;
  const least = Math.max(1, Math.min(STRIPE, Math.floor(width / (others + 1))));
  let spare = width;
  for (let condition = 0; condition < CONDITION_SLOTS; condition++) {
    const count = index.counts[base + condition]!;
    widths[condition] = 0;
    if (condition === most || count === 0) continue;
    widths[condition] = Math.min(spare, Math.max(least, Math.round((count / zones) * width)));
    spare -= widths[condition]!;
  }
  widths[most] = spare;
  let x = left;
  for (const condition of CONDITION_ORDER) {
    const across = widths[condition]!;
    if (across === 0) continue;
    pen.surface(lookOf(palette, condition), "fill", x, y, across, height);
    x += across;
  }
}
