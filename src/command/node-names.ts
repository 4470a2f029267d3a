/**
 * How QEMU names an image that is described by its nodes: the file's own name where the format stands on that file and nothing else is
 * said, and otherwise `json:{…}` of all that makes a difference to what is seen.
 *
 * Of nodes it knows formats, parts of raw files, files, and nodes of nothing.
 */
import { FILE_PREFIX, behindPrefix } from "../protocol/path-names.ts";
import { optionsOfJson } from "../protocol/source-names.ts";
import type { FlatOptions, OptionValue } from "../protocol/index.ts";
import { jsonString } from "./image-facts.ts";
import type { ImageWords } from "./image-source.ts";
import { splitOptionList } from "./option-list.ts";

/** The options of each driver that make a difference to what is seen; the last ones stand on nothing. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = { qcow2: [], raw: ["offset", "size"], file: ["filename"], "null-co": ["size", "read-zeroes"], "null-aio": ["size", "read-zeroes"] };
const FORMATS = ["qcow2", "raw"];
const FILE = "file";
const JSON_PREFIX = "json:";
/** In the order in which QEMU prints them. */
const SHOWN = ["read-zeroes", "offset", "driver", "size", "filename"];

interface Node {
  readonly driver: string;
  readonly options: ReadonlyMap<string, OptionValue>;
  readonly below: Node | null;
}

export interface NodeName {
  readonly name: string;
  readonly driver: string;
}

/**
 * An image's nodes from the top down, the file or what stands for one last; null where it is named otherwise than by nodes, or by others than these.
 * @param format of the image, as it was found
 */
export function nodeNames({ word, format: given, options }: ImageWords, format: string): readonly NodeName[] | null {
  const flat = flatOptions(word, options);
  if (flat === null) return word !== null && given === FILE ? [{ name: pathOf(word), driver: FILE }] : null;
  const top = nodeAt(new Map([...flat, ["driver", given ?? flat.get("driver") ?? format]]), "");
  const names: NodeName[] = [];
  for (let node = top; node !== null; node = node.below) names.push({ name: nameOf(node), driver: node.driver });
  return top === null ? null : names;
}

function flatOptions(word: string | null, options: string | null): FlatOptions | null {
  if (word?.startsWith(JSON_PREFIX) === true) {
    const parsed = optionsOfJson(word.slice(JSON_PREFIX.length));
    return parsed.ok ? parsed.value : null;
  }
  const pairs = options === null ? null : splitOptionList(options);
  return pairs?.ok === true ? new Map(pairs.value.map(({ key, value }) => [key, value])) : null;
}

function nodeAt(flat: FlatOptions, prefix: string): Node | null {
  const driver = String(flat.get(`${prefix}driver`) ?? FILE);
  const known = OPTIONS[driver];
  if (known === undefined) return null;
  const own = new Map<string, OptionValue>([["driver", driver]]);
  for (const name of known) {
    const value = flat.get(`${prefix}${name}`);
    if (value !== undefined) own.set(name, value);
  }
  if (!FORMATS.includes(driver)) return driver !== FILE || own.has("filename") ? { driver, options: own, below: null } : null;
  const below = nodeAt(flat, `${prefix}file.`);
  return below === null ? null : { driver, options: own, below };
}

function nameOf(node: Node): string {
  const { driver, options, below } = node;
  if (driver === FILE) return pathOf(String(options.get("filename")));
  const plain = options.size > 1 ? null : below === null ? `${driver}://` : below.below === null ? nameOf(below) : null;
  return plain === null || plain.startsWith(JSON_PREFIX) ? `${JSON_PREFIX}${jsonOf(node)}` : plain;
}

const pathOf = (name: string): string => (name.startsWith(FILE_PREFIX) ? behindPrefix(name) : name);

function jsonOf({ options, below }: Node): string {
  const entries = SHOWN.filter((name) => options.has(name)).map((name) => `"${name}": ${valueOf(options.get(name)!)}`);
  return `{${[...entries, ...(below === null ? [] : [`"file": ${jsonOf(below)}`])].join(", ")}}`;
}

const valueOf = (value: OptionValue): string => (typeof value === "string" ? jsonString(value) : String(value));
