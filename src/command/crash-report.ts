/** What the program crash prints: the list of records, an outcome as lines, and both as JSON. */
import type { CrashCut, CrashOutcome, CrashRecord, CrashSource, ReplyOf } from "../protocol/index.ts";
import { checkWords, goneWords, laterWords, lossWords, outcomeWords, recordLine, recordRuns, ruleReason, ruleTitle, verdictWords, wholeSize, zoneStateWords } from "./crash-words.ts";
import { exactBytes } from "./format.ts";

type Recorded = ReplyOf<"crashRecord">;

export function recordLines(records: readonly CrashRecord[]): string {
  const width = Math.max(3, String(records.length).length);
  return records.map((record) => `${recordLine(record, width)}\n`).join("");
}

/** Writes before the cut that no barrier before it has made durable. */
export function pendingAt(records: readonly CrashRecord[], cut: CrashCut["cut"]): readonly CrashRecord[] {
  const barrier = records.slice(0, cut).findLastIndex(({ type }) => type === "barrier");
  return records.slice(barrier + 1, cut);
}

/** An outcome for people. @param zoneSize null for a disk without zones */
export function outcomeLines(outcome: CrashOutcome, { records, rules }: Recorded, zoneSize: number | null): string {
  const { cut, kept, missing } = outcome;
  const durable = records.slice(0, cut - pendingAt(records, cut).length);
  const writes = durable.filter(({ type }) => type === "write");
  const whole = kept.filter(({ sectors }) => sectors === null).map(({ record }) => record);
  let text = cut === records.length ? `The power fails behind the last record, ${cut}.\n` : `The power fails behind record ${cut} of ${records.length}.\n`;
  text += `  durable by a barrier: ${recordRuns(writes.map(({ record }) => record))}\n`;
  text += `  reached the disk: ${recordRuns(whole)}\n`;
  for (const { record, sectors } of kept) if (sectors !== null) text += `  reached the disk in part: ${record}, sectors ${recordRuns(sectors)}\n`;
  text += `  on its way and lost: ${recordRuns(missing.filter((record) => !kept.some((each) => each.record === record)))}\n`;
  text += "\nThe disk afterwards:\n";
  for (const { zone, before, expected, after, verdict } of outcome.zones) {
    const start = zone * (zoneSize ?? 0);
    text += `  zone ${zone}: ${after === null ? "not readable" : zoneStateWords(after, start)} (before: ${zoneStateWords(before, start)}; expected: ${zoneStateWords(expected, start)}): ${verdictWords(verdict)}\n`;
  }
  for (const { offset, lengthBytes, verdict } of outcome.ranges) text += `  ${exactBytes(lengthBytes)} at ${wholeSize(offset)}: ${verdictWords(verdict)}\n`;
  text += `  check: ${checkWords(outcome)}\n\n${outcomeWords(outcome)}\n`;
  for (const loss of outcome.losses) text += `  ${lossWords(loss)}\n`;
  for (const loss of outcome.later) text += `  ${laterWords(loss)}\n`;
  const gone = goneWords(outcome);
  if (gone !== "") text += `${gone}\n`;
  const named = (title: string, mistakes: readonly string[]): string => {
    const told = rules.filter(({ mistake }) => mistakes.includes(mistake));
    return told.length === 0 ? "" : `\n${title}\n${told.map((rule) => `  ${ruleTitle(rule)}; ${ruleReason(rule)}.\n`).join("")}`;
  };
  return text + named("The order protected it:", outcome.protectedBy) + named("What the wrong order broke:", outcome.happened);
}

/** For a program to read: what was sent, the rules, and the outcome; null where none was asked for or found. */
export function crashJson(source: CrashSource, { records, rules, barriers }: Recorded, outcome: CrashOutcome | null, tried: number | null): string {
  return `${JSON.stringify({ source: "file" in source ? source.file : null, records, rules, barriers, ...(tried === null ? {} : { tried }), outcome }, null, 4)}\n`;
}
