/**
 * One entry of the zoned metadata: a 64-bit little-endian word per zone, zone 0 first.
 *
 * | bits   | meaning                                                              |
 * |--------|----------------------------------------------------------------------|
 * | 0-58   | write pointer, an absolute guest byte offset; of a conventional zone, its start |
 * | 59     | the zone is conventional                                             |
 * | 60-63  | zero                                                                 |
 *
 * Source: zoned format, "Zoned metadata" and "What a reader must refuse".
 */
import { imageProblem } from "../base/fault.ts";
import type { ImageProblem } from "../base/fault.ts";
import { SECTOR_SIZE, guestOffset, zoneIndex } from "../base/units.ts";
import type { GuestOffset } from "../base/units.ts";
import { zoneStart } from "./geometry.ts";
import type { ZoneGeometry } from "./geometry.ts";

export const POINTER_BYTES = 8;
const CONVENTIONAL_IN_HIGH_WORD = 1 << (59 - 32);

export interface ZonePointer {
  readonly conventional: boolean;
  readonly offset: GuestOffset;
}

/** Decodes the entry at `index`; an offset beyond 2^53 - 1 decodes as infinity, which no zone allows. */
export function decodePointer(entries: DataView, index: number, littleEndian = true): ZonePointer {
  const at = index * POINTER_BYTES;
  const low = entries.getUint32(littleEndian ? at : at + 4, littleEndian);
  const high = entries.getUint32(littleEndian ? at + 4 : at, littleEndian);
  const conventional = (high & CONVENTIONAL_IN_HIGH_WORD) !== 0;
  const offsetHigh = (high & ~CONVENTIONAL_IN_HIGH_WORD) >>> 0;
  const offset = offsetHigh >= 2 ** 21 ? Number.POSITIVE_INFINITY : offsetHigh * 2 ** 32 + low;
  return { conventional, offset: guestOffset(offset) };
}

export function encodePointer(entries: DataView, index: number, pointer: ZonePointer): void {
  const at = index * POINTER_BYTES;
  entries.setUint32(at, pointer.offset % 2 ** 32, true);
  const high = Math.floor(pointer.offset / 2 ** 32);
  entries.setUint32(at + 4, pointer.conventional ? (high | CONVENTIONAL_IN_HIGH_WORD) >>> 0 : high, true);
}

/** What is odd about pointers that may still be opened (zoned format: scars of the patched builds). */
export interface PointerFinding {
  readonly code: "type-disagrees" | "pointer-not-sector-aligned";
  readonly zone: number;
  readonly hostOffset: number;
  readonly stored: number;
}

export interface PointerReport {
  readonly findings: readonly PointerFinding[];
  /** A pointer that is no multiple of a sector: the image may be read, not written. */
  readonly readOnly: boolean;
}

const MAX_FINDINGS = 100;

/**
 * Checks every stored pointer against its zone.
 * @param entries the zoned metadata, zoneCount entries
 * @param metadataOffset where the entries lie in the image file, for the findings
 * @returns the findings, or the first pointer outside its zone as a problem
 */
export function checkPointers(geometry: ZoneGeometry, entries: DataView, metadataOffset: number): PointerReport | ImageProblem {
  const findings: PointerFinding[] = [];
  let readOnly = false;
  for (let index = 0; index < geometry.zoneCount; index++) {
    const pointer = decodePointer(entries, index);
    const hostOffset = metadataOffset + index * POINTER_BYTES;
    if (!isPlausible(geometry, index, pointer)) return implausible(geometry, entries, index, pointer, hostOffset);
    const misaligned = pointer.offset % SECTOR_SIZE !== 0;
    readOnly ||= misaligned;
    if (findings.length === MAX_FINDINGS) continue;
    if (pointer.conventional !== index < geometry.conventionalZones) {
      findings.push({ code: "type-disagrees", zone: index, hostOffset, stored: pointer.offset });
    }
    if (misaligned) findings.push({ code: "pointer-not-sector-aligned", zone: index, hostOffset, stored: pointer.offset });
  }
  return { findings, readOnly };
}

function isPlausible(geometry: ZoneGeometry, index: number, pointer: ZonePointer): boolean {
  const start = zoneStart(geometry, zoneIndex(index));
  // The patched builds store start + zone_size for a finished last zone, even a short one.
  return pointer.conventional ? pointer.offset === start : start <= pointer.offset && pointer.offset <= start + geometry.zoneSize;
}

function implausible(geometry: ZoneGeometry, entries: DataView, index: number, pointer: ZonePointer, hostOffset: number): ImageProblem {
  const start = zoneStart(geometry, zoneIndex(index));
  const found = `${pointer.conventional ? "conventional, " : ""}${pointer.offset === Infinity ? "a value above 2^53 - 1" : pointer.offset}`;
  const allowed = pointer.conventional ? `${start}, the zone's start` : `${start} to ${start + geometry.zoneSize}`;
  const field = `write pointer of zone ${index}`;
  if (!isBigEndianArray(geometry, entries)) return imageProblem("zoned metadata", field, hostOffset, found, allowed);
  return imageProblem("zoned metadata", field, hostOffset, `${found}; every entry fits when read as big-endian`, `${allowed}, little-endian`);
}

/** True when no entry fits its zone as little-endian and every one does as big-endian: a big-endian host wrote this array. */
function isBigEndianArray(geometry: ZoneGeometry, entries: DataView): boolean {
  for (let index = 0; index < geometry.zoneCount; index++) {
    const start = zoneStart(geometry, zoneIndex(index));
    // Zone 0 at offset 0 reads the same both ways and says nothing.
    const little = decodePointer(entries, index);
    const big = decodePointer(entries, index, false);
    if (!isPlausible(geometry, index, big)) return false;
    if (start !== 0 && isPlausible(geometry, index, little)) return false;
  }
  return true;
}
