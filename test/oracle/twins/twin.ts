/**
 * Twins: one folder of images, made by stock and damaged at will, is copied; the same commands run in one copy by stock and in the other by
 * this program, and both must say and leave the same. Each family of scripts (the other files here) draws one from a seed.
 */
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../../../src/base/random.ts";
import { inScratchFolder } from "../../../src/testing/stock.ts";
import { runOurs, runStock } from "../cli-harness.ts";
import type { Ran } from "../cli-harness.ts";
import { ENDLESS, knownDifference, lackOf, leftOtherwise, lieMovedAway, olderLeaves } from "./known.ts";

export interface Command {
  readonly program: "qemu-img" | "qemu-io";
  readonly argv: readonly string[];
}

/** What is done to the folder before it is copied. */
export type Preparation = Command | { readonly file: string; readonly damage: (bytes: Buffer) => Buffer };

export interface Script {
  readonly prepare: readonly Preparation[];
  readonly trial: readonly Command[];
  /** Images that are looked at in the end. */
  readonly images: readonly string[];
  /** Raw files stand below: holes of theirs, which stock's map tells, are taken for data. */
  readonly holes?: boolean;
  /** Raw files whose bytes are compared. */
  readonly raws?: readonly string[];
  /** Images whose features, extensions and backing name are compared. */
  readonly header?: readonly string[];
  /** Behind each command stock's check of the images is compared, not in the end alone. */
  readonly eachStep?: boolean;
}

export type Family = (random: Random) => Script;

export const img = (...argv: string[]): Command => ({ program: "qemu-img", argv });
/** One session of qemu-io. */
export const io = (flags: readonly string[], file: string, lines: readonly string[]): Command => ({ program: "qemu-io", argv: [...flags, ...lines.flatMap((line) => ["-c", line]), file] });

export interface Differences {
  /** Words are told apart too: for a stock program of version 10. */
  readonly words: boolean;
  /** Told of a difference that is stock's own, and known. */
  readonly known?: (what: string) => void;
  readonly log?: (line: string) => void;
}

/** @returns what differs, a sentence each */
export async function runTwins(script: Script, { words, log, known }: Differences): Promise<string[]> {
  return await inScratchFolder(async (folder) => {
    const [theirs, mine, probe] = [join(folder, "stock"), join(folder, "ours"), join(folder, "probe")] as const;
    mkdirSync(theirs);
    for (const step of script.prepare) {
      if ("damage" in step) {
        const path = join(theirs, step.file);
        writeFileSync(path, step.damage(readFileSync(path)));
      } else {
        const ran = runStock(theirs, step.program, step.argv);
        log?.(`prepare ${step.program} ${step.argv.join(" ")} -> ${ran.status} ${ran.err}`);
      }
    }
    cpSync(theirs, mine, { recursive: true });
    const findings: string[] = [];
    let knownAs: string | null = null;
    const told = (line: string, stock: Ran, ours: Ran): void => {
      log?.(`${line}\n  stock ${stock.status} ${stock.err}${stock.out}\n  ours  ${ours.status} ${ours.err}${ours.out}`);
      if (stock.status !== ours.status) findings.push(`${line}: stock ends with ${stock.status} (${text(stock)}), ours with ${ours.status} (${text(ours)})`);
      else if (words) findings.push(...difference(line, steady(stock, script), steady(ours, script)));
    };
    let ranOtherwise: string | null = null;
    const compare = async (command: Command): Promise<void> => {
      const [stock, ours] = [runStock(theirs, command.program, command.argv), await runOurs(mine, command.program, command.argv)];
      const before = findings.length;
      told(`${command.program} ${command.argv.join(" ")}`, stock, ours);
      if (findings.length > before) knownAs = knownDifference(command, stock, ours);
      if (knownAs !== null) findings.length = before;
      ranOtherwise = lackOf(stock, ours);
    };
    const verdict = (folder: string, file: string): string => {
      const ran = shown(script, ["check"], runStock(folder, "qemu-img", ["check", "-f", "qcow2", "--output=json", file]));
      return `${ran.status} ${ran.out}`;
    };
    const lies = script.eachStep === true && script.prepare.some((step) => "damage" in step);
    const met = new Map((lies ? script.images : []).map((file) => [file, verdict(mine, file)]));
    for (const [index, command] of script.trial.entries()) {
      await compare(command);
      // Where only what is said can differ, the script goes on.
      if (script.eachStep === true) knownAs ??= ranOtherwise;
      if (knownAs !== null) {
        known?.(knownAs);
        return findings;
      }
      if (script.eachStep !== true) continue;
      for (const file of script.images) {
        const [one, other] = [verdict(theirs, file), verdict(mine, file)];
        // Each further look at such a chain would wait as long.
        if (one === other && one.startsWith("-1 ")) knownAs ??= ENDLESS;
        if (knownAs === ENDLESS) break;
        if (one !== other) knownAs ??= leftOtherwise(script.trial.slice(0, index + 1)) ?? (words ? null : olderLeaves(command));
        const before = met.get(file);
        if (one !== other && before !== undefined) knownAs ??= lieMovedAway(command, before, other, readFileSync(join(mine, file)));
        if (before !== undefined) met.set(file, other);
        if (one !== other) findings.push(`${command.program} ${command.argv.join(" ")}: ${file} is behind it to stock's check ${one} by stock, ${other} by us`);
      }
      if (knownAs !== null) {
        known?.(knownAs);
        return [];
      }
      // What follows a difference differs for it alone.
      if (findings.length > 0) return findings;
    }
    // What each left, judged by stock; and what ours left, by both.
    for (const file of script.images) {
      for (const argv of [["check", "-f", "qcow2", "--output=json", file], ["map", "-f", "qcow2", "--output=json", file], ["info", "-f", "qcow2", "--output=json", file], ["convert", "-f", "qcow2", "-O", "raw", file, "whole.raw"]]) {
        const line = `${argv[0]} ${file}`;
        const stock = shown(script, argv, runStock(theirs, "qemu-img", argv));
        const left = shown(script, argv, runStock(mine, "qemu-img", argv));
        let raw: Buffer | null = null;
        if (argv[0] === "convert" && left.status === 0) raw = readFileSync(join(mine, "whole.raw"));
        if (argv[0] === "convert") rmSync(join(mine, "whole.raw"), { force: true });
        cpSync(mine, probe, { recursive: true });
        const ours = shown(script, argv, await runOurs(mine, "qemu-img", argv));
        log?.(`${line}\n  stock of stock's ${stock.status} ${stock.err}${stock.out}\n  stock of ours  ${left.status} ${left.err}${left.out}\n  ours of ours ${ours.status} ${ours.err}${ours.out}`);
        if (stock.status !== left.status || stock.out !== left.out) findings.push(`${line}: of stock's stock says ${text(stock)}, of ours ${text(left)}`);
        if (left.status !== ours.status || left.out !== ours.out) findings.push(`${line}: of ours stock says ${text(left)}, ours ${text(ours)}`);
        if (raw !== null) {
          if (stock.status === 0) differs(`${line}: what stock left, and what we`, readFileSync(join(theirs, "whole.raw")), raw, findings);
          if (ours.status === 0) differs(`${line}: what we left, read by stock and by us`, raw, readFileSync(join(mine, "whole.raw")), findings);
        }
        rmSync(probe, { recursive: true, force: true });
      }
    }
    for (const file of script.header ?? []) {
      const [one, other] = [headOf(readFileSync(join(theirs, file))), headOf(readFileSync(join(mine, file)))];
      if (one !== other) findings.push(`header ${file}: stock ${one}, ours ${other}`);
    }
    for (const file of script.raws ?? []) {
      const [one, other] = [contents(theirs, file), contents(mine, file)];
      if (one === null || other === null) {
        if (one !== other) findings.push(`${file}: there ${one === null ? "only with us" : "only with stock"}`);
      } else differs(file, one, other, findings);
    }
    return findings;
  });
}

const contents = (folder: string, file: string): Buffer | null => (readdirSync(folder).includes(file) ? readFileSync(join(folder, file)) : null);

function differs(what: string, one: Buffer, other: Buffer, findings: string[]): void {
  if (one.equals(other)) return;
  if (one.length !== other.length) return void findings.push(`${what}: ${one.length} and ${other.length} bytes`);
  const at = one.findIndex((byte, index) => byte !== other[index]);
  findings.push(`${what}: byte ${at} is ${one[at]} and ${other[at]}`);
}

/**
 * Words without what differs from run to run: dates, places of clusters, what a file takes of its disk, how far progress was told. A map is
 * compared by what it says of the disk. QEMU has two spellings of one sentence.
 */
function steady({ out, err }: Ran, { holes = false }: Script): string {
  // What is told of data depends on the holes of the file.
  if (out.startsWith("Offset          Length ")) return err;
  const words = out.startsWith("[") && out.includes('"depth"') ? `${mapOf(out, holes)}\n${err}` : `${err}${out}`;
  return words
    .replace(/  \(L2 offset/g, " (L2 offset")
    .replace(/ *\([\d.]+\/100%\)\r/g, "")
    .replace(/^( *)(disk size|file length|Image end offset): .*$/gm, "$1$2")
    .replace(/("virtual-size": )\d+(,\s*"filename": "[^"]*",\s*"format": "file")/g, "$1(length)$2")
    .replace(/"(actual-size|image-end-offset|fragmented-clusters|date-sec|date-nsec)": \d+,?/g, '"$1"')
    .replace(/^(\d+\/\d+ = [\d.]+% allocated), .*$/gm, "$1")
    .replace(/#block\d+/g, "#block")
    // A place beyond 2^53, where no file is, we tell rounded.
    .replace(/0x[\da-f]{14,16}\b/g, (place) => `0x${BigInt(Number(place)).toString(16)}`)
    .replace(/^qemu-img: error while reading block status at offset \d+/gm, "qemu-img: error while reading block status")
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "(date)")
    .replace(/^((?:0x)?[\da-f]+ +0x[\da-f]+ +)0x[\da-f]+/gm, "$1(place)");
}

/** The first lines that differ. */
function difference(line: string, stock: string, ours: string): string[] {
  const [one, other] = [stock.split("\n"), ours.split("\n")];
  const at = one.findIndex((words, index) => words !== other[index]);
  if (stock === ours) return [];
  const said = (lines: readonly string[]): string => JSON.stringify(lines.slice(Math.max(at, 0), Math.max(at, 0) + 3).join("\n").slice(0, 400));
  return [`${line}: stock says ${said(one)}, ours ${said(other)}`];
}

const text = ({ out, err }: Ran): string => JSON.stringify(`${err}${out}`.slice(0, 900));

/** Without what depends on where clusters lie and what the file system does. */
function shown({ holes = false }: Script, argv: readonly string[], ran: Ran): Ran {
  if (ran.status !== 0 && argv[0] !== "check") return { ...ran, out: "" };
  if (argv[0] === "map") return { ...ran, err: "", out: mapOf(ran.out, holes) };
  if (argv[0] === "info") return { ...ran, err: "", out: sorted(JSON.parse(ran.out)) };
  if (argv[0] === "check") {
    try {
      const { "image-end-offset": _end, "fragmented-clusters": _fragments, filename: _name, ...rest } = JSON.parse(ran.out) as Record<string, unknown>;
      return { ...ran, err: "", out: JSON.stringify(rest, Object.keys(rest).sort()) };
    } catch {
      return ran;
    }
  }
  return ran;
}

function mapOf(out: string, holes: boolean): string {
  const merged: Record<string, unknown>[] = [];
  // A map that was broken off is one too, up to there.
  const whole = /\]\s*$/.test(out) ? out : `${out.replace(/,\s*$/, "")}]`;
  for (const extent of JSON.parse(whole) as Record<string, unknown>[]) {
    const { offset, compressed: _compressed, ...rest } = extent;
    const next: Record<string, unknown> = { ...rest, placed: offset !== undefined };
    if (holes && offset !== undefined) next["data"] = true;
    const last = merged.at(-1);
    if (last !== undefined && ["depth", "present", "data", "placed"].every((key) => last[key] === next[key]) && (next["data"] || last["zero"] === next["zero"])) last["length"] = Number(last["length"]) + Number(next["length"]);
    else merged.push(next);
  }
  return merged.map((extent) => `${String(extent["start"])}+${String(extent["length"])}:${String(extent["depth"])}${extent["present"] ? "p" : "-"}${extent["zero"] && !extent["data"] ? "z" : "-"}${extent["data"] ? "d" : "-"}${extent["placed"] ? "o" : "-"}`).join(" ");
}

/** What a header says that does not depend on places. */
function headOf(bytes: Buffer): string {
  const version = bytes.readUInt32BE(4);
  const fixed = version === 2 ? "v2" : [72, 80, 88].map((at) => bytes.readBigUInt64BE(at).toString(16)).join(" ") + ` length ${bytes.readUInt32BE(100)}`;
  const name = Number(bytes.readBigUInt64BE(8));
  const named = name === 0 ? "" : bytes.subarray(name, name + bytes.readUInt32BE(16)).toString("latin1");
  const list: string[] = [];
  for (let at = version === 2 ? 72 : bytes.readUInt32BE(100); at + 8 <= Math.min(bytes.length, 2048); ) {
    const magic = bytes.readUInt32BE(at);
    const length = bytes.readUInt32BE(at + 4);
    if (magic === 0 || length > 4096) break;
    const data = bytes.subarray(at + 8, at + 8 + length);
    list.push(`${magic.toString(16)}:${magic === 0x23852875 ? data.subarray(0, 4).toString("hex") : data.toString("hex").slice(0, 60)}`);
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return `${fixed} '${named.slice(0, 40)}' ${list.join(" ")}`;
}

/** JSON without what differs from run to run, its keys in order. */
const sorted = (json: unknown): string =>
  JSON.stringify(json, (key, value: unknown) => {
    if (["children", "actual-size", "date-sec", "date-nsec"].includes(key)) return undefined;
    return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
  });
