/** How far somebody is with a lesson: kept as text between visits, read back strictly, and exported as a result for a teacher. */
import type { Lesson } from "./lesson.ts";

export interface StepProgress {
  /** When it was done, milliseconds since 1970. */
  readonly doneMs: number;
  /** Whether the hint was asked for. */
  readonly hinted: boolean;
}

export interface Progress {
  readonly startedMs: number;
  /** The image that the lesson made for itself. */
  readonly image: string;
  /** The steps that are done, in order; the next one is the present one. */
  readonly steps: readonly StepProgress[];
  /** By question: the choices that were taken, in order, the last one being the right one when it was found. */
  readonly answers: readonly (readonly number[])[];
}

export const begunNow = (lesson: Lesson, image: string, nowMs: number): Progress => ({ startedMs: nowMs, image, steps: [], answers: lesson.questions.map(() => []) });

export const answeredRight = (lesson: Lesson, progress: Progress, question: number): boolean => progress.answers[question]?.includes(lesson.questions[question]!.right) === true;

export const stepsDone = (lesson: Lesson, progress: Progress): boolean => progress.steps.length >= lesson.steps.length;

/** Done: every step, and every question answered in the end. */
export const isDone = (lesson: Lesson, progress: Progress): boolean => stepsDone(lesson, progress) && lesson.questions.every((_, question) => answeredRight(lesson, progress, question));

/** What was kept, if it can be of this lesson as it is now; null for anything else, such as an older version of the lesson. */
export function readProgress(value: unknown, lesson: Lesson): Progress | null {
  if (!isRecord(value)) return null;
  const { startedMs, image, steps, answers } = value;
  if (!isTime(startedMs) || typeof image !== "string" || !Array.isArray(steps) || !Array.isArray(answers)) return null;
  if (steps.length > lesson.steps.length || answers.length !== lesson.questions.length) return null;
  if (!steps.every((step) => isRecord(step) && isTime(step["doneMs"]) && typeof step["hinted"] === "boolean")) return null;
  const fits = (taken: unknown, question: number): boolean => Array.isArray(taken) && taken.length <= 32 && taken.every((choice) => Number.isInteger(choice) && choice >= 0 && choice < lesson.questions[question]!.choices.length);
  if (!answers.every(fits)) return null;
  return { startedMs, image, steps: steps as StepProgress[], answers: answers as number[][] };
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const isTime = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/** The file of a result (docs/lessons.md, "The result"). Times are ISO 8601 in UTC. */
export function resultFile(lesson: Lesson, progress: Progress): string {
  const time = (ms: number): string => new Date(ms).toISOString();
  const steps = lesson.steps.map(({ text }, index) => {
    const done = progress.steps[index];
    return { step: index + 1, text, doneAt: done === undefined ? null : time(done.doneMs), hinted: done?.hinted ?? false };
  });
  const questions = lesson.questions.map(({ text, choices, right }, index) => {
    const taken = progress.answers[index] ?? [];
    return { question: index + 1, text, answers: taken.map((choice) => choices[choice]), right: choices[right], rightAtOnce: taken[0] === right };
  });
  const result = { format: "zonescope-lesson-result", version: 1, lesson: { id: lesson.id, title: lesson.title }, startedAt: time(progress.startedMs), complete: isDone(lesson, progress), steps, questions };
  return `${JSON.stringify(result, null, 2)}\n`;
}
