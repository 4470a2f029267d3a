/** What qemu-io prints behind an operation: bytes, operations and rates, for people or for programs, and a dump of the bytes. */
import { fixed, hex, integer, ioSize } from "./format.ts";

const NANOSECOND_MS = 1e-6;

/**
 * The report of one operation: two lines, or with `machine` (-C) one line of comma-separated numbers.
 *
 * @param verb "read", "wrote" or "discard"
 * @param asked bytes asked for; `done` is what was done of them
 */
export function operationReport(verb: string, elapsedMs: number, offset: number, asked: number, done: number, machine: boolean): string {
  // A clock may be too coarse to see an operation pass; a rate needs some time.
  const seconds = Math.max(elapsedMs, NANOSECOND_MS) / 1000;
  if (machine) return `${done},1,${duration(seconds, true)},${fixed(done / seconds, 3)},${fixed(1 / seconds, 3)}\n`;
  return (
    `${verb} ${done}/${asked} bytes at offset ${integer(offset)}\n` +
    `${ioSize(done)}, 1 ops; ${duration(seconds, false)} (${ioSize(done / seconds)}/sec and ${fixed(1 / seconds, 4)} ops/sec)\n`
  );
}

/** "00.03 sec" below a second, else hours:minutes:seconds; always the latter with `long`. */
function duration(seconds: number, long: boolean): string {
  if (!long && seconds < 1) return `${fixed(seconds, 2).padStart(5, "0")} sec`;
  const whole = Math.floor(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = String(Math.floor(whole / 60) % 60).padStart(2, "0");
  return `${hours}:${minutes}:${fixed((whole % 60) + (seconds - whole), 2).padStart(5, "0")}`;
}

const ROW = 16;
const BYTES_HEX = Array.from({ length: 256 }, (_, byte) => `${byte.toString(16).padStart(2, "0")} `);
const BYTES_TEXT = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /[0-9A-Za-z]/.test(character) ? character : ".";
});

/** Rows of 16 bytes: offset, hex, and letters and digits as they are. */
export function dump(data: Uint8Array, offset: number): string {
  let text = "";
  for (let row = 0; row < data.length; row += ROW) {
    const end = Math.min(row + ROW, data.length);
    let numbers = "";
    let letters = "";
    for (let index = row; index < end; index++) {
      numbers += BYTES_HEX[data[index]!]!;
      letters += BYTES_TEXT[data[index]!]!;
    }
    text += `${hex(offset + row).slice(2).padStart(8, "0")}:  ${numbers} ${letters}\n`;
  }
  return text;
}
