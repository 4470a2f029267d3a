/**
 * The zones of one device in memory: a column per property, the open and active counts, and the order in which implicitly open
 * zones would be closed. Costs of every call are independent of the number of zones.
 *
 * It applies transitions; it does not decide them, and it knows nothing of the image. Source: zone semantics.
 */
import { assert } from "../base/assert.ts";
import { Condition, ZoneType } from "../base/conditions.ts";
import { guestOffset } from "../base/units.ts";
import type { GuestOffset, ZoneIndex } from "../base/units.ts";
import { ClosingOrder } from "./closing-order.ts";
import { zoneCapacityOf, zoneEnd, zoneStart } from "./geometry.ts";
import type { ZoneGeometry } from "./geometry.ts";
import type { StoredZones } from "./pointer.ts";
import type { ClosingRule } from "./policy.ts";
import type { ResourceView, Transition, ZoneView } from "./transitions.ts";

/** Told of every change, in the order in which it happens. */
export interface ZoneObserver {
  conditionChanged(zone: ZoneIndex, from: Condition, to: Condition): void;
  pointerMoved(zone: ZoneIndex, from: GuestOffset, to: GuestOffset): void;
  /** The number of implicitly open zones became `count` because of `zone`. */
  implicitOpenChanged(zone: ZoneIndex, count: number): void;
  /** A counter of the zone changed. */
  counted(zone: ZoneIndex): void;
}

/** The columns of a table, by zone; what each holds is said at the table's own. */
export type ZoneTableColumns = Pick<ZoneTable, "type" | "condition" | "writePointer" | "writes" | "bytesWritten" | "resets" | "finishes" | "refusals">;

export class ZoneTable {
  readonly geometry: ZoneGeometry;
  /** ZoneType by zone. */
  readonly type: Uint8Array;
  /** Condition by zone. */
  readonly condition: Uint8Array;
  /** Write pointer by zone, an absolute guest byte offset; a conventional zone's is its start. */
  readonly writePointer: Float64Array;
  // Counters by zone since the device was opened. They live in memory only: the image stores none, and a power cycle begins anew.
  // All of them are empty until the first one counts: of a million zones they are more than all else that a device keeps.
  /** Writes, appends and writes of zeroes that were carried out. */
  writes = new Uint32Array(0);
  /** Bytes of those writes. */
  bytesWritten = new Float64Array(0);
  resets = new Uint32Array(0);
  finishes = new Uint32Array(0);
  /** Refused operations that name the zone. */
  refusals = new Uint32Array(0);
  private readonly observer: ZoneObserver;
  /** The implicitly open zones. */
  private readonly implicit: ClosingOrder;
  private explicitCount = 0;
  private closedCount: number;

  /**
   * @param stored the stored pointers, already validated, with the conditions that they mean; they become the table's own
   * @param closed how many of those conditions are CLOSED
   */
  constructor(geometry: ZoneGeometry, stored: StoredZones, closed: number, observer: ZoneObserver) {
    const count = geometry.zoneCount;
    this.geometry = geometry;
    this.observer = observer;
    this.implicit = new ClosingOrder(count);
    this.type = stored.type;
    this.writePointer = stored.writePointer;
    this.condition = stored.condition;
    this.closedCount = closed;
  }

  /** Which implicitly open zone is closed to make room from now on; the least recently written one until this is called. */
  setClosingRule(rule: ClosingRule): void {
    this.implicit.setRule(rule);
  }

  /** A copy of every column. */
  columns(): ZoneTableColumns {
    return {
      type: this.type.slice(),
      condition: this.condition.slice(),
      writePointer: this.writePointer.slice(),
      writes: this.writes.slice(),
      bytesWritten: this.bytesWritten.slice(),
      resets: this.resets.slice(),
      finishes: this.finishes.slice(),
      refusals: this.refusals.slice(),
    };
  }

  private beginCounting(): void {
    const { zoneCount } = this.geometry;
    if (this.writes.length === zoneCount) return;
    this.writes = new Uint32Array(zoneCount);
    this.bytesWritten = new Float64Array(zoneCount);
    this.resets = new Uint32Array(zoneCount);
    this.finishes = new Uint32Array(zoneCount);
    this.refusals = new Uint32Array(zoneCount);
  }

  isConventional(zone: ZoneIndex): boolean {
    return this.type[zone] === ZoneType.CONVENTIONAL;
  }

  conditionOf(zone: ZoneIndex): Condition {
    return this.condition[zone] as Condition;
  }

  view(zone: ZoneIndex): ZoneView {
    const start = zoneStart(this.geometry, zone);
    return {
      zone,
      condition: this.conditionOf(zone),
      writePointer: guestOffset(this.writePointer[zone]!),
      start,
      capacityEnd: guestOffset(start + zoneCapacityOf(this.geometry, zone, this.isConventional(zone))),
      end: zoneEnd(this.geometry, zone),
    };
  }

  resources(): ResourceView {
    const open = this.implicit.size + this.explicitCount;
    return {
      open,
      active: open + this.closedCount,
      maxOpen: this.geometry.maxOpenZones,
      maxActive: this.geometry.maxActiveZones,
      victim: this.implicit.next(),
    };
  }

  /** Implicitly open zones, the next to be closed first; at most `limit` of them. */
  implicitOrder(limit: number): ZoneIndex[] {
    return this.implicit.order(limit);
  }

  counts(): { implicitOpen: number; explicitOpen: number; closed: number } {
    return { implicitOpen: this.implicit.size, explicitOpen: this.explicitCount, closed: this.closedCount };
  }

  /** Carries out a decided transition of `zone`, the implicit close of another zone first. */
  apply(zone: ZoneIndex, transition: Transition): void {
    assert(!this.isConventional(zone), "a conventional zone has no transitions");
    if (transition.implicitlyCloses !== null) {
      assert(this.conditionOf(transition.implicitlyCloses) === Condition.IMPLICIT_OPEN, "only an implicitly open zone is closed to make room");
      this.setCondition(transition.implicitlyCloses, Condition.CLOSED);
      this.implicit.closedToMakeRoom(transition.implicitlyCloses);
    }
    const from = guestOffset(this.writePointer[zone]!);
    if (from !== transition.writePointer) {
      this.writePointer[zone] = transition.writePointer;
      this.observer.pointerMoved(zone, from, transition.writePointer);
    }
    this.setCondition(zone, transition.to);
    if (transition.to === Condition.IMPLICIT_OPEN) this.implicit.written(zone);
  }

  /** Counts a write that was carried out. @param lengthBytes what of it lies in this zone */
  countWrite(zone: ZoneIndex, lengthBytes: number): void {
    this.beginCounting();
    this.writes[zone]!++;
    this.bytesWritten[zone]! += lengthBytes;
    this.observer.counted(zone);
  }

  /** Counts a reset or finish that changed the zone, or a refusal that names it. */
  count(what: "resets" | "finishes" | "refusals", zone: ZoneIndex): void {
    this.beginCounting();
    this[what][zone]!++;
    this.observer.counted(zone);
  }

  private setCondition(zone: ZoneIndex, to: Condition): void {
    const from = this.conditionOf(zone);
    if (from === to) return;
    const implicitBefore = this.implicit.size;
    if (from === Condition.IMPLICIT_OPEN) this.implicit.left(zone);
    if (from === Condition.EXPLICIT_OPEN) this.explicitCount--;
    if (from === Condition.CLOSED) this.closedCount--;
    if (to === Condition.IMPLICIT_OPEN) this.implicit.opened(zone);
    if (to === Condition.EXPLICIT_OPEN) this.explicitCount++;
    if (to === Condition.CLOSED) this.closedCount++;
    this.condition[zone] = to;
    this.observer.conditionChanged(zone, from, to);
    if (this.implicit.size !== implicitBefore) this.observer.implicitOpenChanged(zone, this.implicit.size);
  }
}
