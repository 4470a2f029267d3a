/**
 * A file or a disk under the rules of a blkdebug node: reads them, from a file of rules and from options, and puts a store over the
 * file's, or a device over the disk's. Loaded when the first image names such a node.
 *
 * A file of rules has a group a rule, `[inject-error]` or `[set-state]`, and lines `key = "value"`; options are named
 * `inject-error.N.key`. Source: blkdebug's documentation, and what stock programs say of rules that cannot be.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { DebugLimits } from "../bytes/debug-requests.ts";
import { DEBUG_EVENTS, DebugRules, IO_TYPES } from "../bytes/debug-rules.ts";
import type { InjectRule, StateRule } from "../bytes/debug-rules.ts";
import { DebugStore } from "../bytes/debug-store.ts";
import { parseSwitch } from "../protocol/index.ts";
import type { DebugNode, DebugProblem, Failure } from "../protocol/index.ts";
import { atBorder } from "./border.ts";
import { DebugDevice } from "./debug-device.ts";
import type { Device } from "./device.ts";
import type { FilePlace } from "./open-chain.ts";

/** A file of rules is typed by a person. */
const MOST_CONFIG_BYTES = 64 * 1024;
const EIO = 5;

const GROUPS = {
  "inject-error": ["event", "state", "iotype", "errno", "sector", "once", "immediately", "delay-ns"],
  "set-state": ["event", "state", "new_state"],
} as const;
type Group = keyof typeof GROUPS;
interface Section {
  readonly group: Group;
  readonly options: Map<string, string>;
}

/** @param store is closed where the rules cannot be */
export async function underRules(place: FilePlace, store: ByteStore, file: string, node: DebugNode): Promise<Result<ByteStore, Failure>> {
  const made = await rulesAndLimits(place, node);
  if (made.ok) return ok(new DebugStore(store, made.value.rules, made.value.limits));
  store.close();
  return err({ kind: "chain", code: "debug-rules", file, problem: made.error });
}

/** What puts a node over a device. */
export async function overDevices(place: FilePlace, file: string, node: DebugNode): Promise<Result<(device: Device) => Device, Failure>> {
  const made = await rulesAndLimits(place, node);
  return made.ok ? ok((device) => new DebugDevice(device, made.value.rules, made.value.limits)) : err({ kind: "chain", code: "debug-rules", file, problem: made.error });
}

async function rulesAndLimits(place: FilePlace, { config, options }: DebugNode): Promise<Result<{ rules: DebugRules; limits: DebugLimits }, DebugProblem>> {
  const text = config === null ? ok("") : await readConfig(place, config);
  if (!text.ok) return text;
  const fromFile = sectionsOfText(text.value);
  if (!fromFile.ok) return fromFile;
  const fromOptions = sectionsOfOptions(options);
  if (!fromOptions.ok) return fromOptions;
  const rules = rulesOf([...fromFile.value, ...fromOptions.value]);
  if (!rules.ok) return rules;
  const limits = limitsOf(options);
  return limits.ok ? ok({ rules: rules.value, limits: limits.value }) : limits;
}

async function readConfig(place: FilePlace, config: string): Promise<Result<string, DebugProblem>> {
  const opened = await place.open(config, "read");
  if (!opened.ok) return err({ code: "config", cause: opened.error });
  const store = opened.value;
  const read = atBorder(() => {
    const bytes = new Uint8Array(Math.min(store.size(), MOST_CONFIG_BYTES + 1));
    store.read(0, bytes);
    return ok(bytes);
  });
  store.close();
  if (!read.ok) return err({ code: "config", cause: read.error });
  return read.value.length > MOST_CONFIG_BYTES ? err({ code: "too-long" }) : ok(new TextDecoder().decode(read.value));
}

const isGroup = (name: string): name is Group => Object.hasOwn(GROUPS, name);

function sectionsOfText(text: string): Result<Section[], DebugProblem> {
  const sections: Section[] = [];
  for (const line of text.split("\n").map((raw) => raw.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const group = /^\[([^\s\]"]+)(?:\s+"[^"]*")?\]$/.exec(line)?.[1];
    if (group !== undefined) {
      if (!isGroup(group)) return err({ code: "group", group });
      sections.push({ group, options: new Map() });
      continue;
    }
    const [, key, value] = /^([^\s=]+)\s*=\s*"([^"]*)"$/.exec(line) ?? [];
    if (key === undefined || value === undefined) return err({ code: "syntax" });
    const section = sections.at(-1);
    if (section === undefined) return err({ code: "no-group" });
    if (!(GROUPS[section.group] as readonly string[]).includes(key)) return err({ code: "option", group: null, option: key });
    section.options.set(key, value);
  }
  return ok(sections);
}

/** Options of one rule stand under its number, counted from 0; those of a single rule may stand by themselves. */
function sectionsOfOptions(options: DebugNode["options"]): Result<Section[], DebugProblem> {
  const sections: Section[] = [];
  for (const group of ["inject-error", "set-state"] as const) {
    const own = options.filter(([key]) => key.startsWith(`${group}.`)).map(([key, value]) => [key.slice(group.length + 1), value] as const);
    const numbered = own.some(([key]) => /^0\./.test(key));
    const rest = new Map(own);
    for (let index = 0; rest.size > 0; index++) {
      const prefix = numbered ? `${index}.` : "";
      const section: Section = { group, options: new Map() };
      for (const [key, value] of rest) if (key.startsWith(prefix)) section.options.set(key.slice(prefix.length), value);
      if (section.options.size === 0) return err({ code: "unused", group, option: [...rest.keys()][0]! });
      for (const key of section.options.keys()) {
        rest.delete(prefix + key);
        if (/^\d+\./.test(key)) return err({ code: "unused", group, option: key });
        if (!(GROUPS[group] as readonly string[]).includes(key)) return err({ code: "option", group, option: key });
      }
      sections.push(section);
    }
  }
  return ok(sections);
}

function rulesOf(sections: readonly Section[]): Result<DebugRules, DebugProblem> {
  const injected: InjectRule[] = [];
  const transitions: StateRule[] = [];
  for (const { group, options } of sections) {
    const text = options.get("event");
    if (text === undefined) return err({ code: "no-event" });
    const event = DEBUG_EVENTS.find((known) => known === text);
    if (event === undefined) return err({ code: "value", value: text });
    const typed = options.get("iotype");
    const ioType = typed === undefined ? null : IO_TYPES.find((known) => known === typed);
    if (ioType === undefined) return err({ code: "value", value: typed! });
    const numbers: Record<string, number> = {};
    for (const option of ["state", "errno", "sector", "new_state", "delay-ns"]) {
      const value = options.get(option);
      if (value !== undefined && !/^\d{1,15}$/.test(value)) return err({ code: "number", option });
      if (value !== undefined) numbers[option] = Number(value);
    }
    for (const option of ["once", "immediately"]) if (parseSwitch(options.get(option) ?? "off") === null) return err({ code: "switch", option });
    const state = numbers["state"] ?? 0;
    if (group === "set-state") transitions.push({ event, state, newState: numbers["new_state"] ?? 0 });
    else injected.push({ event, ioType, errno: numbers["errno"] ?? EIO, sector: numbers["sector"] ?? null, once: parseSwitch(options.get("once") ?? "off") === true, state });
  }
  return ok(new DebugRules(injected, transitions));
}

/** Each limit is a multiple of what it must be a multiple of, as stock's driver has it. */
function limitsOf(options: DebugNode["options"]): Result<DebugLimits, DebugProblem> {
  const given = new Map(options);
  const of = (option: string): number => Number(given.get(option) ?? 0);
  const limits = { align: of("align"), maxTransfer: of("max-transfer"), optWriteZero: of("opt-write-zero"), maxWriteZero: of("max-write-zero"), optDiscard: of("opt-discard"), maxDiscard: of("max-discard") };
  const { align } = limits;
  if (align !== 0 && !Number.isInteger(Math.log2(align))) return err({ code: "limit", option: "align", value: align });
  const units = { "max-transfer": align, "opt-write-zero": align, "max-write-zero": Math.max(limits.optWriteZero, align), "opt-discard": align, "max-discard": Math.max(limits.optDiscard, align) };
  for (const [option, unit] of Object.entries(units)) if (of(option) % Math.max(1, unit) !== 0) return err({ code: "limit", option, value: of(option) });
  return ok(limits);
}
