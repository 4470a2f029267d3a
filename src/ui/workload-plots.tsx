/** The plots of a workload: throughput, write pointers, open and active zones, and what cleaning costs against free space. */
import { uniformAmplification } from "../state/amplification.ts";
import type { PointerRow, StorePoint } from "../state/workload-state.ts";
import { formatCount, formatRough } from "../state/units.ts";
import { useAppState } from "./context.ts";
import { LineChart } from "./line-chart.tsx";
import type { ChartLine } from "./line-chart.tsx";
import { PointerField } from "./pointer-field.tsx";

type Row = ReturnType<typeof useRows>[number];
type Pair = readonly [number, number];

function useRows() {
  useAppState((state) => state.workload.version);
  return useAppState((state) => state.workload.rows);
}

const MIB = 2 ** 20;
const seconds = (ms: number): string => `${formatRough(ms / 1000)} s`;
const decimals = (value: number): string => (value >= 10 || Number.isInteger(value) ? formatCount(value) : value.toFixed(value < 1 ? 2 : 1));
const percent = (value: number): string => `${Math.round(value * 100)}%`;

/** Between one row and the next, per second. */
function rates(rows: readonly Row[], of: (row: Row) => number): Pair[] {
  const pairs: Pair[] = [];
  for (let index = 1; index < rows.length; index++) {
    const [before, after] = [rows[index - 1]!, rows[index]!];
    const ms = after.elapsedMs - before.elapsedMs;
    if (ms > 0) pairs.push([after.elapsedMs, (Math.max(0, of(after) - of(before)) * 1000) / ms]);
  }
  return pairs;
}

export function WorkloadPlots() {
  const rows = useRows();
  const pointers = useAppState((state) => state.workload.pointers);
  const zones = { first: useAppState((state) => state.workload.firstZone), end: useAppState((state) => state.workload.endZone), perBand: useAppState((state) => state.workload.zonesPerBand) };
  const points = useAppState((state) => state.workload.points);
  const report = useAppState((state) => state.workload.report);
  const resources = useAppState((state) => state.resources);
  if (report === null) return null;
  const xEnd = Math.max(rows.at(-1)?.elapsedMs ?? 0, 1);
  const time = { xEnd, xName: "time", formatX: seconds };
  const throughput = rates(rows, (row) => row.bytes / MIB);
  const average = xEnd > 0 ? report.bytes / MIB / (xEnd / 1000) : 0;
  const { store } = report;
  return (
    <div className="plots">
      <LineChart {...time} title="Throughput" says={`${decimals(average)} MiB/s on average, ${decimals(throughput.at(-1)?.[1] ?? 0)} MiB/s now`} lines={[{ name: "MiB a second", points: throughput }]} yLeast={0.01} formatY={(value) => decimals(value)} />
      {pointers.length > 0 ? <Pointers rows={pointers} zones={zones} time={time} /> : <Used rows={rows} time={time} />}
      <LineChart
        {...time}
        title="Open and active zones"
        says={`${counts(report.open, resources?.maxOpen ?? 0)} open, ${counts(report.active, resources?.maxActive ?? 0)} active`}
        lines={[
          { name: "Active", points: rows.map((row): Pair => [row.elapsedMs, row.active]), dashed: true },
          { name: "Open", points: rows.map((row): Pair => [row.elapsedMs, row.open]) },
        ]}
        yLeast={Math.max(2, resources?.maxActive ?? 0)}
        counts
        formatY={decimals}
      />
      {store !== null && (
        <LineChart
          {...time}
          title="Write amplification"
          says={`${store.writeAmplification.toFixed(2)} since it was full, lately ${store.recentAmplification.toFixed(2)}; ${formatCount(store.copied)} blocks copied, ${formatCount(store.cleanings)} zones cleaned, ${store.freeZones} free`}
          lines={[{ name: "Lately", points: rows.map((row): Pair => [row.elapsedMs, row.amplification]) }]}
          yStart={1}
          yLeast={2}
          formatY={decimals}
        />
      )}
      {(store !== null || points.length > 0) && <AgainstFreeSpace points={points} now={store === null || store.cleanings === 0 ? null : [1 - store.utilisation, store.writeAmplification]} />}
    </div>
  );
}

const counts = (value: number, limit: number): string => (limit === 0 ? formatCount(value) : `${formatCount(value)} of ${formatCount(limit)}`);

type Time = { readonly xEnd: number; readonly xName: string; readonly formatX: (value: number) => string };

/** More zones than this are no lines any more. */
const MOST_LINES = 24;

interface PointersProps {
  readonly rows: readonly PointerRow[];
  readonly zones: { readonly first: number; readonly end: number; readonly perBand: number };
  readonly time: Time;
}

function Pointers({ rows, zones: { first, end, perBand }, time }: PointersProps) {
  const { fills, written, full } = rows.at(-1)!;
  const sums = `${formatCount(written)} of ${formatCount(end - first)} written to, ${formatCount(full)} full`;
  if (end - first > MOST_LINES) {
    const band = perBand === 1 ? "a row a zone" : `a row for ${formatCount(perBand)} zones`;
    // The rows change in place: the field is given those of now.
    return <PointerField {...time} rows={[...rows]} firstZone={first} endZone={end} says={`${band}, stronger as they fill; ${sums}`} />;
  }
  const lines = fills.map((_, index): ChartLine => ({ name: `Zone ${first + index}`, points: rows.map((row): Pair => [row.elapsedMs, row.fills[index] ?? 0]), faint: true }));
  return <LineChart {...time} title="Write pointers" says={`a line a zone; ${sums}`} lines={lines} yLeast={1} formatY={percent} />;
}

function Used({ rows, time }: { rows: readonly Row[]; time: Time }) {
  const used = rows.at(-1)?.usedBytes ?? 0;
  return <LineChart {...time} title="Bytes below the write pointers" says={`${decimals(used / MIB)} MiB`} lines={[{ name: "MiB", points: rows.map((row): Pair => [row.elapsedMs, row.usedBytes / MIB]) }]} yLeast={1} formatY={decimals} />;
}

const SPARES = Array.from({ length: 56 }, (_, index) => 0.05 + index / 100);

function AgainstFreeSpace({ points, now }: { points: readonly StorePoint[]; now: Pair | null }) {
  const shown: readonly Pair[] = [...points.map(({ spare, amplification }): Pair => [spare, amplification]), ...(now === null ? [] : [now])];
  const latest = shown.at(-1);
  const says = latest === undefined ? "no zone was cleaned yet" : `${latest[1].toFixed(2)} with ${percent(latest[0])} free; uniform writes would come to ${uniformAmplification(Math.max(0.01, latest[0])).toFixed(2)}`;
  return (
    <LineChart
      title="Write amplification against free space"
      says={says}
      lines={[
        { name: "Uniform writes on zones of many blocks", points: SPARES.map((spare): Pair => [spare, Math.min(10, uniformAmplification(spare))]), dashed: true },
        { name: "Stores that ran here", points: shown, dots: true },
      ]}
      xEnd={0.6}
      xName="free space"
      yStart={1}
      yLeast={5}
      formatX={percent}
      formatY={decimals}
    />
  );
}
