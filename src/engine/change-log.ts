/**
 * What changed on a device since somebody last asked: events in their order, the set of zones that are different now, and the calls
 * that a guest made of it.
 * Collects only while the device is watched, so that a command line pays nothing for it.
 */
import type { Condition } from "../base/conditions.ts";
import type { GuestOffset, ZoneIndex } from "../base/units.ts";
import type { DeviceEvent, DeviceEventBody, GuestCallName, Outcome, RequestOf, ToldCall, ZoneChanges, ZoneOperation, ZoneRefusal } from "../protocol/index.ts";
import type { ZoneObserver, ZoneTable } from "../zoned/zone-table.ts";
import { ToldCalls } from "./told-calls.ts";

/** One call may change millions of zones. Beyond this many its events are left out, which `seq` shows; the set of zones never is. */
const MAX_EVENTS = 10_000;

export class ChangeLog implements ZoneObserver {
  watched = false;
  /** The operation that is being carried out: each event says what caused it. */
  operation: ZoneOperation = "write";
  /** Counts every pointer that moved, watched or not. */
  pointerMoves = 0;
  /** Events kept until somebody asks; a workload, which makes more than anybody could read, sets it lower. */
  eventLimit = MAX_EVENTS;
  private readonly now: () => number;
  private seq = 0;
  private events: DeviceEvent[] = [];
  private changed = new Set<ZoneIndex>();
  private readonly calls = new ToldCalls();
  /** Hears pointer moves whether watched or not (the pointer store). */
  onPointerMoved: (zone: ZoneIndex, from: GuestOffset) => void = () => {};

  /** @param now milliseconds since 1970 */
  constructor(now: () => number) {
    this.now = now;
  }

  conditionChanged(zone: ZoneIndex, from: Condition, to: Condition): void {
    if (this.watched) this.changed.add(zone);
    this.add({ type: "transition", zone, from, to, operation: this.operation });
  }

  /** What a power cycle did to a zone that was open. */
  powerCycled(zone: ZoneIndex, from: Condition, to: Condition): void {
    if (this.watched) this.changed.add(zone);
    this.add({ type: "transition", zone, from, to, operation: "power-cycle" });
  }

  pointerMoved(zone: ZoneIndex, from: GuestOffset, to: GuestOffset): void {
    this.pointerMoves++;
    this.onPointerMoved(zone, from);
    if (!this.watched) return;
    this.changed.add(zone);
    this.add({ type: "pointer", zone, from, to, operation: this.operation });
  }

  implicitOpenChanged(_zone: ZoneIndex, count: number): void {
    this.add({ type: "trace", name: "qcow2_imp_open_zones", operation: this.operation, count });
  }

  counted(zone: ZoneIndex): void {
    if (this.watched) this.changed.add(zone);
  }

  pointerStored(zone: ZoneIndex, sectors: number): void {
    this.add({ type: "trace", name: "qcow2_wp_tracking", zone, sectors });
  }

  refused(refusal: ZoneRefusal): void {
    this.add({ type: "refusal", refusal });
  }

  flushed(): void {
    this.add({ type: "flush" });
  }

  /** Carries a guest's call out, of which those who watch are told with the events that it makes. */
  told<Name extends GuestCallName>(name: Name, request: RequestOf<Name>, act: () => Outcome<Name>): Outcome<Name> {
    const from = this.events.length;
    const outcome = act();
    if (this.watched) this.calls.add(name, request, outcome, from, this.events.length);
    return outcome;
  }

  /** Hands out what was collected and starts anew; null when nothing was. */
  take(zones: ZoneTable): { changes: ZoneChanges; events: readonly DeviceEvent[]; calls: readonly ToldCall[] } | null {
    const calls = this.calls.take();
    // A write to a conventional zone makes no event, and changes its counters all the same.
    if (this.events.length === 0 && this.changed.size === 0 && calls.length === 0) return null;
    const { changed, events } = this;
    this.changed = new Set();
    this.events = [];
    const zone = Uint32Array.from(changed);
    return {
      events,
      calls,
      changes: {
        zone,
        condition: Uint8Array.from(zone, (index) => zones.condition[index]!),
        writePointer: Float64Array.from(zone, (index) => zones.writePointer[index]!),
        writes: Uint32Array.from(zone, (index) => zones.writes[index] ?? 0),
        bytesWritten: Float64Array.from(zone, (index) => zones.bytesWritten[index] ?? 0),
        resets: Uint32Array.from(zone, (index) => zones.resets[index] ?? 0),
        finishes: Uint32Array.from(zone, (index) => zones.finishes[index] ?? 0),
        refusals: Uint32Array.from(zone, (index) => zones.refusals[index] ?? 0),
      },
    };
  }

  private add(body: DeviceEventBody): void {
    if (!this.watched) return;
    this.seq++;
    if (this.events.length < this.eventLimit) this.events.push({ ...body, seq: this.seq, timeMs: this.now() });
  }
}
