/** Reads a step's check out of a lesson's file, strictly. The vocabulary is lesson.ts's. */
import { assertNever } from "../base/assert.ts";
import { CONDITIONS, GAUGES, OPERATIONS, TABS, bytesOf } from "./lesson.ts";
import type { Check, Size } from "./lesson.ts";
import { Fields } from "./reader.ts";
import type { Complaints } from "./reader.ts";
import { REFUSAL_CODES, ZONE_OPERATIONS } from "./words.ts";

/** Zones that a lesson's disk can have. */
export const MOST_ZONES = 4096;
/** How deep checks may stand in checks. */
export const MOST_DEPTH = 4;
export const MOST_TIMES = 1000;
const ADVANCING = ["write", "append", "write-zeroes"] as const;

export const CHECKS = ["condition", "pointer", "count", "gauge", "selected", "inspected", "reached", "advanced", "done", "refused", "power-cycled", "command", "all", "any", "not"] as const;
// Every check of the type can be read: a new one that is left out of the list is an error here.
const named: readonly Check["check"][] = CHECKS;
void (named satisfies readonly (typeof CHECKS)[number][]);

/** @param zones how many zones the disk has: a check of another one could never be true */
export function readCheck(value: unknown, place: string, complaints: Complaints, zones: number, depth = 0): Check {
  const fields = new Fields(value, place, complaints);
  const check = readKind(fields, fields.oneOf("check", CHECKS), zones, depth);
  fields.end();
  return check;
}

function readKind(fields: Fields, check: Check["check"], zones: number, depth: number): Check {
  const zone = (): number => fields.integer("zone", 0, Math.max(0, zones - 1));
  const anyZone = (): { readonly zone?: number } => fields.optional("zone", zone);
  const condition = () => fields.oneOf("condition", CONDITIONS);
  const times = (): { readonly times?: number } => fields.optional("times", () => fields.integer("times", 1, MOST_TIMES));
  switch (check) {
    case "condition":
      return { check, zone: zone(), condition: condition() };
    case "pointer":
      return { check, zone: zone(), at: readSize(fields, "at") };
    case "count":
      return { check, condition: condition(), ...bounds(fields) };
    case "gauge":
      return { check, of: fields.oneOf("of", GAUGES), ...bounds(fields) };
    case "selected":
      return { check, zone: zone() };
    case "inspected":
      return readInspected(fields);
    case "reached":
      return { check, condition: condition(), ...anyZone(), ...fields.optional("from", () => fields.oneOf("from", CONDITIONS)), ...fields.optional("by", () => fields.oneOf("by", ZONE_OPERATIONS)) };
    case "advanced":
      return { check, by: readSize(fields, "by"), ...anyZone(), ...fields.optional("operation", () => fields.oneOf("operation", ADVANCING)) };
    case "done": {
      if (fields.has("at") && !fields.has("zone")) fields.complain("at", "a zone beside it, above whose start it is");
      return { check, operation: fields.oneOf("operation", OPERATIONS), ...anyZone(), ...fields.optional("at", () => readSize(fields, "at")), ...times() };
    }
    case "refused":
      return { check, ...fields.optional("code", () => fields.oneOf("code", REFUSAL_CODES)), ...anyZone(), ...fields.optional("operation", () => fields.oneOf("operation", ZONE_OPERATIONS)), ...times() };
    case "power-cycled":
      return { check };
    case "command":
      return { check, words: fields.list("words", 1, 4, (word, place) => readWord(word, place, fields.complaints)) };
    case "all":
    case "any":
      return { check, of: depth >= MOST_DEPTH ? tooDeep(fields) : fields.list("of", 1, 8, (item, place) => readCheck(item, place, fields.complaints, zones, depth + 1)) };
    case "not":
      return { check, of: depth >= MOST_DEPTH ? (tooDeep(fields)[0] ?? { check: "power-cycled" }) : readCheck(fields.raw("of"), fields.at("of"), fields.complaints, zones, depth + 1) };
    default:
      return assertNever(check);
  }
}

function tooDeep(fields: Fields): readonly Check[] {
  fields.complain("of", `checks within checks at most ${MOST_DEPTH} deep`);
  return [];
}

export function readSize(fields: Fields, name: string): Size {
  const value = fields.raw(name);
  if (typeof value === "string" && bytesOf(value) !== null) return value;
  fields.complain(name, 'a size in quotes, such as "4K", "1M" or "512"');
  return "0";
}

function bounds(fields: Fields): { readonly least?: number; readonly most?: number } {
  if (!fields.has("least") && !fields.has("most")) fields.complain("least", `a number from 0 to ${MOST_ZONES}, here or as most`);
  return { ...fields.optional("least", () => fields.integer("least", 0, MOST_ZONES)), ...fields.optional("most", () => fields.integer("most", 0, MOST_ZONES)) };
}

function readInspected(fields: Fields): Check {
  if (!fields.has("tab") && !fields.has("structure") && !fields.has("field")) fields.complain("tab", `one of ${TABS.join(", ")}, or a structure or a field`);
  return {
    check: "inspected",
    ...fields.optional("tab", () => fields.oneOf("tab", TABS)),
    ...fields.optional("structure", () => fields.text("structure", 60)),
    ...fields.optional("field", () => fields.text("field", 60)),
  };
}

function readWord(value: unknown, place: string, complaints: Complaints): string {
  if (typeof value === "string" && /^[\w.:=,/-]{1,40}$/.test(value)) return value;
  complaints.add(place, value, "a word of a command line");
  return "";
}
