/**
 * In which order implicitly open zones would have been closed at any moment of the log: what the engine told after each call, kept
 * by position. Bounded; what was forgotten is said to be unknown, and never made up.
 *
 * Knows no rules: in the midst of a call the order is put together from what was told before and after it, and only where these two
 * leave no choice.
 */
import { Condition } from "../base/conditions.ts";
import type { Resources } from "../protocol/index.ts";
import type { ZoneModel } from "./zone-model.ts";

/** Resources of a moment that is past; the order is null where nobody knows it any more. */
export interface PastResources extends Omit<Resources, "implicitOrder"> {
  readonly implicitOrder: readonly number[] | null;
}

interface Told {
  /** Events of the log that had happened then. */
  readonly at: number;
  readonly order: Uint32Array;
  readonly maxOpen: number;
  readonly maxActive: number;
}

/** Numbers kept in all, each entry counting as some more. */
const MOST_NUMBERS = 2 ** 21;
const OF_AN_ENTRY = 24;
/** The engine tells no more of an order than this. */
const TOLD_OF_AN_ORDER = 64;

export class ClosingOrders {
  private entries: Told[] = [];
  /** Entries before this index are forgotten. */
  private head = 0;
  private numbers = 0;
  private readonly mostNumbers: number;

  constructor(mostNumbers = MOST_NUMBERS) {
    this.mostNumbers = mostNumbers;
  }

  /** What the engine told when so many events of the log had happened. */
  note(at: number, { implicitOrder, maxOpen, maxActive }: Resources): void {
    const last = this.entries.at(-1);
    if (last !== undefined && isSame(last, implicitOrder, maxOpen, maxActive)) return;
    if (last?.at === at) this.drop(this.entries.pop());
    const told = { at, order: Uint32Array.from(implicitOrder), maxOpen, maxActive };
    this.entries.push(told);
    this.numbers += told.order.length + OF_AN_ENTRY;
    while (this.numbers > this.mostNumbers && this.head < this.entries.length - 1) this.drop(this.entries[this.head++]);
    if (this.head > 1_024 && this.head * 2 > this.entries.length) {
      this.entries = this.entries.slice(this.head);
      this.head = 0;
    }
  }

  /** Of another image nothing was told yet. */
  clear(): void {
    this.entries = [];
    this.head = 0;
    this.numbers = 0;
  }

  /**
   * @param zones as they were at the moment
   * @param now in place of limits that are not known any more
   */
  at(moment: number, zones: ZoneModel, now: Resources): PastResources {
    const next = this.firstAfter(moment);
    const before = next > this.head ? this.entries[next - 1]! : null;
    const { maxOpen, maxActive } = before ?? now;
    const counts = { implicitOpen: zones.countOf(Condition.IMPLICIT_OPEN), explicitOpen: zones.countOf(Condition.EXPLICIT_OPEN), closed: zones.countOf(Condition.CLOSED) };
    return { ...counts, maxOpen, maxActive, implicitOrder: orderOf(zones, before, this.entries[next] ?? null) };
  }

  private firstAfter(moment: number): number {
    let low = this.head;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.entries[middle]!.at <= moment) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private drop(told: Told | undefined): void {
    if (told !== undefined) this.numbers -= told.order.length + OF_AN_ENTRY;
  }
}

function isSame(told: Told, order: readonly number[], maxOpen: number, maxActive: number): boolean {
  if (told.maxOpen !== maxOpen || told.maxActive !== maxActive || told.order.length !== order.length) return false;
  for (let index = 0; index < order.length; index++) if (told.order[index] !== order[index]) return false;
  return true;
}

/** Of what was told before and after, the zones that are implicitly open at the moment: all of them, or an order's known beginning. */
function orderOf(zones: ZoneModel, before: Told | null, after: Told | null): readonly number[] | null {
  const wanted = zones.countOf(Condition.IMPLICIT_OPEN);
  if (wanted === 0) return [];
  if (before === null) return null;
  const left = [...before.order].filter((zone) => zones.condition[zone] === Condition.IMPLICIT_OPEN);
  if (left.length === wanted) return left;
  const come = after === null ? [] : [...after.order].filter((zone) => zones.condition[zone] === Condition.IMPLICIT_OPEN);
  if (come.length === wanted) return come;
  return before.order.length === TOLD_OF_AN_ORDER ? left : null;
}
