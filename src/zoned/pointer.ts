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

export interface PointerReport {
  readonly columns: PointerColumns;
  readonly findings: readonly PointerFinding[];
  /** A pointer that is no multiple of a sector: the image may be read, not written. */
  readonly readOnly: boolean;
}

const MAX_FINDINGS = 100;

/**
 * Reads and validates all entries: ordinary ones in one short loop over whole words, which a million of them pass quickly, and
 * whatever is not ordinary one by one.
 * @param entries the whole zoned metadata, 8 bytes for each zone of the geometry
 * @param metadataOffset where the entries lie in the image file, for the findings
 * @returns columns and findings, or the first pointer outside its zone as a problem
 */
export function readPointers(geometry: ZoneGeometry, entries: DataView, metadataOffset: number): PointerReport | ImageProblem {
  const { zoneCount } = geometry;
  const type = new Uint8Array(zoneCount).fill(ZoneType.SEQUENTIAL);
  const writePointer = new Float64Array(zoneCount);
  const words = wordsOf(entries);
  const findings: PointerFinding[] = [];
  let readOnly = false;
  for (let index = 0; index < zoneCount; index++) {
    // Where the header wants conventional zones, none is ordinary.
    if (words !== null && index >= geometry.conventionalZones) index = takeOrdinary(words, index, zoneCount, geometry.zoneSize, writePointer);
    if (index === zoneCount) break;
    const { conventional, offset } = decodePointer(entries, index);
    if (!isPlausible(geometry, index, { conventional, offset })) return implausible(geometry, entries, index, metadataOffset + index * POINTER_BYTES);
    if (conventional) type[index] = ZoneType.CONVENTIONAL;
    writePointer[index] = offset;
    const disagrees = conventional !== index < geometry.conventionalZones;
    const misaligned = offset % SECTOR_SIZE !== 0;
    readOnly ||= misaligned;
    const found = { zone: index, hostOffset: metadataOffset + index * POINTER_BYTES, stored: offset };
    if (disagrees && findings.length < MAX_FINDINGS) findings.push({ code: "type-disagrees", ...found });
    if (misaligned && findings.length < MAX_FINDINGS) findings.push({ code: "pointer-not-sector-aligned", ...found });
  }
  return { columns: { type, writePointer }, findings, readOnly };
}

/** The entries as pairs of words, low word first; null where the processor or the array's place does not let them be read so. */
function wordsOf(entries: DataView): Uint32Array | null {
  const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
  return littleEndian && entries.byteOffset % 4 === 0 ? new Uint32Array(entries.buffer, entries.byteOffset, entries.byteLength >> 2) : null;
}

/**
 * Takes over pointers of sequential zones, each inside its zone and at a sector, from `first` on.
 *
 * Quotients by the zone size are exact, for it is a power of two; numbers that outgrow 31 bits in the midst of a million zones would
 * have the compiler begin anew.
 * @returns the first zone whose entry is anything else, or `end`
 */
function takeOrdinary(words: Uint32Array, first: number, end: number, zoneSize: number, writePointer: Float64Array): number {
  for (let index = first; index < end; index++) {
    const low = words[2 * index]!;
    const high = words[2 * index + 1]!;
    const offset = high * 2 ** 32 + low;
    const above = offset / zoneSize - index;
    // The mark of a conventional zone is in the high word too.
    if (high >= 2 ** 21 || !(above >= 0 && above <= 1) || low % SECTOR_SIZE !== 0) return index;
    writePointer[index] = offset;
  }
  return end;
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
