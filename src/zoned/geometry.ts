/**
 * The geometry of a zoned device: where zones start, how long each is, how much of it can be written.
 *
 * Knows nothing of pointers, conditions or bytes on disk. Source: zoned format, "Create options".
 */
import { divideRoundUp, guestOffset, zoneIndex } from "../base/units.ts";
import type { Bytes, GuestOffset, ZoneIndex } from "../base/units.ts";

/** More zones than this are refused: the limits that are promises. */
export const MAX_ZONES = 2 ** 22;

export interface ZoneGeometry {
  /** Size of the guest's disk. */
  readonly deviceSize: Bytes;
  /** The stride from one zone's start to the next; a power of two. */
  readonly zoneSize: Bytes;
  /** How much of a full-length sequential zone can be written; at most zoneSize. */
  readonly zoneCapacity: Bytes;
  readonly zoneCount: number;
  /** What the header says; the pointer entry of each zone decides its type, and a disagreement is a finding. */
  readonly conventionalZones: number;
  /** 0 means no limit. */
  readonly maxOpenZones: number;
  /** 0 means no limit. */
  readonly maxActiveZones: number;
  /** The largest total of one append; 0 turns append off. */
  readonly maxAppendBytes: Bytes;
}

/** Number of zones of a device: the last one may be short. */
export const countZones = (deviceSize: number, zoneSize: number): number => divideRoundUp(deviceSize, zoneSize);

export const zoneStart = (geometry: ZoneGeometry, zone: ZoneIndex): GuestOffset => guestOffset(zone * geometry.zoneSize);

/** Length of this zone: zoneSize, or less for a short last zone. */
export function zoneLength(geometry: ZoneGeometry, zone: ZoneIndex): Bytes {
  return Math.min(geometry.zoneSize, geometry.deviceSize - zone * geometry.zoneSize) as Bytes;
}

export const zoneEnd = (geometry: ZoneGeometry, zone: ZoneIndex): GuestOffset =>
  guestOffset(zoneStart(geometry, zone) + zoneLength(geometry, zone));

/** Writable bytes of this zone: a conventional zone's whole length, else the capacity capped at a short last zone's length. */
export function zoneCapacityOf(geometry: ZoneGeometry, zone: ZoneIndex, conventional: boolean): Bytes {
  const length = zoneLength(geometry, zone);
  return conventional ? length : (Math.min(geometry.zoneCapacity, length) as Bytes);
}

/** The zone that holds a guest offset; the offset must be below the device's size. */
export const zoneOf = (geometry: ZoneGeometry, offset: number): ZoneIndex => zoneIndex(Math.floor(offset / geometry.zoneSize));
