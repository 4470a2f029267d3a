/** A small line chart in SVG: its name and what it shows are in words beside it, so that nothing is told by the picture alone. */

export interface ChartLine {
  readonly name: string;
  /** Pairs of x and y, by x. */
  readonly points: readonly (readonly [number, number])[];
  readonly dashed?: boolean;
  readonly faint?: boolean;
  /** Points without a line. */
  readonly dots?: boolean;
}

interface LineChartProps {
  readonly title: string;
  /** The numbers in a sentence. */
  readonly says: string;
  readonly lines: readonly ChartLine[];
  readonly xEnd: number;
  /** The least that the y axis reaches up to. */
  readonly yLeast: number;
  readonly yStart?: number;
  /** Whether y counts things: its marks are whole numbers then. */
  readonly counts?: boolean;
  readonly xName: string;
  readonly formatX: (value: number) => string;
  readonly formatY: (value: number) => string;
}

/** A picture's size and the room around its plot, in the units of its view box. */
export const FRAME = { width: 320, height: 132, left: 46, right: 8, top: 8, bottom: 20 } as const;
const { width: WIDTH, height: HEIGHT, left: LEFT, right: RIGHT, top: TOP, bottom: BOTTOM } = FRAME;
/** More points than this are not told apart. */
const MOST_POINTS = 256;

/** The next larger of 1, 2, 2.5 and 5 times a power of ten. */
function niceCeiling(value: number): number {
  if (!(value > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * ([1, 2, 2.5, 5, 10].find((step) => step * unit >= value * 0.9999) ?? 10);
}

export function LineChart({ title, says, lines, xEnd, yLeast, yStart = 0, counts = false, xName, formatX, formatY }: LineChartProps) {
  let most = yLeast;
  for (const { points } of lines) for (const [, y] of points) most = Math.max(most, y);
  const top = counts ? 2 * Math.ceil(niceCeiling(most / 2)) : niceCeiling(most);
  const right = xEnd > 0 ? xEnd : 1;
  const x = (value: number): number => LEFT + (value / right) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => HEIGHT - BOTTOM - ((value - yStart) / (top - yStart)) * (HEIGHT - TOP - BOTTOM);
  return (
    <figure className="chart" aria-label={title}>
      <figcaption title={says}>
        <span className="chart-title">{title}</span> <span className="chart-says">{says}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}: ${says}`}>
        {[0, 0.5, 1].map((share) => {
          const value = yStart + share * (top - yStart);
          return (
            <g key={share}>
              <line className="chart-grid" x1={LEFT} x2={WIDTH - RIGHT} y1={y(value)} y2={y(value)} />
              <text className="chart-tick" x={LEFT - 5} y={y(value) + 3.5} textAnchor="end">
                {formatY(value)}
              </text>
            </g>
          );
        })}
        <XTicks name={xName} end={right} format={formatX} />
        {lines.map(({ name, points, dashed, faint, dots }) =>
          dots === true ? (
            points.map(([px, py], index) => (
              <circle key={`${name} ${index}`} className="chart-dot" cx={x(px)} cy={y(py)} r={index === points.length - 1 ? 4 : 2.5}>
                <title>{`${name}: ${formatX(px)}, ${formatY(py)}`}</title>
              </circle>
            ))
          ) : (
            <polyline key={name} className={`chart-line${dashed === true ? " dashed" : ""}${faint === true ? " faint" : ""}`} points={thinned(points).map(([px, py]) => `${x(px).toFixed(1)},${y(Math.min(py, top)).toFixed(1)}`).join(" ")}>
              <title>{name}</title>
            </polyline>
          ),
        )}
      </svg>
    </figure>
  );
}

/** What stands under a plot within FRAME: where it begins, what it runs over, where it ends. */
export function XTicks({ name, end, format }: { readonly name: string; readonly end: number; readonly format: (value: number) => string }) {
  return (
    <>
      <text className="chart-tick" x={LEFT} y={HEIGHT - 5}>
        {format(0)}
      </text>
      <text className="chart-tick" x={(LEFT + WIDTH - RIGHT) / 2} y={HEIGHT - 5} textAnchor="middle">
        {name}
      </text>
      <text className="chart-tick" x={WIDTH - RIGHT} y={HEIGHT - 5} textAnchor="end">
        {format(end)}
      </text>
    </>
  );
}

/** At most MOST_POINTS of them, the last among them. */
function thinned<Point>(points: readonly Point[]): readonly Point[] {
  const every = Math.ceil(points.length / MOST_POINTS);
  return every <= 1 ? points : points.filter((_, index) => index % every === 0 || index === points.length - 1);
}
