/**
 * What of an image must be on the disk before what: the kinds of writes that a flush makes, and the rules between them as data. The
 * steps of a flush follow from the rules; nothing else orders them. Knows no image and writes nothing; flush.ts does.
 *
 * Between two steps lies a barrier, so a kind is in the earliest step behind all that it waits for: a rule more costs a platform flush
 * only where it makes a chain longer. Within a step a crash may keep any of the writes and lose any other.
 *
 * Source: zone semantics, "Durability"; qcow2 specification, "Host cluster management".
 */
import { assert } from "../base/assert.ts";

export const WRITE_KINDS = [
  /** The guest's bytes, which reached the store as they were written. */
  "data",
  /** A refcount table that has outgrown its place, whole, in its new one. */
  "moved-refcount-table",
  /** L2 tables that nothing on the disk refers to yet. */
  "new-l2-tables",
  /** Refcount blocks, new ones among them, with counts that went up. */
  "raised-refcounts",
  /** Write pointers of zones that were reset: each is its zone's start. */
  "reset-pointers",
  /** Entries of the refcount table, or where the header says that the table lies. */
  "refcount-table-entries",
  /** L1 and L2 entries, set or cleared. */
  "mappings",
  /** Refcount blocks with counts that went down. */
  "lowered-refcounts",
  /** Write pointers that were advanced or finished. */
  "advanced-pointers",
] as const;
export type WriteKind = (typeof WRITE_KINDS)[number];

export interface OrderRule {
  readonly first: WriteKind;
  readonly then: WriteKind;
  /** What would be there were the power to fail with `then` on the disk and `first` not. */
  readonly prevents: string;
}

export const WRITE_ORDER: readonly OrderRule[] = [
  { first: "data", then: "mappings", prevents: "the guest reads what was never written there" },
  { first: "new-l2-tables", then: "mappings", prevents: "an L1 entry leads to whatever lay in the table's cluster" },
  { first: "raised-refcounts", then: "mappings", prevents: "a cluster in use that the next allocation hands out again" },
  { first: "refcount-table-entries", then: "mappings", prevents: "a cluster in use whose count no table finds: it is handed out again" },
  { first: "raised-refcounts", then: "refcount-table-entries", prevents: "counts are read from whatever lay in the block's cluster" },
  { first: "moved-refcount-table", then: "refcount-table-entries", prevents: "the header leads to a table that is not there: no count is known" },
  { first: "reset-pointers", then: "mappings", prevents: "a zone whose pointer covers bytes that are gone" },
  { first: "reset-pointers", then: "lowered-refcounts", prevents: "a zone whose pointer covers clusters that are another's by now" },
  { first: "mappings", then: "lowered-refcounts", prevents: "a cluster that an entry still uses and the next allocation hands out again" },
  { first: "data", then: "advanced-pointers", prevents: "a zone shows bytes that never reached it" },
  { first: "mappings", then: "advanced-pointers", prevents: "a zone shows zeros, or an older write, where the new bytes should be" },
];

/** In which order a flush writes. Every image has RIGHT_ORDER; another one is the crash lab's alone (wrong-order.ts). */
export interface FlushOrder {
  readonly steps: readonly (readonly WriteKind[])[];
  /** Whether the platform is asked for anything between the steps, and behind the last. */
  readonly barriers: boolean;
  /** Told of each kind before it is written, and of null behind the last; true where something is on its way by that alone. */
  readonly begins: ((kind: WriteKind | null) => boolean) | null;
}

/**
 * The steps in which all kinds are written, a barrier behind each.
 * @param rules may not go in a circle
 */
export function stepsOf(rules: readonly OrderRule[]): readonly (readonly WriteKind[])[] {
  const steps: WriteKind[][] = [];
  const placed = new Set<WriteKind>();
  while (placed.size < WRITE_KINDS.length) {
    const step = WRITE_KINDS.filter((kind) => !placed.has(kind) && rules.every(({ first, then }) => then !== kind || placed.has(first)));
    assert(step.length > 0, "the rules of the write order go in a circle");
    for (const kind of step) placed.add(kind);
    steps.push(step);
  }
  return steps;
}

export const RIGHT_ORDER: FlushOrder = { steps: stepsOf(WRITE_ORDER), barriers: true, begins: null };
