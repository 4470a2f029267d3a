/** The program lesson by its name and its help. What it does is loaded when it is first run. */
import { loaded, out } from "./program.ts";
import type { Program } from "./program.ts";

export const LESSON_USAGE = `Usage: lesson check FILE...            looks through files of lessons, and makes their disks in memory
       lesson link [--base URL] FILE   makes a link that brings the lesson along

  --base URL   the page's address in front; without it, what stands behind it alone

Ends with 0 when nothing is wrong with any of the files, and with 1 otherwise.

`;

export const LESSON_WORDS = ["check", "link"];

/** Runs lesson; argv is what follows its name. */
export function* lesson(argv: readonly string[]): Program {
  if (argv.includes("--help") || argv.includes("-h")) {
    yield out(LESSON_USAGE);
    return 0;
  }
  const { runLesson } = yield* loaded(() => import("./lesson-work.ts"));
  return yield* runLesson(argv);
}
