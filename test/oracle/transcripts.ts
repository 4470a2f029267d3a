/**
 * Transcripts of sessions with the patched builds: what was run and what it answered. A line "$ …" is a command, the lines up to
 * "[exit N]" its answer; "# patched header ext FIELD=N" says that the extension's field was set to N in the file at that moment. A
 * file NAME.ours.txt has the commands of NAME.txt that are answered otherwise here, each behind a line "# …" that says why.
 */
import { existsSync, readFileSync } from "node:fs";
import { splitShellLine } from "../../src/command/tokenizer.ts";

export interface Process {
  readonly argv: readonly string[];
  /** Lines printed, standard output and error together, times masked. */
  readonly answer: readonly string[];
  readonly status: number;
}

export interface HeaderPatch {
  readonly field: "max_active" | "max_open";
  readonly value: number;
}

export type Entry = Process | HeaderPatch;

const fileOf = (name: string): URL => new URL(`./data/transcripts/${name}.txt`, import.meta.url);

/** Whether anything of a transcript is answered otherwise here. */
export const hasDepartures = (name: string): boolean => existsSync(fileOf(`${name}.ours`));

/** @param name a file of data/transcripts without its ending */
export function readTranscript(name: string): Entry[] {
  const lines = readFileSync(fileOf(name), "utf8").trimEnd().split("\n");
  const entries: Entry[] = [];
  for (let at = 0; at < lines.length; at++) {
    const patch = /^# patched header ext (max_active|max_open)=(\d+) /.exec(lines[at]!);
    if (patch !== null) entries.push({ field: patch[1] as HeaderPatch["field"], value: Number(patch[2]) });
    if (!lines[at]!.startsWith("$ ")) continue;
    const split = splitShellLine(lines[at]!.slice(2));
    if (!split.ok) throw new Error(`${name}, line ${at + 1}: a quote is not closed`);
    const answer: string[] = [];
    while (!lines[++at]!.startsWith("[exit ")) answer.push(lines[at]!);
    entries.push({ argv: split.value, answer, status: Number(lines[at]!.slice(6, -1)) });
  }
  return entries;
}

const FIELDS = { 48: { max_active: 20, max_open: 24 }, 56: { max_active: 28, max_open: 32 } } as const;

/** Sets a field of the zoned extension in an image's bytes, found by walking the header extensions. */
export function patchExtension(image: Buffer, { field, value }: HeaderPatch): void {
  let at = image.readUInt32BE(100);
  while (image.readUInt32BE(at) !== 0x007a6264) at += 8 + Math.ceil(image.readUInt32BE(at + 4) / 8) * 8;
  image.writeUInt32BE(value, at + 8 + FIELDS[image.readUInt32BE(at + 4) as 48 | 56][field]);
}
