/** What a line of a script did, in one short line beside it: what changed on the disk, or what it printed. */
import type { LineOutcome } from "./console.ts";
import type { Core } from "./core.ts";
import { eventText } from "./event-text.ts";
import type { LogEvent } from "./history.ts";
import { formatCount } from "./units.ts";
import type { FormatBytes } from "./units.ts";

export interface RowResult {
  readonly how: "ok" | "failed" | "stopped";
  readonly text: (size: FormatBytes) => string;
}

export const STOPPED: RowResult = { how: "stopped", text: () => "stopped" };

const LONGEST_RESULT = 160;
const SHOWN_EVENTS = 3;
/** Events of one line that are looked at: a line over a million zones has more, and none of them is shown. */
const MOST_EVENTS = 10_000;

/** The events since there were `from`, at most MOST_EVENTS. */
export function eventsSince(core: Core, from: number): readonly LogEvent[] {
  const { events } = core;
  const found: LogEvent[] = [];
  const last = Math.min(events.total, from + MOST_EVENTS);
  for (let position = Math.max(from, events.forgotten); position < last; position++) found.push(events.at(position - events.forgotten)!);
  return found.concat(pending(core).slice(Math.max(0, from - events.total), MOST_EVENTS));
}

function pending(core: Core): readonly LogEvent[] {
  const handle = core.store.getState().attached?.handle;
  return core.notices.flatMap((notice) => (notice.handle === handle ? notice.events : []));
}

export function resultOf({ status, out, err, failure }: LineOutcome, events: readonly LogEvent[]): RowResult {
  if (failure?.kind === "cancelled") return STOPPED;
  const said = (text: string): string | undefined => text.split("\n").find((line) => line.trim() !== "")?.trim();
  if (status !== 0) return printed("failed", said(err) ?? said(out) ?? "failed");
  const transitions = events.filter((event) => event.type === "transition");
  const told = transitions.length > 0 ? transitions : events.filter((event) => event.type === "pointer");
  if (told.length === 0) return printed("ok", said(out) ?? said(err) ?? "done");
  const shown = told.slice(0, SHOWN_EVENTS);
  const more = told.length > shown.length ? `, and ${formatCount(told.length - shown.length)} more` : "";
  return { how: "ok", text: (size) => `${shown.map((event) => eventText(event, size)).join("; ")}${more}` };
}

function printed(how: RowResult["how"], text: string): RowResult {
  const short = text.length > LONGEST_RESULT ? `${text.slice(0, LONGEST_RESULT)}…` : text;
  return { how, text: () => short };
}
