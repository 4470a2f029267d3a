/** The page of rules names tests that are there: each by its file and by the title that it has in the source. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const PAGE = "docs/rules.md";
const HEAD = new Set(["| rule | tests |", "| --- | --- |"]);

interface Row {
  readonly rule: string;
  readonly pins: readonly { readonly file: string; readonly title: string }[];
}

/** A row is "| rule | `file`: title; `file`: title |". */
function rowsOf(page: string): Row[] {
  return page
    .split("\n")
    .filter((line) => line.startsWith("|") && !HEAD.has(line))
    .map((line) => {
      const [rule = "", cell = ""] = line.slice(2, -2).split(" | ");
      const pins = cell.split(/; (?=`test\/)/).map((pin) => /^`(test\/[\w./-]+\.test\.ts)`: (.+)$/.exec(pin));
      return { rule, pins: pins.flatMap((found) => (found === null ? [] : [{ file: found[1]!, title: found[2]! }])) };
    });
}

/** Whether a title stands where a test or a group begins: the first string of a call. */
function hasTitle(source: string, title: string): boolean {
  return ['"', "'", "`"].some((quote) => {
    const quoted = `${quote}${title}${quote}`;
    for (let at = source.indexOf(quoted); at >= 0; at = source.indexOf(quoted, at + 1)) {
      if (source.slice(0, at).trimEnd().endsWith("(")) return true;
    }
    return false;
  });
}

const rows = rowsOf(readFileSync(PAGE, "utf8"));

test("every rule names a test", () => {
  expect(rows.length).toBeGreaterThan(60);
  expect(rows.filter(({ pins }) => pins.length === 0).map(({ rule }) => rule)).toEqual([]);
});

test("every test that it names is there", () => {
  const gone = rows.flatMap(({ pins }) => pins).filter(({ file, title }) => !existsSync(file) || !hasTitle(readFileSync(file, "utf8"), title));
  expect(gone).toEqual([]);
});

test("a title that is gone, or stands in no call, is found", () => {
  expect(hasTitle('test("here", () => {});', "here")).toBe(true);
  expect(hasTitle('test.each([])(\n  "here",', "here")).toBe(true);
  expect(hasTitle('const name = "here";', "here")).toBe(false);
  expect(hasTitle('test("not here", () => {});', "here")).toBe(false);
});
