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
import { Condition, ZoneType } from "../base/conditions.ts";
import { imageProblem } from "../base/fault.ts";
import type { ImageProblem } from "../base/fault.ts";
import { SECTOR_SIZE, guestOffset, zoneIndex } from "../base/units.ts";
import type { GuestOffset, ZoneIndex } from "../base/units.ts";
import { zoneCapacityOf, zoneStart } from "./geometry.ts";
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
  const offsetHigh = (high & ~CONVENTIONAL_IN_HIGH_WORD) >>> 0;
  const offset = offsetHigh >= 2 ** 21 ? Number.POSITIVE_INFINITY : offsetHigh * 2 ** 32 + low;
  return { conventional: (high & CONVENTIONAL_IN_HIGH_WORD) !== 0, offset: guestOffset(offset) };
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

/** With the Condition that each pointer means. */
export interface StoredZones extends PointerColumns {
  readonly condition: Uint8Array;
}

export interface PointerReport {
  readonly columns: StoredZones;
  readonly findings: readonly PointerFinding[];
  /** A pointer that is no multiple of a sector: the image may be read, not written. */
  readonly readOnly: boolean;
}

const MAX_FINDINGS = 100;

/**
 * Reads and validates all entries: ordinary ones in one short loop over whole words, which a million of them pass quickly, and
 * whatever is not ordinary one by one.
 * @param entries the whole zoned metadata, 8 bytes for each zone of the geometry; where they are aligned as an array of numbers is, the
 * column of pointers takes their place, since a million zones would else cost as much memory again
 * @param metadataOffset where the entries lie in the image file, for the findings
 * @returns columns and findings, or the first pointer outside its zone as a problem
 */
export function readPointers(geometry: ZoneGeometry, entries: DataView, metadataOffset: number): PointerReport | ImageProblem {
  const { zoneCount } = geometry;
  const type = new Uint8Array(zoneCount).fill(ZoneType.SEQUENTIAL);
  const writePointer = entries.byteOffset % POINTER_BYTES === 0 ? new Float64Array(entries.buffer, entries.byteOffset, zoneCount) : new Float64Array(zoneCount);
  const condition = new Uint8Array(zoneCount).fill(Condition.EMPTY);
  const columns: StoredZones = { type, writePointer, condition };
  const words = wordsOf(entries);
  const findings: PointerFinding[] = [];
  let readOnly = false;
  for (let index = 0; index < zoneCount; index++) {
    // Where the header wants conventional zones, none is ordinary.
    if (words !== null && index >= geometry.conventionalZones) index = takeOrdinary(words, index, geometry, columns);
    const { conventional, offset } = decodePointer(entries, index);
    if (!isPlausible(geometry, index, { conventional, offset })) {
      putBack(entries, columns, index);
      return implausible(geometry, entries, index, metadataOffset + index * POINTER_BYTES);
    }
    if (conventional) type[index] = ZoneType.CONVENTIONAL;
    writePointer[index] = offset;
    condition[index] = conditionAfterPowerCycle(geometry, zoneIndex(index), conventional, offset);
    const disagrees = conventional !== index < geometry.conventionalZones;
    const misaligned = offset % SECTOR_SIZE !== 0;
    readOnly ||= misaligned;
    const found = { zone: index, hostOffset: metadataOffset + index * POINTER_BYTES, stored: offset };
    if (disagrees && findings.length < MAX_FINDINGS) findings.push({ code: "type-disagrees", ...found });
    if (misaligned && findings.length < MAX_FINDINGS) findings.push({ code: "pointer-not-sector-aligned", ...found });
  }
  return { columns, findings, readOnly };
}

/** Makes the first entries what they were before the column of pointers took their place. @param count all of them fit their zones */
function putBack(entries: DataView, { type, writePointer }: PointerColumns, count: number): void {
  for (let index = 0; index < count; index++) {
    encodePointer(entries, index, { conventional: type[index] === ZoneType.CONVENTIONAL, offset: guestOffset(writePointer[index]!) });
  }
}

/** The entries as pairs of words, low word first; null where the processor or the array's place does not let them be read so. */
function wordsOf(entries: DataView): Uint32Array | null {
  const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
  return littleEndian && entries.byteOffset % 4 === 0 ? new Uint32Array(entries.buffer, entries.byteOffset, entries.byteLength >> 2) : null;
}

/** A sector's size is a power of two: below it is what these bits say. */
const BELOW_SECTOR = SECTOR_SIZE - 1;

/**
 * Takes over pointers of sequential zones, each inside its zone and at a sector, from `first` on; not the last zone of the device, which
 * may be short.
 *
 * Shares of the zone size are exact, for it is a power of two; numbers that outgrow 31 bits in the midst of a million zones would
 * have the compiler begin anew. Most zones of most devices are empty, and their condition stands already.
 * @returns the first zone whose entry is anything else, or the last of the device
 */
function takeOrdinary(words: Uint32Array, first: number, geometry: ZoneGeometry, { writePointer, condition }: StoredZones): number {
  const perByte = 1 / geometry.zoneSize;
  const capacity = geometry.zoneCapacity * perByte;
  const end = geometry.zoneCount - 1;
  for (let index = first; index < end; index++) {
    const low = words[2 * index]!;
    // The mark of a conventional zone is in the high word too.
    const high = words[2 * index + 1]!;
    const offset = high * 2 ** 32 + low;
    const above = offset * perByte - index;
    if (above !== 0) {
      if (high >= 2 ** 21 || !(above > 0 && above <= 1)) return index;
      condition[index] = above >= capacity ? Condition.FULL : Condition.CLOSED;
    }
    if ((low & BELOW_SECTOR) !== 0) return index;
    writePointer[index] = offset;
  }
  return Math.max(first, end);
}

/**
 * The condition that a stored pointer means (zoned format, "Zoned metadata"): no open state outlives the power.
 * @param offset the pointer, an absolute guest byte offset
 */
export function conditionAfterPowerCycle(geometry: ZoneGeometry, zone: ZoneIndex, conventional: boolean, offset: number): Condition {
  if (conventional) return Condition.NOT_WP;
  const start = zoneStart(geometry, zone);
  if (offset <= start) return Condition.EMPTY;
  return offset >= start + zoneCapacityOf(geometry, zone, false) ? Condition.FULL : Condition.CLOSED;
}

/** The same of every zone, in parts of the zone size as readPointers does, for the same reason. */
export function conditionsAfterPowerCycle(geometry: ZoneGeometry, { type, writePointer }: PointerColumns): Uint8Array {
  const { zoneCount } = geometry;
  const conditions = new Uint8Array(zoneCount);
  const perByte = 1 / geometry.zoneSize;
  const capacity = geometry.zoneCapacity * perByte;
  for (let index = 0; index < zoneCount; index++) {
    const above = writePointer[index]! * perByte - index;
    if (type[index] === ZoneType.CONVENTIONAL) conditions[index] = Condition.NOT_WP;
    else conditions[index] = above <= 0 ? Condition.EMPTY : above >= capacity ? Condition.FULL : Condition.CLOSED;
  }
  const last = zoneCount - 1;
  // It may be short, and its capacity with it.
  if (last >= 0) conditions[last] = conditionAfterPowerCycle(geometry, zoneIndex(last), type[last] === ZoneType.CONVENTIONAL, writePointer[last]!);
  return conditions;
}

/** Whether the pointer lies inside its zone. The patched builds store start + zone_size for a finished last zone, even a short one. */
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
