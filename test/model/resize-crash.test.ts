/**
 * Power loss while a disk is given another size: after a crash at every write and flush, with legal subsets of what was on its way, the
 * disk has the old size and the old bytes or the new size and the bytes of the new, and nothing is counted too low.
 */
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import type { ByteStore } from "../../src/bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../src/engine/create-image.ts";
import { STANDALONE, openDevice } from "../../src/engine/open-device.ts";
import type { OpenedFiles } from "../../src/engine/open-device.ts";
import { OpenImage } from "../../src/engine/open-image.ts";
import { patternPayload } from "../../src/engine/payload.ts";
import { resizeOpened } from "../../src/engine/resize-calls.ts";
import { createSnapshotOf } from "../../src/engine/snapshot-calls.ts";
import { createOptions } from "../../src/testing/engine-fixture.ts";
import { RecordingStore } from "../../src/crash/recording-store.ts";

const CLUSTER = 512;
/** Guest bytes that one L2 table maps. */
const SPAN = 64 * CLUSTER;
const RANDOM_PLANS = 60;

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

/** A raw file below the image, all of one byte and longer than the image at first; or nothing. */
function below(backed: boolean): OpenedFiles["backing"] {
  if (!backed) return null;
  return { ...STANDALONE, file: "base", format: "raw", store: new MemoryStore("base", MemoryContents.of(new Uint8Array(SPAN).fill(9)), true) };
}

const open = (store: ByteStore, backed: boolean, write = true): OpenImage =>
  new OpenImage(1, { ...STANDALONE, file: "a", store, format: "qcow2", backing: below(backed) }, write, () => 1000);

function look(store: ByteStore, backed: boolean): { size: number; disk: string } {
  const { device } = openDevice(store, "qcow2", false, () => 0, undefined, { ...STANDALONE, backing: below(backed) });
  const bytes = new Uint8Array(device.disk.virtualSize);
  succeed(device.read(0, bytes));
  return { size: bytes.length, disk: Buffer.from(bytes).toString("latin1") };
}

function findings(store: ByteStore, backed: boolean): string[] {
  const work = open(store, backed, false).check();
  let step = work.next();
  while (step.done !== true) step = work.next();
  return [...new Set(succeed(step.value).findings.map(({ finding }) => finding))].sort();
}

interface Start {
  readonly sizeBytes: number;
  readonly backed: boolean;
  readonly snapshot: boolean;
}

function made({ sizeBytes, backed, snapshot }: Start): MemoryContents {
  const contents = new MemoryContents();
  const store = new MemoryStore("a", contents);
  succeed(writeNewImage(store, createOptions({ sizeBytes, clusterSize: CLUSTER, zoned: null })));
  const image = open(store, backed);
  succeed(image.device.write(0, patternPayload(1, 5 * CLUSTER)));
  succeed(image.device.write(sizeBytes - 3 * CLUSTER, patternPayload(2, 3 * CLUSTER)));
  succeed(image.flush());
  if (snapshot) succeed(createSnapshotOf(image, "one", 0));
  return contents;
}

const CASES: readonly (readonly [name: string, start: Start, sizeBytes: number])[] = [
  ["grow into a larger L1 table", { sizeBytes: 20 * CLUSTER, backed: false, snapshot: false }, 70 * SPAN],
  ["grow within the table", { sizeBytes: 20 * CLUSTER, backed: false, snapshot: false }, SPAN],
  ["grow over a longer backing file", { sizeBytes: 20 * CLUSTER, backed: true, snapshot: false }, 3 * SPAN],
  ["shrink by whole tables", { sizeBytes: 4 * SPAN, backed: false, snapshot: false }, 2 * CLUSTER],
  ["shrink what a snapshot shares", { sizeBytes: 3 * SPAN, backed: false, snapshot: true }, SPAN + 7 * CLUSTER],
  ["shrink over a backing file", { sizeBytes: 2 * SPAN, backed: true, snapshot: false }, 30 * CLUSTER],
];

/** A wrong order, planted: the new header over none of the rest, or for a smaller disk the rest under the old header. */
function wrongOrder(before: MemoryContents, store: RecordingStore, shrinks: boolean): MemoryContents {
  const after = store.crashOfProgram(store.log.length);
  const [rest, head] = shrinks ? [after.copy(), before] : [before.copy(), after];
  const sector = new Uint8Array(512);
  head.read(0, sector);
  rest.write(0, sector);
  return rest;
}

test.each(CASES)("%s", (_, start, sizeBytes) => {
  const { backed } = start;
  const before = made(start);
  const old = look(new MemoryStore("before", before.copy()), backed);
  const store = new RecordingStore("a", before);
  succeed(resizeOpened(open(store, backed), sizeBytes, false));
  const after = look(store, backed);
  expect(after.size).toBe(sizeBytes);
  const kept = Math.min(sizeBytes, start.sizeBytes);
  expect(after.disk).toBe(old.disk.slice(0, kept) + "\0".repeat(sizeBytes - kept));
  expect(findings(store, backed)).toEqual([]);

  const seen = { old: 0, new: 0 };
  const judge = (contents: MemoryContents): void => {
    const crashed = new MemoryStore("after the crash", contents);
    const now = look(crashed, backed);
    seen[now.size === old.size ? "old" : "new"]++;
    expect(now.disk === (now.size === old.size ? old : after).disk, `the bytes of a disk of ${now.size} bytes`).toBe(true);
    expect(findings(crashed, backed).filter((finding) => finding !== "leak" && finding !== "copied-flag")).toEqual([]);
    if (sizeBytes > start.sizeBytes) return;
    // What was cut off, given up or not yet, does not come back with the next growth.
    const grown = Math.max(old.size, sizeBytes) + CLUSTER;
    succeed(resizeOpened(open(crashed, backed), grown, false));
    expect(look(crashed, backed).disk === now.disk + "\0".repeat(grown - now.size), `the bytes of a disk that grew from ${now.size} bytes`).toBe(true);
  };
  // Within the table nothing but the size changes, so that no order can be wrong.
  if (sizeBytes !== SPAN) expect(() => judge(wrongOrder(before, store, sizeBytes < start.sizeBytes))).toThrow();
  seen.old = seen.new = 0;
  for (let cut = 0; cut <= store.log.length; cut++) {
    judge(store.crashOfProgram(cut));
    judge(store.crash({ cut, survives: (record) => record % 2 === 0 }));
    judge(store.crash({ cut, survives: (_record, sector) => (sector ?? 0) % 2 === 0 }));
  }
  const random = new Random(11);
  for (let index = 0; index < RANDOM_PLANS; index++) judge(store.crash(store.randomPlan(random)));
  expect(seen.old).toBeGreaterThan(0);
  expect(seen.new).toBeGreaterThan(0);
});
