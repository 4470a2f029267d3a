/** Where in a piece of a disk zeros are, and where what is to be written; bytes/zeros.ts looks at the bytes. */
import { isZero } from "../bytes/zeros.ts";

/** The first block of `blockBytes` that holds anything but zeros, as an offset into `bytes`; -1 where there is none. */
export function firstNonZeroBlock(bytes: Uint8Array, blockBytes: number): number {
  for (let at = 0; at < bytes.length; at += blockBytes) if (!isZero(bytes.subarray(at, at + blockBytes))) return at;
  return -1;
}

/** How zeros are told from data in a piece: in blocks that lie at multiples of `blockBytes` of the disk, and how many make a hole. */
export interface SparseRule {
  /** A power of two. */
  readonly blockBytes: number;
  /** A run of zeros between data that is shorter is taken as data. */
  readonly holeBytes: number;
}

export interface PieceRun {
  readonly zero: boolean;
  /** Where it ends, an offset into the piece. */
  readonly end: number;
}

/**
 * The longest run from `from` that is all zeros or all to be written.
 * @param base where the piece lies on the disk, in bytes
 */
export function nextRun(piece: Uint8Array, from: number, base: number, rule: SparseRule): PieceRun {
  const first = alikeRun(piece, from, base, rule);
  if (first.zero) return first;
  let dataEnd = first.end;
  for (let at = dataEnd; at < piece.length; ) {
    const next = alikeRun(piece, at, base, rule);
    if (next.zero && next.end - at >= Math.min(rule.holeBytes, piece.length - from)) break;
    at = next.end;
    if (!next.zero) dataEnd = at;
  }
  return { zero: false, end: dataEnd };
}

/** Blocks from `from` that are alike. */
function alikeRun(piece: Uint8Array, from: number, base: number, { blockBytes }: SparseRule): PieceRun {
  let at = from;
  let zero: boolean | null = null;
  while (at < piece.length) {
    const blockEnd = Math.min(at + blockBytes - ((base + at) % blockBytes), piece.length);
    const isHole = isZero(piece.subarray(at, blockEnd));
    zero ??= isHole;
    if (isHole !== zero) break;
    at = blockEnd;
  }
  return { zero: zero ?? true, end: at };
}
