/** The rule for names in the browser's library, and problems with names as values. Knows no file system. */
import type { FileProblem } from "./file-space.ts";

const LONGEST_NAME = 200;
/** A file of the person's machine is opened by a name that begins so; no library file's may. */
const DROPPED_PREFIX = "dropped:";

export function fileProblem(code: FileProblem["code"], file: string, detail?: string): FileProblem {
  return detail === undefined ? { kind: "file", code, file } : { kind: "file", code, file, detail };
}

/** A problem "bad-name" with what is wrong with the name, or null for a name that a library file can have. */
export function libraryNameProblem(name: string): FileProblem | null {
  const detail = wrongWith(name);
  return detail === null ? null : fileProblem("bad-name", name, detail);
}

function wrongWith(name: string): string | null {
  if (name.length === 0) return "a name has at least one character";
  if (name.length > LONGEST_NAME) return `a name has at most ${LONGEST_NAME} characters`;
  if (name === "." || name === "..") return `"${name}" names a folder`;
  if (name.startsWith(DROPPED_PREFIX)) return `"${DROPPED_PREFIX}" is for files of this computer that were opened in place`;
  for (const character of name) {
    if (character === "/" || character === "\\") return "a name has no / and no \\";
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) return "a name has no control characters";
  }
  return null;
}
