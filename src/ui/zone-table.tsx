/**
 * The table "Zones": the map's twin in words. Only the rows in view are in the document; their places are told by aria-rowindex.
 * One row is selected, with the map; arrows move it while the table has the keyboard. Columns sort, conditions filter.
 */
import { ArrowDown, ArrowUp, ListFilter } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useEffect, useMemo, useReducer, useRef, useState } from "react";
import type { CSSProperties, KeyboardEvent } from "react";
import { conditionName } from "../base/conditions.ts";
import { CONDITION_ORDER } from "../render/palette.ts";
import { FollowedRows, WHOLE_TABLE } from "../state/table-view.ts";
import type { SortKey, TableRows, TableView } from "../state/table-view.ts";
import { formatCount } from "../state/units.ts";
import type { FormatBytes } from "../state/units.ts";
import type { ZoneModel } from "../state/zone-model.ts";
import { useApp, useAppState, useFormat, useShownZones } from "./context.ts";
import { Mark } from "./events-panel.tsx";
import { Swatch } from "./swatch.tsx";
import { rowOfKey, showRow, useRows } from "./use-rows.ts";

/** 2^20 rows of this height stay below the tallest element that Chromium lays out (2^25 pixels). */
const ROW_HEIGHT = 27;
const HEAD_HEIGHT = 31;
const OVERSCAN = 12;
const COLUMNS: readonly (readonly [SortKey, string])[] = [
  ["zone", "Zone"],
  ["type", "Type"],
  ["condition", "Condition"],
  ["start", "Start"],
  ["pointer", "Write pointer"],
  ["capacity", "Capacity"],
  ["resets", "Resets"],
];

export function ZoneTable() {
  const zones = useShownZones();
  const attached = useAppState((state) => state.attached !== null);
  return (
    <div className="panel panel-table">
      {zones === null ? (
        <>
          <div className="panel-head">
            <h2 className="panel-title">Zones</h2>
          </div>
          <p className="panel-empty">{attached ? "This image has no zones to list." : "Attach an image, and its zones are listed here."}</p>
        </>
      ) : (
        <Table zones={zones} />
      )}
    </div>
  );
}

function Table({ zones }: { zones: ZoneModel }) {
  const app = useApp();
  const version = useAppState((state) => state.zonesVersion);
  const selected = useAppState((state) => state.selected);
  const view = useAppState((state) => state.tableView);
  const past = useAppState((state) => state.moment !== null);
  const size = useFormat();
  const widths = useMemo(() => widthsOf(zones, size), [zones, size]);
  const scroller = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  // Zones in the order of their numbers are listed without looking at them.
  const looked = view.conditions.length === 0 && !["condition", "resets", "type", "capacity"].includes(view.sort) ? 0 : version;
  const listed = useListed(zones, view, looked);
  const { first, end } = useRows(scroller, listed.count, ROW_HEIGHT, OVERSCAN);

  const begun = useRef(false);
  useEffect(() => {
    if (selected === null || selected >= zones.count) return;
    const row = listed.rowOf(selected);
    // The list begins with its first row, where the selected one is seen well enough below it.
    const begins = !begun.current && (row + 0.5) * ROW_HEIGHT < (scroller.current?.clientHeight ?? 0) - HEAD_HEIGHT;
    begun.current = true;
    if (!begins) showRow(scroller.current, row, ROW_HEIGHT, HEAD_HEIGHT);
    // The keyboard follows the selection while it is in the table.
    if (body.current?.contains(document.activeElement) !== true) return;
    const timer = window.setTimeout(() => body.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus({ preventScroll: true }), 0);
    return () => window.clearTimeout(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- rows that move under a selection that stays are not scrolled after
  }, [selected, zones.count, view]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const row = selected === null ? -1 : listed.rowOf(selected);
    const target = rowOfKey(event.key, Math.max(0, row), listed.count, Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 2));
    if (target === null || listed.count === 0) return;
    event.preventDefault();
    app.device.select(listed.zoneAt(target));
  };
  const rows: number[] = [];
  for (let row = first; row < end; row++) rows.push(row);

  return (
    <>
      <div className="panel-head">
        <h2 className="panel-title">Zones</h2>
        <p className="panel-note">{listed.count === zones.count ? formatCount(zones.count) : `${formatCount(listed.count)} of ${formatCount(zones.count)}`}</p>
        {past && <span className="past-mark">the past</span>}
        <div className="push head-tools">
          <ConditionFilter zones={zones} view={view} />
        </div>
      </div>
      <div className="table-scroll" ref={scroller}>
        <div className={widths.dense ? "zone-table dense" : "zone-table"} role="table" aria-label="Zones" aria-rowcount={listed.count + 1} style={widths.style}>
          <div role="rowgroup" className="table-head">
            <div role="row" aria-rowindex={1} className="table-row">
              {COLUMNS.map(([key, name]) => (
                <Heading key={key} sort={key} name={name} view={view} />
              ))}
            </div>
          </div>
          <div role="rowgroup" ref={body} className="table-body" style={{ height: listed.count * ROW_HEIGHT }} onKeyDown={onKeyDown}>
            {/* One offset for all rows in view: tens of millions of pixels down, each of its own would be rounded differently. */}
            <div className="table-window" role="presentation" style={{ transform: `translateY(${first * ROW_HEIGHT}px)` }}>
              {rows.map((row) => (
                <Row key={row} zones={zones} zone={listed.zoneAt(row)} row={row} selected={listed.zoneAt(row) === selected} first={row === first} size={size} onSelect={(zone) => app.device.select(zone)} />
              ))}
            </div>
          </div>
        </div>
        {listed.count === 0 && <p className="panel-empty">No zone is in the conditions that are chosen.</p>}
      </div>
    </>
  );
}

/** The rows, which follow the changes of the zones; where there are very many, a little behind. */
function useListed(zones: ZoneModel, view: TableView, version: number): TableRows {
  const [followed] = useState(() => new FollowedRows(() => performance.now()));
  const [, lookAgain] = useReducer((count: number) => count + 1, 0);
  const { rows, againInMs } = followed.rows(zones, view, version);
  useEffect(() => {
    if (againInMs === null) return;
    const timer = window.setTimeout(lookAgain, againInMs);
    return () => window.clearTimeout(timer);
  }, [againInMs, version]);
  return rows;
}

/** A column's head sorts by it; once more, the other way round. */
function Heading({ sort, name, view }: { sort: SortKey; name: string; view: TableView }) {
  const app = useApp();
  const by = view.sort === sort;
  const Arrow = view.descending ? ArrowDown : ArrowUp;
  return (
    <div role="columnheader" aria-sort={by ? (view.descending ? "descending" : "ascending") : "none"}>
      <button type="button" className="sort" onClick={() => app.page.setTableView({ ...view, sort, descending: by && !view.descending })}>
        {name}
        {by && (view.sort !== "zone" || view.descending) && <Arrow size={11} aria-hidden="true" />}
      </button>
    </div>
  );
}

function ConditionFilter({ zones, view }: { zones: ZoneModel; view: TableView }) {
  const app = useApp();
  const on = view.conditions.length > 0;
  const toggle = (condition: number): void => {
    const conditions = view.conditions.includes(condition) ? view.conditions.filter((other) => other !== condition) : [...view.conditions, condition];
    app.page.setTableView({ ...view, conditions });
  };
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className={on ? "button quiet small on" : "button quiet small"} aria-label={on ? "Filter by condition, filtered" : "Filter by condition"}>
        <ListFilter size={14} aria-hidden="true" />
        {on ? view.conditions.map((condition) => conditionName(condition as (typeof CONDITION_ORDER)[number])).join(", ") : "All conditions"}
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu narrow" align="end" sideOffset={4}>
          {CONDITION_ORDER.map((condition) => (
            <DropdownMenu.CheckboxItem key={condition} className="menu-item" checked={view.conditions.includes(condition)} onSelect={(event) => event.preventDefault()} onCheckedChange={() => toggle(condition)}>
              <Mark /> <Swatch condition={condition} /> <span className="mono">{conditionName(condition)}</span>
              <span className="detail">{formatCount(zones.countOf(condition))}</span>
            </DropdownMenu.CheckboxItem>
          ))}
          <DropdownMenu.Separator className="menu-line" />
          <DropdownMenu.Item className="menu-item" disabled={!on && view.sort === "zone"} onSelect={() => app.page.setTableView(WHOLE_TABLE)}>
            All zones, by number
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** From this many characters in a row on, letters are smaller. */
const DENSE_FROM = 32;

/** The widest number of each column, in characters: a disk of terabytes needs more room than one of megabytes. */
function widthsOf(zones: ZoneModel, size: FormatBytes): { style: CSSProperties; dense: boolean } {
  const last = Math.max(0, zones.count - 1);
  const start = size(zones.start(last)).length;
  const pointer = size(zones.start(last) + 4096).length;
  const capacity = size(zones.capacity(0)).length;
  const zone = String(last).length;
  const style = { "--zone-digits": zone, "--start-digits": start, "--pointer-digits": Math.max(11, pointer), "--capacity-digits": Math.max(7, capacity) } as CSSProperties;
  return { style, dense: zone + start + pointer + capacity > DENSE_FROM };
}

interface RowProps {
  readonly zones: ZoneModel;
  readonly zone: number;
  readonly row: number;
  readonly selected: boolean;
  /** The first row in the document takes the keyboard when the selected one is not there. */
  readonly first: boolean;
  readonly size: FormatBytes;
  readonly onSelect: (zone: number) => void;
}

function Row({ zones, zone, row, selected, first, size, onSelect }: RowProps) {
  const conventional = zones.isConventional(zone);
  const condition = zones.conditionOf(zone);
  return (
    <div role="row" aria-rowindex={row + 2} aria-selected={selected} tabIndex={selected || first ? 0 : -1} className="table-row" style={{ height: ROW_HEIGHT }} onClick={() => onSelect(zone)}>
      <div role="cell">{zone}</div>
      <div role="cell" title={conventional ? "Conventional" : "Sequential write required"}>
        {conventional ? "CONV" : "SEQ"}
      </div>
      <div role="cell" className="cell-condition">
        <Swatch condition={condition} />
        {conditionName(condition)}
      </div>
      <div role="cell">{size(zones.start(zone))}</div>
      <div role="cell">{conventional ? "–" : size(zones.writePointer[zone]!)}</div>
      <div role="cell">{size(zones.capacity(zone))}</div>
      <div role="cell">{formatCount(zones.counted("resets", zone))}</div>
    </div>
  );
}
