/** What coalescing saves, and what it keeps when the base fails. That it reads right is the conformance suite's business. */
import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { CoalescingStore, EXTENT_SIZE, PASS_THROUGH_SIZE } from "../../../src/bytes/coalescing-store.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";
import { sample } from "../../../src/testing/expect.ts";
import { FaultyStore } from "../../../src/testing/faulty-store.ts";
import type { PlannedFailure } from "../../../src/testing/faulty-store.ts";
import { RecordingStore } from "../../../src/crash/recording-store.ts";

const KIB = 1024;

function make(plan: readonly PlannedFailure[] = []) {
  const contents = new MemoryContents();
  const faulty = new FaultyStore(new MemoryStore("base", contents), plan);
  const counting = new CountingStore(faulty);
  return { contents, faulty, counting, store: new CoalescingStore(counting) };
}

function codeOf(act: () => void): string {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.problem.kind === "store") return thrown.problem.code;
    throw thrown;
  }
  return "nothing";
}

function bytesOf(store: { read(offset: number, into: Uint8Array): number }, offset: number, length: number): Uint8Array {
  const into = new Uint8Array(length);
  return into.subarray(0, store.read(offset, into));
}

describe("calls of the base", () => {
  test("4 MiB in sequential writes of 4 KiB cost four", () => {
    const { store, counting } = make();
    for (let offset = 0; offset < 4 * EXTENT_SIZE; offset += 4 * KIB) store.write(offset, sample(4 * KIB, offset));
    store.flush();
    expect(counting.take()).toMatchObject({ writes: 4, writtenBytes: 4 * EXTENT_SIZE, flushes: 1, reads: 0 });
  });

  test("16 zones appended to in turn cost one each; a 17th drains the one that waited longest", () => {
    const { store, counting } = make();
    const zone = (index: number): number => index * 16 * EXTENT_SIZE;
    for (let turn = 0; turn < 20; turn++) for (let index = 0; index < 16; index++) store.write(zone(index) + turn * 4096, sample(4096, turn));
    expect(counting.take().writes).toBe(0);
    store.write(zone(16), sample(4096, 1));
    expect(counting.take()).toMatchObject({ writes: 1, writtenBytes: 20 * 4096 });
    expect(store.pendingBytes).toBe(15 * 20 * 4096 + 4096);
  });

  test("memory stays within 16 MiB", () => {
    const { store } = make();
    for (let index = 0; index < 40_000; index++) {
      store.write((index % 40) * 64 * EXTENT_SIZE + Math.floor(index / 40) * 4096, sample(4096, index));
      if (store.pendingBytes > 16 * EXTENT_SIZE) expect.fail(`${store.pendingBytes} bytes pending`);
    }
  });

  test("a write inside an open extent costs nothing", () => {
    const { store, counting } = make();
    store.write(0, sample(4096, 1));
    store.write(8, sample(8, 2));
    store.write(4090, sample(20, 3));
    store.drain();
    expect(counting.take()).toMatchObject({ writes: 1, writtenBytes: 4110 });
  });

  test("a large write passes through, behind what it overlaps", () => {
    const { store, counting, contents } = make();
    store.write(100, sample(50, 1));
    store.write(10 * EXTENT_SIZE, sample(50, 1));
    store.write(0, sample(PASS_THROUGH_SIZE, 2));
    expect(counting.take()).toMatchObject({ writes: 2, writtenBytes: 50 + PASS_THROUGH_SIZE });
    expect(bytesOf(contents, 0, 200)).toEqual(sample(PASS_THROUGH_SIZE, 2).subarray(0, 200));
  });

  test("a read inside pending bytes does not ask the base, another one does not drain", () => {
    const { store, counting } = make();
    store.write(0, sample(8192, 1));
    expect(bytesOf(store, 4096, 100)).toEqual(sample(8192, 1).subarray(4096, 4196));
    expect(counting.take()).toMatchObject({ reads: 0, writes: 0 });
    expect(bytesOf(store, 8000, 1000)).toEqual(sample(8192, 1).subarray(8000));
    expect(counting.take()).toMatchObject({ reads: 1, writes: 0 });
  });

  test("pending bytes count for the size, and close gives them to the base", () => {
    const { store, contents } = make();
    store.write(5000, sample(10, 1));
    expect([store.size(), contents.size]).toEqual([5010, 0]);
    store.close();
    expect(contents.size).toBe(5010);
  });
});

describe("a base that fails", () => {
  test("what was acknowledged stays pending, reads right, and is written by the next flush", () => {
    const { store, counting, contents } = make([{ operation: "write", nth: 1, times: 2, code: "no-space", tornBytes: 100 }]);
    store.write(0, sample(4096, 1));
    store.write(EXTENT_SIZE * 3, sample(4096, 2));
    expect(codeOf(() => store.flush())).toBe("no-space");
    expect(codeOf(() => store.flush())).toBe("no-space");
    expect(counting.take()).toMatchObject({ writes: 2, flushes: 0 });
    expect(store.pendingBytes).toBe(8192);
    expect(bytesOf(store, 0, 4096)).toEqual(sample(4096, 1));
    store.flush();
    expect(bytesOf(contents, 0, 4096)).toEqual(sample(4096, 1));
    expect(bytesOf(contents, EXTENT_SIZE * 3, 4096)).toEqual(sample(4096, 2));
  });

  test("a write that needs a failing drain is not acknowledged, and the older bytes stay", () => {
    const { store } = make([{ operation: "write", nth: 1 }]);
    store.write(1000, sample(100, 1));
    expect(codeOf(() => store.write(950, sample(100, 2)))).toBe("io");
    expect(bytesOf(store, 1000, 100)).toEqual(sample(100, 1));
    expect(bytesOf(store, 950, 50)).toEqual(new Uint8Array(50));
    expect(store.size()).toBe(1100);
  });

  test("a failing flush of the base is told, and the next one goes to the base again", () => {
    const { store, counting } = make([{ operation: "flush", nth: 1 }]);
    store.write(0, sample(10, 1));
    expect(codeOf(() => store.flush())).toBe("io");
    store.flush();
    expect(counting.take().flushes).toBe(2);
  });

  test("a truncate whose drain fails has not happened", () => {
    const { store } = make([{ operation: "write", nth: 1 }]);
    store.write(0, sample(100, 1));
    expect(codeOf(() => store.truncate(10))).toBe("io");
    expect(store.size()).toBe(100);
  });

  test("a close whose drain fails closes the base and says so", () => {
    const { store, counting } = make([{ operation: "write", nth: 1, code: "no-space" }]);
    store.write(0, sample(100, 1));
    expect(codeOf(() => store.close())).toBe("no-space");
    expect(codeOf(() => counting.read(0, new Uint8Array(1)))).toBe("closed");
    expect(codeOf(() => store.size())).toBe("closed");
  });
});

test("a flush is a barrier: everything written before it reaches the base before the base's flush", () => {
  const recording = new RecordingStore("recorded");
  const store = new CoalescingStore(recording);
  store.write(0, sample(10, 1));
  store.write(5000, sample(10, 2));
  store.flush();
  store.write(0, sample(10, 3));
  expect(recording.log.map((record) => record.kind)).toEqual(["write", "write", "flush"]);
  store.drain();
  expect(recording.log.map((record) => record.kind)).toEqual(["write", "write", "flush", "write"]);
});
