/**
 * How QEMU names an image that is described by its nodes: the file's own name where the format stands on that file and nothing else is
 * said, and otherwise `json:{…}` of all that makes a difference to what is seen.
 *
 * Of nodes it knows formats, parts of raw files, and files: the ways in which an image lies within something that is no file.
 */
import { optionsOfJson } from "../protocol/source-names.ts";
import type { FlatOptions, OptionValue } from "../protocol/index.ts";
import { jsonString } from "./image-facts.ts";
import type { ImageWords } from "./image-source.ts";
import { splitOptionList } from "./option-list.ts";

const FORMATS = ["qcow2", "raw"];
const FILE = "file";
/** In the order in which QEMU prints them. */
const SHOWN = ["offset", "driver", "size", "filename"];

interface Node {
  readonly driver: string;
  readonly options: ReadonlyMap<string, OptionValue>;
  readonly below: Node | null;
}

/**
 * The names of an image's nodes from the top down, the file last; null where it is named otherwise than by nodes, or by others than these.
 * @param format of the image, as it was found
 */
export function nodeNames({ word, format: given, options }: ImageWords, format: string): readonly string[] | null {
  const flat = flatOptions(word, options);
  const top = flat === null ? null : nodeAt(new Map([...flat, ["driver", given ?? flat.get("driver") ?? format]]), "");
  const names: string[] = [];
  for (let node = top; node !== null; node = node.below) names.push(nameOf(node));
  return top === null ? null : names;
}

function flatOptions(word: string | null, options: string | null): FlatOptions | null {
  if (word?.startsWith("json:") === true) {
    const parsed = optionsOfJson(word.slice("json:".length));
    return parsed.ok ? parsed.value : null;
  }
  const pairs = options === null ? null : splitOptionList(options);
  return pairs?.ok === true ? new Map(pairs.value.map(({ key, value }) => [key, value])) : null;
}

function nodeAt(flat: FlatOptions, prefix: string): Node | null {
  const driver = String(flat.get(`${prefix}driver`) ?? FILE);
  const own = new Map<string, OptionValue>([["driver", driver]]);
  for (const name of driver === FILE ? ["filename"] : driver === "raw" ? ["offset", "size"] : []) {
    const value = flat.get(`${prefix}${name}`);
    if (value !== undefined) own.set(name, value);
  }
  if (driver === FILE) return own.has("filename") ? { driver, options: own, below: null } : null;
  const below = FORMATS.includes(driver) ? nodeAt(flat, `${prefix}file.`) : null;
  return below === null ? null : { driver, options: own, below };
}

function nameOf({ driver, options, below }: Node): string {
  if (below === null) return String(options.get("filename"));
  const isPlain = below.driver === FILE && options.size === 1;
  return isPlain ? nameOf(below) : `json:${jsonOf({ driver, options, below })}`;
}

function jsonOf({ options, below }: Node): string {
  const entries = SHOWN.filter((name) => options.has(name)).map((name) => `"${name}": ${valueOf(options.get(name)!)}`);
  return `{${[...entries, ...(below === null ? [] : [`"file": ${jsonOf(below)}`])].join(", ")}}`;
}

const valueOf = (value: OptionValue): string => (typeof value === "string" ? jsonString(value) : String(value));
