/**
 * A table of an open image that lies: it is told once, and an image that is open for writing is marked corrupt and not written any more,
 * so that nobody writes by the lie, now or later. What is no table (a stream that does not inflate) is an error of its bytes alone.
 *
 * Decides which faults are of that kind and what is told of them as data; words are made in src/command.
 * Source: qcow2 specification, incompatible feature "corrupt"; QEMU's events of corruption.
 */
import { Fault } from "../base/fault.ts";
import type { Corruption, ImageProblem } from "../base/fault.ts";
import { hostOffset as toHostOffset } from "../base/units.ts";
import { ENTRY_BYTES } from "./entries.ts";
import { hasZeroFlag, offsetAt } from "./entry-words.ts";
import { flushImage } from "./flush.ts";
import type { ImageState } from "./image-state.ts";
import { CONTRADICTING } from "./l2-entries.ts";

/**
 * What an operation on an image is to throw in place of what was thrown: of the first lie of a table, one that tells of it, with the
 * image marked where it can be; of any later one, and of any other fault, the same without.
 * @param writing the operation gives clusters bytes
 */
export function afterCorruption(state: ImageState, error: unknown, writing: boolean): unknown {
  if (!(error instanceof Fault) || error.problem.kind !== "image") return error;
  const { corruption = corruptionOf(state, error.problem, writing), ...problem } = error.problem;
  const plain = new Fault(problem);
  if (corruption === null || state.corruptionTold) return plain;
  state.corruptionTold = true;
  if (state.refcounts === null) return new Fault({ ...problem, corruption: { ...corruption, fatal: false } });
  // What was written before is no part of the lie, and is lost otherwise.
  if (corruption.what !== "overlap" && corruption.what !== "offset-zero") flushIfSound(state);
  state.markCorrupt(plain);
  return new Fault({ ...problem, corruption: { ...corruption, fatal: true } });
}

function flushIfSound(state: ImageState): void {
  try {
    flushImage(state);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

/** What a fault of an entry says of its table; null for what is none, or breaks no rule that QEMU keeps. */
function corruptionOf(state: ImageState, { structure, field, hostOffset }: ImageProblem, writing: boolean): Corruption | null {
  if (structure !== "L2 table" || (field !== "host offset" && field !== CONTRADICTING)) return null;
  const inTable = hostOffset % state.clusterSize;
  const l2Offset = toHostOffset(hostOffset - inTable);
  // Of one that lies behind the file's end no entry was read; of a snapshot's, or one beside which the disk's changes, the file has it.
  if (state.l2.cached(l2Offset) === null && l2Offset >= state.store.size()) return null;
  const table = state.l2.get(l2Offset).view;
  const l2Index = inTable / state.format.entryBytes;
  if (field === CONTRADICTING) return { fatal: true, what: "cluster-entry", l2Offset, l2Index, writing };
  const written = writing ? { guestOffset: guestOffsetOf(state, l2Offset, l2Index), zero: !state.format.extended && hasZeroFlag(table.getUint32(inTable + 4)) } : null;
  return { fatal: true, what: "cluster-offset", offset: offsetAt(table, inTable), l2Offset, l2Index, written };
}

/** What an entry of the L2 table at a host offset maps, in bytes of the disk. */
function guestOffsetOf(state: ImageState, l2Offset: number, l2Index: number): number {
  let l1Index = 0;
  while (l1Index < state.header.l1Size && offsetAt(state.l1, l1Index * ENTRY_BYTES) !== l2Offset) l1Index++;
  return l1Index * state.l2Span + l2Index * state.clusterSize;
}
