/**
 * What a check counts besides the active tables: snapshots (check-snapshots.ts reads their table), persistent bitmaps and the refcount
 * structure itself.
 * Source: qcow2 specification, "Snapshots", "Bitmaps" and "Host cluster management".
 */
import { Fault, imageProblem } from "../base/fault.ts";
import { viewOf } from "../base/view.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { isZero } from "../bytes/zeros.ts";
import { DirectoryBytes } from "./bitmaps.ts";
import type { Check } from "./check.ts";
import type { JudgedTable } from "./check-snapshots.ts";
import { walkInactive, walkNoted } from "./check-walk.ts";
import { ENTRY_BYTES } from "./entries.ts";
import { LOW_ZERO, hasBitmapReserved, offsetOf } from "./entry-words.ts";
import { AUTOCLEAR_BITMAPS, hasBit } from "./features.ts";
import { BITMAPS_MAGIC, ENCRYPTION_MAGIC } from "./header.ts";
import { MAX_L1_ENTRIES } from "./snapshots.ts";
import { stackedRanges } from "./stacked-ranges.ts";
import type { CountedRange } from "./stacked-ranges.ts";

/** L1 tables that are longer than this in all are cut where they overlap, so that each byte of the file is gone through once. */
const MAX_APART_BYTES = 2 ** 30;
const PIECE_BYTES = 2 ** 20;
const MAX_DIRECTORY_BYTES = 64 * 2 ** 20;
const MAX_BITMAP_ENTRIES = 0x8000000;
const DIRECTORY_ENTRY_BYTES = 24;
const MAX_BITMAP_NAME = 1023;

/** Counts the snapshot table and the L1 tables of the snapshots with all that they lead to. */
export function* referSnapshots(check: Check, { snapshots, lengthBytes }: JudgedTable): Generator<number, void, void> {
  const { header, noted } = check;
  if (snapshots.length === 0) return;
  if (check.hasDataFile) check.found({ finding: "snapshots-with-data-file", count: snapshots.length });
  const places = new Map<string, CountedRange>();
  let totalBytes = 0;
  for (const { id, name, offset, size } of snapshots) {
    const wrong = offset % header.clusterSize !== 0 ? "unaligned" : size > MAX_L1_ENTRIES ? "too-large" : null;
    if (wrong !== null) check.found({ finding: "snapshot-l1", id, name, offset, size, wrong });
    if (wrong !== null || size === 0) continue;
    const key = `${offset} ${size}`;
    const known = places.get(key);
    places.set(key, { first: offset, end: offset + size * ENTRY_BYTES, times: (known?.times ?? 0) + 1 });
    if (known === undefined) totalBytes += size * ENTRY_BYTES;
  }
  let tables: readonly CountedRange[] = [...places.values()];
  const overlap = totalBytes > MAX_APART_BYTES;
  if (overlap) tables = referOverlapping(check, tables);
  noted.begin(0);
  for (let again = false; ; again = true) {
    for (const { first, end, times } of tables) {
      if (!again && !overlap) {
        check.work.read(Math.min(end, Math.max(first, check.fileLength)) - first);
        check.referMetadata(first, end - first, times);
      }
      yield* walkInactive(check, { offset: first, size: (end - first) / ENTRY_BYTES }, times, again);
    }
    yield* walkNoted(check);
    if (noted.to >= check.fileClusters) break;
    noted.begin(noted.to);
  }
  noted.begin(0);
  check.referMetadata(header.snapshotsOffset, lengthBytes);
}

/**
 * Counts the clusters of L1 tables that are too long to be gone through one by one, for which those that overlap are taken together: the
 * findings come in the order of the file then.
 * @returns the parts of them, each with how many tables have it. @throws Fault where they are longer than the file can hold
 */
function referOverlapping(check: Check, tables: readonly CountedRange[]): CountedRange[] {
  const { clusterSize } = check.header;
  const parts = stackedRanges(tables);
  // What lies behind the file's end is not read.
  check.work.read(parts.reduce((sum, { first, end }) => sum + Math.max(0, Math.min(end, check.fileLength) - first), 0));
  // A table that ends a cluster or more behind the file is a finding by itself, and counts no cluster.
  const isBehind = ({ end }: CountedRange): boolean => end - check.fileLength >= clusterSize;
  for (const { first, end, times } of tables.filter(isBehind)) check.refer(first, end - first, times);
  const clusters = tables.filter((table) => !isBehind(table)).map(({ first, end, times }) => ({ first: first / clusterSize, end: Math.ceil(end / clusterSize), times }));
  for (const { first, end, times } of stackedRanges(clusters)) {
    // By its first byte alone, for the last one may be cut short.
    for (let cluster = first; cluster < end; cluster++) check.refer(cluster * clusterSize, 1, times);
  }
  if (!check.again) for (const { first, end } of parts) check.areas.push({ offset: first, lengthBytes: end - first });
  return parts;
}

/**
 * Persistent bitmaps, which count only while their autoclear bit says that they are true: the directory, a table by bitmap and the
 * clusters of its bits; and the clusters of an encrypted image's own header.
 *
 * | byte | width | extension        | byte | width | directory entry                            |
 * |------|-------|------------------|------|-------|--------------------------------------------|
 * | 0    | 4     | number           | 0    | 8     | table's host offset                        |
 * | 8    | 8     | directory size   | 8    | 4     | entries of the table                       |
 * | 16   | 8     | directory offset | 18   | 2     | name size                                  |
 * |      |       |                  | 20   | 4     | extra data size; both follow, padded to 8  |
 */
export function referBitmaps(check: Check): void {
  const { store, header } = check;
  const encryption = header.extensions.findLast(({ magic }) => magic === ENCRYPTION_MAGIC)?.data;
  if (encryption !== undefined && encryption.length >= 16) check.referMetadata(wordAt(encryption, 0), wordAt(encryption, 8));
  const extension = header.extensions.findLast(({ magic }) => magic === BITMAPS_MAGIC)?.data;
  if (extension === undefined || extension.length < 24 || !hasBit(header.autoclear, AUTOCLEAR_BITMAPS)) return;
  const [directorySize, directoryOffset] = [wordAt(extension, 8), wordAt(extension, 16)];
  check.referMetadata(directoryOffset, directorySize);
  const refuse = (field: string, at: number, found: number, allowed: string): Fault => new Fault(imageProblem("bitmap directory", field, at, found, allowed));
  if (directorySize > MAX_DIRECTORY_BYTES) throw refuse("size", directoryOffset, directorySize, `at most ${MAX_DIRECTORY_BYTES} bytes`);
  if (directoryOffset + directorySize > check.fileLength) throw refuse("offset", directoryOffset, directoryOffset, "a directory inside the file");
  const directory = new DirectoryBytes(store, directoryOffset, directorySize);
  const tables = new Map<string, { readonly offset: number; readonly entries: number; times: number }>();
  for (let at = 0; at < directorySize; ) {
    const place = directoryOffset + at;
    if (at + DIRECTORY_ENTRY_BYTES > directorySize) throw refuse("entry", place, directorySize - at, `at least ${DIRECTORY_ENTRY_BYTES} bytes`);
    const entry = viewOf(directory.from(at, DIRECTORY_ENTRY_BYTES));
    const [offset, entries] = [entry.getUint32(0) * 2 ** 32 + entry.getUint32(4), entry.getUint32(8)];
    const [nameSize, extraSize] = [entry.getUint16(18), entry.getUint32(20)];
    const length = Math.ceil((DIRECTORY_ENTRY_BYTES + extraSize + nameSize) / 8) * 8;
    if (at + length > directorySize || nameSize === 0 || nameSize > MAX_BITMAP_NAME || extraSize > 0) throw refuse("entry", place, length, "a name and no extra data, inside the directory");
    if (entries === 0 || entries > MAX_BITMAP_ENTRIES || offset === 0 || offset % header.clusterSize !== 0) {
      throw refuse("table", place, offset, `a table of 1 to ${MAX_BITMAP_ENTRIES} entries at the start of a cluster`);
    }
    const key = `${offset} ${entries}`;
    const known = tables.get(key);
    if (known === undefined) tables.set(key, { offset, entries, times: 1 });
    else known.times++;
    at += length;
  }
  // Bitmaps that have one table are gone through together.
  for (const { offset, entries, times } of tables.values()) {
    check.work.read(Math.max(0, Math.min(entries * ENTRY_BYTES, check.fileLength - offset)));
    check.referMetadata(offset, entries * ENTRY_BYTES, times);
    referBitmapTable(check, offset, entries, times);
  }
}

const wordAt = (bytes: Uint8Array, at: number): number => {
  const view = viewOf(bytes);
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
};

/** Bit 0 of an entry without an offset is "all set", 0 "all clear"; the rest is as in a standard L2 entry. */
function referBitmapTable(check: Check, tableOffset: number, entries: number, times: number): void {
  const { clusterSize } = check.header;
  for (let first = 0; first < entries; first += PIECE_BYTES / ENTRY_BYTES) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, (entries - first) * ENTRY_BYTES));
    const at = tableOffset + first * ENTRY_BYTES;
    if (at >= check.fileLength) return;
    readPadded(check.store, at, piece);
    if (isZero(piece)) continue;
    let inUse = 0;
    const table = new DataView(piece.buffer);
    for (let index = 0; index < piece.length; index += ENTRY_BYTES) {
      const [high, low] = [table.getUint32(index), table.getUint32(index + 4)];
      if (high === 0 && low === 0) continue;
      inUse++;
      const offset = offsetOf(high, low);
      const bad = hasBitmapReserved(high, low) || (offset !== 0 && ((low & LOW_ZERO) !== 0 || offset % clusterSize !== 0));
      if (bad) throw new Fault(imageProblem("bitmap table", "entry", at + index, offset, "a cluster, or all set, or all clear"));
      if (offset !== 0) check.refer(offset, clusterSize, times);
    }
    check.work.entries(inUse);
  }
}

/** Counts the references from the refcount table to its blocks, each of which must be the only one to its cluster. */
export function referBlocks(check: Check): void {
  const { refcounts, references } = check;
  const { clusterSize } = check.header;
  for (let block = 0; block < refcounts.blockCount; block++) {
    const { offset, offsetLow, reservedBits } = refcounts.entry(block);
    if (reservedBits || offsetLow % clusterSize !== 0) {
      check.found({ finding: "table-entry", block, wrong: reservedBits ? "reserved-bits" : "unaligned" });
      check.rebuild = true;
      continue;
    }
    if (offset === 0) continue;
    const cluster = offset / clusterSize;
    if (cluster >= check.clusters) {
      if (check.again) continue;
      if (check.hooks === null) check.found({ finding: "table-entry", block, wrong: "outside" });
      else if (check.hooks.lengthen(offset)) {
        check.found({ finding: "table-entry", block, wrong: "outside", repairing: true });
        check.measure();
        check.refer(offset, clusterSize);
      } else {
        const attempted = check.hooks.rebuilds;
        check.found({ finding: "table-entry", block, wrong: "outside", attempted });
        if (attempted) check.found({ finding: "cannot-resize", countless: offset >= 2 ** 63 - clusterSize });
        check.rebuild ||= attempted;
      }
      continue;
    }
    check.refer(offset, clusterSize);
    if (cluster < references.from || cluster >= references.to || references.get(cluster) === 1) continue;
    check.found({ finding: "block-shared", block, references: references.get(cluster) });
    check.rebuild = true;
  }
}
