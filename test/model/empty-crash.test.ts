/**
 * Power loss while an image is emptied whole: after a crash at every write, truncation and flush, with legal subsets of what was on its
 * way, each cluster of the disk shows what the image had there or what lies below, and nothing else. Counts are wrong behind the dirty bit
 * alone, and whoever opens the image for writing sets them right.
 */
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import type { ByteStore } from "../../src/bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { RecordingStore } from "../../src/crash/recording-store.ts";
import { writeNewImage } from "../../src/engine/create-image.ts";
import { runToEnd } from "../../src/engine/jobs.ts";
import { mendOnOpen } from "../../src/engine/mend-on-open.ts";
import { STANDALONE, openDevice } from "../../src/engine/open-device.ts";
import type { OpenedFiles } from "../../src/engine/open-device.ts";
import { OpenImage } from "../../src/engine/open-image.ts";
import { patternPayload } from "../../src/engine/payload.ts";
import { resizeOpened } from "../../src/engine/resize-calls.ts";
import { INCOMPATIBLE_DIRTY, hasBit } from "../../src/qcow2/features.ts";
import { makeEmpty } from "../../src/qcow2/make-empty.ts";
import { readHeader } from "../../src/qcow2/open.ts";
import { createOptions } from "../../src/testing/engine-fixture.ts";

const CLUSTER = 512;
/** Guest bytes that one L2 table maps. */
const SPAN = 64 * CLUSTER;
const BELOW = 9;
const RANDOM_PLANS = 12;
/** Of a crash that keeps every second sector, or write: seldom enough to look at each. */
const SPREAD = 3;

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

/** A raw file below the image, of one byte that the image has nowhere. */
function filesOver(store: ByteStore, sizeBytes: number): OpenedFiles {
  const base = new MemoryStore("base", MemoryContents.of(new Uint8Array(sizeBytes).fill(BELOW)), true);
  return { ...STANDALONE, file: "a", store, format: "qcow2", backing: { ...STANDALONE, file: "base", format: "raw", store: base } };
}

const open = (store: ByteStore, sizeBytes: number, write = true): OpenImage => new OpenImage(1, filesOver(store, sizeBytes), write, () => 0);

function diskOf(store: ByteStore, sizeBytes: number): Uint8Array {
  const { device } = openDevice(store, "qcow2", false, () => 0, undefined, filesOver(store, sizeBytes));
  const bytes = new Uint8Array(device.disk.virtualSize);
  succeed(device.read(0, bytes));
  return bytes;
}

const findings = (store: ByteStore, sizeBytes: number): string[] =>
  succeed(runToEnd(open(store, sizeBytes, false).check()))
    .findings.map(({ finding }) => finding)
    .sort();

const isDirty = (store: ByteStore): boolean => hasBit(readHeader(store).incompatible, INCOMPATIBLE_DIRTY);

interface Start {
  /** What the disk has at last. */
  readonly sizeBytes: number;
  /** What it was made with, where it grew then: its L1 table moved, and data lies where it was. */
  readonly madeBytes?: number;
  readonly writtenBytes: number;
  readonly refcountBits: number;
}

function made({ sizeBytes, madeBytes = sizeBytes, writtenBytes, refcountBits }: Start): MemoryContents {
  const contents = new MemoryContents();
  const store = new MemoryStore("a", contents);
  succeed(writeNewImage(store, createOptions({ sizeBytes: madeBytes, clusterSize: CLUSTER, refcountBits, zoned: null })));
  // What it grows by is not over what lies below, which would want zeros there.
  const image = open(store, madeBytes);
  succeed(image.device.write(0, patternPayload(1, writtenBytes)));
  if (madeBytes < sizeBytes) succeed(resizeOpened(image, sizeBytes, false));
  succeed(image.flush());
  // Of a table that is there already: one free cluster is enough.
  succeed(image.device.write(writtenBytes, patternPayload(4, CLUSTER)));
  succeed(image.device.write(sizeBytes - 3 * CLUSTER, patternPayload(2, 3 * CLUSTER)));
  succeed(image.flush());
  return contents;
}

function empty(image: OpenImage): void {
  succeed(
    image.changeWhole((state) => {
      makeEmpty(state);
      return { ok: true, value: null };
    }),
  );
}

const CASES: readonly (readonly [name: string, start: Start])[] = [
  ["as it was made", { sizeBytes: 20 * CLUSTER, writtenBytes: 5 * CLUSTER, refcountBits: 16 }],
  ["with an L1 table that moved, and data in its first place", { sizeBytes: 40 * SPAN, madeBytes: 20 * CLUSTER, writtenBytes: 9 * CLUSTER, refcountBits: 16 }],
  ["with a refcount table that moved", { sizeBytes: 66 * SPAN, writtenBytes: 64 * SPAN, refcountBits: 64 }],
];

test.each(CASES)("an image %s", (_, start) => {
  const { sizeBytes } = start;
  const before = made(start);
  const old = diskOf(new MemoryStore("before", before.copy()), sizeBytes);
  expect(readHeader(new MemoryStore("before", before)).refcountTableOffset > CLUSTER).toBe(start.refcountBits === 64);
  const store = new RecordingStore("a", before);
  empty(open(store, sizeBytes));
  expect(diskOf(store, sizeBytes).every((byte) => byte === BELOW)).toBe(true);
  expect(findings(store, sizeBytes)).toEqual([]);
  expect(store.size()).toBe((3 + Math.ceil(readHeader(store).l1Size / 64)) * CLUSTER);

  const below = Buffer.alloc(CLUSTER, BELOW);
  const showsOneOrOther = (disk: Uint8Array): boolean => {
    for (let at = 0; at < disk.length; at += CLUSTER) {
      const piece = disk.subarray(at, at + CLUSTER);
      if (!below.equals(piece) && Buffer.compare(piece, old.subarray(at, at + CLUSTER)) !== 0) return false;
    }
    return disk.length === old.length;
  };
  const seen = { dirty: 0, sound: 0 };
  const judge = (contents: MemoryContents): void => {
    const crashed = new MemoryStore("after the crash", contents);
    expect(showsOneOrOther(diskOf(crashed, sizeBytes)), "what the disk shows").toBe(true);
    const dirty = isDirty(crashed);
    seen[dirty ? "dirty" : "sound"]++;
    if (!dirty) expect(findings(crashed, sizeBytes)).toEqual([]);
    succeed(runToEnd(mendOnOpen(filesOver(crashed, sizeBytes))));
    expect(isDirty(crashed)).toBe(false);
    expect(findings(crashed, sizeBytes)).toEqual([]);
    expect(showsOneOrOther(diskOf(crashed, sizeBytes)), "what the mended disk shows").toBe(true);
    succeed(open(crashed, sizeBytes).device.write(0, patternPayload(3, CLUSTER)));
  };
  for (let cut = 0; cut <= store.log.length; cut++) {
    judge(store.crashOfProgram(cut));
    judge(store.crash({ cut, survives: (record) => record % 2 === 0 }));
    judge(store.crash({ cut, survives: (_record, sector) => (sector ?? 0) % SPREAD === 0 }));
  }
  const random = new Random(17);
  for (let index = 0; index < RANDOM_PLANS; index++) judge(store.crash(store.randomPlan(random)));
  expect(seen.dirty).toBeGreaterThan(0);
  expect(seen.sound).toBeGreaterThan(0);
});

test("a wrong order is found: the first clusters are cleared and the L1 table is not", () => {
  const start = CASES[1]![1];
  const contents = made(start);
  const old = diskOf(new MemoryStore("before", contents.copy()), start.sizeBytes);
  const store = new RecordingStore("a", contents);
  empty(open(store, start.sizeBytes));
  const { l1Offset } = readHeader(new MemoryStore("before", contents));
  const cleared = store.log.findIndex((record) => record.kind === "write" && record.offset === CLUSTER);
  const wrong = contents.copy();
  for (const record of store.log.slice(0, cleared + 1)) if (record.kind === "write" && record.offset !== l1Offset) wrong.write(record.offset, record.data);
  const shown = diskOf(new MemoryStore("wrong", wrong), start.sizeBytes);
  const lost = shown.findIndex((byte, at) => byte !== BELOW && byte !== old[at]);
  expect(lost).toBeGreaterThanOrEqual(0);
});
