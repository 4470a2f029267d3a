/**
 * What the tables of one disk (the active one, or a snapshot's) refer to: its L2 tables, and by L2 table the host clusters of its
 * entries. Looks only; source: qcow2 specification, "Cluster mapping".
 */
import { Fault, imageProblem } from "../base/fault.ts";
import type { HostCluster, HostOffset } from "../base/units.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { readExactly, readPadded } from "../bytes/byte-store.ts";
import { isZero } from "../bytes/zeros.ts";
import { ENTRY_BYTES, decodeL1Entry, forEachInUse } from "./entries.ts";
import { offsetAt } from "./entry-words.ts";
import type { Header } from "./header.ts";
import { behindEnd } from "./image-state.ts";
import { decodeCluster, entryFormat } from "./l2-entries.ts";
import { TableWork } from "./table-work.ts";

/** An L1 table in memory. */
export interface L1Table {
  readonly view: DataView;
  /** Host offset where it lies in the file. */
  readonly offset: number;
  /** Count of its entries. */
  readonly size: number;
}

export function readL1(store: ByteStore, offset: number, size: number): L1Table {
  return { view: new DataView(readExactly(store, offset, size * ENTRY_BYTES).buffer), offset, size };
}

export interface L2Place {
  readonly index: number;
  readonly hostOffset: HostOffset;
  readonly copied: boolean;
}

/**
 * The L2 tables that an L1 table leads to, in order.
 * @throws Fault for an entry that cannot be: also for a table that two entries lead to, which no disk has, and which a hostile file
 * would use to make a walk without end out of a few kilobytes
 */
export function* l2Tables(l1: L1Table, header: Header, fileLength: number): Generator<L2Place, void, void> {
  const seen = new Set<number>();
  for (let index = 0; index < l1.size; index++) {
    const { hostOffset, copied } = decodeL1Entry(l1.view, index, l1.offset, header.clusterSize);
    if (hostOffset === 0) continue;
    if (hostOffset >= fileLength) throw behindEnd(hostOffset, fileLength);
    if (seen.has(hostOffset)) {
      throw new Fault(imageProblem("L1 table", "L2 table's host offset", l1.offset + index * ENTRY_BYTES, hostOffset, "a table that no other entry leads to"));
    }
    seen.add(hostOffset);
    yield { index, hostOffset, copied };
  }
}

export function readL2(store: ByteStore, header: Header, place: L2Place): DataView {
  const table = new Uint8Array(header.clusterSize);
  readPadded(store, place.hostOffset, table);
  return new DataView(table.buffer);
}

/** Where an entry keeps its data. */
export interface Placed {
  /** Index of the entry's (first) 64-bit word in its table. */
  readonly word: number;
  readonly copied: boolean;
  /** Host clusters that it refers to: one, or those that a compressed stream touches. */
  readonly first: HostCluster;
  readonly last: HostCluster;
  readonly compressed: boolean;
}

/** Visits the entries of an L1 table that are in use, with the host offsets that they name, true or not, and their indices. */
export function forEachL1Offset({ view, size }: L1Table, visit: (offset: number, index: number) => void): void {
  forEachInUse(new Uint8Array(view.buffer, view.byteOffset, size * ENTRY_BYTES), (index) => visit(offsetAt(view, index * ENTRY_BYTES), index));
}

/**
 * Whether all L2 tables of a disk can be gone through, by their number alone: before a change that has to.
 * @throws Fault where they are more than the file can hold
 */
export function refuseTooMany(l1: L1Table, header: Header, store: ByteStore): void {
  const work = new TableWork(store);
  forEachL1Offset(l1, () => work.read(header.clusterSize));
}

/**
 * Visits the entries of an L2 table that refer to host clusters.
 * @param from first entry that is looked at, @param to behind the last. @throws Fault for one of these that cannot be
 */
export function forEachPlaced(table: DataView, place: L2Place, header: Header, visit: (placed: Placed) => void, from = 0, to = Infinity): void {
  const { clusterSize } = header;
  const format = entryFormat(header);
  const words = format.entryBytes / ENTRY_BYTES;
  if (isZero(new Uint8Array(table.buffer, table.byteOffset, table.byteLength))) return;
  const end = Math.min(to, clusterSize / format.entryBytes);
  for (let index = from; index < end; index++) {
    const word = index * words;
    if (!format.extended && table.getUint32(word * ENTRY_BYTES) === 0 && table.getUint32(word * ENTRY_BYTES + 4) === 0) continue;
    const { hostOffset, copied, compressedBytes } = decodeCluster(table, index, place.hostOffset, format);
    if (hostOffset === 0 && compressedBytes === 0) continue;
    const compressed = compressedBytes > 0;
    const first = Math.floor(hostOffset / clusterSize) as HostCluster;
    const last = compressed ? (Math.floor((hostOffset + compressedBytes - 1) / clusterSize) as HostCluster) : first;
    visit({ word, copied, first, last, compressed });
  }
}
