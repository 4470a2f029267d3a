/**
 * Making an image durable: every kind of write that is pending, in the steps that follow from the rules of write-order.ts, a barrier
 * behind each. As the rules stand these are
 *
 * 1. data, new L2 tables, refcount blocks with their increases, pointers of reset zones;
 * 2. the entries of new refcount blocks (or the header's pointer to a refcount table that moved);
 * 3. L1 and L2 entries, set or cleared;
 * 4. advanced and finished write pointers, refcount decreases.
 *
 * A barrier with nothing before it asks nothing of the platform: most flushes have no step 2. The crash lab has the same steps made in a
 * wrong order, on a scratch copy (wrong-order.ts).
 *
 * Source: zone semantics, "Durability".
 */
import type { ImageState } from "./image-state.ts";
import { encodeRefcountTablePlace } from "./header.ts";
import type { Refcounts, TableMove } from "./refcounts.ts";
import type { WriteKind } from "./write-order.ts";

interface Flushing {
  readonly state: ImageState;
  readonly refcounts: Refcounts;
  /** Where the refcount table moves; null when it stays. */
  readonly move: TableMove | null;
  /** Whether counts are written; otherwise they lag. */
  readonly counts: boolean;
}

/** Writes what is pending of each kind; what has been written is pending no more. */
const WRITERS: Readonly<Record<WriteKind, (flushing: Flushing) => void>> = {
  // It is in the store already but for zeros at its very end, and the first barrier makes it durable.
  "data": ({ state }) => state.writeReach(),
  "moved-refcount-table": ({ state, move }) => {
    if (move !== null) state.telling("refblock_alloc_write_table")(move.offset, move.data);
  },
  "new-l2-tables": ({ state }) => state.l2.writeDirty("new", state.telling("l2_alloc_write")),
  // Decreases are held back, so that what is dirty here has only gone up.
  "raised-refcounts": ({ state, refcounts, move, counts }) => {
    if (!counts) return;
    refcounts.blocks.writeDirty("new", state.telling(move === null ? "refblock_alloc_write" : "refblock_alloc_write_blocks"));
    refcounts.blocks.writeDirty("all", state.telling("refblock_update_part"));
  },
  "reset-pointers": ({ state }) => state.participant?.beforeMapping(state.write),
  "refcount-table-entries": ({ state, refcounts, move, counts }) => {
    if (!counts) return;
    if (move === null) {
      refcounts.writeTableEntries(state.telling("refblock_alloc_hookup"));
      return;
    }
    // The table that moved has its new entries already.
    refcounts.beginToLead();
    writeTablePlace(state, move);
  },
  "mappings": ({ state }) => {
    writeL1(state);
    state.l2.writeDirty("all", state.telling("l2_update"));
  },
  "lowered-refcounts": ({ state, refcounts, counts }) => {
    // In memory at any rate: what nothing leads to any more may be given out again.
    refcounts.applyDecreases();
    if (counts) refcounts.blocks.writeDirty("all", state.telling("refblock_update_part"));
  },
  "advanced-pointers": ({ state }) => state.participant?.afterMapping(state.write),
};

/** What memory is told once a kind is durable. */
const DURABLE: Readonly<Partial<Record<WriteKind, (flushing: Flushing) => void>>> = {
  "refcount-table-entries": ({ refcounts, move }) => {
    if (move !== null) refcounts.tableMoved(move);
  },
  "advanced-pointers": ({ state }) => state.participant?.flushed(),
};

/**
 * Runs all steps; returns when everything that was written before is durable.
 *
 * Of an image with lazy refcounts that has the dirty bit, no count need be true, and none is written: the crash that the rules about
 * counts prevent is told by that bit. They are written where they take too much memory, where the refcount table moves, and when the
 * image is left in good order.
 * @param allCounts also where counts may lag
 * @throws Fault when the store refuses; what is not yet written stays pending, and flush may be tried again
 */
export function flushImage(state: ImageState, allCounts = false): void {
  const { refcounts } = state;
  if (refcounts === null) return;
  state.store.event?.("flush_to_os");
  finishTableMove(state, refcounts);
  const counts = !state.countsMayLag || allCounts || refcounts.blocks.pressure || refcounts.tableOutgrown;
  // Taking clusters for a refcount table that moves comes before all: it dirties refcount blocks.
  const flushing: Flushing = { state, refcounts, move: counts ? refcounts.prepareTableMove() : null, counts };
  const { steps, barriers, begins } = state.order;
  try {
    for (const step of steps) {
      for (const kind of step) {
        if (begins?.(kind) === true) state.unflushed = true;
        WRITERS[kind](flushing);
      }
      if (barriers) state.barrier();
      for (const kind of step) DURABLE[kind]?.(flushing);
    }
  } finally {
    begins?.(null);
  }
}

function writeTablePlace(state: ImageState, { offset, clusters }: TableMove): void {
  const place = encodeRefcountTablePlace(offset, clusters);
  state.telling("refblock_alloc_switch_table")(place.at, place.data);
}

/**
 * After a flush that failed with the header's pointer on its way to a refcount table that moved: makes that pointer durable before
 * anything else. The table may be the image's by now. Entries of blocks that are not on the disk yet, written into it as into a table
 * that nothing leads to, would after a crash lead behind the file's end; and a table that has grown once more would give its clusters up.
 */
function finishTableMove(state: ImageState, refcounts: Refcounts): void {
  const move = refcounts.leadingMove;
  if (move === null) return;
  writeTablePlace(state, move);
  state.barrier();
  refcounts.tableMoved(move);
}

function writeL1(state: ImageState): void {
  if (state.l1DirtyEnd === 0) return;
  const start = state.l1DirtyStart;
  const bytes = new Uint8Array(state.l1.buffer, state.l1.byteOffset + start, state.l1DirtyEnd - start);
  state.telling("l1_update")(state.header.l1Offset + start, bytes);
  state.l1DirtyEnd = 0;
}
