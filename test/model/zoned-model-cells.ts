/**
 * The cells of the transitions table as the model test counts them: a command and how it meets the zone, the zone's condition,
 * and what the limits leave. Every cell that can be is listed here; the test fails when one of them was never reached.
 * Zone semantics, "Transitions".
 */
import type { ModelZone, ZonedModel } from "./zoned-model.ts";

/** A condition of the table; EXPLICIT_OPEN is two columns, because CLOSE and a power cycle tell them apart. */
export const COLUMNS = ["NOT_WP", "EMPTY", "IMPLICIT_OPEN", "EXPLICIT_OPEN unwritten", "EXPLICIT_OPEN written", "CLOSED", "FULL"] as const;
export type Column = (typeof COLUMNS)[number];

/** free: a slot is left. evict: none is left, an implicitly open zone can be closed. pinned: every open zone is explicit. */
const OPEN_ROOM = ["open free", "open evict", "open pinned"] as const;
const ACTIVE_ROOM = ["active free", "active full"] as const;

/** A worn zone has no column: the page's table does not know it. */
export function columnOf(zone: ModelZone): Column | "READ_ONLY" | "OFFLINE" {
  if (zone.condition !== "EXPLICIT_OPEN") return zone.condition;
  return zone.writePointer === zone.start ? "EXPLICIT_OPEN unwritten" : "EXPLICIT_OPEN written";
}

export function roomOf(model: ZonedModel): string {
  const open = !model.openFull ? "open free" : model.implicitOrder.length > 0 ? "open evict" : "open pinned";
  return `${open}, ${model.activeFull ? "active full" : "active free"}`;
}

export const cellOf = (model: ZonedModel, what: string, zone: ModelZone): string => `${what} | ${columnOf(zone)} | ${roomOf(model)}`;

const WHERE = ["below", "at", "above"];
const FIT = ["part", "fill", "over"];

/** How a write can meet a zone of this column: its offset against the pointer, its end against the capacity. */
function meetings(kind: string, column: Column): string[] {
  if (column === "NOT_WP") return [kind];
  const ways = WHERE.flatMap((where) => FIT.map((fit) => ({ where, fit })));
  return ways
    .filter(({ where, fit }) => {
      if (kind === "append" && where !== "at") return false;
      // Nothing of the zone lies below a pointer at its start.
      if (where === "below") return column !== "EMPTY" && column !== "EXPLICIT_OPEN unwritten";
      // At or above a full zone's pointer there is no capacity left.
      return column !== "FULL" || fit === "over";
    })
    .map(({ where, fit }) => `${kind} ${where} ${fit}`);
}

/** Every cell that some sequence of commands can reach. */
export function possibleCells(): Set<string> {
  const cells = new Set<string>();
  for (const column of COLUMNS) {
    const management = ["open", "close", "finish", "reset"];
    const commands = [
      ...management,
      ...(column === "NOT_WP" ? management.map((operation) => `${operation} of everything`) : []),
      ...["write", "write-zeroes", "append"].flatMap((kind) => meetings(kind, column)),
      "discard",
      "read",
      "power cycle",
    ];
    for (const open of OPEN_ROOM) {
      // A zone that is implicitly open can itself be closed to make room.
      if (column === "IMPLICIT_OPEN" && open === "open pinned") continue;
      for (const active of ACTIVE_ROOM) for (const command of commands) cells.add(`${command} | ${column} | ${open}, ${active}`);
    }
  }
  return cells;
}
