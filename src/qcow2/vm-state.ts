/**
 * A machine's state, which programs that run one keep behind the disk: its bytes are mapped by the L1 entries after those of the disk,
 * so that an internal snapshot takes them along. Nothing here changes the disk, and no bitmap records it.
 *
 * Source: qcow2 specification, "Snapshots" (vm_state_size); where the state begins is QEMU's rule.
 */
import { roundUp } from "../base/units.ts";
import type { ImageState } from "./image-state.ts";
import { reserveL1 } from "./l1-growth.ts";
import { readGuest } from "./mapping.ts";
import { writeGuest } from "./write.ts";

/** The guest offset where the state begins: the first that no L2 table of the disk maps. */
const vmStateStart = (state: ImageState): number => roundUp(state.header.virtualSize, state.l2Span);

/** Whether offsets of [offset, offset + length) of the state can be counted exactly. */
const countable = (state: ImageState, offset: number, length: number): boolean => Number.isSafeInteger(vmStateStart(state) + offset + length);

/** Reads the state's bytes from its own `offset` on; zeros where none was written, however far behind. */
export function readVmState(state: ImageState, offset: number, into: Uint8Array): void {
  state.store.event?.("vmstate_load");
  if (countable(state, offset, into.length)) readGuest(state, vmStateStart(state) + offset, into);
  else into.fill(0);
}

/** @returns whether the L1 table may be as long as [offset, offset + length) of the state needs; it is grown then */
export function reserveVmState(state: ImageState, offset: number, length: number): boolean {
  return countable(state, offset, length) && reserveL1(state, Math.ceil((vmStateStart(state) + offset + length) / state.l2Span));
}

/** Writes bytes of the state for which room was reserved. */
export function writeVmState(state: ImageState, offset: number, data: Uint8Array): void {
  state.store.event?.("vmstate_save");
  writeGuest(state, vmStateStart(state) + offset, data);
}
