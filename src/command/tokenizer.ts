/**
 * From a line to words. A console line is split as a shell would (quotes, backslash, comment); a command given to qemu-io is
 * split at spaces alone, which is all that qemu-io knows. No expansion of any kind: a name is what was typed.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";

/** A quote that was opened and not closed. `column` counts from 0. */
export interface OpenQuote {
  readonly code: "open-quote";
  readonly quote: "'" | '"';
  readonly column: number;
}

const isSpace = (character: string): boolean => character === " " || character === "\t" || character === "\n" || character === "\r";

/** Splits a console line as a shell does; an empty or comment-only line has no words. */
export function splitShellLine(line: string): Result<string[], OpenQuote> {
  const words: string[] = [];
  // null between words; a quoted empty string is a word.
  let word: string | null = null;
  let index = 0;
  while (index < line.length) {
    const character = line[index]!;
    if (isSpace(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (character === "#" && word === null) {
      break;
    } else if (character === "\\") {
      index++;
      word = (word ?? "") + (line[index] ?? "");
    } else if (character === "'" || character === '"') {
      const close = closingQuote(line, index + 1, character);
      if (close === -1) return err({ code: "open-quote", quote: character, column: index });
      const inside = line.slice(index + 1, close);
      word = (word ?? "") + (character === '"' ? unescape(inside) : inside);
      index = close;
    } else {
      word = (word ?? "") + character;
    }
    index++;
  }
  if (word !== null) words.push(word);
  return ok(words);
}

function closingQuote(line: string, from: number, quote: "'" | '"'): number {
  for (let index = from; index < line.length; index++) {
    if (line[index] === quote) return index;
    if (quote === '"' && line[index] === "\\") index++;
  }
  return -1;
}

/** Within double quotes a backslash is special only before a double quote, a backslash, a dollar sign and a backtick. */
const unescape = (text: string): string => text.replace(/\\(["\\$`])/g, "$1");

/** Splits a qemu-io command at spaces; tabs, quotes and # are ordinary characters there. */
export function splitIoCommand(line: string): string[] {
  const words: string[] = [];
  let start = 0;
  for (let index = 0; index <= line.length; index++) {
    if (index < line.length && line.charCodeAt(index) !== 32) continue;
    if (index > start) words.push(line.slice(start, index));
    start = index + 1;
  }
  return words;
}

/** Ends as a prompt does: "$", "user@host:~$", "root@host:~#", "qemu-io>". A "#" alone begins a comment. */
const PROMPT = /^(?:.*[$%>]|.+#)$/;

/** The words of a line without the prompt and the `sudo` in front of a command; those of any other line as they are. */
export function withoutPrompt(words: readonly string[], isCommand: (word: string) => boolean): string[] {
  const isKnown = (from: number): boolean => words[from] !== undefined && isCommand(words[from]);
  // "[user@host ~]$" is two words.
  const prompt = words[0]?.startsWith("[") === true && words[1]?.startsWith("[") === false ? 2 : 1;
  const behind = PROMPT.test(words[prompt - 1] ?? "") && (isKnown(prompt) || (words[prompt] === "sudo" && isKnown(prompt + 1))) ? prompt : 0;
  return words.slice(words[behind] === "sudo" && isKnown(behind + 1) ? behind + 1 : behind);
}
