/**
 * The progress that -p shows, as qemu-img writes it: one line that each next one overwrites, and a newline when all is done.
 *
 *     const progress = progressShown(optionValue(given, "p") !== null);
 *     yield out(progress.begin());
 *     const outcome = yield* callShown("check", { handle }, progress.shown);
 *     yield out(progress.end(outcome.ok));
 */
import { fixed } from "./format.ts";

/** Percents that must have passed since the last line, as in qemu-img convert. */
const MIN_SKIP = 1;

export interface ProgressShown {
  begin(this: void): string;
  /** The line for a fraction from 0 to 1, empty where the last one is still good. */
  shown(this: void, fraction: number): string;
  /** The line of the end, also where it was said already. */
  atEnd(this: void): string;
  /** @param whole whether the work came to its end */
  end(this: void, whole: boolean): string;
}

/** @param asked whether -p was given; without it every text is empty */
export function progressShown(asked: boolean): ProgressShown {
  if (!asked) return { begin: () => "", shown: () => "", atEnd: () => "", end: () => "" };
  let last = 0;
  const line = (percent: number): string => {
    last = percent;
    return `    (${fixed(percent, 2)}/100%)\r`;
  };
  return {
    begin: () => line(0),
    shown: (fraction) => {
      const percent = Math.min(100, fraction * 100);
      return percent > last + MIN_SKIP || percent < last - MIN_SKIP || (percent === 100 && last < 100) ? line(percent) : "";
    },
    atEnd: () => line(100),
    end: (whole) => (whole && last < 100 ? line(100) : "") + "\n",
  };
}
