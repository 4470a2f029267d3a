/** The program lesson: what it finds in a file, the disk that it tries, and the link that it makes. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { loaded, run } from "../../../src/command/program.ts";
import { findProgram } from "../../../src/command/programs.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { CATALOG } from "../../../src/lessons/catalog/index.ts";
import { lessonFile } from "../../../src/lessons/index.ts";
import { readLesson } from "../../../src/lessons/read-lesson.ts";
import { readLink } from "../../../src/share/index.ts";

const EXAMPLE = readFileSync("docs/example.lesson.json", "utf8");

async function runLesson(argv: readonly string[], files: Readonly<Record<string, string>> = { "a.lesson.json": EXAMPLE }): Promise<{ status: number; out: string; err: string; left: string[] }> {
  const space = new MemoryFiles(() => 0);
  for (const [name, text] of Object.entries(files)) {
    const opened = await space.open(name, "create");
    if (!opened.ok) throw new Error(opened.error.code);
    opened.value.write(0, new TextEncoder().encode(text));
    opened.value.close();
  }
  const engine = new Engine({ files: space, notify: () => undefined, now: () => 0 });
  const said = { out: "", err: "", explain: "" };
  const status = await run(findProgram("lesson")!.run(argv, { now: () => 0 }), engine.perform, (text, stream) => (said[stream] += text));
  await engine.shutDown();
  const listed = await engine.perform("listFiles", {});
  return { status, out: said.out, err: said.err, left: listed.ok ? listed.value.files.map(({ name }) => name) : [] };
}

test("a sound lesson is said to be one, and nothing is left beside it", async () => {
  expect(await runLesson(["check", "a.lesson.json"])).toEqual({
    status: 0,
    out: 'a.lesson.json: "Two logs on one disk", 4 steps and 1 question, on a disk of 4 zones. Nothing is wrong.\n',
    err: "",
    left: ["a.lesson.json"],
  });
});

test("all of ours are sound, with their disks", async () => {
  const files = Object.fromEntries(CATALOG.map((lesson) => [`${lesson.id}.lesson.json`, lessonFile(lesson)]));
  expect(await runLesson(["check", ...Object.keys(files)], files)).toMatchObject({ status: 0, err: "" });
});

test("what is wrong is told by file and place, and the others are looked through all the same", async () => {
  const files = { "a.lesson.json": EXAMPLE, "b.lesson.json": EXAMPLE.replace('"zone": 3', '"zone": 4'), "c.lesson.json": "{", "d.lesson.json": " ".repeat(70_000) };
  const told = await runLesson(["check", "b.lesson.json", "c.lesson.json", "d.lesson.json", "e.lesson.json", "a.lesson.json"], files);
  expect(told.status).toBe(1);
  expect(told.err.split("\n")).toEqual([
    "b.lesson.json: steps[2].check.zone: found 4; wanted: a whole number from 0 to 3",
    "c.lesson.json: line 1, column 2: found something else; wanted: JSON (RFC 8259)",
    "d.lesson.json: 70000 bytes; a lesson has at most 65536",
    "e.lesson.json: Could not open 'e.lesson.json': No such file or directory",
    "",
  ]);
  expect(told.out).toMatch(/^a\.lesson\.json: .*Nothing is wrong\.\n$/);
});

test("a disk that cannot be made or prepared is found", async () => {
  const disk = await runLesson(["check", "a.lesson.json"], { "a.lesson.json": EXAMPLE.replace('"zoneSize": "1M"', '"zoneSize": "3000"') });
  expect(disk).toMatchObject({ status: 1, out: "" });
  expect(disk.err).toMatch(/^a\.lesson\.json: disk: /);
  const line = await runLesson(["check", "a.lesson.json"], { "a.lesson.json": EXAMPLE.replace("zone_append -p 1m 64k", "write 1028k 4k") });
  expect(line.err).toBe('a.lesson.json: disk.prepare[1]: "write 1028k 4k" fails: write failed: Invalid argument\n');
});

test("a link brings the lesson, to the letter", async () => {
  const made = await runLesson(["link", "--base", "https://zones.example/", "a.lesson.json"]);
  expect(made).toMatchObject({ status: 0, err: "" });
  expect(made.out).toMatch(/^https:\/\/zones\.example\/#lesson=1\.[\w-]+\n$/);
  const read = readLink(new URL(made.out.trim()).hash);
  if (!read.ok || read.value === null) throw new Error("not read");
  expect(read.value).toMatchObject({ lines: [], lesson: null });
  expect(readLesson(read.value.lessonText!)).toEqual(readLesson(EXAMPLE));
  expect(await runLesson(["link", "b.lesson.json"], { "b.lesson.json": "[]" })).toMatchObject({ status: 1, out: "", err: "b.lesson.json: found []; wanted: an object\n" });
});

test("a part of the program that does not come ends a line, and is no fault", async () => {
  const part = await run(loaded(() => Promise.reject(new TypeError("Failed to fetch dynamically imported module"))), () => Promise.reject(new Error("no call")), () => undefined);
  expect(part).toBeNull();
});

test("what it does not understand it says", async () => {
  expect(await runLesson([])).toMatchObject({ status: 1, err: "lesson: check or link?\n" });
  expect(await runLesson(["run"])).toMatchObject({ status: 1, err: "lesson: 'run' is neither check nor link\n" });
  expect(await runLesson(["check"])).toMatchObject({ status: 1, err: "lesson: name a lesson's file\n" });
  expect(await runLesson(["check", "--base", "x", "a.lesson.json"])).toMatchObject({ status: 1, err: "lesson: --base is for lesson link\n" });
  expect(await runLesson(["link", "--base", "https://x/#", "a.lesson.json"])).toMatchObject({ status: 1 });
  expect(await runLesson(["link", "a.lesson.json", "b.lesson.json"])).toMatchObject({ status: 1, err: "lesson: unexpected argument 'b.lesson.json'\n" });
  expect(await runLesson(["--help"])).toMatchObject({ status: 0, out: expect.stringContaining("Usage: lesson check") as string });
});
