/**
 * Making, applying and deleting internal snapshots. Each is given the state of an image that is open for writing and was flushed,
 * and leaves an image for which that state is not true any more: whoever calls opens it anew. Each refuses before it changes
 * anything; a store that fails in the middle, and a crash, leave the old or the new image, and at worst leaked clusters.
 *
 * The orders, and what each prevents were the power to fail between:
 * - counts before COPIED flags before the header's pointer to the snapshot table (create): a snapshot that the header knows of
 *   whose clusters the disk would write in place, or give away;
 * - counts and the copied L1 table before the header's pointer to it (apply): a disk whose clusters the snapshot's deletion would free;
 * - the header before the counts go down (delete, and the old disk in apply): a snapshot or a disk of clusters that are given out again;
 * - counts down before COPIED flags are set (delete): the same as the first, with the flag early.
 * Between two of the steps COPIED flags may disagree with counts that were raised for nobody yet: the disk is the only one that
 * refers to such clusters, so that writing in place or not is right either way.
 *
 * Source: qcow2 specification, "Snapshots".
 */
import { assert } from "../base/assert.ts";
import { Fault, imageProblem } from "../base/fault.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { divideRoundUp } from "../base/units.ts";
import type { HostCluster } from "../base/units.ts";
import { isZero } from "../bytes/zeros.ts";
import { ENTRY_BYTES, encodeCopied, maxRefcount } from "./entries.ts";
import { isCompressed, isCopied, offsetOf } from "./entry-words.ts";
import { flushImage } from "./flush.ts";
import { MAX_L1_BYTES, MAX_SNAPSHOTS, encodeActiveDisk, encodeSnapshotsPlace } from "./header.ts";
import { behindEnd } from "./image-state.ts";
import type { ImageState } from "./image-state.ts";
import { forEachL1Offset, forEachPlaced, l2Tables, readL1, readL2, refuseTooMany } from "./references.ts";
import type { L1Table } from "./references.ts";
import type { Refcounts } from "./refcounts.ts";
import { checkL1, encodeSnapshotTable, findSnapshot, nextSnapshotId, textOf } from "./snapshots.ts";
import { readSnapshotTable } from "./snapshot-reader.ts";
import type { Snapshot, SnapshotProblem, SnapshotQuery, SnapshotTable } from "./snapshots.ts";
import type { CachedTable } from "./table-cache.ts";

/** Decreases that wait in memory; more of them are carried out between. */
const MAX_HELD = 2 ** 17;
/** QEMU's programs know names up to this length, in bytes. */
const MAX_NAME_BYTES = 255;

type Done = Result<null, SnapshotProblem>;

export interface NewSnapshot {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
}

const refuse = (code: SnapshotProblem["code"], snapshot: string): Result<never, SnapshotProblem> => err({ kind: "snapshot", code, snapshot });
const activeL1 = (state: ImageState): L1Table => ({ view: state.l1, offset: state.header.l1Offset, size: state.header.l1Size });

/** Keeps what the disk is now as a snapshot. @returns its id */
export function createSnapshot(state: ImageState, { name, timeMs }: NewSnapshot): Result<string, SnapshotProblem> {
  const { header } = state;
  const refcounts = writable(state);
  const old = readSnapshotTable(state.store, header);
  if (old.snapshots.length >= MAX_SNAPSHOTS) return refuse("too-many", name);
  const id = nextSnapshotId(old.snapshots);
  const made = (l1Offset: number): Snapshot => ({
    l1Offset,
    l1Size: header.l1Size,
    id: new TextEncoder().encode(id),
    name: new TextEncoder().encode(name).subarray(0, MAX_NAME_BYTES),
    dateSeconds: Math.floor(timeMs / 1000) % 2 ** 32,
    dateNanoseconds: Math.floor((timeMs % 1000) * 1e6),
    vmClock: 0n,
    vmStateBytes: 0n,
    diskSize: BigInt(header.virtualSize),
    icount: 0n,
    unknownExtra: new Uint8Array(0),
  });
  if (encodeSnapshotTable([...old.snapshots, made(0)], header.virtualSize) === null) return refuse("too-many", name);
  const l1 = activeL1(state);
  refuseTooMany(l1, header, state.store);
  // As QEMU, which takes a place for the L1 table before it looks at what the table leads to.
  refcounts.guardNext();
  const unfit = whyNotShared(state, l1);
  // As QEMU, which finds out when it has stored the L1 table: the place stays taken, and a check tells it as a leak.
  if (unfit === "refcount-full") {
    writeArea(state, bytesOf(l1));
    flushImage(state);
  }
  if (unfit !== null) return refuse(unfit, name);

  share(state, l1, (index) => state.setL1Copied(index, false));
  const l1Offset = writeArea(state, bytesOf(l1));
  const tableOffset = writeTable(state, [...old.snapshots, made(l1Offset)]);
  flushImage(state);
  switchHeader(state, encodeSnapshotsPlace(old.snapshots.length + 1, tableOffset));
  giveUpTable(state, old);
  finishDecreases(state, refcounts);
  return ok(id);
}

/** Makes the disk, and its size, what they were when the snapshot was taken; the snapshot stays. */
export function applySnapshot(state: ImageState, query: SnapshotQuery): Done {
  const { header, store } = state;
  const refcounts = writable(state);
  const found = find(state, query);
  if (!found.ok) return found;
  const { snapshot } = found.value;
  const name = textOf(snapshot.name);
  const checked = checkL1(store, header, snapshot);
  if (!checked.ok) return checked;
  const virtualSize = Number(snapshot.diskSize ?? BigInt(header.virtualSize));
  if (!Number.isSafeInteger(virtualSize)) throw new Fault(imageProblem("snapshot table entry", "disk_size", header.snapshotsOffset, virtualSize, "less than 8 PiB"));
  const l1Size = Math.max(snapshot.l1Size, divideRoundUp(virtualSize, state.l2Span));
  if (l1Size * ENTRY_BYTES > MAX_L1_BYTES) return refuse("l1-too-large", name);
  const theirs = readL1(store, snapshot.l1Offset, snapshot.l1Size);
  for (const l1 of [theirs, activeL1(state)]) refuseTooMany(l1, header, store);
  refuseCutShort(state);
  const unfit = whyNotShared(state, theirs);
  if (unfit !== null) return refuse(unfit, name);

  const table = new Uint8Array(l1Size * ENTRY_BYTES);
  table.set(new Uint8Array(theirs.view.buffer));
  const copy = new DataView(table.buffer);
  share(state, theirs, (index) => encodeCopied(copy, index, false));
  const l1Offset = writeArea(state, table);
  flushImage(state);
  switchHeader(state, encodeActiveDisk({ ...header, virtualSize: virtualSize as typeof header.virtualSize, l1Size, l1Offset: l1Offset as typeof header.l1Offset }));
  const ours = activeL1(state);
  unshare(state, refcounts, ours);
  giveUp(state, refcounts, ours.offset, ours.size * ENTRY_BYTES);
  finishDecreases(state, refcounts);
  return ok(null);
}

/** Forgets a snapshot and gives up what nothing else refers to. */
export function deleteSnapshot(state: ImageState, query: SnapshotQuery): Done {
  const refcounts = writable(state);
  const found = find(state, query);
  if (!found.ok) return found;
  const { index, snapshot, table: old } = found.value;
  const checked = checkL1(state.store, state.header, snapshot);
  if (!checked.ok) return checked;
  const theirs = readL1(state.store, snapshot.l1Offset, snapshot.l1Size);
  for (const l1 of [theirs, activeL1(state)]) refuseTooMany(l1, state.header, state.store);
  refuseCutShort(state);
  refuseUnreadable(state, theirs);

  const left = old.snapshots.filter((_, at) => at !== index);
  const tableOffset = writeTable(state, left);
  flushImage(state);
  switchHeader(state, encodeSnapshotsPlace(left.length, tableOffset));
  givingUp(() => {
    giveUpTable(state, old);
    unshare(state, refcounts, theirs);
    giveUp(state, refcounts, theirs.offset, theirs.size * ENTRY_BYTES);
    finishDecreases(state, refcounts);
    setCopied(state, refcounts);
    flushImage(state);
  });
  return ok(null);
}

/** Does what comes behind a change that is durable. @throws Fault as thrown, of a store with the note that the change is made */
function givingUp(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Fault) || error.problem.kind !== "store") throw error;
    throw new Fault({ ...error.problem, givingUp: true });
  }
}

/**
 * The snapshot table in the form of version 3, where every entry tells the size of its disk; what it says stays, but for extra data of
 * which there is too much. @returns false where the table would be too long, and nothing changed
 */
export function rewriteSnapshotTable(state: ImageState): boolean {
  const refcounts = writable(state);
  const old = readSnapshotTable(state.store, state.header, true);
  if (encodeSnapshotTable(old.snapshots, state.header.virtualSize) === null) return false;
  const tableOffset = writeTable(state, old.snapshots);
  flushImage(state);
  switchHeader(state, encodeSnapshotsPlace(old.snapshots.length, tableOffset));
  giveUpTable(state, old);
  finishDecreases(state, refcounts);
  return true;
}

function writable(state: ImageState): Refcounts {
  assert(state.refcounts !== null, "snapshots change an image that is open for writing");
  assert(state.l2.dirtyCount === 0 && !state.refcounts.hasDecreases, "snapshots change an image that was flushed");
  return state.refcounts;
}

interface Found {
  readonly index: number;
  readonly snapshot: Snapshot;
  readonly table: SnapshotTable;
}

function find(state: ImageState, query: SnapshotQuery): Result<Found, SnapshotProblem> {
  const table = readSnapshotTable(state.store, state.header);
  const index = findSnapshot(table.snapshots, query);
  const snapshot = table.snapshots[index];
  return snapshot === undefined ? refuse("not-found", typeof query === "string" ? query : (query.name ?? query.id ?? "")) : ok({ index, snapshot, table });
}

/** Writes bytes into neighbouring new clusters; nothing refers to them yet. @returns their host offset, 0 for no bytes */
function writeArea(state: ImageState, data: Uint8Array): number {
  const { clusterSize } = state;
  if (data.length === 0) return 0;
  const clusters = divideRoundUp(data.length, clusterSize);
  const padded = new Uint8Array(clusters * clusterSize);
  padded.set(data);
  const offset = state.refcounts!.allocateArea(clusters) * clusterSize;
  state.write(offset, padded);
  return offset;
}

function writeTable(state: ImageState, snapshots: readonly Snapshot[]): number {
  const table = encodeSnapshotTable(snapshots, state.header.virtualSize);
  if (table === null) throw new Fault({ kind: "unsupported", feature: "a snapshot table above 64 MiB" });
  return writeArea(state, table);
}

function switchHeader(state: ImageState, { at, data }: { at: number; data: Uint8Array }): void {
  state.write(at, data);
  state.barrier();
}

const bytesOf = ({ view, size }: L1Table): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, size * ENTRY_BYTES);

type Unfit = "refcount-full" | "cluster-too-far" | "cluster-uncounted";

/**
 * Why there cannot be one more reference to everything that a disk's tables reach, null where there can. Looks through all of them, so
 * that what comes after finds no entry that cannot be. @throws Fault for one, and for a cluster that is referred to and whose count is 0
 */
function whyNotShared(state: ImageState, l1: L1Table): Unfit | null {
  const { header, store } = state;
  const refcounts = writable(state);
  const most = maxRefcount(header.refcountOrder);
  const added = new Additions();
  let unfit: Unfit | null = null;
  const look = (cluster: HostCluster): void => {
    const count = refcounts.get(cluster);
    if (count === 0 && refcounts.block(Math.floor(cluster / refcounts.perBlock)) === null) unfit ??= cluster >= refcounts.reach ? "cluster-too-far" : "cluster-uncounted";
    else if (count === 0) throw new Fault(imageProblem("refcount block", `refcount of cluster ${cluster}`, cluster * state.clusterSize, 0, "at least 1: it is referred to"));
    // A sound count is at least what is added: only where twice of it is too much need be known how much that is.
    if (count > most / 2 && count + added.add(cluster) > most) unfit ??= "refcount-full";
  };
  for (const place of l2Tables(l1, header, store.size())) {
    look((place.hostOffset / state.clusterSize) as HostCluster);
    const table = readL2(store, header, place);
    if (unfit === null && leadsTooFar(state, table, refcounts.reach)) return "cluster-too-far";
    forEachPlaced(table, place, header, ({ first, last }) => {
      for (let cluster: number = first; cluster <= last; cluster++) look(cluster as HostCluster);
    });
    if (unfit !== null) return unfit;
  }
  return null;
}

/** Whether an entry of an L2 table leads to a cluster's start that no count reaches: such a place may be beyond all that is decoded. */
function leadsTooFar({ clusterSize, format }: ImageState, table: DataView, reach: number): boolean {
  if (isZero(new Uint8Array(table.buffer, table.byteOffset, table.byteLength))) return false;
  for (let at = 0; at < table.byteLength; at += format.entryBytes) {
    const [high, low] = [table.getUint32(at), table.getUint32(at + 4)];
    const offset = isCompressed(high) ? 0 : offsetOf(high, low);
    if (offset % clusterSize === 0 && offset / clusterSize >= reach) return true;
  }
  return false;
}

/** How often clusters are referred to, in pieces of memory where there are any. */
class Additions {
  private readonly pieces = new Map<number, Uint32Array>();

  /** Adds one. @returns how many there are now */
  add(cluster: number): number {
    const index = Math.floor(cluster / PIECE);
    let piece = this.pieces.get(index);
    if (piece === undefined) this.pieces.set(index, (piece = new Uint32Array(PIECE)));
    return ++piece[cluster % PIECE]!;
  }
}

const PIECE = 4096;

/** The disk's own tables are gone through when the change is durable: one that no file has must not end it there. @throws Fault for one behind the file's end */
function refuseCutShort(state: ImageState): void {
  const fileLength = state.store.size();
  forEachL1Offset(activeL1(state), (offset) => {
    if (offset >= fileLength && offset % state.clusterSize === 0) throw behindEnd(offset, fileLength);
  });
}

/** Looks through all tables for an entry that cannot be. @throws Fault for one */
function refuseUnreadable({ header, store }: ImageState, l1: L1Table): void {
  for (const place of l2Tables(l1, header, store.size())) forEachPlaced(readL2(store, header, place), place, header, () => undefined);
}

/**
 * One more reference to everything that an L1 table reaches, and no COPIED flag in the tables that it leads to. A flush on the way is
 * legal: it writes counts before flags, and nothing refers to what was counted.
 * @param clearL1 clears the flag of an entry where it is to be cleared
 */
function share(state: ImageState, l1: L1Table, clearL1: (index: number) => void): void {
  const refcounts = state.refcounts!;
  for (const place of l2Tables(l1, state.header, state.store.size())) {
    refcounts.increase((place.hostOffset / state.clusterSize) as HostCluster);
    if (place.copied) clearL1(place.index);
    const table = state.l2.get(place.hostOffset);
    forEachPlaced(table.view, place, state.header, ({ word, first, last }) => {
      for (let cluster: number = first; cluster <= last; cluster++) refcounts.increase(cluster as HostCluster);
      if (saysCopied(table.view, word)) markCopied(state, table, word, false);
    });
    if (state.l2.pressure || refcounts.blocks.pressure) flushImage(state);
  }
}

/** One reference less to everything that an L1 table reaches, which nothing on the disk leads to any more. */
function unshare(state: ImageState, refcounts: Refcounts, l1: L1Table): void {
  for (const place of l2Tables(l1, state.header, state.store.size())) {
    const table = readL2(state.store, state.header, place);
    forEachPlaced(table, place, state.header, ({ first, last }) => {
      for (let cluster: number = first; cluster <= last; cluster++) refcounts.holdDecrease(cluster as HostCluster);
    });
    refcounts.holdDecrease((place.hostOffset / state.clusterSize) as HostCluster);
    if (refcounts.heldCount >= MAX_HELD) flushImage(state);
  }
}

function giveUp(state: ImageState, refcounts: Refcounts, offset: number, lengthBytes: number): void {
  const first = offset / state.clusterSize;
  const count = divideRoundUp(lengthBytes, state.clusterSize);
  for (let cluster = first; cluster < first + count; cluster++) refcounts.holdDecrease(cluster as HostCluster);
}

function giveUpTable(state: ImageState, table: SnapshotTable): void {
  giveUp(state, state.refcounts!, state.header.snapshotsOffset, table.lengthBytes);
}

function finishDecreases(state: ImageState, refcounts: Refcounts): void {
  if (refcounts.hasDecreases) flushImage(state);
}

/** The flag as the entry has it, be it one of a compressed cluster, where it is a lie. */
const saysCopied = (view: DataView, word: number): boolean => isCopied(view.getUint32(word * ENTRY_BYTES));

function markCopied(state: ImageState, table: CachedTable, word: number, copied: boolean): void {
  encodeCopied(table.view, word, copied);
  state.l2.markDirty(table, word * ENTRY_BYTES, (word + 1) * ENTRY_BYTES);
}

/** Sets COPIED in the disk's own tables where a count is 1 again. */
function setCopied(state: ImageState, refcounts: Refcounts): void {
  for (const place of l2Tables(activeL1(state), state.header, state.store.size())) {
    if (!place.copied && refcounts.get((place.hostOffset / state.clusterSize) as HostCluster) === 1) state.setL1Copied(place.index, true);
    const table = state.l2.get(place.hostOffset);
    forEachPlaced(table.view, place, state.header, ({ word, copied, compressed, first }) => {
      // What is compressed is never written in place: a flag that says so goes, as with QEMU.
      if (compressed && saysCopied(table.view, word)) markCopied(state, table, word, false);
      if (copied || compressed || refcounts.get(first) !== 1) return;
      markCopied(state, table, word, true);
    });
    if (state.l2.pressure) flushImage(state);
  }
}
