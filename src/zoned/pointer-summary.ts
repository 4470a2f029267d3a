/**
 * What all write pointers of a device come to: zones by the condition that a power cycle leaves them in, and how much they hold.
 * Source: zoned format, "Zoned metadata".
 */
import { Condition } from "../base/conditions.ts";
import { tally, wordsOf } from "../base/tally.ts";
import { zoneIndex } from "../base/units.ts";
import { zoneCapacityOf, zoneStart } from "./geometry.ts";
import type { ZoneGeometry } from "./geometry.ts";
import { conditionsAfterPowerCycle } from "./pointer.ts";
import type { PointerColumns } from "./pointer.ts";

export interface PointerSummary {
  readonly empty: number;
  readonly closed: number;
  readonly full: number;
  readonly conventional: number;
  /** Bytes from the start of each sequential zone to its pointer, or to its capacity where a finish put the pointer beyond. */
  readonly bytesBelow: number;
}

/** @param conditions what a power cycle leaves each zone in, where that is known already */
export function summarizePointers(geometry: ZoneGeometry, columns: PointerColumns, conditions = conditionsAfterPowerCycle(geometry, columns)): PointerSummary {
  const counts = new Uint32Array(16);
  tally(conditions, wordsOf(conditions), 0, conditions.length, counts);
  let bytesBelow = 0;
  const written = counts[Condition.CLOSED]! + counts[Condition.FULL]! > 0;
  for (let index = 0; written && index < conditions.length; index++) {
    const condition = conditions[index]!;
    if (condition === Condition.CLOSED || condition === Condition.FULL) {
      const zone = zoneIndex(index);
      bytesBelow += Math.min(columns.writePointer[index]! - zoneStart(geometry, zone), zoneCapacityOf(geometry, zone, false));
    }
  }
  return { empty: counts[Condition.EMPTY]!, closed: counts[Condition.CLOSED]!, full: counts[Condition.FULL]!, conventional: counts[Condition.NOT_WP]!, bytesBelow };
}
