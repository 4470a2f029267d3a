/** Whether bytes are zeros: the one place that looks, since most of the time of a copy that leaves holes, and of a walk through empty tables, goes here. */

/** What is discarded is stored as zeros, for no home can make a hole; of more than this at once, in bytes, a file keeps what it has: a discard is asked of large disks as a whole. */
export const MOST_DISCARDED_BYTES = 64 * 2 ** 20;

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
