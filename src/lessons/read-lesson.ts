/**
 * Reads a lesson's file (`NAME.lesson.json`), strictly and within bounds: it is what somebody else wrote.
 * What may stand there is in lesson.ts.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import { bytesOf, zoneCountOf } from "./lesson.ts";
import { LESSON_FORMAT, LESSON_VERSION, MOST_CHOICES, MOST_CHOICE_TEXT, MOST_DISK_BYTES, MOST_LESSON_BYTES, MOST_PREPARE, MOST_QUESTIONS, MOST_STEPS, MOST_SUMMARY, MOST_TEXT, MOST_TITLE } from "./lesson-file.ts";
import type { Lesson, LessonDisk, LessonStep, Question } from "./lesson.ts";
import { refusePrepare } from "./prepare.ts";
import { MOST_ZONES, readCheck, readSize } from "./read-check.ts";
import { Complaints, Fields, readText } from "./reader.ts";
import type { Complaint } from "./reader.ts";

/** @param text the file's, or of a link that carries one; with version 1's two fields of the format or, from a link, the same */
export function readLesson(text: string): Result<Lesson, readonly Complaint[]> {
  const lengthBytes = new TextEncoder().encode(text).length;
  if (lengthBytes > MOST_LESSON_BYTES) return err([{ place: "", found: `${lengthBytes} bytes`, allowed: `at most ${MOST_LESSON_BYTES} bytes` }]);
  let value: unknown;
  try {
    value = JSON.parse(text.startsWith("\ufeff") ? text.slice(1) : text);
  } catch (thrown) {
    return err([{ place: placeOf(thrown, text), found: "something else", allowed: "JSON (RFC 8259)" }]);
  }
  return readLessonValue(value);
}

/** The same of a value that was JSON. */
export function readLessonValue(value: unknown): Result<Lesson, readonly Complaint[]> {
  const complaints = new Complaints();
  const fields = new Fields(value, "", complaints);
  fields.oneOf("format", [LESSON_FORMAT]);
  fields.integer("version", LESSON_VERSION, LESSON_VERSION);
  const id = fields.matching("id", /^[a-z0-9][a-z0-9-]{0,63}$/, "1 to 64 small letters, digits and dashes, no dash first");
  const title = fields.text("title", MOST_TITLE);
  const summary = fields.text("summary", MOST_SUMMARY);
  const disk = readDisk(fields.raw("disk"), "disk", fields.complaints);
  const zones = zoneCountOf(disk);
  const lesson: Lesson = {
    id,
    title,
    summary,
    disk,
    steps: fields.list("steps", 1, MOST_STEPS, (step, place) => readStep(step, place, complaints, zones)),
    questions: fields.list("questions", 0, MOST_QUESTIONS, (question, place) => readQuestion(question, place, complaints)),
  };
  fields.end();
  return complaints.list.length === 0 ? ok(lesson) : err(complaints.list);
}

function readDisk(value: unknown, place: string, complaints: Complaints): LessonDisk {
  const fields = new Fields(value, place, complaints);
  const count = (name: string): number => fields.integer(name, 0, MOST_ZONES);
  const disk: LessonDisk = {
    size: readSize(fields, "size"),
    zoneSize: readSize(fields, "zoneSize"),
    maxAppend: readSize(fields, "maxAppend"),
    ...fields.optional("zoneCapacity", () => readSize(fields, "zoneCapacity")),
    ...fields.optional("conventionalZones", () => count("conventionalZones")),
    ...fields.optional("maxOpen", () => count("maxOpen")),
    ...fields.optional("maxActive", () => count("maxActive")),
    ...fields.optional("prepare", () => fields.list("prepare", 0, MOST_PREPARE, (line, at) => readPrepare(line, at, complaints))),
  };
  if ((bytesOf(disk.size) ?? 0) > MOST_DISK_BYTES) fields.complain("size", "at most 16G");
  if ((bytesOf(disk.maxAppend) ?? 0) % SECTOR_SIZE !== 0) fields.complain("maxAppend", `a multiple of ${SECTOR_SIZE} bytes`);
  const zones = zoneCountOf(disk);
  if (fields.has("zoneSize") && (zones === 0 || zones > MOST_ZONES)) fields.complain("zoneSize", `1 to ${MOST_ZONES} zones on the disk`);
  fields.end();
  return disk;
}

function readPrepare(value: unknown, place: string, complaints: Complaints): string {
  const wrong = typeof value === "string" && value.length <= 200 ? refusePrepare(value) : "a line of at most 200 characters";
  if (wrong !== null) complaints.add(place, value, wrong);
  return typeof value === "string" ? value : "";
}

function readStep(value: unknown, place: string, complaints: Complaints, zones: number): LessonStep {
  const fields = new Fields(value, place, complaints);
  const step: LessonStep = {
    text: fields.text("text", MOST_TEXT),
    hint: fields.text("hint", MOST_TEXT),
    check: readCheck(fields.raw("check"), fields.at("check"), complaints, zones),
    ...fields.optional("then", () => fields.text("then", MOST_TEXT)),
  };
  fields.end();
  return step;
}

function readQuestion(value: unknown, place: string, complaints: Complaints): Question {
  const fields = new Fields(value, place, complaints);
  const choices = fields.list("choices", 2, MOST_CHOICES, (choice, at) => readText(choice, at, MOST_CHOICE_TEXT, complaints));
  const question: Question = { text: fields.text("text", MOST_TEXT), choices, right: fields.integer("right", 0, Math.max(0, choices.length - 1)), why: fields.text("why", MOST_TEXT) };
  if (new Set(choices).size !== choices.length) fields.complain("choices", "choices that differ");
  fields.end();
  return question;
}

/** Where in the text JSON ends to be JSON, "line 3, column 7", as far as the platform tells. */
function placeOf(thrown: unknown, text: string): string {
  const [, position] = /position (\d+)/.exec(thrown instanceof Error ? thrown.message : "") ?? [];
  if (position === undefined) return "";
  const before = text.slice(0, Number(position)).split("\n");
  return `line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`;
}
