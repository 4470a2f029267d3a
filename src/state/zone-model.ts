/**
 * The zones of the attached image as the page knows them: columns that change in place, counts by condition, and a version that
 * grows with every change. It lives outside the store's immutable state; the store carries the version.
 *
 * Knows no rules: conditions and pointers come from the engine.
 */
import type { Condition } from "../base/conditions.ts";
import { ZoneType } from "../base/conditions.ts";
import { tally, wordsOf } from "../base/tally.ts";
import type { ZoneChanges, ZoneColumns, ZoneGeometry } from "../protocol/index.ts";

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
  /** Counted since the image was opened, by zone. */
  readonly resets: Uint32Array;
  readonly writes: Uint32Array;
  readonly bytesWritten: Float64Array;
  readonly finishes: Uint32Array;
  readonly refusals: Uint32Array;
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
    this.resets = columns.resets;
    this.writes = columns.writes;
    this.bytesWritten = columns.bytesWritten;
    this.finishes = columns.finishes;
    this.refusals = columns.refusals;
    tally(this.condition, wordsOf(this.condition), 0, this.count, this.counts);
  }

  /** Takes changed rows over; a row beyond the last zone is ignored. */
  apply(changes: ZoneChanges): void {
    for (let row = 0; row < changes.zone.length; row++) {
      const zone = changes.zone[row]!;
      if (zone >= this.count) continue;
      const condition = this.condition[zone]!;
      const pointer = this.writePointer[zone]!;
      const written = changes.bytesWritten[row]! > this.bytesWritten[zone]!;
      this.set(zone, changes.condition[row]!, changes.writePointer[row]!);
      this.resets[zone] = changes.resets[row]!;
      this.writes[zone] = changes.writes[row]!;
      this.bytesWritten[zone] = changes.bytesWritten[row]!;
      this.finishes[zone] = changes.finishes[row]!;
      this.refusals[zone] = changes.refusals[row]!;
      this.watcher?.changed(zone, condition, pointer, written);
    }
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
      writes: this.writes.slice(),
      bytesWritten: this.bytesWritten.slice(),
      resets: this.resets.slice(),
      finishes: this.finishes.slice(),
      refusals: this.refusals.slice(),
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
