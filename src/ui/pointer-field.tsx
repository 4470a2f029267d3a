/**
 * Write pointers of many zones over time, as a field: time from left to right, a row for each band of zones from the first at the top to
 * the last, stronger as the zones fill. Few zones have a line each instead (workload-plots.tsx).
 */
import { useEffect, useRef } from "react";
import type { PointerRow } from "../state/workload-state.ts";
import { useTheme } from "./context.ts";
import { FRAME, XTicks } from "./line-chart.tsx";

interface Props {
  readonly rows: readonly PointerRow[];
  readonly firstZone: number;
  readonly endZone: number;
  readonly says: string;
  readonly xEnd: number;
  readonly xName: string;
  readonly formatX: (value: number) => string;
}

const TITLE = "Write pointers";
/** Moments that are drawn; more are not told apart. */
const COLUMNS = 128;

export function PointerField({ rows, firstZone, endZone, says, xEnd, xName, formatX }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const bands = rows.at(-1)?.fills.length ?? 0;
  useEffect(() => {
    if (canvas.current !== null && bands > 0) paint(canvas.current, rows, bands, xEnd);
  }, [rows, bands, xEnd, theme]);
  const { width, height, left, bottom, top } = FRAME;
  return (
    <figure className="chart" aria-label={TITLE}>
      <figcaption>
        <span className="chart-title">{TITLE}</span> <span className="chart-says">{says}</span>
      </figcaption>
      <div className="field-chart">
        <canvas ref={canvas} width={COLUMNS} height={Math.max(1, bands)} aria-hidden="true" />
        <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${TITLE}: ${says}`}>
          <text className="chart-tick" x={left - 5} y={top + 8} textAnchor="end">
            {firstZone}
          </text>
          <text className="chart-tick" x={left - 5} y={(top + height - bottom) / 2 + 4} textAnchor="end">
            zone
          </text>
          <text className="chart-tick" x={left - 5} y={height - bottom} textAnchor="end">
            {endZone - 1}
          </text>
          <XTicks name={xName} end={xEnd} format={formatX} />
        </svg>
      </div>
    </figure>
  );
}

/** A pixel for each moment and band in the accent's colour, as opaque as the band is full; the style sheet gives it its size. */
function paint(canvas: HTMLCanvasElement, rows: readonly PointerRow[], bands: number, xEnd: number): void {
  const pen = canvas.getContext("2d");
  if (pen === null) return;
  pen.fillStyle = getComputedStyle(canvas).color;
  pen.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = pen.getImageData(0, 0, 1, 1).data;
  const picture = pen.createImageData(COLUMNS, bands);
  let row = 0;
  for (let column = 0; column < COLUMNS; column++) {
    const time = ((column + 1) / COLUMNS) * xEnd;
    while (row + 1 < rows.length && rows[row + 1]!.elapsedMs <= time) row++;
    const fills = rows[row]!.fills;
    for (let band = 0; band < bands; band++) picture.data.set([red, green, blue, Math.round(255 * Math.min(1, fills[band] ?? 0))], 4 * (band * COLUMNS + column));
  }
  pen.putImageData(picture, 0, 0);
}
