/**
 * What the bytes of a stretch of the file are: the structures there and, where not too many are asked for, their fields and entries.
 * Between structures lies guest data, or nothing that is counted.
 */
import type { ByteSpan, ExtensionFacts, FieldFacts, HeaderReport } from "../protocol/inspect.ts";
import { ENTRY_BYTES } from "../qcow2/entries.ts";
import { POINTER_BYTES } from "../zoned/pointer.ts";
import type { Inspected } from "./inspected.ts";
import type { Area } from "./structures.ts";

/** A stretch up to this long is told entry by entry. */
const ENTRIES_BYTES = 65536;

/** Spans of [from, from + lengthBytes), by their start, an outer one before those within it; cut to the stretch's clusters by nobody. */
export function spansWithin(inspected: Inspected, report: HeaderReport, from: number, lengthBytes: number): ByteSpan[] {
  const to = Math.min(from + lengthBytes, inspected.fileSize);
  const spans: ByteSpan[] = [];
  const areas = inspected.structures.within(from, to);
  for (const area of areas) {
    spans.push({ hostOffset: area.start, lengthBytes: area.end - area.start, structure: area.structure, field: "" });
    if (area.kind === "header") spans.push(...headerSpans(report).filter((span) => span.hostOffset < to && span.hostOffset + span.lengthBytes > from));
    else if (lengthBytes <= ENTRIES_BYTES) spans.push(...entrySpans(inspected, area, from, to));
  }
  spans.push(...between(inspected, areas, from, to));
  return spans.sort((a, b) => a.hostOffset - b.hostOffset || b.lengthBytes - a.lengthBytes);
}

/** Spans that have the byte, outermost first. */
export const spansAt = (inspected: Inspected, report: HeaderReport, hostOffset: number): ByteSpan[] => spansWithin(inspected, report, hostOffset, 1);

/** The fields of the header and of its extensions. */
export function headerSpans({ fields, extensions }: HeaderReport): ByteSpan[] {
  return [...fields.map((field) => fieldSpan("header", field)), ...extensions.flatMap(extensionSpans)];
}

const fieldSpan = (structure: string, { field, hostOffset, lengthBytes }: FieldFacts): ByteSpan => ({ hostOffset, lengthBytes, structure, field });

function extensionSpans(extension: ExtensionFacts): ByteSpan[] {
  const { kind, hostOffset, lengthBytes, fields } = extension;
  const structure = `header extension ${kind}`;
  return [
    { hostOffset, lengthBytes: 8 + lengthBytes, structure, field: "" },
    { hostOffset, lengthBytes: 4, structure, field: "type" },
    { hostOffset: hostOffset + 4, lengthBytes: 4, structure, field: "length" },
    ...fields.map((field) => fieldSpan(structure, field)),
  ];
}

/** Bytes of an entry, null for a structure without entries of one length. */
function entryBytesOf({ format }: Inspected, { kind, structure }: Area): number | null {
  switch (kind) {
    case "l1-table":
    case "inactive-l1-table":
    case "refcount-table":
      return ENTRY_BYTES;
    case "l2-table":
    case "inactive-l2-table":
      return format.entryBytes;
    case "zoned-metadata":
      return POINTER_BYTES;
    case "bitmap":
      return structure.startsWith("table") ? ENTRY_BYTES : null;
    default:
      return null;
  }
}

function entrySpans(inspected: Inspected, area: Area, from: number, to: number): ByteSpan[] {
  const entryBytes = entryBytesOf(inspected, area);
  if (entryBytes === null) return area.kind === "refcount-block" ? refcountSpans(inspected, area, from, to) : [];
  const word = area.kind === "zoned-metadata" ? "write pointer of zone" : "entry";
  const spans: ByteSpan[] = [];
  for (let index = Math.max(0, Math.floor((from - area.start) / entryBytes)); area.start + index * entryBytes < Math.min(to, area.end); index++) {
    spans.push({ hostOffset: area.start + index * entryBytes, lengthBytes: entryBytes, structure: area.structure, field: `${word} ${index}` });
  }
  return spans;
}

/** Refcounts narrower than a byte share one. */
function refcountSpans({ header, refcounts }: Inspected, area: Area, from: number, to: number): ByteSpan[] {
  const bits = 2 ** header.refcountOrder;
  const lengthBytes = Math.max(1, bits / 8);
  const perSpan = Math.max(1, 8 / bits);
  const spans: ByteSpan[] = [];
  for (let index = Math.max(0, Math.floor((from - area.start) / lengthBytes)); area.start + index * lengthBytes < Math.min(to, area.end); index++) {
    const first = area.index * refcounts.perBlock + index * perSpan;
    const field = perSpan === 1 ? `refcount of cluster ${first}` : `refcounts of clusters ${first} to ${first + perSpan - 1}`;
    spans.push({ hostOffset: area.start + index * lengthBytes, lengthBytes, structure: area.structure, field });
  }
  return spans;
}

/** Clusters that no structure takes, as runs: those that are counted hold guest data, the others nothing. */
function between({ header, refcounts }: Inspected, areas: readonly Area[], from: number, to: number): ByteSpan[] {
  const { clusterSize } = header;
  const spans: ByteSpan[] = [];
  let last: { hostOffset: number; lengthBytes: number; structure: string; field: string } | null = null;
  for (let start = Math.floor(from / clusterSize) * clusterSize; start < to; start += clusterSize) {
    if (areas.some((area) => area.start < start + clusterSize && area.end > start)) continue;
    const structure = refcounts.of(start / clusterSize) === 0 ? "free" : "guest data";
    if (last !== null && last.structure === structure && last.hostOffset + last.lengthBytes === start) last.lengthBytes += clusterSize;
    else spans.push((last = { hostOffset: start, lengthBytes: clusterSize, structure, field: "" }));
  }
  return spans;
}
