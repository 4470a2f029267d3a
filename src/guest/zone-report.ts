/**
 * A zone report as a virtio block device gives it: a header with the count, then 64 bytes a zone.
 *
 * ```
 * header      0   8  number of zones that follow; 56 bytes of zeros
 * descriptor  0   8  capacity, sectors
 *             8   8  start, sectors
 *            16   8  write pointer, sectors
 *            24   1  type: 1 conventional, 2 sequential write required
 *            25   1  state, by the numbers of base/conditions.ts
 * ```
 *
 * Source: virtio 1.3, 5.2.6.5.
 */
import { toSectors } from "../base/units.ts";
import type { ZoneDescriptor } from "../protocol/index.ts";

const HEADER_BYTES = 64;
const DESCRIPTOR_BYTES = 64;

/** How many zones fit into an answer of so many bytes; -1 where not even the header does. */
export const reportRoom = (lengthBytes: number): number => Math.floor((lengthBytes - HEADER_BYTES) / DESCRIPTOR_BYTES);

export function encodeReport(zones: readonly ZoneDescriptor[]): Uint8Array {
  const report = new Uint8Array(HEADER_BYTES + zones.length * DESCRIPTOR_BYTES);
  const view = new DataView(report.buffer);
  view.setBigUint64(0, BigInt(zones.length), true);
  for (const [index, zone] of zones.entries()) {
    const at = HEADER_BYTES + index * DESCRIPTOR_BYTES;
    view.setBigUint64(at, BigInt(toSectors(zone.capacity)), true);
    view.setBigUint64(at + 8, BigInt(toSectors(zone.start)), true);
    view.setBigUint64(at + 16, BigInt(toSectors(zone.writePointer)), true);
    view.setUint8(at + 24, zone.type);
    view.setUint8(at + 25, zone.condition);
  }
  return report;
}
