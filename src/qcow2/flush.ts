/**
 * Making an image durable, in three steps with a barrier after each:
 *
 * 1. data, new L2 tables, refcount blocks with their increases, pointers of reset zones;
 *    and, behind a barrier of its own, the entries of new refcount blocks (or the header's pointer to a refcount table that moved);
 * 2. L1 and L2 entries, set or cleared;
 * 3. advanced and finished write pointers, refcount decreases.
 *
 * What each order prevents, were the power to fail between:
 * - an entry (2) before its data or table (1): the guest would read what was never written there;
 * - an entry (2) before its refcount (1): a cluster in use that the next allocation hands out again;
 * - a refcount block's entry before the block: counts read from whatever lay there;
 * - a freed count (3) before the cleared entry (2): the same double use;
 * - a freed cluster of a reset zone (2, 3) before the reset pointer (1): a zone whose pointer covers bytes that are gone;
 * - an advanced pointer (3) before data and mapping (1, 2): a zone that shows bytes which never reached it.
 *
 * Source: zone semantics, "Durability".
 */
import type { ImageState } from "./image-state.ts";
import { encodeRefcountTablePlace } from "./header.ts";
import type { Refcounts } from "./refcounts.ts";

/**
 * Of an image with lazy refcounts that has the dirty bit, no count need be true, and none is written: steps 1 and 2 without them. They
 * are written where they take too much memory, where the refcount table moves, and when the image is left in good order.
 *
 * Runs the three steps; returns when everything that was written before is durable.
 * @param allCounts also where counts may lag
 * @throws Fault when the store refuses; what is not yet written stays pending, and flush may be tried again
 */
export function flushImage(state: ImageState, allCounts = false): void {
  const { refcounts, participant, write } = state;
  if (refcounts === null) return;
  if (state.countsMayLag && !allCounts && !refcounts.blocks.pressure && !refcounts.tableOutgrown) return flushWithoutCounts(state, refcounts);

  // Step 1. Taking clusters for a refcount table that moves comes first: it dirties refcount blocks.
  const move = refcounts.prepareTableMove();
  if (move !== null) write(move.offset, move.data);
  state.l2.writeDirty("new", write);
  refcounts.blocks.writeDirty("all", write);
  participant?.beforeMapping(write);
  state.barrier();

  if (move !== null) {
    const place = encodeRefcountTablePlace(move.offset, move.clusters);
    write(place.at, place.data);
    state.barrier();
    refcounts.tableMoved(move);
  } else if (refcounts.writeTableEntries(write)) {
    state.barrier();
  }

  // Step 2.
  writeL1(state);
  state.l2.writeDirty("all", write);
  state.barrier();

  // Step 3.
  refcounts.applyDecreases();
  refcounts.blocks.writeDirty("all", write);
  participant?.afterMapping(write);
  state.barrier();
  participant?.flushed();
}

function flushWithoutCounts(state: ImageState, refcounts: Refcounts): void {
  state.l2.writeDirty("new", state.write);
  state.barrier();
  writeL1(state);
  state.l2.writeDirty("all", state.write);
  state.barrier();
  // In memory: what nothing leads to any more may be given out again.
  refcounts.applyDecreases();
}

function writeL1(state: ImageState): void {
  if (state.l1DirtyEnd === 0) return;
  const start = state.l1DirtyStart;
  const bytes = new Uint8Array(state.l1.buffer, state.l1.byteOffset + start, state.l1DirtyEnd - start);
  state.write(state.header.l1Offset + start, bytes);
  state.l1DirtyEnd = 0;
}
