/**
 * The table "Zones": the map's twin in words. Only the rows in view are in the document; their places are told by
 * aria-rowindex. One row is selected, with the map; arrows move it while the table has the keyboard.
 */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import type { CSSProperties, KeyboardEvent } from "react";
import { conditionName } from "../base/conditions.ts";
import { formatBytes, formatCount } from "../state/units.ts";
import type { ZoneModel } from "../state/zone-model.ts";
import { useApp, useAppState } from "./context.ts";
import { Swatch } from "./swatch.tsx";

/** 2^20 rows of this height stay below the tallest element that Chromium lays out (2^25 pixels). */
const ROW_HEIGHT = 27;
const HEAD_HEIGHT = 37;
const COLUMNS = ["Zone", "Type", "Condition", "Start", "Write pointer", "Capacity", "Resets"] as const;

export function ZoneTable() {
  const zones = useAppState((state) => state.attached?.zones ?? null);
  const attached = useAppState((state) => state.attached !== null);
  return (
    <div className="panel panel-table">
      {zones === null ? (
        <>
          <div className="panel-head">
            <h2 className="panel-title">Zones</h2>
          </div>
          <p className="panel-empty">{attached ? "This image has no zones to list." : "No image is attached."}</p>
        </>
      ) : (
        <Table zones={zones} />
      )}
    </div>
  );
}

function Table({ zones }: { zones: ZoneModel }) {
  const app = useApp();
  useAppState((state) => state.zonesVersion);
  const selected = useAppState((state) => state.selected);
  const widths = widthsOf(zones);
  const scroller = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer's functions are used in this render alone
  const rows = useVirtualizer({
    count: zones.count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    // The head stays on top of the box and takes its height from the rows' view.
    scrollPaddingEnd: HEAD_HEIGHT,
    initialRect: { width: 460, height: 400 },
  });
  const items = rows.getVirtualItems();

  useEffect(() => {
    if (selected === null || selected >= zones.count) return;
    rows.scrollToIndex(selected, { align: "auto" });
    // The keyboard follows the selection while it is in the table.
    if (body.current?.contains(document.activeElement) !== true) return;
    const timer = window.setTimeout(() => body.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus({ preventScroll: true }), 0);
    return () => window.clearTimeout(timer);
  }, [rows, selected, zones.count]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const target = targetOf(event.key, selected ?? 0, zones.count, Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 2));
    if (target === null) return;
    event.preventDefault();
    app.device.select(target);
  };

  return (
    <div className="table-scroll" ref={scroller}>
      <div className="zone-table" role="table" aria-label="Zones" aria-rowcount={zones.count + 1} style={widths}>
        <div role="rowgroup" className="table-head">
          <div role="row" aria-rowindex={1} className="table-row">
            {COLUMNS.map((name) => (
              <div role="columnheader" key={name}>
                {name}
              </div>
            ))}
          </div>
        </div>
        <div role="rowgroup" ref={body} className="table-body" style={{ height: rows.getTotalSize() }} onKeyDown={onKeyDown}>
          {/* One offset for all rows in view: tens of millions of pixels down, each of its own would be rounded differently. */}
          <div className="table-window" role="presentation" style={{ transform: `translateY(${items[0]?.start ?? 0}px)` }}>
            {items.map((item) => (
              <Row key={item.key} zones={zones} zone={item.index} selected={item.index === selected} onSelect={(zone) => app.device.select(zone)} />
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}

/** The widest number of each column, in characters: a disk of terabytes needs more room than one of megabytes. */
function widthsOf(zones: ZoneModel): CSSProperties {
  const last = Math.max(0, zones.count - 1);
  const start = formatBytes(zones.start(last)).length;
  const pointer = formatBytes(zones.start(last) + 4096).length;
  return { "--zone-digits": String(last).length, "--start-digits": start, "--pointer-digits": Math.min(pointer, Math.max(11, start)) } as CSSProperties;
}

function targetOf(key: string, selected: number, count: number, page: number): number | null {
  switch (key) {
    case "ArrowDown":
      return Math.min(count - 1, selected + 1);
    case "ArrowUp":
      return Math.max(0, selected - 1);
    case "PageDown":
      return Math.min(count - 1, selected + page);
    case "PageUp":
      return Math.max(0, selected - page);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}

interface RowProps {
  readonly zones: ZoneModel;
  readonly zone: number;
  readonly selected: boolean;
  readonly onSelect: (zone: number) => void;
}

function Row({ zones, zone, selected, onSelect }: RowProps) {
  const conventional = zones.isConventional(zone);
  const condition = zones.conditionOf(zone);
  return (
    <div
      role="row"
      aria-rowindex={zone + 2}
      aria-selected={selected}
      tabIndex={selected ? 0 : -1}
      className="table-row"
      style={{ height: ROW_HEIGHT }}
      onClick={() => onSelect(zone)}
    >
      <div role="cell">{zone}</div>
      <div role="cell" title={conventional ? "Conventional" : "Sequential write required"}>
        {conventional ? "CONV" : "SEQ"}
      </div>
      <div role="cell" className="cell-condition">
        <Swatch condition={condition} />
        {conditionName(condition)}
      </div>
      <div role="cell">{formatBytes(zones.start(zone))}</div>
      <div role="cell">{conventional ? "–" : formatBytes(zones.writePointer[zone]!)}</div>
      <div role="cell">{formatBytes(zones.capacity(zone))}</div>
      <div role="cell">{formatCount(zones.resets[zone]!)}</div>
    </div>
  );
}
