/**
 * What each recorded write of a crash lab is and whom it serves: the flush says the kind, the file's own tables say the rest. Entries that
 * a write changes are found by comparing it with what lay there before.
 */
import { SECTOR_SIZE } from "../base/units.ts";
import type { MemoryContents } from "../bytes/memory-store.ts";
import { MemoryStore } from "../bytes/memory-store.ts";
import { sectorsOf } from "../crash/cuts.ts";
import type { Recorded } from "../crash/cuts.ts";
import type { RecordingStore } from "../crash/recording-store.ts";
import type { CrashRecord, CrashWrite, CrashWriteKind } from "../protocol/index.ts";
import { ENTRY_BYTES } from "../qcow2/entries.ts";
import { offsetOf } from "../qcow2/entry-words.ts";
import type { Header } from "../qcow2/header.ts";
import { entryFormat } from "../qcow2/l2-entries.ts";
import { readHeader } from "../qcow2/open.ts";
import type { ZonedHeader } from "../zoned/dialect.ts";
import { POINTER_BYTES } from "../zoned/pointer.ts";
import type { Placed } from "./crash-notes.ts";

type Write = Extract<Recorded, { kind: "write" }>;

/** The label of a write: its kind, and the flush that made it. */
export const labelOf = (kind: string, flush: number): string => `${kind}@${flush}`;
/** The flush that a record belongs to; null outside of one. */
export const flushOf = (record: Recorded): number | null => (record.kind === "write" && record.label !== null ? Number(record.label.split("@")[1]) : null);
const kindOfLabel = (label: string | null): CrashWriteKind | null => (label === null ? null : (label.split("@")[0] as CrashWriteKind));

export function describeRecords(store: RecordingStore, zoned: ZonedHeader | null, placed: readonly Placed[]): CrashRecord[] {
  const running = store.start();
  const end = store.crashOfProgram(store.log.length);
  const header = readHeader(new MemoryStore("recorded", end));
  const describing: Describing = { header, zoned, placed, tables: l2Tables(header, end), oldTables: l2Tables(header, running) };
  let group = 0;
  return store.log.flatMap((record, index): CrashRecord[] => {
    if (record.kind === "flush") return [{ type: "barrier", record: index + 1, group: group++ }];
    if (record.kind === "truncate") return [{ ...NOTHING, record: index + 1, kind: "other", part: "other", hostOffset: record.size, lengthBytes: 0, sectors: 0, group }];
    const was = new Uint8Array(record.data.length);
    running.read(record.offset, was);
    running.write(record.offset, record.data);
    const told = describeWrite(describing, record, was);
    return [{ ...NOTHING, ...told, record: index + 1, hostOffset: record.offset, lengthBytes: record.data.length, sectors: sectorsOf(record), group }];
  });
}

const NOTHING = { type: "write", guest: null, zones: null } as const;

interface Describing {
  readonly header: Header;
  readonly zoned: ZonedHeader | null;
  readonly placed: readonly Placed[];
  /** L1 index by the L2 table's host offset. */
  readonly tables: ReadonlyMap<number, number>;
  /** The same of the disk before. */
  readonly oldTables: ReadonlyMap<number, number>;
}

type Told = Pick<CrashWrite, "kind" | "part"> & Partial<Pick<CrashWrite, "guest" | "zones">>;

function describeWrite(describing: Describing, record: Write, was: Uint8Array): Told {
  const kind = kindOfLabel(record.label);
  switch (kind) {
    case "data":
      return { kind, part: "guest data", ...guestOf(describing, placedIn(describing, record.offset, record.data.length)) };
    case "moved-refcount-table":
      return { kind, part: "refcount table" };
    case "new-l2-tables":
    case "mappings":
      return mapped(describing, kind, record, was);
    case "raised-refcounts":
    case "lowered-refcounts":
      return { kind, part: "refcount block" };
    case "reset-pointers":
    case "advanced-pointers":
      return { kind, part: "write pointers", ...pointed(describing, record, was) };
    case "refcount-table-entries":
      return { kind, part: record.offset < describing.header.clusterSize ? "header" : "refcount table" };
    default:
      // Outside a flush only the header's bits have a barrier of their own.
      return record.offset + record.data.length <= SECTOR_SIZE ? { kind: "header", part: "header" } : { kind: "other", part: "other" };
  }
}

const placedIn = ({ placed }: Describing, host: number, length: number): { offset: number; lengthBytes: number } | null => {
  let [start, end] = [Infinity, -Infinity];
  for (const place of placed) {
    const from = Math.max(place.host, host);
    const to = Math.min(place.host + place.length, host + length);
    if (from >= to) continue;
    start = Math.min(start, place.guest + from - place.host);
    end = Math.max(end, place.guest + to - place.host);
  }
  return start < end ? { offset: start, lengthBytes: end - start } : null;
};

function guestOf({ zoned, header }: Describing, guest: CrashWrite["guest"]): Partial<Pick<CrashWrite, "guest" | "zones">> {
  if (guest === null) return {};
  const end = Math.min(guest.offset + guest.lengthBytes, header.virtualSize);
  const cut = { offset: guest.offset, lengthBytes: end - guest.offset };
  if (zoned === null || cut.lengthBytes <= 0) return { guest: cut };
  const { zoneSize } = zoned.geometry;
  return { guest: cut, zones: { first: Math.floor(cut.offset / zoneSize), last: Math.floor((end - 1) / zoneSize) } };
}

/** Which units of `bytes` a write changes: the first and the last, counted from the write's start; null for none. */
function changedUnits(record: Write, was: Uint8Array, bytes: number): { first: number; last: number } | null {
  const differs = (unit: number): boolean => {
    for (let at = unit * bytes; at < (unit + 1) * bytes; at++) if (record.data[at] !== was[at]) return true;
    return false;
  };
  let first = 0;
  let last = Math.floor(record.data.length / bytes) - 1;
  while (first <= last && !differs(first)) first++;
  while (last > first && !differs(last)) last--;
  return first <= last ? { first, last } : null;
}

/** Entries of the L1 table or of an L2 table; a table that nothing on the disk before leads to is new, whenever it is written. */
function mapped(describing: Describing, label: CrashWriteKind, record: Write, was: Uint8Array): Told {
  const { header, tables, oldTables } = describing;
  const { clusterSize, l1Offset, l1Size } = header;
  const entryBytes = entryFormat(header).entryBytes;
  const span = (clusterSize / entryBytes) * clusterSize;
  if (record.offset >= l1Offset && record.offset < l1Offset + l1Size * ENTRY_BYTES) {
    const changed = changedUnits(record, was, ENTRY_BYTES);
    const base = (record.offset - l1Offset) / ENTRY_BYTES;
    return { kind: label, part: "L1 table", ...guestOf(describing, changed && { offset: (base + changed.first) * span, lengthBytes: (changed.last - changed.first + 1) * span }) };
  }
  const table = Math.floor(record.offset / clusterSize) * clusterSize;
  const index = tables.get(table);
  const changed = changedUnits(record, was, entryBytes);
  const kind = oldTables.has(table) ? label : "new-l2-tables";
  if (index === undefined || changed === null) return { kind, part: "L2 table" };
  const offset = index * span + ((record.offset - table) / entryBytes + changed.first) * clusterSize;
  return { kind, part: "L2 table", ...guestOf(describing, { offset, lengthBytes: (changed.last - changed.first + 1) * clusterSize }) };
}

function pointed({ zoned }: Describing, record: Write, was: Uint8Array): Partial<Pick<CrashWrite, "zones">> {
  const changed = changedUnits(record, was, POINTER_BYTES);
  if (changed === null || zoned === null) return {};
  const base = (record.offset - zoned.metadataOffset) / POINTER_BYTES;
  return { zones: { first: base + changed.first, last: base + changed.last } };
}

function l2Tables({ l1Offset, l1Size, clusterSize }: Header, contents: MemoryContents): Map<number, number> {
  const l1 = new Uint8Array(l1Size * ENTRY_BYTES);
  contents.read(l1Offset, l1);
  const view = new DataView(l1.buffer);
  const tables = new Map<number, number>();
  for (let index = 0; index < l1Size; index++) {
    const offset = offsetOf(view.getUint32(index * ENTRY_BYTES), view.getUint32(index * ENTRY_BYTES + 4));
    if (offset > 0 && offset % clusterSize === 0) tables.set(offset, index);
  }
  return tables;
}
