/** A text that a program reads whole: a file of a shell's folder or of the library, within a bound. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { openFailureWords } from "./explain.ts";
import { call } from "./program.ts";
import type { Program } from "./program.ts";

/** What is wrong comes back in words. @param tooLong what is said of a file with more than `mostBytes` */
export function* readTextFile(file: string, mostBytes: number, tooLong: (lengthBytes: number) => string): Program<Result<string, string>> {
  const opened = yield* call("open", { file, readOnly: true, format: "raw" });
  if (!opened.ok) return err(openFailureWords(file, opened.error));
  const { handle, facts } = opened.value;
  const length = facts.image.fileSize;
  const read = length > mostBytes ? null : yield* call("read", { handle, offset: 0, length, pattern: null, wantData: true });
  yield* call("close", { handle });
  if (read === null) return err(tooLong(length));
  if (!read.ok) return err(openFailureWords(file, read.error));
  return ok(new TextDecoder().decode(read.value.data ?? new Uint8Array(0)));
}
