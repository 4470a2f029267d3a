/**
 * Giving back what an image that was emptied had in an external data file, as QEMU does: those places and nothing else. What the file has
 * where the image has no entry, or behind the disk, is its user's.
 */
import { Fault } from "../base/fault.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { MOST_DISCARDED_BYTES, isZero } from "../bytes/zeros.ts";
import type { ImageState } from "./image-state.ts";
import { clusterAt, l2TableOf, spanEnd } from "./mapping.ts";

/** A stretch of the data file, in bytes. */
export interface DataPlace {
  readonly start: number;
  readonly end: number;
}

/** Of more places than this the further ones keep what they have, in memory that is bounded. */
const MOST_PLACES = 2 ** 16;
/** Between two places so much is looked at, to know whether the end of the file may be cut off with both. */
const MOST_LOOKED_BYTES = 256 * 2 ** 20;
const PIECE_BYTES = 2 ** 20;

/** What the disk has of its data file, in order, neighbours as one, as far as they are not too many; none where the file is the disk by itself. @throws Fault for an entry that cannot be */
export function dataPlaces(state: ImageState): DataPlace[] {
  const places: { start: number; end: number }[] = [];
  if (!state.hasDataFile || state.hasRawDataFile) return places;
  const { clusterSize } = state;
  const diskEnd = state.header.virtualSize;
  for (let from = 0; from < diskEnd; from = spanEnd(state, from)) {
    const table = l2TableOf(state, from);
    if (table === null) continue;
    for (let at = from; at < Math.min(spanEnd(state, from), diskEnd); at += clusterSize) {
      const { placed, hostOffset, compressedBytes } = clusterAt(state, table, at);
      // By an entry that leads elsewhere nothing is changed.
      if (!placed || compressedBytes > 0 || hostOffset !== at) continue;
      const last = places.at(-1);
      if (last?.end === at) last.end = at + clusterSize;
      else if (places.length === MOST_PLACES) return places;
      else places.push({ start: at, end: at + clusterSize });
    }
  }
  return places;
}

/**
 * Makes places zeros that no durable entry leads to: the end of the file is cut off and put back where there is nothing else in it, so that it
 * takes no room; what lies before something that stays is written, up to what a discard writes at once. A store that refuses keeps what it has.
 */
export function giveBack(data: ByteStore, places: readonly DataPlace[]): void {
  try {
    const length = data.size();
    const cut = cutOf(data, places, length);
    if (cut < length) {
      data.truncate(cut);
      data.truncate(length);
    }
    let left = MOST_DISCARDED_BYTES;
    for (const { start, end } of places) {
      const stop = Math.min(end, cut);
      left -= Math.max(0, stop - start);
      if (left < 0) break;
      for (let at = start; at < stop; at += PIECE_BYTES) data.write(at, new Uint8Array(Math.min(PIECE_BYTES, stop - at)));
    }
    // Nobody else asks for that any more, and small writes may be gathered.
    if (left < MOST_DISCARDED_BYTES) data.flush();
  } catch (error) {
    // Nobody sees these bytes any more.
    if (!(error instanceof Fault)) throw error;
  }
}

/** From where on the file has nothing but places and zeros, as far as that is looked at. */
function cutOf(data: ByteStore, places: readonly DataPlace[], length: number): number {
  let cut = length;
  let left = MOST_LOOKED_BYTES;
  for (const { start, end } of places.toReversed()) {
    left -= Math.max(0, cut - end);
    if (left < 0 || !isBlankBetween(data, end, cut)) break;
    cut = Math.min(cut, start);
  }
  return cut;
}

function isBlankBetween(data: ByteStore, start: number, end: number): boolean {
  for (let at = start; at < end; at += PIECE_BYTES) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, end - at));
    data.read(at, piece);
    if (!isZero(piece)) return false;
  }
  return true;
}
