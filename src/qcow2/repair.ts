/**
 * Repairing an image, step by step as qemu-img check -r does: snapshots beyond the limits are cut off (check-snapshots.ts), refcounts become what the references are, COPIED flags what the refcounts
 * are, and a refcount structure that is broken itself is built anew (rebuild.ts). What an entry should have led to, or which of two
 * owners of a cluster is the true one, no count can tell, and it is left.
 *
 * The order, with a barrier after each step, and what it prevents were the power to fail between:
 * 1. refcounts are set in place, too low ones and too high ones alike. Each is one word of its own: a torn write leaves some changed
 *    and the others as they were, each as true as before or truer;
 * 2. COPIED is cleared where clusters are shared and set where they are not. Cleared before (1), the next write would copy and
 *    give up a reference that was never counted, and so free what the other owner uses; set before it, a write in place could follow
 *    that another owner sees;
 * 3. the caller counts again, and where no corruption is left, clears the dirty and corrupt bits (declareSound). Cleared before, an
 *    image half repaired would pass for sound.
 *
 * References that could not be read make a count of 0 a guess: with any of those, or with a header extension that nobody here
 * knows (it may own clusters), no refcount falls and no flag is set. Where a count is too narrow for its references, no flag is set either.
 * Source: qcow2 specification, "Host cluster management".
 */
import { Fault } from "../base/fault.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { Check, compare, inWindows } from "./check.ts";
import type { CheckHooks, ExtraArea, Mending } from "./check.ts";
import { cutSnapshotCount, judgeSnapshotTable } from "./check-snapshots.ts";
import { Numbers, Verdict } from "./check-findings.ts";
import type { CheckFinding } from "./check-findings.ts";
import { correctFlags } from "./repair-flags.ts";
import { AreaMap, TableGuard } from "./repair-areas.ts";
import { rebuildRefcounts } from "./rebuild.ts";
import { ENTRY_BYTES, writeRefcount } from "./entries.ts";
import { LOW_ZERO } from "./entry-words.ts";
import { AUTOCLEAR_BITMAPS, AUTOCLEAR_RAW_EXTERNAL, INCOMPATIBLE_CORRUPT, INCOMPATIBLE_DIRTY, INCOMPATIBLE_EXTENDED_L2, hasBit } from "./features.ts";
import { BACKING_FORMAT_MAGIC, BITMAPS_MAGIC, DATA_FILE_MAGIC, ENCRYPTION_MAGIC, FEATURE_NAMES_MAGIC, encodeAutoclear, encodeIncompatible } from "./header.ts";
import type { Header } from "./header.ts";
import { readHeader } from "./open.ts";

/** What may change: "leaks" lowers refcounts, and sets flags right once nothing else is wrong; "all" also raises refcounts. */
export type RepairMode = "leaks" | "all";

/** Why refcounts that are too high were left: references that cannot be read, or an extension that may own clusters. */
export type KeptLeaks = "unread-references" | "unknown-extension";

export interface RepairOutcome {
  /** What was found and what was done about it, in the order of qemu-img: the first findings, and how many there are. */
  readonly findings: readonly CheckFinding[];
  readonly told: number;
  readonly leaksFixed: number;
  readonly corruptionsFixed: number;
  /** null where no leak was left, or none for these reasons. */
  readonly keptLeaks: KeptLeaks | null;
  /** The refcount structure would have to be built anew, and only mode "all" does that; nothing was changed. */
  readonly needsRebuild: boolean;
}

const KNOWN_EXTENSIONS: readonly number[] = [BITMAPS_MAGIC, FEATURE_NAMES_MAGIC, BACKING_FORMAT_MAGIC, ENCRYPTION_MAGIC, DATA_FILE_MAGIC];
/**
 * No file is made longer than by so many clusters for a refcount block that lies behind its end: the entry is taken for garbage, for each
 * of those clusters would have to be counted.
 */
const MAX_LENGTHENING_CLUSTERS = 2 ** 18;

/**
 * Repairs the image in a store that nobody else writes to meanwhile, and whose device has flushed.
 * @param areas clusters that header extensions own, @param ownExtensions the magics of those extensions
 * @returns what was found and done; yields the fraction done, 0 to 1. @throws Fault when the store fails, or for tables that
 * cannot be read at all; the image is then no worse than it was
 */
export function* repairImage(
  store: ByteStore,
  given: Header,
  areas: readonly ExtraArea[],
  ownExtensions: readonly number[],
  mode: RepairMode,
): Generator<number, RepairOutcome, void> {
  const verdict = new Verdict();
  const ofTable = new Numbers();
  const header = mode === "all" ? withoutOverhanging(store, given, verdict, ofTable) : given;
  // What is gone through again and again is refused, where it is too much, before anything changes.
  const check = new Check(store, header, hooksFor(store, header, areas, mode), false, verdict);
  if (mode === "all") check.snapshots = "told";
  let work = inWindows(check, areas, () => compare(check, null));
  for (const fraction of work) yield fraction * 0.4;
  const known = header.extensions.every(({ magic }) => KNOWN_EXTENSIONS.includes(magic) || ownExtensions.includes(magic));
  const outcome = (leaksFixed: number, corruptionsFixed: number, keptLeaks: KeptLeaks | null, needsRebuild = false): RepairOutcome => ({
    findings: verdict.list,
    told: verdict.told,
    leaksFixed,
    corruptionsFixed: corruptionsFixed + ofTable.corruptionsFixed,
    keptLeaks,
    needsRebuild,
  });
  if (check.rebuild && mode !== "all") {
    verdict.add({ finding: "needs-rebuild" }, check.structural);
    return outcome(0, 0, null, true);
  }
  clearUnknownAutoclear(store, header);
  const complete = verdict.unread === 0;
  const keeps: KeptLeaks | null = !complete ? "unread-references" : known ? null : "unknown-extension";
  const done = check.rebuild ? yield* rebuilt(check, areas, keeps) : yield* setRight(check, areas, mode, keeps);
  const clean = done.corruptions + done.leaks + done.checkErrors === 0;
  work = correctFlags(done.check, done.flags, new AreaMap(check.areas, done.check), mode === "all" || clean, complete && verdict.overflowed === 0);
  for (const fraction of work) yield 0.8 + fraction * 0.2;
  return outcome(done.leaksFixed, done.corruptionsFixed + done.flags.corruptionsFixed, done.leaks > 0 ? keeps : null);
}

/** Has the header count no snapshots beyond the limits, before references are counted. What is wrong with their table is told. */
function withoutOverhanging(store: ByteStore, header: Header, verdict: Verdict, numbers: Numbers): Header {
  const { snapshots, overhanging } = judgeSnapshotTable(store, header, true, (finding) =>
    verdict.add(finding.finding === "snapshots-overhanging" ? { ...finding, repairing: true } : finding, numbers),
  );
  if (overhanging === 0) return header;
  cutSnapshotCount(store, snapshots.length);
  return { ...header, snapshotCount: snapshots.length };
}

/** What is left, and what was done, before flags are looked at. */
interface Done {
  readonly check: Check;
  readonly corruptions: number;
  readonly leaks: number;
  readonly checkErrors: number;
  readonly leaksFixed: number;
  readonly corruptionsFixed: number;
  readonly flags: Numbers;
}

/** Sets refcounts right in the blocks that there are. */
function* setRight(check: Check, areas: readonly ExtraArea[], mode: RepairMode, keeps: KeptLeaks | null): Generator<number, Done, void> {
  const { structural, store } = check;
  if (check.compared.leaks + check.compared.corruptions > 0 || structural.corruptions > 0) {
    const blocks = new BlockWriter(check);
    const mending: Mending = {
      leaks: keeps === null,
      errors: mode === "all",
      set: (cluster, refcount) => blocks.set(cluster, refcount),
      endBlock: () => blocks.end(),
    };
    const whole = check.references.from === 0;
    check.resetCompared();
    const work = whole ? compare(check, mending) : inWindows(check, areas, () => compare(check, mending));
    for (const fraction of work) yield 0.4 + fraction * 0.4;
    store.flush();
  }
  const { compared } = check;
  return {
    check: new Check(store, check.header, check.hooks, false, check.verdict),
    corruptions: structural.corruptions + compared.corruptions,
    leaks: compared.leaks,
    checkErrors: structural.checkErrors + compared.checkErrors,
    leaksFixed: compared.leaksFixed,
    corruptionsFixed: structural.corruptionsFixed + compared.corruptionsFixed,
    flags: new Numbers(),
  };
}

/** Builds the refcount structure anew, and frees the clusters of the old one. */
function* rebuilt(check: Check, areas: readonly ExtraArea[], keeps: KeptLeaks | null): Generator<number, Done, void> {
  const { store, verdict, structural, compared } = check;
  verdict.add({ finding: "rebuilding" }, structural);
  yield* rebuildRefcounts(check, keeps !== null);
  const fresh = new Check(store, readHeader(store, "check"), null, false, verdict);
  fresh.snapshots = "told";
  const blocks = new BlockWriter(fresh);
  const mending: Mending = { leaks: keeps === null, errors: false, set: (cluster, refcount) => blocks.set(cluster, refcount), endBlock: () => blocks.end() };
  for (const fraction of inWindows(fresh, areas, () => compare(fresh, mending))) yield 0.5 + fraction * 0.3;
  store.flush();
  if (fresh.rebuild) verdict.add({ finding: "still-broken" }, structural);
  const fixed = (before: number, after: number): number => Math.max(0, before - after);
  return {
    check: new Check(store, fresh.header, check.hooks, false, verdict),
    corruptions: fresh.structural.corruptions + fresh.compared.corruptions,
    leaks: fresh.compared.leaks,
    checkErrors: structural.checkErrors + compared.checkErrors,
    // What the rebuilding itself leaked and freed again is nobody's number.
    leaksFixed: keeps === null ? compared.leaks : fixed(compared.leaks, fresh.compared.leaks),
    corruptionsFixed: structural.corruptionsFixed + fixed(structural.corruptions + compared.corruptions, fresh.structural.corruptions + fresh.compared.corruptions),
    flags: new Numbers(),
  };
}

function hooksFor(store: ByteStore, header: Header, areas: readonly ExtraArea[], mode: RepairMode): CheckHooks {
  const guard = new TableGuard(store, header, areas);
  return {
    rebuilds: mode === "all",
    clearEntry: (tableOffset, at, zeroSubclusters) => {
      if (mode !== "all" || tableOffset % header.clusterSize !== 0 || !guard.mayBeL2(tableOffset)) return false;
      const extended = hasBit(header.incompatible, INCOMPATIBLE_EXTENDED_L2);
      const entry = new DataView(new ArrayBuffer(extended ? 2 * ENTRY_BYTES : ENTRY_BYTES));
      if (extended) entry.setUint32(8, zeroSubclusters);
      else entry.setUint32(4, LOW_ZERO);
      store.write(tableOffset + at, new Uint8Array(entry.buffer));
      return true;
    },
    lengthen: (blockOffset) => {
      const length = blockOffset + header.clusterSize;
      if (mode !== "all" || length - store.size() > MAX_LENGTHENING_CLUSTERS * header.clusterSize) return false;
      try {
        store.truncate(length);
        return true;
      } catch (error) {
        if (error instanceof Fault) return false;
        throw error;
      }
    },
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

/** As for any program that writes without knowing an autoclear feature; bitmaps stay true, since no guest data changes. */
function clearUnknownAutoclear(store: ByteStore, header: Header): void {
  let kept = 0n;
  for (const bit of [AUTOCLEAR_BITMAPS, AUTOCLEAR_RAW_EXTERNAL]) if (hasBit(header.autoclear, bit)) kept |= 1n << BigInt(bit);
  if (header.autoclear === kept) return;
  const { at, data } = encodeAutoclear(kept);
  store.write(at, data);
  store.flush();
}

/** Writes the refcounts that change, block by block. */
class BlockWriter {
  private readonly check: Check;
  private block: DataView | null = null;
  private offset = 0;
  private dirtyStart = Infinity;
  private dirtyEnd = 0;

  constructor(check: Check) {
    this.check = check;
  }

  set(cluster: number, refcount: number): void {
    const { store, header, refcounts } = this.check;
    const { perBlock } = refcounts;
    if (this.block === null) {
      const raw = new Uint8Array(header.clusterSize);
      this.offset = refcounts.entry(Math.floor(cluster / perBlock)).offset;
      readPadded(store, this.offset, raw);
      this.block = new DataView(raw.buffer);
    }
    writeRefcount(this.block, cluster % perBlock, header.refcountOrder, refcount);
    const word = Math.floor(((cluster % perBlock) * 2 ** header.refcountOrder) / 8 / ENTRY_BYTES) * ENTRY_BYTES;
    this.dirtyStart = Math.min(this.dirtyStart, word);
    this.dirtyEnd = Math.max(this.dirtyEnd, word + ENTRY_BYTES);
  }

  end(): void {
    if (this.block === null) return;
    this.check.store.write(this.offset + this.dirtyStart, new Uint8Array(this.block.buffer, this.dirtyStart, this.dirtyEnd - this.dirtyStart));
    this.block = null;
    this.dirtyStart = Infinity;
    this.dirtyEnd = 0;
  }
}
