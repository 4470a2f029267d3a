/** A store's bytes at a glance, and a word of them changed: for tests that look at an image file or damage it. */
import type { ByteStore } from "../bytes/byte-store.ts";

/** A copy of everything in the store. */
export function wholeOf(store: ByteStore): Uint8Array {
  const bytes = new Uint8Array(store.size());
  store.read(0, bytes);
  return bytes;
}

/** Writes one 64-bit big-endian word at byte `at`. */
export function patch64(store: ByteStore, at: number, value: bigint): void {
  const word = new Uint8Array(8);
  new DataView(word.buffer).setBigUint64(0, value);
  store.write(at, word);
}
