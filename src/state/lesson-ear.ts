/**
 * What the page hears, as a lesson's checks understand it. Calls and events of one line belong together: they come as one group, so that
 * what finished one step never counts for the next one as well.
 */
import { SECTOR_SIZE } from "../base/units.ts";
import { wordsOfLine } from "../command/console-words.ts";
import type { Happening, Operation } from "../lessons/index.ts";
import type { CallName, Failure, Outcome, RequestOf } from "../protocol/index.ts";
import type { Core } from "./core.ts";
import { applyNotices } from "./device.ts";
import type { LogEvent } from "./history.ts";

export interface LessonEar {
  /** The groups that came since the last time, oldest first; the zones that are shown are those after them. */
  take(): readonly (readonly Happening[])[];
  /** Begins anew: what came before is nothing. */
  forget(): void;
}

interface Group {
  readonly happenings: Happening[];
  /** Events of the log up to this position belong to it. */
  end: number;
}

/** Groups that wait; beyond, the oldest go: nobody looked for so long that there is no step to do. */
const MOST_GROUPS = 1000;

/**
 * @param imageNow the lesson's image, null when no lesson runs
 * @param heard is told that there is something to take
 */
export function listen(core: Core, imageNow: () => string | null, heard: () => void): LessonEar {
  const handles = new Map<number, string>();
  let groups: Group[] = [];
  let line: Group | null = null;
  let position = 0;
  /** Images that were open here before: opening one again is a power cycle to it. */
  const opened = new Set<string>();

  const close = (group: Group): void => {
    groups.push(group);
    if (groups.length > MOST_GROUPS) groups = groups.slice(-MOST_GROUPS);
    heard();
  };

  const hear = (happening: Happening, end: number): void => {
    if (line !== null) line.happenings.push(happening);
    else close({ happenings: [happening], end });
  };

  core.listeners.add({
    called: (name, request, outcome, to) => {
      const image = imageNow();
      if (name === "open" && outcome.ok) {
        const { file, readOnly } = request as RequestOf<"open">;
        handles.set((outcome.value as { handle: number }).handle, file);
        if (readOnly) return;
        if (file === image && opened.has(file)) hear({ kind: "power-cycled" }, to);
        opened.add(file);
        return;
      }
      if (image === null) return;
      const { handle } = request as { readonly handle?: number };
      if (handle === undefined || handles.get(handle) !== image) return;
      if (name === "close") handles.delete(handle);
      const happening = happeningOf(name, request, outcome, core.store.getState().attached?.facts.zoned?.geometry.zoneSize ?? SECTOR_SIZE);
      if (happening !== null) hear(happening, to);
    },
    lineBegan: () => {
      line = { happenings: [], end: 0 };
    },
    lineEnded: (text, status) => {
      const group = line;
      line = null;
      if (group === null || imageNow() === null) return;
      const words = wordsOfLine(text);
      if (status === 0 && words.ok) group.happenings.push({ kind: "command", words: words.value });
      close({ ...group, end: core.position() });
    },
  });

  const eventsUntil = (end: number): Happening[] => {
    const { events } = core;
    const found: Happening[] = [];
    for (position = Math.max(position, events.forgotten); position < Math.min(end, events.total); position++) {
      const event = events.at(position - events.forgotten);
      if (event !== undefined) found.push(...happeningsOf(event));
    }
    return found;
  };

  return {
    take: () => {
      applyNotices(core);
      const taken = groups.map(({ happenings, end }) => [...eventsUntil(end), ...happenings]);
      groups = [];
      // Events of a line that still runs wait for its end.
      if (line === null) taken.push(eventsUntil(Infinity));
      return taken.filter((happenings) => happenings.length > 0);
    },
    forget: () => {
      applyNotices(core);
      groups = [];
      position = core.events.total;
      const image = imageNow();
      if (image !== null) opened.add(image);
    },
  };
}

/** Calls on zones and bytes by the operation that they are. */
const OPERATIONS: Partial<Readonly<Record<CallName, Operation>>> = { read: "read", write: "write", writeZeroes: "write-zeroes", append: "append", discard: "discard", report: "report", flush: "flush" };

function happeningOf(name: CallName, request: unknown, outcome: Outcome<CallName>, zoneSizeBytes: number): Happening | null {
  if (!outcome.ok) return refusalOf(outcome.error);
  if (name === "powerCycle" || name === "powerCut") return { kind: "power-cycled" };
  const operation = name === "manage" ? (request as RequestOf<"manage">).operation : OPERATIONS[name];
  if (operation === undefined) return null;
  if (operation === "flush") return { kind: "done", operation, range: null };
  const { offset, length, lengths, count } = request as { offset: number; length?: number; lengths?: readonly number[]; count?: number };
  // An append names the zone; where it landed is in the reply.
  const from = name === "append" ? (outcome.value as { offset: number }).offset : offset;
  const lengthBytes = length ?? (lengths === undefined ? (count ?? 0) * zoneSizeBytes : lengths.reduce((sum, each) => sum + each, 0));
  // What has no length does nothing.
  return lengthBytes === 0 ? null : { kind: "done", operation, range: { offset: from, length: lengthBytes } };
}

function refusalOf(failure: Failure): Happening | null {
  return failure.kind === "zone" ? { kind: "refused", code: failure.code, zone: failure.zone, operation: failure.operation } : null;
}

function happeningsOf(event: LogEvent): Happening[] {
  switch (event.type) {
    case "transition":
      return [{ kind: "transition", zone: event.zone, from: event.from, to: event.to, by: event.operation }];
    case "pointer":
      return [{ kind: "pointer", zone: event.zone, from: event.from, to: event.to, by: event.operation }];
    case "patch":
      return patched(event.patch);
    default:
      // Refusals are heard from the calls, whichever way they were made.
      return [];
  }
}

function patched({ zone, fromCondition, toCondition, fromPointer, toPointer }: Extract<LogEvent, { type: "patch" }>["patch"]): Happening[] {
  const found: Happening[] = [];
  for (let row = 0; row < zone.length; row++) {
    const of = zone[row]!;
    const [from, to] = [fromCondition[row]!, toCondition[row]!] as (Happening & { kind: "transition" })["from"][];
    if (fromPointer[row] !== toPointer[row]) found.push({ kind: "pointer", zone: of, from: fromPointer[row]!, to: toPointer[row]!, by: null });
    if (from !== to) found.push({ kind: "transition", zone: of, from: from!, to: to!, by: null });
  }
  return found;
}
