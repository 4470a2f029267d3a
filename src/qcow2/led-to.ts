/** The host clusters that the entries of a table on the disk lead to, for tables that may be long: read in pieces, and no entry is believed. */
import type { ByteStore } from "../bytes/byte-store.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { offsetAt } from "./entry-words.ts";

const PIECE_BYTES = 2 ** 18;

/**
 * Visits the cluster of each entry of [from, to) that leads anywhere but to the header, behind the file's end too: the file will grow.
 * @param from start of the first entry, @param to end of the last, @param note says whether to go on
 */
export function forEachLedTo(store: ByteStore, from: number, to: number, clusterSize: number, note: (cluster: number) => boolean): void {
  const fileLength = store.size();
  // No longer than the table: an image may have very many short ones.
  const piece = new Uint8Array(Math.min(PIECE_BYTES, Math.max(0, to - from)));
  const view = new DataView(piece.buffer);
  const words = new Uint32Array(piece.buffer);
  for (let at = from; at < to && at < fileLength; at += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, to - at);
    readPadded(store, at, piece.subarray(0, length));
    for (let word = 0; word < length / 4; word += 2) {
      if ((words[word]! | words[word + 1]!) === 0) continue;
      const cluster = Math.floor(offsetAt(view, word * 4) / clusterSize);
      if (cluster !== 0 && !note(cluster)) return;
    }
  }
}
