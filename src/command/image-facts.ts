/**
 * What an image is, as a tree that prints two ways: indented lines for people, JSON for programs. The same tree stands behind
 * qemu-img info and qemu-io's info, and carries the zoned extension's facts where there are some.
 */
import type { BitmapFacts, DeviceFacts, PointerFinding, PointerSummary, ZonedFacts } from "../protocol/index.ts";
import { hex, integer } from "./format.ts";

/** Keys as JSON spells them, with dashes; people read spaces. Order is the order of printing. */
export type FactTree = { readonly [key: string]: FactValue };
export type FactValue = string | number | boolean | FactTree | readonly FactValue[];

/** "Format specific information" of a qcow2 image; null for raw. */
export function formatSpecific(facts: DeviceFacts): FactTree | null {
  const { image, zoned } = facts;
  if (image.format === "raw") return null;
  const tree: Record<string, FactValue> = { compat: image.version === 2 ? "0.10" : "1.1", "compression-type": image.compressionType };
  if (image.version >= 3) tree["lazy-refcounts"] = image.lazyRefcounts;
  if (image.bitmaps !== undefined && image.bitmaps.length > 0) tree["bitmaps"] = image.bitmaps.map(bitmapTree);
  tree["refcount-bits"] = image.refcountBits;
  if (image.encryption !== null) tree["encrypt"] = { format: image.encryption.toLowerCase() };
  if (image.dataFile !== null) tree["data-file"] = image.dataFile;
  if (image.externalData) tree["data-file-raw"] = image.dataFileRaw;
  if (image.version >= 3) {
    tree["corrupt"] = image.corrupt;
    tree["extended-l2"] = image.extendedL2;
  }
  if (zoned !== null) tree["zoned"] = zonedTree(zoned);
  return tree;
}

const bitmapTree = ({ name, granularity, inUse, recording }: BitmapFacts): FactTree => ({
  flags: [...(inUse ? ["in-use"] : []), ...(recording ? ["auto"] : [])],
  name,
  granularity,
});

function zonedTree(zoned: ZonedFacts): FactTree {
  const { geometry } = zoned;
  const tree: Record<string, FactValue> = {
    dialect: zoned.dialect,
    mode: "host-managed",
    "zone-size": geometry.zoneSize,
    "zone-capacity": geometry.zoneCapacity,
    zones: geometry.zoneCount,
    "conventional-zones": geometry.conventionalZones,
    "max-open-zones": geometry.maxOpenZones,
    "max-active-zones": geometry.maxActiveZones,
    "max-append-bytes": geometry.maxAppendBytes,
  };
  tree["pointers"] = pointersTree(zoned.pointers);
  if (zoned.findings.length > 0) tree["findings"] = zoned.findings.map(findingSentence);
  return tree;
}

/** What the stored pointers say: conditions as after a power cycle, which is how the image lies in its file. */
const pointersTree = (pointers: PointerSummary): FactTree => ({
  empty: pointers.empty,
  closed: pointers.closed,
  full: pointers.full,
  conventional: pointers.conventional,
  "bytes-below": pointers.bytesBelow,
});

/** One thing that is odd about the stored pointers, as a sentence. */
export function findingSentence(finding: PointerFinding): string {
  const where = `zone ${finding.zone}, entry at byte ${hex(finding.hostOffset)} of the file`;
  switch (finding.code) {
    case "type-disagrees":
      return `${where}: the stored word says another zone type than the number of conventional zones does`;
    case "pointer-not-sector-aligned":
      return `${where}: the write pointer ${integer(finding.stored)} is no multiple of 512, so that the image is read-only`;
  }
}

/** The tree as QEMU prints it for people, line by line: "key: value" at `indent` steps of four spaces. */
export function* factLines(tree: FactTree, indent: number): Generator<string, void, void> {
  const margin = "    ".repeat(indent);
  for (const [key, value] of Object.entries(tree)) yield* entryLines(margin, key.replaceAll("-", " "), value, indent);
}

function* entryLines(margin: string, label: string, value: FactValue, indent: number): Generator<string, void, void> {
  if (Array.isArray(value)) {
    yield `${margin}${label}:\n`;
    for (const [index, item] of (value as readonly FactValue[]).entries()) yield* entryLines(`${margin}    `, `[${index}]`, item, indent + 1);
  } else if (typeof value === "object") {
    yield `${margin}${label}:\n`;
    yield* factLines(value as FactTree, indent + 1);
  } else yield `${margin}${label}: ${typeof value === "number" ? integer(value) : String(value)}\n`;
}

/** The tree as QEMU prints JSON: four spaces a level, an empty list or object still on two lines. */
export const factJson = (value: FactValue): string => [...factJsonPieces(value)].join("");

/** As factJson, piece by piece: a list of very many names would be copied by every list around it, and be in memory as often. */
export function* factJsonPieces(value: FactValue, indent = 0): Generator<string, void, void> {
  const margin = "    ".repeat(indent);
  if (typeof value === "string") yield jsonString(value);
  else if (typeof value === "boolean") yield String(value);
  else if (typeof value === "number") yield integer(value);
  else {
    const isList = Array.isArray(value);
    const items: readonly (readonly [label: string, item: FactValue])[] = isList
      ? (value as readonly FactValue[]).map((item) => ["", item] as const)
      : Object.entries(value as FactTree).map(([key, item]) => [`${JSON.stringify(key)}: `, item] as const);
    yield isList ? "[\n" : "{\n";
    for (const [index, [label, item]] of items.entries()) {
      yield `${index === 0 ? "" : ",\n"}${margin}    ${label}`;
      yield* factJsonPieces(item, indent + 1);
    }
    yield `${items.length === 0 ? "" : "\n"}${margin}${isList ? "]" : "}"}`;
  }
}

/** What JSON has as it is. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** QEMU's JSON is plain ASCII: what is not, is \uXXXX with capital digits. An escaped backslash is matched to be left alone. */
export function jsonString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(/\\\\|\\u([0-9a-f]{4})|[^ -~]/g, (found, digits?: string) => {
    if (found === "\\\\") return found;
    return `\\u${(digits ?? found.charCodeAt(0).toString(16).padStart(4, "0")).toUpperCase()}`;
  });
}
