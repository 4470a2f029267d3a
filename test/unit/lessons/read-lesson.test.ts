/** Files of lessons: what is one, what is wrong with one that is none, and that nothing in one is taken for more than text. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { complaintLines } from "../../../src/command/explain-lesson.ts";
import { CATALOG } from "../../../src/lessons/catalog/index.ts";
import { MOST_LESSON_BYTES, createLine, isLessonFile, lessonFile } from "../../../src/lessons/index.ts";
import { readLesson } from "../../../src/lessons/read-lesson.ts";
import { MOST_BYTES } from "../../../src/share/index.ts";

const EXAMPLE = readFileSync("docs/example.lesson.json", "utf8");
type Json = Record<string, unknown>;
const example = (): Json & { steps: Json[]; questions: Json[]; disk: Json } => JSON.parse(EXAMPLE) as never;

function wrongs(value: unknown): readonly string[] {
  const read = readLesson(typeof value === "string" ? value : JSON.stringify(value));
  return read.ok ? [] : complaintLines(read.error);
}

test("the example of the documentation is a lesson, and comes back from its own file", () => {
  const read = readLesson(EXAMPLE);
  if (!read.ok) throw new Error(complaintLines(read.error).join("\n"));
  expect(readLesson(lessonFile(read.value))).toEqual(read);
  // A byte order mark, as some editors write one.
  expect(readLesson(`\ufeff${EXAMPLE}`)).toEqual(read);
});

const change = (edit: (lesson: ReturnType<typeof example>) => void): unknown => {
  const lesson = example();
  edit(lesson);
  return lesson;
};

const CASES: readonly (readonly [string, unknown, string])[] = [
  ["no JSON", EXAMPLE.replace('"id"', "id"), "line 4, column 3: found something else; wanted: JSON (RFC 8259)"],
  ["a list", [], "found []; wanted: an object"],
  ["another format", change((lesson) => (lesson["format"] = "lesson")), 'format: found "lesson"; wanted: one of zonescope-lesson'],
  ["a later version", change((lesson) => (lesson["version"] = 2)), "version: found 2; wanted: a whole number from 1 to 1"],
  ["a field too many", change((lesson) => (lesson["script"] = "alert(1)")), 'script: found "alert(1)"; wanted: no field of that name'],
  ["a field of the prototype", EXAMPLE.replace('"version": 1,', '"version": 1, "__proto__": {"id": "x"},'), '__proto__: found {"id":"x"}; wanted: no field of that name'],
  ["no steps", change((lesson) => (lesson.steps = [])), "steps: found []; wanted: a list of 1 to 40"],
  ["a step without a hint", change((lesson) => delete lesson.steps[1]!["hint"]), "steps[1].hint: found nothing; wanted: text of 1 to 600 characters, all of them to be seen"],
  ["text that runs backwards", change((lesson) => (lesson["title"] = "a\u202eb")), 'title: found "a‹U+202E›b"; wanted: text of 1 to 80 characters, all of them to be seen'],
  ["a check that is none", change((lesson) => (lesson.steps[0]!["check"] = { check: "eval" })), /steps\[0\]\.check\.check: found "eval"; wanted: one of condition, pointer/.source],
  ["a zone beyond the disk", change((lesson) => (lesson.steps[0]!["check"] = { check: "selected", zone: 4 })), "steps[0].check.zone: found 4; wanted: a whole number from 0 to 3"],
  ["a count without bounds", change((lesson) => (lesson.steps[0]!["check"] = { check: "count", condition: "FULL" })), "steps[0].check.least: found nothing; wanted: a number from 0 to 4096, here or as most"],
  ["checks within checks without end", change((lesson) => (lesson.steps[0]!["check"] = nested(6))), "checks within checks at most 4 deep"],
  ["a right answer that is none", change((lesson) => (lesson.questions[0]!["right"] = 3)), "questions[0].right: found 3; wanted: a whole number from 0 to 2"],
  ["the same choice twice", change((lesson) => (lesson.questions[0]!["choices"] = ["a", "a"])), "questions[0].choices: found [\"a\",\"a\"]; wanted: choices that differ"],
  ["a size that is a number", change((lesson) => (lesson.disk["size"] = 4096)), 'disk.size: found 4096; wanted: a size in quotes, such as "4K", "1M" or "512"'],
  ["an option in a size", change((lesson) => (lesson.disk["size"] = "4M -o backing_file=a")), "disk.size: found"],
  ["a disk too large", change((lesson) => (lesson.disk["size"] = "17G")), 'disk.size: found "17G"; wanted: at most 16G'],
  ["an append that is no whole sectors", change((lesson) => (lesson.disk["maxAppend"] = "1280")), 'disk.maxAppend: found "1280"; wanted: a multiple of 512 bytes'],
  ["another program in a line", change((lesson) => (lesson.disk["prepare"] = ["qemu-img info a.qcow2"])), 'disk.prepare[0]: found "qemu-img info a.qcow2"; wanted: one of the commands write,'],
  ["a file in a line", change((lesson) => (lesson.disk["prepare"] = ["write -s a.qcow2 0 4k"])), "disk.prepare[0]: found"],
  ["two lines in one", change((lesson) => (lesson.disk["prepare"] = ["flush\nquit"])), "disk.prepare[0]: found"],
];

function nested(depth: number): unknown {
  return depth === 0 ? { check: "power-cycled" } : { check: "not", of: nested(depth - 1) };
}

test.each(CASES)("%s is refused by its place", (_name, value, line) => {
  const found = wrongs(value).join("\n");
  expect(found).toMatch(new RegExp(line.startsWith("steps\\") ? line : line.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
});

test("a file that is too long is not read, and what is wrong with a long one is told in few lines", () => {
  expect(wrongs(`{"a":"${"x".repeat(MOST_LESSON_BYTES)}"}`)).toEqual([`found ${MOST_LESSON_BYTES + 8} bytes; wanted: at most ${MOST_LESSON_BYTES} bytes`]);
  const many = change((lesson) => (lesson.steps = Array.from({ length: 40 }, () => ({}))));
  expect(wrongs(many)).toHaveLength(20);
  // A link carries any lesson that a file may hold.
  expect(MOST_LESSON_BYTES).toBeLessThanOrEqual(MOST_BYTES);
});

test("changed characters are refused or read, and never thrown; what is read makes a line of plain words", () => {
  const random = new Random(5);
  let taken = 0;
  for (let round = 0; round < 3_000; round++) {
    const source = lessonFile(CATALOG[random.below(CATALOG.length)]!);
    const at = random.below(source.length);
    const read = readLesson(source.slice(0, at) + random.pick([..."{}[]\",:0189eE-\\u\u202e;$`'|&<>\n "]) + source.slice(at + random.below(3)));
    if (!read.ok) continue;
    taken++;
    expect(createLine(read.value, "a.qcow2")).toMatch(/^qemu-img create -f qcow2 a\.qcow2( -o [a-z_]+=\w+){8}$/);
  }
  expect(taken).toBeGreaterThan(100);
});

test("a lesson's file is known by its name, as browsers save it too", () => {
  expect(["a.lesson.json", "A.LESSON.JSON", "a.lesson (1).json", "a.lesson(12).json"].map(isLessonFile)).toEqual([true, true, true, true]);
  expect(["a.json", "lesson.json", "a.lesson.json.qcow2", "a.lesson"].map(isLessonFile)).toEqual([false, false, false, false]);
});
