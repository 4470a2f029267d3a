/** What a write writes: bytes that somebody gave, or one byte repeated; made piece by piece, so that a large write stays small in memory. */
import { pieceOf } from "../base/piece.ts";

export interface Payload {
  readonly length: number;
  /** The payload's bytes [from, to); the array is only lent and may be reused by the next call. */
  piece(from: number, to: number): Uint8Array;
}

/** Pieces that a device asks for at once. */
export const PIECE_BYTES = 1024 * 1024;

export const dataPayload = (data: Uint8Array): Payload => ({ length: data.length, piece: (from, to) => pieceOf(data, from, to) });

let filled = new Uint8Array(0);
let filledWith = 0;
/** The part of it that was asked for last: small writes are mostly as long as the one before, and making a view of bytes costs as much as passing them on. */
let lastPiece = filled;

/** @param byte 0 to 255 */
export function patternPayload(byte: number, length: number): Payload {
  return {
    length,
    piece: (from, to) => {
      if (filled.length < to - from || filledWith !== byte) {
        filled = new Uint8Array(Math.max(64 * 1024, to - from)).fill(byte);
        filledWith = byte;
        lastPiece = filled;
      }
      if (lastPiece.length !== to - from) lastPiece = filled.subarray(0, to - from);
      return lastPiece;
    },
  };
}

/** Hands the payload out in order, in pieces. */
export function forEachPiece(payload: Payload, take: (offset: number, data: Uint8Array) => void): void {
  for (let at = 0; at < payload.length; at += PIECE_BYTES) take(at, payload.piece(at, Math.min(at + PIECE_BYTES, payload.length)));
}
