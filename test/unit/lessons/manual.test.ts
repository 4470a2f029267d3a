/** docs/lessons.md against the code that reads lessons: every check with its fields, every word, every bound, and the shape of a result. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LESSON_ENDING, MOST_CHOICES, MOST_CHOICE_TEXT, MOST_DISK_BYTES, MOST_LESSON_BYTES, MOST_PREPARE, MOST_QUESTIONS, MOST_STEPS, MOST_SUMMARY, MOST_TEXT, MOST_TITLE, begunNow, resultFile } from "../../../src/lessons/index.ts";
import { CONDITIONS, GAUGES, OPERATIONS, TABS } from "../../../src/lessons/lesson.ts";
import { PREPARE_COMMANDS } from "../../../src/lessons/prepare.ts";
import { CHECKS, MOST_DEPTH, MOST_TIMES, MOST_ZONES, readCheck } from "../../../src/lessons/read-check.ts";
import { readLesson, readLessonValue } from "../../../src/lessons/read-lesson.ts";
import { Complaints } from "../../../src/lessons/reader.ts";
import { REFUSAL_CODES, ZONE_OPERATIONS } from "../../../src/lessons/words.ts";

const PAGE = readFileSync("docs/lessons.md", "utf8");
const part = (name: string): string => PAGE.slice(PAGE.indexOf(`<!-- ${name} -->`), PAGE.indexOf(`<!-- /${name} -->`));
const words = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word!);

/** A value that keeps in mind which of its fields it was asked for. */
function curious(value: object): { readonly value: object; readonly asked: Set<string> } {
  const asked = new Set<string>();
  const note = (name: string | symbol): void => void (typeof name === "string" && asked.add(name));
  return {
    asked,
    value: new Proxy(value, {
      get: (target, name, receiver) => (note(name), Reflect.get(target, name, receiver) as unknown),
      getOwnPropertyDescriptor: (target, name) => (note(name), Reflect.getOwnPropertyDescriptor(target, name)),
      ownKeys: () => [],
    }),
  };
}

interface Row {
  readonly check: string;
  readonly fields: readonly string[];
  readonly optional: readonly string[];
}

const ROWS: readonly Row[] = part("checks")
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => {
    const [, check = "", fields = ""] = line.split("|");
    return { check: words(check)[0]!, fields: words(fields), optional: words((fields.match(/\[[^\]]+\]/g) ?? []).join()) };
  });

test("the table has every check that is read, in its order, and each with exactly the fields that are read", () => {
  expect(ROWS.map(({ check }) => check)).toEqual([...CHECKS]);
  for (const { check, fields } of ROWS) {
    const { value, asked } = curious({ check });
    readCheck(value, "", new Complaints(), 8);
    asked.delete("toJSON");
    expect([...asked].sort(), check).toEqual(["check", ...fields].sort());
  }
});

const EXAMPLES = JSON.parse(/An example of each:\n\n```json\n([\s\S]+?)```/.exec(PAGE)![1]!) as (Record<string, unknown> & { check: string })[];

test("there is an example of each check; without a field that is not in brackets it is none", () => {
  expect(EXAMPLES.map(({ check }) => check)).toEqual([...CHECKS]);
  const complaintsOf = (value: unknown): number => {
    const complaints = new Complaints();
    readCheck(value, "", complaints, 8);
    return complaints.list.length;
  };
  for (const example of EXAMPLES) {
    expect(complaintsOf(example), example.check).toBe(0);
    const row = ROWS.find(({ check }) => check === example.check)!;
    for (const field of row.fields.filter((name) => !row.optional.includes(name))) {
      expect(complaintsOf(Object.fromEntries(Object.entries(example).filter(([name]) => name !== field))), `${example.check} without ${field}`).toBeGreaterThan(0);
    }
    // What is in brackets may go, down to the last where one has to stay.
    for (const field of row.optional.filter((name) => name in example && Object.keys(example).length > 3)) {
      const without = Object.fromEntries(Object.entries(example).filter(([name]) => name !== field && !(field === "zone" && name === "at")));
      expect(complaintsOf(without), `${example.check} without ${field}`).toBe(0);
    }
  }
});

test("every word that a check may have is listed, and no other", () => {
  const listed = part("words").split("\n- ").slice(1).map((line) => words(line.slice(line.indexOf(":"))));
  expect(listed).toEqual([CONDITIONS, GAUGES, TABS, OPERATIONS, ZONE_OPERATIONS, REFUSAL_CODES].map((list) => [...list]));
  const prepare = PAGE.slice(PAGE.indexOf("Lines of `prepare`"), PAGE.indexOf("## Checks"));
  for (const command of PREPARE_COMMANDS) expect(words(prepare)).toContain(command);
});

test("the fields of a lesson, of its disk, of a step and of a question are those that are read", () => {
  const fieldsOf = (value: object, read: (value: object) => unknown): string[] => {
    const { value: proxy, asked } = curious(value);
    read(proxy);
    asked.delete("toJSON");
    return [...asked].sort();
  };
  const table = (from: string): string[] => {
    const text = PAGE.slice(PAGE.indexOf("| field | holds |", PAGE.indexOf(from)));
    return text.slice(0, text.indexOf("\n\n")).split("\n").filter((line) => line.startsWith("| `")).flatMap((line) => words(line.split("|")[1]!)).sort();
  };
  const braced = (second: string): string[] => new RegExp(`\\{(text, ${second}[^}]*)\\}`).exec(PAGE)![1]!.split(", ").sort();
  const read = (change: object): unknown => readLessonValue(change);
  expect(fieldsOf({}, read)).toEqual(table("## Writing one"));
  expect(fieldsOf({}, (disk) => read({ disk }))).toEqual(table("## The disk"));
  expect(fieldsOf({}, (step) => read({ steps: [step] }))).toEqual(braced("hint"));
  expect(fieldsOf({}, (question) => read({ questions: [question] }))).toEqual(braced("choices"));
});

test("the bounds are those that are kept", () => {
  expect(LESSON_ENDING).toBe(".lesson.json");
  for (const said of [
    `1 to ${MOST_STEPS} of`,
    `0 to ${MOST_QUESTIONS} of`,
    `2 to ${MOST_CHOICES} \`choices\` of up to ${MOST_CHOICE_TEXT} characters`,
    `up to ${MOST_TITLE} characters`,
    `up to ${MOST_SUMMARY} characters`,
    `Every other text has up to ${MOST_TEXT} characters`,
    `up to ${MOST_PREPARE} lines`,
    `at most ${MOST_LESSON_BYTES} bytes`,
    `at most \`"${MOST_DISK_BYTES / 2 ** 30}G"\``,
    `at most ${MOST_ZONES} zones`,
    `\`times\` at most ${MOST_TIMES}`,
    `most ${MOST_DEPTH} deep`,
  ]) {
    expect(PAGE).toContain(said);
  }
});

test("the result is what is saved", () => {
  const read = readLesson(readFileSync("docs/example.lesson.json", "utf8"));
  if (!read.ok) throw new Error("no example");
  const startedMs = Date.UTC(2026, 2, 2, 9);
  const progress = { ...begunNow(read.value, "a.qcow2", startedMs), steps: [{ doneMs: startedMs + 41_000, hinted: true }] };
  expect(part("result")).toContain(`\`\`\`json\n${resultFile(read.value, progress)}\`\`\``);
});
