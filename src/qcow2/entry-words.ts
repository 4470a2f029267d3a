/**
 * Fields of an entry's two 32-bit words, for those who look at millions of entries and must take each for what it is, true or not:
 * the check and the repair. The layouts are in entries.ts, which refuses what cannot be; nothing here refuses anything.
 */
import { ENTRY_BYTES } from "./entries.ts";

const HIGH_COPIED = 0x8000_0000;
const HIGH_COMPRESSED = 0x4000_0000;
export const LOW_ZERO = 1;
const HIGH_OFFSET = 0x00ff_ffff;
const LOW_OFFSET = 0xffff_fe00;
const L1_RESERVED_HIGH = 0x7f00_0000;
const L1_RESERVED_LOW = 0x1ff;
const L2_RESERVED_HIGH = 0x3f00_0000;
const L2_RESERVED_LOW = 0x1fe;
const TABLE_RESERVED_LOW = 0x1ff;
const BITMAP_RESERVED_HIGH = 0xff00_0000;

export const isCopied = (high: number): boolean => (high & HIGH_COPIED) !== 0;
export const isCompressed = (high: number): boolean => (high & HIGH_COMPRESSED) !== 0;
export const hasZeroFlag = (low: number): boolean => (low & LOW_ZERO) !== 0;
export const hasL1Reserved = (high: number, low: number): boolean => ((high & L1_RESERVED_HIGH) | (low & L1_RESERVED_LOW)) !== 0;
export const hasL2Reserved = (high: number, low: number): boolean => ((high & L2_RESERVED_HIGH) | (low & L2_RESERVED_LOW)) !== 0;
export const hasBitmapReserved = (high: number, low: number): boolean => ((high & BITMAP_RESERVED_HIGH) | (low & L2_RESERVED_LOW)) !== 0;

/** Host offset of an L1 entry, of a standard L2 entry and of a bitmap table's entry; at most 2^56, and exact, for the lowest 9 bits are none. */
export const offsetOf = (high: number, low: number): number => (high & HIGH_OFFSET) * 2 ** 32 + ((low & LOW_OFFSET) >>> 0);

/** The same of the entry whose first byte is `at`. */
export const offsetAt = (table: DataView, at: number): number => offsetOf(table.getUint32(at), table.getUint32(at + 4));

/** Where a compressed cluster's stream starts, and the bytes up to the end of its last sector. */
export function compressedPlace(high: number, low: number, clusterBits: number): { readonly offset: number; readonly lengthBytes: number } {
  const x = 62 - (clusterBits - 8);
  const body = high & 0x3fff_ffff;
  const offset = (body & (2 ** (x - 32) - 1)) * 2 ** 32 + low;
  return { offset, lengthBytes: ((body >>> (x - 32)) + 1) * 512 - (low % 512) };
}

/** An entry as it is stored, in hex. */
export const wordHex = (high: number, low: number): string => (high === 0 ? low.toString(16) : high.toString(16) + low.toString(16).padStart(8, "0"));

export interface RefcountTableWord {
  /** Host offset of the block, 0 for none; need not be a cluster's, and is rounded above 2^53. */
  readonly offset: number;
  /** Its lower 32 bits, exact: whether it is a cluster's is seen by them. */
  readonly offsetLow: number;
  readonly reservedBits: boolean;
}

export function refcountTableWord(table: DataView, index: number): RefcountTableWord {
  const high = table.getUint32(index * ENTRY_BYTES);
  const low = table.getUint32(index * ENTRY_BYTES + 4);
  const offsetLow = (low & LOW_OFFSET) >>> 0;
  return { offset: high * 2 ** 32 + offsetLow, offsetLow, reservedBits: (low & TABLE_RESERVED_LOW) !== 0 };
}

/** Sets or clears COPIED of the entry whose first byte is `at`, in the table's bytes. */
export function setCopied(table: DataView, at: number, copied: boolean): void {
  const high = table.getUint32(at);
  table.setUint32(at, copied ? (high | HIGH_COPIED) >>> 0 : (high & ~HIGH_COPIED) >>> 0);
}
