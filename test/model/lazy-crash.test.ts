/**
 * Power loss of an image with lazy refcounts: after a crash at every write and flush the header says that counts may be wrong
 * wherever they are, and once they are counted anew the disk has every byte that a flush had made durable, and nothing is wrong.
 */
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../src/engine/create-image.ts";
import { runToEnd } from "../../src/engine/jobs.ts";
import { mendOnOpen } from "../../src/engine/mend-on-open.ts";
import { STANDALONE } from "../../src/engine/open-device.ts";
import { OpenImage } from "../../src/engine/open-image.ts";
import { patternPayload } from "../../src/engine/payload.ts";
import { INCOMPATIBLE_DIRTY, hasBit } from "../../src/qcow2/features.ts";
import { readHeader } from "../../src/qcow2/open.ts";
import { createOptions } from "../../src/testing/engine-fixture.ts";
import { RecordingStore } from "../../src/crash/recording-store.ts";

const CLUSTER = 512;
const SIZE = 600 * CLUSTER;

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

/** The bytes of each cluster of the disk, by its first. */
function clustersOf(image: OpenImage): number[] {
  const bytes = new Uint8Array(SIZE);
  succeed(image.device.read(0, bytes));
  return Array.from({ length: SIZE / CLUSTER }, (_, index) => bytes[index * CLUSTER]!);
}

test("what was flushed is there, and wrong counts are never called true", () => {
  const before = new MemoryContents();
  succeed(writeNewImage(new MemoryStore("a", before), { ...createOptions({ sizeBytes: SIZE, clusterSize: CLUSTER, zoned: null }), lazyRefcounts: true }));
  const store = new RecordingStore("a", before);
  const image = OpenImage.over(1, "a", store, "qcow2", true, () => 0);
  /** By how much of the log was there: what each cluster may be. */
  const history: { readonly at: number; readonly values: readonly number[]; readonly flushed: boolean }[] = [{ at: 0, values: clustersOf(image), flushed: true }];
  const random = new Random(5);
  const note = (flushed: boolean): void => void history.push({ at: store.log.length, values: clustersOf(image), flushed });
  for (let step = 1; step <= 40; step++) {
    const first = random.below(SIZE / CLUSTER - 20);
    const [start, length] = [first * CLUSTER, (1 + random.below(20)) * CLUSTER];
    if (step % 5 === 0) succeed(image.device.discard(start, length));
    else succeed(image.device.write(start, patternPayload(step, length)));
    note(false);
    if (step % 4 === 0) {
      succeed(image.flush());
      note(true);
    }
  }
  succeed(image.close());

  let dirty = 0;
  let wrong = 0;
  const judge = (cut: number, contents: MemoryContents): void => {
    const crashed = new MemoryStore("after the crash", contents);
    const isDirty = hasBit(readHeader(crashed).incompatible, INCOMPATIBLE_DIRTY);
    if (isDirty) dirty++;
    const files = { ...STANDALONE, file: "a", store: crashed, format: "qcow2" as const };
    const report = succeed(runToEnd(new OpenImage(1, files, false, () => 0).check()));
    if (report.corruptions > 0) {
      wrong++;
      expect(isDirty).toBe(true);
    }
    succeed(runToEnd(mendOnOpen(files)));
    const mended = new OpenImage(1, files, true, () => 0);
    expect(mended.device.disk.readOnly).toBe(false);
    const after = succeed(runToEnd(mended.check()));
    expect([after.corruptions, after.checkErrors]).toEqual([0, 0]);
    const flushed = history.findLastIndex(({ at, flushed: whole }) => whole && at <= cut);
    const allowed = history.slice(flushed);
    clustersOf(mended).forEach((value, index) => expect(allowed.some(({ values }) => values[index] === value), `cluster ${index}`).toBe(true));
  };
  for (let cut = 0; cut <= store.log.length; cut += 3) {
    judge(cut, store.crashOfProgram(cut));
    judge(cut, store.crash({ cut, survives: (record) => record % 2 === 0 }));
  }
  expect(dirty).toBeGreaterThan(0);
  expect(wrong, "counts that lag are there to be found").toBeGreaterThan(0);
  const closed = new MemoryStore("closed", store.crashOfProgram(store.log.length));
  expect(hasBit(readHeader(closed).incompatible, INCOMPATIBLE_DIRTY)).toBe(false);
  expect(succeed(runToEnd(OpenImage.over(1, "a", closed, "qcow2", false, () => 0).check())).findings).toEqual([]);
});
