/** What the crash lab of the page shows, as data: the flush that was recorded, where the power fails, and what is left. */
import type { CrashKept, CrashOutcome, ReplyOf } from "../protocol/index.ts";

export { pendingAt } from "../command/crash-report.ts";

/** last: the newest commands of the attached image, played again. typed: commands on a copy of it. small: a disk made for the mistake. */
export type CrashSubject = "last" | "typed" | "small";

/** A flush that was recorded. */
export interface CrashRun extends ReplyOf<"crashRecord"> {
  readonly handle: number;
  /** What was copied; null for a disk in memory. */
  readonly file: string | null;
  /** What the commands set up, in a sentence; empty where they are the person's. */
  readonly story: string;
  readonly commands: readonly string[];
  /** In what the scratch copy differs from the image whose commands were played again, a sentence each without its end. */
  readonly differences: readonly string[];
  /** null for a disk without zones. */
  readonly zoneSize: number | null;
}

export interface CrashState {
  readonly subject: CrashSubject;
  readonly lastCount: number;
  readonly typed: string;
  /** The mistake that the flush makes; "" for none, "all" for all rules left out. */
  readonly mistake: string;
  /** What is going on, or null. */
  readonly running: string | null;
  readonly fraction: number | null;
  /** Why the last thing did not come off, a sentence. */
  readonly failure: string | null;
  readonly run: CrashRun | null;
  readonly cut: number;
  /** Whole or in part, of the writes that no barrier before the cut made durable. */
  readonly kept: readonly CrashKept[];
  readonly outcome: CrashOutcome | null;
  /** Crashes that a search looked at; null where none was made. */
  readonly tried: number | null;
  readonly seed: number;
  /** The image of the library that was made of the last outcome. */
  readonly saved: string | null;
}

export const NO_CRASH: CrashState = { subject: "small", lastCount: 1, typed: "", mistake: "", running: null, fraction: null, failure: null, run: null, cut: 0, kept: [], outcome: null, tried: null, seed: 0, saved: null };
