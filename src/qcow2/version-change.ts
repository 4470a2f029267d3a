/**
 * Making a version 3 image one of version 2, and a version 2 image one of version 3. Each is given the state of an image that is open
 * for writing and was flushed, and leaves an image for which that state is not true any more; each refuses before it changes anything.
 *
 * Version 2 has no zero clusters: where nothing stands below they become unallocated, else clusters with zeros as their data. It has
 * no feature bits, no width of refcounts but 16 bits, and no bitmaps, which are removed.
 *
 * The orders, and what each prevents were the power to fail between:
 * - zeros and counts of new clusters before the entries that lead to them: the guest would read what was there before;
 * - all entries before the header says version 2: a reader of version 2 takes the zero flag for something else;
 * - the snapshot table in the form of version 3 before the header says version 3: a reader of version 3 may miss the size of a
 *   snapshot's disk.
 * What a flush orders, it orders here (flush.ts). The version is one write of the first sector (header-edit.ts).
 *
 * Source: qcow2 specification, "Header", "Cluster mapping" and "Snapshots".
 */
import { assert } from "../base/assert.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { HostCluster, HostOffset } from "../base/units.ts";
import { LEAST_CLUSTER_WITH_NAMES } from "./create.ts";
import { ENTRY_BYTES, decodeL1Entry } from "./entries.ts";
import { removeAllBitmaps } from "./bitmap-changes.ts";
import { INCOMPATIBLE_COMPRESSION_TYPE, INCOMPATIBLE_DIRTY, KNOWN_FEATURES, bitsOf, encodeFeatureNames, hasBit } from "./features.ts";
import { flushImage } from "./flush.ts";
import { BACKING_FORMAT_MAGIC, BITMAPS_MAGIC, DATA_FILE_MAGIC, FEATURE_NAMES_MAGIC } from "./header.ts";
import { changeHeader } from "./header-edit.ts";
import type { ImageState } from "./image-state.ts";
import { decodeCluster, encodeCluster } from "./l2-entries.ts";
import { forEachL1Offset, forEachPlaced, l2Tables, readL1, readL2 } from "./references.ts";
import type { L1Table } from "./references.ts";
import { checkL1 } from "./snapshots.ts";
import { readSnapshotTable, snapshotEntries } from "./snapshot-reader.ts";
import type { SnapshotProblem } from "./snapshots.ts";
import { TableWork } from "./table-work.ts";
import { rewriteSnapshotTable } from "./snapshot-changes.ts";

/** Why an image stays of version 3. */
export type DowngradeRefusal =
  | { readonly code: "refcount-bits" | "data-file" | "snapshots" | "zstd-clusters" | "no-room" }
  /** Incompatible features that version 2 has no word for. */
  | { readonly code: "features"; readonly features: readonly number[] }
  | { readonly code: "snapshot-table"; readonly problem: SnapshotProblem };

/** Version 2 keeps the size of a machine's state in 32 bits. */
const MAX_OLD_STATE = 2n ** 32n;

const zerosOf = (state: ImageState): Uint8Array => new Uint8Array(state.clusterSize);

/**
 * @param leading the extension that stays in front of all others, where there is one of that magic
 * @returns false when the first cluster has no room for the longer header, with nothing changed but the snapshot table's form
 */
export function upgradeImage(state: ImageState, leading: number | null = null): boolean {
  assert(state.header.version === 2, "an upgrade begins at version 2");
  const { snapshots } = readSnapshotTable(state.store, state.header);
  // Older entries do not tell the size of their disk.
  if (snapshots.some(({ diskSize }) => diskSize === null)) rewriteSnapshotTable(state);
  return changeHeader(state.store, ({ clusterSize, extensions }) => {
    if (clusterSize < LEAST_CLUSTER_WITH_NAMES) return { fields: { version: 3 } };
    const names = { magic: FEATURE_NAMES_MAGIC, data: encodeFeatureNames(KNOWN_FEATURES) };
    const leads = ({ magic }: { magic: number }): boolean => magic === leading;
    const isName = ({ magic }: { magic: number }): boolean => magic === BACKING_FORMAT_MAGIC || magic === DATA_FILE_MAGIC;
    const others = extensions.filter((extension) => !leads(extension) && !isName(extension));
    return { fields: { version: 3 }, extensions: [...extensions.filter(leads), ...extensions.filter(isName), names, ...others] };
  });
}

/**
 * @returns the refusal; yields the fraction done, 0 to 1, counted in entries of L1 tables
 * @throws Fault of the store, and before anything changes where the tables are more than the file can hold
 */
export function* downgradeImage(state: ImageState): Generator<number, Result<null, DowngradeRefusal>, void> {
  const { header, store } = state;
  assert(header.version === 3, "a downgrade begins at version 3");
  const refusal = refusalOf(state);
  if (refusal !== null) return err(refusal);
  const places = snapshotPlaces(state);
  if (!places.ok) return err({ code: "snapshot-table", problem: places.error });
  refuseTooManyOf(state, places.value);
  if (hasBit(header.incompatible, INCOMPATIBLE_COMPRESSION_TYPE) && hasCompressed(state, places.value)) return err({ code: "zstd-clusters" });
  yield* expandZeros(state, places.value);
  removeAllBitmaps(state);
  const done = changeHeader(store, ({ extensions }) => ({
    fields: { version: 2 },
    extensions: extensions.filter(({ magic }) => magic !== FEATURE_NAMES_MAGIC && magic !== BITMAPS_MAGIC),
  }));
  return done ? ok(null) : err({ code: "no-room" });
}

/** In QEMU's order. */
function refusalOf({ header, store, hasDataFile }: ImageState): DowngradeRefusal | null {
  if (header.refcountOrder !== 4) return { code: "refcount-bits" };
  if (hasDataFile) return { code: "data-file" };
  for (const { snapshot } of snapshotEntries(store, header, false)) {
    const { vmStateBytes, diskSize } = snapshot;
    if (vmStateBytes >= MAX_OLD_STATE || (diskSize !== null && diskSize !== BigInt(header.virtualSize))) return { code: "snapshots" };
  }
  const features = bitsOf(header.incompatible).filter((bit) => bit !== INCOMPATIBLE_COMPRESSION_TYPE && bit !== INCOMPATIBLE_DIRTY);
  return features.length === 0 ? null : { code: "features", features };
}

type Place = Pick<L1Table, "offset" | "size">;

/** Where the L1 tables of the snapshots lie, each once. */
function snapshotPlaces({ header, store }: ImageState): Result<Place[], SnapshotProblem> {
  const places = new Map<string, Place>();
  for (const { snapshot } of snapshotEntries(store, header, false)) {
    const checked = checkL1(store, header, snapshot);
    if (!checked.ok) return checked;
    places.set(`${snapshot.l1Offset} ${snapshot.l1Size}`, { offset: snapshot.l1Offset, size: snapshot.l1Size });
  }
  return ok([...places.values()]);
}

/** The L1 tables of the disk and of its snapshots, the disk's first; one at a time in memory. */
function* tablesOf({ l1, header, store }: ImageState, places: readonly Place[]): Generator<L1Table, void, void> {
  yield { view: l1, offset: header.l1Offset, size: header.l1Size };
  for (const { offset, size } of places) yield readL1(store, offset, size);
}

/** @throws Fault where the tables of all disks, each counted once, are more than the file can hold */
function refuseTooManyOf(state: ImageState, places: readonly Place[]): void {
  const work = new TableWork(state.store);
  for (const { size } of places) work.read(size * ENTRY_BYTES);
  const seen = new Set<number>();
  for (const l1 of tablesOf(state, places)) {
    forEachL1Offset(l1, (offset) => {
      if (offset === 0 || seen.has(offset)) return;
      seen.add(offset);
      work.read(state.clusterSize);
    });
  }
}

function hasCompressed(state: ImageState, places: readonly Place[]): boolean {
  const { header, store } = state;
  const seen = new Set<number>();
  for (const l1 of tablesOf(state, places)) {
    for (const place of l2Tables(l1, header, store.size())) {
      if (seen.has(place.hostOffset)) continue;
      seen.add(place.hostOffset);
      let found = false;
      forEachPlaced(readL2(store, header, place), place, header, ({ compressed }) => (found ||= compressed));
      if (found) return true;
    }
  }
  return false;
}

/** Zero clusters of all tables become something else that reads as zeros; afterwards everything is flushed. */
function* expandZeros(state: ImageState, places: readonly Place[]): Generator<number, void, void> {
  const total = places.reduce((sum, { size }) => sum + size, state.header.l1Size);
  let visited = 0;
  const seen = new Set<number>();
  let isActive = true;
  for (const { view, offset, size } of tablesOf(state, places)) {
    for (let index = 0; index < size; index++) {
      const place = decodeL1Entry(view, index, offset, state.clusterSize);
      if (place.hostOffset !== 0 && !seen.has(place.hostOffset)) expandTable(state, place.hostOffset, isActive);
      seen.add(place.hostOffset);
      yield ++visited / total;
    }
    isActive = false;
  }
  flushImage(state);
}

/** One L2 table, which several L1 tables may lead to: each leads to all of its clusters, and is counted there. */
function expandTable(state: ImageState, tableOffset: HostOffset, isActive: boolean): void {
  const { clusterSize, format, backing } = state;
  const refcounts = state.refcounts!;
  const owners = Math.max(1, refcounts.get((tableOffset / clusterSize) as HostCluster));
  const table = state.l2.get(tableOffset);
  for (let index = 0; index < state.l2Entries; index++) {
    const entry = decodeCluster(table.view, index, tableOffset, format);
    if (entry.zero === 0 || entry.compressedBytes > 0) continue;
    if (!entry.placed && backing === null) encodeCluster(table.view, index, format, { hostOffset: 0, copied: false, alloc: 0, zero: 0 });
    else {
      const hostOffset = entry.placed && isTheirs(state, entry.hostOffset, owners) ? entry.hostOffset : takeCluster(state, owners);
      if (entry.placed && hostOffset !== entry.hostOffset) giveUpOld(state, entry.hostOffset, owners);
      state.writeData(hostOffset, zerosOf(state));
      encodeCluster(table.view, index, format, { hostOffset, copied: isActive && owners === 1, alloc: 1, zero: 0 });
    }
    state.l2.markDirty(table, index * format.entryBytes, (index + 1) * format.entryBytes);
    if (refcounts.blocks.pressure) flushImage(state);
  }
  if (state.l2.pressure) flushImage(state);
}

/** Whether a zero cluster's place may be written: nobody but those who share this table refers to it, and it is no metadata. */
const isTheirs = (state: ImageState, hostOffset: number, owners: number): boolean =>
  state.metadata.ownerOf(hostOffset) === null && state.refcounts!.get((hostOffset / state.clusterSize) as HostCluster) === owners;

function takeCluster(state: ImageState, owners: number): number {
  const refcounts = state.refcounts!;
  const { first } = refcounts.allocateRun(1);
  for (let count = 1; count < owners; count++) refcounts.increase(first);
  return first * state.clusterSize;
}

function giveUpOld(state: ImageState, hostOffset: number, owners: number): void {
  // An entry that leads to a table is the file's lie: what is counted there is the table's.
  if (state.metadata.ownerOf(hostOffset) !== null) return;
  for (let count = 0; count < owners; count++) state.refcounts!.holdDecrease((hostOffset / state.clusterSize) as HostCluster);
}

