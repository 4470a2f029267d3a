/**
 * The figures of the README: a table of what `npm run bench -- --json docs/figures.json` measured, and of long runs that are written down in
 * docs/runs.json. Where nothing was measured, that is what it says.
 */
import type { Figure } from "../bench/figure.ts";
import { table } from "./tables.ts";

/** What the bench writes. */
export interface Measured {
  readonly date: string;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly figures: readonly Figure[];
}

/** A run too long for the bench: a fuzz, a soak, another program's tests. */
export interface LongRun {
  readonly what: string;
  readonly result: string;
  readonly command: string;
  /** As 2026-11-29. */
  readonly date: string;
}

const BEGIN = "<!-- figures: made by `npm run docs` of docs/figures.json and docs/runs.json -->";
const END = "<!-- end of figures -->";

/** Which part of the bench makes a figure, by how its id begins. */
const PARTS: Readonly<Record<string, string>> = { chromium: "storage", page: "page", inspector: "inspector", node: "node", cli: "stock" };

const short = (value: number): string => value.toLocaleString("en", { maximumSignificantDigits: 3 });

function row({ id, place, what, value, unit, against, base, ratio, wanted }: Figure): string[] {
  const part = PARTS[id.split("/")[0]!];
  return [
    `${place}: ${what}`,
    `${short(value)} ${unit}`,
    base === null ? "" : `${short(base)} ${unit}, ${against ?? ""}`,
    ratio === null ? "" : ratio.toFixed(2),
    wanted ?? "",
    part === undefined ? "`npm run bench`" : `\`npm run bench -- --only ${part}\``,
  ];
}

function machineWords({ processors, memoryGiB, system, node, chromium, qemu, load }: Measured["machine"]): string {
  return `${processors} processors, ${memoryGiB} GiB of memory, ${system}, Node ${node}, Chromium ${chromium}, QEMU ${qemu}; load ${load} in the minute before`;
}

/** The part of the README between its marks. Of the figures those that something was wanted of. */
export function figuresText(measured: Measured | null, runs: readonly LongRun[]): string {
  const aimed = measured?.figures.filter(({ wanted }) => wanted !== null) ?? [];
  const bench =
    measured === null
      ? "Nothing was measured for this version yet; `npm run bench` prints the table.\n"
      : `Measured on ${measured.date.slice(0, 10)}: ${machineWords(measured.machine)}. A ratio is to the yardstick in the same run.\n\n${table(["figure", "value", "yardstick", "ratio", "wanted", "made by"], aimed.map(row))}`;
  const long = runs.length === 0 ? "" : `\n${table(["run", "result", "made by", "date"], runs.map(({ what, result, command, date }) => [what, result, `\`${command}\``, date]))}`;
  return `${BEGIN}\n${bench}${long}${END}`;
}

/** The README with its figures; throws where it has no place for them. */
export function withFigures(readme: string, measured: Measured | null, runs: readonly LongRun[]): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error("the README has no place for figures");
  return readme.slice(0, begin) + figuresText(measured, runs) + readme.slice(end + END.length);
}
