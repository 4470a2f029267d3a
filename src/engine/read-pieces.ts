/** The answer to a call that reads: with its data, or piece by piece, so that a read of any length needs no memory of its length. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Failure, ReplyOf } from "../protocol/index.ts";
import type { Answer } from "./device.ts";
import { PIECE_BYTES } from "./payload.ts";

/** The most that one read call hands over; longer reads are the caller's to split. */
const MAX_READ_BYTES = 64 * 2 ** 20;

/** First index whose byte is not the pattern, or -1. */
function mismatch(data: Uint8Array, pattern: number): number {
  for (let index = 0; index < data.length; index++) if (data[index] !== pattern) return index;
  return -1;
}

/**
 * @param read fills `into` from an offset on
 * @param pattern what every byte is expected to be, or null
 */
export function readPieces(read: (offset: number, into: Uint8Array) => Answer, offset: number, length: number, pattern: number | null, wantData: boolean): Result<ReplyOf<"read">, Failure> {
  if (wantData && length > MAX_READ_BYTES) return err({ kind: "usage", code: "too-large", detail: `a read of ${length} bytes with its data; at most ${MAX_READ_BYTES}` });
  const buffer = new Uint8Array(wantData ? length : Math.min(length, PIECE_BYTES));
  let mismatchOffset: number | null = null;
  for (let done = 0; done < length; done += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, length - done));
    const answer = read(offset + done, piece);
    if (!answer.ok) return answer;
    if (pattern === null || mismatchOffset !== null) continue;
    const at = mismatch(piece, pattern);
    if (at >= 0) mismatchOffset = offset + done + at;
  }
  return ok({ data: wantData ? buffer : null, mismatchOffset });
}
