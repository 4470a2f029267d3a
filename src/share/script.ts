/** What a link's script may be: lines of text within bounds. Knows nothing of commands: what a line does, the console decides. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { LinkProblem } from "./link-problem.ts";

/** Bounds of a link (product, "Links"). */
export const MOST_LINES = 10_000;
export const MOST_BYTES = 64 * 1024;

/** The script's lines; refused when it is too long or has characters that no line of text has. @param part where it came from */
export function checkScript(script: string, part: string): Result<readonly string[], LinkProblem> {
  const lengthBytes = new TextEncoder().encode(script).length;
  if (lengthBytes > MOST_BYTES) return err({ kind: "link", code: "too-long", part, found: lengthBytes, most: MOST_BYTES });
  // A newline at the end ends the last line and begins none.
  const lines = script === "" ? [] : script.replace(/\r?\n$/, "").split(/\r?\n/);
  if (lines.length > MOST_LINES) return err({ kind: "link", code: "too-many-lines", part, found: lines.length, most: MOST_LINES });
  const bad = lines.findIndex((line) => !isText(line));
  if (bad >= 0) return err({ kind: "link", code: "not-text", part, found: bad + 1 });
  return ok(lines);
}

/** Whether a line does something: one that is empty or begins with # is there to be read. */
export const isCommand = (line: string): boolean => !/^\s*(#|$)/.test(line);

/** Neither control characters nor those that turn the direction of text around, which would show another line than the one that runs. */
function isText(line: string): boolean {
  for (const character of line) {
    const code = character.codePointAt(0)!;
    if ((code < 0x20 && character !== "\t") || (code >= 0x7f && code < 0xa0)) return false;
    if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code === 0x2028 || code === 0x2029 || (code >= 0xd800 && code <= 0xdfff)) return false;
  }
  return true;
}
