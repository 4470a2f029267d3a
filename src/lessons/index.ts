/**
 * Lessons in one import, but for what is loaded apart: ours (catalog/index.ts) beside the page, and the reader of files of lessons
 * (read-lesson.ts) when the first one comes.
 */
export * from "./checks.ts";
export * from "./happenings.ts";
export * from "./lesson.ts";
export * from "./lesson-disk.ts";
export * from "./lesson-file.ts";
export * from "./progress.ts";
