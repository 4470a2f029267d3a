/**
 * Units as types. An offset into the guest's disk and an offset into the image file are both numbers of bytes, and mixing
 * them up is the classic way to destroy an image; here they are different types, checked by the compiler, free at run time.
 *
 * Every one is a safe integer: 64-bit fields of a file are checked against 2^53 - 1 where they are decoded.
 */

declare const unit: unique symbol;
type Unit<Name extends string> = number & { readonly [unit]: Name };

/** A position on the guest's disk, in bytes. */
export type GuestOffset = Unit<"GuestOffset">;
/** A position in the image file, in bytes. */
export type HostOffset = Unit<"HostOffset">;
/** Index of a cluster of the image file: host offset / cluster size. */
export type HostCluster = Unit<"HostCluster">;
/** Index of a zone; zone 0 starts at guest offset 0. */
export type ZoneIndex = Unit<"ZoneIndex">;
/** A length in bytes. */
export type Bytes = Unit<"Bytes">;
/** A length, or a guest position, in sectors of 512 bytes. */
export type Sectors = Unit<"Sectors">;

export const SECTOR_SIZE = 512;

/** Cast at a border where the value is known to be a guest byte offset. */
export const guestOffset = (value: number): GuestOffset => value as GuestOffset;
export const hostOffset = (value: number): HostOffset => value as HostOffset;
export const hostCluster = (value: number): HostCluster => value as HostCluster;
export const zoneIndex = (value: number): ZoneIndex => value as ZoneIndex;
export const bytes = (value: number): Bytes => value as Bytes;

/** Whole sectors below a byte position; a remainder is rounded down, which is how a report shows a scarred pointer. */
export const toSectors = (value: number): Sectors => Math.floor(value / SECTOR_SIZE) as Sectors;

/** True for a power of two within the safe integers (bit operators would stop at 2^31). */
export function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && Number.isInteger(Math.log2(value)) && 2 ** Math.round(Math.log2(value)) === value;
}

export const divideRoundUp = (value: number, by: number): number => Math.ceil(value / by);
export const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;
export const roundDown = (value: number, to: number): number => Math.floor(value / to) * to;
