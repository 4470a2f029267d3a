/** A job's reports over time as columns of a bounded length: when they are full, every second row goes and rows come half as often. */
import type { WorkloadReport } from "../protocol/index.ts";

export interface SeriesRow {
  readonly elapsedMs: number;
  readonly requests: number;
  readonly bytes: number;
  readonly open: number;
  readonly active: number;
  readonly usedBytes: number;
  /** Of a store, else 0. */
  readonly written: number;
  readonly copied: number;
  readonly freeZones: number;
  readonly amplification: number;
}

const SERIES_COLUMNS = ["elapsedMs", "requests", "bytes", "open", "active", "usedBytes", "written", "copied", "freeZones", "amplification"] as const satisfies readonly (keyof SeriesRow)[];

const MOST_ROWS = 512;

/** Rows over time, the first and the newest always among them. */
export class BoundedRows<Row extends { readonly elapsedMs: number }> {
  readonly rows: Row[] = [];
  /** Milliseconds between two rows at least. */
  private everyMs: number;
  private last: Row | null = null;

  constructor(everyMs = 25) {
    this.everyMs = everyMs;
  }

  /** Whether a row of that time would be taken: one that is dear to make is made then alone. */
  takes(elapsedMs: number, always: boolean): boolean {
    return this.last === null || always || elapsedMs - this.last.elapsedMs >= this.everyMs;
  }

  /** Takes a row, unless the last one is too new. @param always takes it in any case */
  push(row: Row, always: boolean): void {
    if (!this.takes(row.elapsedMs, always)) return;
    this.last = row;
    this.rows.push(row);
    if (this.rows.length < MOST_ROWS) return;
    this.everyMs *= 2;
    const kept = this.rows.filter((_, index) => index % 2 === 0 || index === this.rows.length - 1);
    this.rows.splice(0, this.rows.length, ...kept);
  }
}

export class WorkloadSeries extends BoundedRows<SeriesRow> {
  add({ elapsedMs, requests, bytes, open, active, usedBytes, store, end }: WorkloadReport): void {
    const row: SeriesRow = { elapsedMs, requests, bytes, open, active, usedBytes, written: store?.written ?? 0, copied: store?.copied ?? 0, freeZones: store?.freeZones ?? 0, amplification: store?.recentAmplification ?? 0 };
    this.push(row, end !== null);
  }

  columns(): Readonly<Record<keyof SeriesRow, readonly number[]>> {
    return Object.fromEntries(SERIES_COLUMNS.map((name) => [name, this.rows.map((row) => row[name])])) as Record<keyof SeriesRow, number[]>;
  }
}
