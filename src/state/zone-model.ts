/**
 * The zones of the attached image as the page knows them: columns that change in place, counts by condition, and a version that
 * grows with every change. It lives outside the store's immutable state; the store carries the version.
 *
 * Knows no rules: conditions and pointers come from the engine.
 */
import type { Condition } from "../base/conditions.ts";
import { ZoneType } from "../base/conditions.ts";
import { tally, wordsOf } from "../base/tally.ts";
import type { ZoneChanges, ZoneColumns, ZoneCounters, ZoneGeometry } from "../protocol/index.ts";

/** Hears of every zone that changed, at once and before anything is drawn. */
export interface ZoneWatcher {
  /** @param condition what the zone was, `pointer` where its write pointer was, `written` whether bytes were written to it */
  changed(zone: number, condition: number, pointer: number, written: boolean): void;
  /** Too much changed to be told zone by zone. */
  replaced(): void;
}

export class ZoneModel {
  readonly geometry: ZoneGeometry;
  readonly count: number;
  readonly type: Uint8Array;
  readonly condition: Uint8Array;
  readonly writePointer: Float64Array;
  /** Counted since the image was opened. */
  private counters: ZoneCounters;
  /** Number of zones by condition. */
  readonly counts = new Uint32Array(16);
  /** At most one, for the map. */
  private watcher: ZoneWatcher | null = null;

  constructor(geometry: ZoneGeometry, columns: ZoneColumns) {
    this.geometry = geometry;
    this.count = columns.condition.length;
    this.type = columns.type;
    this.condition = columns.condition;
    this.writePointer = columns.writePointer;
    this.counters = columns;
    tally(this.condition, wordsOf(this.condition), 0, this.count, this.counts);
  }

  /** Takes changed rows over; a row beyond the last zone is ignored. */
  apply(changes: ZoneChanges): void {
    const counters = this.ownCounters();
    for (let row = 0; row < changes.zone.length; row++) {
      const zone = changes.zone[row]!;
      if (zone >= this.count) continue;
      const condition = this.condition[zone]!;
      const pointer = this.writePointer[zone]!;
      const written = changes.bytesWritten[row]! > (counters.bytesWritten[zone] ?? 0);
      this.set(zone, changes.condition[row]!, changes.writePointer[row]!);
      counters.resets[zone] = changes.resets[row]!;
      counters.writes[zone] = changes.writes[row]!;
      counters.bytesWritten[zone] = changes.bytesWritten[row]!;
      counters.finishes[zone] = changes.finishes[row]!;
      counters.refusals[zone] = changes.refusals[row]!;
      this.watcher?.changed(zone, condition, pointer, written);
    }
  }

  /** What was counted of a zone since the image was opened. */
  counted(counter: keyof ZoneCounters, zone: number): number {
    return this.counters[counter][zone] ?? 0;
  }

  /** Counts for a zone, or takes back what was counted. */
  addTo(counter: keyof ZoneCounters, zone: number, by: number): void {
    this.ownCounters()[counter][zone]! += by;
  }

  /** The counters with a place for each zone: they come without as long as nothing was counted. */
  private ownCounters(): ZoneCounters {
    if (this.counters.writes.length !== this.count) {
      const words = (): Uint32Array => new Uint32Array(this.count);
      this.counters = { writes: words(), bytesWritten: new Float64Array(this.count), resets: words(), finishes: words(), refusals: words() };
    }
    return this.counters;
  }

  /** Has `watcher` hear of every change until the returned function is called. */
  watch(watcher: ZoneWatcher): () => void {
    this.watcher = watcher;
    return () => {
      if (this.watcher === watcher) this.watcher = null;
    };
  }

  /** Tells the watcher that the columns are of another moment. */
  replaced(): void {
    this.watcher?.replaced();
  }

  /** Condition and pointer alone, and nobody is told. */
  set(zone: number, condition: number, pointer: number): void {
    this.counts[this.condition[zone]! & 15]!--;
    this.counts[condition & 15]!++;
    this.condition[zone] = condition;
    this.writePointer[zone] = pointer;
  }

  /** The same zones in columns of their own. */
  copy(): ZoneModel {
    return new ZoneModel(this.geometry, {
      type: this.type,
      condition: this.condition.slice(),
      writePointer: this.writePointer.slice(),
      writes: this.counters.writes.slice(),
      bytesWritten: this.counters.bytesWritten.slice(),
      resets: this.counters.resets.slice(),
      finishes: this.counters.finishes.slice(),
      refusals: this.counters.refusals.slice(),
    });
  }

  isConventional(zone: number): boolean {
    return this.type[zone] === ZoneType.CONVENTIONAL;
  }

  conditionOf(zone: number): Condition {
    return this.condition[zone] as Condition;
  }

  /** Guest byte offset of the zone's first byte. */
  start(zone: number): number {
    return zone * this.geometry.zoneSize;
  }

  /** Bytes from this zone's start to the next one's, or to the end of the device. */
  length(zone: number): number {
    return Math.min(this.geometry.zoneSize, this.geometry.deviceSize - this.start(zone));
  }

  /** Writable bytes: a conventional zone's whole length. */
  capacity(zone: number): number {
    const length = this.length(zone);
    return this.isConventional(zone) ? length : Math.min(this.geometry.zoneCapacity, length);
  }

  /** Bytes below the write pointer, at most the capacity; null for a conventional zone, which has no pointer. */
  used(zone: number): number | null {
    if (this.isConventional(zone)) return null;
    return Math.max(0, Math.min(this.writePointer[zone]! - this.start(zone), this.capacity(zone)));
  }

  countOf(condition: Condition): number {
    return this.counts[condition]!;
  }
}
