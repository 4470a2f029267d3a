/**
 * Judges an image by both sides: stock and this program must read the model's bytes, tell the same facts, the same map, and the
 * same verdict of a check. Nothing is changed.
 */
import { closeSync, openSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { NodeFiles } from "../../../src/bytes/node-files.ts";
import { engineFixture } from "../../../src/testing/engine-fixture.ts";
import { runOurs, runStock } from "../cli-harness.ts";
import type { Ran } from "../cli-harness.ts";
import type { Judgement } from "./case.ts";
import { CHUNK } from "./disk-model.ts";
import type { DiskModel } from "./disk-model.ts";

type ReadBytes = (offset: number, length: number) => Promise<Uint8Array>;
type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Disks up to this are read whole, larger ones where something was written and around. */
const WHOLE_BYTES = 64 * 2 ** 20;
const READ_BYTES = 4 * 2 ** 20;

/**
 * @param stockAlone this program is not asked
 * @returns what is wrong, a sentence each
 */
export async function judge(judgement: Judgement, folder: string, stockAlone = false): Promise<string[]> {
  const { file, model, snapshots, shape } = judgement;
  const findings: string[] = [];
  const add = (what: string, found: string | null): void => {
    if (found !== null) findings.push(`${what}: ${found}`);
  };
  add("stock's check", stockVerdict(judgement, folder));
  add("stock reads", await readsAs(model, stockReader(folder, file, [])));
  for (const { name, model: then } of snapshots) add(`stock reads snapshot ${name}`, await readsAs(then, stockReader(folder, file, ["-l", `snapshot.name=${name}`])));
  if (shape.dataFile === "raw") add("the raw data file", await readsAs(model, fileReader(join(folder, file.replace(/qcow2$/, "data")))));
  if (stockAlone) return findings;
  add("we read", await readsAs(model, ourReader(folder, file, null)));
  for (const { name, model: then } of snapshots) add(`we read snapshot ${name}`, await readsAs(then, ourReader(folder, file, name)));
  add("our convert", await readsAs(model, ourConvert(folder, file)));
  add("check", await sameJson(folder, ["check", "-f", "qcow2", "--output=json", file], (report) => report));
  add("info", await sameJson(folder, ["info", "-f", "qcow2", "--output=json", file], infoFacts));
  if (judgement.mapTells) add("map", await sameJson(folder, ["map", "-f", "qcow2", "--output=json", file], mapFacts));
  return findings;
}

function stockVerdict({ file }: Judgement, folder: string): string | null {
  const { status, out, err } = runStock(folder, "qemu-img", ["check", "-f", "qcow2", file]);
  return status === 0 ? null : `status ${status}: ${`${err}${out}`.slice(0, 400)}`;
}

interface Reader {
  open(): Promise<ReadBytes>;
  close(): Promise<void>;
}

/** Where the bytes first differ from the model's, null where nowhere. */
async function readsAs(model: DiskModel, reader: Reader): Promise<string | null> {
  try {
    const read = await reader.open();
    for (const [start, end] of ranges(model)) {
      for (let at = start; at < end; ) {
        const length = Math.min(READ_BYTES, end - at);
        const differs = firstDifference(model, at, await read(at, length), length);
        if (differs !== null) return differs;
        at += length;
      }
    }
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await reader.close();
  }
}

/** What is read: all of it, or what was written with its neighbours. */
function ranges(model: DiskModel): (readonly [number, number])[] {
  if (model.size <= WHOLE_BYTES) return [[0, model.size]];
  const spans: [number, number][] = [];
  for (const chunk of [0, ...model.written(), Math.ceil(model.size / CHUNK) - 1]) {
    const start = Math.max(0, (chunk - 2) * CHUNK);
    const end = Math.min(model.size, (chunk + 3) * CHUNK);
    const last = spans.at(-1);
    if (last !== undefined && last[1] >= start) last[1] = Math.max(last[1], end);
    else spans.push([start, end]);
  }
  return spans;
}

const ZEROS = new Uint8Array(CHUNK);

function firstDifference(model: DiskModel, offset: number, bytes: Uint8Array, length: number): string | null {
  if (bytes.length !== length) return `${bytes.length} bytes at ${offset}, wanted ${length}`;
  for (let done = 0; done < length; ) {
    const part = Math.min(CHUNK - ((offset + done) % CHUNK), length - done);
    const wanted = model.peek(offset + done, part) ?? ZEROS.subarray(0, part);
    const found = bytes.subarray(done, done + part);
    if (Buffer.compare(wanted, found) !== 0) {
      const at = found.findIndex((byte, index) => byte !== wanted[index]);
      return `byte ${offset + done + at} is ${found[at]}, not ${wanted[at]}`;
    }
    done += part;
  }
  return null;
}

/** Reads a plain file, which must be as long as what is asked of it. */
function fileReader(path: string): Reader {
  let descriptor: number | null = null;
  return {
    open: () => {
      const file = openSync(path, "r");
      descriptor = file;
      return Promise.resolve((offset, length) => {
        const bytes = new Uint8Array(length);
        const count = readSync(file, bytes, 0, length, offset);
        return Promise.resolve(bytes.subarray(0, count));
      });
    },
    close: () => {
      if (descriptor !== null) closeSync(descriptor);
      return Promise.resolve();
    },
  };
}

/** A raw copy that a program makes, removed afterwards. */
function copyReader(path: string, make: () => Ran | Promise<Ran>): Reader {
  const file = fileReader(path);
  return {
    open: async () => {
      const { status, err } = await make();
      if (status !== 0) throw new Error(`convert ends with ${status}: ${err.trim()}`);
      return file.open();
    },
    close: async () => {
      await file.close();
      rmSync(path, { force: true });
    },
  };
}

const stockReader = (folder: string, file: string, flags: readonly string[]): Reader =>
  copyReader(join(folder, "stock.raw"), () => runStock(folder, "qemu-img", ["convert", "-f", "qcow2", "-O", "raw", ...flags, file, "stock.raw"]));

const ourConvert = (folder: string, file: string): Reader =>
  copyReader(join(folder, "ours.raw"), () => runOurs(folder, "qemu-img", ["convert", "-f", "qcow2", "-O", "raw", file, "ours.raw"]));

function ourReader(folder: string, file: string, snapshot: string | null): Reader {
  const fixture = engineFixture(new NodeFiles(folder));
  return {
    open: async () => {
      const { handle } = await fixture.ok("open", { file, format: "qcow2", readOnly: true, ...(snapshot === null ? {} : { snapshot }) });
      return async (offset, length) => {
        const { data } = await fixture.ok("read", { handle, offset, length, pattern: null, wantData: true });
        return data ?? new Uint8Array(0);
      };
    },
    close: async () => {
      await fixture.engine.shutDown();
    },
  };
}

async function sameJson(folder: string, argv: readonly string[], facts: (json: Json) => Json): Promise<string | null> {
  const stock = runStock(folder, "qemu-img", argv);
  const ours = await runOurs(folder, "qemu-img", argv);
  if (ours.status !== stock.status) return `we end with ${ours.status} (${ours.err.trim()}), stock with ${stock.status} (${stock.err.trim()})`;
  if (stock.status === 1) return null;
  return firstOther(facts(JSON.parse(ours.out) as Json), facts(JSON.parse(stock.out) as Json), "");
}

const isRecord = (json: Json | undefined): json is { readonly [key: string]: Json } => typeof json === "object" && json !== null && !Array.isArray(json);

/** Where ours differs from stock's first, null where nowhere. */
function firstOther(ours: Json | undefined, stock: Json | undefined, at: string): string | null {
  if (isRecord(ours) && isRecord(stock)) {
    for (const key of new Set([...Object.keys(stock), ...Object.keys(ours)])) {
      const other = firstOther(ours[key], stock[key], `${at}.${key}`);
      if (other !== null) return other;
    }
    return null;
  }
  if (Array.isArray(ours) && Array.isArray(stock)) {
    const [mine, theirs] = [ours as readonly Json[], stock as readonly Json[]];
    for (let index = 0; index < Math.max(mine.length, theirs.length); index++) {
      const other = firstOther(mine[index], theirs[index], `${at}[${index}]`);
      if (other !== null) return `${other} (whole entries: ${JSON.stringify(mine[index])}, stock ${JSON.stringify(theirs[index])})`;
    }
    return null;
  }
  return ours === stock ? null : `${at === "" ? "all" : at} is ${JSON.stringify(ours)}, stock says ${JSON.stringify(stock)}`;
}

/** Without what version 10 added: the list of the image's files. */
function infoFacts(json: Json): Json {
  if (!isRecord(json)) return json;
  const { children: _children, ...rest } = json;
  return rest;
}

/** Without what version 10 added: whether an extent is compressed, for which it parts extents that 7.2 keeps together. */
function mapFacts(json: Json): Json {
  const merged: { [key: string]: Json }[] = [];
  for (const extent of json as readonly { readonly [key: string]: Json }[]) {
    const { compressed: _compressed, ...rest } = extent;
    const last = merged.at(-1);
    if (last !== undefined && continues(last, rest)) last["length"] = Number(last["length"]) + Number(rest["length"]);
    else merged.push({ ...rest });
  }
  return merged;
}

function continues(last: { readonly [key: string]: Json }, next: { readonly [key: string]: Json }): boolean {
  if (["depth", "present", "zero", "data"].some((key) => last[key] !== next[key])) return false;
  if (last["offset"] === undefined || next["offset"] === undefined) return last["offset"] === next["offset"];
  return Number(last["offset"]) + Number(last["length"]) === next["offset"];
}
