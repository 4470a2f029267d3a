/**
 * Runs the examples of the manual, so that a page shows what the programs print: over files in memory, with a clock that goes on by a
 * millisecond whenever it is asked, so that the same is printed each time.
 */
import { MemoryFiles } from "../../bytes/memory-files.ts";
import { EXAMPLE_DISKS } from "../../command/manual/page.ts";
import type { ManualExample } from "../../command/manual/page.ts";
import { run } from "../../command/program.ts";
import { findProgram } from "../../command/programs.ts";
import { splitShellLine } from "../../command/tokenizer.ts";
import { Engine } from "../../engine/engine.ts";

export interface RanLine {
  readonly line: string;
  /** Standard output and standard error as they came. */
  readonly printed: string;
  readonly status: number;
}

export interface RanExample {
  readonly lines: readonly RanLine[];
}

/** Runs an example's lines one after the other, the one that makes its disk first. */
export async function runExample({ disk, files = {}, lines }: ManualExample): Promise<RanExample> {
  let ticks = 0;
  const now = (): number => ticks++;
  const space = new MemoryFiles(() => 0);
  for (const [name, text] of Object.entries(files)) await writeFile(space, name, text);
  const engine = new Engine({ files: space, notify: () => undefined, now: () => 0, clock: now });
  const ran: RanLine[] = [];
  for (const line of [...(disk === undefined ? [] : [EXAMPLE_DISKS[disk]]), ...lines]) ran.push(await runLine(engine, line, now));
  const failure = await engine.shutDown();
  if (failure !== null) throw new Error(`the engine did not close well: ${JSON.stringify(failure)}`);
  return { lines: ran };
}

async function writeFile(space: MemoryFiles, name: string, text: string): Promise<void> {
  const opened = await space.open(name, "create");
  if (!opened.ok) throw new Error(`${name}: ${opened.error.code}`);
  opened.value.write(0, new TextEncoder().encode(text));
  opened.value.close();
}

async function runLine(engine: Engine, line: string, now: () => number): Promise<RanLine> {
  const split = splitShellLine(line);
  if (!split.ok) throw new Error(`a quote is open in ${line}`);
  const [name, ...argv] = split.value;
  const program = findProgram(name ?? "");
  if (program === null) throw new Error(`no program named ${name}`);
  let printed = "";
  const status = await run(program.run(argv, { now }), engine.perform, (text, stream) => {
    if (stream !== "explain") printed += text;
  });
  return { line, printed, status };
}
