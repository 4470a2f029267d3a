/** Promises of the engine that a review found broken once: refused images are left alone, copies are whole, files are never replaced unasked. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { storeFault } from "../../../src/bytes/byte-store.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import { NodeFiles } from "../../../src/bytes/node-files.ts";
import { copyStore } from "../../../src/engine/copy.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { openDevice } from "../../../src/engine/open-device.ts";
import { patternPayload } from "../../../src/engine/payload.ts";
import type { CreateOptions } from "../../../src/protocol/index.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import { RecordingStore } from "../../../src/crash/recording-store.ts";
import { putFile } from "./images.ts";
import { patch64, wholeOf } from "../../../src/testing/store-bytes.ts";

function newImage(options = createOptions()): MemoryStore {
  const store = new MemoryStore("review");
  const made = writeNewImage(store, options);
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  return store;
}
function problemOf(act: () => unknown): Fault["problem"] | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof Fault) return error.problem;
    throw error;
  }
}
/** The v4 extension's zonedmeta_offset: directly behind the header's 112 bytes, its own 8 of magic and length, and 32 of fields. */
const METADATA_OFFSET_FIELD = 112 + 8 + 32;
function metadataOffset(store: MemoryStore): number {
  return Number(new DataView(wholeOf(store).buffer).getBigUint64(METADATA_OFFSET_FIELD));
}

test.each([true, false])("pointers that overlap an L2 table are refused, and the file is left as it was (write: %s)", (write) => {
  const store = newImage();
  const { l1Offset } = readHeader(store);
  patch64(store, l1Offset, (1n << 63n) | BigInt(metadataOffset(store)));
  // An autoclear bit, which an open for writing clears: not of an image that it then refuses.
  patch64(store, 88, 1n << 7n);
  const before = wholeOf(store);
  expect(problemOf(() => openDevice(store, "qcow2", write, () => 0))).toMatchObject({ kind: "image", structure: "zoned metadata" });
  expect(Buffer.compare(wholeOf(store), before)).toBe(0);
});

test.each([true, false])("pointers that overlap a refcount block are refused (write: %s)", (write) => {
  const store = newImage();
  const { refcountTableOffset } = readHeader(store);
  patch64(store, refcountTableOffset + 8, BigInt(metadataOffset(store)));
  const before = wholeOf(store);
  expect(problemOf(() => openDevice(store, "qcow2", write, () => 0))).toMatchObject({ kind: "image", structure: "zoned metadata" });
  expect(Buffer.compare(wholeOf(store), before)).toBe(0);
});

test.each<[string, (store: MemoryStore, metadata: bigint) => void]>([
  ["L1 table", (store, metadata) => patch64(store, 40, metadata)],
  ["refcount table", (store, metadata) => patch64(store, 48, metadata)],
  ["snapshot table", (store, metadata) => {
    // The number of snapshots stands beside the size of the L1 table.
    patch64(store, 56, (1n << 32n) | 1n);
    patch64(store, 64, metadata);
  }],
])("pointers in the cluster of the %s are refused by its name", (owner, misplace) => {
  const store = newImage();
  misplace(store, BigInt(metadataOffset(store)));
  for (const write of [true, false]) {
    const before = wholeOf(store);
    const problem = { kind: "image", structure: "zoned metadata", hostOffset: metadataOffset(store), found: `a cluster that holds the ${owner}`, allowed: "a cluster of its own" };
    expect(problemOf(() => openDevice(store, "qcow2", write, () => 0))).toMatchObject(problem);
    expect(Buffer.compare(wholeOf(store), before)).toBe(0);
  }
});

test.each<[string, CreateOptions, number]>([
  ["the first", createOptions({ zoned: { conventionalZones: 1 } }), 0],
  ["the last of two", createOptions({ sizeBytes: 100 * 64 * KIB, clusterSize: 512, zoned: { zoneSize: 64 * KIB, zoneCapacity: 64 * KIB, conventionalZones: 1 } }), 512],
])("a guest's cluster that lies where the pointers are is not written: %s cluster", (_, options, behind) => {
  const store = newImage(options);
  const { device } = openDevice(store, "qcow2", true, () => 0);
  device.write(0, patternPayload(1, 512));
  device.flush();
  const l2 = new DataView(wholeOf(store).buffer).getBigUint64(readHeader(store).l1Offset) & 0x00fffffffffffe00n;
  const { clusterSize } = options;
  const taken = metadataOffset(store) + behind;
  patch64(store, Number(l2), (1n << 63n) | BigInt(taken));
  const before = wholeOf(store).slice(taken, taken + clusterSize);
  const again = openDevice(store, "qcow2", true, () => 0).device;
  expect(problemOf(() => again.write(0, patternPayload(1, 512)))).toMatchObject({ kind: "image", field: "host offset of a data cluster", found: "the zoned metadata" });
  expect(Buffer.compare(wholeOf(store).slice(taken, taken + clusterSize), before)).toBe(0);
});

test("an image checks clean after its refcount table moved while it was open", async () => {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "a", options: createOptions({ sizeBytes: 4 * MIB, clusterSize: 512, refcountBits: 64 }) });
  const { handle } = await fixture.ok("open", { file: "a", readOnly: false, format: "qcow2" });
  for (let zone = 0; zone < 3; zone++) await fixture.ok("write", { handle, offset: zone * MIB, length: MIB, pattern: 1, data: null });
  expect(await fixture.ok("check", { handle })).toMatchObject({ corruptions: 0, leaks: 0 });
});

test("a reset that failed in the middle is durable before the zone's clusters are written in place", () => {
  const base = newImage(createOptions({ sizeBytes: 4 * MIB, clusterSize: 4 * KIB }));
  const { device: first } = openDevice(base, "qcow2", true, () => 0);
  first.write(0, patternPayload(0x11, MIB));
  first.write(MIB, patternPayload(0x11, MIB));
  first.flush();

  const recording = new RecordingStore("review", base.contents.copy());
  let failing = false;
  const { device } = openDevice(
    new Proxy(recording, {
      get(target, key) {
        if (key === "read" && failing) return () => { throw storeFault("review", "io", "read", 0, 0, "planned"); };
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    }),
    "qcow2", true, () => 0,
  );
  failing = true;
  expect(problemOf(() => device.manage("reset", 0, MIB))).toMatchObject({ kind: "store" });
  failing = false;
  // The zone is empty now, and its clusters are still mapped.
  expect(device.write(0, patternPayload(0x22, 512 * KIB)).ok).toBe(true);
  const crashed = new MemoryStore("crashed", recording.crashOfProgram(recording.log.length));
  const { device: after } = openDevice(crashed, "qcow2", true, () => 0);
  const pointer = after.zones!.writePointer[0]!;
  const found = new Uint8Array(MIB);
  after.read(0, found);
  const wanted = new Uint8Array(MIB).fill(0x11, 0, pointer);
  expect(Buffer.compare(found, wanted)).toBe(0);
});

test("a copy that was interrupted is no image, wherever the power failed", () => {
  const source = newImage(createOptions({ sizeBytes: 8 * MIB }));
  const { device } = openDevice(source, "qcow2", true, () => 0);
  device.write(0, patternPayload(0x33, MIB));
  device.write(MIB, patternPayload(0x44, MIB));
  device.flush();
  const target = new RecordingStore("copy");
  const copying = copyStore(source, target);
  while (copying.next().done !== true);
  for (let cut = 0; cut <= target.log.length; cut++) {
    const written = target.log.slice(0, cut).some((record) => record.kind === "write" && record.offset === 0);
    const contents = target.crashOfProgram(cut);
    const start = new Uint8Array(4);
    new MemoryStore("crashed", contents).read(0, start);
    if (!written) expect([...start]).toEqual([0, 0, 0, 0]);
    // With its first bytes there, everything else is durable.
    else expect(target.log.slice(0, cut).findLastIndex(({ kind }) => kind === "flush")).toBeGreaterThan(0);
  }
  expect(Buffer.compare(wholeOf(new MemoryStore("whole", target.crashOfProgram(target.log.length))), wholeOf(source))).toBe(0);
});

test("a copy replaces no file, also one that the folder does not list", async () => {
  const folder = mkdtempSync(join(tmpdir(), "review-"));
  try {
    const fixture = engineFixture(new NodeFiles(folder));
    await fixture.ok("create", { file: "a.qcow2", options: createOptions() });
    writeFileSync(join(folder, "letter.txt"), "keep me");
    expect(await fixture.fail("copy", { from: "a.qcow2", to: "letter.txt" })).toMatchObject({ kind: "file", code: "exists" });
    expect(readFileSync(join(folder, "letter.txt"), "utf8")).toBe("keep me");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("letting go of a file closes every handle on it", async () => {
  const files = new MemoryFiles();
  const fixture = engineFixture(files);
  const { engine, notices } = fixture;
  await fixture.ok("create", { file: "a", options: createOptions() });
  await fixture.ok("open", { file: "a", readOnly: true, format: "qcow2" });
  await fixture.ok("open", { file: "a", readOnly: true, format: "qcow2" });
  expect(await engine.letGo("a", Number.MAX_SAFE_INTEGER)).toBe(true);
  expect(notices.filter(({ notice }) => notice === "taken-over")).toHaveLength(2);
  const opened = await files.open("a", "write");
  expect(opened.ok).toBe(true);
  expect(await engine.letGo("a", Number.MAX_SAFE_INTEGER)).toBe(false);
});

test("an image that a bug of ours broke is not copied as if it were whole", async () => {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "a", options: createOptions() });
  const { handle } = await fixture.ok("open", { file: "a", readOnly: false, format: "qcow2" });
  await fixture.ok("write", { handle, offset: 0, length: 4 * KIB, pattern: 1, data: null });
  // A request that only a bug could make.
  expect(await fixture.fail("write", { handle, offset: MIB, length: 512, pattern: 1, data: undefined as unknown as Uint8Array })).toMatchObject({ kind: "bug" });
  expect(await fixture.fail("copy", { from: "a", to: "b" })).toMatchObject({ kind: "bug" });
  expect((await fixture.ok("listFiles", {})).files.map(({ name }) => name)).toEqual(["a"]);
});

test("a start that cannot look for leftovers still starts", async () => {
  const files = new MemoryFiles();
  files.list = () => Promise.reject(new Error("the folder cannot be read"));
  const engine = new Engine({ files, notify: () => {}, now: () => 0 });
  await expect(engine.start()).resolves.toBeUndefined();
  const made = await engine.perform("create", { file: "a", options: createOptions() });
  expect(made.ok).toBe(true);
});

test("a download's copy is not removed by the start of another tab", async () => {
  const files = new MemoryFiles();
  const host = { files, blobOf: (file: string) => files.blobOf(file), notify: () => {}, now: () => 0 };
  const engine = new Engine(host);
  await engine.perform("create", { file: "a", options: createOptions() });
  expect((await engine.perform("exportFile", { file: "a" })).ok).toBe(true);
  await new Engine(host).start();
  expect((await files.list()).filter(({ name }) => name.startsWith(".saving-"))).toHaveLength(1);
  await engine.shutDown();
  await new Engine(host).start();
  expect((await files.list()).map(({ name }) => name)).toEqual(["a"]);
});

test("one call that changes very many zones collects a bounded number of events, and every change", async () => {
  const fixture = engineFixture();
  const { notices } = fixture;
  const zones = 20_000;
  await fixture.ok("create", { file: "a", options: createOptions({ sizeBytes: zones * 512, zoned: { zoneSize: 512, zoneCapacity: 512 } }) });
  const { handle } = await fixture.ok("open", { file: "a", readOnly: false, format: "qcow2" });
  await fixture.ok("watch", { handle });
  await fixture.ok("manage", { handle, operation: "finish", offset: 0, length: zones * 512 });
  const notice = notices.find((one) => one.notice === "device");
  if (notice?.notice !== "device") throw new Error("no notice");
  expect(notice.changes.zone.length).toBe(zones);
  expect(notice.events.length).toBeLessThanOrEqual(10_000);
});

test("an unwatched device collects nothing", async () => {
  const { device } = openDevice(newImage(), "qcow2", true, () => 0);
  device.write(0, patternPayload(1, 512));
  device.log.watched = true;
  device.write(512, patternPayload(1, 512));
  expect([...device.log.take(device.zones!)!.changes.zone]).toEqual([0]);
  device.log.watched = false;
  device.write(MIB, patternPayload(1, 512));
  device.log.watched = true;
  device.write(1024, patternPayload(1, 512));
  expect([...device.log.take(device.zones!)!.changes.zone]).toEqual([0]);
});

test("a raw disk whose flush failed is not said to be durable by the next one", async () => {
  const files = new MemoryFiles();
  await putFile(files, "r", new Uint8Array(4096));
  const open = files.open.bind(files);
  let failures = 1;
  files.open = async (name, mode) => {
    const opened = await open(name, mode);
    if (opened.ok) opened.value.flush = () => { if (failures-- > 0) throw storeFault(name, "io", "flush", 0, 0, "planned"); };
    return opened;
  };
  const fixture = engineFixture(files);
  const { handle } = await fixture.ok("open", { file: "r", readOnly: false, format: "raw" });
  await fixture.ok("write", { handle, offset: 0, length: 512, pattern: 1, data: null });
  expect(await fixture.fail("flush", { handle })).toMatchObject({ kind: "store", operation: "flush" });
  expect(await fixture.fail("flush", { handle })).toMatchObject({ kind: "store", operation: "flush" });
});


test("a tab that stopped waiting gets nothing closed", async () => {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "a", options: createOptions() });
  const { handle } = await fixture.ok("open", { file: "a", readOnly: false, format: "qcow2" });
  expect(await fixture.engine.letGo("a", -1)).toBe(false);
  await fixture.ok("flush", { handle });
});

test("a power cycle keeps the log: the flush before it, then what the power took", async () => {
  const fixture = engineFixture();
  const { notices } = fixture;
  await fixture.ok("create", { file: "a", options: createOptions() });
  const { handle } = await fixture.ok("open", { file: "a", readOnly: false, format: "qcow2" });
  await fixture.ok("watch", { handle });
  await fixture.ok("append", { handle, offset: 0, lengths: [4096], pattern: 1 });
  await fixture.ok("manage", { handle, operation: "open", offset: 1024 * 1024, length: 1024 * 1024 });
  const before = notices.length;
  await fixture.ok("powerCycle", { handle });
  const events = notices.slice(before).flatMap((notice) => (notice.notice === "device" ? notice.events : []));
  expect(events.filter(({ type }) => type === "transition")).toMatchObject([
    { zone: 0, from: 2, to: 4, operation: "power-cycle" },
    { zone: 1, from: 3, to: 1, operation: "power-cycle" },
  ]);
  expect(events.some((event) => event.type === "trace" && event.name === "qcow2_wp_tracking")).toBe(true);
  expect(new Set(events.map(({ seq }) => seq)).size).toBe(events.length);
  expect(Math.min(...events.map(({ seq }) => seq))).toBeGreaterThan(1);
});

test("a copy that runs beside the calls does not read from under an image that was opened meanwhile", async () => {
  // A listing that takes its time, as a large folder's does: the image is opened while the copy waits for it.
  class SlowListing extends MemoryFiles {
    override async list(): ReturnType<MemoryFiles["list"]> {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return super.list();
    }
  }
  const fixture = engineFixture(new SlowListing());
  await fixture.ok("create", { file: "a", options: createOptions() });
  const copying = fixture.engine.perform("copy", { from: "a", to: "b" });
  const { handle } = await fixture.ok("open", { file: "a", readOnly: false, format: "qcow2" });
  // The device may change while the copy goes on: the file is in use, and nothing of it is copied.
  expect(await copying).toMatchObject({ ok: false, error: { kind: "file", code: "in-use", file: "a" } });
  // Asked for while it is open, the copy takes its turn behind a flush.
  await fixture.ok("append", { handle, offset: 0, lengths: [4096], pattern: 7 });
  await fixture.ok("copy", { from: "a", to: "b" });
  const copy = await fixture.ok("open", { file: "b", readOnly: true, format: "qcow2" });
  expect((await fixture.ok("read", { handle: copy.handle, offset: 0, length: 4096, pattern: 7, wantData: false })).mismatchOffset).toBeNull();
});
