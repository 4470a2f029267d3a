/**
 * The program crash: runs commands on a scratch copy of an image, cuts the power in the last flush, and tells what the disk looks like
 * afterwards, and why; with rules of the write order left out, what they are there for.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { CrashKept, CrashRecord, CrashRule, CrashSource, ReplyOf } from "../protocol/index.ts";
import { crashJson, outcomeLines, pendingAt, recordLines } from "./crash-report.ts";
import { scenarioFor } from "./crash-scenarios.ts";
import { leftOutWords } from "./crash-words.ts";
import { explain, openFailureWords } from "./explain.ts";
import { getopt, mistakeWords } from "./getopt.ts";
import { findIoCommand, runIoCommand } from "./io-commands.ts";
import { sessionOver } from "./io-session.ts";
import { readScript } from "./profile-script.ts";
import type { ProfileContext } from "./profile.ts";
import { call, errorOut, out, quietly } from "./program.ts";
import type { Program } from "./program.ts";
import { splitIoCommand } from "./tokenizer.ts";

export const CRASH_USAGE = `Usage: crash [-c CMD]... [--commands FILE] [--cut N|random] [--keep LIST] [--seed S]
             [--wrong-order NAME,...] [--tries N] [--list] [--output=human|json] [IMAGE]
Runs commands of qemu-io on a scratch copy of IMAGE and a flush after them, cuts the power in that flush, opens what is
left and tells what became of the data. The image itself is only read. Without IMAGE the attached one is taken, and
without that, or without commands, a small disk in memory and commands that fit.

  -c CMD               a command; several are run in order
  --commands FILE      commands of a file, one a line
  --list               lists what the flush sends to the disk, with its barriers, and cuts nothing
  --cut N              the power fails when N records of that list were sent, 0 for none; random: at a drawn moment
  --keep LIST          which of them reached the disk of those that no barrier made durable: all, none, random, or
                       numbers as 3,5-7 and sectors as 4:0-2. As --cut alone: none
  --seed S             what is drawn follows from this number
  --wrong-order NAMES  makes the mistakes of these names in the flush; all: all but no-barriers
  --tries N            without --cut: how many crashes are looked at, 400 where nothing is said

Without --cut it looks for a crash that breaks a promise. Ends with 0 when nothing is lost that must not be, with 2 when
something is, and with 1 when it could not be tried.

`;

const DEFAULT_TRIES = 400;
const LONGS = ["commands", "cut", "keep", "seed", "wrong-order", "tries", "output"].map((name) => ({ name, takesValue: true, flag: name }));

interface Wish {
  readonly lines: readonly string[];
  readonly commandsFile: string | null;
  readonly cut: number | "random" | null;
  readonly keep: string | null;
  readonly seed: number | null;
  readonly mistakes: readonly string[];
  readonly tries: number;
  readonly list: boolean;
  readonly json: boolean;
  readonly file: string | null;
}

/** Runs crash; argv is what follows its name. */
export function* crash(argv: readonly string[], context: ProfileContext): Program {
  const given = getopt(argv, "hc:", [...LONGS, { name: "list", takesValue: false, flag: "list" }, { name: "help", takesValue: false, flag: "h" }]);
  if (!given.ok) return yield* fail(mistakeWords(given.error));
  if (given.value.options.some(({ flag }) => flag === "h")) {
    yield out(CRASH_USAGE);
    return 0;
  }
  const wish = wishOf(given.value.options, given.value.words);
  if (!wish.ok) return yield* fail(wish.error);
  const status = yield* carryOut(wish.value, context);
  return status.ok ? status.value : yield* fail(status.error);
}

function* fail(words: string): Program {
  yield errorOut(`crash: ${words}\n`);
  return 1;
}

function wishOf(options: readonly { readonly flag: string; readonly value: string }[], words: readonly string[]): Result<Wish, string> {
  const last = (flag: string): string | null => options.findLast((option) => option.flag === flag)?.value ?? null;
  const number = (flag: string): Result<number | null, string> => {
    const text = last(flag);
    if (text === null) return ok(null);
    return /^\d{1,9}$/.test(text) ? ok(Number(text)) : err(`--${flag} is no number: '${text}'`);
  };
  const [seed, tries] = [number("seed"), number("tries")];
  const cut = last("cut") === "random" ? ok("random" as const) : number("cut");
  const output = last("output") ?? "human";
  for (const each of [seed, tries, cut]) if (!each.ok) return each;
  if (output !== "human" && output !== "json") return err(`--output is human or json, not '${output}'`);
  if (words.length > 1) return err(`one image at most: '${words[1]!}' is one too many`);
  if (last("keep") !== null && last("cut") === null) return err("--keep says what reached the disk at a moment: name it with --cut");
  const mistakes = options.filter(({ flag }) => flag === "wrong-order").flatMap(({ value }) => value.split(",")).filter((name) => name !== "");
  return ok({
    lines: options.filter(({ flag }) => flag === "c").map(({ value }) => value),
    commandsFile: last("commands"),
    cut: cut.ok ? cut.value : null,
    keep: last("keep"),
    seed: seed.ok ? seed.value : null,
    mistakes,
    tries: (tries.ok ? tries.value : null) ?? DEFAULT_TRIES,
    list: options.some(({ flag }) => flag === "list"),
    json: output === "json",
    file: words[0] ?? null,
  });
}

/** What is run on what. */
interface Plan {
  readonly source: CrashSource;
  readonly commands: readonly (readonly string[])[];
  readonly mistakes: readonly string[];
  readonly title: string;
}

function* carryOut(wish: Wish, context: ProfileContext): Program<Result<number, string>> {
  const mistakes = wish.mistakes.includes("all") ? [...new Set([...(yield* allMistakes()), ...wish.mistakes.filter((name) => name !== "all")])] : wish.mistakes;
  const plan = yield* planOf(wish, mistakes, context);
  if (!plan.ok) return plan;
  const begun = yield* call("crashBegin", { source: plan.value.source, mistakes });
  if (!begun.ok) return err("file" in plan.value.source ? openFailureWords(plan.value.source.file, begun.error) : explain(begun.error).why);
  const { handle } = begun.value;
  if (!wish.json) yield out(`${plan.value.title}\n`);
  const told = yield* runAndCut(wish, plan.value, handle, begun.value.facts.zoned?.geometry.zoneSize ?? null);
  yield* call("close", { handle });
  return told;
}

/** The names of all rules' mistakes, from the engine, which knows the rules. */
function* allMistakes(): Program<readonly string[]> {
  const begun = yield* call("crashBegin", { source: { options: scenarioFor([]).options }, mistakes: [] });
  if (!begun.ok) return [];
  const record = yield* call("crashRecord", { handle: begun.value.handle });
  yield* call("close", { handle: begun.value.handle });
  return record.ok ? record.value.rules.map(({ mistake }) => mistake) : [];
}

function* planOf(wish: Wish, mistakes: readonly string[], context: ProfileContext): Program<Result<Plan, string>> {
  const script = wish.commandsFile === null ? ok([]) : yield* readScript(wish.commandsFile);
  if (!script.ok) return script;
  const typed = wish.lines.map(splitIoCommand).filter((argv) => argv.length > 0);
  const commands = [...script.value.map(({ argv }) => argv), ...typed];
  for (const argv of commands) {
    const command = findIoCommand(argv[0]!);
    if (command === null || command.needs !== "disk") return err(`"${argv[0]!}" is no command for the disk of a crash lab`);
  }
  const file = wish.file ?? (commands.length === 0 ? null : (context.attached?.()?.file ?? null));
  if (file === null && commands.length === 0) {
    const scenario = scenarioFor(mistakes);
    const title = `A small disk in memory. ${scenario.story}`;
    return ok({ source: { options: scenario.options }, commands: scenario.commands.map(splitIoCommand), mistakes, title });
  }
  if (file === null) return ok({ source: { options: scenarioFor(mistakes).options }, commands, mistakes, title: "A small disk in memory." });
  if (commands.length === 0) return err("nothing to flush: give commands with -c or --commands");
  return ok({ source: { file }, commands, mistakes, title: `A scratch copy of ${file}: the image itself is only read.` });
}

function* runAndCut(wish: Wish, plan: Plan, handle: number, zoneSize: number | null): Program<Result<number, string>> {
  const session = sessionOver(handle, "", () => 0);
  for (const argv of [...plan.commands, ["flush"]]) {
    if (!wish.json) yield out(`> ${argv.join(" ")}\n`);
    const failed = yield* quietly(runIoCommand(session, argv));
    if (failed !== null) return err(`"${argv.join(" ")}" failed: ${failed.trim()}`);
  }
  const recorded = yield* call("crashRecord", { handle });
  if (!recorded.ok) return err(explain(recorded.error).why);
  const { records, rules } = recorded.value;
  if (!wish.json) {
    yield out(`\nThe last flush sends to the disk:\n${recordLines(records)}`);
    yield out(orderLines(rules, recorded.value.barriers));
  }
  if (records.length === 0) return err("the commands left nothing to flush");
  if (wish.list) {
    if (wish.json) yield out(crashJson(plan.source, recorded.value, null, null));
    return ok(0);
  }
  return wish.cut === null ? yield* lookFor(wish, plan, recorded.value, handle, zoneSize) : yield* cutOnce(wish, plan, recorded.value, handle, zoneSize);
}

function orderLines(rules: readonly CrashRule[], barriers: boolean): string {
  const leftOut = rules.filter((rule) => rule.leftOut);
  if (leftOut.length === 0 && barriers) return "";
  const lines = leftOut.map((rule) => `  ${rule.mistake}: ${leftOutWords(rule, rules)}\n`);
  if (!barriers) lines.push("  no-barriers: Nothing asks the drive to make one write durable before the next, nor at the end.\n");
  return `\nThe order is wrong on purpose:\n${lines.join("")}`;
}

type Recorded = ReplyOf<"crashRecord">;

function* lookFor(wish: Wish, plan: Plan, recorded: Recorded, handle: number, zoneSize: number | null): Program<Result<number, string>> {
  const searched = yield* call("crashSearch", { handle, seed: wish.seed ?? 1, tries: wish.tries });
  if (!searched.ok) return err(explain(searched.error).why);
  const { tried, found } = searched.value;
  if (wish.json) yield out(crashJson(plan.source, recorded, found, tried));
  else if (found === null) yield out(`\n${tried} crashes were looked at. None loses anything that was flushed, and none shows what was never there.\n`);
  else yield out(`\n${tried} crash${tried === 1 ? " was" : "es were"} looked at. This one breaks a promise:\n${outcomeLines(found, recorded, zoneSize)}`);
  return ok(found === null ? 0 : 2);
}

function* cutOnce(wish: Wish, plan: Plan, recorded: Recorded, handle: number, zoneSize: number | null): Program<Result<number, string>> {
  const seed = wish.seed ?? 1;
  const cut = wish.cut === "random" ? null : wish.cut;
  const drawn = wish.keep === "random" || (wish.keep === null && (cut === null || wish.seed !== null));
  let kept: readonly CrashKept[] | null = null;
  if (!drawn) {
    if (cut === null) return err("--keep names records of a moment: name the moment with --cut N");
    const read = keptOf(wish.keep ?? "none", cut, recorded.records);
    if (!read.ok) return read;
    kept = read.value;
  }
  const outcome = yield* call("crashCut", { handle, cut, kept, seed });
  if (!outcome.ok) return err(explain(outcome.error).why);
  yield out(wish.json ? crashJson(plan.source, recorded, outcome.value, null) : `\n${outcomeLines(outcome.value, recorded, zoneSize)}`);
  return ok(outcome.value.losses.length === 0 ? 0 : 2);
}

/** Reads "all", "none", or numbers as 3,5-7 and sectors of one as 4:0-2. */
export function keptOf(text: string, cut: number, records: readonly CrashRecord[]): Result<CrashKept[], string> {
  if (text === "none" || text === "") return ok([]);
  if (text === "all") return ok(pendingAt(records, cut).map(({ record }) => ({ record, sectors: null })));
  const whole = new Set<number>();
  const torn = new Map<number, Set<number>>();
  for (const item of text.split(",")) {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(item);
    const sectors = /^(\d{1,6}):(\d{1,6})(?:-(\d{1,6}))?$/.exec(item);
    if (match === null && sectors === null) return err(`--keep cannot read '${item}': numbers as 3,5-7, and sectors as 4:0-2`);
    const [from, to] = match === null ? [Number(sectors![2]), Number(sectors![3] ?? sectors![2])] : [Number(match[1]), Number(match[2] ?? match[1])];
    if (to < from || to - from > 100_000) return err(`--keep cannot read '${item}': from the lower number to the higher`);
    const into = match === null ? (torn.get(Number(sectors![1])) ?? new Set<number>()) : whole;
    for (let value = from; value <= to; value++) into.add(value);
    if (sectors !== null) torn.set(Number(sectors[1]), into);
  }
  const kept: CrashKept[] = [...whole].map((record) => ({ record, sectors: null }));
  for (const [record, sectors] of torn) if (!whole.has(record)) kept.push({ record, sectors: [...sectors].sort((a, b) => a - b) });
  return ok(kept.sort((a, b) => a.record - b.record));
}

