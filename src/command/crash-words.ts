/** The crash lab in plain words: what a write is, what a rule keeps from happening, what was lost and why that is or is not allowed. */
import { assertNever } from "../base/assert.ts";
import type { Condition } from "../base/conditions.ts";
import type { CrashLoss, CrashOutcome, CrashRecord, CrashRule, CrashWrite, CrashWriteKind, CrashZone, CrashZoneState } from "../protocol/index.ts";
import { explain } from "./explain.ts";
import { counted, exactBytes, hex, integer } from "./format.ts";

/** In the largest unit in which the number is whole, so that nothing is rounded: "136 KiB", "2112 KiB", "512 bytes". */
export function wholeSize(value: number): string {
  let [left, unit] = [value, 0];
  while (left > 0 && left % 1024 === 0 && unit < UNITS.length - 1) {
    left /= 1024;
    unit++;
  }
  return `${integer(left)} ${UNITS[unit]!}`;
}
const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

const KINDS: Readonly<Record<CrashWriteKind, string>> = {
  "data": "guest data",
  "moved-refcount-table": "moved refcount table",
  "new-l2-tables": "new L2 table",
  "raised-refcounts": "raised refcounts",
  "reset-pointers": "pointers of reset zones",
  "refcount-table-entries": "refcount table entries",
  "mappings": "L1 and L2 entries",
  "lowered-refcounts": "lowered refcounts",
  "advanced-pointers": "advanced pointers",
  "header": "header bits",
  "other": "other metadata",
};

/** What of the file a write changes, more closely than its kind where there is more to say. */
export function writeName({ kind, part }: CrashWrite): string {
  if (kind === "mappings") return part === "L1 table" ? "L1 entries" : "L2 entries";
  return KINDS[kind];
}

/** Whom a write serves: "zone 2, 8 KiB at 136 KiB"; empty where it serves no bytes of its own. */
export function servesWords({ kind, guest, zones }: CrashWrite): string {
  const named = zones === null ? "" : zones.first === zones.last ? `zone ${zones.first}` : `zones ${zones.first} to ${zones.last}`;
  if (guest === null) return named;
  const range = `${wholeSize(guest.lengthBytes)} at ${wholeSize(guest.offset)}`;
  const maps = kind === "data" ? range : `maps ${range}`;
  return named === "" ? maps : `${named}, ${maps}`;
}

/** "L1 and L2 entries wait for guest data". */
export const ruleTitle = ({ first, then }: CrashRule): string => `${capital(KINDS[then])} wait${then === "moved-refcount-table" ? "s" : ""} for ${KINDS[first]}`;

/** "Were they on the disk first, …" */
export const ruleReason = ({ prevents }: CrashRule): string => `otherwise a power failure between the two leaves this: ${prevents}`;

/** What leaving a rule out does to the flush. */
export function leftOutWords(rule: CrashRule, rules: readonly CrashRule[]): string {
  if (rule.impliedBy === null) return `${capital(KINDS[rule.then])} are written before ${KINDS[rule.first]}.`;
  const others = rule.impliedBy.map((mistake) => rules.find((each) => each.mistake === mistake)).filter((each) => each !== undefined);
  return `Nothing changes: other rules demand the same (${others.map(ruleTitle).join("; ")}). Leave one of those out too.`;
}

const CONDITIONS: Readonly<Record<Condition, string>> = { 0: "conventional", 1: "empty", 2: "open", 3: "open", 4: "closed", 13: "read-only", 14: "full", 15: "offline" };

/** "closed, 8 KiB written". */
export function zoneStateWords({ condition, writePointer }: CrashZoneState, zoneStart: number): string {
  const written = writePointer - zoneStart;
  return condition === 1 ? "empty" : condition === 14 ? "full" : `${CONDITIONS[condition]}, ${wholeSize(written)} written`;
}

const VERDICTS: Readonly<Record<CrashZone["verdict"], string>> = {
  new: "as if nothing had happened",
  old: "as the last flush left it",
  between: "a part of what was written since the last flush",
  broken: "none of what is allowed",
};
export const verdictWords = (verdict: CrashZone["verdict"]): string => VERDICTS[verdict];

const shows = (found: "zeros" | "other"): string => (found === "zeros" ? "zeros" : "bytes that were never written there");

export function lossWords(loss: CrashLoss): string {
  switch (loss.code) {
    case "does-not-open":
      return `The disk cannot be used any more. ${explain(loss.failure).why}`;
    case "read-only":
      return `The image can only be read any more: ${loss.reason}.`;
    case "corrupt":
      return `The check finds ${integer(loss.corruptions)} corruption${loss.corruptions === 1 ? "" : "s"}${loss.checkErrors > 0 ? ` and ${integer(loss.checkErrors)} places that it cannot read` : ""}, which no crash may leave: what is written next may land on data.`;
    case "pointer":
      return loss.found < loss.least
        ? `Zone ${loss.zone} ends ${exactBytes(loss.least - loss.found)} too early: a flush had returned behind them, and they are gone.`
        : `Zone ${loss.zone} has its write pointer ${wholeSize(loss.found)} behind its start, where it never was (${wholeSize(loss.least)} to ${wholeSize(loss.most)} may be).`;
    case "bytes": {
      const where = `${exactBytes(loss.lengthBytes)} at ${wholeSize(loss.offset)}${loss.zone === null ? "" : `, in zone ${loss.zone}`}`;
      return loss.flushed ? `Flushed data is lost: ${where}, read as ${shows(loss.shows)}.` : `The disk shows what was never there: ${where}, read as ${shows(loss.shows)} in place of what was written.`;
    }
    default:
      return assertNever(loss);
  }
}

/** What is wrong after a few more writes. */
export const laterWords = (loss: CrashLoss): string => (loss.code === "bytes" ? `After the next few writes, data is overwritten: ${exactBytes(loss.lengthBytes)} at ${wholeSize(loss.offset)}${loss.zone === null ? "" : `, in zone ${loss.zone}`}.` : lossWords(loss));

/** Acknowledged bytes that are gone and may be. */
export function goneWords({ goneBytes, returned }: CrashOutcome): string {
  if (goneBytes === 0) return "";
  return returned ? "" : `${exactBytes(goneBytes)} that were acknowledged are gone. That is allowed: no flush had returned behind them.`;
}

/** The outcome in one sentence. */
export function outcomeWords(outcome: CrashOutcome): string {
  if (outcome.losses.length > 0) return "A promise is broken.";
  if (outcome.returned) return "Nothing is lost: the flush had returned, and everything is there.";
  return outcome.goneBytes > 0 ? "Nothing that was flushed is lost." : "Nothing is lost.";
}

export function checkWords({ check }: CrashOutcome): string {
  if (check === null) return "the image does not open";
  const count = (number: number, one: string): string[] => (number === 0 ? [] : [counted(number, one)]);
  const told = [...count(check.corruptions, "corruption"), ...count(check.checkErrors, "check error"), ...count(check.leaks, "leaked cluster")];
  if (told.length === 0) return "no errors";
  return told.join(", ") + (check.corruptions + check.checkErrors === 0 ? " (space that nothing frees; no data is in danger)" : "");
}

/** "1-3, 5": runs of record numbers. */
export function recordRuns(records: readonly number[]): string {
  const runs: string[] = [];
  for (let index = 0; index < records.length; ) {
    const first = records[index]!;
    let last = first;
    while (records[index + 1] === last + 1) last = records[++index]!;
    index++;
    runs.push(first === last ? String(first) : `${first}-${last}`);
  }
  return runs.length === 0 ? "none" : runs.join(", ");
}

/** One line of the list of records. */
export function recordLine(record: CrashRecord, width: number): string {
  const number = String(record.record).padStart(width);
  if (record.type === "barrier") return `${number}  ---- barrier ----`;
  return `${number}  ${writeName(record).padEnd(24)} ${wholeSize(record.lengthBytes).padEnd(10)} ${`at ${hex(record.hostOffset)}`.padEnd(14)} ${servesWords(record)}`.trimEnd();
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
