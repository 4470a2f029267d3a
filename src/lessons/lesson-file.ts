/** A lesson's file, `NAME.lesson.json`: its marks, its bounds, and a lesson written as one. It is read by read-lesson.ts. */
import type { Lesson } from "./lesson.ts";

export const LESSON_FORMAT = "zonescope-lesson";
export const LESSON_VERSION = 1;
/** Ending of a lesson's file, by which a dropped one is told from an image. */
export const LESSON_ENDING = ".lesson.json";

/** Bounds of a file. What a lesson needs is small, and its disk comes into a library that others pay for. */
export const MOST_LESSON_BYTES = 64 * 1024;
export const MOST_STEPS = 40;
export const MOST_QUESTIONS = 10;
export const MOST_CHOICES = 6;
export const MOST_PREPARE = 64;
/** Characters of a sentence, of a choice, of a title and of a summary. */
export const MOST_TEXT = 600;
export const MOST_CHOICE_TEXT = 200;
export const MOST_TITLE = 80;
export const MOST_SUMMARY = 240;
export const MOST_DISK_BYTES = 2 ** 34;

/** Whether a file of that name is opened as a lesson. A browser that saves one twice writes "a.lesson (1).json". */
export const isLessonFile = (name: string): boolean => /\.lesson( ?\(\d+\))?\.json$/i.test(name);

/** The lesson as its file: what readLesson takes. */
export const lessonFile = (lesson: Lesson): string => `${JSON.stringify({ format: LESSON_FORMAT, version: LESSON_VERSION, ...lesson }, null, 2)}\n`;
