/**
 * From guest offsets to what the image says of them: L2 lookups in runs, reading, and extents for `map`. Changes nothing.
 * Source: qcow2 specification, "Cluster mapping"; what extents say is qemu-img map's.
 */
import { Fault, imageProblem } from "../base/fault.ts";
import { roundDown } from "../base/units.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { ZSTD } from "./codecs.ts";
import type { ImageState } from "./image-state.ts";
import { CONTRADICTING, countContinuing, decodeCluster, isPlaced, subclusterKind } from "./l2-entries.ts";
import type { ClusterEntry, SubclusterKind } from "./l2-entries.ts";
import type { CachedTable } from "./table-cache.ts";
import { isTooMuch } from "./table-work.ts";

/** The L2 table that maps a guest offset, null when there is none, or one known to be empty of a disk that is only read. @throws Fault for an L1 entry that cannot be */
export function l2TableOf(state: ImageState, guestOffset: number): CachedTable | null {
  const index = Math.floor(guestOffset / state.l2Span);
  const { hostOffset } = state.l1Entry(index);
  if (hostOffset === 0) return null;
  const { survey } = state;
  if (survey === null) return state.l2.get(hostOffset);
  if (survey.isEmpty(hostOffset)) return null;
  const table = state.l2.get(hostOffset);
  survey.meet(index, table.view);
  return table;
}

export const l2Index = (state: ImageState, guestOffset: number): number => Math.floor(guestOffset / state.clusterSize) % state.l2Entries;

/** The guest offset behind the span of the L2 table that maps `guestOffset`. */
export const spanEnd = (state: ImageState, guestOffset: number): number => (Math.floor(guestOffset / state.l2Span) + 1) * state.l2Span;

export const clusterAt = (state: ImageState, table: CachedTable, guestOffset: number): ClusterEntry =>
  decodeCluster(table.view, l2Index(state, guestOffset), table.hostOffset, state.format);

/**
 * Keeps to the rule for external data files: a guest cluster lies there at its own offset, and no stream does. An entry that says otherwise
 * is the file's lie, by which nothing is read or written.
 * @throws Fault that tells of it
 */
export function guardDataFile(state: ImageState, table: CachedTable, guestOffset: number, entry: ClusterEntry): void {
  if (!state.hasDataFile || !entry.placed) return;
  const guest = roundDown(guestOffset, state.clusterSize);
  const compressed = entry.compressedBytes > 0;
  if (!compressed && entry.hostOffset === guest) return;
  const index = l2Index(state, guestOffset);
  const at = table.hostOffset + index * state.format.entryBytes;
  const found = compressed ? "a compressed cluster" : entry.hostOffset;
  const where = compressed ? ({ what: "compressed-in-data-file", l2Offset: table.hostOffset } as const) : ({ what: "data-file-offset", offset: entry.hostOffset, guestOffset: guest } as const);
  const problem = imageProblem("L2 table", "host offset in the external data file", at, found, `the guest's own offset, ${guest}`);
  throw new Fault({ ...problem, corruption: { fatal: true, l2Index: index, ...where } });
}

/**
 * Version 2 has no zero clusters: by an entry that says it is one nothing is read. A write that gives the cluster bytes of its own mends it.
 * @throws Fault that tells of it
 */
function guardVersion(state: ImageState, table: CachedTable, guestOffset: number, entry: ClusterEntry): void {
  if (state.header.version >= 3 || entry.zero === 0) return;
  const index = l2Index(state, guestOffset);
  const at = table.hostOffset + index * state.format.entryBytes;
  const problem = imageProblem("L2 table", "reads as zeros", at, "the bit set", "no such bit in version 2");
  throw new Fault({ ...problem, corruption: { fatal: true, what: "zero-in-version-2", l2Offset: table.hostOffset, l2Index: index } });
}

/** Guest bytes that are alike: of one kind, and the placed ones next to each other in the data's store. */
export interface Run {
  readonly kind: SubclusterKind;
  /** Host offset of the run's first byte; of the stream for a compressed cluster; 0 where there is none. */
  readonly hostOffset: number;
  readonly length: number;
  /** The bytes that the stream of a compressed cluster may take; a run of those is one cluster at most. */
  readonly compressedBytes: number;
}

/**
 * The run at a guest offset, at most `limit` bytes of it: of what one L2 table maps, or of all that no table maps.
 * @throws Fault for an entry at that offset that cannot be, or one that contradicts itself where the run might go on; any other ends the run
 */
export function runAt(state: ImageState, guestOffset: number, limit: number): Run {
  const end = spanEnd(state, guestOffset);
  const table = l2TableOf(state, guestOffset);
  if (table === null) {
    // A large disk of nothing is gone through at once: each disk above it would ask again for each table that is not there.
    const beyond = Math.ceil(Math.max(0, guestOffset + limit - end) / state.l2Span);
    const length = end + state.l1EntriesUnused(end / state.l2Span, beyond) * state.l2Span - guestOffset;
    return { kind: "unallocated", hostOffset: 0, length: Math.min(limit, length), compressedBytes: 0 };
  }
  const most = Math.min(limit, end - guestOffset);
  const { clusterSize, format } = state;
  const inCluster = guestOffset % clusterSize;
  const entry = clusterAt(state, table, guestOffset);
  guardDataFile(state, table, guestOffset, entry);
  guardVersion(state, table, guestOffset, entry);
  if (entry.compressedBytes > 0) {
    return { kind: "compressed", hostOffset: entry.hostOffset, length: Math.min(most, clusterSize - inCluster), compressedBytes: entry.compressedBytes };
  }
  if (format.extended) return extendedRun(state, table, guestOffset, entry, most);
  const kind = subclusterKind(entry, 0);
  const index = l2Index(state, guestOffset);
  const lastNeeded = index + Math.ceil((inCluster + most) / clusterSize);
  // Of such a cluster the words do not tell without COPIED: it is a run by itself.
  const alone = entry.placed && entry.hostOffset === 0;
  const more = alone ? 0 : countContinuing(table.view, index + 1, lastNeeded, kind, entry.hostOffset + clusterSize, clusterSize);
  const hostOffset = isPlaced(kind) ? entry.hostOffset + inCluster : 0;
  return { kind, hostOffset, length: Math.min(most, (more + 1) * clusterSize - inCluster), compressedBytes: 0 };
}

function extendedRun(state: ImageState, table: CachedTable, guestOffset: number, first: ClusterEntry, most: number): Run {
  const { clusterSize, format } = state;
  const { subclusterSize, subclusters } = format;
  const inCluster = guestOffset % clusterSize;
  let subcluster = Math.floor(inCluster / subclusterSize);
  const kind = subclusterKind(first, subcluster);
  const placed = isPlaced(kind);
  let length = subclusterSize - (inCluster % subclusterSize);
  let entry = first;
  while (length < most) {
    if (++subcluster === subclusters) {
      const next = entryOrNone(state, table, guestOffset + length);
      if (next === null || next.compressedBytes > 0 || (placed && next.hostOffset !== entry.hostOffset + clusterSize)) break;
      entry = next;
      subcluster = 0;
    }
    if (subclusterKind(entry, subcluster) !== kind) break;
    length += subclusterSize;
  }
  return { kind, hostOffset: placed ? first.hostOffset + inCluster : 0, length: Math.min(most, length), compressedBytes: 0 };
}

/**
 * An entry whose place cannot be ends a run before it, and is told when its own turn comes. One whose subclusters contradict each other is met
 * when the run in front of it is counted, as in QEMU.
 */
function entryOrNone(state: ImageState, table: CachedTable, guestOffset: number): ClusterEntry | null {
  try {
    return clusterAt(state, table, guestOffset);
  } catch (error) {
    if (error instanceof Fault && error.problem.kind === "image" && error.problem.field !== CONTRADICTING) return null;
    throw error;
  }
}

/**
 * Reads guest bytes into `into`; clusters that lie next to each other in the file are one read of the store.
 * @param guestOffset where to start; the range lies within the disk, or within its last cluster
 */
export function readGuest(state: ImageState, guestOffset: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const at = guestOffset + done;
    const run = runAt(state, at, into.length - done);
    const part = done === 0 && run.length === into.length ? into : into.subarray(done, done + run.length);
    if (run.kind === "data" || run.kind === "compressed") state.beforeDataRead(at);
    if (run.kind === "data") {
      state.data.event?.("read_aio");
      readPadded(state.data, run.hostOffset, part);
    } else if (run.kind === "compressed") {
      const inCluster = at % state.clusterSize;
      part.set(inflate(state, run.hostOffset, run.compressedBytes).subarray(inCluster, inCluster + run.length));
    } else if (run.kind === "unallocated" || run.kind === "unallocated-placed") readBacking(state, at, part);
    else part.fill(0);
    done += run.length;
  }
}

/** What stands below the image; zeros behind its end. */
function readBacking(state: ImageState, guestOffset: number, into: Uint8Array): void {
  const { backing } = state;
  const count = backing === null ? 0 : Math.max(0, Math.min(into.length, backing.virtualSize - guestOffset));
  if (count > 0) state.store.event?.("read_backing_aio");
  if (count > 0) backing!.read(guestOffset, into.subarray(0, count));
  into.fill(0, count);
}

/** The bytes of a compressed cluster, the last one of which is kept. */
function inflate(state: ImageState, hostOffset: number, compressedBytes: number): Uint8Array {
  if (state.inflated?.hostOffset === hostOffset) return state.inflated.data;
  const zstd = state.header.compressionType === ZSTD;
  const packed = new Uint8Array(compressedBytes);
  state.store.event?.("read_compressed");
  readPadded(state.store, hostOffset, packed);
  let data: Uint8Array;
  try {
    data = zstd ? state.codecs.unzstd(packed, state.clusterSize) : state.codecs.inflate(packed, state.clusterSize);
  } catch (error) {
    const found = error instanceof Error ? error.message : "an undecodable stream";
    throw new Fault(imageProblem("compressed cluster", "data", hostOffset, found, `a ${zstd ? "zstd" : "deflate"} stream of ${state.clusterSize} bytes`));
  }
  state.inflated = { hostOffset, data };
  return data;
}

/** Whether [start, end) reads as zeros for sure, by what the tables say; data that happens to be zeros does not count. */
export function readsAsZeros(state: ImageState, start: number, end: number): boolean {
  for (let at = start; at < end; ) {
    const { extents, next } = mapGuest(state, at, end - at, 16);
    if (extents.some((extent) => !extent.zero)) return false;
    if (next === null) return true;
    at = next;
  }
  return true;
}

export interface MappedExtent {
  start: number;
  length: number;
  /** An image of the chain says what these bytes are. */
  readonly allocated: boolean;
  readonly zero: boolean;
  readonly data: boolean;
  readonly compressed: boolean;
  readonly hostOffset: number | null;
  /** Which image of the chain says it: 0 for this one, 1 for its backing file. */
  readonly depth: number;
}

/**
 * Extents of [offset, offset + length), neighbours with one answer merged, up to an entry that cannot be.
 * @param maxExtents the most to return
 * @returns the extents and where to go on, null at the end of the range
 * @throws Fault for an entry at `offset` that cannot be, or one that its run would be counted over
 */
export function mapGuest(state: ImageState, offset: number, length: number, maxExtents: number): { extents: MappedExtent[]; next: number | null } {
  const extents: MappedExtent[] = [];
  const end = offset + length;
  /** @returns whether there was room */
  const add = (next: MappedExtent): boolean => {
    const last = extents.at(-1);
    if (last !== undefined && continues(last, next)) last.length += next.length;
    else if (extents.length === maxExtents) return false;
    else extents.push(next);
    return true;
  };
  for (let at = offset; at < end; ) {
    let run: Run;
    try {
      run = runAt(state, at, end - at);
    } catch (error) {
      // What is in front of it is known, and it is told when its own turn comes; tables that are too many have no turn.
      if (extents.length > 0 && error instanceof Fault && !isTooMuch(error)) return { extents, next: at };
      throw error;
    }
    // What the backing file throws has told its lie already, and is not met anew.
    for (const extent of extentsOf(state, run, at, Math.max(1, maxExtents - extents.length))) {
      if (!add(extent)) return { extents, next: extent.start };
      at = extent.start + extent.length;
    }
  }
  return { extents, next: null };
}

/** Extents of a run of the image, at least one: those of its backing where that answers for it. */
function extentsOf(state: ImageState, run: Run, at: number, maxExtents: number): readonly MappedExtent[] {
  const below = belowOf(state, run, at);
  if (below === 0) return [extentOf(run, at)];
  return state.backing!.map(at, below, maxExtents).extents.map((extent) => ({ ...extent, depth: extent.depth + 1 }));
}

/** How many bytes of a run the backing answers for. */
function belowOf(state: ImageState, run: Run, at: number): number {
  const { backing } = state;
  if (backing === null || (run.kind !== "unallocated" && run.kind !== "unallocated-placed")) return 0;
  return Math.max(0, Math.min(run.length, backing.virtualSize - at));
}

function extentOf(run: Run, start: number): MappedExtent {
  const { kind, length } = run;
  const data = kind === "data" || kind === "compressed";
  return {
    start,
    length,
    allocated: kind !== "unallocated" && kind !== "unallocated-placed",
    zero: !data,
    data,
    compressed: kind === "compressed",
    hostOffset: isPlaced(kind) ? run.hostOffset : null,
    depth: 0,
  };
}

function continues(last: MappedExtent, next: MappedExtent): boolean {
  const sameAnswer = last.allocated === next.allocated && last.zero === next.zero && last.data === next.data && last.compressed === next.compressed && last.depth === next.depth;
  if (!sameAnswer || last.start + last.length !== next.start) return false;
  return last.hostOffset === null || next.hostOffset === null ? last.hostOffset === next.hostOffset : last.hostOffset + last.length === next.hostOffset;
}
