/** Entries of a table that a list shows, in pieces. */
import { ok } from "../base/result.ts";
import type { TableEntry } from "../protocol/index.ts";
import type { App } from "../state/app.ts";
import { usePieces } from "./use-pieces.ts";
import type { PieceSource } from "./use-pieces.ts";

const PIECE = 256;
const MOST_PIECES = 64;

export interface Entries {
  readonly total: number;
  readonly failure: string | null;
  at(index: number): TableEntry | null;
}

/** @param l1Index the L1 entry whose L2 table it is; null for the L1 table; "none" for no table */
export function useEntries(app: App, l1Index: number | null | "none", generation: number, first: number, end: number): Entries {
  const source: PieceSource<readonly TableEntry[]> | null =
    l1Index === "none"
      ? null
      : {
          kind: "entries",
          version: `${String(l1Index)} ${generation}`,
          most: MOST_PIECES,
          read: async (piece) => {
            const outcome = await app.inspector.tableEntries(l1Index, piece * PIECE, PIECE);
            return outcome?.ok === true ? ok({ total: outcome.value.total, piece: outcome.value.entries }) : outcome;
          },
        };
  const { total, failure, at } = usePieces(source, Math.floor(first / PIECE), Math.floor(Math.max(first, end - 1) / PIECE));
  return { total, failure, at: (index) => at(Math.floor(index / PIECE))?.[index % PIECE] ?? null };
}
