/**
 * The one way from words to an image source: a file name or `json:{…}` with -f, a list of options with --image-opts, and qemu-io's
 * `open -o`. Says what is wrong as QEMU words it behind the word itself.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { ADOPTED_PREFIX } from "../protocol/index.ts";
import { DEBUG_PREFIX, parseImageName, sourceOfOptions } from "../protocol/source-names.ts";
import type { ImageSource, OptionValue, ParsedSource } from "../protocol/index.ts";
import { sourceWords } from "./explain-chain.ts";
import { splitOptionList } from "./option-list.ts";

export interface ImageWords {
  /** A file's name or `json:{…}`; null where options alone name the image. */
  readonly word: string | null;
  /** As given with -f; null to look for the qcow2 magic. */
  readonly format: string | null;
  /** A list "key=value,…"; null where none was given. */
  readonly options: string | null;
}

/** What a file's name means, with a format or none. */
export const sourceOfName = (word: string, format: string | null): Result<ParsedSource, string> => imageSource({ word, format, options: null });

/** What words say of an image; the error is QEMU's text for what is wrong with them. */
export function imageSource({ word, format, options }: ImageWords): Result<ParsedSource, string> {
  const flat = new Map<string, OptionValue>();
  if (options !== null) {
    const pairs = splitOptionList(options);
    if (!pairs.ok) return err(`Invalid option list: ${options}`);
    for (const { key, value } of pairs.value) flat.set(key, value);
  }
  if (format !== null) flat.set("driver", format);
  if (word === null) return worded(sourceOfOptions(flat));
  return flat.size === 0 || onlyDriver(flat) ? named(word, format ?? driverOf(flat)) : combined(word, flat);
}

/** As imageSource, of an image that is to be written or not: its own options may forbid that. */
export function sourceToOpen(words: ImageWords, write: boolean): Result<ParsedSource, string> {
  const named = imageSource(words);
  const mistake = named.ok ? mayNot(named.value, write) : null;
  return mistake === null ? named : err(mistake);
}

/** QEMU's complaint about an image that is taken whoever else has it, and that is to be written. */
export const SHARED_BY_FORCE = "force-share=on can only be used with read-only images";

/** QEMU's complaint about an image that is to be written where its options say that it is not, or that keeps what is read and is not written; null where there is none. */
function mayNot({ source, readOnly, forcesShare }: ParsedSource, write: boolean): string | null {
  if (!write) return source.copiesOnRead === true ? "Block node is read-only" : null;
  if (readOnly === true) return "Block node is read-only";
  return forcesShare === true ? SHARED_BY_FORCE : null;
}

const onlyDriver = (flat: ReadonlyMap<string, OptionValue>): boolean => flat.size === 1 && flat.has("driver");
const driverOf = (flat: ReadonlyMap<string, OptionValue>): string | null => (flat.has("driver") ? String(flat.get("driver")) : null);

/** The file that a name means where an image is to be made; the error is QEMU's text. */
export function newFileName(word: string): Result<string, string> {
  if (word.startsWith("json:")) return err(sourceWords({ code: "unknown-protocol", protocol: "json" }));
  if (word.startsWith(DEBUG_PREFIX)) return err("Protocol driver 'blkdebug' does not support image creation");
  const parsed = parseImageName(word, ADOPTED_PREFIX);
  if (!parsed.ok) return err(sourceWords(parsed.error));
  return ok(parsed.value.kind === "path" ? parsed.value.path : parsed.value.parsed.source.file);
}

/** A name alone; a format that was given stands before the name's own. */
function named(word: string, format: string | null): Result<ParsedSource, string> {
  const parsed = parseImageName(word, ADOPTED_PREFIX);
  if (!parsed.ok) return worded(parsed);
  const isNull = parsed.value.kind === "source" && parsed.value.parsed.source.file === `${String(format)}://`;
  if (format !== null && format !== "qcow2" && format !== "raw" && format !== "file" && !isNull) return err(sourceWords({ code: "unknown-driver", driver: format }));
  const given = format === null || format === "qcow2" ? format : "raw";
  if (parsed.value.kind === "path") return ok({ source: { file: parsed.value.path, format: given }, readOnly: null });
  const { source, ...rest } = parsed.value.parsed;
  return ok({ source: { ...source, format: given ?? source.format }, ...rest });
}

/** A name with options beside it: the options speak of the file that is named. */
function combined(word: string, flat: Map<string, OptionValue>): Result<ParsedSource, string> {
  const name = named(word, null);
  if (!name.ok) return name;
  const key = filenameKey(word, flat);
  if (!flat.has(key)) flat.set(key, name.value.source.file);
  const parsed = worded(sourceOfOptions(flat));
  if (!parsed.ok) return parsed;
  const source: ImageSource = { ...name.value.source, ...parsed.value.source, format: parsed.value.source.format ?? name.value.source.format };
  return ok({ ...name.value, ...parsed.value, source, readOnly: parsed.value.readOnly ?? name.value.readOnly });
}

const FILE_DRIVERS = ["file", "host_device", "host_cdrom"];

/** The option that names the file, where it is the word that does: that of the lowest node. A node blkdebug stands over the file where the word says so. */
function filenameKey(word: string, flat: Map<string, OptionValue>): string {
  for (let node = ""; ; ) {
    const driver = flat.get(`${node}driver`);
    if (FILE_DRIVERS.includes(String(driver))) return `${node}filename`;
    if (driver === undefined && node !== "") {
      if (node !== "file." || !word.startsWith(DEBUG_PREFIX)) return `${node}filename`;
      flat.set("file.driver", "blkdebug");
    } else node += driver === "blkdebug" ? "image." : "file.";
  }
}

const worded = (parsed: ReturnType<typeof sourceOfOptions>): Result<ParsedSource, string> => (parsed.ok ? parsed : err(sourceWords(parsed.error)));
