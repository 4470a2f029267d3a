/** One readable sentence for each event of the log. */
import { assertNever } from "../base/assert.ts";
import { conditionName } from "../base/conditions.ts";
import type { EventCause } from "../protocol/index.ts";
import { elsewhereLine, textOf } from "./failure-text.ts";
import type { LogEvent } from "./history.ts";
import { formatCount } from "./units.ts";
import type { FormatBytes } from "./units.ts";

/** The command's name as prose has it. */
const operationName = (operation: EventCause): string => operation.replace("-", " ");

/** @param size how numbers of bytes are written */
export function eventText(event: LogEvent, size: FormatBytes): string {
  switch (event.type) {
    case "transition":
      return `Zone ${event.zone}: ${conditionName(event.from)} → ${conditionName(event.to)} (${operationName(event.operation)})`;
    case "pointer": {
      const by = event.to - event.from;
      const distance = by < 0 ? `back ${size(-by)}` : `on ${size(by)}`;
      return `Zone ${event.zone}: write pointer ${distance}, to ${size(event.to)} (${operationName(event.operation)})`;
    }
    case "trace":
      return event.name === "qcow2_wp_tracking"
        ? `qcow2_wp_tracking: zone ${event.zone}, sector ${formatCount(event.sectors)}`
        : `qcow2_imp_open_zones: ${event.count} after ${operationName(event.operation)}`;
    case "refusal": {
      const where = event.refusal.zone === null ? "" : ` at zone ${event.refusal.zone}`;
      return `Refused ${operationName(event.refusal.operation)}${where}: ${event.refusal.code}. ${textOf(event.refusal).why}`;
    }
    case "flush":
      return "Flushed: everything acknowledged so far is on disk";
    case "patch": {
      const zones = event.patch.zone.length === 1 ? "1 zone" : `${formatCount(event.patch.zone.length)} zones`;
      return event.reason === "reopened" ? `Opened anew: ${zones} changed meanwhile` : `One command changed more than is listed: ${zones} without events of their own`;
    }
    default:
      return assertNever(event);
  }
}

/** What there is to say of an event beyond its sentence, a line each: of a refusal what would have worked, and what other disks call it. */
export function eventMore(event: LogEvent): readonly string[] {
  if (event.type !== "refusal") return [];
  const { instead, names } = textOf(event.refusal);
  const lines = instead === null ? [] : [`Instead: ${instead}`];
  return names === null ? lines : [...lines, elsewhereLine(names)];
}

/** Whether there is more to say of an event than its sentence. */
export const tellsMore = (event: LogEvent): boolean => event.type === "refusal";

/** The zone that an event is about, null for one about the whole device. */
export function eventZone(event: LogEvent): number | null {
  switch (event.type) {
    case "transition":
    case "pointer":
      return event.zone;
    case "trace":
      return event.name === "qcow2_wp_tracking" ? event.zone : null;
    case "refusal":
      return event.refusal.zone;
    default:
      return null;
  }
}

const two = (value: number): string => String(value).padStart(2, "0");

/** The wall clock to the millisecond, in this person's time zone. */
export function eventTime(timeMs: number): string {
  const date = new Date(timeMs);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
