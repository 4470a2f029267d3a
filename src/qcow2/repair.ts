/**
 * Repairing an image: refcounts become what the references are, and COPIED flags what the refcounts are. Nothing is guessed: what
 * an entry should have led to, or which of two owners of a table's cluster is the true one, no count can tell, and it is left.
 *
 * The order, with a barrier after each step, and what it prevents were the power to fail between:
 * 1. refcounts that are too low rise: a new refcount block, then the entry that leads to it (else counts would be read from
 *    whatever lay there);
 * 2. COPIED is cleared where clusters are shared and set where they are not. Cleared before (1), the next write would copy and
 *    give up a reference that was never counted, and so free what the other owner uses;
 * 3. refcounts that are too high fall. This alone lets a cluster be given out again, so nothing else may be pending by then: a
 *    free cluster beside a table half set right is what a crash must not leave;
 * 4. the caller counts again, and where no corruption is left, clears the dirty and corrupt bits (declareSound). Cleared before
 *    (3), an image half repaired would pass for sound.
 * Each change is one aligned word of 8 bytes or less: a torn write leaves some changed and the others as they were, each as true
 * as before or truer, and the next repair goes on from there.
 *
 * References that could not be read make a count of 0 a guess: with any of those, or with a header extension that nobody here
 * knows (it may own clusters), no refcount falls and no flag is set. Source: qcow2 specification, "Host cluster management".
 */
import { hostOffset } from "../base/units.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { readExactly, readPadded } from "../bytes/byte-store.ts";
import { COPIED_BIT, Check, OTHER_METADATA, StoredRefcounts, compare, countReferences, isImageFault, storedWord } from "./check.ts";
import type { CheckFinding, ExtraArea } from "./check.ts";
import { ENTRY_BYTES, decodeL1Entry, decodeL2Entry, encodeCopied, encodeRefcountTableEntry, writeRefcount } from "./entries.ts";
import { AUTOCLEAR_BITMAPS, INCOMPATIBLE_CORRUPT, INCOMPATIBLE_DIRTY, hasBit } from "./features.ts";
import { BITMAPS_MAGIC, FEATURE_NAMES_MAGIC, encodeAutoclear, encodeIncompatible } from "./header.ts";
import type { Header } from "./header.ts";

/** What may change: "leaks" lowers refcounts, and sets flags right once nothing else is wrong; "all" also raises refcounts. */
export type RepairMode = "leaks" | "all";

/** Why refcounts that are too high were left: references that cannot be read, or an extension that may own clusters. */
export type KeptLeaks = "unread-references" | "unknown-extension";

export interface RepairAttempt {
  readonly finding: CheckFinding;
  readonly repaired: boolean;
}

export interface RepairOutcome {
  /** What was wrong, the flags left out: the first findings, at most 1000, and how many there are. */
  readonly found: readonly CheckFinding[];
  readonly foundCount: number;
  /** Every wrong refcount and then every wrong flag, the first 1000, and how many there are. */
  readonly attempts: readonly RepairAttempt[];
  readonly attemptCount: number;
  readonly leaksFixed: number;
  readonly corruptionsFixed: number;
  /** null where no leak was left, or none for these reasons. */
  readonly keptLeaks: KeptLeaks | null;
}

const MAX_ATTEMPTS = 1000;
const YIELD_EVERY = 2 ** 18;
const BACKING_FORMAT_MAGIC = 0xe2792aca;
const ENCRYPTION_MAGIC = 0x0537be77;
const DATA_FILE_MAGIC = 0x44415441;
const KNOWN_EXTENSIONS: readonly number[] = [BITMAPS_MAGIC, FEATURE_NAMES_MAGIC, BACKING_FORMAT_MAGIC, ENCRYPTION_MAGIC, DATA_FILE_MAGIC];

class Repair {
  readonly attempts: RepairAttempt[] = [];
  attemptCount = 0;
  leaksFixed = 0;
  corruptionsFixed = 0;
  /** Refcounts that are too high and are left so. */
  leaksLeft = 0;
  /** Index in the refcount table and host cluster of blocks to be made. */
  readonly newBlocks = new Map<number, number>();
  readonly check: Check;
  readonly mode: RepairMode;
  private readonly knowsExtensions: boolean;
  private readonly roles: Uint16Array;
  /** A cluster of metadata that something else refers to as well. */
  private overlaps = false;

  constructor(check: Check, roles: Uint16Array, mode: RepairMode, knowsExtensions: boolean) {
    this.check = check;
    this.roles = roles;
    this.mode = mode;
    this.knowsExtensions = knowsExtensions;
    for (let cluster = 0; cluster < check.clusters && !this.overlaps; cluster++) this.overlaps = this.isOverlap(cluster);
  }

  /** Every reference was read, and no table is taken for something else. */
  get complete(): boolean {
    return this.check.unread === 0 && !this.overlaps;
  }

  get keptLeaks(): KeptLeaks | null {
    if (this.leaksLeft === 0) return null;
    return !this.complete ? "unread-references" : this.knowsExtensions ? null : "unknown-extension";
  }

  /** Host cluster of this offset. */
  clusterOf(offset: number): number {
    return Math.floor(offset / this.check.header.clusterSize);
  }

  isOverlap(cluster: number): boolean {
    const role = this.roles[cluster]!;
    const references = this.check.references[cluster]!;
    return references > 1 && role !== 0 && (role === OTHER_METADATA || role !== references);
  }

  /** Metadata may be written where nothing else claims its clusters. */
  mayWriteAt(offset: number, lengthBytes: number): boolean {
    const last = this.clusterOf(offset + lengthBytes - 1);
    for (let cluster = this.clusterOf(offset); cluster <= last; cluster++) {
      if (cluster >= this.check.clusters || this.roles[cluster] === 0 || this.isOverlap(cluster)) return false;
    }
    return true;
  }

  /** Whether the refcounts of a block can be written: it has one of its own, or is given one. */
  private hasBlock(index: number): boolean {
    const offset = this.storedBlock(index);
    if (offset === 0) return this.newBlocks.has(index);
    return offset !== null && this.mayWriteAt(offset, this.check.header.clusterSize);
  }

  /** Host offset of a block, 0 for none, null for an entry that cannot be. */
  storedBlock(index: number): number | null {
    try {
      return index < this.check.refcounts.blockCount ? this.check.refcounts.blockOffset(index) : 0;
    } catch (error) {
      if (isImageFault(error)) return null;
      throw error;
    }
  }

  /** Whether this refcount is one that the repair sets to the references. */
  sets(cluster: number, refcount: number): boolean {
    const references = this.check.references[cluster]!;
    if (refcount === references || this.isOverlap(cluster)) return false;
    if (refcount > references ? !this.complete || !this.knowsExtensions : this.mode !== "all") return false;
    return this.hasBlock(Math.floor(cluster / this.check.refcounts.perBlock));
  }

  /** The refcount that a cluster has when all is done. */
  finalCount(cluster: number, stored: StoredRefcounts): number | null {
    const refcount = stored.of(cluster);
    return refcount !== null && cluster < this.check.clusters && this.sets(cluster, refcount) ? this.check.references[cluster]! : refcount;
  }

  note(finding: CheckFinding, repaired: boolean): void {
    this.attemptCount++;
    if (this.attempts.length < MAX_ATTEMPTS) this.attempts.push({ finding, repaired });
    if (repaired && finding.finding === "leak") this.leaksFixed++;
    else if (repaired) this.corruptionsFixed++;
  }

  /**
   * Gives clusters behind the file's end to refcount blocks that are missing under clusters in use. Not while anything is unread:
   * an entry that leads behind the end may mean those very clusters.
   */
  planBlocks(): void {
    const { check } = this;
    const { header, refcounts } = check;
    const { perBlock } = refcounts;
    if (this.mode !== "all" || !this.complete || !this.mayWriteAt(header.refcountTableOffset, refcounts.blockCount * ENTRY_BYTES)) return;
    let next = check.clusters;
    const take = (index: number): boolean => {
      if (index >= refcounts.blockCount) return false;
      if (this.storedBlock(index) !== 0 || this.newBlocks.has(index)) return true;
      this.newBlocks.set(index, next);
      // The block's own cluster has to be counted too.
      return take(Math.floor(next++ / perBlock));
    };
    for (let index = 0; index * perBlock < check.clusters; index++) {
      const used = check.references.subarray(index * perBlock, Math.min((index + 1) * perBlock, check.clusters)).some((count) => count > 0);
      if (used && !take(index)) {
        this.newBlocks.clear();
        return;
      }
    }
  }
}

/**
 * Repairs the image in a store that nobody else writes to meanwhile, and whose device has flushed.
 * @param areas clusters that header extensions own, @param ownExtensions the magics of those extensions
 * @returns what was found and done; yields the fraction done, 0 to 1. @throws Fault when the store fails, or for tables that
 * cannot be read at all; the image is then no worse than it was
 */
export function* repairImage(
  store: ByteStore,
  header: Header,
  areas: readonly ExtraArea[],
  ownExtensions: readonly number[],
  mode: RepairMode,
): Generator<number, RepairOutcome, void> {
  const check = new Check(store, header, true);
  for (const fraction of countReferences(check, areas)) yield fraction * 0.5;
  for (const fraction of compare(check)) yield fraction * 0.5;
  const known = header.extensions.every(({ magic }) => KNOWN_EXTENSIONS.includes(magic) || ownExtensions.includes(magic));
  const repair = new Repair(check, check.roles!, mode, known);
  repair.planBlocks();
  yield* judgeCounts(repair);
  clearUnknownAutoclear(store, header);
  const setsCounts = repair.leaksFixed + repair.corruptionsFixed > 0;
  if (setsCounts) yield* raise(repair);
  yield* correctFlags(repair);
  if (setsCounts) yield* setCounts(repair, (refcount, references) => refcount > references);
  return {
    found: check.firstFindings(),
    foundCount: check.corruptions + check.leaks + check.checkErrors,
    attempts: repair.attempts,
    attemptCount: repair.attemptCount,
    leaksFixed: repair.leaksFixed,
    corruptionsFixed: repair.corruptionsFixed,
    keptLeaks: repair.keptLeaks,
  };
}

/** Clears the dirty and the corrupt bit of an image that was counted and has no corruption. @returns whether one was set */
export function declareSound(store: ByteStore, header: Header): boolean {
  const bits = header.incompatible & ~((1n << BigInt(INCOMPATIBLE_DIRTY)) | (1n << BigInt(INCOMPATIBLE_CORRUPT)));
  if (bits === header.incompatible) return false;
  const { at, data } = encodeIncompatible(bits);
  store.write(at, data);
  store.flush();
  return true;
}

/** Notes every refcount that is wrong, and which of them the repair sets. */
function* judgeCounts(repair: Repair): Generator<number, void, void> {
  const { check } = repair;
  for (let cluster = 0; cluster < check.clusters; cluster++) {
    const refcount = check.refcounts.of(cluster);
    const references = check.references[cluster]!;
    if (refcount === null || refcount === references) continue;
    const repaired = repair.sets(cluster, refcount);
    if (!repaired && refcount > references) repair.leaksLeft++;
    repair.note({ finding: refcount > references ? "leak" : "refcount-too-low", cluster, refcount, references }, repaired);
    if (cluster % YIELD_EVERY === YIELD_EVERY - 1) yield 0.5 + (0.1 * cluster) / check.clusters;
  }
}

/** As for any program that writes without knowing an autoclear feature; bitmaps stay true, since no guest data changes. */
function clearUnknownAutoclear(store: ByteStore, header: Header): void {
  const kept = hasBit(header.autoclear, AUTOCLEAR_BITMAPS) ? 1n << BigInt(AUTOCLEAR_BITMAPS) : 0n;
  if (header.autoclear === kept) return;
  const { at, data } = encodeAutoclear(kept);
  store.write(at, data);
  store.flush();
}

/** Step 1. A new block is durable, and counted, before an entry leads to it: else counts would be read from whatever lay there. */
function* raise(repair: Repair): Generator<number, void, void> {
  const { check, newBlocks } = repair;
  const { store, header } = check;
  const { perBlock } = check.refcounts;
  const ownClusters = new Map<number, number[]>();
  for (const place of newBlocks.values()) {
    const index = Math.floor(place / perBlock);
    ownClusters.set(index, [...(ownClusters.get(index) ?? []), place]);
  }
  for (const [index, place] of newBlocks) {
    const block = new DataView(new ArrayBuffer(header.clusterSize));
    const first = index * perBlock;
    for (let cluster = first; cluster < Math.min(first + perBlock, check.clusters); cluster++) {
      if (check.references[cluster]! > 0) writeRefcount(block, cluster - first, header.refcountOrder, check.references[cluster]!);
    }
    for (const own of ownClusters.get(index) ?? []) writeRefcount(block, own - first, header.refcountOrder, 1);
    store.write(place * header.clusterSize, new Uint8Array(block.buffer));
  }
  yield* setCounts(repair, (refcount, references) => refcount < references);
  if (newBlocks.size === 0) return;
  const entry = new Uint8Array(ENTRY_BYTES);
  for (const [index, place] of newBlocks) {
    encodeRefcountTableEntry(new DataView(entry.buffer), 0, hostOffset(place * header.clusterSize));
    store.write(header.refcountTableOffset + index * ENTRY_BYTES, entry);
  }
  store.flush();
}

/** Sets the refcounts of one direction in the blocks that there are, and flushes. */
function* setCounts(repair: Repair, wanted: (refcount: number, references: number) => boolean): Generator<number, void, void> {
  const { check, newBlocks } = repair;
  const { store, header } = check;
  const stored = new StoredRefcounts(store, header);
  const { perBlock } = stored;
  const own = new Set(newBlocks.values());
  // They follow one another behind the others.
  const end = check.clusters + own.size;
  for (let index = 0; index * perBlock < end; index++) {
    const offset = repair.storedBlock(index);
    // A new block has the right counts from its birth.
    if (offset === 0 || offset === null) continue;
    const block = stored.block(index)!;
    const dirty = new DirtyRange();
    for (let cluster = index * perBlock; cluster < Math.min((index + 1) * perBlock, end); cluster++) {
      const refcount = stored.of(cluster)!;
      const counted = cluster < check.clusters;
      const references = counted ? check.references[cluster]! : own.has(cluster) ? 1 : refcount;
      if (refcount === references || !wanted(refcount, references) || (counted && !repair.sets(cluster, refcount))) continue;
      const at = cluster % perBlock;
      writeRefcount(block, at, header.refcountOrder, references);
      dirty.add(Math.floor((at * 2 ** header.refcountOrder) / 8 / ENTRY_BYTES) * ENTRY_BYTES);
    }
    dirty.write(store, offset, block);
    if (index % 64 === 63) yield 0.6 + (0.3 * index * perBlock) / end;
  }
  store.flush();
}

/** The words of a table that changed, as one range. */
class DirtyRange {
  private start = Infinity;
  private end = 0;

  /** @param at of the 8-byte word that changed, from the table's start */
  add(at: number): void {
    this.start = Math.min(this.start, at);
    this.end = Math.max(this.end, at + ENTRY_BYTES);
  }

  write(store: ByteStore, offset: number, table: DataView): void {
    if (this.end > 0) store.write(offset + this.start, new Uint8Array(table.buffer, table.byteOffset + this.start, this.end - this.start));
  }
}

/** Step 2: the flags of the active tables, which alone decide about writing in place. */
function* correctFlags(repair: Repair): Generator<number, void, void> {
  const { check, mode } = repair;
  const { store, header } = check;
  const { clusterSize } = header;
  const allowed = mode === "all" || (check.corruptions === 0 && check.checkErrors === 0 && repair.leaksLeft === 0);
  const stored = new StoredRefcounts(store, header);
  const span = (clusterSize / ENTRY_BYTES) * clusterSize;
  const l1 = new DataView(readExactly(store, header.l1Offset, header.l1Size * ENTRY_BYTES).buffer);
  const l1Dirty = new DirtyRange();
  const judge = (structure: "L1 table" | "L2 table", table: DataView, index: number, guestOffset: number, hostOffset: number, copied: boolean, tableOffset: number): boolean => {
    const refcount = repair.finalCount(repair.clusterOf(hostOffset), stored);
    if (refcount === null || (refcount === 1) === copied) return false;
    const writable = allowed && (copied || repair.complete) && repair.mayWriteAt(tableOffset + index * ENTRY_BYTES, ENTRY_BYTES);
    repair.note({ finding: "copied-flag", structure, guestOffset, hostOffset, entry: storedWord(table, index), refcount }, writable);
    if (writable) encodeCopied(table, index, !copied);
    return writable;
  };
  for (let index = 0; index < header.l1Size; index++) {
    const l1Entry = decoded(() => decodeL1Entry(l1, index, header.l1Offset, clusterSize));
    if (l1Entry === null || l1Entry.hostOffset === 0) continue;
    const tableOffset = l1Entry.hostOffset;
    if (judge("L1 table", l1, index, index * span, tableOffset, l1Entry.copied, header.l1Offset)) l1Dirty.add(index * ENTRY_BYTES);
    const table = new DataView(new ArrayBuffer(clusterSize));
    readPadded(store, tableOffset, new Uint8Array(table.buffer));
    const dirty = new DirtyRange();
    for (let at = 0; at < clusterSize / ENTRY_BYTES; at++) {
      const entry = decoded(() => decodeL2Entry(table, at, tableOffset, header.clusterBits));
      if (entry === null || entry.hostOffset === 0) continue;
      if (entry.kind !== "compressed") {
        if (judge("L2 table", table, at, index * span + at * clusterSize, entry.hostOffset, entry.copied, tableOffset)) dirty.add(at * ENTRY_BYTES);
      } else if (allowed && hasBit(table.getBigUint64(at * ENTRY_BYTES), COPIED_BIT) && repair.mayWriteAt(tableOffset, clusterSize)) {
        repair.note({ finding: "copied-compressed", hostOffset: entry.hostOffset }, true);
        encodeCopied(table, at, false);
        dirty.add(at * ENTRY_BYTES);
      }
    }
    dirty.write(store, tableOffset, table);
    if (index % 64 === 63) yield 0.9;
  }
  l1Dirty.write(store, header.l1Offset, l1);
  store.flush();
}

/** null for an entry that cannot be. @throws Fault of the store */
function decoded<Entry>(decode: () => Entry): Entry | null {
  try {
    return decode();
  } catch (error) {
    if (isImageFault(error)) return null;
    throw error;
  }
}
