/** A lesson out of the text of its file, for the list, or what is wrong with it in words. Loaded when the first such text comes. */
import { complaintLines } from "../command/explain-lesson.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { readLesson } from "../lessons/read-lesson.ts";
import { ownKey } from "./listed-lesson.ts";
import type { LessonTrouble, ListedLesson } from "./listed-lesson.ts";

/** @param from where it came from, for the words */
export function readListed(text: string, from: string): Result<ListedLesson, LessonTrouble> {
  const read = readLesson(text);
  if (!read.ok) return err({ title: `${from} is no lesson that can be opened`, lines: complaintLines(read.error) });
  return ok({ key: ownKey(read.value), lesson: read.value, own: true });
}
