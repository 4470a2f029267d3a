/**
 * Power loss while the state of a machine is written behind the disk and the L1 table moves for it: after a crash at every write and
 * flush, with legal subsets of what was on its way, the disk has its bytes and nothing is counted too low; what was flushed of the state is there.
 */
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import type { ByteStore } from "../../src/bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../src/engine/create-image.ts";
import { STANDALONE, openDevice } from "../../src/engine/open-device.ts";
import { OpenImage } from "../../src/engine/open-image.ts";
import { patternPayload } from "../../src/engine/payload.ts";
import { readVmState, writeVmState } from "../../src/engine/vm-state-calls.ts";
import { createOptions } from "../../src/testing/engine-fixture.ts";
import { RecordingStore } from "../../src/crash/recording-store.ts";

const CLUSTER = 512;
const DISK = 40 * CLUSTER;
const STATE = [
  [0, 1],
  [200 * 64 * CLUSTER, 2],
  [3 * CLUSTER, 3],
  [900 * 64 * CLUSTER, 4],
] as const;

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

const open = (store: ByteStore, write = true): OpenImage => new OpenImage(1, { ...STANDALONE, file: "a", store, format: "qcow2" }, write, () => 1000);

function findings(store: ByteStore): string[] {
  const work = open(store, false).check();
  let step = work.next();
  while (step.done !== true) step = work.next();
  return [...new Set(succeed(step.value).findings.map(({ finding }) => finding))];
}

test("the disk stays, and what was flushed of the state", () => {
  const before = new MemoryContents();
  succeed(writeNewImage(new MemoryStore("a", before), createOptions({ sizeBytes: DISK, clusterSize: CLUSTER, zoned: null })));
  const first = open(new MemoryStore("a", before));
  succeed(first.device.write(0, patternPayload(9, DISK)));
  succeed(first.flush());

  const store = new RecordingStore("a", before);
  const image = open(store);
  const durableAt: number[] = [];
  for (const [offset, pattern] of STATE) {
    succeed(writeVmState(image.device, offset, patternPayload(pattern, 2 * CLUSTER)));
    succeed(image.flush());
    durableAt.push(store.log.length);
  }
  let l1Moves = 0;
  for (const record of store.log) if (record.kind === "write" && record.offset === 24) l1Moves++;
  expect(l1Moves).toBeGreaterThanOrEqual(2);

  const judge = (contents: MemoryContents, cut: number): void => {
    const crashed = new MemoryStore("after the crash", contents);
    const { device } = openDevice(crashed, "qcow2", false, () => 0);
    const bytes = new Uint8Array(DISK);
    succeed(device.read(0, bytes));
    expect(bytes.every((byte) => byte === 9)).toBe(true);
    STATE.forEach(([offset, pattern], index) => {
      if (durableAt[index]! <= cut) expect(succeed(readVmState(device, offset, 2 * CLUSTER, pattern, false)).mismatchOffset, `state ${index} after ${cut}`).toBeNull();
    });
    expect(findings(crashed).filter((finding) => finding !== "leak")).toEqual([]);
  };
  for (let cut = 0; cut <= store.log.length; cut++) {
    judge(store.crashOfProgram(cut), cut);
    judge(store.crash({ cut, survives: (record) => record % 2 === 0 }), cut);
    judge(store.crash({ cut, survives: () => false }), cut);
  }
  const random = new Random(5);
  for (let index = 0; index < 60; index++) judge(store.crash(store.randomPlan(random)), 0);
  // A wrong order, planted: the header of the end over the rest of the beginning.
  const torn = before.copy();
  const head = new Uint8Array(512);
  store.crashOfProgram(store.log.length).read(0, head);
  torn.write(0, head);
  expect(() => judge(torn, 0)).toThrow();
});
