/**
 * Numbers as QEMU's programs read them: sizes with a suffix (512, 0x4000000, 64M, 1.5G), byte patterns, plain counts.
 *
 * A size is an unsigned 64-bit number there and a double here: values beyond 2^53 lose their low bits, which no disk of this
 * program has (the limits that are promises), and they still compare as too large.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";

/** invalid: not a size at all. out-of-range: negative, or does not fit into 64 bits (or 63, where the caller says so). */
export type SizeProblem = "invalid" | "out-of-range";

const SUFFIXES = "bkmgtpe";
const UINT64_END = 2n ** 64n;
const INT64_END = 2 ** 63;

/** A size below 2^64: digits with an optional suffix b, k, M, G, T, P, E in either case; a fraction only with k and up; or 0x and hex digits. */
export function parseSize(text: string): Result<number, SizeProblem> {
  const hex = /^\s*\+?0[xX]([0-9a-fA-F]+)$/.exec(text);
  if (hex !== null) return below(BigInt(`0x${hex[1]!}`));
  // As QEMU 10: a negative number of bytes is out of range, with a suffix it is no size at all.
  if (/^\s*-\d+$/.test(text)) return err("out-of-range");
  const decimal = /^\s*\+?(\d*)(?:\.(\d*))?([bkmgtpeBKMGTPE])?$/.exec(text);
  if (decimal === null) return err("invalid");
  const whole = decimal[1]!;
  const fraction = decimal[2] ?? "";
  if (whole === "" && fraction === "") return err("invalid");
  const shift = 10 * Math.max(0, SUFFIXES.indexOf((decimal[3] ?? "b").toLowerCase()));
  const hasFraction = /[1-9]/.test(fraction);
  if (hasFraction && shift === 0) return err("invalid");
  const wholeValue = BigInt(whole === "" ? 0 : whole);
  // An integer part that does not fit before scaling is no number at all to QEMU; one that overflows by its suffix is too large.
  if (wholeValue >= UINT64_END) return err(shift === 0 ? "out-of-range" : "invalid");
  const multiplier = 1n << BigInt(shift);
  const part = hasFraction ? (BigInt(fraction) * multiplier) / 10n ** BigInt(fraction.length) : 0n;
  return below(wholeValue * multiplier + part);
}

const below = (value: bigint): Result<number, SizeProblem> => (value >= UINT64_END ? err("out-of-range") : ok(Number(value)));

/** A size as qemu-io's commands take it: below 2^63. */
export function parseIoNumber(text: string): Result<number, SizeProblem> {
  const parsed = parseSize(text);
  return parsed.ok && parsed.value >= INT64_END && !isInt64Max(text) ? err("out-of-range") : parsed;
}

/** 2^63 - 1 itself is allowed, and is 2^63 once it is a double. */
const isInt64Max = (text: string): boolean => /^\s*\+?(9223372036854775807[bB]?|0[xX]7[fF]{15})$/.test(text);

/** qemu-io's words for a size that it cannot take. */
export const ioNumberWords = (text: string, problem: SizeProblem): string =>
  problem === "invalid"
    ? `Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- ${text}`
    : `Parsing error: argument too large -- ${text}`;

/** An integer as C's strtol reads it with base 0 (decimal, 0x hex, 0 octal, sign), the whole text; null if it is none. */
export function parseInteger(text: string): number | null {
  // An empty text is zero to strtol.
  const match = /^\s*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9]\d*))?$/.exec(text);
  if (match === null) return null;
  const [, sign, hex, octal, decimal] = match;
  if (hex === undefined && octal === undefined && decimal === undefined) return text === "" ? 0 : null;
  const value = hex !== undefined ? parseInt(hex, 16) : octal !== undefined ? parseInt(octal, 8) : Number(decimal);
  return sign === "-" ? -value : value;
}

/** A byte pattern, 0 to 255; null if it is none. */
export function parsePattern(text: string): number | null {
  const value = parseInteger(text);
  return value === null || value < 0 || value > 255 ? null : value;
}
