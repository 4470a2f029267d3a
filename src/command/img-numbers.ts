/** Sizes in qemu-img's options, with its words for what is none. */
import { imgError } from "./img-words.ts";
import { integer } from "./format.ts";
import type { Program } from "./program.ts";
import { parseSize } from "./sizes.ts";

const INT64_END = 2 ** 63;

/** A size from `min` to `max`; null after what is wrong with it was printed. @param name what it is called there, e.g. "rate limit" */
export function* imgSizeGiven(name: string, text: string, min = 0, max = INT64_END): Program<number | null> {
  const parsed = parseSize(text);
  if (!parsed.ok && parsed.error === "invalid") {
    yield imgError(`Invalid ${name} specified. You may use k, M, G, T, P or E suffixes for`);
    yield imgError("kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.");
    return null;
  }
  if (parsed.ok && parsed.value >= min && parsed.value <= max && parsed.value < INT64_END) return parsed.value;
  yield imgError(`Invalid ${name} specified. Must be between ${min} and ${max === INT64_END ? "9223372036854775807" : integer(max)}.`);
  return null;
}
