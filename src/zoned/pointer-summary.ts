/**
 * What all write pointers of a device come to: zones by the condition that a power cycle leaves them in, and how much they hold.
 * Source: zoned format, "Zoned metadata".
 */
import { Condition, ZoneType } from "../base/conditions.ts";
import { zoneIndex } from "../base/units.ts";
import { zoneCapacityOf, zoneStart } from "./geometry.ts";
import type { ZoneGeometry } from "./geometry.ts";
import type { PointerColumns } from "./pointer.ts";
import { conditionAfterPowerCycle } from "./zone-table.ts";

export interface PointerSummary {
  readonly empty: number;
  readonly closed: number;
  readonly full: number;
  readonly conventional: number;
  /** Bytes from the start of each sequential zone to its pointer, or to its capacity where a finish put the pointer beyond. */
  readonly bytesBelow: number;
}

/** One pass over the columns, index = zone. */
export function summarizePointers(geometry: ZoneGeometry, { type, writePointer }: PointerColumns): PointerSummary {
  let [empty, closed, full, conventional, bytesBelow] = [0, 0, 0, 0, 0];
  for (let index = 0; index < geometry.zoneCount; index++) {
    const zone = zoneIndex(index);
    const offset = writePointer[index]!;
    const condition = conditionAfterPowerCycle(geometry, zone, type[index] === ZoneType.CONVENTIONAL, offset);
    if (condition === Condition.EMPTY) empty++;
    else if (condition === Condition.NOT_WP) conventional++;
    else {
      if (condition === Condition.FULL) full++;
      else closed++;
      bytesBelow += Math.min(offset - zoneStart(geometry, zone), zoneCapacityOf(geometry, zone, false));
    }
  }
  return { empty, closed, full, conventional, bytesBelow };
}
