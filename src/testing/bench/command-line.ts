/**
 * The command line against stock qemu-io: 20,000 commands of 4 KiB from standard input, into a new image each, what they print
 * thrown away by both. Stock runs with -t writeback: as it comes it flushes behind every write, which this program does only
 * where -f asks for it. What a process costs before it does anything is measured apart and also taken off.
 */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { alone, compared, median } from "./figure.ts";
import type { Figure } from "./figure.ts";

const COUNT = 20_000;
const LENGTH = 4096;
const ZONE = 64 * 2 ** 20;
const REPEATS = 3;
const PLACE = "command line";

interface Bench {
  readonly folder: string;
  /** Path of the built command line. */
  readonly zonescope: string;
}

/** Runs a command to its end in the bench's folder and returns the milliseconds it took. @throws when it fails */
function timed({ folder }: Bench, command: string, args: readonly string[], input: string | null = null): number {
  const stdin = input === null ? null : openSync(join(folder, input), "r");
  try {
    const start = performance.now();
    const ran = spawnSync(command, args, { cwd: folder, stdio: [stdin ?? "ignore", "ignore", "inherit"] });
    const elapsed = performance.now() - start;
    if (ran.status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${ran.status ?? String(ran.error)}`);
    return elapsed;
  } finally {
    if (stdin !== null) closeSync(stdin);
  }
}

const lines = (make: (index: number) => string): string => `${Array.from({ length: COUNT }, (_, index) => make(index)).join("\n")}\n`;

/** Milliseconds of one session, its image made before and removed after. */
function session(bench: Bench, image: { readonly zoned: boolean }, program: "zonescope" | "stock", input: string): number {
  const ours = (args: readonly string[]): readonly [string, readonly string[]] => [process.execPath, [bench.zonescope, ...args]];
  const options = image.zoned ? ["-o", `zone.mode=host-managed,zone.size=${ZONE}`] : [];
  const file = "bench.qcow2";
  if (image.zoned) timed(bench, ...ours(["qemu-img", "create", "-f", "qcow2", ...options, file, "1G"]));
  else timed(bench, "qemu-img", ["create", "-f", "qcow2", file, "1G"]);
  try {
    if (program === "stock") return timed(bench, "qemu-io", ["-f", "qcow2", "-t", "writeback", file], input);
    return timed(bench, ...ours(["qemu-io", file]), input);
  } finally {
    rmSync(join(bench.folder, file));
  }
}

export function commandLineFigures(bench: Bench, say: (what: string) => void): Figure[] {
  const put = (name: string, text: string): string => {
    writeFileSync(join(bench.folder, name), text);
    return name;
  };
  const writes = put("writes.txt", lines((index) => `write ${index * LENGTH} 4k`));
  const appends = put("appends.txt", lines((index) => `zone_append -p ${Math.floor((index * LENGTH) / ZONE) * ZONE} 4k`));
  say(`${PLACE}: start-up`);
  const node: number[] = [];
  const zonescope: number[] = [];
  const stock: number[] = [];
  for (let index = 0; index < 5; index++) {
    node.push(timed(bench, process.execPath, ["-e", "0"]));
    zonescope.push(timed(bench, process.execPath, [bench.zonescope, "--version"]));
    stock.push(timed(bench, "qemu-io", ["--version"]));
  }
  const kinds = [
    { id: "appends", what: "20,000 zone_append of 4 KiB", zoned: true, input: appends, wanted: "at least 1" },
    { id: "zone-writes", what: "20,000 write of 4 KiB to zones", zoned: true, input: writes, wanted: "at least 1" },
    { id: "plain-writes", what: "20,000 write of 4 KiB to a plain image", zoned: false, input: writes, wanted: "at least 0.5" },
  ] as const;
  const pairs = kinds.map((): { ours: number; base: number }[] => []);
  for (let index = 0; index < REPEATS; index++) {
    say(`${PLACE}: sessions, ${index + 1} of ${REPEATS}`);
    const base = session(bench, { zoned: false }, "stock", writes);
    kinds.forEach((kind, at) => pairs[at]!.push({ ours: session(bench, kind, "zonescope", kind.input), base }));
  }
  const rate = (milliseconds: number): number => (COUNT * 1000) / milliseconds;
  const sessions = kinds.flatMap(({ id, what, wanted }, at) => [
    compared({ id: `cli/${id}`, place: PLACE, what, unit: "calls/s", wanted }, "stock qemu-io, as many writes to a plain qcow2", pairs[at]!.map(({ ours, base }) => ({ ours: rate(ours), base: rate(base) }))),
    compared(
      { id: `cli/${id}-without-start`, place: PLACE, what: `${what}, start-up taken off`, unit: "calls/s", wanted },
      "stock qemu-io, its start-up taken off",
      pairs[at]!.map(({ ours, base }) => ({ ours: rate(ours - median(node)), base: rate(base - median(stock)) })),
    ),
  ]);
  return [
    alone({ id: "cli/start-node", place: PLACE, what: "start-up of node -e 0", unit: "ms" }, node),
    compared({ id: "cli/start-zonescope", place: PLACE, what: "start-up of zonescope --version", unit: "ms" }, "node -e 0", zonescope.map((ours, index) => ({ ours, base: node[index]! }))),
    alone({ id: "cli/start-stock", place: PLACE, what: "start-up of stock qemu-io --version", unit: "ms" }, stock),
    ...sessions,
  ];
}
