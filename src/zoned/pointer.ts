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
import { ZoneType } from "../base/conditions.ts";
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
  return { conventional: isConventionalWord(high), offset: guestOffset(offsetOf(low, high)) };
}

const isConventionalWord = (high: number): boolean => (high & CONVENTIONAL_IN_HIGH_WORD) !== 0;

function offsetOf(low: number, high: number): number {
  const offsetHigh = (high & ~CONVENTIONAL_IN_HIGH_WORD) >>> 0;
  return offsetHigh >= 2 ** 21 ? Number.POSITIVE_INFINITY : offsetHigh * 2 ** 32 + low;
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

/** Pointers as columns, index = zone: a device has millions of zones, and an object each would cost more than all else of opening it. */
export interface PointerColumns {
  /** ZoneType by zone. */
  readonly type: Uint8Array;
  /** Stored pointer by zone, an absolute guest byte offset. */
  readonly writePointer: Float64Array;
}

export interface PointerReport {
  readonly columns: PointerColumns;
  readonly findings: readonly PointerFinding[];
  /** A pointer that is no multiple of a sector: the image may be read, not written. */
  readonly readOnly: boolean;
}

const MAX_FINDINGS = 100;

/**
 * Reads and validates all entries. The loops keep to typed arrays and to quotients by the zone size, which is a power of two, so that
 * they are exact: numbers that outgrow 31 bits on the way would have the compiler begin anew in the midst of a million zones.
 * @param entries the whole zoned metadata, 8 bytes for each zone of the geometry
 * @param metadataOffset where the entries lie in the image file, for the findings
 * @returns columns and findings, or the first pointer outside its zone as a problem
 */
export function readPointers(geometry: ZoneGeometry, entries: DataView, metadataOffset: number): PointerReport | ImageProblem {
  const columns = decodeColumns(entries, geometry.zoneCount);
  const outside = firstOutside(geometry, columns);
  if (outside !== null) return implausible(geometry, entries, outside, metadataOffset + outside * POINTER_BYTES);
  return { columns, ...oddities(geometry, columns, metadataOffset) };
}

function decodeColumns(entries: DataView, zoneCount: number): PointerColumns {
  const type = new Uint8Array(zoneCount);
  const writePointer = new Float64Array(zoneCount);
  for (let index = 0; index < zoneCount; index++) {
    const low = entries.getUint32(index * POINTER_BYTES, true);
    const high = entries.getUint32(index * POINTER_BYTES + 4, true);
    type[index] = isConventionalWord(high) ? ZoneType.CONVENTIONAL : ZoneType.SEQUENTIAL;
    writePointer[index] = offsetOf(low, high);
  }
  return { type, writePointer };
}

/** The first zone whose pointer lies outside of it. The patched builds store start + zone_size for a finished last zone, even a short one. */
function firstOutside({ zoneCount, zoneSize }: ZoneGeometry, { type, writePointer }: PointerColumns): number | null {
  for (let index = 0; index < zoneCount; index++) {
    // Of the zone's size.
    const above = writePointer[index]! / zoneSize - index;
    if (above === 0) continue;
    if (!(above > 0 && above <= 1) || type[index] === ZoneType.CONVENTIONAL) return index;
  }
  return null;
}

function oddities(geometry: ZoneGeometry, { type, writePointer }: PointerColumns, metadataOffset: number): Pick<PointerReport, "findings" | "readOnly"> {
  const findings: PointerFinding[] = [];
  let readOnly = false;
  const { zoneCount, conventionalZones } = geometry;
  for (let index = 0; index < zoneCount; index++) {
    const stored = writePointer[index]!;
    const disagrees = (type[index] === ZoneType.CONVENTIONAL) !== index < conventionalZones;
    const misaligned = stored % SECTOR_SIZE !== 0;
    if (!disagrees && !misaligned) continue;
    readOnly ||= misaligned;
    if (findings.length === MAX_FINDINGS) continue;
    const found = { zone: index, hostOffset: metadataOffset + index * POINTER_BYTES, stored };
    if (disagrees) findings.push({ code: "type-disagrees", ...found });
    if (misaligned) findings.push({ code: "pointer-not-sector-aligned", ...found });
  }
  return { findings, readOnly };
}

function isPlausible({ zoneSize }: ZoneGeometry, index: number, { conventional, offset }: ZonePointer): boolean {
  const start = index * zoneSize;
  return conventional ? offset === start : start <= offset && offset <= start + zoneSize;
}

function implausible(geometry: ZoneGeometry, entries: DataView, index: number, hostOffset: number): ImageProblem {
  const pointer = decodePointer(entries, index);
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
