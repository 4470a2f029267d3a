/** The crash lab's words for the page; they are made in command/crash-words.ts. */
export { checkWords, goneWords, laterWords, leftOutWords, lossWords, outcomeWords, ruleReason, ruleTitle, servesWords, verdictWords, writeName, zoneStateWords } from "../command/crash-words.ts";
