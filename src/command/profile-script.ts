/** The commands that profiles are compared on: from a text file of qemu-io lines, or from the console's history. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { findIoCommand } from "./io-commands.ts";
import type { ScriptCommand } from "./profile-compare.ts";
import type { Program } from "./program.ts";
import { readTextFile } from "./text-file.ts";
import { splitIoCommand, splitShellLine, withoutPrompt } from "./tokenizer.ts";

const MAX_LINES = 10_000;
const MAX_BYTES = 64 * 1024;

/** Reads a script from a file, in a shell's folder or in the library; what is wrong comes back in words. */
export function* readScript(file: string): Program<Result<ScriptCommand[], string>> {
  const text = yield* readTextFile(file, MAX_BYTES, (length) => `${file} is ${length} bytes long; a script has at most ${MAX_BYTES}`);
  return text.ok ? parseScript(file, text.value) : text;
}

/** One command a line, as qemu-io takes it; empty lines and lines that start with # say nothing. A quit ends it. */
export function parseScript(file: string, text: string): Result<ScriptCommand[], string> {
  const lines = text.split("\n");
  if (lines.length > MAX_LINES) return err(`${file} has ${lines.length} lines; a script has at most ${MAX_LINES}`);
  const commands: ScriptCommand[] = [];
  for (const [index, line] of lines.entries()) {
    const argv = splitIoCommand(line.replace(/\r$/, ""));
    const name = argv[0];
    if (name === undefined || name.startsWith("#")) continue;
    const command = findIoCommand(name);
    if (command?.name === "quit") break;
    if (command === null) return err(`${file}, line ${index + 1}: "${name}" is no command of qemu-io`);
    if (command.needs === "own-session") return err(`${file}, line ${index + 1}: ${name} is not for scratch disks, which stay open`);
    commands.push({ line: index + 1, argv });
  }
  return commands.length > 0 ? ok(commands) : err(`${file} has no commands`);
}

/** The last commands of a history that were for the attached disk, oldest first and numbered anew; other lines are passed over. */
export function commandsOfHistory(history: readonly string[], count: number): ScriptCommand[] {
  const found: string[][] = [];
  for (let index = history.length - 1; index >= 0 && found.length < count; index--) {
    const split = splitShellLine(history[index]!);
    if (!split.ok) continue;
    const words = withoutPrompt(split.value, (word) => word === "zonescope" || findIoCommand(word) !== null);
    const argv = words[0] === "zonescope" ? words.slice(1) : words;
    const command = argv[0] === undefined ? null : findIoCommand(argv[0]);
    if (command !== null && command.needs === "disk") found.push(argv);
  }
  return found.reverse().map((argv, index) => ({ line: index + 1, argv }));
}
