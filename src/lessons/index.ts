/** Lessons in one import. */
export { CATALOG } from "./catalog/index.ts";
export * from "./checks.ts";
export * from "./happenings.ts";
export * from "./lesson.ts";
export * from "./lesson-disk.ts";
export * from "./lesson-file.ts";
export * from "./progress.ts";
export * from "./read-lesson.ts";
export type { Complaint } from "./reader.ts";
