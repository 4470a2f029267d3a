/** The whole map, small: a strip of colour for each run of zones, and the frame of what is seen. */
import { CONDITION_ORDER, lookOf } from "./palette.ts";
import type { Palette } from "./palette.ts";
import type { Scene } from "./scene.ts";
import { CONDITION_SLOTS } from "./zone-picture.ts";
import type { ZonePicture } from "./zone-picture.ts";

const counts = new Uint32Array(CONDITION_SLOTS);
/** Zones looked at for one place: of more a sample is enough for a colour. */
const SAMPLE = 16;

/** Draws into the whole of the context's canvas. @param width of it, as height in CSS pixels */
export function drawMinimap(context: CanvasRenderingContext2D, width: number, height: number, pixelRatio: number, scene: Scene, picture: ZonePicture, palette: Palette): void {
  const { layout, view } = scene;
  context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
  context.fillStyle = palette.ground;
  context.fillRect(0, 0, width, height);
  // No more places than pixels: neighbours in a row are taken together.
  const merge = Math.max(1, Math.ceil(layout.columns / width));
  const across = width / layout.columns;
  const down = height / Math.max(layout.rows, (layout.height / layout.pitchY) | 0);
  for (let row = 0; row < layout.rows; row++) {
    const y = Math.floor(row * down);
    const tall = Math.max(1, Math.ceil((row + 1) * down) - y);
    for (let column = 0; column < layout.columns; column += merge) {
      const cell = row * layout.columns + column;
      if (cell >= layout.cellCount) break;
      context.fillStyle = colourOf(layout.zonesPerCell * merge, cell * layout.zonesPerCell, layout.zoneCount, picture, palette);
      const x = Math.floor(column * across);
      context.fillRect(x, y, Math.max(1, Math.ceil((column + merge) * across) - x), tall);
    }
  }
  const by = width / (layout.width * view.scale);
  const byY = height / (layout.height * view.scale);
  context.strokeStyle = palette.ground;
  context.lineWidth = 4;
  const frame = [view.x * by + 1, view.y * byY + 1, Math.max(6, layout.width * by - 2), Math.max(6, layout.height * byY - 2)] as const;
  context.strokeRect(...frame);
  context.strokeStyle = palette.selection;
  context.lineWidth = 2;
  context.strokeRect(...frame);
}

/** The colour of the condition that most of the zones have. */
function colourOf(zones: number, first: number, zoneCount: number, picture: ZonePicture, palette: Palette): string {
  counts.fill(0);
  const end = Math.min(zoneCount, first + zones);
  const step = Math.max(1, Math.floor((end - first) / SAMPLE));
  for (let zone = first; zone < end; zone += step) counts[picture.condition[zone]! & 15]!++;
  let most = 1;
  for (const condition of CONDITION_ORDER) if (counts[condition]! > counts[most]!) most = condition;
  return lookOf(palette, most).fill;
}
