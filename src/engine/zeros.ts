/** Which bytes are zeros: the one place that looks, since most of the time of a copy that leaves holes goes here. */

const WORD_BYTES = 4;

/** Whether `bytes` holds nothing but zeros; nothing at all counts as zeros. */
export function isZero(bytes: Uint8Array): boolean {
  // Most data differ from zero in the first bytes.
  if (bytes.length > 0 && bytes[0] !== 0) return false;
  const lead = Math.min((WORD_BYTES - (bytes.byteOffset % WORD_BYTES)) % WORD_BYTES, bytes.length);
  for (let index = 0; index < lead; index++) if (bytes[index] !== 0) return false;
  if (bytes.length - lead < WORD_BYTES) return bytes.subarray(lead).every((byte) => byte === 0);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + lead, Math.floor((bytes.length - lead) / WORD_BYTES));
  const unrolled = words.length - (words.length % 8);
  for (let at = 0; at < unrolled; at += 8) {
    if ((words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]! | words[at + 4]! | words[at + 5]! | words[at + 6]! | words[at + 7]!) !== 0) return false;
  }
  for (let at = unrolled; at < words.length; at++) if (words[at] !== 0) return false;
  for (let index = lead + words.length * WORD_BYTES; index < bytes.length; index++) if (bytes[index] !== 0) return false;
  return true;
}

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
