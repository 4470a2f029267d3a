/** Where the Hex tab is and what is typed into its boxes: rows under a scroller of bounded height, offsets and byte patterns read. */
import { parseSize } from "./units.ts";

/** The tallest that a scrolled box is made: far below what browsers lay out. */
export const MOST_PIXELS = 4_000_000;

/** A list of rows in a scroller: its height, and the way between rows and pixels, which is not one row each where there are too many. */
export interface RowScale {
  readonly height: number;
  rowAt(scrollTop: number): number;
  topOf(row: number): number;
}

/** @param boxHeight of the scroller, in pixels */
export function rowScale(rows: number, rowHeight: number, boxHeight: number): RowScale {
  const whole = rows * rowHeight;
  const height = Math.min(whole, MOST_PIXELS);
  const visible = Math.max(1, Math.floor(boxHeight / rowHeight));
  const lastTop = Math.max(0, rows - visible);
  const travel = Math.max(1, height - boxHeight);
  if (whole <= MOST_PIXELS) return { height, rowAt: (scrollTop) => Math.max(0, Math.min(lastTop, Math.floor(scrollTop / rowHeight))), topOf: (row) => row * rowHeight };
  return {
    height,
    rowAt: (scrollTop) => Math.max(0, Math.min(lastTop, Math.round((scrollTop / travel) * lastTop))),
    topOf: (row) => (Math.min(row, lastTop) / Math.max(1, lastTop)) * travel,
  };
}

/** An offset as it is typed: "0x10000", "64k", "1.5G", "128 s" in sectors, with "+" or "-" from where one is. null for none. */
export function parseOffset(text: string, from: number): number | null {
  const match = /^\s*([+-]?)\s*(.*?)\s*$/.exec(text);
  const sectors = /^(\d+)\s*s$/i.exec(match?.[2] ?? "");
  const size = sectors === null ? parseSize(match?.[2] ?? "") : Number(sectors[1]) * 512;
  if (size === null) return null;
  const offset = match?.[1] === "+" ? from + size : match?.[1] === "-" ? from - size : size;
  return Number.isSafeInteger(offset) && offset >= 0 ? offset : null;
}

/** What is searched: "hex" takes pairs of digits, else the text's UTF-8. null for nothing that can be searched, or more than a KiB. */
export function parseNeedle(text: string, hex: boolean): Uint8Array | null {
  const digits = text.replace(/\s|0x/gi, "");
  let bytes: Uint8Array;
  if (!hex) bytes = new TextEncoder().encode(text);
  else if (/^([0-9a-f]{2})+$/i.test(digits)) bytes = Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  else return null;
  return bytes.length > 0 && bytes.length <= 1024 ? bytes : null;
}

export const hexByte = (byte: number): string => byte.toString(16).padStart(2, "0");

/** Bytes as text for the clipboard: pairs of digits, sixteen a line. */
export function copiedText(data: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < data.length; at += 16) lines.push(Array.from(data.subarray(at, at + 16), hexByte).join(" "));
  return lines.join("\n");
}
