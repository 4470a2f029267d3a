/**
 * The program lesson: looks through a lesson's file, and packs it in a link. What is wrong is told with its place in the file.
 * The disk that the lesson asks for is made and prepared in memory, so that one that cannot be is found here, and not by a learner.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { createOptions, prepareLines } from "../lessons/lesson-disk.ts";
import { MOST_LESSON_BYTES } from "../lessons/lesson-file.ts";
import { zoneCountOf } from "../lessons/lesson.ts";
import type { Lesson } from "../lessons/lesson.ts";
import { readLesson } from "../lessons/read-lesson.ts";
import { PLAIN_LINK, writeLink } from "../share/index.ts";
import { parseCreateOptions, resolveCreateOptions } from "./create-options.ts";
import { complaintLines } from "./explain-lesson.ts";
import { explainLink } from "./explain-link.ts";
import { integer } from "./format.ts";
import { getopt, mistakeWords } from "./getopt.ts";
import { createFailureWords } from "./img-create.ts";
import { runIoCommand } from "./io-commands.ts";
import { sessionOver } from "./io-session.ts";
import { call, errorOut, out, quietly } from "./program.ts";
import type { Program } from "./program.ts";
import { readTextFile } from "./text-file.ts";
import { splitIoCommand } from "./tokenizer.ts";

export const LESSON_USAGE = `Usage: lesson check FILE...            looks through files of lessons, and makes their disks in memory
       lesson link [--base URL] FILE   makes a link that brings the lesson along

  --base URL   the page's address in front; without it, what stands behind it alone

Ends with 0 when nothing is wrong with any of the files, and with 1 otherwise.

`;

/** Runs lesson; argv is what follows its name. */
export function* lesson(argv: readonly string[]): Program {
  const given = getopt(argv, "h", [
    { name: "base", takesValue: true, flag: "base" },
    { name: "help", takesValue: false, flag: "h" },
  ]);
  if (!given.ok) return yield* fail(mistakeWords(given.error));
  if (given.value.options.some(({ flag }) => flag === "h")) {
    yield out(LESSON_USAGE);
    return 0;
  }
  const base = given.value.options.at(-1)?.value ?? null;
  const [word, ...files] = given.value.words;
  if (word !== "check" && word !== "link") return yield* fail(word === undefined ? "check or link?" : `'${word}' is neither check nor link`);
  if (files.length === 0) return yield* fail("name a lesson's file");
  if (word === "check") return base === null ? yield* check(files) : yield* fail("--base is for lesson link");
  if (files.length > 1) return yield* fail(`unexpected argument '${files[1]!}'`);
  return base?.includes("#") === true ? yield* fail("the address in front ends before its #") : yield* link(files[0]!, base ?? "");
}

function* fail(words: string): Program {
  yield errorOut(`lesson: ${words}\n`);
  return 1;
}

function* check(files: readonly string[]): Program {
  let status = 0;
  for (const file of files) {
    const found = yield* lookThrough(file);
    if (found === null) status = 1;
    else yield out(`${file}: ${summaryOf(found.lesson)}. Nothing is wrong.\n`);
  }
  return status;
}

function* link(file: string, base: string): Program {
  const found = yield* lookThrough(file);
  if (found === null) return 1;
  const written = writeLink({ ...PLAIN_LINK, lessonText: found.text }, "z");
  if (!written.ok) return yield* fail(explainLink(written.error).why);
  yield out(`${base}${written.value}\n`);
  return 0;
}

/** The file's lesson with its text; null after what is wrong was said. */
function* lookThrough(file: string): Program<{ readonly lesson: Lesson; readonly text: string } | null> {
  const found = yield* lessonIn(file);
  if (found.ok) return found.value;
  for (const line of found.error) yield errorOut(`${file}: ${line}\n`);
  return null;
}

function* lessonIn(file: string): Program<Result<{ readonly lesson: Lesson; readonly text: string }, readonly string[]>> {
  const text = yield* readTextFile(file, MOST_LESSON_BYTES, (length) => `${integer(length)} bytes; a lesson has at most ${integer(MOST_LESSON_BYTES)}`);
  if (!text.ok) return err([text.error]);
  const read = readLesson(text.value);
  if (!read.ok) return err(complaintLines(read.error));
  const wrong = yield* tryDisk(read.value);
  return wrong === null ? ok({ lesson: read.value, text: text.value }) : err([wrong]);
}

/** Makes the lesson's disk on a scratch device and runs its lines there; what failed, or null. */
function* tryDisk(lesson: Lesson): Program<string | null> {
  const parsed = parseCreateOptions("qcow2", createOptions(lesson), null);
  if (!parsed.ok) return `disk: ${"mistake" in parsed.error ? parsed.error.mistake : parsed.error.list}`;
  const options = resolveCreateOptions(parsed.value);
  if (!options.ok) return `disk: ${options.error}`;
  const begun = yield* call("crashBegin", { source: { options: options.value }, mistakes: [] });
  if (!begun.ok) return `disk: ${createFailureWords(lesson.id, begun.error, options.value)}`;
  const { handle } = begun.value;
  const session = sessionOver(handle, "", () => 0);
  let wrong: string | null = null;
  for (const [index, line] of prepareLines(lesson).entries()) {
    const printed = yield* quietly(runIoCommand(session, splitIoCommand(line)));
    if (printed === null) continue;
    wrong = `disk.prepare[${index}]: "${line}" fails: ${printed.trim()}`;
    break;
  }
  yield* call("close", { handle });
  return wrong;
}

function summaryOf(lesson: Lesson): string {
  const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;
  return `"${lesson.title}", ${counted(lesson.steps.length, "step")} and ${counted(lesson.questions.length, "question")}, on a disk of ${counted(zoneCountOf(lesson.disk), "zone")}`;
}
