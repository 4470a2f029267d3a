/**
 * What each shared cell of the map holds: zones by condition, bytes written and writable. Counted once in one pass, and kept up
 * with the changes after that, so that drawing a cell of a thousand zones costs what a cell of one does.
 */
import { Condition } from "../base/conditions.ts";
import { tally, wordsOf } from "../base/tally.ts";
import { endZoneOf, firstZoneOf } from "./zone-layout.ts";
import type { ZoneLayout } from "./zone-layout.ts";
import { CONDITION_SLOTS } from "./zone-picture.ts";
import type { ZonePicture } from "./zone-picture.ts";

export class CellIndex {
  readonly zonesPerCell: number;
  /** Zones by cell and condition: CONDITION_SLOTS a cell. */
  readonly counts: Uint32Array;
  /** Bytes below write pointers, by cell. */
  readonly used: Float64Array;
  /** Bytes that sequential zones can hold, by cell. */
  readonly writable: Float64Array;
  private readonly picture: ZonePicture;

  constructor(layout: ZoneLayout, picture: ZonePicture) {
    this.zonesPerCell = layout.zonesPerCell;
    this.picture = picture;
    this.counts = new Uint32Array(layout.cellCount * CONDITION_SLOTS);
    this.used = new Float64Array(layout.cellCount);
    this.writable = new Float64Array(layout.cellCount);
    const words = wordsOf(picture.condition);
    for (let cell = 0; cell < layout.cellCount; cell++) {
      const first = firstZoneOf(layout, cell);
      tally(picture.condition, words, first, endZoneOf(layout, cell), this.counts, cell * CONDITION_SLOTS);
      this.fill(cell, first, endZoneOf(layout, cell));
    }
  }

  /** Sums up the bytes of a cell whose zones are counted. A zone that is EMPTY has none. */
  private fill(cell: number, first: number, end: number): void {
    const { picture } = this;
    const counted = (condition: number): number => this.counts[cell * CONDITION_SLOTS + condition]!;
    const conventional = counted(Condition.NOT_WP);
    const zones = end - first;
    // Only the last zone of the device may be shorter than the others.
    const last = picture.condition[end - 1] === Condition.NOT_WP ? 0 : picture.capacityOf(end - 1);
    const others = zones - conventional - (last === 0 ? 0 : 1);
    this.writable[cell] = others * picture.zoneCapacity + last;
    if (conventional + counted(Condition.EMPTY) < zones) this.used[cell] = usedOf(picture, first, end);
  }

  /** A zone has become what the picture says now. @param pointer what its write pointer was */
  changed(zone: number, condition: number, pointer: number): void {
    const cell = Math.floor(zone / this.zonesPerCell);
    this.counts[cell * CONDITION_SLOTS + (condition & 15)]!--;
    this.counts[cell * CONDITION_SLOTS + (this.picture.condition[zone]! & 15)]!++;
    if (condition === Condition.NOT_WP) return;
    this.used[cell]! += usedBytes(this.picture, zone, this.picture.writePointer[zone]!) - usedBytes(this.picture, zone, pointer);
  }
}

/** Bytes below the write pointers of zones [first, end), which lie in the device one after the other. */
function usedOf(picture: ZonePicture, first: number, end: number): number {
  const { condition, writePointer, zoneSize, zoneCapacity } = picture;
  let sum = 0;
  for (let zone = first; zone < end - 1; zone++) {
    if (condition[zone] === Condition.NOT_WP) continue;
    const above = writePointer[zone]! - zone * zoneSize;
    sum += above <= 0 ? 0 : above < zoneCapacity ? above : zoneCapacity;
  }
  return sum + (condition[end - 1] === Condition.NOT_WP ? 0 : usedBytes(picture, end - 1, writePointer[end - 1]!));
}

/** Bytes of a sequential zone below a pointer, at most its capacity. */
const usedBytes = (picture: ZonePicture, zone: number, pointer: number): number =>
  Math.max(0, Math.min(pointer - zone * picture.zoneSize, picture.capacityOf(zone)));
