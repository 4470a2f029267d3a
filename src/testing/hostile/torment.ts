/**
 * Does to an image whatever the command language can do, and looks whether all of it ends as it should: soon, in words, without a
 * defect of ours, and with no guest data on a table. The commands are lines, run as a shell would over files in memory.
 */
import { MemoryFiles } from "../../bytes/memory-files.ts";
import { run } from "../../command/program.ts";
import { findProgram } from "../../command/programs.ts";
import { Engine } from "../../engine/engine.ts";
import type { CallName, Outcome, Perform, RequestOf } from "../../protocol/index.ts";
import { CHANGES, COMMANDS, MARK } from "./commands.ts";
import { tablesOf } from "./tables.ts";
import type { Table } from "./tables.ts";

/** Processor time for one command, and what the process may grow by, for all. */
const MOST_CPU_MS = 5000;
const MARK_RUN = 64;

/** What a test plants to see that it is found. */
export interface Sabotage {
  /** An outcome in place of the engine's own. */
  readonly outcome?: (name: CallName) => Outcome<CallName> | null;
  /** Something done to the file behind the engine's back, between commands. */
  readonly file?: (files: MemoryFiles) => Promise<void>;
}

export interface Tormented {
  /** What went wrong, null for nothing. */
  readonly wrong: string | null;
  /** How often a program ended with a status, "qemu-img check 2" … */
  readonly tally: ReadonlyMap<string, number>;
}

/** Puts a file of a few bytes or more into the library, as it is. */
export async function putBytes(files: MemoryFiles, name: string, bytes: Uint8Array): Promise<void> {
  const opened = await files.open(name, "create");
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  opened.value.truncate(bytes.length);
  opened.value.write(0, bytes);
  opened.value.close();
}

/** @param beside what else the library holds, by name, @param commands all of them, or those that change the image */
export async function torment(image: Uint8Array, beside: Readonly<Record<string, Uint8Array>>, sabotage: Sabotage = {}, commands: "all" | "changes" = "all"): Promise<Tormented> {
  const files = new MemoryFiles(() => 0);
  await putBytes(files, "image", image);
  for (const [name, bytes] of Object.entries(beside)) await putBytes(files, name, bytes);
  const tally = new Map<string, number>();
  let wrong: string | null = null;
  for (const argv of commands === "all" ? [...COMMANDS, ...CHANGES] : CHANGES) {
    const changes = CHANGES.includes(argv);
    const before = changes ? await tablesIn(files) : null;
    const problem = await runOne(files, argv, sabotage, tally);
    await sabotage.file?.(files);
    const after = changes ? await tablesIn(files) : null;
    wrong ??= problem ?? (before === null || after === null ? null : (marksOn(after) ?? changedBetween(before, after, argv)));
    if (wrong !== null) return { wrong: `${argv.join(" ")}: ${wrong}`, tally };
  }
  return { wrong, tally };
}

async function runOne(files: MemoryFiles, argv: readonly string[], sabotage: Sabotage, tally: Map<string, number>): Promise<string | null> {
  const program = findProgram(argv[0]!);
  if (program === null) return "there is no such program";
  let wrong: string | null = null;
  const engine = new Engine({ files, notify: () => undefined, now: () => Date.now() });
  const perform: Perform = async <Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<Outcome<Name>> => {
    const outcome = (sabotage.outcome?.(name)) ?? (await engine.perform(name, request));
    if (!outcome.ok && outcome.error.kind === "bug") wrong ??= `the call ${name} met a defect: ${outcome.error.message}`;
    return outcome;
  };
  const started = process.cpuUsage();
  const text = { out: "", err: "", explain: "" };
  let status = -1;
  try {
    status = await run(program.run(argv.slice(1), { now: () => 0 }), perform, (piece, stream) => (text[stream] += piece));
    const failure = await engine.shutDown();
    if (failure?.kind === "bug") wrong ??= `closing met a defect: ${failure.message}`;
  } catch (error) {
    wrong ??= `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const { user, system } = process.cpuUsage(started);
  if ((user + system) / 1000 > MOST_CPU_MS) wrong ??= `took ${(user + system) / 1000} ms of the processor`;
  if (status !== 0 && text.out + text.err === "") wrong ??= `ended with ${status} and said nothing`;
  const key = `${argv.slice(0, 2).join(" ")} ${status}`;
  tally.set(key, (tally.get(key) ?? 0) + 1);
  return wrong;
}

interface TableBytes extends Table {
  readonly bytes: Uint8Array;
}

/** The tables of the image as it now is, with what is in them; null where the image cannot be looked at. */
async function tablesIn(files: MemoryFiles): Promise<readonly TableBytes[] | null> {
  const opened = await files.open("image", "read");
  if (!opened.ok) return null;
  const store = opened.value;
  try {
    const size = store.size();
    const read = (offset: number, length: number): Uint8Array => {
      const into = new Uint8Array(length);
      if (Number.isSafeInteger(offset + length) && offset < size) store.read(offset, into);
      return into;
    };
    return tablesOf(read, size).map((table) => ({ ...table, bytes: read(table.start, table.end - table.start) }));
  } finally {
    store.close();
  }
}

/** Guest data on a table. */
function marksOn(tables: readonly TableBytes[]): string | null {
  const marked = tables.find(({ bytes }) => hasMarks(bytes));
  return marked === undefined ? null : `guest data lies in the ${marked.name} at ${marked.start}`;
}

/** Commands that change snapshots, or every table, as their purpose is; and those that store bitmaps more than once, so that one takes another's place. */
const CHANGE_SNAPSHOTS = ["snapshot", "amend", "check"];
const CHANGE_BITMAPS = [...CHANGE_SNAPSHOTS, "bitmap", "resize", "commit"];

/** What a command changed in tables that it has no business with. */
function changedBetween(before: readonly TableBytes[], after: readonly TableBytes[], argv: readonly string[]): string | null {
  const truncates = argv.some((word) => word.startsWith("truncate"));
  const fixed = ({ name }: TableBytes): boolean => {
    if (name.startsWith("snapshot")) return !CHANGE_SNAPSHOTS.includes(argv[1]!);
    return (name === "bitmap table" || name === "bits of a bitmap") && !truncates && !CHANGE_BITMAPS.includes(argv[1]!);
  };
  for (const table of before.filter(fixed)) {
    // Where two bitmaps are stored at once the second may be given the place that the first had.
    const still = after.find(({ name, bitmap, start, bytes }) => name === table.name && bitmap === table.bitmap && start === table.start && bytes.length === table.bytes.length);
    if (still === undefined || still.bytes.every((byte, index) => byte === table.bytes[index])) continue;
    const recorded = table.records && (table.name === "bitmap table" ? leadsFurther(table.bytes, still.bytes) : table.bytes.every((byte, index) => (still.bytes[index]! & byte) === byte));
    if (!recorded) return `the ${table.name} at ${table.start} changed`;
  }
  return null;
}

/** Whether a table of a bitmap that records is as it may be behind a write: what an entry led to is replaced, and never given up for nothing. */
function leadsFurther(before: Uint8Array, after: Uint8Array): boolean {
  const [was, is] = [before, after].map((bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as [DataView, DataView];
  for (let at = 0; at + 8 <= before.length; at += 8) {
    const entry = is.getBigUint64(at);
    if (entry !== was.getBigUint64(at) && entry !== 1n && (entry === 0n || entry % 512n !== 0n)) return false;
  }
  return true;
}

function hasMarks(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(MARK); at >= 0; ) {
    let end = at;
    while (bytes[end] === MARK) end++;
    if (end - at >= MARK_RUN) return true;
    at = bytes.indexOf(MARK, end);
  }
  return false;
}
