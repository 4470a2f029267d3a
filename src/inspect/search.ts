/** The next place where some bytes stand, forwards or backwards, in the file or on the disk. Long work: yields the fraction done. */

/** What is searched: bytes that can be read, and stretches of zeros that need not be. */
export interface Searched {
  readonly size: number;
  /** Fills `into`; the range lies within the size. */
  read(offset: number, into: Uint8Array): void;
  /** How many bytes from `offset` on, of at most `length`, are zeros for sure without a look; 0 where that is not known. */
  zerosAt?(offset: number, length: number): number;
}

const CHUNK_BYTES = 2 ** 20;
/** Zeros are asked for in steps of this, so that a step ends soon. */
const SKIP_BYTES = 2 ** 30;

/**
 * @param needle at least one byte
 * @param from forwards: the first place that counts; backwards: the place must lie before it
 * @returns the place of its first byte, null for none
 */
export function* searchBytes(searched: Searched, needle: Uint8Array, from: number, backwards: boolean): Generator<number, number | null, void> {
  return backwards ? yield* searchBackwards(searched, needle, from) : yield* searchForwards(searched, needle, from);
}

function* searchForwards(searched: Searched, needle: Uint8Array, from: number): Generator<number, number | null, void> {
  const { size } = searched;
  const overlap = needle.length - 1;
  const isZeros = needle.every((byte) => byte === 0);
  const buffer = new Uint8Array(CHUNK_BYTES + overlap);
  for (let at = from; at + needle.length <= size; ) {
    yield at / size;
    const zeros = isZeros ? 0 : (searched.zerosAt?.(at, Math.min(SKIP_BYTES, size - at)) ?? 0);
    if (zeros > overlap) {
      at += zeros - overlap;
      continue;
    }
    const bytes = buffer.subarray(0, Math.min(buffer.length, size - at));
    searched.read(at, bytes);
    const found = indexOf(bytes, needle);
    if (found >= 0) return at + found;
    at += bytes.length - overlap;
  }
  return null;
}

function* searchBackwards(searched: Searched, needle: Uint8Array, from: number): Generator<number, number | null, void> {
  const { size } = searched;
  const overlap = needle.length - 1;
  const buffer = new Uint8Array(CHUNK_BYTES + overlap);
  // The first byte lies before `behind`; the others may lie beyond.
  for (let behind = Math.min(from, size - overlap); behind > 0; ) {
    yield 1 - behind / size;
    const start = Math.max(0, behind - CHUNK_BYTES);
    const bytes = buffer.subarray(0, behind - start + overlap);
    searched.read(start, bytes);
    const found = lastIndexOf(bytes, needle);
    if (found >= 0) return start + found;
    behind = start;
  }
  return null;
}

/** The byte of the needle to look for: zeros are everywhere on a disk. */
function anchorOf(needle: Uint8Array): number {
  return Math.max(0, needle.findIndex((byte) => byte !== 0 && byte !== 0xff));
}

function isAt(bytes: Uint8Array, at: number, needle: Uint8Array): boolean {
  for (let index = 0; index < needle.length; index++) if (bytes[at + index] !== needle[index]) return false;
  return true;
}

function indexOf(bytes: Uint8Array, needle: Uint8Array): number {
  const anchor = anchorOf(needle);
  const last = bytes.length - needle.length;
  for (let at = bytes.indexOf(needle[anchor]!, anchor); at >= 0 && at - anchor <= last; at = bytes.indexOf(needle[anchor]!, at + 1)) {
    if (isAt(bytes, at - anchor, needle)) return at - anchor;
  }
  return -1;
}

function lastIndexOf(bytes: Uint8Array, needle: Uint8Array): number {
  const anchor = anchorOf(needle);
  const last = bytes.length - needle.length;
  for (let at = last < 0 ? -1 : bytes.lastIndexOf(needle[anchor]!, last + anchor); at >= anchor; at = at === 0 ? -1 : bytes.lastIndexOf(needle[anchor]!, at - 1)) {
    if (isAt(bytes, at - anchor, needle)) return at - anchor;
  }
  return -1;
}
