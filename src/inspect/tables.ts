/**
 * Entries of L1 and L2 tables as rows: what each says and where it leads. An entry that cannot be is a row with its problem.
 * Source: qcow2 specification, "Cluster mapping".
 */
import { imageProblem } from "../base/fault.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ImageProblem } from "../base/fault.ts";
import type { TableEntry } from "../protocol/inspect.ts";
import { ENTRY_BYTES, decodeL1Entry } from "../qcow2/entries.ts";
import { isCopied, offsetOf } from "../qcow2/entry-words.ts";
import { decodeCluster, subclusterKind } from "../qcow2/l2-entries.ts";
import type { ClusterEntry, SubclusterKind } from "../qcow2/l2-entries.ts";
import { tolerant } from "./inspected.ts";
import type { Inspected } from "./inspected.ts";

export interface TableRows {
  /** Entries of the whole table. */
  readonly total: number;
  readonly tableOffset: number | null;
  readonly entries: readonly TableEntry[];
}

/** Entries [from, from + count) of the active L1 table, as many as there are. */
export function l1Rows(inspected: Inspected, from: number, count: number): TableRows {
  const { header } = inspected;
  const total = header.l1Size;
  const first = Math.min(from, total);
  const words = inspected.l1Words(first, Math.max(0, Math.min(count, total - first)));
  const entries: TableEntry[] = [];
  for (let at = 0; at < words.byteLength; at += ENTRY_BYTES) entries.push(l1Row(inspected, words, at / ENTRY_BYTES, first));
  return { total, tableOffset: total === 0 ? null : header.l1Offset, entries };
}

/** Where an L1 entry leads: an L2 table's offset, null for none; refused where it is not in the file. */
export function l2Place(inspected: Inspected, l1Index: number): Result<number | null, ImageProblem> {
  const { header, fileSize } = inspected;
  const at = header.l1Offset + l1Index * ENTRY_BYTES;
  if (l1Index >= header.l1Size) return err(imageProblem("L1 table", "index", header.l1Offset, l1Index, `below ${header.l1Size}`));
  const decoded = tolerant(() => decodeL1Entry(inspected.l1Words(l1Index, 1), 0, at, header.clusterSize));
  if (decoded.problem !== null) return err(decoded.problem);
  const { hostOffset } = decoded.value;
  if (hostOffset >= fileSize) return err(imageProblem("L1 table", "L2 table's host offset", at, hostOffset, `below the file's end (${fileSize})`));
  return ok(hostOffset === 0 ? null : hostOffset);
}

/** Entries of the L2 table that an L1 entry leads to. */
export function l2Rows(inspected: Inspected, l1Index: number, from: number, count: number): Result<TableRows, ImageProblem> {
  const place = l2Place(inspected, l1Index);
  if (!place.ok) return place;
  const tableOffset = place.value;
  if (tableOffset === null) return ok({ total: 0, tableOffset, entries: [] });
  const { l2Entries } = inspected;
  const table = inspected.l2Table(tableOffset);
  const entries: TableEntry[] = [];
  for (let index = Math.min(from, l2Entries); index < Math.min(from + count, l2Entries); index++) entries.push(l2Row(inspected, table, index, tableOffset, l1Index));
  return ok({ total: l2Entries, tableOffset, entries });
}

const hexWord = (view: DataView, at: number): string => view.getBigUint64(at).toString(16).padStart(16, "0");

/** The refcount of the cluster that holds a host offset; null where it is not to be had. */
const refcountAt = ({ refcounts, header }: Inspected, offset: number): number | null => refcounts.of(Math.floor(offset / header.clusterSize));

/** @param first the table's index of the first word in `words` */
function l1Row(inspected: Inspected, words: DataView, index: number, first: number): TableEntry {
  const { header, fileSize, l2Span } = inspected;
  const at = index * ENTRY_BYTES;
  const hostOffset = header.l1Offset + (first + index) * ENTRY_BYTES;
  const decoded = tolerant(() => decodeL1Entry(words, index, header.l1Offset + first * ENTRY_BYTES, header.clusterSize));
  const offset = offsetOf(words.getUint32(at), words.getUint32(at + 4));
  const behind = decoded.problem === null && offset >= fileSize ? imageProblem("L1 table", "L2 table's host offset", hostOffset, offset, `below the file's end (${fileSize})`) : null;
  return {
    index: first + index,
    hostOffset,
    raw: hexWord(words, at),
    guestOffset: (first + index) * l2Span,
    target: offset === 0 ? null : offset,
    copied: isCopied(words.getUint32(at)),
    kind: offset === 0 ? "none" : "l2-table",
    compressedBytes: null,
    subclusters: null,
    refcount: offset === 0 ? null : refcountAt(inspected, offset),
    problem: decoded.problem ?? behind,
  };
}

const LETTERS: Readonly<Record<SubclusterKind, string>> = { unallocated: ".", "unallocated-placed": "p", zero: "z", "zero-allocated": "z", data: "d", compressed: "d" };
const SUBCLUSTERS = 32;

function l2Row(inspected: Inspected, table: DataView, index: number, tableOffset: number, l1Index: number): TableEntry {
  const { format, header, fileSize } = inspected;
  const at = index * format.entryBytes;
  const decoded = tolerant(() => decodeCluster(table, index, tableOffset, format));
  const entry = decoded.value;
  const said = offsetOf(table.getUint32(at), table.getUint32(at + 4));
  const target = entry === null ? (said === 0 ? null : said) : entry.placed ? entry.hostOffset : null;
  const behind = entry !== null && target !== null && !format.externalData && target >= fileSize ? imageProblem("L2 table", "host offset", tableOffset + at, target, `below the file's end (${fileSize})`) : null;
  return {
    index,
    hostOffset: tableOffset + at,
    raw: format.extended ? hexWord(table, at) + hexWord(table, at + 8) : hexWord(table, at),
    guestOffset: l1Index * inspected.l2Span + index * header.clusterSize,
    target,
    copied: isCopied(table.getUint32(at)),
    kind: entry === null ? "none" : kindOf(entry, format.extended),
    compressedBytes: entry !== null && entry.compressedBytes > 0 ? entry.compressedBytes : null,
    subclusters: format.extended ? lettersOf(entry, table, at) : null,
    refcount: target === null || format.externalData ? null : refcountAt(inspected, target),
    problem: decoded.problem ?? behind,
  };
}

function kindOf(entry: ClusterEntry, extended: boolean): TableEntry["kind"] {
  if (entry.compressedBytes > 0) return "compressed";
  if (extended) return entry.placed || entry.zero !== 0 ? "subclusters" : "none";
  const kind = subclusterKind(entry, 0);
  return kind === "unallocated" ? "none" : kind;
}

/** null for a compressed cluster, which has none. */
function lettersOf(entry: ClusterEntry | null, table: DataView, at: number): string | null {
  if (entry !== null && entry.compressedBytes > 0) return null;
  let letters = "";
  for (let subcluster = 0; subcluster < SUBCLUSTERS; subcluster++) letters += entry === null ? contradiction(table, at, subcluster) : LETTERS[subclusterKind(entry, subcluster)];
  return letters;
}

/** Of an entry that cannot be, by the bits alone. */
function contradiction(table: DataView, at: number, subcluster: number): string {
  const isZero = ((table.getUint32(at + 8) >>> subcluster) & 1) === 1;
  const isData = ((table.getUint32(at + 12) >>> subcluster) & 1) === 1;
  return isZero && isData ? "!" : isZero ? "z" : isData ? "d" : ".";
}
