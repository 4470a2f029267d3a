/** Lessons in one import, but for the reader of their files (read-lesson.ts), which is loaded when the first file comes. */
export { CATALOG } from "./catalog/index.ts";
export * from "./checks.ts";
export * from "./happenings.ts";
export * from "./lesson.ts";
export * from "./lesson-disk.ts";
export * from "./lesson-file.ts";
export * from "./progress.ts";
