/** Entries that a repair makes anew while it counts: it writes L2 tables, and nothing else that an L1 entry says is one. */
import { expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import type { MemoryContents } from "../../../src/bytes/memory-store.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { repairImage } from "../../../src/qcow2/repair.ts";
import { AT, CLUSTER, COPIED, smallImage } from "./small-image.ts";

/** A zero entry with a host cluster that begins nowhere, as a repair clears it. */
const UNALIGNED_ZERO = 0x5201n;
const CLEARED = 1n;

function repaired(contents: MemoryContents): void {
  const store = new MemoryStore("a", contents);
  const work = repairImage(store, readHeader(store, "check"), [], [], "all");
  while (work.next().done !== true);
}

function wordAt(contents: MemoryContents, at: number): bigint {
  const word = new Uint8Array(8);
  contents.read(at, word);
  return new DataView(word.buffer).getBigUint64(0);
}

test("a zero entry of an L2 table, of the disk and of a snapshot alone, loses the cluster that it cannot have", () => {
  const [l2, other] = [6 * CLUSTER, 7 * CLUSTER];
  const words = { [AT.l1 * CLUSTER]: COPIED | BigInt(l2), [l2 + 16]: UNALIGNED_ZERO, [5 * CLUSTER]: BigInt(other), [other + 24]: UNALIGNED_ZERO };
  const contents = smallImage({ snapshots: [{ l1Offset: 5 * CLUSTER, l1Size: 1 }], words, refcounts: { 5: 1, 6: 1, 7: 1 } });
  repaired(contents);
  expect([wordAt(contents, l2 + 16), wordAt(contents, other + 24)]).toEqual([CLEARED, CLEARED]);
});

test.each([
  ["the refcount table", AT.refcountTable * CLUSTER, 4096],
  ["a refcount block", AT.refcountBlock * CLUSTER, 4096],
  ["the L1 table", AT.l1 * CLUSTER, 4096],
  ["the snapshot table", AT.snapshots * CLUSTER, 24],
  ["the L1 table of a snapshot", 5 * CLUSTER, 4096],
])("an L1 entry that leads to %s: no entry there is made anew", (_, table, at) => {
  const contents = smallImage({ snapshots: [{ l1Offset: 5 * CLUSTER, l1Size: 1 }], words: { [AT.l1 * CLUSTER]: COPIED | BigInt(table), [table + at]: UNALIGNED_ZERO }, refcounts: { 5: 1 } });
  try {
    repaired(contents);
  } catch (error) {
    // Where flags would be set right there, that is refused in words.
    expect(error).toBeInstanceOf(Fault);
  }
  expect(wordAt(contents, table + at)).toBe(UNALIGNED_ZERO);
});
