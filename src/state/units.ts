/** Numbers of bytes as this page shows and reads them: exact, in the units that the person chose, digits grouped. */
import { SECTOR_SIZE } from "../base/units.ts";
import { keep, readKept } from "./theme.ts";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const rough = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** A count with its digits grouped: 1,048,576. */
export const formatCount = (value: number): string => grouped.format(value);

/** Text with the digits of its decimal numbers grouped; parts of words, of names and of hexadecimal numbers stay as they are. */
export const groupDigits = (text: string): string => text.replace(/(?<![\w.-])\d{4,}(?![\w-]|\.\w)/g, (digits) => grouped.format(BigInt(digits)));

/** To a tenth: 1,234.5. */
export const formatRough = (value: number): string => rough.format(value);

/** A count and what is counted: "1 cluster", "1,024 clusters". */
export const counted = (count: number, noun: string): string => `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;

/** Exact: the largest unit in which the value is whole, e.g. "64 MiB", "65,540 KiB", "0". */
export function formatBytes(value: number): string {
  if (value === 0) return "0";
  let unit = 0;
  let left = value;
  while (unit < UNITS.length - 1 && left % 1024 === 0) {
    left /= 1024;
    unit++;
  }
  return `${grouped.format(left)} ${UNITS[unit]!}`;
}

/** What numbers of bytes are shown in, everywhere at once. "exact" takes the largest unit in which the number is whole. */
export type UnitChoice = "exact" | "bytes" | "kib" | "sectors" | "lba";

export const UNIT_CHOICES: readonly { readonly choice: UnitChoice; readonly name: string; readonly detail: string }[] = [
  { choice: "exact", name: "Auto", detail: "the largest unit that is exact, 64 MiB" },
  { choice: "bytes", name: "Bytes", detail: "67,108,864" },
  { choice: "kib", name: "KiB", detail: "65,536 KiB" },
  { choice: "sectors", name: "Sectors", detail: "131,072 s, of 512 bytes" },
  { choice: "lba", name: "LBA hex", detail: "0x20000, sectors in hexadecimal" },
];

/** A number of bytes in words. */
export type FormatBytes = (value: number) => string;

const fractional = new Intl.NumberFormat("en", { maximumFractionDigits: 9 });

/** How numbers of bytes are written under a choice. What is no whole number of sectors keeps its fraction, or is told in bytes. */
export function formatterOf(choice: UnitChoice): FormatBytes {
  switch (choice) {
    case "bytes":
      return (value) => `${grouped.format(value)} B`;
    case "kib":
      return (value) => `${fractional.format(value / 1024)} KiB`;
    case "sectors":
      return (value) => `${fractional.format(value / SECTOR_SIZE)} s`;
    case "lba":
      return (value) => (value % SECTOR_SIZE === 0 ? formatHex(value / SECTOR_SIZE) : `${grouped.format(value)} B`);
    default:
      return formatBytes;
  }
}

const UNITS_KEY = "zonescope.units";

export function loadUnitChoice(): UnitChoice {
  const kept = readKept(UNITS_KEY);
  return UNIT_CHOICES.find(({ choice }) => choice === kept)?.choice ?? "exact";
}

export const keepUnitChoice = (choice: UnitChoice): void => keep(UNITS_KEY, choice);

/** About: one decimal in the unit that suits the size, e.g. "1.4 GiB"; for sizes that nobody computes with. */
export function formatRoughBytes(value: number): string {
  let unit = 0;
  let left = value;
  while (unit < UNITS.length - 1 && left >= 1024) {
    left /= 1024;
    unit++;
  }
  return `${rough.format(left)} ${UNITS[unit]!}`;
}

export const formatHex = (value: number): string => `0x${value.toString(16)}`;

/** The shortest spelling that the command language reads back as the same number: 64M, 65540K, 512. */
export function commandSize(value: number): string {
  const suffixes = ["", "K", "M", "G", "T"];
  let unit = 0;
  let left = value;
  while (unit < suffixes.length - 1 && left !== 0 && left % 1024 === 0) {
    left /= 1024;
    unit++;
  }
  return `${left}${suffixes[unit]!}`;
}

const MULTIPLIERS: Readonly<Record<string, number>> = { "": 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4, p: 1024 ** 5 };

/** Reads "4k", "4 KiB", "1.5M", "0x1000" or "4096" as bytes; null when it is none of these or no whole number of bytes. */
export function parseSize(text: string): number | null {
  const trimmed = text.trim().toLowerCase().replaceAll(",", "");
  if (/^0x[0-9a-f]+$/.test(trimmed)) return safe(Number.parseInt(trimmed.slice(2), 16));
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtpb]?)(?:i?b)?$/.exec(trimmed);
  if (match === null) return null;
  return safe(Number(match[1]) * MULTIPLIERS[match[2]!]!);
}

const safe = (value: number): number | null => (Number.isSafeInteger(value) && value >= 0 ? value : null);

/** Reads a byte value, "205" or "0xcd"; null when it is not in 0 … 255. */
export function parseByte(text: string): number | null {
  const value = /^\s*(0x[0-9a-f]+|\d+)\s*$/i.test(text) ? Number(text.trim()) : Number.NaN;
  return Number.isInteger(value) && value >= 0 && value <= 255 ? value : null;
}

/** A share in percent, never rounded to nothing or to all. */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return "<1%";
  if (share < 1 && share > 0.99) return ">99%";
  return `${Math.round(share * 100)}%`;
}
