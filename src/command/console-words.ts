/**
 * The words of a console line, without what a line that was copied out of a mail or a terminal has around the command: a prompt,
 * `sudo`, the folder of a program. And of a word that names nothing here, what was probably meant.
 */
import { ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { GUEST_WORDS } from "./guest-line.ts";
import { IO_COMMANDS, findIoCommand } from "./io-commands.ts";
import { PROGRAMS, findProgram } from "./programs.ts";
import { splitShellLine, withoutPrompt } from "./tokenizer.ts";
import type { OpenQuote } from "./tokenizer.ts";

/** This program's own name, which a line may begin with as in a shell. */
export const OWN_NAME = "zonescope";

const isName = (word: string): boolean => findProgram(word) !== null || findIoCommand(word) !== null;

/** A program's name out of its path, "./build/qemu-img"; any other word as it is. */
function withoutFolder(word: string): string {
  const last = word.slice(word.lastIndexOf("/") + 1);
  return last !== word && (last === OWN_NAME || findProgram(last) !== null) ? last : word;
}

/** Splits a line as a shell does; the first word is the program's or the command's name, if it is one that is known. */
export function wordsOfLine(line: string): Result<string[], OpenQuote> {
  const split = splitShellLine(line);
  if (!split.ok) return split;
  const isKnown = (word: string): boolean => isName(withoutFolder(word)) || withoutFolder(word) === OWN_NAME;
  let words = withoutPrompt(split.value, isKnown);
  if (words.length > 0) words = [withoutFolder(words[0]!), ...words.slice(1)];
  return ok(words[0] === OWN_NAME ? words.slice(1) : words);
}

/** Of a line that is a comment and looks like one copied with the superuser's prompt: the name behind it; null of any other. */
export function commentedName(line: string): string | null {
  const behind = /^\s*#\s+(?:sudo\s+)?(\S+)/.exec(line)?.[1];
  const name = behind === undefined ? null : withoutFolder(behind);
  return name !== null && (name === OWN_NAME || findProgram(name) !== null) ? name : null;
}

/** Words that people bring from elsewhere. */
const MEANT: Readonly<Record<string, string>> = { append: "zone_append", report: "zone_report", reset: "zone_reset", finish: "zone_finish", fio: "workload", trim: "discard", man: "help" };

/** The name that is nearest to a word, where one is near enough to have been meant; null where none is. */
export function nearestName(word: string): string | null {
  if (Object.hasOwn(MEANT, word)) return MEANT[word]!;
  const names = [...PROGRAMS.map(({ name }) => name), ...IO_COMMANDS.filter(({ needs }) => needs !== "own-session").map(({ name }) => name), ...GUEST_WORDS, "help", "set"];
  const most = word.length < 4 ? 0 : word.length < 7 ? 1 : 2;
  let [nearest, least] = [null as string | null, most + 1];
  for (const name of new Set(names)) {
    const far = distance(word, name, least);
    if (far < least) [nearest, least] = [name, far];
  }
  return nearest;
}

/** How many letters are to be added, left out, changed or swapped with their neighbour; `limit` where it is that or more. */
function distance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) >= limit) return limit;
  const rows = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= from.length; row++) {
    const line = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let least = Math.min(rows[row - 1]![column]! + 1, line[column - 1]! + 1, rows[row - 1]![column - 1]! + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) least = Math.min(least, rows[row - 2]![column - 2]! + 1);
      line.push(least);
    }
    rows.push(line);
  }
  return Math.min(rows[from.length]![to.length]!, limit);
}
