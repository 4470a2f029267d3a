/** The tab "Layout": a picture of the file, a cell per host cluster or per run of them, by kind or by zone, with its legend. */
import { Maximize, Minus, Plus } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import type { KeyboardEvent, PointerEvent } from "react";
import { canZoom, kindOf, layoutCellAt, layoutGrid } from "../render/layout-grid.ts";
import { paintLayout } from "../render/layout-painter.ts";
import { kindLook } from "../render/layout-palette.ts";
import { LAYOUT_KINDS } from "../protocol/index.ts";
import type { LayoutReport } from "../protocol/index.ts";
import { textOf } from "../state/failure-text.ts";
import { layoutKindWords } from "../state/inspector-text.ts";
import { formatBytes, formatCount, formatHex } from "../state/units.ts";
import { useApp, useAppState, useTheme } from "./context.ts";
import { useBoxSize } from "./use-painter.ts";
import { WorkBar } from "./work-bar.tsx";

export function LayoutTab() {
  const app = useApp();
  const layout = useAppState((state) => state.inspector.layout);
  const generation = useAppState((state) => state.inspector.generation);
  const isQcow2 = useAppState((state) => state.inspector.inspection?.identity.container === "qcow2");
  const remote = useAppState((state) => state.inspector.remote === state.inspector.file);
  const computed = useRef(-1);
  useEffect(() => {
    // Anew whenever the file was read anew; one that was cancelled waits for the button.
    if (!isQcow2 || remote || computed.current === generation) return;
    computed.current = generation;
    void app.inspector.computeLayout();
  }, [app, generation, isQcow2, remote]);
  if (!isQcow2) return <p className="panel-empty">Only qcow2 images have clusters whose use can be drawn.</p>;
  return (
    <div className="inspector-column">
      <WorkBar name="layout" work={layout} label="Reading all tables" />
      {layout.value === null && !layout.running && (
        <div className="inspector-tools">
          <button type="button" className="button small" onClick={() => void app.inspector.computeLayout()}>
            Read the layout
          </button>
          {remote && <p className="quiet">It reads every table of the image from its server.</p>}
        </div>
      )}
      {layout.value !== null && <Picture report={layout.value} />}
    </div>
  );
}

function Picture({ report }: { report: LayoutReport }) {
  const app = useApp();
  const theme = useTheme();
  const place = useAppState((state) => state.inspector.place);
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useBoxSize(box);
  const [zoom, setZoom] = useState(0);
  const [first, setFirst] = useState(0);
  const [byZone, setByZone] = useState(false);
  const [hover, setHover] = useState<{ readonly cell: number; readonly x: number; readonly y: number } | null>(null);
  const cells = report.kinds.length;
  const grid = useMemo(() => layoutGrid(cells, size.width, size.height, zoom), [cells, size, zoom]);
  const lastFirst = Math.max(0, grid.rows - Math.floor(size.height / grid.pitch));
  const firstRow = Math.min(first, lastFirst);
  const clustersPerCell = report.clustersPerCell * grid.perCell;
  const cellOf = (cluster: number): number => Math.floor(cluster / clustersPerCell);
  const cluster = place?.hostCluster ?? null;
  const selected = cluster === null || cluster >= report.clusters ? -1 : cellOf(cluster);

  useEffect(() => {
    const context = canvas.current?.getContext("2d") ?? null;
    if (context === null || size.width === 0) return;
    context.canvas.width = Math.round(size.width * size.pixelRatio);
    context.canvas.height = Math.round(size.height * size.pixelRatio);
    const zones = byZone ? report.zones : null;
    const paint = (): void => paintLayout(context, grid, firstRow, { kinds: report.kinds, zones, theme, pixelRatio: size.pixelRatio, selected, hovered: hover?.cell ?? -1, clustersPerCell });
    app.frame.request(paint);
  }, [app, report, grid, firstRow, size, theme, selected, hover, byZone, clustersPerCell]);
  // What is selected elsewhere is brought into view.
  useEffect(() => {
    if (selected < 0) return;
    const row = Math.floor(selected / grid.columns);
    app.frame.request(() => setFirst((before) => (row < before || row >= before + Math.floor(size.height / grid.pitch) ? Math.max(0, row - 2) : before)));
  }, [app, selected, grid, size.height]);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const onWheel = (event: WheelEvent): void => {
      if (event.deltaY === 0) return;
      if (event.ctrlKey) setZoom((before) => Math.max(0, before - Math.sign(event.deltaY)));
      else if (lastFirst === 0) return;
      else setFirst((before) => Math.max(0, Math.min(lastFirst, Math.min(before, lastFirst) + Math.sign(event.deltaY) * 3)));
      event.preventDefault();
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [lastFirst]);

  const select = (cell: number): void => {
    const target = cell * clustersPerCell;
    if (cell >= 0 && target < report.clusters) void app.inspector.goTo({ hostOffset: target * report.clusterSize });
  };
  const under = (event: PointerEvent): { cell: number; x: number; y: number } | null => {
    const bounds = event.currentTarget.getBoundingClientRect();
    const x = event.clientX - bounds.left;
    const y = event.clientY - bounds.top;
    const cell = layoutCellAt(grid, firstRow, x, y);
    return cell < 0 ? null : { cell, x, y };
  };
  const zoomBy = (step: number): void => {
    const next = Math.max(0, zoom + step);
    const finer = layoutGrid(cells, size.width, size.height, next);
    const middle = selected >= 0 ? selected * grid.perCell : firstRow * grid.columns * grid.perCell;
    setZoom(next);
    setFirst(Math.max(0, Math.floor(middle / finer.perCell / finer.columns) - 1));
  };
  const whole = (): void => {
    setZoom(0);
    setFirst(0);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = grid.columns * Math.max(1, grid.visibleRows - 1);
    const steps: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -grid.columns, ArrowDown: grid.columns, PageUp: -page, PageDown: page, Home: -grid.cellCount, End: grid.cellCount };
    const step = steps[event.key];
    if (step !== undefined) select(Math.max(0, Math.min(grid.cellCount - 1, Math.max(0, selected) + step)));
    else if (event.key === "+" || event.key === "=") zoomBy(1);
    else if (event.key === "-") zoomBy(-1);
    else if (event.key === "0") whole();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const told = (cell: number): string => {
    const from = cell * clustersPerCell;
    const kind = layoutKindWords(LAYOUT_KINDS[kindOf(report.kinds, grid, cell)] ?? "free");
    const zone = report.zones?.[cell * grid.perCell] ?? 0;
    const clusters = clustersPerCell === 1 ? `Cluster ${formatCount(from)}` : `Clusters ${formatCount(from)}–${formatCount(Math.min(report.clusters, from + clustersPerCell) - 1)}`;
    return `${clusters} at ${formatHex(from * report.clusterSize)}: ${kind.name}${zone > 0 ? `, zone ${zone - 1}` : ""}`;
  };

  return (
    <>
      <div className="inspector-tools">
        {report.zones !== null && (
          <div className="segmented" role="radiogroup" aria-label="Colour by">
            {[false, true].map((zones) => (
              <button key={String(zones)} type="button" role="radio" aria-checked={byZone === zones} data-state={byZone === zones ? "checked" : "unchecked"} onClick={() => setByZone(zones)}>
                {zones ? "By zone" : "By kind"}
              </button>
            ))}
          </div>
        )}
        <button type="button" className="button quiet icon small" aria-label="More detail" disabled={!canZoom(grid)} onClick={() => zoomBy(1)}>
          <Plus size={14} aria-hidden="true" />
        </button>
        <button type="button" className="button quiet icon small" aria-label="Less detail" disabled={zoom === 0} onClick={() => zoomBy(-1)}>
          <Minus size={14} aria-hidden="true" />
        </button>
        <button type="button" className="button quiet icon small" aria-label="Whole file" disabled={zoom === 0} onClick={whole}>
          <Maximize size={14} aria-hidden="true" />
        </button>
        <p className="quiet">
          {formatCount(report.clusters)} clusters of {formatBytes(report.clusterSize)}
          {clustersPerCell > 1 ? `, ${formatCount(clustersPerCell)} in a cell` : ""}
          {lastFirst > 0 ? `, from row ${formatCount(firstRow)} of ${formatCount(grid.rows)}` : ""}
        </p>
      </div>
      {report.problem !== null && <p className="inspector-alert">{textOf(report.problem).why} Leaks and double use are not told.</p>}
      <div className="layout-body">
        <div className="layout-box" ref={box}>
          <canvas
            ref={canvas}
            tabIndex={0}
            role="slider"
            aria-label="Selected host cluster"
            aria-valuemin={0}
            aria-valuemax={Math.max(0, report.clusters - 1)}
            aria-valuenow={cluster ?? 0}
            aria-valuetext={selected < 0 ? "none" : told(selected)}
            onKeyDown={onKeyDown}
            onPointerMove={(event) => setHover(under(event))}
            onPointerLeave={() => setHover(null)}
            onClick={(event) => select(under(event as unknown as PointerEvent)?.cell ?? -1)}
          />
          {hover !== null && (
            <div className="map-hint layout-hint" role="tooltip" style={{ left: Math.max(4, Math.min(hover.x + 14, size.width - 240)), ...(hover.y < size.height / 2 ? { top: hover.y + 14 } : { bottom: size.height - hover.y + 8 }) }}>
              {told(hover.cell)}
            </div>
          )}
        </div>
        <Legend report={report} />
      </div>
    </>
  );
}

function Legend({ report }: { report: LayoutReport }) {
  const theme = useTheme();
  return (
    <ul className="layout-legend" aria-label="Clusters by kind" tabIndex={0}>
      {LAYOUT_KINDS.map((kind, index) => {
        const count = report.counts[index] ?? 0;
        if (count === 0) return null;
        const look = kindLook(index, theme);
        const words = layoutKindWords(kind);
        return (
          <li key={kind} title={words.meaning}>
            <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
              <rect x="0.5" y="0.5" width="11" height="11" fill={look.fill} className="layout-swatch" />
              {look.path !== "" && <path d={look.path} transform="translate(2 2)" stroke={look.mark} fill="none" strokeWidth="1.2" />}
            </svg>
            <span>{words.name}</span>
            <span className="legend-count">{formatCount(count)}</span>
          </li>
        );
      })}
    </ul>
  );
}
