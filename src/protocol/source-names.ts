/**
 * From a name as QEMU writes it to an image source: a plain path, `file:path`, or `json:{…}` with a driver's options. Such names
 * stand in command lines and in the headers of images, so that the command language and the engine both read them here; words for
 * what is wrong with one are made in src/command.
 *
 * Options are taken flat, with dots between the levels. Those that choose how a host's file is driven (caches, locks) are taken and
 * have no effect; drivers other than qcow2, raw, file, compress, copy-on-read, null-co and blkdebug are refused by name, and so is a
 * second blkdebug with rules over the first. The rules are read where the file is opened.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { FILE_PREFIX, behindPrefix, protocolOf } from "./path-names.ts";
import { parseQemuJson } from "./qemu-json.ts";
import type { JsonValue } from "./qemu-json.ts";
import type { ImageSource } from "./source.ts";
import { parseSwitch } from "./switch-words.ts";

export type OptionValue = string | number | boolean | null;
export type FlatOptions = ReadonlyMap<string, OptionValue>;

/** Why a name or a list of options is no image source. */
export type SourceProblem =
  | { readonly code: "unknown-driver"; readonly driver: string }
  | { readonly code: "unknown-protocol"; readonly protocol: string }
  | { readonly code: "unknown-option"; readonly level: "format" | "protocol"; readonly driver: string; readonly option: string }
  /** A format has no file under it; the file has no name; options say neither driver nor file. */
  | { readonly code: "no-file" | "no-filename" | "no-driver" }
  /** The name of a node, as a running QEMU has them; here there are none. */
  | { readonly code: "no-node"; readonly name: string }
  | { readonly code: "bad-switch" | "bad-size"; readonly option: string; readonly value: string }
  /** Of the overlap checks, by either of the option's names. */
  | { readonly code: "bad-choice"; readonly value: string }
  | { readonly code: "bad-number"; readonly option: string }
  | { readonly code: "overlap-checks"; readonly check: string; readonly template: string }
  /** The filter that compresses, over what has no compressed clusters. */
  | { readonly code: "cannot-compress"; readonly driver: string }
  | { readonly code: "cache-interval" }
  | { readonly code: "cache-sizes"; readonly wrong: "all-given" | "l2-above-all" | "refcounts-above-all" }
  | { readonly code: "json-syntax"; readonly detail: string }
  | { readonly code: "json-not-object" };

/** Of a source's own options that are not about what it is: whether it, or its file, is to be only read; null where they do not say. */
export interface ParsedSource {
  readonly source: ImageSource;
  readonly readOnly: boolean | null;
  /** It, or its file, is taken whoever else has it, which nobody may who writes. */
  readonly forcesShare?: true;
}

/** A name taken apart. A path stands beside the image that names it; the rest stands for itself. */
export type ParsedName = { readonly kind: "path"; readonly path: string } | { readonly kind: "source"; readonly parsed: ParsedSource };

const JSON_PREFIX = "json:";
export const DEBUG_PREFIX = "blkdebug:";

/** Reads a name. @param ownPrefix a prefix with a colon that is no protocol but part of names here */
export function parseImageName(name: string, ownPrefix: string): Result<ParsedName, SourceProblem> {
  if (name.startsWith(JSON_PREFIX)) {
    const flat = optionsOfJson(name.slice(JSON_PREFIX.length));
    if (!flat.ok) return flat;
    const parsed = sourceOfOptions(flat.value);
    return parsed.ok ? ok({ kind: "source", parsed: parsed.value }) : parsed;
  }
  if (name.startsWith(FILE_PREFIX)) return ok({ kind: "source", parsed: { source: { file: behindPrefix(name), format: null }, readOnly: null } });
  if (name.startsWith(DEBUG_PREFIX)) return debugName(name.slice(DEBUG_PREFIX.length), ownPrefix);
  const protocol = protocolOf(name, ownPrefix);
  return protocol === null ? ok({ kind: "path", path: name }) : err({ code: "unknown-protocol", protocol });
}

/** `blkdebug:RULES:NAME`, which without rules is what NAME is; a path stands for itself and not beside an image. */
function debugName(text: string, ownPrefix: string): Result<ParsedName, SourceProblem> {
  const colon = text.indexOf(":");
  if (colon < 0) return err({ code: "unknown-protocol", protocol: "blkdebug" });
  const inner = parseImageName(text.slice(colon + 1), ownPrefix);
  if (!inner.ok) return inner;
  const parsed = inner.value.kind === "source" ? inner.value.parsed : { source: { file: inner.value.path, format: null }, readOnly: null };
  if (colon === 0) return ok({ kind: "source", parsed });
  return ok({ kind: "source", parsed: { ...parsed, source: { ...parsed.source, debug: { config: text.slice(0, colon), options: [] } } } });
}

/** Levels become dots, as QEMU flattens them. */
export function optionsOfJson(text: string): Result<FlatOptions, SourceProblem> {
  const value = parseQemuJson(text);
  if (!value.ok) return err({ code: "json-syntax", detail: value.error });
  if (typeof value.value !== "object" || value.value === null || Array.isArray(value.value)) return err({ code: "json-not-object" });
  const flat = new Map<string, OptionValue>();
  flatten(flat, "", value.value);
  return ok(flat);
}

function flatten(into: Map<string, OptionValue>, prefix: string, value: JsonValue): void {
  if (typeof value !== "object" || value === null) into.set(prefix, value);
  else for (const [key, below] of Object.entries(value)) flatten(into, prefix === "" ? key : `${prefix}.${key}`, below);
}

/** What every node takes, whatever its driver. */
const NODE_OPTIONS = ["driver", "node-name", "read-only", "auto-read-only", "cache.direct", "cache.no-flush", "cache.writeback", "discard", "detect-zeroes", "force-share", "copy-on-read"];
const SWITCHES = ["read-only", "auto-read-only", "cache.direct", "cache.no-flush", "cache.writeback", "force-share", "copy-on-read", "lazy-refcounts", "read-zeroes", "pass-discard-request", "pass-discard-snapshot", "pass-discard-other", "discard-no-unref"];
const FILE_OPTIONS = ["filename", "locking", "aio", "aio-max-batch", "pr-manager", "drop-cache", "x-check-cache-dropped"];
const OVERLAP_CHECKS = ["none", "constant", "cached", "all"];
const OVERLAP_OPTION = /^overlap-check(\.(template|main-header|active-l1|active-l2|refcount-table|refcount-block|snapshot-table|inactive-l1|inactive-l2|bitmap-directory))?$/;
const OVERLAP_SWITCH = /^overlap-check\.(?!template$)/;
const QCOW2_OPTIONS = ["lazy-refcounts", "pass-discard-request", "pass-discard-snapshot", "pass-discard-other", "discard-no-unref", "cache-size", "l2-cache-size", "l2-cache-entry-size", "refcount-cache-size", "cache-clean-interval"];
const NULL_OPTIONS = ["size", "latency-ns", "read-zeroes"];
const NULL_DRIVERS = ["null-co", "null-aio"];
/** Of a null node that says nothing of its size, as in QEMU. */
const NULL_BYTES = 2 ** 30;
/** Of requests that blkdebug passes on: how they are cut, which changes nothing of what is read. */
const DEBUG_LIMITS = ["align", "max-transfer", "opt-write-zero", "max-write-zero", "opt-discard", "max-discard"];
const FILE_DRIVERS = ["file", "host_device"];

/** The source that a node's flat options describe. */
export function sourceOfOptions(options: FlatOptions): Result<ParsedSource, SourceProblem> {
  const driver = options.get("driver") ?? null;
  if (driver === null && !hasLevel(options, "file")) return err({ code: "no-driver" });
  const wrong = wrongValue(options);
  if (wrong !== null) return err(wrong);
  if (driver === "blkdebug") return debugNode(options);
  const name = String(driver);
  const source = FILE_DRIVERS.includes(name) ? fileNode(options, name) : NULL_DRIVERS.includes(name) ? nullNode(options, name) : formatNode(options, driver);
  if (!source.ok) return source;
  const readOnly = isOnInside(options, "read-only") || (options.has("read-only") ? false : null);
  return ok({ source: source.value, readOnly, ...(isOnInside(options, "force-share") ? { forcesShare: true } : {}) });
}

/** Whether a switch of a node, or of one that it is written through, is on. */
const isOnInside = (options: FlatOptions, name: string): boolean =>
  [...options].some(([key, value]) => /^(?:(?:file|image|data-file)\.)*([^.]+)$/.exec(key)?.[1] === name && isOn(value));

/** A node without rules or limits is what lies under it. Over a file it is under the image, over a format it is over the disk. */
function debugNode(options: FlatOptions): Result<ParsedSource, SourceProblem> {
  const isRule = (key: string): boolean => /^(inject-error|set-state)\./.test(key);
  const unknown = unknownOption(options, ["config", ...DEBUG_LIMITS], (key) => isRule(key) || isBelow(key, "image"));
  if (unknown !== null) return err({ code: "unknown-option", level: "protocol", driver: "blkdebug", option: unknown });
  const given: [string, string][] = [];
  for (const [key, value] of options) if (isRule(key)) given.push([key, String(value)]);
  const config = String(options.get("config") ?? "");
  const hasRules = config !== "" || given.length > 0;
  for (const limit of DEBUG_LIMITS) {
    const size = sizeOf(options, limit);
    if (!size.ok) return size;
    if (size.value !== null) given.push([limit, String(size.value)]);
  }
  const below = childNode(options, "image") ?? err({ code: "no-filename" });
  if (!below.ok) return below;
  const { source } = below.value;
  const place = isWholeFile(source) ? "debug" : "above";
  if (!hasRules && (place === "debug" || given.length === 0)) return below;
  if (source[place] !== undefined) return err({ code: "unknown-driver", driver: "blkdebug" });
  return ok({ ...below.value, source: { ...source, [place]: { config: config === "" ? null : config, options: given } } });
}

/** A host's file as a node of its own: its bytes are the disk. */
function fileNode(options: FlatOptions, driver: string): Result<ImageSource, SourceProblem> {
  const filename = options.get("filename");
  const unknown = unknownOption(options, FILE_OPTIONS, () => false);
  if (unknown !== null) return err({ code: "unknown-option", level: "protocol", driver, option: unknown });
  if (filename === undefined || filename === null || filename === "") return err({ code: "no-filename" });
  const name = String(filename);
  return ok({ file: name.startsWith(FILE_PREFIX) ? name.slice(FILE_PREFIX.length) : name, format: "raw" });
}

/** A node of nothing: no file is there. */
function nullNode(options: FlatOptions, driver: string): Result<ImageSource, SourceProblem> {
  const unknown = unknownOption(options, NULL_OPTIONS, () => false);
  if (unknown !== null) return err({ code: "unknown-option", level: "protocol", driver, option: unknown });
  const size = sizeOf(options, "size");
  return size.ok ? ok({ file: `${driver}://`, format: "raw", nullBytes: size.value ?? NULL_BYTES }) : size;
}

/** A filter over a node: one that compresses, which wants a format that has compressed clusters, or one that keeps what is read. */
function filterNode(options: FlatOptions, driver: "compress" | "copy-on-read"): Result<ImageSource, SourceProblem> {
  const unknown = unknownOption(options, driver === "compress" ? [] : ["bottom"], (key) => isBelow(key, "file"));
  if (unknown !== null) return err({ code: "unknown-option", level: "format", driver, option: unknown });
  const below = childNode(options, "file");
  if (below === null) return err({ code: "no-file" });
  if (!below.ok) return below;
  const { source } = below.value;
  if (driver === "copy-on-read") return ok({ ...source, copiesOnRead: true });
  return source.format === "raw" ? err({ code: "cannot-compress", driver: driverBelow(options) }) : ok({ ...source, compresses: true });
}

/** The driver of the node below a filter, a file's where nothing is said. */
const driverBelow = (options: FlatOptions): string => String(options.get("file.driver") ?? "file");

function formatNode(options: FlatOptions, driver: OptionValue): Result<ImageSource, SourceProblem> {
  if (driver === "compress" || driver === "copy-on-read") return filterNode(options, driver);
  if (driver !== null && driver !== "qcow2" && driver !== "raw") return err({ code: "unknown-driver", driver: String(driver) });
  const below = childNode(options, "file");
  if (below === null) return err({ code: "no-file" });
  if (!below.ok) return below;
  const file = below.value.source;
  if (driver === "qcow2" && (file.format === "qcow2" || isPart(file)) && file.compresses !== true && file.copiesOnRead !== true) {
    const above = qcow2Node(options, file.file, driver);
    return above.ok ? ok({ ...above.value, inside: file }) : above;
  }
  if (!isWholeFile(file) || file.nullBytes !== undefined) return err({ code: "unknown-driver", driver: file.format ?? "raw" });
  const node = driver === "raw" ? rawNode(options, file.file) : qcow2Node(options, file.file, driver);
  return node.ok && file.debug !== undefined ? ok({ ...node.value, debug: file.debug }) : node;
}

/** A raw node that shows a part of its file. */
const isPart = ({ format, offset, size, nullBytes }: ImageSource): boolean => format === "raw" && nullBytes === undefined && (offset !== undefined || size !== undefined);

/** A raw node under a format is the file itself, but for one that shows a part of it. */
const isWholeFile = ({ format, offset, size, copiesOnRead }: ImageSource): boolean => format === "raw" && offset === undefined && size === undefined && copiesOnRead !== true;

function rawNode(options: FlatOptions, file: string): Result<ImageSource, SourceProblem> {
  const unknown = unknownOption(options, ["offset", "size"], (key) => isBelow(key, "file"));
  if (unknown !== null) return err({ code: "unknown-option", level: "format", driver: "raw", option: unknown });
  const offset = sizeOf(options, "offset");
  if (!offset.ok) return offset;
  const size = sizeOf(options, "size");
  if (!size.ok) return size;
  return ok({ file, format: "raw", ...(offset.value === null ? {} : { offset: offset.value }), ...(size.value === null ? {} : { size: size.value }) });
}

function qcow2Node(options: FlatOptions, file: string, driver: "qcow2" | null): Result<ImageSource, SourceProblem> {
  const known = (key: string): boolean => ["file", "backing", "data-file"].some((child) => isBelow(key, child)) || OVERLAP_OPTION.test(key);
  const unknown = unknownOption(options, QCOW2_OPTIONS, known);
  if (unknown !== null) return err({ code: "unknown-option", level: "format", driver: driver ?? "qcow2", option: unknown });
  const isNamed = [...options.keys()].some((key) => key === "backing.filename" || isBelow(key, "backing.file"));
  const backing = childNode(isNamed ? options : withFile(options, "backing"), "backing");
  if (backing !== null && !backing.ok) return backing;
  const dataFile = childNode(options, "data-file");
  if (dataFile !== null && !dataFile.ok) return dataFile;
  // Guest data would go into the file past what the node makes of it.
  if (dataFile !== null && !isWholeFile(dataFile.value.source)) return err({ code: "unknown-driver", driver: String(options.get("data-file.driver")) });
  const caches = cacheSizes(options);
  if (!caches.ok) return caches;
  const none = options.get("backing") === null || options.get("backing") === "";
  return ok({
    file,
    format: driver,
    ...(none ? { backing: null } : backing === null ? {} : isNamed ? { backing: backing.value.source } : { backingChanges: withoutFile(backing.value.source) }),
    ...(dataFile === null ? {} : { dataFile: dataFile.value.source }),
    ...(options.has("lazy-refcounts") ? { lazyRefcounts: isOn(options.get("lazy-refcounts")) } : {}),
    ...(options.has("discard-no-unref") ? { keepsPlaces: isOn(options.get("discard-no-unref")) } : {}),
    ...(asksForSnapshots(options) ? { strictSnapshots: true } : {}),
    ...(caches.value.entry === null ? {} : { l2CacheEntryBytes: caches.value.entry }),
    ...(caches.value.refcounts === null ? {} : { refcountCacheBytes: caches.value.refcounts }),
  });
}

/** Whether writes are to be held against the L2 tables of snapshots: by name, or with all checks. */
function asksForSnapshots(options: FlatOptions): boolean {
  const template = options.get("overlap-check") ?? options.get("overlap-check.template");
  return options.has("overlap-check.inactive-l2") ? isOn(options.get("overlap-check.inactive-l2")) : template === "all";
}

/** Stands for the file that a header names, while options that name none are read. */
const NAMED_BY_HEADER = "named-by-the-header";

/** Options of a child that name no file, with one; those that have no such child as they are. */
function withFile(options: FlatOptions, name: string): FlatOptions {
  if (![...options.keys()].some((key) => key.startsWith(`${name}.`))) return options;
  const isFile = FILE_DRIVERS.includes(String(options.get(`${name}.driver`)));
  return new Map([...options, [isFile ? `${name}.filename` : `${name}.file.filename`, NAMED_BY_HEADER]]);
}

const withoutFile = ({ file: _, ...changes }: ImageSource): Omit<ImageSource, "file"> => changes;

/** The sizes of caches, which must not contradict each other; otherwise they have no effect. @returns the bytes of a piece of an L2 table, and those of the refcounts' cache, null where none are given */
function cacheSizes(options: FlatOptions): Result<{ readonly entry: number | null; readonly refcounts: number | null }, SourceProblem> {
  const sizes: (number | null)[] = [];
  for (const option of ["cache-size", "l2-cache-size", "refcount-cache-size", "l2-cache-entry-size"]) {
    const size = sizeOf(options, option);
    if (!size.ok) return size;
    sizes.push(size.value);
  }
  const [all, l2, refcounts, entry] = sizes as [number | null, number | null, number | null, number | null];
  if (all !== null) {
    if (l2 !== null && refcounts !== null) return err({ code: "cache-sizes", wrong: "all-given" });
    if (l2 !== null && l2 > all) return err({ code: "cache-sizes", wrong: "l2-above-all" });
    if (refcounts !== null && refcounts > all) return err({ code: "cache-sizes", wrong: "refcounts-above-all" });
  }
  return ok({ entry, refcounts });
}

/**
 * The node under `name`, null where there is none. A child that may be any format and names only a file is left to be looked at;
 * one that must be a file (a data file, or what a format stands on) is taken as it is.
 */
function childNode(options: FlatOptions, name: "file" | "image" | "backing" | "data-file"): Result<ParsedSource, SourceProblem> | null {
  const reference = options.get(name);
  if (reference !== undefined && reference !== null && reference !== "") return err({ code: "no-node", name: String(reference) });
  const below = new Map<string, OptionValue>();
  for (const [key, value] of options) if (key.startsWith(`${name}.`)) below.set(key.slice(name.length + 1), value);
  if (below.size === 0) return null;
  if (name !== "backing" && !below.has("driver")) below.set("driver", "file");
  return sourceOfOptions(below);
}

const isBelow = (key: string, name: string): boolean => key === name || key.startsWith(`${name}.`);
const hasLevel = (options: FlatOptions, name: string): boolean => [...options.keys()].some((key) => isBelow(key, name));
const isOn = (value: OptionValue | undefined): boolean => value === true || (typeof value === "string" && parseSwitch(value) === true);
const isSwitch = (value: OptionValue): boolean => typeof value === "boolean" || parseSwitch(String(value)) !== null;

function unknownOption(options: FlatOptions, own: readonly string[], known: (key: string) => boolean): string | null {
  for (const key of options.keys()) if (!NODE_OPTIONS.includes(key) && !own.includes(key) && !known(key)) return key;
  return null;
}

function wrongValue(options: FlatOptions): SourceProblem | null {
  for (const [option, value] of options) {
    if (SWITCHES.includes(option) && !isSwitch(value)) return { code: "bad-switch", option, value: String(value) };
    if (OVERLAP_SWITCH.test(option) && !isSwitch(value)) return { code: "bad-switch", option, value: String(value) };
    if (option === "cache-clean-interval" && !/^-?\d+$/.test(String(value))) return { code: "bad-number", option };
    if (option === "cache-clean-interval" && (Number(value) < 0 || Number(value) >= 2 ** 32)) return { code: "cache-interval" };
    if ((option === "overlap-check" || option === "overlap-check.template") && !OVERLAP_CHECKS.includes(String(value))) return { code: "bad-choice", value: String(value) };
  }
  const [check, template] = [options.get("overlap-check"), options.get("overlap-check.template")];
  if (check !== undefined && template !== undefined && check !== template) return { code: "overlap-checks", check: String(check), template: String(template) };
  return null;
}

const SUFFIXES = "bkmgtpe";

/** A number of bytes, with QEMU's suffixes. */
function sizeOf(options: FlatOptions, option: string): Result<number | null, SourceProblem> {
  const value = options.get(option);
  if (value === undefined) return ok(null);
  const match = /^(\d+(?:\.\d+)?)([bkmgtpe]?)$/i.exec(String(value));
  const bytes = match === null ? NaN : Number(match[1]) * 1024 ** Math.max(0, SUFFIXES.indexOf((match[2] ?? "").toLowerCase()));
  return Number.isSafeInteger(bytes) ? ok(bytes) : err({ code: "bad-size", option, value: String(value) });
}
