/** The crash lab's words for the page; they are made in command/crash-words.ts. What it found is read and not typed again: its digits are grouped. */
import * as words from "../command/crash-words.ts";
import type { CrashLoss, CrashOutcome } from "../protocol/index.ts";
import { groupDigits } from "./units.ts";

export { leftOutWords, outcomeWords, ruleReason, ruleTitle, servesWords, verdictWords, writeName, zoneStateWords } from "../command/crash-words.ts";

export const lossWords = (loss: CrashLoss): string => groupDigits(words.lossWords(loss));
export const laterWords = (loss: CrashLoss): string => groupDigits(words.laterWords(loss));
export const goneWords = (outcome: CrashOutcome): string => groupDigits(words.goneWords(outcome));
export const checkWords = (outcome: CrashOutcome): string => groupDigits(words.checkWords(outcome));
