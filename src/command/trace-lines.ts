/**
 * The series' two trace events as lines of QEMU's log: the event's name, then its words with its numbers.
 *
 * Source: the series' additions to block/trace-events; zoned format, "Trace events of the series".
 */
import { assertNever } from "../base/assert.ts";
import type { DeviceEvent, ZoneOperation } from "../protocol/index.ts";
import { hex } from "./format.ts";

const TRACE_NAMES = ["qcow2_wp_tracking", "qcow2_imp_open_zones"] as const;

type TraceEvent = Extract<DeviceEvent, { type: "trace" }>;

/** What caused it, as the series numbers it: QEMU's BlockZoneOp for management, 0x24 for whatever writes. */
const OPERATION_NUMBERS: Readonly<Partial<Record<ZoneOperation, number>>> = { open: 0, close: 1, finish: 2, reset: 3 };
const WRITES = 0x24;

export function traceLine(event: TraceEvent): string {
  switch (event.name) {
    case "qcow2_wp_tracking":
      return `${event.name} wps[${event.zone}]: ${hex(event.sectors)}\n`;
    case "qcow2_imp_open_zones":
      return `${event.name} nr_imp_open_zones after op ${hex(OPERATION_NUMBERS[event.operation] ?? WRITES)}: ${event.count}\n`;
    default:
      return assertNever(event);
  }
}

/** Names of events that a pattern of qemu-io's -T means: "[enable=]PATTERN", * for anything; what follows a comma is not used. */
export function tracedBy(pattern: string): string[] {
  const glob = (pattern.split(",")[0] ?? "").replace(/^enable=/, "");
  const expression = new RegExp(`^${glob.replace(/[^\w*]/g, "\\$&").replaceAll("*", ".*")}$`);
  return TRACE_NAMES.filter((name) => expression.test(name));
}
