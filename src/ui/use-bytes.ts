/** The bytes that the Hex tab shows, with what they are, in aligned pieces. */
import { ok } from "../base/result.ts";
import type { ByteSpan } from "../protocol/index.ts";
import type { App } from "../state/app.ts";
import type { HexView } from "../state/inspector-state.ts";
import { usePieces } from "./use-pieces.ts";
import type { PieceSource } from "./use-pieces.ts";

const PIECE = 4096;
const MOST_PIECES = 32;

interface Piece {
  readonly data: Uint8Array;
  readonly spans: readonly ByteSpan[];
}
export interface ShownBytes {
  readonly total: number;
  readonly failure: string | null;
  byteAt(offset: number): number | null;
  /** The innermost structure that the byte belongs to. */
  spanAt(offset: number): ByteSpan | null;
}

export function useBytes(app: App, view: HexView, generation: number, from: number, end: number): ShownBytes {
  const source: PieceSource<Piece> = {
    kind: view,
    version: String(generation),
    most: MOST_PIECES,
    read: async (index) => {
      const outcome = await app.inspector.bytesAt(view, index * PIECE, PIECE);
      return outcome?.ok === true ? ok({ total: outcome.value.total, piece: outcome.value }) : outcome;
    },
  };
  const { total, failure, at } = usePieces(source, Math.floor(from / PIECE), Math.floor(Math.max(from, end - 1) / PIECE));
  return {
    total,
    failure,
    byteAt: (offset) => at(Math.floor(offset / PIECE))?.data[offset % PIECE] ?? null,
    spanAt: (offset) => innermost(at(Math.floor(offset / PIECE))?.spans ?? [], offset, view),
  };
}

function innermost(spans: readonly ByteSpan[], offset: number, view: HexView): ByteSpan | null {
  let found: ByteSpan | null = null;
  for (const span of spans) {
    const start = view === "host" ? span.hostOffset : span.guestOffset;
    if (start === undefined || offset < start || offset >= start + span.lengthBytes) continue;
    if (found === null || span.lengthBytes <= found.lengthBytes) found = span;
  }
  return found;
}
