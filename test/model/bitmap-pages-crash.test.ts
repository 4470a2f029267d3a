/**
 * Power loss while bits of many pages are stored: pages that had bits get more where they lie, others become pages of ones, others get a
 * cluster. A bitmap that the image calls true tells of all that changed, and no cluster is counted too low. Then the same disk gets another
 * size, by which bitmaps' tables grow within their clusters, out of them, and are cut.
 */
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import type { ByteStore } from "../../src/bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { RecordingStore } from "../../src/crash/recording-store.ts";
import { changeBitmap } from "../../src/engine/bitmap-calls.ts";
import { writeNewImage } from "../../src/engine/create-image.ts";
import { runToEnd } from "../../src/engine/jobs.ts";
import { OpenImage } from "../../src/engine/open-image.ts";
import { patternPayload } from "../../src/engine/payload.ts";
import { resizeOpened } from "../../src/engine/resize-calls.ts";
import { storedBits } from "../../src/qcow2/bitmap-merge.ts";
import { readBitmapTable, readBitmaps } from "../../src/qcow2/bitmaps.ts";
import { readHeader } from "../../src/qcow2/open.ts";
import { KIB, createOptions } from "../../src/testing/engine-fixture.ts";

const MIB = 2 ** 20;
const CLUSTER = 512;
/** What a page of bits of 512 bytes each stands for. */
const PAGE = 2 * MIB;
const DISK = 9 * MIB;
/** Names of such lengths that the third entry of the directory lies across two sectors, the place of its table in the first. */
const NAMES = ["on", "n".repeat(448), "last", "m".repeat(400)];

const open = (store: ByteStore): OpenImage => OpenImage.over(1, "a", store, "qcow2", true, () => 0);

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

const write = (image: OpenImage, offset: number, length: number, pattern: number): unknown => succeed(image.device.write(offset, patternPayload(pattern, length)));

function findings(store: ByteStore): string[] {
  const report = succeed(runToEnd(OpenImage.over(1, "a", store, "qcow2", false, () => 0).check()));
  return [...new Set(report.findings.map(({ finding }) => finding))].filter((finding) => finding !== "leak" && finding !== "copied-flag");
}

/** An image whose bitmaps have bits in the pages 0, 1 and 4. */
function made(): MemoryContents {
  const contents = new MemoryContents();
  const store = new MemoryStore("a", contents);
  writeNewImage(store, createOptions({ sizeBytes: DISK, clusterSize: CLUSTER, zoned: null }));
  const image = open(store);
  for (const name of NAMES) succeed(changeBitmap(image, name, { action: "add", granularity: 512 }));
  for (const at of [4 * KIB, PAGE + 8 * KIB, 4 * PAGE + KIB]) write(image, at, KIB, 1);
  succeed(image.close());
  return contents;
}

/** The disk's bytes that the test changes, the others being zeros. */
const PLACES = [0, 4 * KIB, PAGE - 512, PAGE, PAGE + 8 * KIB, 2 * PAGE - 512, 2 * PAGE, 3 * PAGE + 512, 4 * PAGE + KIB, DISK - 512];

function bytesAt(store: ByteStore): string[] {
  const { device } = OpenImage.over(1, "a", store, "qcow2", false, () => 0);
  return PLACES.map((at) => {
    const sector = new Uint8Array(512);
    // Of a disk that was cut, what is left.
    if (at + 512 <= device.disk.virtualSize) succeed(device.read(at, sector));
    return Buffer.from(sector).toString("hex");
  });
}

interface Seen {
  readonly inUse: boolean;
  readonly runs: string;
  readonly covers: (at: number) => boolean;
}

function look(store: ByteStore): Seen[] {
  const header = readHeader(store);
  return readBitmaps(store, header)!.bitmaps.map((bitmap) => {
    const runs = bitmap.inUse ? [] : [...storedBits(store, header, bitmap).runs()];
    const covers = (at: number): boolean => runs.some(({ offset, lengthBytes }) => at >= offset && at < offset + lengthBytes);
    return { inUse: bitmap.inUse, runs: runs.map(({ offset, lengthBytes }) => `${offset}+${lengthBytes}`).join(" "), covers };
  });
}

function everyCrash(store: RecordingStore, judge: (crashed: ByteStore) => void): void {
  const judged = (contents: MemoryContents): void => judge(new MemoryStore("after the crash", contents));
  for (let cut = 0; cut <= store.log.length; cut++) {
    judged(store.crashOfProgram(cut));
    judged(store.crash({ cut, survives: (record) => record % 2 === 0 }));
    judged(store.crash({ cut, survives: (record) => record % 2 === 1 }));
    judged(store.crash({ cut, survives: (_, sector) => (sector ?? 0) % 2 === 0 }));
    judged(store.crash({ cut, survives: (_, sector) => (sector ?? 0) % 2 === 1 }));
  }
  const random = new Random(5);
  for (let index = 0; index < 150; index++) judged(store.crash(store.randomPlan(random)));
}

test("bits of a page are added where they lie, a page of ones takes none, and a bitmap that is called true tells of all that changed", () => {
  const before = made();
  const start = bytesAt(new MemoryStore("before", before.copy()));
  const store = new RecordingStore("a", before);
  const image = open(store);
  write(image, 0, KIB, 2);
  // Page 1 as a whole, with the end of page 0 and the beginning of page 2.
  succeed(image.device.writeZeroes(PAGE - 512, PAGE + KIB, true));
  succeed(image.flush());
  succeed(image.settle());
  write(image, 3 * PAGE + 512, 512, 3);
  write(image, PAGE + 8 * KIB, 512, 4);
  write(image, DISK - 512, 512, 5);
  succeed(image.close());

  const last = store.crashOfProgram(store.log.length);
  const final = new MemoryStore("final", last);
  const expected = `0+1024 4096+1024 ${PAGE - 512}+${PAGE + KIB} ${3 * PAGE + 512}+512 ${4 * PAGE + KIB}+1024 ${DISK - 512}+512`;
  expect(look(final).map(({ inUse, runs }) => [inUse, runs])).toEqual(NAMES.map(() => [false, expected]));
  const header = readHeader(final);
  const [table, ...others] = readBitmaps(final, header)!.bitmaps.map((bitmap) => readBitmapTable(final, header, bitmap));
  expect(table![1]).toBe(1);
  for (const other of [table!, ...others]) expect(new Set(other).size).toBe(5);
  // The cluster that page 1 had is free again, and nothing else is lost.
  expect(findings(final)).toEqual([]);

  let [believed, doubted] = [0, 0];
  everyCrash(store, (crashed) => {
    const now = bytesAt(crashed);
    for (const bitmap of look(crashed)) {
      if (bitmap.inUse) doubted++;
      else {
        believed++;
        PLACES.forEach((at, index) => {
          if (now[index] !== start[index]) expect(bitmap.covers(at), `byte ${at}`).toBe(true);
        });
      }
    }
    expect(findings(crashed)).toEqual([]);
  });
  expect(believed).toBeGreaterThan(100);
  expect(doubted).toBeGreaterThan(100);
});

// A table of 5 entries that has 6, one that takes two clusters, one that is cut within a page that has bits, and one that had two clusters.
test.each([
  [DISK, 11 * MIB],
  [DISK, 200 * MIB],
  [DISK, PAGE + 8 * KIB + 512],
  [200 * MIB, DISK],
])("of a disk of %d bytes that gets %d tables are changed under the marks", (from, to) => {
  const before = made();
  if (from !== DISK) {
    const grown = open(new MemoryStore("a", before));
    succeed(resizeOpened(grown, from, false));
    succeed(grown.close());
  }
  const old = look(new MemoryStore("before", before.copy())).map(({ runs }) => runs);
  const store = new RecordingStore("a", before);
  const image = open(store);
  succeed(resizeOpened(image, to, false));
  succeed(image.close());
  const final = new MemoryStore("final", store.crashOfProgram(store.log.length));
  const runs = to > PAGE * 4 ? `4096+1024 ${PAGE + 8 * KIB}+1024 ${4 * PAGE + KIB}+1024` : `4096+1024 ${PAGE + 8 * KIB}+512`;
  expect(look(final).map((bitmap) => [bitmap.inUse, bitmap.runs])).toEqual(NAMES.map(() => [false, runs]));
  expect(findings(final)).toEqual([]);
  const states = new Set<string>();
  everyCrash(store, (crashed) => {
    const { virtualSize } = readHeader(crashed);
    const now = look(crashed);
    now.forEach((bitmap, index) => {
      if (!bitmap.inUse) expect(bitmap.runs).toBe(virtualSize === from ? old[index] : runs);
    });
    states.add(`${virtualSize} ${now.some(({ inUse }) => inUse) ? "doubted" : "true"}`);
    expect(findings(crashed)).toEqual([]);
  });
  for (const state of [`${from} true`, `${from} doubted`, `${to} doubted`, `${to} true`]) expect(states).toContain(state);
});
