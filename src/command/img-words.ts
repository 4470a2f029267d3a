/** What qemu-img's commands print when something is wrong. */
import { errorOut } from "./program.ts";
import type { Step } from "./program.ts";

/** `qemu-img: …` on standard error. */
export const imgError = (text: string): Step => errorOut(`qemu-img: ${text}\n`);

/** The same for a mistake in the command line itself, with where to look. */
export const imgUsageError = (text: string): Step => errorOut(`qemu-img: ${text}\nTry 'qemu-img --help' for more information\n`);
