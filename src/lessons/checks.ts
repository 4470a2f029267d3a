/**
 * A step's check, decided: `watchFor` makes a watch that hears what happens since the step began and says, whenever it is asked,
 * whether the step is done. It keeps a number or two per check and none of what it heard, however much that is.
 *
 * Pure: knows no page, no engine and no clock. The vocabulary is lesson.ts's; docs/lessons.md describes it.
 */
import { assertNever } from "../base/assert.ts";
import { Condition } from "../base/conditions.ts";
import type { Happening, Situation } from "./happenings.ts";
import { bytesOf } from "./lesson.ts";
import type { Check, ConditionName, Gauge } from "./lesson.ts";

export interface Watch {
  /** Takes in what happened; everything since the step began, in order. */
  hear(happening: Happening): void;
  /** Whether the check is true of what is now and of all that was heard. */
  holds(now: Situation): boolean;
}

type CheckOf<Name extends Check["check"]> = Extract<Check, { check: Name }>;

export function watchFor(check: Check, zoneSizeBytes: number): Watch {
  switch (check.check) {
    case "condition":
      return looking(({ zones }) => check.zone < zones.count && zones.conditionOf(check.zone) === Condition[check.condition]);
    case "pointer": {
      const at = bytesOf(check.at) ?? -1;
      return looking(({ zones }) => check.zone < zones.count && zones.writePointer[check.zone]! - zones.start(check.zone) === at);
    }
    case "count":
      return looking(({ zones }) => within(zones.countOf(Condition[check.condition]), check));
    case "gauge":
      return looking(({ resources }) => within(gaugeOf(check.of, resources), check));
    case "selected":
      return looking(({ selected }) => selected === check.zone);
    case "inspected":
      return looking(({ inspected }) => inspected !== null && isInspected(check, inspected));
    case "reached":
      return counting(1, (happening) => happening.kind === "transition" && isReached(check, happening));
    case "advanced":
      return advancing(check);
    case "done":
      return counting(check.times ?? 1, (happening) => happening.kind === "done" && isDone(check, happening, zoneSizeBytes));
    case "refused":
      return counting(check.times ?? 1, (happening) => happening.kind === "refused" && isRefused(check, happening));
    case "power-cycled":
      return counting(1, (happening) => happening.kind === "power-cycled");
    case "command":
      return counting(1, (happening) => happening.kind === "command" && check.words.every((word, index) => happening.words[index] === word));
    case "all":
      return together(check.of, zoneSizeBytes, (watches, now) => watches.every((watch) => watch.holds(now)));
    case "any":
      return together(check.of, zoneSizeBytes, (watches, now) => watches.some((watch) => watch.holds(now)));
    case "not":
      return together([check.of], zoneSizeBytes, ([watch], now) => !watch!.holds(now));
    default:
      return assertNever(check);
  }
}

/** A check of what is now alone. */
const looking = (holds: (now: Situation) => boolean): Watch => ({ hear: () => undefined, holds });

/** A check of how often something happened. */
function counting(times: number, counts: (happening: Happening) => boolean): Watch {
  let seen = 0;
  return {
    hear: (happening) => {
      if (seen < times && counts(happening)) seen++;
    },
    holds: () => seen >= times,
  };
}

function together(checks: readonly Check[], zoneSizeBytes: number, holds: (watches: readonly Watch[], now: Situation) => boolean): Watch {
  const watches = checks.map((check) => watchFor(check, zoneSizeBytes));
  return { hear: (happening) => watches.forEach((watch) => watch.hear(happening)), holds: (now) => holds(watches, now) };
}

function advancing({ zone, by, operation }: CheckOf<"advanced">): Watch {
  const wanted = bytesOf(by) ?? Infinity;
  const advanced = new Map<number, number>();
  let done = false;
  return {
    hear: (happening) => {
      if (happening.kind !== "pointer" || happening.to <= happening.from) return;
      if ((zone !== undefined && happening.zone !== zone) || (operation !== undefined && happening.by !== operation)) return;
      // A finish moves the pointer to the zone's end without a byte being written.
      if (happening.by === "finish") return;
      const sum = (advanced.get(happening.zone) ?? 0) + happening.to - happening.from;
      advanced.set(happening.zone, sum);
      done ||= sum >= wanted;
    },
    holds: () => done,
  };
}

const within = (value: number, { least = 0, most = Infinity }: { readonly least?: number; readonly most?: number }): boolean => value >= least && value <= most;

function gaugeOf(gauge: Gauge, { implicitOpen, explicitOpen, closed }: Situation["resources"]): number {
  switch (gauge) {
    case "open":
      return implicitOpen + explicitOpen;
    case "active":
      return implicitOpen + explicitOpen + closed;
    case "implicit":
      return implicitOpen;
    case "explicit":
      return explicitOpen;
    case "closed":
      return closed;
    default:
      return assertNever(gauge);
  }
}

function isInspected({ tab, structure, field }: CheckOf<"inspected">, inspected: NonNullable<Situation["inspected"]>): boolean {
  if (tab !== undefined && inspected.tab !== tab) return false;
  if (structure === undefined && field === undefined) return true;
  return inspected.spans.some((span) => (structure === undefined || span.structure === structure) && (field === undefined || span.field === field));
}

const is = (condition: Condition, name: ConditionName | undefined): boolean => name === undefined || condition === Condition[name];

function isReached({ zone, condition, from, by }: CheckOf<"reached">, happening: Extract<Happening, { kind: "transition" }>): boolean {
  return (zone === undefined || happening.zone === zone) && is(happening.to, condition) && is(happening.from, from) && (by === undefined || happening.by === by);
}

function isDone({ operation, zone, at }: CheckOf<"done">, happening: Extract<Happening, { kind: "done" }>, zoneSizeBytes: number): boolean {
  if (happening.operation !== operation) return false;
  if (zone === undefined) return true;
  if (happening.range === null) return false;
  const { offset, length } = happening.range;
  const start = zone * zoneSizeBytes;
  if (at === undefined) return offset < start + zoneSizeBytes && offset + length > start;
  const byte = start + (bytesOf(at) ?? 0);
  return offset <= byte && offset + length > byte;
}

function isRefused({ code, zone, operation }: CheckOf<"refused">, happening: Extract<Happening, { kind: "refused" }>): boolean {
  return (code === undefined || happening.code === code) && (zone === undefined || happening.zone === zone) && (operation === undefined || happening.operation === operation);
}
