/**
 * How full the zones of a job are at a moment, as the workload's plot draws it: a zone each while there are few, and the mean of a
 * band of neighbours where there are many. It knows neither the job nor the picture.
 */

/** Of the zones what is asked of them; null for a zone without a write pointer. */
interface FilledZones {
  used(zone: number): number | null;
  capacity(zone: number): number;
}

export interface ZoneFills {
  /** Mean fill of each band, 0 to 1. */
  readonly fills: readonly number[];
  /** Zones with something below their write pointer, and zones that are full to their capacity. */
  readonly written: number;
  readonly full: number;
}

/** Zones from `firstZone` up to, not including, `endZone`, in bands of `zonesPerBand`, of which the last may be shorter. */
export function fillsOf(zones: FilledZones, firstZone: number, endZone: number, zonesPerBand: number): ZoneFills {
  const fills: number[] = [];
  let written = 0;
  let full = 0;
  for (let from = firstZone; from < endZone; from += zonesPerBand) {
    const end = Math.min(endZone, from + zonesPerBand);
    let sum = 0;
    for (let zone = from; zone < end; zone++) {
      const used = zones.used(zone) ?? 0;
      if (used === 0) continue;
      const fill = used / zones.capacity(zone);
      sum += fill;
      written++;
      if (fill >= 1) full++;
    }
    fills.push(sum / (end - from));
  }
  return { fills, written, full };
}
