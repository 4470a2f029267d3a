/**
 * Which events of the log are listed: by kind, zone and words. Matches are kept as positions in the log and kept up with it, so
 * that a storm of events costs one test each and a list of a hundred thousand is never gone through for a frame.
 */
import { eventMore, eventText, eventZone } from "./event-text.ts";
import type { LogEvent } from "./history.ts";
import type { Ring } from "./ring.ts";
import { formatBytes } from "./units.ts";

export const EVENT_KINDS = ["transition", "pointer", "refusal", "trace", "flush"] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export interface EventFilter {
  /** Empty: all kinds. */
  readonly kinds: readonly EventKind[];
  readonly zone: number | null;
  /** Lower case; empty: any. */
  readonly words: string;
}

export const NO_FILTER: EventFilter = { kinds: [], zone: null, words: "" };

export const isFiltering = ({ kinds, zone, words }: EventFilter): boolean => kinds.length > 0 || zone !== null || words !== "";

export function matches(event: LogEvent, { kinds, zone, words }: EventFilter): boolean {
  // A patch stands for events of every kind.
  if (kinds.length > 0 && event.type !== "patch" && !kinds.includes(event.type)) return false;
  if (zone !== null && (event.type === "patch" ? !event.patch.zone.includes(zone) : eventZone(event) !== zone)) return false;
  return words === "" || [eventText(event, formatBytes), ...eventMore(event)].some((line) => line.toLowerCase().includes(words));
}

/** The positions of matching events, oldest first. */
export class EventMatches {
  private readonly events: Ring<LogEvent>;
  private filter: EventFilter = NO_FILTER;
  private positions: number[] = [];
  /** Matches before this index are of events that the log has forgotten. */
  private head = 0;
  /** Events up to this position were looked at. */
  private seen = 0;

  constructor(events: Ring<LogEvent>) {
    this.events = events;
  }

  setFilter(filter: EventFilter): void {
    if (filter === this.filter) return;
    this.filter = filter;
    this.positions = [];
    this.head = 0;
    this.seen = 0;
  }

  /** How many events match now. */
  count(): number {
    if (!isFiltering(this.filter)) return this.events.length;
    this.keepUp();
    return this.positions.length - this.head;
  }

  /** The position in the log of the match at `index`, the oldest being 0. */
  positionAt(index: number): number {
    if (!isFiltering(this.filter)) return this.events.forgotten + index;
    return this.positions[this.head + index] ?? -1;
  }

  /** The index of the last match before a position, -1 without one. */
  lastBefore(position: number): number {
    let low = 0;
    let high = this.count();
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.positionAt(middle) < position) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private keepUp(): void {
    const { forgotten, length } = this.events;
    const end = forgotten + length;
    for (let position = Math.max(this.seen, forgotten); position < end; position++) {
      if (matches(this.events.at(position - forgotten)!, this.filter)) this.positions.push(position);
    }
    this.seen = end;
    while (this.head < this.positions.length && this.positions[this.head]! < forgotten) this.head++;
    if (this.head > 4_096 && this.head * 2 > this.positions.length) {
      this.positions = this.positions.slice(this.head);
      this.head = 0;
    }
  }
}
