/**
 * The event log as a way through time. Every event says what was before and what came after, so a model of the zones is led back
 * or forward event by event: a hundred thousand of them take a few milliseconds, and no copies of the columns are kept on the way.
 *
 * What no event tells (a call that made more events than are handed over, a device that was opened anew) is a patch: an event of
 * the page's own with the zones that were different afterwards.
 *
 * Knows no rules: it repeats what the engine told. Counters follow what events say; writes to conventional zones make no event.
 */
import type { DeviceEvent, ZoneChanges } from "../protocol/index.ts";
import type { ZoneModel } from "./zone-model.ts";

/** Zones that changed without events, as columns. */
export interface ZonePatch {
  readonly zone: Uint32Array;
  readonly fromCondition: Uint8Array;
  readonly toCondition: Uint8Array;
  readonly fromPointer: Float64Array;
  readonly toPointer: Float64Array;
}

export interface PatchEvent {
  readonly type: "patch";
  readonly seq: number;
  readonly timeMs: number;
  /** left-out: one call made more events than are handed over. reopened: the device was opened anew, perhaps by another command. */
  readonly reason: "left-out" | "reopened";
  readonly patch: ZonePatch;
}

export type LogEvent = DeviceEvent | PatchEvent;

/** Leads the model over one event, forward (as it happened) or back. */
export function stepOver(model: ZoneModel, event: LogEvent, direction: 1 | -1): void {
  switch (event.type) {
    case "transition":
      if (event.zone >= model.count) return;
      model.set(event.zone, direction === 1 ? event.to : event.from, model.writePointer[event.zone]!);
      if (event.operation === "reset") model.addTo("resets", event.zone, direction);
      return;
    case "pointer":
      if (event.zone >= model.count) return;
      model.set(event.zone, model.condition[event.zone]!, direction === 1 ? event.to : event.from);
      countPointer(model, event, direction);
      return;
    case "refusal":
      if (event.refusal.zone !== null && event.refusal.zone < model.count) model.addTo("refusals", event.refusal.zone, direction);
      return;
    case "patch":
      stepOverPatch(model, event.patch, direction);
      return;
    default:
      // Traces and flushes change no zone.
      return;
  }
}

function countPointer(model: ZoneModel, event: Extract<DeviceEvent, { type: "pointer" }>, direction: 1 | -1): void {
  switch (event.operation) {
    case "write":
    case "append":
    case "write-zeroes":
      model.addTo("writes", event.zone, direction);
      model.addTo("bytesWritten", event.zone, direction * (event.to - event.from));
      return;
    case "finish":
      model.addTo("finishes", event.zone, direction);
      return;
    default:
      return;
  }
}

function stepOverPatch(model: ZoneModel, patch: ZonePatch, direction: 1 | -1): void {
  const condition = direction === 1 ? patch.toCondition : patch.fromCondition;
  const pointer = direction === 1 ? patch.toPointer : patch.fromPointer;
  for (let row = 0; row < patch.zone.length; row++) {
    if (patch.zone[row]! < model.count) model.set(patch.zone[row]!, condition[row]!, pointer[row]!);
  }
}

class PatchMaker {
  private readonly zone: number[] = [];
  private readonly fromCondition: number[] = [];
  private readonly toCondition: number[] = [];
  private readonly fromPointer: number[] = [];
  private readonly toPointer: number[] = [];

  add(zone: number, fromCondition: number, toCondition: number, fromPointer: number, toPointer: number): void {
    if (fromCondition === toCondition && fromPointer === toPointer) return;
    this.zone.push(zone);
    this.fromCondition.push(fromCondition);
    this.toCondition.push(toCondition);
    this.fromPointer.push(fromPointer);
    this.toPointer.push(toPointer);
  }

  make(): ZonePatch | null {
    if (this.zone.length === 0) return null;
    return {
      zone: Uint32Array.from(this.zone),
      fromCondition: Uint8Array.from(this.fromCondition),
      toCondition: Uint8Array.from(this.toCondition),
      fromPointer: Float64Array.from(this.fromPointer),
      toPointer: Float64Array.from(this.toPointer),
    };
  }
}

/** What the changes say and the events before them do not. @param model as it was before the events */
export function untold(model: ZoneModel, events: readonly DeviceEvent[], changes: ZoneChanges): ZonePatch | null {
  const condition = new Map<number, number>();
  const pointer = new Map<number, number>();
  for (const event of events) {
    if (event.type === "transition") condition.set(event.zone, event.to);
    else if (event.type === "pointer") pointer.set(event.zone, event.to);
  }
  const patch = new PatchMaker();
  for (let row = 0; row < changes.zone.length; row++) {
    const zone = changes.zone[row]!;
    if (zone >= model.count) continue;
    const fromCondition = condition.get(zone) ?? model.condition[zone]!;
    patch.add(zone, fromCondition, changes.condition[row]!, pointer.get(zone) ?? model.writePointer[zone]!, changes.writePointer[row]!);
  }
  return patch.make();
}

/** How two models of the same zones differ. */
export function difference(before: ZoneModel, after: ZoneModel): ZonePatch | null {
  const patch = new PatchMaker();
  for (let zone = 0; zone < after.count; zone++) {
    patch.add(zone, before.condition[zone]!, after.condition[zone]!, before.writePointer[zone]!, after.writePointer[zone]!);
  }
  return patch.make();
}
