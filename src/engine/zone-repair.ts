/**
 * Taking back the space of data that no read shows: whole clusters above a sequential zone's write pointer or capacity, which a
 * crash may leave. Reads there give zeros before and after, so nothing is guessed; pointers are not touched.
 */
import { zoneIndex } from "../base/units.ts";
import type { Qcow2Image } from "../qcow2/image.ts";
import type { ZoneTable } from "../zoned/zone-table.ts";
import { hiddenRange } from "./zone-check.ts";

const EXTENTS_A_CALL = 1024;

/**
 * Unmaps hidden data in memory; the next flush clears the entries on the disk first and gives up their clusters behind a barrier.
 * @returns the bytes of data that were unmapped; yields the fraction done. @throws Fault of the store, or for an entry that cannot be
 */
export function* unmapHidden(disk: Qcow2Image, zones: ZoneTable): Generator<number, number, void> {
  const { zoneCount } = zones.geometry;
  let unmapped = 0;
  for (let index = 0; index < zoneCount; index++) {
    if (index % 1024 === 0) yield index / zoneCount;
    if (zones.isConventional(zoneIndex(index))) continue;
    const { from, to } = hiddenRange(disk, zones, index);
    for (let at: number | null = from < to ? from : null; at !== null; ) {
      const { extents, next } = disk.map(at, to - at, EXTENTS_A_CALL);
      for (const { data, start, length } of extents) {
        if (!data) continue;
        disk.unmap(start, start + length);
        unmapped += length;
      }
      at = next;
    }
  }
  return unmapped;
}
