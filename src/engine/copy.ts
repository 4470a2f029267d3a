/** Copying a file byte for byte between stores; holes stay holes. A generator: it yields the fraction done and may be dropped between. */
import type { ByteStore } from "../bytes/byte-store.ts";
import { isZero } from "../bytes/zeros.ts";

const CHUNK_BYTES = 1024 * 1024;

/**
 * Copies all of `from` into the empty store `to` and flushes it. The first chunk goes last, behind a barrier: a copy that was
 * interrupted has no header and is no image, where half of one would read as zeros what never came.
 * @throws Fault of either store
 */
export function* copyStore(from: ByteStore, to: ByteStore): Generator<number, number, void> {
  const size = from.size();
  const buffer = new Uint8Array(CHUNK_BYTES);
  to.truncate(size);
  for (let at = CHUNK_BYTES; at < size; at += CHUNK_BYTES) {
    copyChunk(from, to, at, buffer);
    yield at / size;
  }
  to.flush();
  copyChunk(from, to, 0, buffer);
  to.flush();
  return size;
}

function copyChunk(from: ByteStore, to: ByteStore, at: number, buffer: Uint8Array): void {
  const chunk = buffer.subarray(0, from.read(at, buffer));
  if (!isZero(chunk)) to.write(at, chunk);
}
