/** Entries of a table that a list shows: read in pieces as they come into view, the pieces kept within bounds. */
import { useEffect, useState } from "react";
import type { TableEntry } from "../protocol/index.ts";
import type { App } from "../state/app.ts";
import { textOf } from "../state/failure-text.ts";

const PIECE = 256;
const MOST_PIECES = 64;

export interface Entries {
  readonly total: number;
  readonly failure: string | null;
  at(index: number): TableEntry | null;
}

interface Kept {
  readonly key: string;
  readonly total: number;
  readonly failure: string | null;
  readonly pieces: ReadonlyMap<number, readonly TableEntry[]>;
}

/** @param l1Index the L1 entry whose L2 table it is; null for the L1 table; "none" for no table */
export function useEntries(app: App, l1Index: number | null | "none", generation: number, first: number, end: number): Entries {
  const key = `${String(l1Index)} ${generation}`;
  const [kept, setKept] = useState<Kept>({ key, total: 0, failure: null, pieces: new Map() });
  const now = kept.key === key ? kept : { key, total: kept.total, failure: null, pieces: new Map<number, readonly TableEntry[]>() };
  const from = Math.floor(first / PIECE);
  const to = Math.floor(Math.max(first, end - 1) / PIECE);
  useEffect(() => {
    if (l1Index === "none") return;
    let gone = false;
    const load = async (): Promise<void> => {
      for (let piece = from; piece <= to; piece++) {
        if (gone || now.pieces.has(piece)) continue;
        const outcome = await app.inspector.tableEntries(l1Index, piece * PIECE, PIECE);
        if (gone || outcome === null) return;
        setKept((before) => {
          const pieces = new Map(before.key === key && before.pieces.size < MOST_PIECES ? before.pieces : []);
          if (!outcome.ok) return { key, total: 0, failure: textOf(outcome.error).why, pieces };
          pieces.set(piece, outcome.value.entries);
          return { key, total: outcome.value.total, failure: null, pieces };
        });
      }
    };
    void load();
    return () => {
      gone = true;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- what is kept is looked at, and not a reason to read
  }, [app, l1Index, key, from, to]);
  return { total: l1Index === "none" ? 0 : now.total, failure: now.failure, at: (index) => now.pieces.get(Math.floor(index / PIECE))?.[index % PIECE] ?? null };
}
