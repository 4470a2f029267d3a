/** Marks by which formats are known: bytes at a place. */

export interface Mark {
  readonly at: number;
  readonly bytes: readonly number[];
}

/** A mark written as text; \x.. for other bytes. */
export const mark = (at: number, text: string): Mark => ({ at, bytes: [...text].map((letter) => letter.charCodeAt(0)) });

/** @param from where `bytes` begin, in the same count as the mark's place */
export function hasMark(bytes: Uint8Array, { at, bytes: wanted }: Mark, from = 0): boolean {
  const start = at - from;
  return start >= 0 && start + wanted.length <= bytes.length && wanted.every((byte, index) => bytes[start + index] === byte);
}

/** Text padded with zeros or blanks; null where there is none. */
export function paddedText(bytes: Uint8Array, at: number, lengthBytes: number): string | null {
  if (at + lengthBytes > bytes.length) return null;
  const raw = bytes.subarray(at, at + lengthBytes);
  const end = raw.indexOf(0);
  return nonEmpty(new TextDecoder().decode(end < 0 ? raw : raw.subarray(0, end)));
}

/** The same of 16-bit little-endian units. */
export function paddedWideText(bytes: Uint8Array, at: number, units: number): string | null {
  if (at + 2 * units > bytes.length) return null;
  const text = new TextDecoder("utf-16le").decode(bytes.subarray(at, at + 2 * units));
  const end = text.indexOf("\0");
  return nonEmpty(end < 0 ? text : text.slice(0, end));
}

const nonEmpty = (text: string): string | null => (text.trim() === "" ? null : text.trimEnd());
