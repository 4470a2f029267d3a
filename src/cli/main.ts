/**
 * The command line: `zonescope [--explain] [--trace] <program> <arguments>`, the same programs as in the page's console over the engine in
 * this process and the files of the working folder.
 */
import { NodeFiles } from "../bytes/node-files.ts";
import { explanationLines } from "../command/explain.ts";
import { run } from "../command/program.ts";
import type { Stream } from "../command/program.ts";
import { PROGRAMS, findProgram } from "../command/programs.ts";
import { QEMU_VERSION, VERSION } from "../command/version.ts";
import { Engine } from "../engine/engine.ts";
import { LineReader } from "./input.ts";
import { nodeCodecs } from "./node-codecs.ts";
import { Output } from "./output.ts";
import { Tracer } from "./trace.ts";

const usage = (): string =>
  "Usage: zonescope [--explain] [--trace] <program> <arguments>\n\n" +
  `Zoned disk images in the qcow2 format: qemu-img and qemu-io as QEMU ${QEMU_VERSION} has them, with zones, and blkzone as util-linux has it.\n\n` +
  `Programs:\n${PROGRAMS.map(({ name, oneline }) => `  ${name.padEnd(10)} ${oneline}\n`).join("")}\n` +
  "  --explain  say on standard error why a command was refused, and what would have worked\n" +
  "  --trace    print the trace events qcow2_wp_tracking and qcow2_imp_open_zones on standard error as they happen\n" +
  "  --help     this text; 'zonescope <program> --help' for a program's, 'zonescope help <command>' for a command's page\n" +
  "  --version  the version\n";

/** Runs a command line to its exit status. */
async function main(argv: readonly string[], output: Output): Promise<number> {
  let explain = false;
  const tracer = new Tracer((line) => output.err(line));
  let index = 0;
  for (; argv[index]?.startsWith("-") === true; index++) {
    const option = argv[index]!;
    if (option === "--explain") explain = true;
    else if (option === "--trace") tracer.enable("*");
    else if (option === "--help" || option === "-h") {
      output.out(usage());
      return 0;
    } else if (option === "--version" || option === "-V") {
      output.out(`zonescope ${VERSION}\n`);
      return 0;
    } else {
      output.err(`zonescope: unrecognized option '${option}'\nTry 'zonescope --help' for more information\n`);
      return 1;
    }
  }
  const name = argv[index];
  if (name === "help") return await help(argv.slice(index + 1), output);
  const program = name === undefined ? null : findProgram(name);
  if (program === null) {
    const said = name === undefined ? "which program?" : `no program named '${name}'`;
    output.err(`zonescope: ${said}\nTry 'zonescope --help' for more information\n`);
    return 1;
  }
  const engine = new Engine({ files: new NodeFiles(), codecs: nodeCodecs, notify: (notice) => tracer.notified(notice), now: () => Date.now(), clock: () => performance.now(), pause: () => new Promise((resolve) => setImmediate(resolve)) });
  letGoOnSignals(engine, output);
  let lines: LineReader | null = null;
  const line = (): string | null | Promise<string | null> => {
    lines ??= new LineReader(process.stdin as AsyncIterable<Uint8Array>);
    const next = lines.next();
    if (next instanceof Promise) output.flush();
    return next;
  };
  const write = (text: string, stream: Stream): void => {
    if (stream === "out") output.out(text);
    else if (stream === "err") output.err(text);
    else if (explain) output.err(text);
  };
  const sleep = (ms: number): Promise<void> => {
    output.flush();
    return new Promise((resolve) => setTimeout(resolve, ms));
  };
  const signal = (number: number): void => {
    output.flush();
    raise(number);
  };
  const status = await run(program.run(argv.slice(index + 1), { now: () => performance.now() }), tracer.watching(engine.perform), write, { sleep, line, signal, trace: (pattern) => tracer.enable(pattern) });
  const failure = await engine.shutDown();
  if (failure === null) return status;
  output.err(`zonescope: ${explanationLines(failure)}`);
  return status === 0 ? 1 : status;
}

/** A page of the manual, or the usage where nothing is asked for. */
async function help(words: readonly string[], output: Output): Promise<number> {
  // Its words are many, and those of all programs: a run that is not asked for them does not read them.
  const { findPage, pageText } = await import("../command/manual/manual.ts");
  const page = words.length === 0 ? null : findPage(words);
  if (page !== null) output.out(pageText(page, words.at(-1)));
  else if (words.length === 0) output.out(usage());
  else output.err(`zonescope: no command named '${words.join(" ")}'\n`);
  return page === null && words.length > 0 ? 1 : 0;
}

/** A session that is told to end stops its work, flushes and closes its image first, unless it is told a second time. */
function letGoOnSignals(engine: Engine, output: Output): void {
  for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    process.once(signal, () => {
      engine.cancelAll();
      void engine.shutDown().then(() => {
        output.flush();
        process.exit(status);
      });
    });
  }
}

/** Sends this process a signal, which then does what it does to a process that did not provide for it. */
function raise(number: number): void {
  for (const name of ["SIGINT", "SIGTERM"] as const) process.removeAllListeners(name);
  process.kill(process.pid, number);
}

const output = new Output();
const status = await main(process.argv.slice(2), output);
output.flush();
process.exit(status);
