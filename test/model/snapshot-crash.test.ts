/**
 * Power loss while an internal snapshot is made, applied or deleted: after a crash at every write and flush, with legal subsets of what
 * was on its way, the image is the old or the new one: its disk and its snapshots read as before or as after, nothing is counted too
 * low, and a disk that is then overwritten as a whole leaves every snapshot as it was.
 */
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import type { ByteStore } from "../../src/bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../src/engine/create-image.ts";
import { OpenImage } from "../../src/engine/open-image.ts";
import { openDevice, STANDALONE } from "../../src/engine/open-device.ts";
import { patternPayload } from "../../src/engine/payload.ts";
import { applySnapshotOf, createSnapshotOf, deleteSnapshotOf } from "../../src/engine/snapshot-calls.ts";
import { readHeader } from "../../src/qcow2/open.ts";
import { textOf } from "../../src/qcow2/snapshots.ts";
import { readSnapshotTable } from "../../src/qcow2/snapshot-reader.ts";
import { KIB, createOptions } from "../../src/testing/engine-fixture.ts";
import { RecordingStore } from "../../src/crash/recording-store.ts";

const RANDOM_PLANS = 60;

const open = (store: ByteStore, write = true): OpenImage => OpenImage.over(1, "a", store, "qcow2", write, () => 1000);

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

/** Everything that a person can see of an image: its disk and what each snapshot shows. */
function look(store: ByteStore): Record<string, string> {
  const seen: Record<string, string> = {};
  const header = readHeader(store);
  const views = [null, ...readSnapshotTable(store, header).snapshots];
  for (const snapshot of views) {
    const { device } = openDevice(store, "qcow2", false, () => 0, undefined, { ...STANDALONE, snapshot });
    const bytes = new Uint8Array(device.disk.virtualSize);
    succeed(device.read(0, bytes));
    seen[snapshot === null ? "disk" : textOf(snapshot.name)] = Buffer.from(bytes).toString("latin1");
  }
  return seen;
}

function findings(store: ByteStore): string[] {
  const work = open(store, false).check();
  let step = work.next();
  while (step.done !== true) step = work.next();
  return [...new Set(succeed(step.value).findings.map(({ finding }) => finding))].sort();
}

interface Shape {
  readonly clusterSize: number;
  readonly refcountBits: number;
}

/** An image with two snapshots, each of another disk, and clusters that all, some and none of them share. */
function made({ clusterSize, refcountBits }: Shape): MemoryContents {
  const contents = new MemoryContents();
  const store = new MemoryStore("a", contents);
  writeNewImage(store, createOptions({ sizeBytes: 96 * clusterSize, clusterSize, refcountBits, zoned: null }));
  const image = open(store);
  const write = (cluster: number, count: number, pattern: number): unknown => succeed(image.device.write(cluster * clusterSize, patternPayload(pattern, count * clusterSize)));
  write(0, 20, 1);
  write(70, 4, 2);
  succeed(createSnapshotOf(image, "one", 0));
  write(4, 8, 3);
  succeed(image.device.writeZeroes(71 * clusterSize, clusterSize, false));
  succeed(createSnapshotOf(image, "two", 0));
  write(10, 20, 4);
  write(90, 1, 5);
  succeed(image.flush());
  return contents;
}

const SHAPES: readonly Shape[] = [
  { clusterSize: KIB, refcountBits: 16 },
  { clusterSize: 512, refcountBits: 4 },
  { clusterSize: 512, refcountBits: 64 },
];

const CHANGES: Readonly<Record<string, (image: OpenImage) => unknown>> = {
  "create a third": (image) => succeed(createSnapshotOf(image, "three", 0)),
  "apply the first": (image) => succeed(applySnapshotOf(image, "one")),
  "delete the first": (image) => succeed(deleteSnapshotOf(image, "one")),
  "delete the second": (image) => succeed(deleteSnapshotOf(image, "two")),
};

/** A wrong order, planted: the header before all else; where something is given up, after all else. */
function wrongOrder(before: MemoryContents, store: RecordingStore, headerLast: boolean): MemoryContents {
  const after = store.crashOfProgram(store.log.length);
  const [rest, head] = headerLast ? [after.copy(), before] : [before.copy(), after];
  const sector = new Uint8Array(512);
  head.read(0, sector);
  rest.write(0, sector);
  return rest;
}

for (const shape of SHAPES) {
  for (const [name, change] of Object.entries(CHANGES)) {
    test(`${name}, clusters of ${shape.clusterSize}, counts of ${shape.refcountBits} bits`, () => {
      const before = made(shape);
      const old = look(new MemoryStore("before", before.copy()));
      expect(findings(new MemoryStore("before", before.copy()))).toEqual([]);
      const store = new RecordingStore("a", before);
      const image = open(store);
      change(image);
      const after = look(store);
      expect(after).not.toEqual(old);
      expect(findings(store)).toEqual([]);

      let sawOld = 0;
      let sawNew = 0;
      const judge = (contents: MemoryContents): void => {
        const crashed = new MemoryStore("after the crash", contents);
        const seen = look(crashed);
        const isOld = JSON.stringify(seen) === JSON.stringify(old);
        if (!isOld) expect(seen).toEqual(after);
        if (isOld) sawOld++;
        else sawNew++;
        expect(findings(crashed).filter((finding) => finding !== "leak" && finding !== "copied-flag")).toEqual([]);
        const again = open(crashed);
        succeed(again.device.write(0, patternPayload(0xee, again.device.disk.virtualSize)));
        succeed(again.flush());
        const { disk: _, ...snapshots } = look(crashed);
        const { disk: __, ...expected } = seen;
        expect(snapshots).toEqual(expected);
      };
      expect(() => judge(wrongOrder(before, store, name.startsWith("delete")))).toThrow();
      for (let cut = 0; cut <= store.log.length; cut++) {
        judge(store.crashOfProgram(cut));
        judge(store.crash({ cut, survives: (record) => record % 2 === 0 }));
        judge(store.crash({ cut, survives: (_, sector) => (sector ?? 0) % 2 === 0 }));
      }
      const random = new Random(11);
      for (let index = 0; index < RANDOM_PLANS; index++) judge(store.crash(store.randomPlan(random)));
      expect(sawOld).toBeGreaterThan(0);
      expect(sawNew).toBeGreaterThan(0);
    });
  }
}
