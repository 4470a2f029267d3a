/**
 * The same commands under every profile, each on a scratch device of its own, and for each pair of profiles the first command at
 * which they part: by what was printed, by which rule refused, or by what became of any zone. Data only; profile-table.ts
 * prints it.
 *
 * Source: zone semantics, "Other profiles".
 */
import type { Condition } from "../base/conditions.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { PROFILE_NAMES } from "../protocol/index.ts";
import type { CallName, CreateOptions, Failure, ProfileName, ZoneColumns } from "../protocol/index.ts";
import { runIoCommand } from "./io-commands.ts";
import { sessionOver } from "./io-session.ts";
import type { IoSession } from "./io-session.ts";
import { call } from "./program.ts";
import type { Program } from "./program.ts";

/** One command of a script. */
export interface ScriptCommand {
  /** Line of the script, from 1. */
  readonly line: number;
  readonly argv: readonly string[];
}

/** How a command went under one profile. */
export interface ProfileAnswer {
  readonly profile: ProfileName;
  /** The line of its output that tells the two apart, else its first; empty where it printed nothing. */
  readonly text: string;
  readonly succeeded: boolean;
  /** The code of the refusal, or the kind of another failure; null when nothing was refused. */
  readonly refusal: string | null;
  /** The zone that tells the two apart, else the one that the command was about, as it is afterwards; null for none. */
  readonly zone: { readonly zone: number; readonly condition: Condition; readonly writePointer: number } | null;
}

export interface Parting {
  readonly line: number;
  readonly command: string;
  readonly answers: readonly [ProfileAnswer, ProfileAnswer];
}

export interface ProfilePair {
  readonly profiles: readonly [ProfileName, ProfileName];
  /** null when all answers were the same. */
  readonly parting: Parting | null;
}

export interface Comparison {
  /** The scratch devices. */
  readonly options: CreateOptions;
  readonly commandCount: number;
  /** Profiles that cannot have such a device. */
  readonly leftOut: readonly { readonly profile: ProfileName; readonly failure: Failure }[];
  readonly pairs: readonly ProfilePair[];
}

/** Calls that are about the zone of their offset. */
const CHANGING: ReadonlySet<CallName> = new Set<CallName>(["write", "writeZeroes", "discard", "manage", "append"]);

interface Contender {
  readonly profile: ProfileName;
  readonly session: IoSession;
}

/** What a command did, before it is held against another profile's. */
interface Reply {
  readonly profile: ProfileName;
  readonly output: readonly string[];
  readonly succeeded: boolean;
  readonly failure: Failure | null;
  /** The zone that the command was about, null for none. */
  readonly about: number | null;
  readonly zones: ZoneColumns;
}

/**
 * Runs the commands under all profiles.
 * @param options a zoned device's
 * @returns the failure when no scratch device can be made at all, or one that is no refusal of a command
 */
export function* compareProfiles(commands: readonly ScriptCommand[], options: CreateOptions): Program<Result<Comparison, Failure>> {
  const contenders: Contender[] = [];
  const leftOut: { profile: ProfileName; failure: Failure }[] = [];
  for (const profile of PROFILE_NAMES) {
    const made = yield* call("scratch", { options, profile });
    // The clock stands still, so that no two answers differ by the time they took.
    if (made.ok) contenders.push({ profile, session: sessionOver(made.value.handle, "", () => 0) });
    else leftOut.push({ profile, failure: made.error });
  }
  const compared = contenders.length === 0 ? err(leftOut[0]!.failure) : yield* partings(commands, contenders, options.zoned?.zoneSize ?? 0);
  for (const { session } of contenders) if (session.disk !== null) yield* call("close", { handle: session.disk.handle });
  return compared.ok ? ok({ options, commandCount: commands.length, leftOut, pairs: compared.value }) : compared;
}

function* partings(commands: readonly ScriptCommand[], contenders: readonly Contender[], zoneSize: number): Program<Result<ProfilePair[], Failure>> {
  const pairs = contenders.flatMap((a, index) =>
    contenders.slice(index + 1).map((b) => ({ profiles: [a.profile, b.profile] as const, parting: null as Parting | null })),
  );
  for (const command of commands) {
    const open = pairs.filter((pair) => pair.parting === null);
    if (open.length === 0) break;
    const replies = new Map<ProfileName, Reply>();
    for (const contender of contenders) {
      if (!open.some(({ profiles }) => profiles.includes(contender.profile))) continue;
      const reply = yield* replyOf(contender, command.argv, zoneSize);
      if (!reply.ok) return reply;
      replies.set(contender.profile, reply.value);
    }
    for (const pair of open) {
      const answers = part(replies.get(pair.profiles[0])!, replies.get(pair.profiles[1])!);
      if (answers !== null) pair.parting = { line: command.line, command: command.argv.join(" "), answers };
    }
  }
  return ok(pairs);
}

/** Runs one command, its output kept instead of printed and its calls looked at as they pass. */
function* replyOf({ profile, session }: Contender, argv: readonly string[], zoneSize: number): Program<Result<Reply, Failure>> {
  let printed = "";
  let failure: Failure | null = null;
  let about: number | null = null;
  const running = runIoCommand(session, argv);
  let next = running.next();
  while (next.done !== true) {
    const step = next.value;
    if (step.step === "print") {
      if (step.stream !== "explain") printed += step.text;
      next = running.next();
      continue;
    }
    const reply: unknown = yield step;
    if (step.step === "call") {
      const outcome = reply as Result<unknown, Failure>;
      if (CHANGING.has(step.name)) about ??= Math.floor((step.request as { offset: number }).offset / zoneSize);
      if (!outcome.ok) failure ??= outcome.error;
    }
    next = running.next(reply);
  }
  if (failure?.kind === "zone" && failure.zone !== null) about = failure.zone;
  const snapshot = yield* call("watch", { handle: session.disk?.handle ?? 0 });
  if (!snapshot.ok) return snapshot;
  const { zones } = snapshot.value;
  if (zones === null) return err({ kind: "unsupported", feature: "profiles of a disk without zones" });
  const output = printed.split("\n").slice(0, printed.endsWith("\n") ? -1 : undefined);
  return ok({ profile, output, succeeded: next.value, failure, about, zones });
}

/** The two answers when they are not the same, else null. */
function part(a: Reply, b: Reply): readonly [ProfileAnswer, ProfileAnswer] | null {
  const line = firstDifference(Math.max(a.output.length, b.output.length), (index) => a.output[index] === b.output[index]);
  const zone = differingZone(a, b);
  if (line === null && zone === null && a.succeeded === b.succeeded && codeOf(a.failure) === codeOf(b.failure)) return null;
  const shown = zone ?? a.about ?? b.about;
  return [answerOf(a, line ?? 0, shown), answerOf(b, line ?? 0, shown)];
}

/** The zone that became something else, the one that the command was about first; null when all are the same. */
function differingZone(a: Reply, b: Reply): number | null {
  const same = (zone: number): boolean => a.zones.condition[zone] === b.zones.condition[zone] && a.zones.writePointer[zone] === b.zones.writePointer[zone];
  if (a.about !== null && !same(a.about)) return a.about;
  return firstDifference(a.zones.condition.length, same);
}

function firstDifference(count: number, same: (index: number) => boolean): number | null {
  for (let index = 0; index < count; index++) if (!same(index)) return index;
  return null;
}

function answerOf(reply: Reply, line: number, zone: number | null): ProfileAnswer {
  const { profile, output, succeeded, failure, zones } = reply;
  const known = zone !== null && zone >= 0 && zone < zones.condition.length;
  return {
    profile,
    text: output[line] ?? "",
    succeeded,
    refusal: codeOf(failure),
    zone: known ? { zone, condition: zones.condition[zone] as Condition, writePointer: zones.writePointer[zone]! } : null,
  };
}

const codeOf = (failure: Failure | null): string | null => (failure === null ? null : failure.kind === "zone" ? failure.code : failure.kind);
