/**
 * A figure of the bench: what this program took, what the yardstick took in the same run on the same machine, and their ratio.
 * Nothing is asserted about any of them; a figure is read, not passed.
 */

export type Unit = "MiB/s" | "calls/s" | "ms" | "µs" | "flushes" | "reads" | "MiB";

export interface Figure {
  /** Stable, for whoever compares two runs' JSON. */
  readonly id: string;
  readonly place: string;
  readonly what: string;
  readonly unit: Unit;
  /** Ours, the median of the repeats. */
  readonly value: number;
  /** What it is compared with; null for a figure that stands alone. */
  readonly against: string | null;
  /** The yardstick's own, the median of the repeats. */
  readonly base: number | null;
  /** Median of the repeats' ratios ours / base: of rates more is better, of times and counts less. */
  readonly ratio: number | null;
  /** Smallest and largest ratio of the repeats. */
  readonly spread: readonly [number, number] | null;
  /** What the project aims at, in words. */
  readonly wanted: string | null;
}

/** One repeat: ours and the yardstick's, in the figure's unit. */
export interface Pair {
  readonly ours: number;
  readonly base: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export type Label = Pick<Figure, "id" | "place" | "what" | "unit"> & { readonly wanted?: string };

export function compared(label: Label, against: string, pairs: readonly Pair[]): Figure {
  const ratios = pairs.map(({ ours, base }) => ours / base);
  return {
    ...label,
    wanted: label.wanted ?? null,
    value: median(pairs.map(({ ours }) => ours)),
    against,
    base: median(pairs.map(({ base }) => base)),
    ratio: median(ratios),
    spread: [Math.min(...ratios), Math.max(...ratios)],
  };
}

/** A figure with nothing to compare it with. */
export function alone(label: Label, values: readonly number[]): Figure {
  return { ...label, wanted: label.wanted ?? null, value: median(values), against: null, base: null, ratio: null, spread: null };
}

export type Repeated<Run> = readonly { readonly ours: Run; readonly base: Run }[];

/**
 * Repeats both sides, first one and then the other in front, so that neither always finds the machine as the other left it.
 * One repeat more runs beforehand and is not counted: it warms the compiler and the disk's caches.
 */
export async function repeat<Run>(
  times: number,
  runOurs: () => Promise<Run>,
  runBase: () => Promise<Run>,
): Promise<Repeated<Run>> {
  const runs: { ours: Run; base: Run }[] = [];
  for (let index = -1; index < times; index++) {
    let ours: Run;
    let base: Run;
    if (index % 2 === 0) {
      ours = await runOurs();
      base = await runBase();
    } else {
      base = await runBase();
      ours = await runOurs();
    }
    if (index >= 0) runs.push({ ours, base });
  }
  return runs;
}
