/** The lengths that qemu-io's commands take: one, or a vector of them, each with its limit and its words. */
import { integer } from "./format.ts";
import { out } from "./program.ts";
import type { Program } from "./program.ts";
import { ioNumber } from "./io-session.ts";

export const SECTOR = 512;

/** qemu-io's words for an offset or a length that is no multiple of a sector where it has to be. */
export const notAligned = (value: number, name: "offset" | "count"): string => `${integer(value)} is not a sector-aligned value for '${name}'`;

/** The most that one request may carry: 2 GiB less a sector. */
const MAX_REQUEST = 2 ** 31 - 512;

/** A vector of lengths and their sum; null after the error was printed. */
export function* ioVector(words: readonly string[]): Program<{ lengths: number[]; total: number } | null> {
  const lengths: number[] = [];
  let total = 0;
  for (const word of words) {
    const length = yield* ioNumber(word);
    if (length === null) return null;
    if (length > MAX_REQUEST) {
      yield out(`Argument '${word}' exceeds maximum size ${MAX_REQUEST}\n`);
      return null;
    }
    if (total > MAX_REQUEST - length) {
      yield out(`The total number of bytes exceed the maximum size ${MAX_REQUEST}\n`);
      return null;
    }
    lengths.push(length);
    total += length;
  }
  return { lengths, total };
}

/** One length; null after the error was printed. `unless` names the option that lifts the limit, if there is one. */
export function* ioLength(word: string, unless: "" | " without -n", unlimited: boolean): Program<number | null> {
  const length = yield* ioNumber(word);
  if (length === null) return null;
  if (length > MAX_REQUEST && !unlimited) {
    yield out(`length cannot exceed ${MAX_REQUEST}${unless}, given ${word}\n`);
    return null;
  }
  return length;
}
