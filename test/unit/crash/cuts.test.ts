/** Crashes as plain data: chosen, drawn and enumerated; and what a recording store tells of its writes. */
import { describe, expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { MemoryContents } from "../../../src/bytes/memory-store.ts";
import { cutsOf, drawCut, pendingFrom, planOf, sectorsOf } from "../../../src/crash/cuts.ts";
import { RecordingStore } from "../../../src/crash/recording-store.ts";
import { sample } from "../../../src/testing/expect.ts";

/** Two writes, a barrier, and `behind` more writes of two sectors each, all of different places and bytes. */
function recorded(behind: number): RecordingStore {
  const store = new RecordingStore("recorded");
  store.write(0, sample(1024, 1));
  store.write(1024, sample(1024, 2));
  store.flush();
  for (let index = 0; index < behind; index++) store.write(2048 + index * 1024, sample(1024, 3 + index));
  return store;
}

const bytesOf = (contents: MemoryContents, offset: number, length: number): Uint8Array => {
  const into = new Uint8Array(length);
  contents.read(offset, into);
  return into;
};

describe("what is pending", () => {
  test("is what came behind the last barrier before the cut", () => {
    const { log } = recorded(2);
    expect([0, 1, 2, 3, 4, 5].map((cut) => pendingFrom(log, cut))).toEqual([0, 0, 0, 3, 3, 3]);
  });

  test("a write touches whole sectors, from the one that it begins in", () => {
    expect(sectorsOf({ kind: "write", offset: 500, data: new Uint8Array(13), label: null })).toBe(2);
    expect(sectorsOf({ kind: "write", offset: 512, data: new Uint8Array(512), label: null })).toBe(1);
    expect(sectorsOf({ kind: "flush" })).toBe(0);
  });
});

test("a chosen cut keeps the named writes whole or by sectors, and no other", () => {
  const store = recorded(3);
  const cut = { cut: 6, kept: [{ record: 3, sectors: null }, { record: 5, sectors: [1] }] };
  const disk = store.crash(planOf(store.log, cut));
  expect(bytesOf(disk, 0, 2048)).toEqual(Uint8Array.from([...sample(1024, 1), ...sample(1024, 2)]));
  expect(bytesOf(disk, 2048, 1024)).toEqual(sample(1024, 3));
  expect(bytesOf(disk, 3072, 1536)).toEqual(new Uint8Array(1536));
  expect(bytesOf(disk, 4608, 512)).toEqual(sample(1024, 5).subarray(512));
});

test("a seed draws the same crash again, and draws name only what is pending", () => {
  const { log } = recorded(5);
  for (let seed = 0; seed < 200; seed++) {
    const drawn = drawCut(log, new Random(seed));
    expect(drawCut(log, new Random(seed))).toEqual(drawn);
    const first = pendingFrom(log, drawn.cut);
    for (const { record, sectors } of drawn.kept) {
      expect(record).toBeGreaterThanOrEqual(first);
      expect(record).toBeLessThan(drawn.cut);
      if (sectors !== null) expect(sectors).toHaveLength(1);
    }
  }
  const fates = new Set(Array.from({ length: 100 }, (_, seed) => JSON.stringify(drawCut(log, new Random(seed), 4).kept)));
  expect(fates).toEqual(new Set(["[]", '[{"record":3,"sectors":null}]', '[{"record":3,"sectors":[0]}]', '[{"record":3,"sectors":[1]}]']));
});

describe("the enumeration", () => {
  test("takes every subset where few writes are pending", () => {
    const { log } = recorded(2);
    const cuts = [...cutsOf(log, new Random(1), { from: 0, exhaustive: 2, draws: 5 })];
    // 1, 2 and 4 subsets before the barrier, 1, 2 and 4 behind it.
    expect(cuts).toHaveLength(14);
    expect(new Set(cuts.map((cut) => JSON.stringify(cut))).size).toBe(14);
  });

  test("is bounded where many are, and still has each write missing alone", () => {
    const { log } = recorded(12);
    const cuts = [...cutsOf(log, new Random(1), { from: 3, exhaustive: 3, draws: 4 })];
    expect(cuts.length).toBeLessThan(15 + 10 * (3 + 4) + 12);
    const alone = cuts.filter(({ cut, kept }) => cut === log.length && kept.length === 11 && kept.every(({ sectors }) => sectors === null));
    const missing = alone.map(({ kept }) => Array.from({ length: 12 }, (_, index) => index + 3).find((record) => !kept.some((each) => each.record === record)));
    for (let record = 3; record < 15; record++) expect(missing).toContain(record);
  });
});

describe("labels", () => {
  test("stand at the writes, and unlabelled ones are held back until they are released", () => {
    const store = new RecordingStore("labelled");
    store.holdsUnlabelled = true;
    store.write(0, sample(512, 1));
    expect(store.log).toHaveLength(0);
    const read = new Uint8Array(512);
    store.read(0, read);
    expect(read).toEqual(sample(512, 1));
    store.labelWrites("pointers");
    store.write(512, sample(512, 2));
    store.flush();
    expect(store.log.map((record) => (record.kind === "write" ? record.label : record.kind))).toEqual(["pointers", "flush"]);
    store.labelWrites("data");
    store.release();
    store.labelWrites(null);
    expect(store.log.at(-1)).toMatchObject({ kind: "write", offset: 0, label: "data" });
  });

  test("a flush of which nothing is said takes along what was held back", () => {
    const store = new RecordingStore("labelled");
    store.holdsUnlabelled = true;
    store.write(0, sample(512, 1));
    store.flush();
    expect(store.log.map(({ kind }) => kind)).toEqual(["write", "flush"]);
  });

  test("a restart goes on from the disk with everything on it", () => {
    const store = recorded(1);
    store.restart();
    expect(store.log).toEqual([]);
    expect(bytesOf(store.start(), 2048, 1024)).toEqual(sample(1024, 3));
    store.write(2048, sample(1024, 9));
    expect(bytesOf(store.crash({ cut: 1, survives: () => false }), 2048, 1024)).toEqual(sample(1024, 3));
  });
});

describe("contents over bytes that are only read", () => {
  const below = (): RecordingStore => {
    const store = new RecordingStore("below");
    store.write(0, sample(200_000, 1));
    return store;
  };

  test("show them where nothing was written, and never change them", () => {
    const base = below();
    const contents = new MemoryContents(base);
    contents.write(70_000, sample(10, 2));
    expect(bytesOf(contents, 69_990, 30)).toEqual(Uint8Array.from([...sample(200_000, 1).subarray(69_990, 70_000), ...sample(10, 2), ...sample(200_000, 1).subarray(70_010, 70_020)]));
    expect(base.log).toHaveLength(1);
    contents.truncate(100_000);
    contents.truncate(200_000);
    expect(bytesOf(contents, 100_000, 100_000)).toEqual(new Uint8Array(100_000));
    expect(contents.size).toBe(200_000);
  });

  test("a copy and its original go ways of their own, whoever writes first", () => {
    const first = new MemoryContents(below());
    first.write(0, sample(100, 2));
    const second = first.copy();
    first.write(0, sample(100, 3));
    second.write(50, sample(10, 4));
    const third = second.copy();
    second.truncate(60);
    expect(bytesOf(first, 0, 100)).toEqual(sample(100, 3));
    expect(bytesOf(third, 0, 70)).toEqual(Uint8Array.from([...sample(100, 2).subarray(0, 50), ...sample(10, 4), ...sample(100, 2).subarray(60, 70)]));
    second.truncate(70);
    expect(bytesOf(second, 60, 10)).toEqual(new Uint8Array(10));
  });

  test("take no more memory than they may", () => {
    const contents = new MemoryContents(below(), 128 * 1024);
    contents.write(0, sample(100_000, 5));
    expect(() => contents.write(131_072, sample(1, 1))).toThrow(RangeError);
    expect(contents.heldBytes).toBe(128 * 1024);
  });
});
