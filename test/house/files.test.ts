/** What every file of src keeps: its length, its first words, and a folder that the map names. */
import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { readLayers } from "./layer-table.ts";
import { sourceFiles } from "./source-files.ts";

const LONGEST_FILE_LINES = 420;

const read = (path: string): string => readFileSync(path, "utf8");

test("there are files to look at", () => {
  expect(sourceFiles()).toContain("src/base/units.ts");
});

test(`no file is longer than ${LONGEST_FILE_LINES} lines`, () => {
  const tooLong = sourceFiles().filter((path) => read(path).split("\n").length - 1 > LONGEST_FILE_LINES);
  expect(tooLong).toEqual([]);
});

test("every file starts by saying what it is", () => {
  const silent = sourceFiles().filter((path) => !/^\/\*\*\s*\n?[\s*]*\S/.test(read(path)));
  expect(silent).toEqual([]);
});

test("the map names every folder of src, and no file lies beside them", () => {
  const named = readLayers().map((layer) => layer.folder);
  const entries = readdirSync("src", { withFileTypes: true });
  expect(entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name)).toEqual([]);
  // A folder that is named and not there yet is a plan, not a lie that could hurt.
  for (const entry of entries) expect(named).toContain(entry.name);
});

test("every import of a file of ours names its extension", () => {
  const bare = sourceFiles().flatMap((path) =>
    [...read(path).matchAll(/(?:from|import)\s+"(\.{1,2}\/[^"]+)"/g)]
      .map(([, target]) => target ?? "")
      .filter((target) => !/\.(ts|tsx|css)(\?worker&url)?$/.test(target))
      .map((target) => `${path}: ${target}`),
  );
  expect(bare).toEqual([]);
});
