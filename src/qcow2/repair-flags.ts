/**
 * Setting COPIED flags right: the flags of the active tables, which alone decide about writing in place. Source: qcow2 specification,
 * "Cluster mapping".
 */
import { Fault, imageProblem } from "../base/fault.ts";
import { readPadded } from "../bytes/byte-store.ts";
import type { Check } from "./check.ts";
import { TableReader, surveyTables } from "./check-walk.ts";
import type { Numbers } from "./check-findings.ts";
import { ENTRY_BYTES } from "./entries.ts";
import { LOW_ZERO, isCompressed, isCopied, offsetAt, offsetOf, setCopied, wordHex } from "./entry-words.ts";
import type { AreaMap } from "./repair-areas.ts";

const YIELD_BYTES = 2 ** 15;

/**
 * Judges the flags by the refcounts that are in the file now.
 * @param allowed whether what is wrong is set right, @param maySet whether a flag may be set, too: another owner may be unread
 */
export function* correctFlags(check: Check, numbers: Numbers, tables: AreaMap, allowed: boolean, maySet: boolean): Generator<number, void, void> {
  const { store, header, refcounts } = check;
  const { clusterSize } = header;
  const l1Bytes = new Uint8Array(header.l1Size * ENTRY_BYTES);
  readPadded(store, header.l1Offset, l1Bytes);
  const l1 = new DataView(l1Bytes.buffer);
  const l1Dirty = new DirtyRange();
  const reader = new TableReader(check, header.l1Size, (index) => offsetAt(l1, index * ENTRY_BYTES));
  const { repeated, filled } = surveyTables(check, l1);
  let work = 0;
  let entries = 0;
  const judge = (structure: "L1 table" | "L2 table", index: number, table: DataView, at: number, offset: number): boolean => {
    const [high, low] = [table.getUint32(at), table.getUint32(at + 4)];
    const refcount = structure === "L2 table" && check.hasDataFile ? 1 : refcounts.of(Math.floor(offset / clusterSize));
    if (refcount === null || (refcount === 1) === isCopied(high)) return false;
    const repairing = allowed && (maySet || refcount !== 1);
    if (check.verdict.full) check.verdict.countFlag(repairing, numbers);
    else check.verdict.add({ finding: "copied-flag", structure, index, entry: wordHex(high, low), ...refcounts.told(Math.floor(offset / clusterSize), refcount), ...(repairing ? { repairing } : {}) }, numbers);
    if (repairing) setCopied(table, at, refcount === 1);
    return repairing;
  };
  for (let index = 0; index < header.l1Size; index++) {
    const at = index * ENTRY_BYTES;
    const offset = offsetAt(l1, at);
    if (offset === 0) continue;
    if (judge("L1 table", index, l1, at, offset)) l1Dirty.add(at);
    if (offset >= check.fileLength || (filled !== null && !filled.has(offset))) continue;
    // A table that is gone through twice has nothing wrong the second time.
    const among = repeated === null ? -1 : repeated.indexOf(offset);
    if (among !== -1 && repeated!.again(among)) continue;
    const table = reader.read(index, offset);
    if (table === null) continue;
    const dirty = new DirtyRange();
    for (let entry = 0; entry < clusterSize; entry += check.subclusters ? 2 * ENTRY_BYTES : ENTRY_BYTES) {
      const [high, low] = [table.getUint32(entry), table.getUint32(entry + 4)];
      if ((high | low) === 0) continue;
      entries++;
      if (isCompressed(high)) continue;
      const data = offsetOf(high, low);
      if (data === 0 && (!check.hasDataFile || !isCopied(high) || (!check.subclusters && (low & LOW_ZERO) !== 0))) continue;
      if (judge("L2 table", 0, table, entry, data)) dirty.add(entry);
    }
    if (!dirty.empty) {
      // The table that an entry leads to is taken for what it is not: to write it would break what is there.
      if (tables.has(offset, clusterSize)) throw new Fault(imageProblem("L1 table", "host offset", header.l1Offset + at, offset, "a cluster that holds no other table"));
      // What was read along of the tables behind it stays true: these are the bytes that are lent.
      dirty.write((start, data) => store.write(offset + start, data), new Uint8Array(table.buffer, table.byteOffset, clusterSize));
    }
    work += clusterSize;
    if (work < YIELD_BYTES) continue;
    check.work.entries(entries);
    work = 0;
    entries = 0;
    yield index / header.l1Size;
  }
  if (!l1Dirty.empty) l1Dirty.write((start, data) => store.write(header.l1Offset + start, data), l1Bytes);
  store.flush();
}

/** The words of a table that changed, as one range. */
class DirtyRange {
  private start = Infinity;
  private end = 0;

  get empty(): boolean {
    return this.end === 0;
  }

  /** @param at of the 8-byte word that changed, from the table's start */
  add(at: number): void {
    this.start = Math.min(this.start, at);
    this.end = Math.max(this.end, at + ENTRY_BYTES);
  }

  write(write: (at: number, data: Uint8Array) => void, table: Uint8Array): void {
    write(this.start, table.subarray(this.start, this.end));
  }
}
