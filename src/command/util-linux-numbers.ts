/**
 * Numbers as util-linux's programs read them: sizes with a suffix (10, 0x80, 4K, 1.5MiB, 10KB) and plain counts. A suffix
 * multiplies whatever the number counts, so that `blkzone -o 4K` is sector 4096.
 *
 * Source: util-linux, strtosize() and strtou32_or_err() as documented in their comments and as blkzone 2.38.1 answers.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";

/** What follows `'TEXT'` in the message: nothing, or strerror's words behind a colon. */
export type NumberMistake = "" | ": Invalid argument" | ": Numerical result out of range";

const INVALID: NumberMistake = ": Invalid argument";
const OUT_OF_RANGE: NumberMistake = ": Numerical result out of range";
const UINT64_END = 2n ** 64n;
const UINT32_MAX = 2n ** 32n - 1n;
const LETTERS = "KMGTPEZY";

/** A size below 2^64: decimal, 0 octal or 0x hex; K, KiB (1024), KB (1000) and their larger kin; a fraction before a suffix only. */
export function parseUtilSize(text: string): Result<number, NumberMistake> {
  const match = /^\s*\+?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)(?:\.(\d*))?(?:([KMGTPEZYkmgtpezy])(i?[Bb])?)?$/.exec(text);
  if (match === null) return err(INVALID);
  const [, digits, fraction, letter, tail] = match;
  if (fraction !== undefined && letter === undefined) return err(INVALID);
  const whole = wholeOf(digits!);
  if (whole >= UINT64_END) return err(OUT_OF_RANGE);
  const base = tail !== undefined && tail.length === 1 ? 1000n : 1024n;
  const scale = letter === undefined ? 1n : base ** BigInt(LETTERS.indexOf(letter.toUpperCase()) + 1);
  const part = fraction === undefined || fraction === "" ? 0n : (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  const value = whole * scale + part;
  return value >= UINT64_END ? err(OUT_OF_RANGE) : ok(Number(value));
}

const wholeOf = (digits: string): bigint => BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);

/** A decimal count below 2^32. */
export function parseUtilCount(text: string): Result<number, NumberMistake> {
  if (text === "" || !/^\s*[+-]?\d+$/.test(text)) return err("");
  const value = BigInt(text.trim().replace("+", ""));
  return value < 0n || value > UINT32_MAX ? err(OUT_OF_RANGE) : ok(Number(value));
}
