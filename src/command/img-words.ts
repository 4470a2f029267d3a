/** What qemu-img's commands print when something is wrong. */
import { errorOut } from "./program.ts";
import type { Step } from "./program.ts";

/** `qemu-img: …` on standard error. */
export const imgError = (text: string): Step => errorOut(`qemu-img: ${text}\n`);

/** The same for a mistake in the command line itself, with where to look. */
export const imgUsageError = (text: string): Step => errorOut(`qemu-img: ${text}\nTry 'qemu-img --help' for more information\n`);

/** To QEMU an image that is written is locked against whoever reads it as another, be it the same program. */
export const lockedAgainstReading = (file: string): string => `Failed to get shared "write" lock\nIs another process using the image [${file}]?`;
