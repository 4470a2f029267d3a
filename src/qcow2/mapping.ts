/**
 * From guest offsets to what the image says of them: L2 lookups, reading, and extents for `map`. Changes nothing.
 * Source: qcow2 specification, "Cluster mapping".
 */
import { inflateSync } from "fflate";
import { Fault, imageProblem } from "../base/fault.ts";
import type { HostOffset } from "../base/units.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { decodeL2Entry } from "./entries.ts";
import type { L2Entry } from "./entries.ts";
import type { ImageState } from "./image-state.ts";
import type { CachedTable } from "./table-cache.ts";

/** The L2 table that maps a guest offset, null when there is none. @throws Fault for an L1 entry that cannot be */
export function l2TableOf(state: ImageState, guestOffset: number): CachedTable | null {
  const { hostOffset } = state.l1Entry(Math.floor(guestOffset / state.l2Span));
  return hostOffset === 0 ? null : state.l2.get(hostOffset);
}

export const l2Index = (state: ImageState, guestOffset: number): number => Math.floor(guestOffset / state.clusterSize) % state.l2Entries;

/** What the image says of the cluster at a guest offset. */
export function lookUp(state: ImageState, guestOffset: number): L2Entry {
  const table = l2TableOf(state, guestOffset);
  return table === null ? NO_TABLE : decodeL2Entry(table.view, l2Index(state, guestOffset), table.hostOffset, state.header.clusterBits);
}

const NO_TABLE: L2Entry = { kind: "unallocated", hostOffset: 0 as HostOffset, copied: false, compressedBytes: 0 };

/**
 * Reads guest bytes into `into`; clusters that lie next to each other in the file are one read of the store.
 * @param guestOffset where to start; the range lies within the disk
 */
export function readGuest(state: ImageState, guestOffset: number, into: Uint8Array): void {
  const end = guestOffset + into.length;
  let runHost = 0;
  let runFrom = 0;
  let runLength = 0;
  const readRun = (): void => {
    if (runLength > 0) readPadded(state.store, runHost, into.subarray(runFrom, runFrom + runLength));
    runLength = 0;
  };
  for (let at = guestOffset; at < end; ) {
    const inCluster = at % state.clusterSize;
    const length = Math.min(state.clusterSize - inCluster, end - at);
    const entry = lookUp(state, at);
    const to = at - guestOffset;
    if (entry.kind === "data") {
      const host = entry.hostOffset + inCluster;
      if (runLength > 0 && runHost + runLength === host) {
        runLength += length;
      } else {
        readRun();
        runHost = host;
        runFrom = to;
        runLength = length;
      }
    } else {
      readRun();
      if (entry.kind === "compressed") into.set(inflate(state, entry).subarray(inCluster, inCluster + length), to);
      else into.fill(0, to, to + length);
    }
    at += length;
  }
  readRun();
}

/** The bytes of a compressed cluster. The stream is raw deflate and may end before its last sector does. */
export function inflate(state: ImageState, entry: L2Entry): Uint8Array {
  if (state.inflated?.hostOffset === entry.hostOffset) return state.inflated.data;
  const bad = (found: string): Fault =>
    new Fault(imageProblem("compressed cluster", "data", entry.hostOffset, found, `a deflate stream of ${state.clusterSize} bytes`));
  if (state.header.compressionType !== 0) throw new Fault({ kind: "unsupported", feature: "clusters compressed with zstd" });
  const packed = new Uint8Array(entry.compressedBytes);
  readPadded(state.store, entry.hostOffset, packed);
  // A fixed output bounds what a hostile stream can make us allocate.
  const out = new Uint8Array(state.clusterSize);
  let data: Uint8Array;
  try {
    data = inflateSync(packed, { out });
  } catch (error) {
    throw bad(error instanceof Error ? error.message : "an undecodable stream");
  }
  if (data.length !== state.clusterSize) throw bad(`a stream of ${data.length} bytes`);
  state.inflated = { hostOffset: entry.hostOffset, data };
  return data;
}

export interface MappedExtent {
  start: number;
  length: number;
  readonly allocated: boolean;
  readonly zero: boolean;
  readonly data: boolean;
  readonly compressed: boolean;
  readonly hostOffset: number | null;
}

/**
 * Extents of [offset, offset + length), neighbours with one answer merged.
 * @param maxExtents the most to return
 * @returns the extents and where to go on, null at the end of the range
 */
export function mapGuest(state: ImageState, offset: number, length: number, maxExtents: number): { extents: MappedExtent[]; next: number | null } {
  const extents: MappedExtent[] = [];
  const end = offset + length;
  for (let at = offset; at < end; ) {
    const tableless = l2TableOf(state, at) === null;
    // Where an L1 entry is empty its whole span is one answer.
    const unit = tableless ? state.l2Span : state.clusterSize;
    const unitEnd = Math.min((Math.floor(at / unit) + 1) * unit, end);
    const entry = tableless ? NO_TABLE : lookUp(state, at);
    const next = extentOf(entry, at, unitEnd - at, at % state.clusterSize);
    const last = extents.at(-1);
    if (last !== undefined && continues(last, next)) last.length += next.length;
    else if (extents.length === maxExtents) return { extents, next: at };
    else extents.push(next);
    at = unitEnd;
  }
  return { extents, next: null };
}

function extentOf(entry: L2Entry, start: number, length: number, inCluster: number): MappedExtent {
  const data = entry.kind === "data" || entry.kind === "compressed";
  const placed = entry.kind === "data" || entry.kind === "zero-allocated";
  return {
    start,
    length,
    allocated: entry.kind !== "unallocated",
    zero: !data,
    data,
    compressed: entry.kind === "compressed",
    hostOffset: placed ? entry.hostOffset + inCluster : null,
  };
}

function continues(last: MappedExtent, next: MappedExtent): boolean {
  const sameAnswer = last.allocated === next.allocated && last.zero === next.zero && last.compressed === next.compressed;
  if (!sameAnswer) return false;
  return last.hostOffset === null || next.hostOffset === null ? last.hostOffset === next.hostOffset : last.hostOffset + last.length === next.hostOffset;
}
