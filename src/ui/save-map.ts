/** The map as a picture that is saved: an SVG of shapes and text, or a PNG at twice the size that is seen. */
import { conditionName } from "../base/conditions.ts";
import { CanvasPen } from "../render/canvas-pen.ts";
import { drawMapFile, fileSize } from "../render/map-file.ts";
import type { MapFile } from "../render/map-file.ts";
import { CONDITION_ORDER } from "../render/palette.ts";
import { SvgPen } from "../render/svg-pen.ts";
import { saveBlob, saveText } from "../state/save-file.ts";
import { formatCount } from "../state/units.ts";
import type { ZoneModel } from "../state/zone-model.ts";

const PNG_SCALE = 2;

export function saveMap(format: "png" | "svg", { zones, ...shown }: Omit<MapFile, "legend"> & { readonly zones: ZoneModel }): void {
  const legend = CONDITION_ORDER.filter((condition) => zones.countOf(condition) > 0).map((condition) => ({ condition, text: `${conditionName(condition)} ${formatCount(zones.countOf(condition))}` }));
  const file: MapFile = { ...shown, legend };
  const { width, height } = fileSize(file);
  const stem = file.title.replace(/(\.qcow2)?:.*$/, "").replace(/^.*\//, "");
  if (format === "svg") {
    const pen = new SvgPen();
    drawMapFile(pen, file);
    saveText(`${stem}-map.svg`, pen.document(width, height, file.palette, file.title), "image/svg+xml");
    return;
  }
  const canvas = document.createElement("canvas");
  canvas.width = width * PNG_SCALE;
  canvas.height = height * PNG_SCALE;
  const context = canvas.getContext("2d");
  if (context === null) return;
  const style = getComputedStyle(document.documentElement);
  context.scale(PNG_SCALE, PNG_SCALE);
  const families = { sans: style.getPropertyValue("--font-sans"), mono: style.getPropertyValue("--font-mono") };
  drawMapFile(new CanvasPen(context, families, PNG_SCALE, file.palette.theme), file);
  canvas.toBlob((blob) => {
    if (blob !== null) saveBlob(`${stem}-map.png`, blob);
  });
}
