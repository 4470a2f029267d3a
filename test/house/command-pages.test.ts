/** The manual has a page for every command and words for every option, and docs has those pages, with what the examples print today. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { getopt } from "../../src/command/getopt.ts";
import { IO_COMMANDS } from "../../src/command/io-commands.ts";
import { imgOptionWords, ownOptions } from "../../src/command/manual/img-option-words.ts";
import { IMG_WORDS } from "../../src/command/manual/img-words.ts";
import { IO_WORDS } from "../../src/command/manual/io-words.ts";
import { MANUAL, findPage, optionsOf, pageText } from "../../src/command/manual/manual.ts";
import { CONSOLE_WORDS, PROGRAM_WORDS, USAGES } from "../../src/command/manual/program-words.ts";
import { PROGRAMS } from "../../src/command/programs.ts";
import { IMG_COMMANDS } from "../../src/command/qemu-img.ts";
import { figuresText, withFigures } from "../../src/testing/pages/figures.ts";
import type { LongRun, Measured } from "../../src/testing/pages/figures.ts";
import { madePages } from "../../src/testing/pages/pages.ts";

const MADE_FOLDERS = ["commands"];
const sorted = (names: Iterable<string>): string[] => [...names].sort();

test("every command has a page, and no page is of a command that is gone", () => {
  expect(sorted(Object.keys(IMG_WORDS))).toEqual(sorted(IMG_COMMANDS.map(({ name }) => name)));
  expect(sorted(Object.keys(IO_WORDS))).toEqual(sorted(IO_COMMANDS.map(({ name }) => name)));
  expect(sorted(Object.keys(PROGRAM_WORDS))).toEqual(sorted(PROGRAMS.map(({ name }) => name).filter((name) => name !== "qemu-img")));
  expect(sorted(Object.keys(USAGES))).toEqual(sorted(Object.keys(PROGRAM_WORDS)));
  expect(MANUAL).toHaveLength(IMG_COMMANDS.length + IO_COMMANDS.length + PROGRAMS.length - 1 + Object.keys(CONSOLE_WORDS).length);
});

test("the console completes qemu-img with the commands that it has", () => {
  expect(PROGRAMS.find(({ name }) => name === "qemu-img")?.words).toEqual(IMG_COMMANDS.map(({ name }) => name));
});

test("every option of qemu-img has words, with a value where one follows, and no words are of an option that is gone", () => {
  for (const command of IMG_COMMANDS) {
    const options = optionsOf(command);
    for (const { flag, takesValue } of options) {
      const words = imgOptionWords(command.name, flag);
      expect(words, `${command.name}: ${flag}`).toBeDefined();
      expect(words?.[0] !== "", `${command.name}: ${flag} has a value`).toBe(takesValue);
      expect(words?.[1], `${command.name}: ${flag}`).not.toBe("");
    }
    const flags = options.map(({ flag }) => flag);
    for (const flag of ownOptions(command.name)) expect(flags, `${command.name}: ${flag}`).toContain(flag);
  }
});

test("qemu-io's help has every letter that its commands take, and no other", () => {
  for (const { name, shorts, more } of IO_COMMANDS) {
    const letters = sorted((shorts ?? "").replaceAll(":", ""));
    if (more !== null) expect(sorted(Object.keys(more.options)), name).toEqual(letters);
    else expect(letters, name).toEqual([]);
  }
});

test("what a program prints for --help names every option in its arguments", () => {
  for (const { synopsis, usage } of MANUAL.filter((page) => page.usage !== null)) {
    for (const [option] of synopsis.matchAll(/--?[a-z][a-z-]*/g)) if (!synopsis.startsWith(option)) expect(usage, synopsis).toContain(option);
  }
});

test("a page is found by name, by alias and by a command of qemu-img alone", () => {
  expect(findPage(["qemu-img", "create"])?.name).toBe("qemu-img create");
  expect(findPage(["create"])?.name).toBe("qemu-img create");
  expect(findPage(["zap"])?.name).toBe("zone_append");
  expect(findPage(["qemu-io", "zap"])?.name).toBe("zone_append");
  expect(findPage(["map"])?.group).toBe("qemu-io");
  expect(findPage(["nothing"])).toBeNull();
});

test("a page as text begins with the name that was asked for and its arguments, and its prose stays within a hundred characters", () => {
  const page = findPage(["zap"])!;
  expect(pageText(page, "zap")).toMatch(/^zap \[-p\] offset len \[len\.\.\] -- /);
  for (const each of MANUAL) {
    const prose = pageText(each)
      .split("\n")
      .slice(1)
      .filter((line) => !line.startsWith("  ") && !(each.usage ?? "").includes(line));
    expect(prose.filter((line) => line.length > 100), each.name).toEqual([]);
  }
});

test("lines of examples are lines that the programs take", () => {
  for (const { examples, name } of MANUAL) {
    for (const { lines } of examples) {
      for (const line of lines) {
        const command = IMG_COMMANDS.find((row) => line.startsWith(`qemu-img ${row.name} `));
        if (command !== undefined) expect(getopt(line.split(" ").slice(2), command.shorts, command.longs).ok, `${name}: ${line}`).toBe(true);
      }
    }
  }
});

test("docs has what `npm run docs` makes of the tables", async () => {
  const pages = await madePages();
  for (const folder of MADE_FOLDERS) expect(readdirSync(`docs/${folder}`).map((name) => `${folder}/${name}`).sort()).toEqual(sorted([...pages.keys()].filter((path) => path.startsWith(`${folder}/`))));
  for (const [path, text] of pages) expect(readFileSync(`docs/${path}`, "utf8"), path).toBe(text);
}, 60_000);

const jsonOf = <Value>(path: string, without: Value): Value => (existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Value) : without);

test("the README has the figures that were measured", () => {
  const readme = readFileSync("README.md", "utf8");
  expect(withFigures(readme, jsonOf<Measured | null>("docs/figures.json", null), jsonOf<readonly LongRun[]>("docs/runs.json", []))).toBe(readme);
});

test("a figure stands in the README with its yardstick, its ratio and the command that makes it; one that nothing was wanted of does not", () => {
  const figure = { id: "node/append", place: "Node", what: "4 KiB appends", unit: "calls/s", value: 123456, against: "raw writes", base: 41152, ratio: 3, spread: null, wanted: "at least 3" } as const;
  const machine = { system: "linux x64", processors: 2, load: 0.1, memoryGiB: 8, node: "20.20.2", chromium: "140", qemu: "7.2" };
  const text = figuresText({ date: "2026-11-29T22:10:00Z", machine, figures: [figure, { ...figure, what: "nothing wanted", wanted: null }] }, [{ what: "fuzz", result: "no finding", command: "npm run fuzz", date: "2026-11-29" }]);
  expect(text).toContain("| Node: 4 KiB appends | 123,000 calls/s | 41,200 calls/s, raw writes | 3.00 | at least 3 | `npm run bench -- --only node` |\n");
  expect(text).toContain("Measured on 2026-11-29: 2 processors, 8 GiB of memory, linux x64");
  expect(text).toContain("| fuzz | no finding | `npm run fuzz` | 2026-11-29 |\n");
  expect(text).not.toContain("nothing wanted");
});
