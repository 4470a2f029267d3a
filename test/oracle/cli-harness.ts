/** Runs the command language over real files in this process, and the stock programs in a shell's way, with comparable results. */
import { NodeFiles } from "../../src/bytes/node-files.ts";
import { run } from "../../src/command/program.ts";
import { findProgram } from "../../src/command/programs.ts";
import { Engine } from "../../src/engine/engine.ts";
import { runStock as runProgram } from "../../src/testing/stock.ts";

export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly status: number;
}

/** Times and rates vary; all else must not. */
export const mask = (text: string): string =>
  text.replace(/; [\d:.]+(?: sec)? \(.*? ops\/sec\)/g, "; (timing)").replace(/^(\d+,\d+),\d+:\d\d:[\d.]+,[\d.]+,[\d.]+$/gm, "$1,(timing)");

/** Ours, in `folder`; `input` is standard input. */
export async function runOurs(folder: string, program: string, argv: readonly string[], input = ""): Promise<Ran> {
  const named = findProgram(program);
  if (named === null) throw new Error(`no program ${program}`);
  const engine = new Engine({ files: new NodeFiles(folder), notify: () => undefined, now: () => Date.now() });
  const text = { out: "", err: "", explain: "" };
  const lines = input === "" ? [] : input.replace(/\n$/, "").split("\n");
  const status = await run(named.run(argv, { now: () => performance.now() }), engine.perform, (piece, stream) => (text[stream] += piece), {
    line: () => lines.shift() ?? null,
  });
  const failure = await engine.shutDown();
  if (failure !== null) throw new Error(JSON.stringify(failure));
  return { out: mask(text.out), err: text.err, status };
}

/** Debian's stock program, in `folder`. A program that is missing is a failure of the test. */
export function runStock(folder: string, program: string, argv: readonly string[], input = ""): Ran {
  const { stdout, stderr, status } = runProgram(program, argv, input, folder);
  return { out: mask(stdout), err: stderr, status };
}
