/**
 * Power loss while options of an image are changed: after a crash at every write and flush, with legal subsets of what was on its way,
 * the image opens, its disk and its snapshots read as before, an option is what it was or what it shall be, and nothing is counted too low.
 */
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import type { ByteStore } from "../../src/bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { amendImage } from "../../src/engine/amend-calls.ts";
import { writeNewImage } from "../../src/engine/create-image.ts";
import { runToEnd } from "../../src/engine/jobs.ts";
import { STANDALONE } from "../../src/engine/open-device.ts";
import type { OpenedFiles } from "../../src/engine/open-device.ts";
import { OpenImage } from "../../src/engine/open-image.ts";
import { patternPayload } from "../../src/engine/payload.ts";
import { applySnapshotOf, createSnapshotOf } from "../../src/engine/snapshot-calls.ts";
import type { AmendOptions, CreateOptions } from "../../src/protocol/index.ts";
import { readHeader } from "../../src/qcow2/open.ts";
import { createOptions } from "../../src/testing/engine-fixture.ts";
import { RecordingStore } from "../../src/crash/recording-store.ts";

const CLUSTER = 512;
const SIZE = 400 * CLUSTER;
const RANDOM_PLANS = 60;

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

/** A raw file below the image, all of one byte; or nothing. */
const below = (backed: boolean): OpenedFiles["backing"] =>
  backed ? { ...STANDALONE, file: "base", format: "raw", store: new MemoryStore("base", MemoryContents.of(new Uint8Array(SIZE).fill(9)), true) } : null;

const open = (store: ByteStore, backed: boolean, write = true): OpenImage =>
  new OpenImage(1, { ...STANDALONE, file: "a", store, format: "qcow2", backing: below(backed) }, write, () => 1000);

interface Start {
  readonly options: Partial<CreateOptions>;
  readonly backed?: boolean;
  readonly snapshot?: boolean;
}

/** An image with data, zeros that were data, and zeros that never were; the snapshot has data where the disk then has zeros that keep their place. */
function made({ options, backed = false, snapshot = false }: Start): MemoryContents {
  const contents = new MemoryContents();
  const store = new MemoryStore("a", contents);
  succeed(writeNewImage(store, { ...createOptions({ sizeBytes: SIZE, clusterSize: CLUSTER, zoned: null }), ...options }));
  const image = open(store, backed);
  succeed(image.device.write(0, patternPayload(1, 280 * CLUSTER)));
  succeed(image.device.writeZeroes(3 * CLUSTER, 2 * CLUSTER, false));
  succeed(image.device.writeZeroes(300 * CLUSTER, 3 * CLUSTER, true));
  succeed(image.flush());
  if (snapshot) {
    succeed(createSnapshotOf(image, "one", 0));
    succeed(image.device.writeZeroes(10 * CLUSTER, 2 * CLUSTER, false));
    succeed(image.device.write(300 * CLUSTER, patternPayload(4, CLUSTER)));
    succeed(image.flush());
  }
  succeed(image.close());
  return contents;
}

function disk(image: OpenImage): string {
  const bytes = new Uint8Array(image.device.disk.virtualSize);
  succeed(image.device.read(0, bytes));
  return Buffer.from(bytes).toString("latin1");
}

/** What a guest sees, on the disk and, gone back to, in the snapshot. */
function look(contents: MemoryContents, { backed = false, snapshot = false }: Start): string[] {
  const now = disk(open(new MemoryStore("look", contents, true), backed, false));
  if (!snapshot) return [now];
  const image = open(new MemoryStore("then", contents.copy()), backed);
  succeed(applySnapshotOf(image, "one"));
  return [now, disk(image)];
}

function findings(contents: MemoryContents, backed: boolean): string[] {
  const report = succeed(runToEnd(open(new MemoryStore("check", contents, true), backed, false).check()));
  return [...new Set(report.findings.map(({ finding }) => finding))].sort();
}

const V3: Start = { options: {} };
const CASES: readonly (readonly [name: string, start: Start, amend: AmendOptions])[] = [
  ["version 3 to 2", V3, { version: 2 }],
  ["version 3 to 2 over a backing file", { ...V3, backed: true }, { version: 2 }],
  ["version 3 to 2 with a snapshot", { ...V3, snapshot: true }, { version: 2 }],
  ["version 3 to 2 with a snapshot over a backing file", { ...V3, snapshot: true, backed: true }, { version: 2 }],
  ["version 2 to 3", { options: { version: 2 } }, { version: 3 }],
  ["version 2 to 3 with a snapshot", { options: { version: 2 }, snapshot: true }, { version: 3 }],
  ["version 2 to 3 with all that it allows", { options: { version: 2 } }, { version: 3, refcountBits: 64, lazyRefcounts: true }],
  ["wider refcounts", V3, { refcountBits: 64 }],
  ["narrower refcounts", V3, { refcountBits: 1 }],
  ["narrower refcounts with a snapshot", { ...V3, snapshot: true }, { refcountBits: 2 }],
  ["lazy refcounts", V3, { lazyRefcounts: true }],
];

const describe = (contents: MemoryContents): string => {
  const { version, refcountOrder, compatible } = readHeader(new MemoryStore("header", contents, true));
  return `version ${version}, refcounts of ${2 ** refcountOrder} bits, compatible ${compatible}`;
};

test.each(CASES)("%s", (_, start, options) => {
  const { backed = false } = start;
  const before = made(start);
  const guest = look(before, start);
  const store = new RecordingStore("a", before);
  const image = open(store, backed);
  succeed(runToEnd(amendImage(image, options)));
  succeed(image.close());
  const after = store.crashOfProgram(store.log.length);
  expect(describe(after)).not.toBe(describe(before));
  expect(look(after, start)).toEqual(guest);
  expect(findings(after, backed)).toEqual([]);

  const states = new Set<string>();
  const judge = (contents: MemoryContents): void => {
    states.add(describe(contents));
    expect(look(contents, start).every((bytes, index) => bytes === guest[index]), "what a guest sees").toBe(true);
    expect(findings(contents, backed).filter((finding) => finding !== "leak")).toEqual([]);
  };
  if (options.refcountBits !== undefined) {
    // A wrong order, planted: the new header over none of the rest.
    const planted = before.copy();
    const sector = new Uint8Array(512);
    after.read(0, sector);
    planted.write(0, sector);
    expect(() => judge(planted)).toThrow();
    states.clear();
  }
  const step = Math.max(1, Math.floor(store.log.length / 60));
  for (let cut = 0; cut <= store.log.length; cut += cut > store.log.length - 60 ? 1 : step) {
    judge(store.crashOfProgram(cut));
    judge(store.crash({ cut, survives: (record) => record % 2 === 0 }));
    judge(store.crash({ cut, survives: (_record, sector) => (sector ?? 0) % 2 === 0 }));
  }
  const random = new Random(12);
  for (let index = 0; index < RANDOM_PLANS; index++) judge(store.crash(store.randomPlan(random)));
  expect(states).toContain(describe(before));
  expect(states).toContain(describe(after));
}, 60_000);

test("a zero cluster whose place a snapshot has its data in does not take the data with it", () => {
  const start: Start = { options: {}, snapshot: true };
  const contents = made(start);
  const guest = look(contents, start);
  const image = open(new MemoryStore("a", contents), false);
  succeed(runToEnd(amendImage(image, { version: 2 })));
  succeed(image.close());
  expect(look(contents, start)).toEqual(guest);
});

test("a cancel in the midst leaves an image that goes on", () => {
  const start: Start = { options: {} };
  const contents = made(start);
  const guest = look(contents, start);
  const image = open(new MemoryStore("a", contents), false);
  const work = image.guardWork(() => amendImage(image, { refcountBits: 64 }));
  for (let step = 0; step < 5; step++) expect(work.next().done).toBe(false);
  work.return({ ok: false, error: { kind: "cancelled" } });
  succeed(image.device.write(0, patternPayload(1, CLUSTER)));
  succeed(runToEnd(amendImage(image, { refcountBits: 64 })));
  succeed(image.close());
  expect(look(contents, start)).toEqual(guest);
  expect(findings(contents, false).filter((finding) => finding !== "leak")).toEqual([]);
});
