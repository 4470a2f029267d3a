/**
 * Where a file has holes, where the platform cannot be asked for them (Node has no SEEK_HOLE) but says what the file takes of its disk. A
 * block with anything but zeros is no hole. Where such blocks take all that the file takes, every block of zeros is a hole; so they are
 * beside what its writer is known to store whole, zeros and all, where that makes up for the rest. Else nothing is said. What is told as
 * a hole reads as zeros in any case.
 */
import type { ByteStore } from "./byte-store.ts";
import { isZero } from "./zeros.ts";

/** Bytes of a file. Infinity for the length of what lies behind its end. */
export interface FileRange {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** What reading a file once tells of its blocks. */
export interface ScannedFile {
  /** Runs of blocks of zeros, in order. */
  readonly zeros: readonly FileRange[];
  /** Its other blocks, in bytes. */
  readonly dataBytes: number;
  /** What the file takes beyond these. */
  readonly restBytes: number;
  /** Runs of its other blocks, at least. */
  readonly extents: number;
  /** The file's length. */
  readonly size: number;
}

/** The block of nearly all file systems; with another the sums differ, and nothing is said. */
export const BLOCK_BYTES = 4096;
/** A file that is longer is not read through for this. */
export const MOST_READ_BYTES = 2 ** 30;
const PIECE_BYTES = 2 ** 20;
/** ext4: extents that the inode has room for, and those of a block of them, which counts as the file's. */
const EXTENTS_IN_INODE = 4;
const EXTENTS_IN_BLOCK = 340;
/** ext4: an extent reaches no further. */
const EXTENT_BYTES = 32_768 * BLOCK_BYTES;

/**
 * @param allocatedBytes what the file takes of its disk; one that takes nothing is read too, for there are file systems that say so of any, and
 *   some have small ones in their inodes
 * @returns null for one that is not read through. @throws Fault of the store
 */
export function scanFile(store: Pick<ByteStore, "size" | "read">, allocatedBytes: number): ScannedFile | null {
  const size = store.size();
  const end = Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  if (allocatedBytes >= end) return { zeros: [], dataBytes: end, restBytes: 0, extents: 1, size };
  if (size > MOST_READ_BYTES) return null;
  const zeros: FileRange[] = [];
  let extents = 0;
  let dataBytes = 0;
  for (const { offset, lengthBytes, zero } of runsOf(store, size)) {
    if (zero) zeros.push({ offset, lengthBytes });
    else {
      dataBytes += lengthBytes;
      extents += Math.ceil(lengthBytes / EXTENT_BYTES);
    }
  }
  return { zeros, dataBytes, restBytes: allocatedBytes - dataBytes, extents, size };
}

/**
 * The file's holes in order, what lies behind its end as one of them; null where they cannot be told.
 * @param writers what each of those who may have written the file stores whole, in order; the first that fits has done it
 */
export function holesIn({ zeros, dataBytes, restBytes, extents, size }: ScannedFile, writers: readonly (readonly FileRange[])[]): readonly FileRange[] | null {
  const behind: FileRange = { offset: size, lengthBytes: Infinity };
  if (restBytes === 0) return [...zeros, behind];
  const guesses = [...writers, []].map((stored) => {
    const holes = withoutRanges(zeros, stored);
    return { holes, rest: restBytes - (lengthOf(zeros) - lengthOf(holes)) };
  });
  // Where it was to lie in one piece it may lie in several.
  const forExtents = dataBytes <= EXTENTS_IN_INODE * BLOCK_BYTES ? 0 : extents <= EXTENTS_IN_INODE ? BLOCK_BYTES : (Math.ceil(extents / EXTENTS_IN_BLOCK) + 1) * BLOCK_BYTES;
  const fitting = guesses.find(({ rest }) => rest === 0) ?? guesses.find(({ rest }) => rest > 0 && rest <= forExtents);
  return fitting === undefined ? null : [...fitting.holes, behind];
}

const lengthOf = (ranges: readonly FileRange[]): number => ranges.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);

/** Runs of whole blocks that are zeros, or are not. */
function* runsOf(store: Pick<ByteStore, "read">, size: number): Generator<FileRange & { zero: boolean }, void> {
  const piece = new Uint8Array(PIECE_BYTES);
  let run = { offset: 0, lengthBytes: 0, zero: true };
  for (let at = 0; at < size; at += PIECE_BYTES) {
    const bytes = piece.subarray(0, Math.min(PIECE_BYTES, size - at));
    bytes.fill(0, store.read(at, bytes));
    const step = isZero(bytes) ? PIECE_BYTES : BLOCK_BYTES;
    for (let within = 0; within < bytes.length; within += step) {
      const lengthBytes = Math.ceil(Math.min(step, bytes.length - within) / BLOCK_BYTES) * BLOCK_BYTES;
      const zero = step === PIECE_BYTES || isZero(bytes.subarray(within, within + step));
      if (zero !== run.zero && run.lengthBytes > 0) {
        yield run;
        run = { offset: at + within, lengthBytes: 0, zero };
      }
      run = { offset: run.offset, lengthBytes: run.lengthBytes + lengthBytes, zero };
    }
  }
  if (run.lengthBytes > 0) yield run;
}

/** What is left of ranges where others are taken away, by whole blocks: one that is touched is gone. Both in order. */
function withoutRanges(ranges: readonly FileRange[], taken: readonly FileRange[]): FileRange[] {
  const left: FileRange[] = [];
  let next = 0;
  for (const { offset, lengthBytes } of ranges) {
    const end = offset + lengthBytes;
    let at = offset;
    while (next < taken.length && taken[next]!.offset + taken[next]!.lengthBytes <= at) next++;
    for (let index = next; index < taken.length && taken[index]!.offset < end; index++) {
      const from = Math.floor(taken[index]!.offset / BLOCK_BYTES) * BLOCK_BYTES;
      if (from > at) left.push({ offset: at, lengthBytes: from - at });
      at = Math.max(at, Math.ceil((taken[index]!.offset + taken[index]!.lengthBytes) / BLOCK_BYTES) * BLOCK_BYTES);
    }
    if (at < end) left.push({ offset: at, lengthBytes: end - at });
  }
  return left;
}
