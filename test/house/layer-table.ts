/** Reads the code map of ARCHITECTURE.md: which folder of src may import which. The table is the rule; nothing repeats it. */
import { readFileSync } from "node:fs";

export interface Layer {
  readonly folder: string;
  /** Folders that may be imported from, or "anything". */
  readonly mayImport: readonly string[] | "anything";
  /** Folders of which types alone may be imported. */
  readonly mayImportTypesOf: readonly string[];
}

const rowPattern = /^\| `src\/([a-z0-9-]+)` \| [^|]+ \| ([^|]+) \|$/;

/** The rows of the table; throws for a row that looks like one of it and cannot be read. */
export function readLayers(file = "ARCHITECTURE.md"): Layer[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `src/"))
    .map((line) => {
      const [, folder, cell] = rowPattern.exec(line) ?? [];
      if (folder === undefined || cell === undefined) throw new Error(`${file}: not a row of the code map: ${line}`);
      return { folder, ...readCell(cell.trim(), file) };
    });
}

function readCell(cell: string, file: string): Pick<Layer, "mayImport" | "mayImportTypesOf"> {
  if (cell === "anything") return { mayImport: "anything", mayImportTypesOf: [] };
  if (cell === "–") return { mayImport: [], mayImportTypesOf: [] };
  const [values = "", types] = cell.split("; types of ");
  return { mayImport: readList(values, file), mayImportTypesOf: types === undefined ? [] : readList(types, file) };
}

function readList(list: string, file: string): string[] {
  return list.split(", ").map((name) => {
    if (!/^[a-z0-9-]+$/.test(name)) throw new Error(`${file}: not a folder's name in the code map: "${name}"`);
    return name;
  });
}
