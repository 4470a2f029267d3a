/**
 * Whole commands against stock's on the same file: convert, check, and many writes through one session. What each program costs
 * before it does anything is measured in the same run and taken off. And the most memory that a command ever has.
 *
 * The images are made by stock. Some 2 GB of the folder are used at a time, and nothing of it is left behind.
 */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../../base/random.ts";
import { alone, compared, median } from "./figure.ts";
import type { Figure, Pair } from "./figure.ts";

const PLACE = "command line";
const REPEATS = 3;
const MIB = 2 ** 20;
const WRITES = 20_000;

interface Bench {
  readonly folder: string;
  /** Path of the built command line. */
  readonly zonescope: string;
}

/** A command as both programs know it: "qemu-img" or "qemu-io" and what stands behind it. */
interface Command {
  readonly program: "qemu-img" | "qemu-io";
  readonly args: readonly string[];
  /** A file of the folder that is its standard input. */
  readonly input?: string;
  /** The exit status that it is to have. */
  readonly status?: number;
}

function run({ folder }: Bench, command: string, args: readonly string[], { input, status = 0 }: Pick<Command, "input" | "status"> = {}): number {
  const stdin = input === undefined ? null : openSync(join(folder, input), "r");
  try {
    const start = performance.now();
    const ran = spawnSync(command, args, { cwd: folder, stdio: [stdin ?? "ignore", "ignore", "ignore"] });
    const elapsed = performance.now() - start;
    if (ran.status !== status) throw new Error(`${command} ${args.join(" ")} ended with ${ran.status ?? String(ran.error)}, not with ${status}`);
    return elapsed;
  } finally {
    if (stdin !== null) closeSync(stdin);
  }
}

const stock = (bench: Bench, { program, args, ...how }: Command): number => run(bench, program, args, how);
const ours = (bench: Bench, { program, args, ...how }: Command): number => run(bench, process.execPath, [bench.zonescope, program, ...args], how);

/**
 * Mebibytes of memory that the command had at most, by Linux's own mark: what getrusage tells begins with the memory of whoever
 * started the process.
 */
function peakOf(bench: Bench, { program, args }: Command): number {
  const into = join(bench.folder, "peak");
  const note = `import { readFileSync, writeFileSync } from "node:fs"; process.on("exit", () => writeFileSync(${JSON.stringify(into)}, readFileSync("/proc/self/status")))`;
  run(bench, process.execPath, ["--import", `data:text/javascript,${encodeURIComponent(note)}`, bench.zonescope, program, ...args]);
  const kibibytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(into, "utf8"))?.[1];
  rmSync(into);
  if (kibibytes === undefined) throw new Error("the system does not tell a process's memory");
  return Number(kibibytes) / 1024;
}

const session = (bench: Bench, name: string, lines: readonly string[]): string => {
  writeFileSync(join(bench.folder, name), `${lines.join("\n")}\n`);
  return name;
};

function makeImage(bench: Bench, file: string, size: string, options: string, lines: readonly string[]): void {
  stock(bench, { program: "qemu-img", args: ["create", "-q", "-f", "qcow2", ...(options === "" ? [] : ["-o", options]), file, size] });
  stock(bench, { program: "qemu-io", args: ["-t", "unsafe", "-f", "qcow2", file], input: session(bench, "fill.txt", lines) });
}

/** Every cluster that the L1 table of an image leads to is leaked. */
function forgetMappings(file: string): void {
  const descriptor = openSync(file, "r+");
  const header = new DataView(new ArrayBuffer(72));
  readSync(descriptor, new Uint8Array(header.buffer), 0, 72, 0);
  const table = new Uint8Array(header.getUint32(36) * 8);
  writeSync(descriptor, table, 0, table.length, Number(header.getBigUint64(40)));
  closeSync(descriptor);
}

/** Both programs on a command, in turn; `between` puts back what a run has changed. One run of each is not counted. */
function pairs(bench: Bench, command: Command, starts: () => Pair, between: () => void): Pair[] {
  const measured: Pair[] = [];
  for (let repeat = -1; repeat < REPEATS; repeat++) {
    const start = starts();
    between();
    const base = stock(bench, command) - start.base;
    between();
    const own = ours(bench, command) - start.ours;
    if (repeat >= 0) measured.push({ ours: Math.max(0.1, own), base: Math.max(0.1, base) });
  }
  return measured;
}

export function againstStockFigures(bench: Bench, say: (what: string) => void): Figure[] {
  const drop = (name: string): void => rmSync(join(bench.folder, name), { force: true });
  const starts = (): Pair => ({
    ours: median([0, 1, 2].map(() => run(bench, process.execPath, ["-e", "0"]))),
    base: median([0, 1, 2].map(() => run(bench, "qemu-img", ["--version"]))),
  });
  const figures: Figure[] = [];
  const add = (id: string, what: string, wanted: string, command: Command, between: () => void = () => {}): void => {
    say(`${PLACE}: ${what}`);
    figures.push(compared({ id: `cli/${id}`, place: PLACE, what, unit: "ms", wanted }, "stock, start-up taken off both", pairs(bench, command, starts, between)));
  };
  const peak = (id: string, what: string, command: Command): void => {
    say(`${PLACE}: ${what}`);
    figures.push(alone({ id: `cli/${id}`, place: PLACE, what, unit: "MiB", wanted: "below 300 MiB" }, [peakOf(bench, command)]));
  };

  makeImage(bench, "half.qcow2", "1G", "", Array.from({ length: 512 }, (_, index) => `write -P ${1 + (index % 255)} ${2 * index}M 1M`));
  const convert: Command = { program: "qemu-img", args: ["convert", "-O", "raw", "half.qcow2", "out.raw"] };
  add("convert", "convert of 1 GiB, half full, to raw", "at most 2.5", convert, () => drop("out.raw"));
  peak("convert-memory", "memory of that convert at most", convert);
  drop("out.raw");
  drop("half.qcow2");

  makeImage(bench, "small.qcow2", "512M", "cluster_size=512", Array.from({ length: 384 }, (_, index) => `write -P ${1 + (index % 255)} ${index}M 1M`));
  const check: Command = { program: "qemu-img", args: ["check", "small.qcow2"] };
  add("check", "check of 384 MiB in clusters of 512 bytes", "at most 2.5", check);
  forgetMappings(join(bench.folder, "small.qcow2"));
  add("check-leaks", "check of the same, every cluster leaked", "at most 2.5", { ...check, status: 3 });
  drop("small.qcow2");

  const fresh = (): void => {
    drop("io.qcow2");
    stock(bench, { program: "qemu-img", args: ["create", "-q", "-f", "qcow2", "io.qcow2", "1G"] });
  };
  const io = (input: string): Command => ({ program: "qemu-io", args: ["-t", "writeback", "-f", "qcow2", "io.qcow2"], input });
  const random = new Random(3);
  add("io-1m", "64 MiB written by 1 MiB", "at most 2", io(session(bench, "mib.txt", Array.from({ length: 64 }, (_, index) => `write ${index}M 1M`))), fresh);
  add("io-4k", "20,000 write of 4 KiB, one behind the other", "at most 2", io(session(bench, "sequential.txt", Array.from({ length: WRITES }, (_, index) => `write ${index * 4096} 4k`))), fresh);
  const places = Array.from({ length: WRITES }, () => `write ${random.below((1024 * MIB) / 4096) * 4096} 4k`);
  add("io-4k-random", "20,000 write of 4 KiB, anywhere in 1 GiB", "at most 2", io(session(bench, "random.txt", places)), fresh);
  drop("io.qcow2");

  makeImage(bench, "sparse.qcow2", "4T", "", Array.from({ length: 64 }, (_, index) => `write -P 1 ${index * 64}G 64k`));
  peak("sparse-check-memory", "memory of a check at 4 TiB, sparse, at most", { program: "qemu-img", args: ["check", "sparse.qcow2"] });
  peak("sparse-convert-memory", "memory of a convert at 4 TiB, sparse, at most", { program: "qemu-img", args: ["convert", "-O", "qcow2", "sparse.qcow2", "out.qcow2"] });
  for (const name of ["sparse.qcow2", "out.qcow2", "fill.txt", "mib.txt", "sequential.txt", "random.txt"]) drop(name);
  return figures;
}
