/**
 * A lesson as data: what is told, the disk it is told on, and the checks by which a step notices that it is done. It is what a
 * lesson's file holds, to the letter; nothing in it is code, so that a stranger's file can be one. docs/lessons.md is its manual.
 *
 * Knows nothing of the page, of files or of how a check is decided (checks.ts) and read (read-lesson.ts).
 */
import type { ZoneOperation, ZoneRefusalCode } from "../protocol/index.ts";

/** A number of bytes as the command language writes one: "512", "4K", "1M", "2G". */
export type Size = string;

export const CONDITIONS = ["NOT_WP", "EMPTY", "IMPLICIT_OPEN", "EXPLICIT_OPEN", "CLOSED", "READ_ONLY", "FULL", "OFFLINE"] as const;
export type ConditionName = (typeof CONDITIONS)[number];

/** What can be carried out on a disk, whoever asks for it and how. */
export const OPERATIONS = ["read", "write", "write-zeroes", "append", "discard", "open", "close", "finish", "reset", "report", "flush"] as const;
export type Operation = (typeof OPERATIONS)[number];

export const GAUGES = ["open", "active", "implicit", "explicit", "closed"] as const;
export type Gauge = (typeof GAUGES)[number];

/** The tabs of the inspector that a check can ask for. */
export const TABS = ["Header", "Layout", "Tables", "Hex", "Check", "Snapshots"] as const;
export type Tab = (typeof TABS)[number];

/**
 * What must be true for a step to be done. Those of the first group look at what is now, whoever made it so and when. Those of the
 * second count only what happened since the step began, so that nothing that was there before passes them.
 */
export type Check =
  /** The zone is in the condition. */
  | { readonly check: "condition"; readonly zone: number; readonly condition: ConditionName }
  /** The write pointer stands exactly so far above the zone's start. */
  | { readonly check: "pointer"; readonly zone: number; readonly at: Size }
  /** So many zones are in the condition. */
  | { readonly check: "count"; readonly condition: ConditionName; readonly least?: number; readonly most?: number }
  /** So many zones are open (implicitly, explicitly), closed, or active. */
  | { readonly check: "gauge"; readonly of: Gauge; readonly least?: number; readonly most?: number }
  /** The zone is selected, on the map or in the table. */
  | { readonly check: "selected"; readonly zone: number }
  /** The inspector shows the lesson's disk in this tab, with this structure and field selected where they are named. */
  | { readonly check: "inspected"; readonly tab?: Tab; readonly structure?: string; readonly field?: string }
  /** A zone came into the condition: from another one, by an operation, where they are named. */
  | { readonly check: "reached"; readonly condition: ConditionName; readonly zone?: number; readonly from?: ConditionName; readonly by?: ZoneOperation }
  /** The write pointer of one zone went on by at least so many bytes in all, by an operation where it is named. */
  | { readonly check: "advanced"; readonly by: Size; readonly zone?: number; readonly operation?: "write" | "append" | "write-zeroes" }
  /** An operation was carried out, so many times; on a zone, over the byte `at` above its start, where they are named. */
  | { readonly check: "done"; readonly operation: Operation; readonly zone?: number; readonly at?: Size; readonly times?: number }
  /** A command was refused: for this reason, by this zone, where they are named. */
  | { readonly check: "refused"; readonly code?: ZoneRefusalCode; readonly zone?: number; readonly operation?: ZoneOperation; readonly times?: number }
  /** The disk was power cycled, or let go and opened again, which is the same to it. */
  | { readonly check: "power-cycled" }
  /** A line that begins with these words, and is about the lesson's disk, ended with exit status 0. */
  | { readonly check: "command"; readonly words: readonly string[] }
  | { readonly check: "all"; readonly of: readonly Check[] }
  | { readonly check: "any"; readonly of: readonly Check[] }
  | { readonly check: "not"; readonly of: Check };

export interface LessonStep {
  /** What to do, in a sentence. */
  readonly text: string;
  /** How, for whoever asks. */
  readonly hint: string;
  readonly check: Check;
  /** What happened and why, shown when it is done. */
  readonly then?: string;
}

export interface Question {
  readonly text: string;
  readonly choices: readonly string[];
  /** Index of the right one. */
  readonly right: number;
  readonly why: string;
}

/** The disk that a lesson makes for itself: the options of `qemu-img create`. */
export interface LessonDisk {
  readonly size: Size;
  readonly zoneSize: Size;
  /** The zone size where it is absent. */
  readonly zoneCapacity?: Size;
  readonly conventionalZones?: number;
  /** No limit where they are absent. */
  readonly maxOpen?: number;
  readonly maxActive?: number;
  readonly maxAppend: Size;
  /** Lines of the console, run before the first step: the few commands of prepare.ts. */
  readonly prepare?: readonly string[];
}

export interface Lesson {
  /** Small letters, digits and dashes; the name in a link, and the image is called lesson-ID.qcow2. */
  readonly id: string;
  readonly title: string;
  /** What one will know afterwards, in a sentence. */
  readonly summary: string;
  readonly disk: LessonDisk;
  readonly steps: readonly LessonStep[];
  readonly questions: readonly Question[];
}

const FACTORS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes of a size, or null for what is none or has no exact number. */
export function bytesOf(size: Size): number | null {
  const [, digits = "", unit = ""] = /^(\d{1,15})([KMGT]?)$/.exec(size) ?? [];
  if (digits === "") return null;
  const bytes = Number(digits) * FACTORS[unit]!;
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** Zones of the disk, the last one of which may be short; 0 for sizes that are none. */
export function zoneCountOf({ size, zoneSize }: LessonDisk): number {
  const sizeBytes = bytesOf(size) ?? 0;
  const zoneSizeBytes = bytesOf(zoneSize) ?? 0;
  return zoneSizeBytes === 0 ? 0 : Math.ceil(sizeBytes / zoneSizeBytes);
}
