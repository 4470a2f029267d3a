/**
 * Bytes that say what they are, so that a read can be judged by itself: a sector that is filled with its own offset, or a block that is
 * filled with its key, its version and the seed of its store.
 *
 *     offsets   each 8 bytes of a sector: its offset on the disk, little-endian
 *     stamp     each 16 bytes: key, version, seed, and the place of these 16 bytes in the block; 32 bits each, little-endian
 */
import { SECTOR_SIZE } from "../base/units.ts";

const HIGH = 2 ** 32;

/** Fills a buffer that lies at `offset`, a multiple of 512. */
export function fillOffsets(into: Uint8Array, offset: number): void {
  const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
  for (let at = 0; at < into.length; at += 8) {
    const sector = offset + Math.floor(at / SECTOR_SIZE) * SECTOR_SIZE;
    view.setUint32(at, sector % HIGH, true);
    view.setUint32(at + 4, Math.floor(sector / HIGH), true);
  }
}

export function matchesOffsets(data: Uint8Array, offset: number): boolean {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < data.length; at += 8) {
    const sector = offset + Math.floor(at / SECTOR_SIZE) * SECTOR_SIZE;
    if (view.getUint32(at, true) !== sector % HIGH || view.getUint32(at + 4, true) !== Math.floor(sector / HIGH)) return false;
  }
  return true;
}

/** @param lengthBytes a multiple of 512 */
export function stampOf(key: number, version: number, seed: number, lengthBytes: number): Uint8Array {
  const data = new Uint8Array(lengthBytes);
  const view = new DataView(data.buffer);
  for (let at = 0; at < lengthBytes; at += 16) {
    view.setUint32(at, key, true);
    view.setUint32(at + 4, version, true);
    view.setUint32(at + 8, seed, true);
    view.setUint32(at + 12, at, true);
  }
  return data;
}

export function matchesStamp(data: Uint8Array, key: number, version: number, seed: number): boolean {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < data.length; at += 16) {
    if (view.getUint32(at, true) !== key || view.getUint32(at + 4, true) !== version || view.getUint32(at + 8, true) !== seed || view.getUint32(at + 12, true) !== at) return false;
  }
  return true;
}
