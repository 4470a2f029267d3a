/**
 * The options of `qemu-img create` for each format: a table of them in the order in which the "Formatting" line prints them, and
 * what they come to. Values are looked at in two steps, as QEMU does: what is no number at all is refused before that line is
 * printed, what cannot be is refused behind it.
 *
 * Source: zoned format, "Create options"; both spellings of the zone options stand here, and only here.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import { parseSwitch } from "../protocol/index.ts";
import type { CreateOptions, Preallocation, ZonedCreateOptions } from "../protocol/index.ts";
import { integer } from "./format.ts";
import { splitOptionList } from "./option-list.ts";
import type { OptionPair } from "./option-list.ts";
import { parseInteger, parseSize } from "./sizes.ts";

type Spelling = "v4" | "v9";

interface OptionRow {
  readonly name: string;
  readonly type: "size" | "number" | "switch" | "text";
  readonly standard: string | null;
  readonly description: string;
  /** For a zone option: whose spelling it is. */
  readonly spelling?: Spelling;
  /** A name that QEMU knows and this program refuses, whatever its value or with the value "on". */
  readonly refused?: "always" | "on";
  /** An option of the file's home and not of the format. */
  readonly ofFile?: true;
}

const row = (name: string, type: OptionRow["type"], standard: string | null, description: string): OptionRow => ({ name, type, standard, description });
const zoneRow = (spelling: Spelling, name: string, type: OptionRow["type"], description: string): OptionRow => ({ name, type, standard: null, description, spelling });
const refusedRow = (name: string): OptionRow => ({ name, type: "text", standard: null, description: "", refused: "always" });

/** Options about the host's file, which nothing here can follow: taken, and of no effect. */
const FILE_ROWS: readonly OptionRow[] = [
  { ...row("nocow", "switch", null, "Turn off copy-on-write (valid only on btrfs)"), ofFile: true },
  { ...row("extent_size_hint", "size", null, "Extent size hint for the image file, 0 to disable"), ofFile: true },
];

const RAW_ROWS: readonly OptionRow[] = [
  row("size", "size", null, "Virtual disk size"),
  { ...row("preallocation", "text", null, "Preallocation mode (allowed values: off, falloc, full)"), ofFile: true },
  ...FILE_ROWS,
];

const ENCRYPT_NAMES = ["format", "key-secret", "cipher-alg", "cipher-mode", "ivgen-alg", "ivgen-hash-alg", "hash-alg", "iter-time"];

const QCOW2_ROWS: readonly OptionRow[] = [
  { ...row("encryption", "switch", null, ""), refused: "on" },
  ...ENCRYPT_NAMES.map((name) => refusedRow(`encrypt.${name}`)),
  row("cluster_size", "size", "65536", "qcow2 cluster size"),
  row("extended_l2", "switch", "off", "Extended L2 tables"),
  row("preallocation", "text", null, "Preallocation mode (allowed values: off, metadata, falloc, full)"),
  row("compression_type", "text", "zlib", "Compression method used for image cluster compression"),
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
  row("compat", "text", null, "Compatibility level (v2 [0.10] or v3 [1.1])"),
  row("backing_file", "text", null, "File name of a base image"),
  row("backing_fmt", "text", null, "Image format of the base image"),
  row("data_file", "text", null, "File name of an external data file"),
  row("data_file_raw", "switch", null, "The external data file must stay valid as a raw image"),
  row("lazy_refcounts", "switch", "off", "Postpone refcount updates"),
  row("refcount_bits", "number", "16", "Width of a reference count entry in bits"),
  ...FILE_ROWS,
];

const AMENDED = ["size", "compat", "backing_file", "backing_fmt", "data_file", "data_file_raw", "lazy_refcounts", "refcount_bits"];

/** The options of `qemu-img amend`; those of encryption are read, so that they can be refused in QEMU's words. */
const AMEND_ROWS: readonly OptionRow[] = [
  row("encrypt.state", "text", null, "Select new state of affected keyslots (active/inactive)"),
  row("encrypt.keyslot", "number", null, "Select a single keyslot to modify explicitly"),
  row("encrypt.old-secret", "text", null, "Select all keyslots that match this password"),
  row("encrypt.new-secret", "text", null, "New secret to set in the matching keyslots. Empty string to erase"),
  row("encrypt.iter-time", "number", null, "Time to spend in PBKDF in milliseconds"),
  ...QCOW2_ROWS.filter(({ name }) => AMENDED.includes(name)),
];

/** `amend -o help`, of qcow2. */
export const amendOptionsHelp = (): string => `Amend options for 'qcow2':\n${helpLines(AMEND_ROWS)}`;

export type CreatedFormat = "qcow2" | "raw";

const ROWS: Readonly<Record<CreatedFormat, readonly OptionRow[]>> = { qcow2: QCOW2_ROWS, raw: RAW_ROWS };
const ROW_BY_NAME: ReadonlyMap<string, OptionRow> = new Map(QCOW2_ROWS.map((option) => [option.name, option]));

/** The names of the options that create takes, for completion. */
export const CREATE_OPTION_NAMES: readonly string[] = QCOW2_ROWS.filter((option) => option.refused === undefined).map((option) => option.name);

/** `-o help`; only with a file's name are the options of its home among them. */
export function createOptionsHelp(format: CreatedFormat, withName: boolean): string {
  const rows = ROWS[format].filter((option) => option.refused === undefined && (withName || option.ofFile === undefined));
  const more = withName ? "" : "\nThe protocol level may support further options.\nSpecify the target filename to include those options.\n";
  return `Supported ${withName ? "" : `${format} `}options:\n${helpLines(rows)}${more}`;
}

function helpLines(rows: readonly OptionRow[]): string {
  const types = { size: "size", number: "num", switch: "bool (on/off)", text: "str" } as const;
  return rows
    .map((option) => `  ${`${option.name}=<${types[option.type]}>`.padEnd(22)} - ${option.description}\n`)
    .sort()
    .join("");
}

/** Options as given, checked for their type; a value is the number it says, or its text. */
export interface GivenCreateOptions {
  readonly values: ReadonlyMap<string, string | number>;
}

/** Why options were refused; the text behind the file's name. */
export type CreateMistake = string;

/** Reads lists of -o and the size given apart. `list` names a list that cannot be split, which qemu-img says in other words. */
export function parseCreateOptions(
  format: CreatedFormat,
  lists: readonly string[],
  size: number | null,
): Result<GivenCreateOptions, { list: string } | { mistake: CreateMistake }> {
  const values = new Map<string, string | number>();
  for (const list of lists) {
    const pairs = splitOptionList(list);
    if (!pairs.ok) return err({ list });
    const read = readPairs(ROWS[format], pairs.value, values);
    if (!read.ok) return err({ mistake: read.error });
  }
  if (size !== null) {
    if (values.has("size")) return err({ mistake: "The image size must be specified only once" });
    values.set("size", size);
  }
  return ok({ values });
}

function readPairs(rows: readonly OptionRow[], pairs: readonly OptionPair[], values: Map<string, string | number>): Result<null, CreateMistake> {
  for (const { key, value } of pairs) {
    const option = rows.find(({ name }) => name === key);
    if (option === undefined) return err(`Invalid parameter '${key}'`);
    if (option.refused === "always" || (option.refused === "on" && parseSwitch(value) === true)) return err(`The option '${key}' is not supported`);
    const parsed = typed(option, value);
    if (!parsed.ok) return parsed;
    values.set(key, parsed.value);
  }
  return ok(null);
}

/** Options of `qemu-img amend`. */
export function parseAmendOptions(pairs: readonly OptionPair[]): Result<GivenCreateOptions, CreateMistake> {
  const values = new Map<string, string | number>();
  const read = readPairs(AMEND_ROWS, pairs, values);
  if (read.ok) return ok({ values });
  // Whether create would take them all; what it refuses of them by name is an option of create nonetheless.
  const ofCreate = readPairs([...AMEND_ROWS, ...QCOW2_ROWS.map(({ refused: _, ...option }) => option)], pairs, new Map());
  return err(ofCreate.ok ? `${read.error}\nThis option is only supported for image creation` : read.error);
}

function typed(option: OptionRow, value: string): Result<string | number, CreateMistake> {
  switch (option.type) {
    case "size": {
      const size = parseSize(value);
      if (size.ok) return size;
      return size.error === "out-of-range"
        ? err(`Value '${value}' is out of range for parameter '${option.name}'`)
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
      return parseSwitch(value) !== null ? ok(value) : err(`Parameter '${option.name}' expects 'on' or 'off'`);
    case "text":
      return ok(value);
  }
}

/** What is given, with some values set or replaced. */
export const withValues = (given: GivenCreateOptions, more: Readonly<Record<string, string | number | null>>): GivenCreateOptions => ({
  values: new Map([...given.values, ...Object.entries(more).filter((pair): pair is [string, string | number] => pair[1] !== null)]),
});

/** Whether options of zones are among them, in either spelling. */
export const hasZoneOptions = ({ values }: GivenCreateOptions): boolean => [...values.keys()].some((name) => ROW_BY_NAME.get(name)?.spelling !== undefined);

/** Whether a switch is on; what was not given is off. */
export const switchOption = (given: GivenCreateOptions, name: string): boolean => parseSwitch(textOption(given, name) ?? "") === true;

/** The value of a text option, null where it was not given. */
export function textOption({ values }: GivenCreateOptions, name: string): string | null {
  const value = values.get(name);
  return value === undefined ? null : String(value);
}

/** The line that qemu-img prints before it makes an image. */
export function formattingLine(file: string, format: string, given: GivenCreateOptions): string {
  let text = `Formatting '${file}', fmt=${format}`;
  for (const { name, standard } of ROWS[format === "qcow2" ? "qcow2" : "raw"]) {
    const value = given.values.get(name) ?? standard;
    if (value !== null) text += ` ${name}=${typeof value === "number" ? integer(value) : value.replaceAll(",", ",,")}`;
  }
  return `${text}\n`;
}

/** What the options of a qcow2 image come to; the size was seen to. */
export function resolveCreateOptions(given: GivenCreateOptions): Result<CreateOptions, CreateMistake> {
  const text = (name: string): string | null => textOption(given, name);
  const on = (name: string): boolean => switchOption(given, name);
  const number = (name: string, standard: number): number => Number(given.values.get(name) ?? standard);
  const mistake = mistakenChoice(text) ?? mistakenCombination(text, on, number);
  if (mistake !== null) return err(mistake);
  const size = number("size", 0);
  if (!Number.isSafeInteger(size)) return err(SIZE_TOO_LARGE);
  const zoned = zonedOptions(given, text, number);
  if (!zoned.ok) return zoned;
  const backing = text("backing_file");
  const dataFile = text("data_file");
  return ok({
    sizeBytes: Math.ceil(size / SECTOR_SIZE) * SECTOR_SIZE,
    clusterSize: number("cluster_size", 65536),
    refcountBits: number("refcount_bits", 16),
    zoned: zoned.value,
    version: isOld(text("compat")) ? 2 : 3,
    lazyRefcounts: on("lazy_refcounts"),
    extendedL2: on("extended_l2"),
    compressionType: text("compression_type") === "zstd" ? "zstd" : "zlib",
    preallocation: (text("preallocation") ?? "off") as Preallocation,
    backing: backing === null ? null : { file: backing, format: text("backing_fmt") },
    dataFile: dataFile === null ? null : { file: dataFile, raw: on("data_file_raw") },
  });
}

/** What the options of a raw file come to, its preallocation. */
export function resolveRawOptions(given: GivenCreateOptions): Result<Preallocation, CreateMistake> {
  const mode = textOption(given, "preallocation") ?? "off";
  if (mode === "metadata") return err("Unsupported preallocation mode: metadata");
  return mode === "off" || mode === "falloc" || mode === "full" ? ok(mode) : err(`invalid parameter value: ${mode}`);
}

export const SIZE_TOO_LARGE = "The image size is too large for file format 'qcow2' (try using a larger cluster size)";

const isOld = (compat: string | null): boolean => compat === "0.10" || compat === "v2";

/** QEMU's drivers, any of which a backing file's format may be called; whether one opens here is seen when the image is opened. */
const DRIVERS =
  "blkdebug blklogwrites blkreplay blkverify bochs cloop compress copy-before-write copy-on-read dmg file ftp ftps gluster host_cdrom host_device http https iscsi luks nbd nfs null-aio null-co nvme parallels preallocate qcow qcow2 qed quorum raw rbd replication ssh throttle vdi vhdx vmdk vpc vvfat".split(
    " ",
  );

/** Whether QEMU has a driver of that name. */
export const isDriver = (name: string): boolean => DRIVERS.includes(name);

/** Values that are none of those that an option has. */
function mistakenChoice(text: (name: string) => string | null): CreateMistake | null {
  const rules: readonly [name: string, known: readonly string[], parameter: string][] = [
    ["backing_fmt", DRIVERS, "backing-fmt"],
    ["compat", ["1.1", "v3", "0.10", "v2"], "version"],
    ["preallocation", ["off", "metadata", "falloc", "full"], "preallocation"],
    ["compression_type", ["zlib", "zstd"], "compression-type"],
  ];
  for (const [name, known, parameter] of rules) {
    const value = text(name);
    if (value !== null && !known.includes(value)) return `Parameter '${parameter}' does not accept value '${value}'`;
  }
  return null;
}

const NEEDS_V3 = "compatibility level 1.1 and above (use version=v3 or greater)";

/** Values and options that do not go together, in QEMU's order and words. */
function mistakenCombination(text: (name: string) => string | null, on: (name: string) => boolean, number: (name: string, standard: number) => number): CreateMistake | null {
  const old = isOld(text("compat"));
  const clusterSize = number("cluster_size", 65536);
  const refcountBits = number("refcount_bits", 16);
  const backing = text("backing_file") !== null;
  const preallocated = (text("preallocation") ?? "off") !== "off";
  const rules: readonly [wrong: boolean, words: string][] = [
    [old && on("extended_l2"), `Extended L2 entries are only supported with ${NEEDS_V3}`],
    [clusterSize < 512 || clusterSize > 2 ** 21 || (clusterSize & (clusterSize - 1)) !== 0, "Cluster size must be a power of two between 512 and 2048k"],
    [on("extended_l2") && clusterSize < 16384, "Extended L2 entries are only supported with cluster sizes of at least 16384 bytes"],
    [backing && preallocated && !on("extended_l2"), "Backing file and preallocation can only be used at the same time if extended_l2 is on"],
    [!backing && text("backing_fmt") !== null, "Backing format cannot be used without backing file"],
    [old && on("lazy_refcounts"), `Lazy refcounts only supported with ${NEEDS_V3}`],
    [![1, 2, 4, 8, 16, 32, 64].includes(refcountBits), "Refcount width must be a power of two and may not exceed 64 bits"],
    [old && refcountBits !== 16, "Different refcount widths than 16 bits require compatibility level 1.1 or above (use version=v3 or greater)"],
    [on("data_file_raw") && text("data_file") === null, "data-file-raw requires data-file"],
    [on("data_file_raw") && backing, "Backing file and data-file-raw cannot be used at the same time"],
    [old && text("data_file") !== null, `External data files are only supported with ${NEEDS_V3}`],
    [old && text("compression_type") === "zstd", `Non-zlib compression type is only supported with ${NEEDS_V3}`],
  ];
  return rules.find(([wrong]) => wrong)?.[1] ?? null;
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
