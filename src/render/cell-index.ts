/**
 * What each shared cell of the map holds: zones by condition, bytes written and writable. Counted once in one pass, and kept up
 * with the changes after that, so that drawing a cell of a thousand zones costs what a cell of one does.
 */
import { Condition } from "../base/conditions.ts";
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
    const { condition, writePointer } = picture;
    for (let zone = 0; zone < layout.zoneCount; zone++) {
      const cell = Math.floor(zone / layout.zonesPerCell);
      this.counts[cell * CONDITION_SLOTS + (condition[zone]! & 15)]!++;
      if (condition[zone] === Condition.NOT_WP) continue;
      this.used[cell]! += usedBytes(picture, zone, writePointer[zone]!);
      this.writable[cell]! += picture.capacityOf(zone);
    }
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

/** Bytes of a sequential zone below a pointer, at most its capacity. */
export const usedBytes = (picture: ZonePicture, zone: number, pointer: number): number =>
  Math.max(0, Math.min(pointer - zone * picture.zoneSize, picture.capacityOf(zone)));
