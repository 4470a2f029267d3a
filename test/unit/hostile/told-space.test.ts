/**
 * What a file takes of its disk is known behind every store that stands over it: by it, tables in holes of a sparse file are told from true
 * ones, and what was written a moment ago counts.
 */
import { expect, test } from "vitest";
import type { ByteStore } from "../../../src/bytes/byte-store.ts";
import { CachedStore } from "../../../src/bytes/cached-store.ts";
import { CoalescingStore, PASS_THROUGH_SIZE } from "../../../src/bytes/coalescing-store.ts";
import { DebugRules } from "../../../src/bytes/debug-rules.ts";
import { DebugStore } from "../../../src/bytes/debug-store.ts";
import type { FileSpace } from "../../../src/bytes/file-space.ts";
import { KnownZeros } from "../../../src/bytes/known-zeros.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { OverlayStore } from "../../../src/bytes/overlay-store.ts";
import { UnsafeStore } from "../../../src/bytes/unsafe-store.ts";
import { CallerStore } from "../../../src/package/caller-store.ts";
import type { Failure } from "../../../src/protocol/index.ts";
import { encodeHeader } from "../../../src/qcow2/header.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";
import { engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";
import { FaultyStore } from "../../../src/testing/faulty-store.ts";

const MIB = 2 ** 20;
const CLUSTER = 2 * MIB;
const TABLES = 8192;
const FIRST = 4 * CLUSTER;

/** A store whose platform tells what it takes. */
const telling = (contents: MemoryContents, allocated: () => number): CountingStore => Object.assign(new CountingStore(new MemoryStore("a", contents)), { allocated });

test.each<readonly [string, (base: ByteStore) => ByteStore]>([
  ["coalescing", (base) => new CoalescingStore(base)],
  ["an overlay", (base) => new OverlayStore(base)],
  ["a caller's", (base) => new CallerStore("theirs", base, false)],
  ["rules", (base) => new DebugStore(base, new DebugRules([], []))],
  ["no flushes", (base) => new UnsafeStore(base)],
  ["known zeros", (base) => new KnownZeros(base)],
  ["a cache", (base) => new CachedStore(base)],
  ["failures", (base) => new FaultyStore(base)],
])("%s over a file tells what the file takes of its disk, and nothing where the platform does not tell", (_, over) => {
  let taken = 4096;
  const store = over(telling(new MemoryContents(), () => taken));
  expect(store.allocated?.()).toBe(4096);
  taken = 8192;
  expect(store.allocated?.()).toBe(8192);
  expect(over(new MemoryStore("a")).allocated === undefined).toBe(true);
});

test("what was written and is in memory yet counts, whoever keeps it there; what a flush took over is counted by the platform", () => {
  let taken = 0;
  const store = new CoalescingStore(telling(new MemoryContents(), () => taken));
  store.write(0, new Uint8Array(1000));
  store.write(MIB, new Uint8Array(PASS_THROUGH_SIZE));
  expect(store.allocated?.()).toBe(1000 + PASS_THROUGH_SIZE);
  taken = 4096 + PASS_THROUGH_SIZE;
  store.flush();
  expect(store.allocated?.()).toBe(taken);
  const overlay = new OverlayStore(telling(new MemoryContents(), () => 512));
  overlay.write(0, new Uint8Array(10));
  expect(overlay.allocated?.()).toBe(512 + 4096);
});

test("a caller's store that tells no count fails as one whose length is none", () => {
  expect(() => new CallerStore("theirs", telling(new MemoryContents(), () => Number.NaN), false).allocated!()).toThrow(/no length/);
});

/** 8,192 L2 tables of 2 MiB each, 16 GiB in holes of a file that takes 76 KiB. */
function tablesInHoles(): MemoryContents {
  const contents = new MemoryContents();
  contents.truncate(FIRST + TABLES * CLUSTER);
  contents.write(0, encodeHeader({ clusterBits: 21, virtualSize: TABLES * (CLUSTER / 8) * CLUSTER, l1Size: TABLES, l1Offset: 3 * CLUSTER, refcountTableOffset: CLUSTER, refcountTableClusters: 1, incompatible: 0n, refcountOrder: 4, extensions: [] }));
  const l1 = new DataView(new ArrayBuffer(TABLES * 8));
  for (let index = 0; index < TABLES; index++) l1.setBigUint64(index * 8, (1n << 63n) | BigInt(FIRST + index * CLUSTER));
  contents.write(3 * CLUSTER, new Uint8Array(l1.buffer));
  const block = new DataView(new ArrayBuffer(8));
  block.setBigUint64(0, BigInt(2 * CLUSTER));
  contents.write(CLUSTER, new Uint8Array(block.buffer));
  contents.write(2 * CLUSTER, new Uint8Array([0, 1, 0, 1, 0, 1, 0, 1]));
  return contents;
}

/** A place with one image of which each store that is opened is counted. */
function placeOf(contents: MemoryContents, allocated: number): { readonly files: FileSpace; readonly opened: CountingStore[] } {
  const opened: CountingStore[] = [];
  const files: FileSpace = Object.assign(new MemoryFiles(), {
    open: async () => {
      const store = telling(contents, () => allocated);
      opened.push(store);
      return { ok: true as const, value: store };
    },
  });
  return { files, opened };
}

type Change = (engine: EngineFixture, handle: number) => Promise<Failure>;

test.each<readonly [string, number, Change]>([
  ["a snapshot", 0, (engine, handle) => engine.fail("createSnapshot", { handle, name: "x" })],
  ["a shrink", 0, (engine, handle) => engine.fail("resize", { handle, sizeBytes: 64 * MIB, preallocation: "off" })],
  ["version 2", 0, (engine, handle) => engine.fail("amend", { handle, options: { version: 2 } })],
  // Where data lies is asked table by table: so many empty ones are met before all are held against the file.
  ["a rebase", 257, (engine, handle) => engine.fail("rebase", { handle, backing: null, headerOnly: false, compressed: false })],
])("%s of an image that is open for writing is refused where its tables lie in holes, having read %i of them", async (_, read, change) => {
  const { files, opened } = placeOf(tablesInHoles(), 76 * 1024);
  const engine = engineFixture(files);
  const { handle } = await engine.ok("open", { file: "a", readOnly: false, format: null });
  for (const store of opened) store.take();
  const refused = await change(engine, handle);
  expect(refused.kind === "move" ? refused.cause : refused).toMatchObject({ kind: "image", structure: "image's tables" });
  const took = opened.map((store) => store.take());
  expect(took.reduce((sum, { readBytes }) => sum + readBytes, 0)).toBeLessThan(16 * MIB + read * CLUSTER);
  // Nothing but that it is in use, and that it is not any more.
  expect(took.reduce((sum, { writtenBytes }) => sum + writtenBytes, 0)).toBeLessThan(1024);
});
