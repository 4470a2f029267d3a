/** Numbers as QEMU's programs print them. All of it is output that scripts compare, so rounding is C's: to nearest, ties to even. */

const IO_UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const IMG_UNITS = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** printf's "%.<digits>f". */
export function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  // toFixed rounds a tie up; a tie can only be where the value times 2^(digits + 1) is whole, and there the product is exact.
  if (!Number.isInteger(value * 2 ** (digits + 1))) return text;
  const scaled = value * 10 ** digits;
  const below = Math.floor(scaled);
  if (scaled - below !== 0.5) return text;
  return ((below % 2 === 0 ? below : below + 1) / 10 ** digits).toFixed(digits);
}

/** An integer with all its digits; beyond 2^53 String() would round them away. */
export const integer = (value: number): string => (Number.isSafeInteger(value) ? String(value) : BigInt(Math.round(value)).toString());

/** Numbers below this are written to base 16 at once, larger ones slowly. */
const SMALL = 2 ** 31;
/** Six digits to base 16: of any number, what lies above them and below them is small. */
const LOW_DIGITS = 6;
const LOW_HEX = 16 ** LOW_DIGITS;

/** "0x1f"; beyond 2^53 too. A list has them by the million: in two parts it takes a third of the time. */
export function hex(value: number): string {
  if (value < SMALL || !Number.isSafeInteger(value)) return `0x${value.toString(16)}`;
  return `0x${Math.floor(value / LOW_HEX).toString(16)}${(value % LOW_HEX).toString(16).padStart(LOW_DIGITS, "0")}`;
}

/** Bytes in qemu-io's words: "512 bytes", "4 KiB", "47.938 MiB". Rates too, which need not be whole. */
export function ioSize(value: number): string {
  let unit = -1;
  for (let index = IO_UNITS.length - 1; index >= 0 && unit === -1; index--) {
    if (value >= 2 ** (10 * (index + 1))) unit = index;
  }
  const text = unit === -1 ? fixed(value, 6) : fixed(value / 2 ** (10 * (unit + 1)), 3);
  const suffix = unit === -1 ? "bytes" : IO_UNITS[unit]!;
  const zeros = text.indexOf(".000");
  return `${zeros === -1 ? text : text.slice(0, zeros)} ${suffix}`;
}

/** Bytes in qemu-img's words: "768 MiB", "196 KiB", "1.5 GiB", "0 B". Three digits; a unit is left at 1000, not 1024. */
export function imgSize(value: number): string {
  let unit = 0;
  while (unit < IMG_UNITS.length - 1 && value / 2 ** (10 * unit) >= 1000) unit++;
  return `${threeDigits(value / 2 ** (10 * unit))} ${IMG_UNITS[unit]!}B`;
}

/** printf's "%.3g" for 0 and for 0.9 to 1000. */
function threeDigits(value: number): string {
  if (value === 0) return "0";
  const digits = value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0;
  const text = fixed(value, digits);
  if (text === "1000") return "1e+03";
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

/** "768 MiB (805306368 bytes)". */
export const imgSizeExact = (value: number): string => `${imgSize(value)} (${integer(value)} bytes)`;

/** An offset in our own sentences: "128.004 MiB (134221824)", "512". */
export function exact(value: number): string {
  return value < 1024 ? integer(value) : `${ioSize(value)} (${integer(value)})`;
}

/** A length in our own sentences: "4 KiB (4096 bytes)", "512 bytes". */
export function exactBytes(value: number): string {
  return value < 1024 ? counted(value, "byte") : `${ioSize(value)} (${integer(value)} bytes)`;
}

/** "1 zone", "3 zones". */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
