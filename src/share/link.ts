/**
 * A link: what stands behind the # of the page's address, read and written. A link carries commands and how they are played, and
 * never bytes of a disk. Everything in it is what somebody else wrote: it is checked whole, bounded, before any of it is used.
 *
 *   run=LINES      console lines, percent-encoded, separated by newlines: the form to write by hand
 *   z=1.TEXT       the same lines packed (packed.ts); the number in front is the version of the packing
 *   autoplay=0     waits for a click          embed=1     map, console and transport alone
 *   step=N         stops behind N commands    lesson=NAME opens a lesson
 *   lesson=1.TEXT  opens a lesson that the link carries itself, packed in the same way
 *   guest=NAME     offers a session of Linux
 *
 * A name that is not known says nothing, so that later links open here as far as they are understood. What a known name says must
 * be right, or the link is refused: half a link would show something else than its author meant.
 *
 * Source: product, "Links".
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { LinkProblem } from "./link-problem.ts";
import { packLesson, packScript, unpackLesson, unpackScript } from "./packed.ts";
import { checkScript, MOST_LINES } from "./script.ts";

export interface Link {
  /** Console lines, comments and empty ones among them; none when the link opens only a lesson. */
  readonly lines: readonly string[];
  readonly autoplay: boolean;
  /** Commands after which it stops, or null for the end. Comments and empty lines do not count. */
  readonly step: number | null;
  readonly embed: boolean;
  /** The name of a lesson that the program has, or the person. */
  readonly lesson: string | null;
  /** The text of a lesson that the link carries: what its file would hold, and not yet read. Never beside a name. */
  readonly lessonText: string | null;
  /** A ready-made session of the guest, which begins at a click. */
  readonly guest: string | null;
}

export const PLAIN_LINK: Link = { lines: [], autoplay: true, step: null, embed: false, lesson: null, lessonText: null, guest: null };

/** Longest address that is looked at, in characters: the longest script with every byte percent-encoded, a lesson, and the rest. */
const MOST_CHARACTERS = 3 * 64 * 1024 + 96 * 1024;
const KNOWN = ["run", "z", "autoplay", "step", "embed", "lesson", "guest"] as const;
type Known = (typeof KNOWN)[number];

/** @param hash with or without its # @returns null where the address is no link at all */
export function readLink(hash: string): Result<Link | null, LinkProblem> {
  const text = hash.startsWith("#") ? hash.slice(1) : hash;
  const given = new Map<Known, string>();
  if (text.length > MOST_CHARACTERS) return KNOWN.some((name) => text.startsWith(`${name}=`)) ? problem("too-long", "", { found: text.length, most: MOST_CHARACTERS }) : ok(null);
  for (const part of text.split("&")) {
    const equals = part.indexOf("=");
    const name = KNOWN.find((known) => known === part.slice(0, equals));
    if (equals < 0 || name === undefined) continue;
    if (given.has(name)) return problem("twice", name);
    given.set(name, part.slice(equals + 1));
  }
  if (given.size === 0) return ok(null);
  const lines = readLines(given);
  if (!lines.ok) return lines;
  const autoplay = readSwitch(given, "autoplay", true);
  if (!autoplay.ok) return autoplay;
  const embed = readSwitch(given, "embed", false);
  if (!embed.ok) return embed;
  const step = given.get("step");
  if (step !== undefined && (!/^\d{1,5}$/.test(step) || Number(step) > MOST_LINES)) return problem("bad-value", "step", { value: step });
  const lesson = given.get("lesson");
  const lessonText = lesson !== undefined && IS_PACKED.test(lesson) ? unpackLesson(lesson) : ok(null);
  if (!lessonText.ok) return lessonText;
  const name = lesson === undefined || lessonText.value !== null ? null : lesson;
  if (name !== null && !NAME.test(name)) return problem("bad-value", "lesson", { value: name });
  const guest = given.get("guest");
  if (guest !== undefined && !NAME.test(guest)) return problem("bad-value", "guest", { value: guest });
  return ok({ lines: lines.value, autoplay: autoplay.value, embed: embed.value, step: step === undefined ? null : Number(step), lesson: name, lessonText: lessonText.value, guest: guest ?? null });
}

/** Of a lesson, and of a session. */
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
/** A name has no dot. */
const IS_PACKED = /^\d*\./;

/** Whether a link has a house of its own, with its files in memory: it plays, it embeds, or it brings a lesson. One that names a lesson does not. */
export const hasOwnHouse = (link: Link): boolean => link.lines.length > 0 || link.embed || link.lessonText !== null;

function readLines(given: ReadonlyMap<Known, string>): Result<readonly string[], LinkProblem> {
  const readable = given.get("run");
  const packed = given.get("z");
  if (readable !== undefined && packed !== undefined) return problem("both-forms", "z");
  if (packed !== undefined) return unpackScript(packed);
  if (readable === undefined) return ok([]);
  try {
    return checkScript(decodeURIComponent(readable), "run");
  } catch {
    return problem("bad-escape", "run");
  }
}

function readSwitch(given: ReadonlyMap<Known, string>, name: "autoplay" | "embed", standard: boolean): Result<boolean, LinkProblem> {
  const value = given.get(name);
  if (value === undefined) return ok(standard);
  return value === "0" || value === "1" ? ok(value === "1") : problem("bad-value", name, { value });
}

function problem(code: LinkProblem["code"], part: Known | "", more: Partial<LinkProblem> = {}): { readonly ok: false; readonly error: LinkProblem } {
  return err({ kind: "link", code, part, ...more, ...(more.value === undefined ? {} : { value: more.value.slice(0, 40) }) });
}

/** What goes behind the address, its # with it. @param form "run" can be read, "z" is short; the lines must be a script's, a lesson's text JSON */
export function writeLink(link: Link, form: "run" | "z"): Result<string, LinkProblem> {
  const script = link.lines.join("\n");
  const checked = checkScript(script, form);
  if (!checked.ok) return checked;
  const parts: string[] = [];
  if (link.lines.length > 0) parts.push(form === "run" ? `run=${encodeLines(script)}` : `z=${packScript(script)}`);
  if (!link.autoplay) parts.push("autoplay=0");
  if (link.step !== null) parts.push(`step=${link.step}`);
  if (link.embed) parts.push("embed=1");
  if (link.lesson !== null) parts.push(`lesson=${link.lesson}`);
  if (link.guest !== null) parts.push(`guest=${link.guest}`);
  if (link.lessonText !== null) parts.push(`lesson=${packLesson(link.lessonText)}`);
  return ok(`#${parts.join("&")}`);
}

/** Percent-encoded, but for what an address may show as it is, so that a person can read it. */
const encodeLines = (script: string): string => encodeURIComponent(script).replaceAll("%2C", ",").replaceAll("%3D", "=").replaceAll("%3A", ":").replaceAll("%2F", "/");
