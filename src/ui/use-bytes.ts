/** The bytes that the Hex tab shows, with what they are: read in aligned pieces as they come into view, the pieces kept within bounds. */
import { useEffect, useState } from "react";
import type { ByteSpan } from "../protocol/index.ts";
import type { App } from "../state/app.ts";
import { textOf } from "../state/failure-text.ts";
import type { HexView } from "../state/inspector-state.ts";

const PIECE = 4096;
const MOST_PIECES = 32;

interface Piece {
  readonly data: Uint8Array;
  readonly spans: readonly ByteSpan[];
}
interface Kept {
  readonly key: string;
  readonly total: number;
  readonly failure: string | null;
  readonly pieces: ReadonlyMap<number, Piece>;
}
export interface ShownBytes {
  readonly total: number;
  readonly failure: string | null;
  byteAt(offset: number): number | null;
  /** The innermost structure that the byte belongs to. */
  spanAt(offset: number): ByteSpan | null;
}

export function useBytes(app: App, view: HexView, generation: number, from: number, end: number): ShownBytes {
  const key = `${view} ${generation}`;
  const [kept, setKept] = useState<Kept>({ key, total: 0, failure: null, pieces: new Map() });
  const now: Kept = kept.key === key ? kept : { key, total: kept.key.startsWith(view) ? kept.total : 0, failure: null, pieces: new Map() };
  const firstPiece = Math.floor(from / PIECE);
  const lastPiece = Math.floor(Math.max(from, end - 1) / PIECE);
  useEffect(() => {
    let gone = false;
    const load = async (): Promise<void> => {
      for (let index = firstPiece; index <= lastPiece; index++) {
        if (gone || now.pieces.has(index)) continue;
        const outcome = await app.inspector.bytesAt(view, index * PIECE, PIECE);
        if (gone || outcome === null) return;
        setKept((before) => {
          const pieces = new Map(before.key === key && before.pieces.size < MOST_PIECES ? before.pieces : []);
          if (!outcome.ok) return { key, total: 0, failure: textOf(outcome.error).why, pieces };
          pieces.set(index, outcome.value);
          return { key, total: outcome.value.total, failure: null, pieces };
        });
      }
    };
    void load();
    return () => {
      gone = true;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- what is kept is looked at, and not a reason to read
  }, [app, view, key, firstPiece, lastPiece]);
  return {
    total: now.total,
    failure: now.failure,
    byteAt: (offset) => now.pieces.get(Math.floor(offset / PIECE))?.data[offset % PIECE] ?? null,
    spanAt: (offset) => innermost(now.pieces.get(Math.floor(offset / PIECE))?.spans ?? [], offset, view),
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
