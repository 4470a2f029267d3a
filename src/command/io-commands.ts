/**
 * The table of qemu-io's commands, and all that derives from it: dispatch, completion, help. Only what the engine can do whole
 * stands in it.
 */
import { getopt, mistakeWords } from "./getopt.ts";
import type { GivenOptions } from "./getopt.ts";
import { alloc, info, length, map } from "./io-file.ts";
import { breakAt, removeBreak, resume, waitBreak } from "./io-breaks.ts";
import { abort, sigraise, sleep } from "./io-debug.ts";
import { close, open, qemuIoError, quit } from "./io-open.ts";
import { aioRead, read, readv } from "./io-read.ts";
import { truncate } from "./io-truncate.ts";
import { reopen } from "./io-reopen.ts";
import type { IoArguments, IoCommand, IoMore, IoSession } from "./io-session.ts";
import { aioDiscard, aioFlush, aioWrite, discard, flush, write, writev } from "./io-write.ts";
import { zoneAppend, zoneClose, zoneFinish, zoneOpen, zoneReport, zoneReset } from "./io-zones.ts";
import { errorOut, out } from "./program.ts";
import type { Program } from "./program.ts";

const help: IoCommand = {
  name: "help",
  alias: "?",
  min: 0,
  max: 1,
  shorts: null,
  args: "[command]",
  oneline: "help for one or all commands",
  more: null,
  needs: "nothing",
  writes: false,
  *run(session, args) {
    const name = args.words[0];
    if (name === undefined) {
      yield out(`${helpOfAll(session.ownsDisk)}\nUse 'help commandname' for extended help.\n`);
      return "ok";
    }
    const text = helpOf(name);
    yield out(text ?? `command ${name} not found\n`);
    return text === null ? "failed" : "ok";
  },
};

/** Every command, in the order in which help lists them. */
export const IO_COMMANDS: readonly IoCommand[] = [
  abort,
  aioDiscard,
  aioFlush,
  aioRead,
  aioWrite,
  alloc,
  breakAt,
  close,
  discard,
  flush,
  help,
  info,
  length,
  map,
  open,
  quit,
  read,
  readv,
  removeBreak,
  reopen,
  resume,
  sigraise,
  sleep,
  truncate,
  waitBreak,
  write,
  writev,
  zoneAppend,
  zoneClose,
  zoneFinish,
  zoneOpen,
  zoneReport,
  zoneReset,
];

const BY_NAME: ReadonlyMap<string, IoCommand> = new Map(
  IO_COMMANDS.flatMap((command) => [[command.name, command] as const, ...(command.alias === null ? [] : [[command.alias, command] as const])]),
);

export const findIoCommand = (name: string): IoCommand | null => BY_NAME.get(name) ?? null;

/** "read [-abCqrv] … -- reads a number of bytes at a specified offset\n"; under the name that was asked for. */
function oneline(command: IoCommand, name: string): string {
  return `${name} ${command.args === null ? "" : `${command.args} `}-- ${command.oneline}\n`;
}

/** One line per command; without those that only a session of its own image has, for the console. */
export function helpOfAll(withOwnSession: boolean): string {
  return IO_COMMANDS.filter((command) => withOwnSession || command.needs !== "own-session")
    .map((command) => oneline(command, command.name))
    .join("");
}

/** The help of one command by name or alias; null if there is no such command. */
function helpOf(name: string): string | null {
  const command = findIoCommand(name);
  return command === null ? null : oneline(command, name) + (command.more === null ? "" : moreHelp(command.more));
}

function moreHelp({ says, example, does, options }: IoMore): string {
  const letters = new Map<string, string>();
  for (const [letter, meaning] of Object.entries(options)) letters.set(meaning, `${letters.get(meaning) ?? ""} -${letter},`);
  const lines = [...letters].map(([meaning, spelled]) => `${spelled} -- ${meaning}\n`).join("");
  return `\n ${says}\n\n Example:\n '${example}' - ${does}\n\n${lines}${lines === "" ? "" : "\n"}`;
}

const NO_OPTIONS: GivenOptions["options"] = [];

class Arguments implements IoArguments {
  readonly name: string;
  readonly given: GivenOptions;
  constructor(name: string, given: GivenOptions) {
    this.name = name;
    this.given = given;
  }
  get words(): readonly string[] {
    return this.given.words;
  }
  has(flag: string): boolean {
    return this.given.options.some((option) => option.flag === flag);
  }
  value(flag: string): string | null {
    return this.given.options.findLast((option) => option.flag === flag)?.value ?? null;
  }
}

/** Runs one command of the table on a session; true if it went well. No words at all is a command that does nothing. */
export function* runIoCommand(session: IoSession, argv: readonly string[]): Program<boolean> {
  const name = argv[0];
  if (name === undefined) return true;
  const command = BY_NAME.get(name);
  if (command === undefined) {
    yield errorOut(`command "${name}" not found\n`);
    return false;
  }
  if (command.needs === "disk" && session.disk === null) {
    yield errorOut("no file open, try 'help open'\n");
    return false;
  }
  if (command.needs === "own-session" && !session.ownsDisk) {
    yield errorOut(`${name} is not for the attached image: it stays open\n`);
    return false;
  }
  const count = argv.length - 1;
  if (count < command.min || (command.max !== -1 && count > command.max)) {
    yield errorOut(`bad argument count ${count} to ${name}, expected ${arity(command)} arguments\n`);
    return false;
  }
  if (command.writes && session.disk?.facts?.image.readOnly === true) {
    yield qemuIoError("Block node is read-only");
    return false;
  }
  let given: GivenOptions;
  if (command.shorts === null) given = { options: NO_OPTIONS, words: argv.slice(1) };
  else {
    const parsed = getopt(argv.slice(1), command.shorts);
    if (!parsed.ok) {
      yield errorOut(`${name}: ${mistakeWords(parsed.error)}\n`);
      yield out(oneline(command, command.name));
      return false;
    }
    given = parsed.value;
  }
  const end = yield* command.run(session, new Arguments(name, given));
  if (end === "usage") yield out(oneline(command, command.name));
  return end === "ok";
}

function arity(command: IoCommand): string {
  if (command.max === -1) return `at least ${command.min}`;
  return command.min === command.max ? `${command.min}` : `between ${command.min} and ${command.max}`;
}
