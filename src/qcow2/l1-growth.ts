/**
 * A larger L1 table for an open image: the disk grows, or a machine's state is written behind it.
 *
 * The order, and what it prevents were the power to fail between: the larger table, counted, and all that it leads to are durable before
 * the header points at it, and the old one is given up only then: a disk whose mapping is read from whatever lay there.
 *
 * Source: qcow2 specification, "Header"; the limit and the steps of growth are QEMU's.
 */
import { divideRoundUp, hostOffset } from "../base/units.ts";
import type { HostCluster } from "../base/units.ts";
import { ENTRY_BYTES } from "./entries.ts";
import { flushImage } from "./flush.ts";
import { MAX_L1_BYTES, encodeActiveDisk } from "./header.ts";
import type { ImageState } from "./image-state.ts";

/** Whether a table of so many entries is one that QEMU opens. */
export const l1Fits = (entries: number): boolean => entries * ENTRY_BYTES <= MAX_L1_BYTES;

/** Moves the L1 table to a place of exactly so many entries, which is more than it has; the disk keeps its size. Flushes. */
export function growL1(state: ImageState, entries: number): void {
  const { clusterSize, metadata } = state;
  const { l1Offset, l1Size } = state.header;
  metadata.requireUncontested();
  const clusters = divideRoundUp(entries * ENTRY_BYTES, clusterSize);
  state.store.event?.("l1_grow_alloc_table");
  const offset = state.refcounts!.allocateArea(clusters) * clusterSize;
  const table = new Uint8Array(clusters * clusterSize);
  table.set(new Uint8Array(state.l1.buffer, state.l1.byteOffset, l1Size * ENTRY_BYTES));
  state.telling("l1_grow_write_table")(offset, table);
  // Also of what the entries in memory lead to: the old table has them on the disk now, and the new one has the same.
  flushImage(state);
  const moved = { ...state.header, l1Size: entries, l1Offset: hostOffset(offset) };
  const { at, data } = encodeActiveDisk(moved);
  state.switchHeader(() => state.telling("l1_grow_activate_table")(at, data));
  state.header = moved;
  state.l1 = new DataView(table.buffer, 0, entries * ENTRY_BYTES);
  metadata.release(l1Offset, l1Size * ENTRY_BYTES);
  metadata.claim("L1 table", offset, entries * ENTRY_BYTES);
  const first = l1Offset / clusterSize;
  const count = divideRoundUp(l1Size * ENTRY_BYTES, clusterSize);
  for (let cluster = first; cluster < first + count; cluster++) state.refcounts!.holdDecrease(cluster as HostCluster);
}

/** Makes room for so many entries and some to come. @returns whether a table may have so many; where not, nothing has changed */
export function reserveL1(state: ImageState, entries: number): boolean {
  if (entries <= state.header.l1Size) return true;
  if (!l1Fits(entries)) return false;
  let grown = Math.max(1, state.header.l1Size);
  while (grown < entries) grown = Math.ceil((grown * 3) / 2);
  growL1(state, l1Fits(grown) ? grown : entries);
  return true;
}
