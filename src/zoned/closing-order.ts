/**
 * The implicitly open zones and the order in which they would be closed to make room, by the rule of a profile. Every change and
 * the question for the next one cost the same however many zones there are.
 *
 * Both orders in time are kept whatever the rule is, so that a switch of the profile finds them. Source: zone semantics,
 * "Transitions" (Open slot) and "Other profiles" (which zone is closed implicitly).
 */
import { assertNever } from "../base/assert.ts";
import { zoneIndex } from "../base/units.ts";
import type { ZoneIndex } from "../base/units.ts";
import type { ClosingRule } from "./policy.ts";
import { ZoneBits } from "./zone-bits.ts";

const ZONE_0 = zoneIndex(0);

export class ClosingOrder {
  private readonly zoneCount: number;
  private rule: ClosingRule = "least-recently-written";
  /** Least recently written first (a Set keeps insertion order). */
  private readonly byWrite = new Set<ZoneIndex>();
  /** The last of them, which one write behind the other does not move. */
  private lastWritten: ZoneIndex | null = null;
  private readonly byOpening = new ZoneQueue();
  /** By number, for the round-robin only. */
  private byNumber: ZoneBits | null = null;
  /** Where the round-robin looks first: behind the zone that it closed last. */
  private cursor = 0;

  constructor(zoneCount: number) {
    this.zoneCount = zoneCount;
  }

  get size(): number {
    return this.byWrite.size;
  }

  /** From now on another rule says who is next; the round-robin starts at the first zone. */
  setRule(rule: ClosingRule): void {
    this.rule = rule;
    this.cursor = 0;
    this.byNumber = rule === "round-robin" ? new ZoneBits(this.zoneCount) : null;
    if (this.byNumber !== null) for (const zone of this.byWrite) this.byNumber.add(zone);
  }

  /** The zone became implicitly open, which a write did. */
  opened(zone: ZoneIndex): void {
    this.byWrite.add(zone);
    this.lastWritten = zone;
    this.byOpening.add(zone);
    this.byNumber?.add(zone);
  }

  /** A zone that was implicitly open already was written again. */
  written(zone: ZoneIndex): void {
    if (zone === this.lastWritten || !this.byWrite.delete(zone)) return;
    this.byWrite.add(zone);
    this.lastWritten = zone;
  }

  /** The zone is not implicitly open any more. */
  left(zone: ZoneIndex): void {
    this.byWrite.delete(zone);
    if (zone === this.lastWritten) this.lastWritten = null;
    this.byOpening.delete(zone);
    this.byNumber?.delete(zone);
  }

  /** The zone was closed to make room. */
  closedToMakeRoom(zone: ZoneIndex): void {
    this.cursor = zone + 1;
  }

  /** The zone that would be closed to make room, null when none is implicitly open. */
  next(): ZoneIndex | null {
    switch (this.rule) {
      case "least-recently-written":
        return firstOf(this.byWrite);
      case "oldest-opened":
        return this.byOpening.oldest;
      case "zone-0-else-newest":
        return this.byWrite.has(ZONE_0) ? ZONE_0 : this.byOpening.newest;
      case "round-robin":
        return this.byNumber?.next(this.cursor) ?? this.byNumber?.next(0) ?? null;
      default:
        return assertNever(this.rule);
    }
  }

  /** The zones in the order in which they would be closed, at most `limit` of them. */
  order(limit: number): ZoneIndex[] {
    const order: ZoneIndex[] = [];
    for (const zone of this.inOrder()) {
      if (order.length === limit) break;
      order.push(zone);
    }
    return order;
  }

  private inOrder(): Iterable<ZoneIndex> {
    switch (this.rule) {
      case "least-recently-written":
        return this.byWrite;
      case "oldest-opened":
        return this.byOpening.fromOldest();
      case "zone-0-else-newest":
        return this.zone0First();
      case "round-robin":
        return this.aroundFromCursor();
      default:
        return assertNever(this.rule);
    }
  }

  private *zone0First(): Generator<ZoneIndex> {
    if (this.byWrite.has(ZONE_0)) yield ZONE_0;
    for (const zone of this.byOpening.fromNewest()) if (zone !== ZONE_0) yield zone;
  }

  private *aroundFromCursor(): Generator<ZoneIndex> {
    const bits = this.byNumber;
    if (bits === null) return;
    for (let zone = bits.next(this.cursor); zone !== null; zone = bits.next(zone + 1)) yield zone;
    for (let zone = bits.next(0); zone !== null && zone < this.cursor; zone = bits.next(zone + 1)) yield zone;
  }
}

function firstOf(zones: ReadonlySet<ZoneIndex>): ZoneIndex | null {
  const first = zones.values().next();
  return first.done === true ? null : first.value;
}

interface Link {
  older: ZoneIndex | null;
  newer: ZoneIndex | null;
}

/** Zones in the order in which they came, with both ends at hand. */
class ZoneQueue {
  oldest: ZoneIndex | null = null;
  newest: ZoneIndex | null = null;
  private readonly links = new Map<ZoneIndex, Link>();

  add(zone: ZoneIndex): void {
    this.links.set(zone, { older: this.newest, newer: null });
    if (this.newest === null) this.oldest = zone;
    else this.links.get(this.newest)!.newer = zone;
    this.newest = zone;
  }

  delete(zone: ZoneIndex): void {
    const link = this.links.get(zone);
    if (link === undefined) return;
    this.links.delete(zone);
    if (link.older === null) this.oldest = link.newer;
    else this.links.get(link.older)!.newer = link.newer;
    if (link.newer === null) this.newest = link.older;
    else this.links.get(link.newer)!.older = link.older;
  }

  *fromOldest(): Generator<ZoneIndex> {
    for (let zone = this.oldest; zone !== null; zone = this.links.get(zone)!.newer) yield zone;
  }

  *fromNewest(): Generator<ZoneIndex> {
    for (let zone = this.newest; zone !== null; zone = this.links.get(zone)!.older) yield zone;
  }
}
