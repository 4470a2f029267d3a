/** What the worker tells the page without being asked. */
import type { Condition } from "../base/conditions.ts";
import type { Failure, ZoneOperation, ZoneRefusal } from "./failures.ts";
import type { ToldCall } from "./guest.ts";
import type { Resources, ZoneCounters } from "./snapshot.ts";

/** What made an event happen: an operation of the device, or the power. */
export type EventCause = ZoneOperation | "power-cycle";

/** One line of the event log. `seq` counts from 1 by device, and jumps where a call made more events than are handed over; `timeMs` is milliseconds since 1970. */
export type DeviceEvent = { readonly seq: number; readonly timeMs: number } & (
  | { readonly type: "transition"; readonly zone: number; readonly from: Condition; readonly to: Condition; readonly operation: EventCause }
  | { readonly type: "pointer"; readonly zone: number; readonly from: number; readonly to: number; readonly operation: ZoneOperation }
  /** The series' trace event of that name: a write pointer was stored in the image. */
  | { readonly type: "trace"; readonly name: "qcow2_wp_tracking"; readonly zone: number; readonly sectors: number }
  /** The series' trace event of that name: the number of implicitly open zones changed. */
  | { readonly type: "trace"; readonly name: "qcow2_imp_open_zones"; readonly operation: ZoneOperation; readonly count: number }
  | { readonly type: "refusal"; readonly refusal: ZoneRefusal }
  | { readonly type: "flush" }
);

/** DeviceEvent before the device has numbered and dated it. */
export type DeviceEventBody = DeviceEvent extends infer Event ? (Event extends DeviceEvent ? Omit<Event, "seq" | "timeMs"> : never) : never;

/** Changed zones as columns: row i says what zone[i] is now. A zone of which only a counter changed has a row too. */
export interface ZoneChanges extends ZoneCounters {
  readonly zone: Uint32Array;
  readonly condition: Uint8Array;
  readonly writePointer: Float64Array;
}

export type Notice =
  /** A watched device changed, or a guest made calls of it, which may have changed nothing: sent once per call, or for several together. */
  | { readonly notice: "device"; readonly handle: number; readonly changes: ZoneChanges; readonly resources: Resources; readonly events: readonly DeviceEvent[]; readonly calls: readonly ToldCall[] }
  /** Another tab took the image over; it was flushed and closed here, the handle is dead. */
  | { readonly notice: "taken-over"; readonly handle: number; readonly file: string }
  /** A flush that nobody waited for failed: what was acknowledged since the last flush may be lost. */
  | { readonly notice: "flush-failed"; readonly handle: number; readonly file: string; readonly failure: Failure }
  /** How far a long call is: `id` is the call's, the fraction 0 to 1. */
  | { readonly notice: "progress"; readonly id: number; readonly fraction: number };
