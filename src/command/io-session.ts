/**
 * What a qemu-io command works on: a session that holds the open disk, and the shape of a command. The program qemu-io makes a
 * session that opens and closes images itself; the console makes one over the image that is attached, and keeps it open.
 */
import type { DeviceFacts, Failure, ImageSource } from "../protocol/index.ts";
import type { Breakpoints } from "./io-breaks.ts";
import { explained } from "./explain.ts";
import { SNAPSHOT_L1 } from "./image-problem-words.ts";
import { USUAL_MODES } from "./io-modes.ts";
import type { IoModes } from "./io-modes.ts";
import { ioNumberWords, parseIoNumber, parsePattern } from "./sizes.ts";
import { call, errorOut, out } from "./program.ts";
import type { Program } from "./program.ts";
import { strerror } from "./strerror.ts";
import type { GivenOptions } from "./getopt.ts";

export interface IoDisk {
  readonly handle: number;
  readonly file: string;
  /** As the image was opened with them; null until somebody asks. */
  facts: DeviceFacts | null;
  /** As it was opened; absent where somebody else opened it. */
  readonly source?: ImageSource;
  /** Names and drivers that its nodes were given when it was opened, by the option that gave them. */
  readonly nodes?: ReadonlyMap<string, string>;
  readonly modes: IoModes;
  /** Of an image under a node blkdebug: its breakpoints. */
  readonly breaks?: Breakpoints;
}

export interface IoSession {
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
  /** null while no image is open. */
  disk: IoDisk | null;
  /** Whether the session opened the disk and so may close, open and reopen; false for the console's attached image. */
  readonly ownsDisk: boolean;
  /** Set by quit. */
  finished: boolean;
}

export const newSession = (now: () => number): IoSession => ({ now, disk: null, ownsDisk: true, finished: false });

export const sessionOver = (handle: number, file: string, now: () => number): IoSession => ({
  now,
  disk: { handle, file, facts: null, modes: USUAL_MODES },
  ownsDisk: false,
  finished: false,
});

/** A command's arguments with its options taken apart. */
export interface IoArguments {
  /** The name or alias that was typed. */
  readonly name: string;
  readonly given: GivenOptions;
  has(flag: string): boolean;
  /** The last value given for an option. */
  value(flag: string): string | null;
  /** What is no option. */
  readonly words: readonly string[];
}

/** How a command ended; "usage" prints its one-line usage and counts as failed. */
export type IoEnd = "ok" | "failed" | "usage";

/** What help says of a command beside its one line. */
export interface IoMore {
  readonly says: string;
  /** A line that can be typed, and what it does. */
  readonly example: string;
  readonly does: string;
  /** Each letter that getopt takes, with its meaning. */
  readonly options: Readonly<Record<string, string>>;
}

/** A row of the command table: dispatch, completion and help derive from it. */
export interface IoCommand {
  readonly name: string;
  readonly alias: string | null;
  /** Least and greatest number of arguments, options included; -1 for any. */
  readonly min: number;
  readonly max: number;
  /** getopt's letters; null for a command that has no options and takes every argument as a word. */
  readonly shorts: string | null;
  readonly args: string | null;
  readonly oneline: string;
  /** More, for `help NAME` and the command's page. */
  readonly more: IoMore | null;
  /** disk: an image must be open. own-session: the session must be one that opens its images itself. */
  readonly needs: "nothing" | "disk" | "own-session";
  /** Refused up front on an image opened for reading. */
  readonly writes: boolean;
  run(session: IoSession, args: IoArguments): Program<IoEnd>;
}

/** The disk of a command that needs one; dispatch has seen to it. */
export function diskOf(session: IoSession): IoDisk {
  if (session.disk === null) throw new Error("a command that needs a disk was run without one");
  return session.disk;
}

/** The facts of the open disk, asked for once. */
export function* factsOf(session: IoSession): Program<DeviceFacts | null> {
  const disk = diskOf(session);
  if (disk.facts !== null) return disk.facts;
  const outcome = yield* call("facts", { handle: disk.handle });
  if (outcome.ok) disk.facts = outcome.value;
  return disk.facts;
}

/** Refused because nobody knows where a snapshot's tables lie, which was asked to be held against. */
export const isUnguarded = (failure: Failure): boolean => failure.kind === "image" && failure.structure === SNAPSHOT_L1;

/** Prints a refusal as qemu-io does, `read failed: Input/output error`, and what this program adds. */
export function* printFailure(what: string, failure: Failure): Program<IoEnd> {
  // QEMU has counted the new clusters by then, and cannot store the counts either.
  if (isUnguarded(failure)) yield errorOut(`qemu-io: Failed to flush the refcount block cache: ${strerror(failure)}\n`);
  if (failure.kind === "usage" && failure.code === "read-only") yield errorOut("qemu-io: Block node is read-only\n");
  else yield out(`${what} failed: ${strerror(failure)}\n`);
  yield explained(failure);
  return "failed";
}

/** A size argument; null after its error was printed. */
export function* ioNumber(text: string): Program<number | null> {
  const parsed = parseIoNumber(text);
  if (parsed.ok) return parsed.value;
  yield out(`${ioNumberWords(text, parsed.error)}\n`);
  return null;
}

/** A -P argument; null after its error was printed. */
export function* ioPattern(text: string): Program<number | null> {
  const pattern = parsePattern(text);
  if (pattern === null) yield out(`${text} is not a valid pattern byte\n`);
  return pattern;
}
