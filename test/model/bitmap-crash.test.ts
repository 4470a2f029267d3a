/**
 * Power loss with persistent bitmaps: a bitmap that the image calls true tells of every byte that changed since it was clear, and a
 * change of the bitmaps themselves leaves the old ones or the new ones; nothing is counted too low.
 */
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import type { ByteStore } from "../../src/bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { changeBitmap } from "../../src/engine/bitmap-calls.ts";
import { mergeBitmaps } from "../../src/engine/bitmap-merge-calls.ts";
import { writeNewImage } from "../../src/engine/create-image.ts";
import { OpenImage } from "../../src/engine/open-image.ts";
import { patternPayload } from "../../src/engine/payload.ts";
import { resizeOpened } from "../../src/engine/resize-calls.ts";
import { storedBits } from "../../src/qcow2/bitmap-merge.ts";
import { readBitmaps } from "../../src/qcow2/bitmaps.ts";
import { readHeader } from "../../src/qcow2/open.ts";
import { textOf } from "../../src/qcow2/snapshots.ts";
import { KIB, createOptions } from "../../src/testing/engine-fixture.ts";
import { RecordingStore } from "../../src/crash/recording-store.ts";

const CLUSTER = KIB;
const DISK = 256 * KIB;

const open = (store: ByteStore, write = true): OpenImage => OpenImage.over(1, "a", store, "qcow2", write, () => 0);

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

interface Seen {
  readonly name: string;
  readonly inUse: boolean;
  readonly auto: boolean;
  readonly runs: string;
  readonly covers: (at: number) => boolean;
}

function look(store: ByteStore): Seen[] {
  const header = readHeader(store);
  return (readBitmaps(store, header)?.bitmaps ?? []).map((bitmap) => {
    const runs = [...storedBits(store, header, bitmap).runs()];
    const covers = (at: number): boolean => runs.some(({ offset, lengthBytes }) => at >= offset && at < offset + lengthBytes);
    return { name: textOf(bitmap.name), inUse: bitmap.inUse, auto: bitmap.auto, runs: runs.map(({ offset, lengthBytes }) => `${offset}+${lengthBytes}`).join(" "), covers };
  });
}

const shown = (seen: readonly Seen[]): unknown => seen.map(({ name, inUse, auto, runs }) => ({ name, inUse, auto, runs }));

function disk(store: ByteStore): Uint8Array {
  const bytes = new Uint8Array(DISK);
  succeed(open(store, false).device.read(0, bytes));
  return bytes;
}

function findings(store: ByteStore): string[] {
  const work = open(store, false).check();
  let step = work.next();
  while (step.done !== true) step = work.next();
  return [...new Set(succeed(step.value).findings.map(({ finding }) => finding))].filter((finding) => finding !== "leak" && finding !== "copied-flag");
}

const write = (image: OpenImage, offset: number, length: number, pattern: number): unknown => succeed(image.device.write(offset, patternPayload(pattern, length)));

/** An image with what was written before its bitmap was added; more bitmaps, so that the directory has more than one sector. */
function made(bitmaps: readonly string[]): MemoryContents {
  const contents = new MemoryContents();
  const store = new MemoryStore("a", contents);
  writeNewImage(store, createOptions({ sizeBytes: DISK, clusterSize: CLUSTER, zoned: null }));
  const image = open(store);
  write(image, 0, 40 * KIB, 1);
  for (const name of bitmaps) succeed(changeBitmap(image, name, { action: "add", granularity: KIB }));
  if (bitmaps.length > 0) succeed(changeBitmap(image, "off", { action: "disable" }));
  write(image, 8 * KIB, KIB, 2);
  succeed(image.close());
  return contents;
}

const NAMES = ["on", "off", "long".repeat(120), "last"];

function everyCrash(store: RecordingStore, judge: (contents: MemoryContents) => void): void {
  for (let cut = 0; cut <= store.log.length; cut++) {
    judge(store.crashOfProgram(cut));
    judge(store.crash({ cut, survives: (record) => record % 2 === 0 }));
    judge(store.crash({ cut, survives: (_, sector) => (sector ?? 0) % 2 === 0 }));
  }
  const random = new Random(3);
  for (let index = 0; index < 100; index++) judge(store.crash(store.randomPlan(random)));
}

test("a bitmap that is called true tells of all that changed", () => {
  const before = made(NAMES);
  const start = disk(new MemoryStore("before", before.copy()));
  const store = new RecordingStore("a", before);
  const image = open(store);
  write(image, 4 * KIB, 3 * KIB, 5);
  succeed(image.flush());
  write(image, 100 * KIB + 100, 50, 6);
  succeed(image.device.discard(20 * KIB, 4 * KIB));
  succeed(image.settle());
  write(image, 200 * KIB, 2 * KIB, 7);
  succeed(image.device.writeZeroes(6 * KIB, KIB, true));
  succeed(image.close());

  const final = look(new MemoryStore("final", store.crashOfProgram(store.log.length)));
  expect(final.map(({ inUse, auto }) => [inUse, auto])).toEqual([[false, true], [false, false], [false, true], [false, true]]);
  expect(final[0]!.runs).toBe("4096+3072 8192+1024 20480+4096 102400+1024 204800+2048");
  expect(final[1]!.runs).toBe("");

  let believed = 0;
  let doubted = 0;
  const judge = (contents: MemoryContents): void => {
    const crashed = new MemoryStore("after the crash", contents);
    const now = disk(crashed);
    for (const bitmap of look(crashed).filter(({ auto }) => auto)) {
      if (bitmap.inUse) doubted++;
      else {
        believed++;
        for (let at = 0; at < DISK; at += 512) {
          if (now.subarray(at, at + 512).some((byte, index) => byte !== start[at + index])) expect(bitmap.covers(at), `byte ${at}`).toBe(true);
        }
      }
    }
    expect(look(crashed)).toHaveLength(NAMES.length);
    expect(findings(crashed)).toEqual([]);
  };
  everyCrash(store, judge);
  expect(believed).toBeGreaterThan(0);
  expect(doubted).toBeGreaterThan(0);

  // A mark that goes before the bits are there would be found out.
  const planted = new MemoryStore("planted", before.copy());
  const unsettled = open(planted);
  write(unsettled, 4 * KIB, 3 * KIB, 5);
  succeed(unsettled.flush());
  const unmarked = before.copy();
  const copied = new MemoryStore("unmarked", unmarked);
  const bytes = new Uint8Array(planted.size());
  planted.read(0, bytes);
  copied.write(0, bytes);
  for (const { entryAt } of readBitmaps(copied, readHeader(copied))!.bitmaps) copied.write(entryAt + 12, new Uint8Array([0, 0, 0, 2]));
  expect(() => judge(unmarked)).toThrow();
});

const CHANGES: Readonly<Record<string, { readonly names: readonly string[]; readonly act: (image: OpenImage) => unknown }>> = {
  "add the first": { names: [], act: (image) => succeed(changeBitmap(image, "new", { action: "add", granularity: null })) },
  "add one more": { names: NAMES, act: (image) => succeed(changeBitmap(image, "new", { action: "add", granularity: 512 })) },
  "remove one of several": { names: NAMES, act: (image) => succeed(changeBitmap(image, "off", { action: "remove" })) },
  "remove the last": { names: ["off"], act: (image) => succeed(changeBitmap(image, "off", { action: "remove" })) },
  clear: { names: NAMES, act: (image) => succeed(changeBitmap(image, "last", { action: "clear" })) },
  enable: { names: NAMES, act: (image) => succeed(changeBitmap(image, "off", { action: "enable" })) },
  merge: { names: NAMES, act: (image) => succeed(mergeBitmaps(image, "off", image, "on")) },
};

for (const [name, { names, act }] of Object.entries(CHANGES)) {
  test(`the old bitmaps or the new ones: ${name}`, () => {
    const before = made(names);
    const old = shown(look(new MemoryStore("before", before.copy())));
    const store = new RecordingStore("a", before);
    act(open(store));
    const after = shown(look(store));
    expect(after).not.toEqual(old);
    expect(findings(store)).toEqual([]);
    let [sawOld, sawNew] = [0, 0];
    everyCrash(store, (contents) => {
      const crashed = new MemoryStore("after the crash", contents);
      const seen = shown(look(crashed));
      const isOld = JSON.stringify(seen) === JSON.stringify(old);
      if (!isOld) expect(seen).toEqual(after);
      if (isOld) sawOld++;
      else sawNew++;
      expect(findings(crashed)).toEqual([]);
    });
    expect(sawOld).toBeGreaterThan(0);
    expect(sawNew).toBeGreaterThan(0);
  });
}

test.each([DISK * 40, 5 * KIB])("a disk that gets %d bytes takes its bitmaps along, or they are known not to be true", (sizeBytes) => {
  const before = made(NAMES);
  const old = shown(look(new MemoryStore("before", before.copy())));
  const store = new RecordingStore("a", before);
  const image = open(store);
  succeed(resizeOpened(image, sizeBytes, false));
  succeed(image.close());
  const last = store.crashOfProgram(store.log.length);
  const final = look(new MemoryStore("final", last));
  expect(final.map(({ inUse, runs }) => [inUse, runs])).toEqual(NAMES.map((_, index) => [false, index === 1 || sizeBytes < DISK ? "" : "8192+1024"]));
  expect(findings(new MemoryStore("final", last))).toEqual([]);

  const seen = new Set<string>();
  const judge = (contents: MemoryContents): void => {
    const crashed = new MemoryStore("after the crash", contents);
    const { virtualSize } = readHeader(crashed);
    const now = look(crashed);
    expect(findings(crashed)).toEqual([]);
    const doubted = now.some(({ inUse }) => inUse);
    seen.add(`${virtualSize} ${doubted ? "doubted" : "true"}`);
    if (!doubted) expect(shown(now)).toEqual(virtualSize === DISK ? old : shown(final));
  };
  everyCrash(store, judge);
  for (const state of [`${DISK} true`, `${DISK} doubted`, `${sizeBytes} doubted`, `${sizeBytes} true`]) expect(seen).toContain(state);
  // The new size under bitmaps of the old length that are called true would be found out.
  const planted = before.copy();
  const sector = new Uint8Array(512);
  last.read(0, sector);
  const size = sector.slice(24, 48);
  if (sizeBytes > DISK) {
    planted.write(24, size);
    expect(() => judge(planted)).toThrow();
  }
});
