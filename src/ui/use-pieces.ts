/** What a list shows of something long in the engine: read in pieces as they come into view, the pieces kept within bounds. */
import { useEffect, useState } from "react";
import type { Failure } from "../protocol/index.ts";
import type { Result } from "../base/result.ts";
import { textOf } from "../state/failure-text.ts";

export interface Pieces<Piece> {
  readonly total: number;
  readonly failure: string | null;
  /** null where it has not been read. */
  readonly at: (piece: number) => Piece | null;
}

interface Kept<Piece> {
  readonly key: string;
  readonly kind: string;
  readonly total: number;
  readonly failure: string | null;
  readonly pieces: ReadonlyMap<number, Piece>;
}

export interface PieceSource<Piece> {
  /** Sources of one kind are of one length, as far as is known: the last total stands until the next is read. */
  readonly kind: string;
  /** Another text whenever another thing is read, or the same one may be read anew. */
  readonly version: string;
  /** Pieces kept at the most. */
  readonly most: number;
  /** Reads a piece; null where there is nothing to read. The newest one given is asked. */
  read(piece: number): Promise<Result<{ readonly total: number; readonly piece: Piece }, Failure> | null>;
}

const told = (failure: Failure): string => {
  const { title, why, instead } = textOf(failure);
  return `${title}. ${why}${instead === null ? "" : ` ${instead}`}`;
};

/** The pieces [first, last] and those that were read before. @param source null for nothing */
export function usePieces<Piece>(source: PieceSource<Piece> | null, first: number, last: number): Pieces<Piece> {
  const kind = source?.kind ?? "";
  const key = `${kind} ${source?.version ?? ""}`;
  const [kept, setKept] = useState<Kept<Piece>>({ key, kind, total: 0, failure: null, pieces: new Map() });
  const now: Kept<Piece> = kept.key === key ? kept : { key, kind, total: kept.kind === kind ? kept.total : 0, failure: null, pieces: new Map() };
  useEffect(() => {
    if (source === null) return;
    let gone = false;
    const load = async (): Promise<void> => {
      for (let index = first; index <= last; index++) {
        if (gone || now.pieces.has(index)) continue;
        const outcome = await source.read(index);
        if (gone || outcome === null) return;
        setKept((before) => {
          const pieces = new Map(before.key === key && before.pieces.size < source.most ? before.pieces : []);
          if (!outcome.ok) return { key, kind, total: 0, failure: told(outcome.error), pieces };
          pieces.set(index, outcome.value.piece);
          return { key, kind, total: outcome.value.total, failure: null, pieces };
        });
      }
    };
    void load();
    return () => {
      gone = true;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the key says what the source is, and what is kept is no reason to read
  }, [key, first, last]);
  return { total: source === null ? 0 : now.total, failure: now.failure, at: (piece) => now.pieces.get(piece) ?? null };
}
