/** What a flush that failed in the middle leaves behind, and images whose fields lie: found by review, each one a promise broken once. */
import { expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { hostCluster } from "../../../src/base/units.ts";
import { storeFault } from "../../../src/bytes/byte-store.ts";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import { createImage } from "../../../src/qcow2/create.ts";
import { flushImage } from "../../../src/qcow2/flush.ts";
import { openState, readHeader } from "../../../src/qcow2/open.ts";
import type { OpenedState } from "../../../src/qcow2/open.ts";
import { discardGuest } from "../../../src/qcow2/unmap.ts";
import { writeGuest } from "../../../src/qcow2/write.ts";
import { readGuest } from "../../../src/qcow2/mapping.ts";
import { auditImage } from "../../model/zoned-model-audit.ts";
import { patch64, wholeOf } from "../../../src/testing/store-bytes.ts";

const CLUSTER = 512;

/** A store whose reads of one range fail while it is told so. */
class PatchyStore extends MemoryStore {
  failsAt: number | null = null;
  override read(offset: number, into: Uint8Array): number {
    if (this.failsAt !== null && offset <= this.failsAt && this.failsAt < offset + into.length) throw storeFault(this.name, "io", "read", offset, into.length, "planned");
    return super.read(offset, into);
  }
}

function created(): PatchyStore {
  const store = new PatchyStore("review");
  createImage(store, { virtualSize: 2 ** 24, clusterSize: CLUSTER, refcountBits: 16, incompatible: 0n, featureNames: [], area: null });
  return store;
}
const opened = (store: MemoryStore, write = true): OpenedState => openState(store, readHeader(store), { write });
const none = (): void => {};

function thrownBy(act: () => void): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return null;
}

test("a held decrease is carried out once, also when reading a refcount block fails between", () => {
  const store = created();
  const perBlock = (CLUSTER * 8) / 16;
  const first = opened(store).state;
  writeGuest(first, 0, new Uint8Array(CLUSTER * perBlock * 3).fill(1));
  flushImage(first);

  const { state } = opened(store);
  const table = new Uint8Array(CLUSTER);
  store.read(readHeader(store).refcountTableOffset, table);
  const blockOf = (index: number): number => Number(new DataView(table.buffer).getBigUint64(index * 8));
  // Two clusters, counted by two blocks; the second block cannot be read, neither when its cluster is given up nor when step 3 wants it.
  discardGuest(state, 0, CLUSTER, none);
  store.failsAt = blockOf(2);
  discardGuest(state, CLUSTER * perBlock * 2, CLUSTER, none);
  expect(thrownBy(() => flushImage(state))).toBeInstanceOf(Fault);
  store.failsAt = null;
  // The freed cluster is given to new data before the flush is tried again.
  writeGuest(state, 2 ** 23, new Uint8Array(CLUSTER * 4).fill(7));
  flushImage(state);
  expect(auditImage(wholeOf(store)).wrong).toEqual([]);
});

test("an entry at the very end of the countable offsets is the file's fault, not a bug of ours", () => {
  const store = created();
  const { state } = opened(store);
  writeGuest(state, 0, new Uint8Array(CLUSTER).fill(1));
  flushImage(state);
  const l2Offset = state.l1Entry(0).hostOffset;
  patch64(store, l2Offset, (1n << 63n) | BigInt(2 ** 53 - CLUSTER));
  // Behind the file's end, as any offset behind it: zeros; and a write is refused, naming the place.
  const found = new Uint8Array(CLUSTER).fill(9);
  readGuest(opened(store, false).state, 0, found);
  expect(found.every((byte) => byte === 0)).toBe(true);
  const written = thrownBy(() => writeGuest(opened(store).state, 0, found));
  expect(written).toBeInstanceOf(Fault);
  expect((written as Fault).problem).toMatchObject({ kind: "image", hostOffset: 2 ** 53 - CLUSTER });
  // Compressed: an offset near the end and a length that goes beyond it.
  patch64(store, l2Offset, (1n << 62n) | (1n << 61n) | BigInt(2 ** 53 - 1));
  const compressed = thrownBy(() => readGuest(opened(store, false).state, 0, new Uint8Array(CLUSTER)));
  expect(compressed).toBeInstanceOf(Fault);
  expect((compressed as Fault).problem.kind).toBe("image");
});

test("an L2 table behind the file's end reads as zeros and is left for a new one: no write stretches the file up to it", () => {
  const store = created();
  const { l1Offset } = readHeader(store);
  patch64(store, l1Offset, (1n << 63n) | (1n << 40n));
  const { state, readOnlyReason } = opened(store);
  expect(readOnlyReason).toBeNull();
  const read = new Uint8Array(CLUSTER).fill(1);
  readGuest(state, 0, read);
  expect(read.every((byte) => byte === 0)).toBe(true);
  writeGuest(state, 0, new Uint8Array(CLUSTER).fill(7));
  flushImage(state);
  expect(store.size()).toBeLessThan(2 ** 30);
  readGuest(opened(store).state, 0, read);
  expect(read.every((byte) => byte === 7)).toBe(true);
});

test("a refcount block behind the file's end makes the image read-only, by name", () => {
  const store = created();
  patch64(store, readHeader(store).refcountTableOffset + 8, 1n << 40n);
  const { state, readOnlyReason } = opened(store);
  expect(state.refcounts).toBeNull();
  expect(readOnlyReason).toContain("refcount block");
});

test("discarding a cluster whose entry leads to a table takes no reference from the table", () => {
  const store = created();
  const { state } = opened(store);
  writeGuest(state, 0, new Uint8Array(CLUSTER).fill(1));
  flushImage(state);
  const l1Cluster = readHeader(store).l1Offset / CLUSTER;
  patch64(store, state.l1Entry(0).hostOffset, (1n << 63n) | BigInt(l1Cluster * CLUSTER));
  const again = opened(store).state;
  discardGuest(again, 0, CLUSTER, none);
  flushImage(again);
  expect(again.refcounts!.get(hostCluster(l1Cluster))).toBe(1);
  // And the image goes on taking writes.
  writeGuest(again, CLUSTER, new Uint8Array(CLUSTER).fill(2));
  flushImage(again);
});
