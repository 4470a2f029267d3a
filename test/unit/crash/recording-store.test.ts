/** That the crashes which the recording store makes are legal, and that it makes the ones that matter. */
import { describe, expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { MemoryContents } from "../../../src/bytes/memory-store.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";
import { sample } from "../../../src/testing/expect.ts";
import { RecordingStore } from "../../../src/crash/recording-store.ts";

const bytesOf = (contents: MemoryContents): Uint8Array => {
  const into = new Uint8Array(contents.size);
  contents.read(0, into);
  return into;
};

describe("a crash", () => {
  test("keeps what was flushed, whatever the plan says", () => {
    const store = new RecordingStore("recorded");
    store.write(0, sample(2000, 1));
    store.flush();
    store.write(0, sample(2000, 2));
    expect(bytesOf(store.crash({ cut: 3, survives: () => false }))).toEqual(sample(2000, 1));
    expect(bytesOf(store.crash({ cut: 3, survives: () => true }))).toEqual(sample(2000, 2));
    expect(bytesOf(store.crashOfProgram(1))).toEqual(sample(2000, 1));
    expect(store.crashOfProgram(0).size).toBe(0);
  });

  test("may have a later write without an earlier one", () => {
    const store = new RecordingStore("recorded");
    store.write(0, sample(512, 1));
    store.write(1024, sample(512, 2));
    const disk = bytesOf(store.crash({ cut: 2, survives: (record) => record === 1 }));
    expect(disk.subarray(0, 1024)).toEqual(new Uint8Array(1024));
    expect(disk.subarray(1024)).toEqual(sample(512, 2));
  });

  test("tears a write between sectors, never within one", () => {
    const store = new RecordingStore("recorded", MemoryContents.of(new Uint8Array(2048)));
    store.write(256, sample(1024, 1));
    const disk = bytesOf(store.crash({ cut: 1, survives: (_, sector) => sector === 1 }));
    const expected = new Uint8Array(2048);
    expected.set(sample(1024, 1).subarray(256, 768), 512);
    expect(disk).toEqual(expected);
  });

  test("has a sector as it was after its newest write that is there, older bytes of it included", () => {
    const store = new RecordingStore("recorded", MemoryContents.of(new Uint8Array(512)));
    store.write(0, sample(10, 1));
    store.write(100, sample(10, 2));
    const disk = bytesOf(store.crash({ cut: 2, survives: (record) => record === 1 }));
    expect(disk.subarray(0, 10)).toEqual(sample(10, 1));
    expect(disk.subarray(100, 110)).toEqual(sample(10, 2));
  });

  test("may lose a truncate, and a length grows by the writes that are there alone", () => {
    const store = new RecordingStore("recorded", MemoryContents.of(sample(3000, 1)));
    store.truncate(1000);
    store.write(5000, sample(100, 2));
    expect(store.size()).toBe(5100);
    expect(store.crash({ cut: 2, survives: (record) => record === 1 }).size).toBe(5100);
    expect(store.crash({ cut: 2, survives: (record) => record === 0 }).size).toBe(1000);
    expect(store.crash({ cut: 2, survives: () => false }).size).toBe(3000);
  });

  test("drawn at random is legal sector by sector, repeats from its plan, and shows every fate", () => {
    const random = new Random(7);
    const versions: Uint8Array[] = [new Uint8Array(4096)];
    const store = new RecordingStore("recorded", MemoryContents.of(versions[0]!));
    for (let seed = 1; seed <= 5; seed++) {
      store.write(0, sample(4096, seed));
      versions.push(sample(4096, seed));
    }
    const seen = new Set<string>();
    for (let turn = 0; turn < 300; turn++) {
      const plan = store.randomPlan(random);
      const disk = bytesOf(store.crash(plan));
      expect(Buffer.compare(bytesOf(store.crash(plan)), disk)).toBe(0);
      const signature = [];
      for (let sector = 0; sector < 8; sector++) {
        const range = [sector * 512, sector * 512 + 512] as const;
        const version = versions.findIndex((bytes) => Buffer.compare(bytes.subarray(...range), disk.subarray(...range)) === 0);
        expect(version).toBeGreaterThanOrEqual(0);
        signature.push(version);
      }
      seen.add(signature.join());
    }
    for (let version = 0; version <= 5; version++) expect(seen).toContain(Array(8).fill(version).join());
    expect([...seen].filter((signature) => new Set(signature.split(",")).size > 1).length).toBeGreaterThan(10);
  });
});

test("the counting store counts calls and bytes, and begins anew", () => {
  const store = new CountingStore(new RecordingStore("recorded"));
  store.write(0, sample(10, 1));
  store.read(0, new Uint8Array(4));
  store.truncate(5);
  store.flush();
  expect(store.take()).toEqual({ reads: 1, readBytes: 4, writes: 1, writtenBytes: 10, truncates: 1, flushes: 1 });
  expect(store.take()).toEqual({ reads: 0, readBytes: 0, writes: 0, writtenBytes: 0, truncates: 0, flushes: 0 });
});
