/**
 * One line of the page's console: the same programs as in a shell, and bare qemu-io commands on the image that is attached. A
 * line that names the attached image has it detached first and attached again after, so that it never has two users.
 *
 * Source: product, "The command language".
 */
import type { Perform } from "../protocol/index.ts";
import { CREATE_OPTION_NAMES } from "./create-options.ts";
import { SETTING_NAMES, SETTING_VALUES, SET_USAGE, newConsoleSettings, runSet } from "./console-settings.ts";
import type { ConsoleSettings } from "./console-settings.ts";
import { GUEST_USAGE, GUEST_WORDS, HELD, heldSecond, isGuestLine, runGuestLine } from "./guest-line.ts";
import type { GuestHost } from "./guest-line.ts";
import { IO_COMMANDS, findIoCommand, helpOfAll, runIoCommand } from "./io-commands.ts";
import { sessionOver } from "./io-session.ts";
import { NOT_LOADED, run } from "./program.ts";
import type { Program, Stream } from "./program.ts";
import { PROGRAMS, findProgram } from "./programs.ts";
import type { NamedProgram } from "./programs.ts";
import { OWN_NAME, commentedName, nearestName, wordsOfLine } from "./console-words.ts";

export interface ConsoleHost {
  readonly perform: Perform;
  write(text: string, stream: Stream): void;
  /** Milliseconds on a clock that only goes forward. */
  now(): number;
  sleep?(ms: number): Promise<void | "cancelled">;
  /** The image that bare commands act on. */
  attached(): { readonly handle: number; readonly file: string } | null;
  /** Flushes and closes the attached image. */
  detach(): Promise<void>;
  /** Opens an image and makes it the attached one. */
  attach(file: string): Promise<void>;
  /** Absent where there is no Linux to be had. */
  readonly guest?: GuestHost;
  /** What `set` changes. A host that lives for one line leaves it out, and the page's one console keeps it here. */
  readonly settings?: ConsoleSettings;
  /** Files of the person's computer that are open in place, by the names that commands know them by; absent where there are none. */
  opened?(): readonly string[];
  /** The lines that were run, oldest first, repeated ones as often; absent where none are kept. */
  history?(): readonly string[];
}

const UNDO = "A disk takes nothing back. The slider under Events goes back to look; a zone that was written is emptied by zone_reset.\n";

/** Of hosts that bring none. */
const pageSettings = newConsoleSettings();
const settingsOf = (host: ConsoleHost): ConsoleSettings => host.settings ?? pageSettings;

/** Runs a line; its status is what a shell would have as exit status. */
export async function runConsoleLine(line: string, host: ConsoleHost): Promise<{ status: number }> {
  const split = wordsOfLine(line);
  if (!split.ok) {
    host.write(`the quote ${split.error.quote} at column ${split.error.column + 1} is not closed\n`, "err");
    return { status: 2 };
  }
  const argv = split.value;
  const name = argv[0];
  if (name === undefined) {
    const commented = commentedName(line);
    if (commented !== null) write(host, `A line that begins with # is a comment. Leave the # out to run ${commented}.\n`, "explain");
    return { status: 0 };
  }
  if (name === "help" || name === "?") return { status: await help(argv.slice(1), host) };
  if (name === "set") {
    const { text, good } = runSet(argv.slice(1), settingsOf(host));
    if (text !== "") host.write(text, good ? "out" : "err");
    return { status: good ? 0 : 1 };
  }
  if (isGuestLine(name)) return { status: await runGuestLine(argv, host.guest, (text, stream) => write(host, text, stream)) };
  const program = findProgram(name);
  return { status: program !== null ? await runProgram(program, argv, host) : await runBare(argv, host) };
}

async function runProgram(program: NamedProgram, argv: readonly string[], host: ConsoleHost): Promise<number> {
  const attached = host.attached();
  const creates = program.name === "qemu-img" && argv[1] === "create";
  const made = creates ? createdFile(argv.slice(2)) : null;
  const detaches = attached !== null && program.keepsAttached !== true && names(argv, attached.file);
  const held = host.guest?.disks() ?? [];
  const taken = held.find((file) => program.keepsAttached !== true && names(argv, file));
  if (taken !== undefined || (held.length > 0 && made !== null)) {
    host.write(taken === undefined || taken === attached?.file ? HELD : heldSecond(taken), "err");
    return 1;
  }
  if (detaches) await host.detach();
  const opened = host.opened?.() ?? [];
  let status = 1;
  try {
    status = await pump(program.run(argv.slice(1), host), host);
  } finally {
    if (made !== null && status === 0) {
      if (attached !== null && !detaches) await host.detach();
      await host.attach(made);
    } else if (detaches) await host.attach(attached.file);
  }
  // Seen on the page without what is in front of it, it was typed so.
  const meant = status === 0 ? undefined : opened.find((file) => names(argv, file.slice(file.indexOf(":") + 1)));
  if (meant !== undefined) write(host, `The file that was opened is named ${meant} in commands.\n`, "explain");
  return status;
}

async function runBare(argv: readonly string[], host: ConsoleHost): Promise<number> {
  const attached = host.attached();
  if (findIoCommand(argv[0]!) !== null && attached === null) {
    host.write(`no image is attached: open one, or make one with "qemu-img create"\n`, "err");
    return 1;
  }
  if (findIoCommand(argv[0]!) === null) {
    host.write(`command "${argv[0]!}" not found; "help" lists all there are\n`, "err");
    if (argv[0] === "undo") write(host, UNDO, "explain");
    const meant = nearestName(argv[0]!);
    if (meant !== null) write(host, `Did you mean ${meant}? "help ${meant}" tells how it is used.\n`, "explain");
    return 1;
  }
  const session = sessionOver(attached!.handle, attached!.file, () => host.now());
  return (await pump(runIoCommand(session, argv), host)) ? 0 : 1;
}

function write(host: ConsoleHost, text: string, stream: Stream): void {
  if (stream !== "explain" || settingsOf(host).explain) host.write(text, stream);
}

function pump<Value>(program: Program<Value>, host: ConsoleHost): Promise<Value> {
  return run(program, host.perform, (text, stream) => write(host, text, stream), host.sleep === undefined ? {} : { sleep: (ms) => host.sleep!(ms) });
}

/** What may stand in front of a file's name: the protocol, and the driver of errors on demand with its rules. */
const IN_FRONT = /^(?:file:|blkdebug:[^:]*:)+/;

/** Whether a command line names a file: as a word, as part of an option or of a command handed over with -c, behind a protocol, or in JSON. */
function names(argv: readonly string[], file: string): boolean {
  const isFile = (piece: string): boolean => piece === file || piece.replace(IN_FRONT, "") === file;
  return argv.some((word) => isFile(word) || word.split(/[\s,=]+/).some(isFile) || (word.includes("json:") && word.split(/["']/).some(isFile)));
}

/** The file that `qemu-img create` makes, by what it takes as options with values. */
function createdFile(argv: readonly string[]): string | null {
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index]!;
    if (word === "--") return argv[index + 1] ?? null;
    if (!word.startsWith("-") || word === "-") return word;
    const takesNext = /^-[qu]*[fobF]$/.test(word) || word === "--object";
    if (takesNext) index++;
  }
  return null;
}

async function help(words: readonly string[], host: ConsoleHost): Promise<number> {
  if (words.length === 0) {
    const programs = PROGRAMS.map((program) => `${program.name} … -- ${program.oneline}\n`).join("");
    host.write(`Programs:\n${programs}\nOf the console:\n${SET_USAGE}${host.guest === undefined ? "" : `${GUEST_USAGE}\n`}\nOn the attached image:\n${helpOfAll(false)}\nUse 'help NAME' for more about one, as 'help write' or 'help qemu-img create'.\n`, "out");
    return 0;
  }
  if (words.length === 1 && words[0] === "qemu-img") {
    return await runProgram(findProgram("qemu-img")!, ["qemu-img", "--help"], host);
  }
  if (words.length === 1 && isGuestLine(words[0] ?? "")) {
    host.write(`${GUEST_USAGE}\n`, "out");
    return 0;
  }
  // The manual's words are many, and loaded when somebody asks.
  const manual = await import("./manual/manual.ts").catch(() => null);
  if (manual === null) {
    host.write(NOT_LOADED, "err");
    return 1;
  }
  const { findPage, pageText } = manual;
  const page = findPage(words);
  host.write(page === null ? `command ${words.join(" ")} not found\n` : pageText(page, words.at(-1)), page === null ? "err" : "out");
  return page === null ? 1 : 0;
}

/** What may stand in place of the last word of `text`, which may be empty. */
export function completions(text: string): string[] {
  const words = text.split(/\s+/);
  const last = words[words.length - 1] ?? "";
  const before = words.slice(0, -1).filter((word, index) => word !== "" && !(index === 0 && word === OWN_NAME));
  const [first] = before;
  const commands = IO_COMMANDS.filter((command) => command.needs !== "own-session").map((command) => command.name);
  const programs = PROGRAMS.map((program) => program.name);
  let candidates: readonly string[] = [];
  if (first === undefined) candidates = [...programs, ...commands, ...GUEST_WORDS, "set"];
  else if (first === "attach") candidates = before.length === 1 ? ["linux"] : [];
  else if (first === "help") candidates = before.length === 1 ? [...programs, ...commands, "set"] : before[1] === "qemu-img" ? (findProgram("qemu-img")?.words ?? []) : [];
  else if (first === "set") candidates = before.length === 1 ? SETTING_NAMES : before.length === 2 ? SETTING_VALUES : [];
  else if (before[before.length - 1] === "-o" && before[1] === "create") candidates = CREATE_OPTION_NAMES.map((name) => `${name}=`);
  else if (before[before.length - 1] === "-f") candidates = ["qcow2", "raw"];
  else if (before.length === 1) candidates = findProgram(first)?.words ?? [];
  return candidates.filter((candidate) => candidate.startsWith(last) && candidate !== last).sort();
}
