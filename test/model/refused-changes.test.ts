/**
 * A store that refuses in the middle of a change of the whole image (a snapshot, a bitmap, a size, an option, a repair), at every write and
 * truncate of it, once or until the change has ended. What the file is then is what a kill would leave there: the disk is the one before or
 * the one afterwards. The image goes on over it, the same change asked for again succeeds, and a bitmap that is called true tells of
 * all that was written.
 */
import { expect, test } from "vitest";
import type { ByteStore } from "../../src/bytes/byte-store.ts";
import { storeFault } from "../../src/bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { amendImage } from "../../src/engine/amend-calls.ts";
import { changeBitmap } from "../../src/engine/bitmap-calls.ts";
import { mergeBitmaps } from "../../src/engine/bitmap-merge-calls.ts";
import { writeNewImage } from "../../src/engine/create-image.ts";
import { runToEnd } from "../../src/engine/jobs.ts";
import { OpenImage } from "../../src/engine/open-image.ts";
import { resizeOpened } from "../../src/engine/resize-calls.ts";
import { applySnapshotOf, createSnapshotOf, deleteSnapshotOf, listSnapshots } from "../../src/engine/snapshot-calls.ts";
import type { AmendOptions, CreateOptions, Failure } from "../../src/protocol/index.ts";
import type { Result } from "../../src/base/result.ts";
import { storedBits } from "../../src/qcow2/bitmap-merge.ts";
import { readBitmaps } from "../../src/qcow2/bitmaps.ts";
import { readHeader } from "../../src/qcow2/open.ts";
import { textOf } from "../../src/qcow2/snapshots.ts";
import { createOptions } from "../../src/testing/engine-fixture.ts";
import { harmIn, writeDurably } from "./harm.ts";
import { Stop, StoppingStore } from "./stopping-store.ts";

const CLUSTER = 512;
const SPAN = 64 * CLUSTER;
const DISK = 3 * SPAN;
/** What is written afterwards: data that snapshots share. */
const WRITTEN = 7 * CLUSTER;

type Outcome = Result<unknown, Failure>;

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

const open = (store: ByteStore, write = true): OpenImage => OpenImage.over(1, "a", store, "qcow2", write, () => 0);

interface Start {
  readonly options?: Partial<CreateOptions>;
  readonly snapshots?: boolean;
  readonly bitmaps?: boolean;
}

/** A disk with data in three tables, of which a snapshot has an older state, and bitmaps, one of which records. */
function made({ options = {}, snapshots = false, bitmaps = false }: Start): MemoryContents {
  const contents = new MemoryContents();
  succeed(writeNewImage(new MemoryStore("a", contents), { ...createOptions({ sizeBytes: DISK, clusterSize: CLUSTER, zoned: null }), ...options }));
  const image = open(new MemoryStore("a", contents));
  writeDurably(image, 0, 6 * CLUSTER, 1);
  writeDurably(image, SPAN + 3 * CLUSTER, 5 * CLUSTER, 2);
  if (snapshots) succeed(createSnapshotOf(image, "one", 0));
  if (bitmaps) for (const name of ["first", "second", "idle"]) succeed(changeBitmap(image, name, { action: "add", granularity: CLUSTER }));
  if (bitmaps) succeed(changeBitmap(image, "idle", { action: "disable" }));
  writeDurably(image, 4 * CLUSTER, 4 * CLUSTER, 3);
  writeDurably(image, 2 * SPAN, 9 * CLUSTER, 4);
  if (snapshots) succeed(createSnapshotOf(image, "two", 0));
  writeDurably(image, 5 * CLUSTER, 2 * CLUSTER, 5);
  succeed(image.close());
  return contents;
}

interface Look {
  readonly disk: string;
  readonly snapshots: string;
}

/** What a reader sees of the disk and of what its snapshots are called. */
function look(contents: MemoryContents): Look {
  const image = open(new MemoryStore("a", contents.copy()), false);
  const bytes = new Uint8Array(image.device.disk.virtualSize);
  succeed(image.device.read(0, bytes));
  return { disk: Buffer.from(bytes).toString("latin1"), snapshots: succeed(listSnapshots(image)).map(({ name }) => name).join() };
}

/** That no bitmap which is called true and records leaves out a cluster of `written`. */
function trueBitmapsTell(contents: MemoryContents, written: number): void {
  const store = new MemoryStore("a", contents.copy());
  const header = readHeader(store);
  for (const bitmap of readBitmaps(store, header)?.bitmaps ?? []) {
    if (bitmap.inUse || !bitmap.auto) continue;
    const told = storedBits(store, header, bitmap).runs();
    expect([...told].some(({ offset, lengthBytes }) => offset <= written && written < offset + lengthBytes), `byte ${written} in bitmap ${textOf(bitmap.name)}`).toBe(true);
  }
}

const amend =
  (options: AmendOptions) =>
  (image: OpenImage): Outcome =>
    runToEnd(image.guardWork(() => amendImage(image, options)));
const bitmap =
  (name: string, action: "remove" | "clear" | "enable" | "disable") =>
  (image: OpenImage): Outcome =>
    changeBitmap(image, name, { action });
const size =
  (sizeBytes: number, preallocate = false) =>
  (image: OpenImage): Outcome =>
    resizeOpened(image, sizeBytes, preallocate);

type Changes = Readonly<Record<string, (image: OpenImage) => Outcome>>;

const ANY: Changes = {
  "snapshot created": (image) => createSnapshotOf(image, "new", 0),
  "no lazy refcounts": amend({ lazyRefcounts: false }),
  "version 3": amend({ version: 3 }),
  "repaired": (image) => runToEnd(image.guardWork(() => image.repair("all"))),
};
const OF_VERSION_3: Changes = {
  "bitmap added": (image) => changeBitmap(image, "added", { action: "add", granularity: CLUSTER }),
  "lazy refcounts": amend({ lazyRefcounts: true }),
  "refcounts of 64 bits": amend({ refcountBits: 64 }),
  "refcounts of 2 bits": amend({ refcountBits: 2 }),
  "grown": size(70 * SPAN),
  "grown, allocated": size(5 * SPAN, true),
  "shrunk": size(SPAN + 5 * CLUSTER),
};
const OF_16_BITS: Changes = { "version 2": amend({ version: 2 }) };
const OF_A_SNAPSHOT: Changes = { "snapshot deleted": (image) => deleteSnapshotOf(image, "one") };
const APPLIED: Changes = { "snapshot applied": (image) => applySnapshotOf(image, "one") };
const OF_BITMAPS: Changes = {
  "bitmap removed": bitmap("first", "remove"),
  "bitmap cleared": bitmap("idle", "clear"),
  "bitmap disabled": bitmap("second", "disable"),
  "bitmap enabled": bitmap("idle", "enable"),
  "bitmap merged": (image) => mergeBitmaps(image, "idle", image, "first"),
};

const STARTS: readonly (readonly [name: string, start: Start, changes: Changes])[] = [
  ["plain", {}, { ...ANY, ...OF_VERSION_3, ...OF_16_BITS }],
  ["snapshots", { snapshots: true }, { ...ANY, ...OF_VERSION_3, ...OF_16_BITS, ...OF_A_SNAPSHOT, ...APPLIED }],
  ["bitmaps", { bitmaps: true }, { ...ANY, ...OF_VERSION_3, ...OF_16_BITS, ...OF_BITMAPS }],
  ["lazy", { options: { lazyRefcounts: true }, snapshots: true }, { ...ANY, ...OF_VERSION_3, ...OF_16_BITS, ...OF_A_SNAPSHOT, ...APPLIED }],
  ["counts of 64 bits", { options: { refcountBits: 64 }, snapshots: true }, { ...ANY, ...OF_VERSION_3, ...OF_A_SNAPSHOT, ...APPLIED }],
  ["counts of 64 bits, bitmaps", { options: { refcountBits: 64 }, bitmaps: true }, { ...ANY, ...OF_VERSION_3, ...OF_BITMAPS }],
  ["version two", { options: { version: 2 }, snapshots: true }, { ...ANY, ...OF_A_SNAPSHOT, ...APPLIED }],
  ["snapshots and bitmaps", { snapshots: true, bitmaps: true }, { ...ANY, ...OF_VERSION_3, ...OF_16_BITS, ...OF_BITMAPS, ...OF_A_SNAPSHOT }],
];
const CASES = STARTS.flatMap(([startName, start, changes]) => Object.entries(changes).map(([changeName, change]) => [startName, changeName, start, change] as const));

/** The change was made before its call failed. */
const isDone = (failure: Failure): boolean => "code" in failure && ["not-found", "exists"].includes(failure.code);
/** Bitmaps that were in use when the header was switched, or when a mark could not be taken away: as after a kill there. */
const isMarked = (failure: Failure): boolean => failure.kind === "bitmap" && failure.code === "inconsistent";

/** Does the change on the image, over a store that refuses at `nth`. @returns null where the change has fewer */
function refusedAt(start: MemoryContents, nth: number, times: number, change: (image: OpenImage) => Outcome): { contents: MemoryContents; image: OpenImage; first: Outcome } | null {
  const contents = start.copy();
  const stop = new Stop(nth, times);
  const image = open(new StoppingStore(new MemoryStore("a", contents), stop));
  const first = image.guard(() => change(image));
  stop.mended = true;
  return stop.refused === 0 ? null : { contents, image, first };
}

test.each(CASES)("%s: %s", (_, _change, kind, change) => {
  const start = made(kind);
  const before = look(start);
  const whole = start.copy();
  const counting = new StoppingStore(new MemoryStore("a", whole), new Stop(Infinity, 0));
  const unhindered = open(counting);
  succeed(change(unhindered));
  succeed(unhindered.close());
  const after = look(whole);
  expect([harmIn(start), harmIn(whole)]).toEqual([[], []]);
  for (const times of [1, 2, Infinity]) {
    for (let nth = 1; ; nth++) {
      const where = `refused at ${nth}, ${times} times`;
      const refused = refusedAt(start, nth, times, change);
      if (refused === null) break;
      const { contents, image, first } = refused;
      const left = look(contents);
      expect([before.disk, after.disk].includes(left.disk), `${where}: the disk`).toBe(true);
      expect([before.snapshots, after.snapshots], where).toContain(left.snapshots);
      if (first.ok) expect(left, where).toEqual(after);
      expect(harmIn(contents), where).toEqual([]);

      expect(writeDurably(image, WRITTEN, CLUSTER, 8), `${where}: a write`).toBe(true);
      expect(look(contents).disk, where).toBe(left.disk.slice(0, WRITTEN) + "\x08".repeat(CLUSTER) + left.disk.slice(WRITTEN + CLUSTER));
      expect(harmIn(contents), `${where}: after a write`).toEqual([]);
      trueBitmapsTell(contents, WRITTEN);

      const again = first.ok ? first : image.guard(() => change(image));
      const staysMarked = !again.ok && isMarked(again.error) && (times > 1 || nth >= counting.switchedAt);
      if (!again.ok && !isDone(again.error) && !staysMarked) expect.fail(`${where}: again: ${JSON.stringify(again)}`);
      if (!staysMarked) expect(look(contents).disk.length, where).toBe(after.disk.length);
      expect(writeDurably(image, WRITTEN + 2 * CLUSTER, CLUSTER, 9), `${where}: a write in the end`).toBe(true);
      succeed(image.close());
      expect(harmIn(contents), `${where}: closed`).toEqual([]);
      expect(look(contents).disk[WRITTEN + 2 * CLUSTER], where).toBe("\x09");
      trueBitmapsTell(contents, WRITTEN + 2 * CLUSTER);
    }
  }
});

test("where a flush behind a refused growth fails, nothing more is written", () => {
  const start = made({ bitmaps: true });
  const change = size(70 * SPAN);
  let failed = 0;
  for (let nth = 1; ; nth++) {
    const contents = start.copy();
    const stop = new Stop(nth, 1);
    const store = new StoppingStore(new MemoryStore("a", contents), stop);
    const image = open(store);
    const flush = store.flush.bind(store);
    let flushesFailed = 0;
    store.flush = () => {
      if (stop.refused === 0) return flush();
      flushesFailed++;
      throw storeFault("a", "io", "flush", 0, 0, "it fails behind the refusal");
    };
    const first = image.guard(() => change(image));
    if (stop.refused === 0) break;
    store.flush = flush;
    if (flushesFailed === 0) continue;
    failed++;
    expect(first.ok, `refused at ${nth}`).toBe(false);
    expect(writeDurably(image, WRITTEN, CLUSTER, 8), `refused at ${nth}: a write`).toBe(false);
  }
  expect(failed).toBeGreaterThan(0);
});
