/**
 * A disk as a host sees it: geometry, limits, and what a report says of a zone. A job asks again before each batch, so that it goes
 * on rightly when somebody else resets or writes a zone meanwhile.
 *
 * Knows nothing of images or of the device's own tables.
 */
import { Condition, ZoneType } from "../base/conditions.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { JobExtent, JobProblem, JobSpec } from "./job.ts";

export interface HostZone {
  readonly zone: number;
  readonly type: number;
  readonly condition: number;
  readonly start: number;
  readonly length: number;
  /** Bytes that can be written. */
  readonly capacity: number;
  readonly writePointer: number;
}

export interface HostResources {
  readonly open: number;
  readonly active: number;
  readonly implicitOpen: number;
}

export interface HostView {
  readonly diskBytes: number;
  /** A disk without zones is one conventional zone. */
  readonly zoned: boolean;
  readonly zoneSize: number;
  readonly zoneCapacity: number;
  readonly zoneCount: number;
  /** 0: no limit. */
  readonly maxOpen: number;
  readonly maxActive: number;
  readonly maxAppendBytes: number;
  zone(index: number): HostZone;
  condition(index: number): number;
  /** Counts that a report of the whole disk gives. */
  resources(): HostResources;
}

/** The zones [first, end) that a job works on, and the bytes [start, stop) of them. */
export interface Region {
  readonly first: number;
  readonly end: number;
  readonly start: number;
  readonly stop: number;
}

export const isConventional = (zone: HostZone): boolean => zone.type === ZoneType.CONVENTIONAL;
export const isOpen = (condition: number): boolean => condition === Condition.IMPLICIT_OPEN || condition === Condition.EXPLICIT_OPEN;
export const isActive = (condition: number): boolean => isOpen(condition) || condition === Condition.CLOSED;
const isDead = (condition: number): boolean => condition === Condition.READ_ONLY || condition === Condition.OFFLINE;

/** What is left to be written of a zone, in bytes; 0 of one that is full or takes no writes. */
function remainder(zone: HostZone): number {
  if (zone.condition === Condition.FULL || isDead(zone.condition)) return 0;
  return Math.max(0, zone.start + zone.capacity - zone.writePointer);
}

/** Whether a sequential zone can take a block at its pointer as it is. */
export const takes = (zone: HostZone, blockBytes: number): boolean => remainder(zone) >= blockBytes && zone.writePointer % SECTOR_SIZE === 0;

/** Whether a zone that takes no block would after a reset. */
export const takesAfterReset = (zone: HostZone, blockBytes: number): boolean => !isDead(zone.condition) && zone.capacity >= blockBytes;

/** End of what can be read of a zone with data in it, clipped to the region. */
export function readableEnd(zone: HostZone, region: Region, beyondPointer: boolean): number {
  const end = beyondPointer || isConventional(zone) ? zone.start + zone.length : zone.condition === Condition.OFFLINE ? zone.start : Math.min(zone.writePointer, zone.start + zone.capacity);
  return Math.min(end, region.stop);
}

/** An extent in bytes of this disk. */
export const bytesOf = (extent: JobExtent, host: HostView): number => (extent.unit === "bytes" ? extent.count : extent.count * host.zoneSize);

/** The region that a job's words name. On a disk with zones it is made of whole zones. */
export function regionOf(job: JobSpec, host: HostView): Result<Region, JobProblem> {
  const step = host.zoned ? host.zoneSize : SECTOR_SIZE;
  if (!host.zoned) {
    if (job.offset.unit === "zones") return err({ word: "offset", found: `${job.offset.count}z`, allowed: "bytes, for this disk has no zones" });
    if (job.size?.unit === "zones") return err({ word: "zones", found: String(job.size.count), allowed: "none, for this disk has no zones; size is in bytes" });
  }
  const start = bytesOf(job.offset, host);
  if (start % step !== 0) return err({ word: "offset", found: String(start), allowed: `a multiple of ${step}` });
  if (start >= host.diskBytes) return err({ word: "offset", found: String(start), allowed: `less than the disk's ${host.diskBytes} bytes` });
  const left = host.diskBytes - start;
  if (job.size?.unit === "zones") {
    // The word that has them is zones; the disk's last zone may be shorter than the others.
    const zonesLeft = Math.ceil(left / host.zoneSize);
    if (job.size.count < 1 || job.size.count > zonesLeft) return err({ word: "zones", found: String(job.size.count), allowed: `at least 1 and at most ${zonesLeft}, the zones from the offset on` });
  }
  const length = job.size === null ? left : job.size.unit === "zones" ? Math.min(left, bytesOf(job.size, host)) : job.size.count;
  const stop = start + length;
  if (length === 0 || stop > host.diskBytes) return err({ word: "size", found: String(length), allowed: `at least ${step} and at most ${left} bytes from the offset on` });
  if (stop % step !== 0 && stop !== host.diskBytes) return err({ word: "size", found: String(length), allowed: `a multiple of ${step}` });
  return ok({ first: Math.floor(start / host.zoneSize), end: Math.ceil(stop / host.zoneSize), start, stop });
}

/** What a job is refused for before its first request. */
export function checkJob(job: JobSpec, host: HostView): JobProblem | null {
  const { rw, blockBytes } = job;
  if (rw === "append") {
    if (!host.zoned) return { word: "rw", found: rw, allowed: "write, randwrite, read or randread on a disk without zones" };
    if (host.maxAppendBytes === 0) return { word: "rw", found: rw, allowed: "another kind: this disk takes no appends" };
    if (blockBytes > host.maxAppendBytes) return { word: "bs", found: String(blockBytes), allowed: `at most ${host.maxAppendBytes}, the disk's limit of an append` };
    if (job.verify) return { word: "verify", found: "pattern", allowed: "none with rw=append: an append does not know where it lands" };
  }
  if (rw === "logstore" && !host.zoned) return { word: "rw", found: rw, allowed: "write, randwrite, read or randread on a disk without zones" };
  const longest = host.zoned ? host.zoneCapacity : host.diskBytes;
  if (rw !== "read" && rw !== "randread" && blockBytes > longest) return { word: "bs", found: String(blockBytes), allowed: `at most ${longest}, what a zone takes` };
  return null;
}

/** Bytes that the zones of a region take when they are empty. */
export function capacityOf(region: Region, host: HostView): number {
  let sum = 0;
  for (let index = region.first; index < region.end; index++) {
    const zone = host.zone(index);
    sum += Math.min(zone.start + zone.capacity, region.stop) - Math.max(zone.start, region.start);
  }
  return sum;
}
