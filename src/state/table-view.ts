/** Which zones the table lists, and in which order. Rows are numbers; no zone is an object, however many there are. */
import type { ZoneModel } from "./zone-model.ts";

export type SortKey = "zone" | "type" | "condition" | "start" | "pointer" | "capacity" | "resets";

export interface TableView {
  /** Conditions that are listed; empty: all. */
  readonly conditions: readonly number[];
  readonly sort: SortKey;
  readonly descending: boolean;
}

export const WHOLE_TABLE: TableView = { conditions: [], sort: "zone", descending: false };

/** What the rows of a table are. */
export interface TableRows {
  readonly count: number;
  zoneAt(row: number): number;
  /** The row of a zone, -1 when it is not listed. */
  rowOf(zone: number): number;
}

/** Rows as the view has them, for the model as it is now. */
export function tableRows(model: ZoneModel, view: TableView): TableRows {
  const byZone = view.sort === "zone" || view.sort === "start" || view.sort === "pointer";
  if (view.conditions.length === 0 && byZone) {
    // Write pointers stand in the order of their zones: each lies inside its own.
    const at = (index: number): number => (view.descending ? model.count - 1 - index : index);
    return { count: model.count, zoneAt: at, rowOf: (zone) => (zone < model.count ? at(zone) : -1) };
  }
  const zones = filtered(model, view.conditions);
  return listed(byZone ? zones : sorted(model, zones, view.sort), view.descending);
}

function filtered(model: ZoneModel, conditions: readonly number[]): Uint32Array {
  const wanted = new Uint8Array(16);
  for (const condition of conditions) wanted[condition & 15] = 1;
  const all = conditions.length === 0;
  const zones = new Uint32Array(model.count);
  let count = 0;
  for (let zone = 0; zone < model.count; zone++) if (all || wanted[model.condition[zone]! & 15] === 1) zones[count++] = zone;
  return zones.subarray(0, count);
}

/** By the key, and zones of one key by number: both in one number, which typed arrays sort quickest. */
function sorted(model: ZoneModel, zones: Uint32Array, sort: SortKey): Uint32Array {
  const key = keyOf(model, sort);
  const packed = Float64Array.from(zones, (zone) => key(zone) * model.count + zone).sort();
  return Uint32Array.from(packed, (value) => value % model.count);
}

function keyOf(model: ZoneModel, sort: SortKey): (zone: number) => number {
  switch (sort) {
    case "type":
      return (zone) => model.type[zone]!;
    case "condition":
      return (zone) => model.condition[zone]!;
    case "capacity":
      // In sectors: the product with the number of zones stays a safe integer.
      return (zone) => model.capacity(zone) / 512;
    case "resets":
      return (zone) => model.counted("resets", zone);
    default:
      return () => 0;
  }
}

function listed(zones: Uint32Array, descending: boolean): TableRows {
  const at = (row: number): number => zones[descending ? zones.length - 1 - row : row] ?? 0;
  return {
    count: zones.length,
    zoneAt: at,
    rowOf: (zone) => {
      const index = zones.indexOf(zone);
      return index < 0 ? -1 : descending ? zones.length - 1 - index : index;
    },
  };
}

/** Of the time, at most one part in this many goes into looking through the zones anew. */
const TIME_BETWEEN = 10;

/**
 * The rows of a table whose zones change: looked for anew when they are asked for, but not so often that looking takes more than a
 * tenth of the time. Between, the rows are those of a moment ago; what stands in them is always of now.
 */
export class FollowedRows {
  private readonly now: () => number;
  private model: ZoneModel | null = null;
  private view: TableView | null = null;
  private version = -1;
  private found: TableRows = { count: 0, zoneAt: () => 0, rowOf: () => -1 };
  private foundAt = 0;
  private tookMs = 0;

  /** @param now milliseconds of a clock that never goes back */
  constructor(now: () => number) {
    this.now = now;
  }

  /**
   * @param version another one when the zones have changed
   * @returns the rows, and in how many milliseconds to ask again; null when they are of now
   */
  rows(model: ZoneModel, view: TableView, version: number): { readonly rows: TableRows; readonly againInMs: number | null } {
    if (model === this.model && view === this.view) {
      if (version === this.version) return { rows: this.found, againInMs: null };
      const wait = this.foundAt + this.tookMs * TIME_BETWEEN - this.now();
      if (wait > 0) return { rows: this.found, againInMs: wait };
    }
    const start = this.now();
    this.found = tableRows(model, view);
    this.foundAt = this.now();
    this.tookMs = this.foundAt - start;
    this.model = model;
    this.view = view;
    this.version = version;
    return { rows: this.found, againInMs: null };
  }
}
