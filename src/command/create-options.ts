/**
 * The options of `qemu-img create -f qcow2`: a table of them in the order in which the "Formatting" line prints them, and what
 * they come to. Values are looked at in two steps, as QEMU does: what is no number at all is refused before that line is
 * printed, what cannot be is refused behind it.
 *
 * Source: zoned format, "Create options"; both spellings of the zone options stand here, and only here.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import type { CreateOptions, ZonedCreateOptions } from "../protocol/index.ts";
import { integer } from "./format.ts";
import { splitOptionList } from "./option-list.ts";
import { parseInteger, parseSize } from "./sizes.ts";

type Spelling = "v4" | "v9";

interface OptionRow {
  readonly name: string;
  readonly type: "size" | "number" | "switch" | "text";
  readonly standard: string | null;
  readonly description: string;
  /** For a zone option: whose spelling it is. */
  readonly spelling?: Spelling;
  /** A name that QEMU knows and this program refuses whatever its value. */
  readonly refused?: true;
}

const row = (name: string, type: OptionRow["type"], standard: string | null, description: string): OptionRow => ({ name, type, standard, description });
const zoneRow = (spelling: Spelling, name: string, type: OptionRow["type"], description: string): OptionRow => ({ name, type, standard: null, description, spelling });
const refusedRow = (name: string): OptionRow => ({ name, type: "text", standard: null, description: "", refused: true });

const ROWS: readonly OptionRow[] = [
  row("cluster_size", "size", "65536", "qcow2 cluster size"),
  row("extended_l2", "switch", "off", "Extended L2 tables (off)"),
  row("preallocation", "text", null, "Preallocation mode (off)"),
  row("compression_type", "text", "zlib", "Compression method used for image cluster compression (zlib)"),
  zoneRow("v4", "zone_model", "text", "Makes the image zoned: 1 is host-managed (writes the v4 dialect)"),
  zoneRow("v4", "zone_size", "size", "Size of a zone, a power of two"),
  zoneRow("v4", "zone_capacity", "size", "Writable bytes of a zone (zone_size)"),
  zoneRow("v4", "nr_conv_zones", "number", "Conventional zones, at the start (0)"),
  zoneRow("v4", "max_append_sectors", "number", "Most sectors of one append (128), 0 turns append off"),
  zoneRow("v4", "max_active_zones", "number", "Most active zones (0, no limit)"),
  zoneRow("v4", "max_open_zones", "number", "Most open zones (max_active_zones)"),
  zoneRow("v9", "zone.mode", "text", "Makes the image zoned: host-managed (writes the v9 dialect)"),
  zoneRow("v9", "zone.size", "size", "Size of a zone, a power of two (256M)"),
  zoneRow("v9", "zone.capacity", "size", "Writable bytes of a zone (zone.size)"),
  zoneRow("v9", "zone.conventional_zones", "number", "Conventional zones, at the start (0)"),
  zoneRow("v9", "zone.max_append_bytes", "size", "Most bytes of one append (64k), 0 turns append off"),
  zoneRow("v9", "zone.max_active_zones", "number", "Most active zones (0, no limit)"),
  zoneRow("v9", "zone.max_open_zones", "number", "Most open zones (zone.max_active_zones)"),
  row("size", "size", null, "Virtual disk size"),
  row("compat", "text", null, "Compatibility level (v3 [1.1])"),
  row("lazy_refcounts", "switch", "off", "Postpone refcount updates (off)"),
  row("refcount_bits", "number", "16", "Width of a reference count entry in bits"),
  ...["backing_file", "backing_fmt", "data_file", "data_file_raw", "encryption", "extent_size_hint", "nocow"].map(refusedRow),
  ...["format", "key-secret", "cipher-alg", "cipher-mode", "ivgen-alg", "ivgen-hash-alg", "hash-alg", "iter-time"].map((name) => refusedRow(`encrypt.${name}`)),
];

const ROW_BY_NAME: ReadonlyMap<string, OptionRow> = new Map(ROWS.map((option) => [option.name, option]));

/** The names of the options that create takes, for completion. */
export const CREATE_OPTION_NAMES: readonly string[] = ROWS.filter((option) => option.refused === undefined).map((option) => option.name);

/** `-o help`. */
export function createOptionsHelp(withName: boolean): string {
  const types = { size: "size", number: "num", switch: "bool (on/off)", text: "str" } as const;
  const lines = ROWS.filter((option) => option.refused === undefined)
    .map((option) => `  ${`${option.name}=<${types[option.type]}>`.padEnd(22)} - ${option.description}\n`)
    .sort();
  return `Supported ${withName ? "" : "qcow2 "}options:\n${lines.join("")}`;
}

/** Options as given, checked for their type; a value is the number it says, or its text. */
export interface GivenCreateOptions {
  readonly values: ReadonlyMap<string, string | number>;
}

/** Why options were refused; the text behind the file's name. */
export type CreateMistake = string;

/** Reads lists of -o and the size given apart. `list` names a list that cannot be split, which qemu-img says in other words. */
export function parseCreateOptions(lists: readonly string[], size: number | null): Result<GivenCreateOptions, { list: string } | { mistake: CreateMistake }> {
  const values = new Map<string, string | number>();
  for (const list of lists) {
    const pairs = splitOptionList(list);
    if (!pairs.ok) return err({ list });
    for (const { key, value } of pairs.value) {
      const option = ROW_BY_NAME.get(key);
      if (option === undefined) return err({ mistake: `Invalid parameter '${key}'` });
      if (option.refused === true) return err({ mistake: `The option '${key}' is not supported` });
      const parsed = typed(option, value);
      if (!parsed.ok) return err({ mistake: parsed.error });
      values.set(key, parsed.value);
    }
  }
  if (size !== null) {
    if (values.has("size")) return err({ mistake: "The image size must be specified only once" });
    values.set("size", size);
  }
  if (!values.has("size")) return err({ mistake: "Image creation needs a size parameter" });
  return ok({ values });
}

function typed(option: OptionRow, value: string): Result<string | number, CreateMistake> {
  switch (option.type) {
    case "size": {
      const size = parseSize(value);
      return size.ok
        ? size
        : err(
            `Parameter '${option.name}' expects a non-negative number below 2^64\n` +
              "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.",
          );
    }
    case "number": {
      const number = value === "" ? null : parseInteger(value);
      return number === null ? err(`Parameter '${option.name}' expects a number`) : ok(number);
    }
    case "switch":
      return value === "on" || value === "off" ? ok(value) : err(`Parameter '${option.name}' expects 'on' or 'off'`);
    case "text":
      return ok(value);
  }
}

/** The line that qemu-img prints before it makes an image. */
export function formattingLine(file: string, given: GivenCreateOptions): string {
  let text = `Formatting '${file}', fmt=qcow2`;
  for (const { name, standard } of ROWS) {
    const value = given.values.get(name) ?? standard;
    if (value !== null) text += ` ${name}=${typeof value === "number" ? integer(value) : value}`;
  }
  return `${text}\n`;
}

/** What the options come to. */
export function resolveCreateOptions(given: GivenCreateOptions): Result<CreateOptions, CreateMistake> {
  const text = (name: string): string | null => {
    const value = given.values.get(name);
    return value === undefined ? null : String(value);
  };
  const number = (name: string, standard: number): number => Number(given.values.get(name) ?? standard);
  const unsupported = unsupportedValue(text);
  if (unsupported !== null) return err(unsupported);
  const clusterSize = number("cluster_size", 65536);
  if (clusterSize < 512 || clusterSize > 2 ** 21 || (clusterSize & (clusterSize - 1)) !== 0) {
    return err("Cluster size must be a power of two between 512 and 2048k");
  }
  const refcountBits = number("refcount_bits", 16);
  if (![1, 2, 4, 8, 16, 32, 64].includes(refcountBits)) return err("Refcount width must be a power of two and may not exceed 64 bits");
  const size = number("size", 0);
  if (!Number.isSafeInteger(size)) return err(SIZE_TOO_LARGE);
  const zoned = zonedOptions(given, text, number);
  if (!zoned.ok) return zoned;
  return ok({ sizeBytes: Math.ceil(size / SECTOR_SIZE) * SECTOR_SIZE, clusterSize, refcountBits, zoned: zoned.value });
}

export const SIZE_TOO_LARGE = "The image size is too large for file format 'qcow2' (try using a larger cluster size)";

/** Values that QEMU would take and this program does not, and values that nobody takes. */
function unsupportedValue(text: (name: string) => string | null): CreateMistake | null {
  const rules: readonly [name: string, taken: readonly string[], known: readonly string[], parameter: string][] = [
    ["compat", ["1.1", "v3"], ["0.10", "v2"], "version"],
    ["extended_l2", ["off"], ["on"], "extended_l2"],
    ["lazy_refcounts", ["off"], ["on"], "lazy_refcounts"],
    ["preallocation", ["off"], ["metadata", "falloc", "full"], "preallocation"],
    ["compression_type", ["zlib"], ["zstd"], "compression-type"],
  ];
  for (const [name, taken, known, parameter] of rules) {
    const value = text(name);
    if (value === null || taken.includes(value)) continue;
    return known.includes(value) ? `${name}=${value} is not supported` : `Parameter '${parameter}' does not accept value '${value}'`;
  }
  return null;
}

/** Zone options by what they mean, each as v4 and as v8 and later spell it. */
const ZONE_NAMES = {
  model: ["zone_model", "zone.mode"],
  size: ["zone_size", "zone.size"],
  capacity: ["zone_capacity", "zone.capacity"],
  conventional: ["nr_conv_zones", "zone.conventional_zones"],
  append: ["max_append_sectors", "zone.max_append_bytes"],
  open: ["max_open_zones", "zone.max_open_zones"],
  active: ["max_active_zones", "zone.max_active_zones"],
} as const;

const APPEND_STANDARD = 65536;
const V9_ZONE_SIZE_STANDARD = 256 * 2 ** 20;

/** A text of the engine's about zone options, which it names as v4 does, in the spelling of a command. */
export function respelled(text: string, dialect: "v4" | "v7" | "v9" | null): string {
  if (dialect === null) return text;
  // The engine counts the append limit in bytes whatever the dialect.
  const append = text.replace(/\bmax_append_bytes\b/g, dialect === "v4" ? "max_append_sectors, in bytes," : ZONE_NAMES.append[1]);
  if (dialect === "v4") return append;
  return Object.values(ZONE_NAMES).reduce((so, [v4, later]) => so.replace(new RegExp(`(?<![.\\w])${v4}\\b`, "g"), later), append);
}

function zonedOptions(
  given: GivenCreateOptions,
  text: (name: string) => string | null,
  number: (name: string, standard: number) => number,
): Result<ZonedCreateOptions | null, CreateMistake> {
  const zoneNames = [...given.values.keys()].filter((name) => ROW_BY_NAME.get(name)?.spelling !== undefined);
  const first = zoneNames[0];
  if (first === undefined) return ok(null);
  const spelling = ROW_BY_NAME.get(first)!.spelling!;
  const other = zoneNames.find((name) => ROW_BY_NAME.get(name)!.spelling !== spelling);
  if (other !== undefined) return err(`The options '${first}' and '${other}' are two spellings of the zone options, which cannot be mixed`);
  const named = (what: keyof typeof ZONE_NAMES): string => ZONE_NAMES[what][spelling === "v4" ? 0 : 1];
  const model = text(named("model"));
  const zonedModel = spelling === "v4" ? "1" : "host-managed";
  if (model === null) return err(`The option '${first}' needs ${named("model")}=${zonedModel}: without it the image has no zones`);
  if (model === "none" || (spelling === "v4" && model === "0")) return ok(null);
  if (model !== zonedModel && model !== "host-managed") return err(`Parameter '${named("model")}' does not accept value '${model}'`);
  if (spelling === "v4" && text("zone_size") === null) return err("Missing zone_size parameter");
  for (const name of zoneNames) {
    const value = given.values.get(name);
    if (typeof value === "number" && (value < 0 || !Number.isSafeInteger(value))) return err(`${name} is ${integer(value)}; allowed is a number from 0 to 4294967295`);
  }
  const zoneSize = number(named("size"), V9_ZONE_SIZE_STANDARD);
  const maxActiveZones = number(named("active"), 0);
  const unit = spelling === "v4" ? SECTOR_SIZE : 1;
  return ok({
    dialect: spelling,
    zoneSize,
    zoneCapacity: number(named("capacity"), zoneSize),
    conventionalZones: number(named("conventional"), 0),
    maxOpenZones: number(named("open"), maxActiveZones),
    maxActiveZones,
    maxAppendBytes: number(named("append"), APPEND_STANDARD / unit) * unit,
  });
}
