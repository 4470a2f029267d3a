/**
 * Which crashes there are of a log of writes and barriers: a moment, and what of the writes since the last barrier before it reached the
 * disk. Chosen, drawn from a seed, or enumerated within bounds. Knows no bytes; recording-store.ts makes the disk.
 */
import type { Random } from "../base/random.ts";
import { SECTOR_SIZE } from "../base/units.ts";

export type Recorded =
  /** `label` is what the writer said that its writes are. */
  | { readonly kind: "write"; readonly offset: number; readonly data: Uint8Array; readonly label: string | null }
  | { readonly kind: "truncate"; readonly size: number }
  | { readonly kind: "flush" };

/** Which records since the last flush are on the disk. */
export interface CrashPlan {
  /** Records that were issued before the power went: those of index < cut. */
  readonly cut: number;
  /** Whether a sector (index from the disk's start) of the write `record` got there; for a truncate, sector is null. */
  survives(record: number, sector: number | null): boolean;
}

/** A write, or a truncate, that reached the disk although no barrier says so. */
export interface Kept {
  /** Its index in the log. */
  readonly record: number;
  /** The sectors of it that did, counted from the write's first one; null: all of it. */
  readonly sectors: readonly number[] | null;
}

/** A crash as plain data. */
export interface Cut {
  /** Records that were issued before the power went: those of index < cut. */
  readonly cut: number;
  /** Of those since the last barrier; what is not named is lost. */
  readonly kept: readonly Kept[];
}

/** Where the records begin that no barrier before `cut` has made durable. */
export const pendingFrom = (log: readonly Recorded[], cut: number): number => log.slice(0, cut).findLastIndex(({ kind }) => kind === "flush") + 1;

/** How many sectors a write touches; of anything else 0. */
export function sectorsOf(record: Recorded): number {
  if (record.kind !== "write" || record.data.length === 0) return 0;
  return Math.ceil((record.offset + record.data.length) / SECTOR_SIZE) - Math.floor(record.offset / SECTOR_SIZE);
}

/** The same crash in the form that the store asks for. */
export function planOf(log: readonly Recorded[], { cut, kept }: Cut): CrashPlan {
  const whole = new Set<number>();
  const torn = new Map<number, Set<number>>();
  for (const { record, sectors } of kept) {
    const at = log[record];
    if (sectors === null || at?.kind !== "write") whole.add(record);
    else torn.set(record, new Set(sectors.map((sector) => Math.floor(at.offset / SECTOR_SIZE) + sector)));
  }
  return { cut, survives: (record, sector) => whole.has(record) || (sector !== null && torn.get(record)?.has(sector) === true) };
}

type Fate = "whole" | "lost" | "torn";
const FATES: readonly (readonly Fate[])[] = [
  ["whole", "whole", "whole", "whole", "whole", "lost", "torn"],
  ["lost", "lost", "lost", "lost", "lost", "whole", "torn"],
  ["whole", "lost", "torn"],
];

/**
 * A crash drawn at random: its moment, and by write whether it is there whole, not at all, or in part.
 * @param cut the moment where that is chosen
 */
export function drawCut(log: readonly Recorded[], random: Random, cut = random.below(log.length + 1)): Cut {
  const fates = random.pick(FATES);
  const kept: Kept[] = [];
  for (let record = pendingFrom(log, cut); record < cut; record++) {
    const fate = random.pick(fates);
    const count = sectorsOf(log[record]!);
    if (fate === "lost") continue;
    const sectors = fate === "torn" ? Array.from({ length: count }, (_, sector) => sector).filter(() => random.chance(0.5)) : null;
    if (sectors === null || sectors.length === count) kept.push({ record, sectors: null });
    else if (sectors.length > 0) kept.push({ record, sectors });
  }
  return { cut, kept };
}

export interface CutBounds {
  /** The first moment. */
  readonly from: number;
  /** Up to this many pending records every subset of them is taken. */
  readonly exhaustive: number;
  /** Draws for a moment with more. */
  readonly draws: number;
}

/**
 * For every moment from `from` on: nothing of what is pending, all of it, and where that is little every subset; where it is more, each
 * record alone, all but each, and seeded draws.
 */
export function* cutsOf(log: readonly Recorded[], random: Random, { from, exhaustive, draws }: CutBounds): Generator<Cut, void, void> {
  for (let cut = from; cut <= log.length; cut++) {
    const first = pendingFrom(log, cut);
    const pending = Array.from({ length: cut - first }, (_, index) => first + index);
    const subset = (keeps: (record: number) => boolean): Cut => ({ cut, kept: pending.filter(keeps).map((record) => ({ record, sectors: null })) });
    if (pending.length <= exhaustive) {
      for (let bits = 0; bits < 2 ** pending.length; bits++) yield subset((record) => ((bits >> (record - first)) & 1) === 1);
      continue;
    }
    yield subset(() => false);
    yield subset(() => true);
    // What came last is what this moment adds; the others were alone, or missing, at the moments before.
    yield subset((record) => record === cut - 1);
    for (const missing of pending) if (cut === log.length || log[cut]!.kind === "flush") yield subset((record) => record !== missing);
    for (let draw = 0; draw < draws; draw++) yield drawCut(log, random, cut);
  }
}
