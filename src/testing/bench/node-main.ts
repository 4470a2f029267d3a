/** The bench's part in Node, as one call for the runner. */
import { againstStockFigures } from "./against-stock.ts";
import { commandLineFigures } from "./command-line.ts";
import type { Figure } from "./figure.ts";
import { nodePlace } from "./node-place.ts";
import { openSync } from "node:fs";
import { NodeStore } from "../../bytes/node-store.ts";
import { writeSparseImage } from "./sparse-image.ts";
import type { SparseImage } from "./sparse-image.ts";
import { storageFigures } from "./storage.ts";
import { zoneCountFigures } from "./zone-counts.ts";

/**
 * Measures; some 2 GB in `folder` at a time, nothing of it left behind.
 * @param folder an empty folder
 * @param zonescope path of the built command line
 */
export async function nodeFigures(folder: string, zonescope: string, say: (what: string) => void): Promise<Figure[]> {
  return [...(await storageFigures(nodePlace(folder), say)), ...stockFigures(folder, zonescope, say), ...(await zoneCountFigures(say))];
}

/** The command line alone, against stock's. */
export function stockFigures(folder: string, zonescope: string, say: (what: string) => void): Figure[] {
  return [...commandLineFigures({ folder, zonescope }, say), ...againstStockFigures({ folder, zonescope }, say)];
}

/** A large image whose data are holes, as a new file. @returns its length */
export function makeSparseFile(path: string, image: SparseImage): number {
  const descriptor = openSync(path, "wx+");
  const store = new NodeStore(path, descriptor, false);
  try {
    return writeSparseImage(store, image);
  } finally {
    store.close();
  }
}
