/**
 * Walking L1 and L2 tables for a check: every reference counted, every entry that cannot be noted. A table that several entries lead
 * to is read once and counts as often, so that an image in which thousands lead to one does not keep the check busy; what is found in it is
 * told as often, each time where the entry is.
 * Source: qcow2 specification, "Cluster mapping"; what counts as an error is qemu-img check's.
 */
import { sortNumbers } from "../base/sort.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { isZero } from "../bytes/zeros.ts";
import type { Check } from "./check.ts";
import type { CheckFinding } from "./check-findings.ts";
import { ENTRY_BYTES } from "./entries.ts";
import { GAP_BYTES, OffsetSet, distinct, filledTables } from "./filled-tables.ts";
import { LOW_ZERO, compressedPlace, hasL1Reserved, hasL2Reserved, isCompressed, isCopied, offsetAt, offsetOf, wordHex } from "./entry-words.ts";

/** L1 entries are read in pieces, so that no table of a snapshot needs memory of its size. */
const PIECE_BYTES = 2 ** 20;
/** L2 tables that lie close together are read at once. */
const RUN_BYTES = 2 ** 18;
/** L1 entries that lead away from where the one before leads: with more of them, empty tables are found in the file's order first. */
const MANY_JUMPS = 2 ** 14;
/** Bytes of L2 tables between two yields. */
const YIELD_BYTES = 2 ** 15;

export interface L1Place {
  readonly offset: number;
  /** Entries. */
  readonly size: number;
}

/** Counts an L1 table that the current disk uses, and everything that it leads to. Yields the fraction done. */
export function* walkActive(check: Check, place: L1Place): Generator<number, void, void> {
  check.referMetadata(place.offset, place.size * ENTRY_BYTES);
  check.work.read(place.size * ENTRY_BYTES);
  const l1 = check.l1 ?? readWords(check, place.offset, place.size);
  if (check.hooks === null) check.l1 = l1;
  const tables = new TableReader(check, place.size, (index) => offsetAt(l1, index * ENTRY_BYTES));
  const { repeated, filled } = surveyTables(check, l1);
  let done = 0;
  let entries = 0;
  for (let index = 0; index < place.size; index++) {
    const at = index * ENTRY_BYTES;
    const [high, low] = [l1.getUint32(at), l1.getUint32(at + 4)];
    if (high === 0 && low === 0) continue;
    entries++;
    const offset = referTable(check, high, low, 1);
    if (check.judges && offset !== 0) judgeL1(check, index, high, low, offset);
    // A table behind the file's end has been told, and reads as zeros.
    if (offset < check.fileLength && (filled === null || filled.has(offset))) {
      const among = repeated === null ? -1 : repeated.indexOf(offset);
      if (among === -1) {
        const table = tables.read(index, offset);
        if (table !== null) walkTable(check, table, offset, 1, true);
      } else if (!repeated!.again(among)) {
        const table = tables.read(index, offset);
        if (table !== null) repeated!.walk(check, among, (times) => walkTable(check, table, offset, times, true));
      }
    }
    done += check.header.clusterSize;
    if (done < YIELD_BYTES) continue;
    done = 0;
    check.work.entries(entries);
    entries = 0;
    yield index / place.size;
  }
}

/**
 * Counts what the L1 table of a snapshot leads to, or a part of one. The L2 tables are only noted, by cluster, for walkNoted: snapshots have most of them in common.
 * @param times how many snapshots have these very entries
 * @param again only notes tables, in another round for those that had no room in the one before
 */
export function* walkInactive(check: Check, place: L1Place, times: number, again: boolean): Generator<number, void, void> {
  const { clusterSize } = check.header;
  // What lies behind the file's end leads nowhere.
  const size = Math.min(place.size, Math.ceil(Math.max(0, check.fileLength - place.offset) / ENTRY_BYTES));
  for (let first = 0; first < size; first += PIECE_BYTES / ENTRY_BYTES) {
    const count = Math.min(PIECE_BYTES / ENTRY_BYTES, size - first);
    const l1 = readWords(check, place.offset + first * ENTRY_BYTES, count);
    let entries = 0;
    if (isZero(new Uint8Array(l1.buffer))) {
      yield first / size;
      continue;
    }
    for (let at = 0; at < count * ENTRY_BYTES; at += ENTRY_BYTES) {
      const [high, low] = [l1.getUint32(at), l1.getUint32(at + 4)];
      if (high === 0 && low === 0) continue;
      entries++;
      const offset = again ? offsetOf(high, low) : referTable(check, high, low, times);
      if (offset >= check.fileLength) continue;
      if (offset % clusterSize === 0) check.noted.add(offset / clusterSize, times);
      else if (!again) walkTable(check, readTable(check, offset), offset, times, false);
    }
    check.work.entries(entries);
    yield first / size;
  }
}

/** Walks the L2 tables that walkInactive noted. */
export function* walkNoted(check: Check): Generator<number, void, void> {
  const { noted, header } = check;
  const { clusterSize } = header;
  let done = 0;
  for (const [first, behind] of noted.runs(noted.from, Math.min(noted.to, check.fileClusters))) {
    const tables = new TableReader(check, behind, (cluster) => (noted.get(cluster) === 0 ? 0 : cluster * clusterSize));
    for (let cluster = first; cluster < behind; cluster++) {
      const times = noted.get(cluster);
      if (times === 0) continue;
      const offset = cluster * clusterSize;
      const table = tables.read(cluster, offset);
      if (table !== null) walkTable(check, table, offset, times, false);
      done += clusterSize;
      if (done < YIELD_BYTES) continue;
      done = 0;
      yield first / check.clusters;
    }
  }
}

function readWords(check: Check, offset: number, count: number): DataView {
  const words = new Uint8Array(count * ENTRY_BYTES);
  readPadded(check.store, offset, words);
  return new DataView(words.buffer);
}

function readTable(check: Check, offset: number): DataView {
  const table = new Uint8Array(check.header.clusterSize);
  check.work.read(table.length);
  readPadded(check.store, offset, table);
  return new DataView(table.buffer);
}

/** Tables that more than one entry leads to, by how many: each is walked where the first of them does, and what is found there is told where each of them does. */
class RepeatedTables {
  private readonly tables: OffsetSet;
  private readonly times: Uint32Array;
  /** How many entries have led to a table so far. */
  private readonly visits: Uint32Array;
  /** By table, for those in which anything was found. */
  private readonly tells = new Map<number, (nth: number) => void>();

  constructor(offsets: Float64Array, times: Uint32Array) {
    this.tables = new OffsetSet(offsets);
    this.times = times;
    this.visits = new Uint32Array(times.length);
  }

  /** The table's index among these, -1 for a table of one entry. */
  indexOf(offset: number): number {
    return this.tables.indexOf(offset);
  }

  /** Another entry leads to the table. @returns whether one did before, for which it was walked */
  again(index: number): boolean {
    const nth = this.visits[index]!;
    this.visits[index] = nth + 1;
    if (nth > 0) this.tells.get(index)?.(nth);
    return nth > 0;
  }

  /** Walks the table for all entries that lead to it. */
  walk(check: Check, index: number, act: (times: number) => void): void {
    const times = this.times[index]!;
    check.beginRepeated(times);
    act(times);
    const tell = check.endRepeated();
    if (tell !== null) this.tells.set(index, tell);
  }
}

/** Which tables several entries lead to; and, where they lie about the file in no order, which of them have entries. Each null where there is nothing to know. */
export function surveyTables(check: Check, l1: DataView): { readonly repeated: RepeatedTables | null; readonly filled: OffsetSet | null } {
  const { clusterSize } = check.header;
  const gapBytes = gapOf(clusterSize);
  let count = 0;
  let jumps = 0;
  // As tables are read where they stand in the file's order, each byte once at the least.
  let [reads, readBytes] = [0, 0];
  let ascending = true;
  let before = -Infinity;
  for (let at = 0; at < l1.byteLength; at += ENTRY_BYTES) {
    const [high, low] = [l1.getUint32(at), l1.getUint32(at + 4)];
    if (high === 0 && low === 0) continue;
    const offset = offsetOf(high, low);
    if (offset <= before) ascending = false;
    if (count > 0 && (offset < before || offset > before + clusterSize + GAP_BYTES)) jumps++;
    if (offset < check.fileLength) {
      if (offset > before + clusterSize + gapBytes) reads++;
      readBytes += Math.min(clusterSize, offset - before);
    }
    before = offset;
    count++;
  }
  if (ascending) {
    check.work.foresee(reads, readBytes);
    return { repeated: null, filled: null };
  }
  const sorted = sortNumbers(tableOffsets(l1, count));
  const repeated = repeatedTables(sorted);
  return { repeated, filled: jumps < MANY_JUMPS ? null : filledTables(check.store, distinct(sorted), clusterSize, check.work) };
}

/** Where the entries lead that are in use, in their order. @param count how many there are */
function tableOffsets(l1: DataView, count: number): Float64Array {
  const offsets = new Float64Array(count);
  let next = 0;
  for (let at = 0; at < l1.byteLength; at += ENTRY_BYTES) {
    const [high, low] = [l1.getUint32(at), l1.getUint32(at + 4)];
    if (high !== 0 || low !== 0) offsets[next++] = offsetOf(high, low);
  }
  return offsets;
}

function repeatedTables(sorted: Float64Array): RepeatedTables | null {
  const startsRun = (index: number): boolean => sorted[index] === sorted[index + 1] && (index === 0 || sorted[index] !== sorted[index - 1]);
  let runs = 0;
  for (let index = 0; index < sorted.length - 1; index++) if (startsRun(index)) runs++;
  if (runs === 0) return null;
  const offsets = new Float64Array(runs);
  const times = new Uint32Array(runs);
  let run = 0;
  for (let index = 0; index < sorted.length - 1; index++) {
    if (!startsRun(index)) continue;
    let behind = index + 1;
    while (behind < sorted.length && sorted[behind] === sorted[index]) behind++;
    offsets[run] = sorted[index]!;
    times[run++] = behind - index;
  }
  return new RepeatedTables(offsets, times);
}

/** Counts the reference of an L1 entry to its table. @returns the table's offset */
function referTable(check: Check, high: number, low: number, times: number): number {
  if (hasL1Reserved(high, low)) check.found({ finding: "reserved-bits", structure: "L1 table", entry: wordHex(high, low) }, times);
  const offset = offsetOf(high, low);
  const { clusterSize } = check.header;
  check.refer(offset, clusterSize, times);
  if (offset % clusterSize !== 0) check.found({ finding: "l2-table-unaligned", hostOffset: offset }, times);
  return offset;
}

function judgeL1(check: Check, index: number, high: number, low: number, offset: number): void {
  const cluster = Math.floor(offset / check.header.clusterSize);
  const refcount = check.refcounts.of(cluster);
  if (refcount === null || (refcount === 1) === isCopied(high)) return;
  if (check.countsCopied(1)) return;
  check.foundCopied({ finding: "copied-flag", structure: "L1 table", index, entry: wordHex(high, low), ...check.refcounts.told(cluster, refcount) });
}

/** What lies between two tables is read along, as long as that is less than another read costs. */
const gapOf = (clusterSize: number): number => Math.max(clusterSize, GAP_BYTES);

/** Reads L2 tables in the order in which they are walked, neighbours in the file with one read. */
export class TableReader {
  private readonly check: Check;
  private readonly ends: number;
  private readonly offsetAt: (index: number) => number;
  private readonly run: Uint8Array;
  private runStart = 0;
  private runEnd = 0;
  private empty = false;

  /** @param ends the index behind the last table, @param offsetAt of the table with an index, 0 where there is none */
  constructor(check: Check, ends: number, offsetAt: (index: number) => number) {
    this.check = check;
    this.ends = ends;
    this.offsetAt = offsetAt;
    this.run = new Uint8Array(Math.max(check.header.clusterSize, RUN_BYTES));
  }

  /**
   * @param index of the table at `offset`; those of the next ones may be read along
   * @returns its bytes, lent until the next read; null where they are known to be zeros
   */
  read(index: number, offset: number): DataView | null {
    const { clusterSize } = this.check.header;
    if (offset < this.runStart || offset + clusterSize > this.runEnd) this.fill(index, offset);
    return this.empty ? null : new DataView(this.run.buffer, offset - this.runStart, clusterSize);
  }

  private fill(index: number, offset: number): void {
    const { clusterSize } = this.check.header;
    let end = offset + clusterSize;
    for (let next = index + 1; next < this.ends; next++) {
      const start = this.offsetAt(next);
      if (start === 0) continue;
      if (start < end || start > end + gapOf(clusterSize) || start + clusterSize - offset > this.run.length) break;
      end = start + clusterSize;
    }
    this.runStart = offset;
    this.runEnd = end;
    const bytes = this.run.subarray(0, end - offset);
    this.check.work.read(bytes.length);
    readPadded(this.check.store, offset, bytes);
    this.empty = isZero(bytes);
  }
}

/** Counts what one L2 table refers to, `times` over. @param active whether the current disk uses it, which statistics and flags are about */
function walkTable(check: Check, table: DataView, tableOffset: number, times: number, active: boolean): void {
  const { clusterSize, clusterBits } = check.header;
  const { hasDataFile, subclusters, references } = check;
  const step = subclusters ? 2 * ENTRY_BYTES : ENTRY_BYTES;
  const alignMask = clusterSize - 1 - LOW_ZERO;
  const highFactor = 2 ** (32 - clusterBits);
  // An L1 entry without an offset leads nowhere, whatever bits it has: no flags are judged there.
  const judges = active && check.judges && tableOffset !== 0;
  const plain = !hasDataFile && !subclusters;
  let allocated = 0;
  let compressed = 0;
  let fragmented = 0;
  let expected = -1;
  let entries = 0;
  for (let at = 0; at < clusterSize; at += step) {
    const high = table.getUint32(at);
    const low = table.getUint32(at + 4);
    if ((high | low) === 0 && plain) continue;
    entries++;
    // By far the most entries: a cluster of its own in the file.
    if (plain && (high & 0x7f00_0000) === 0 && (low & alignMask) === 0) {
      const cluster = (high & 0x00ff_ffff) * highFactor + (low >>> clusterBits);
      if (cluster === 0) continue;
      if (cluster < check.fileClusters) {
        allocated++;
        if (expected !== -1 && cluster !== expected) fragmented++;
        expected = cluster + 1;
        const overflow = references.add(cluster, times);
        if (overflow > 0) check.found({ finding: "overflow", offset: cluster * clusterSize }, overflow);
        if (judges) {
          const refcount = check.refcounts.of(cluster);
          if (refcount !== null && (refcount === 1) !== isCopied(high)) judgeData(check, high, low, refcount, times);
        }
        continue;
      }
    }
    const offset = takeEntry(check, table, tableOffset, at, times, active);
    if (offset === null) continue;
    if (offset < 0) {
      // Compressed: it shares its sectors with others, fragmented by nature.
      compressed++;
      allocated++;
      fragmented++;
      continue;
    }
    allocated++;
    if (expected > 0 && offset !== expected * clusterSize) fragmented++;
    expected = offset / clusterSize + 1;
  }
  check.work.entries(entries);
  // Each window goes through all tables.
  if (!active || check.again) return;
  check.compressed += compressed * times;
  check.allocated += allocated * times;
  check.fragmented += fragmented * times;
}

/**
 * An entry that is not of the plain sort: what is wrong with it is noted, its reference counted.
 * @returns the host offset of a cluster, -1 for a compressed one, null for what takes no cluster
 */
function takeEntry(check: Check, table: DataView, tableOffset: number, at: number, times: number, active: boolean): number | null {
  const { header, hasDataFile, subclusters } = check;
  const { clusterSize, clusterBits } = header;
  const high = table.getUint32(at);
  const low = table.getUint32(at + 4);
  const zeroBits = subclusters ? table.getUint32(at + 8) : 0;
  const dataBits = subclusters ? table.getUint32(at + 12) : 0;
  const found = (finding: CheckFinding): void => check.found(finding, times);
  const index = at / (subclusters ? 2 * ENTRY_BYTES : ENTRY_BYTES);
  if (isCompressed(high)) {
    const place = compressedPlace(high, low, clusterBits);
    if (isCopied(high)) found({ finding: "copied-compressed", hostOffset: place.offset });
    const entry = wordHex((high & 0x7fff_ffff) >>> 0, low);
    if (hasDataFile) found({ finding: "compressed-in-data-file", index, entry });
    else if (zeroBits !== 0 || dataBits !== 0) found({ finding: "compressed-subclusters", index, entry });
    if (!hasDataFile && ((zeroBits | dataBits) === 0 || check.hooks !== null)) {
      // A check counts as QEMU's does; a repair must not lose a stream that is read all the same.
      check.refer(place.offset, place.lengthBytes, times);
      return -1;
    }
    return null;
  }
  if (hasL2Reserved(high, low)) found({ finding: "reserved-bits", structure: "L2 table", entry: wordHex(high, low) });
  const offset = offsetOf(high, low);
  // An external data file may have a cluster at its very start.
  const zeroEntry = !subclusters && (low & LOW_ZERO) !== 0;
  if (offset === 0 && (zeroEntry || !hasDataFile || !isCopied(high))) {
    if (!zeroEntry && dataBits !== 0) found({ finding: "subclusters-without-cluster" });
    return null;
  }
  if ((zeroBits & dataBits) !== 0) found({ finding: "subclusters-contradict", hostOffset: offset });
  if (offset % clusterSize !== 0) {
    const hasData = subclusters ? dataBits !== 0 : !zeroEntry;
    if (hasData) found({ finding: "data-unaligned", hostOffset: offset });
    else if (check.clearEntry(tableOffset, at, zeroBits | dataBits)) {
      check.found({ finding: "preallocated-unaligned", hostOffset: offset, repairing: true });
      return null;
    } else found({ finding: "preallocated-unaligned", hostOffset: offset });
  }
  if (!hasDataFile) check.refer(offset, clusterSize, times);
  if (active && check.judges && tableOffset !== 0) {
    const refcount = hasDataFile ? 1 : check.refcounts.of(Math.floor(offset / clusterSize));
    if (refcount !== null && (refcount === 1) !== isCopied(high)) judgeData(check, high, low, refcount, times);
  }
  return offset;
}

function judgeData(check: Check, high: number, low: number, refcount: number, times: number): void {
  if (check.countsCopied(times)) return;
  const told = check.refcounts.told(Math.floor(offsetOf(high, low) / check.header.clusterSize), refcount);
  check.foundCopied({ finding: "copied-flag", structure: "L2 table", index: 0, entry: wordHex(high, low), ...told }, times);
}
