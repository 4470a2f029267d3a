/**
 * Entries of L1 tables and the refcount table, and refcounts: the only place that masks their bits; l2-entries.ts does those of L2
 * tables. All are 64-bit big-endian.
 *
 * | L1 entry | meaning                          | refcount table entry | meaning                               |
 * |----------|----------------------------------|----------------------|---------------------------------------|
 * | 0-8      | reserved, zero                   | 0-8                  | reserved, zero                        |
 * | 9-55     | L2 table's host offset, 0 = none | 9-63                 | refcount block's host offset, 0 = none |
 * | 56-62    | reserved, zero                   |                      |                                       |
 * | 63       | COPIED: refcount is exactly 1    |                      |                                       |
 *
 * Source: qcow2 specification, "Cluster mapping" and "Host cluster management".
 */
import { Fault, imageProblem } from "../base/fault.ts";
import type { Corruption } from "../base/fault.ts";
import { hostOffset } from "../base/units.ts";
import type { HostOffset } from "../base/units.ts";
import { isZero } from "../bytes/zeros.ts";

export const ENTRY_BYTES = 8;
/** An entry in use is looked for in pieces of this size, most of which are zeros. */
const SEARCHED_BYTES = 4096;
const COPIED = 0x8000_0000;
const HIGH_OFFSET_MASK = 0x00ff_ffff;
/** Offsets above 2^53 - 1 cannot be counted exactly, and no file is that long. */
const MAX_OFFSET_HIGH = 2 ** 21 - 1;

export interface L1Entry {
  /** 0: no L2 table. */
  readonly hostOffset: HostOffset;
  readonly copied: boolean;
}

const corrupt = (structure: string, field: string, at: number, high: number, low: number, allowed: string, lie: { readonly corruption?: Corruption } = {}): Fault =>
  new Fault({ ...imageProblem(structure, field, at, `entry 0x${high.toString(16).padStart(8, "0")}${low.toString(16).padStart(8, "0")}`, allowed), ...lie });

function decodeL2Place(l1Index: number, at: number, high: number, low: number, clusterSize: number): HostOffset {
  const offsetHigh = high & HIGH_OFFSET_MASK;
  const offset = offsetHigh * 2 ** 32 + ((low & ~0x1ff) >>> 0);
  if (offsetHigh > MAX_OFFSET_HIGH || offset % clusterSize !== 0) {
    throw corrupt("L1 table", "host offset", at, high, low, `a multiple of the cluster size (${clusterSize}) below 8 PiB`, { corruption: { fatal: true, what: "l2-table-offset", offset, l1Index } });
  }
  return hostOffset(offset);
}

/** Reserved bits are not looked at, as QEMU's reader does not look; a check tells of them. @throws Fault when the offset is not a cluster's */
export function decodeL1Entry(table: DataView, index: number, tableOffset: number, clusterSize: number): L1Entry {
  const high = table.getUint32(index * ENTRY_BYTES);
  const low = table.getUint32(index * ENTRY_BYTES + 4);
  const at = tableOffset + index * ENTRY_BYTES;
  return { hostOffset: decodeL2Place(index, at, high, low, clusterSize), copied: (high & COPIED) !== 0 };
}

/** Writes an L1 entry, or the (first) word of an L2 entry, that owns its cluster; l2-entries.ts has all else of L2 entries. @param index of the word */
export function encodeOwnedEntry(table: DataView, index: number, offset: HostOffset): void {
  table.setUint32(index * ENTRY_BYTES, (Math.floor(offset / 2 ** 32) | COPIED) >>> 0);
  table.setUint32(index * ENTRY_BYTES + 4, offset % 2 ** 32);
}

/** Sets or clears COPIED of an L1 or L2 entry and leaves the rest of it. */
export function encodeCopied(table: DataView, index: number, copied: boolean): void {
  const high = table.getUint32(index * ENTRY_BYTES);
  table.setUint32(index * ENTRY_BYTES, copied ? (high | COPIED) >>> 0 : (high & ~COPIED) >>> 0);
}

/**
 * Hands out the index of each entry of an L1 or refcount table in which anything is stored. Of thousands of entries few lead anywhere, and a
 * new process has no fast code yet: words of zeros are not decoded.
 */
export function forEachInUse(table: Uint8Array, take: (index: number) => void): void {
  const { buffer, byteOffset, byteLength } = table.byteOffset % 4 === 0 ? table : table.slice();
  const words = new Uint32Array(buffer, byteOffset, byteLength / 4);
  for (let word = 0; word < words.length; word += 2) if (words[word] !== 0 || words[word + 1] !== 0) take(word / 2);
}

/** The index of the first entry in which anything is stored, null where there is none. */
export function firstInUse(table: Uint8Array): number | null {
  for (let at = 0; at < table.length; at += SEARCHED_BYTES) {
    const piece = table.subarray(at, at + SEARCHED_BYTES);
    if (!isZero(piece)) return Math.floor((at + piece.findIndex((byte) => byte !== 0)) / ENTRY_BYTES);
  }
  return null;
}

/**
 * @param told whether the image is open, so that an offset which is not a cluster's is told as a lie of its tables
 * @returns the refcount block's host offset, 0 for none. @throws Fault when it is not a cluster's
 */
export function decodeRefcountTableEntry(table: DataView, index: number, tableOffset: number, clusterSize: number, told = false): HostOffset {
  const high = table.getUint32(index * ENTRY_BYTES);
  const low = table.getUint32(index * ENTRY_BYTES + 4);
  const at = tableOffset + index * ENTRY_BYTES;
  // As of L1 entries: reserved bits are for a check.
  const offset = decodeRefcountTableOffset(table, index);
  const isUnaligned = ((low & ~0x1ff) >>> 0) % clusterSize !== 0;
  if (high > MAX_OFFSET_HIGH || isUnaligned) {
    const lie = told && isUnaligned ? { corruption: { fatal: true, what: "refblock-offset", offset, index } as const } : {};
    throw corrupt("refcount table", "refcount block offset", at, high, low, `a multiple of the cluster size (${clusterSize}) below 8 PiB`, lie);
  }
  return hostOffset(offset);
}

/** Where an entry leads, whether or not that can be: without its lowest nine bits, exact below 4 EiB. */
export const decodeRefcountTableOffset = (table: DataView, index: number): number =>
  table.getUint32(index * ENTRY_BYTES) * 2 ** 32 + ((table.getUint32(index * ENTRY_BYTES + 4) & ~0x1ff) >>> 0);

export function encodeRefcountTableEntry(table: DataView, index: number, offset: HostOffset): void {
  table.setUint32(index * ENTRY_BYTES, Math.floor(offset / 2 ** 32));
  table.setUint32(index * ENTRY_BYTES + 4, offset % 2 ** 32);
}

/**
 * Refcounts of 1 to 64 bits inside a refcount block; below 8 bits the lowest bits of a byte belong to the first cluster.
 * A 64-bit count beyond 2^53 - 1 reads as 2^53 - 1: it is a lie either way, and never 0 or 1.
 */
export function readRefcount(block: DataView, index: number, order: number): number {
  switch (order) {
    case 3:
      return block.getUint8(index);
    case 4:
      return block.getUint16(index * 2);
    case 5:
      return block.getUint32(index * 4);
    case 6: {
      const high = block.getUint32(index * 8);
      return high > MAX_OFFSET_HIGH ? Number.MAX_SAFE_INTEGER : high * 2 ** 32 + block.getUint32(index * 8 + 4);
    }
    default: {
      const bits = 2 ** order;
      const perByte = 8 / bits;
      return (block.getUint8(Math.floor(index / perByte)) >> ((index % perByte) * bits)) & (2 ** bits - 1);
    }
  }
}

export function writeRefcount(block: DataView, index: number, order: number, value: number): void {
  switch (order) {
    case 3:
      block.setUint8(index, value);
      return;
    case 4:
      block.setUint16(index * 2, value);
      return;
    case 5:
      block.setUint32(index * 4, value);
      return;
    case 6:
      block.setUint32(index * 8, Math.floor(value / 2 ** 32));
      block.setUint32(index * 8 + 4, value % 2 ** 32);
      return;
    default: {
      const bits = 2 ** order;
      const perByte = 8 / bits;
      const at = Math.floor(index / perByte);
      const shift = (index % perByte) * bits;
      block.setUint8(at, (block.getUint8(at) & ~((2 ** bits - 1) << shift)) | (value << shift));
    }
  }
}

/** The largest count a width can hold, capped at 2^53 - 1. */
export const maxRefcount = (order: number): number => (order === 6 ? Number.MAX_SAFE_INTEGER : 2 ** (2 ** order) - 1);
