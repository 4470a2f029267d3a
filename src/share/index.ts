/** The link codec in one import. */
export * from "./link.ts";
export * from "./link-disk.ts";
export * from "./link-problem.ts";
export { MOST_BYTES, MOST_LINES, checkScript, isCommand } from "./script.ts";
