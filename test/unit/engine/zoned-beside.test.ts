/**
 * What zones go with and what they do not: options of a new image, and images that another program made. Each refusal by name.
 * Zoned format, "Three layouts"; zone semantics, "Durability" (what zoned images do not do).
 */
import { describe, expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import type { CreateOptions, Dialect, ZonedCreateOptions } from "../../../src/protocol/index.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";
import { fileReader, putFile, rawExtension } from "./images.ts";

const SIZE = 4 * MIB;
const zoned = { zoneCapacity: 768 * KIB, conventionalZones: 1 };

/** The bytes of an image of four zones with something in the second, changed as a test wants it. */
async function imageBytes(change: (bytes: Uint8Array, view: DataView) => void = () => undefined, dialect: Dialect = "v4"): Promise<Uint8Array> {
  const files = new MemoryFiles();
  const fixture = engineFixture(files);
  await fixture.ok("create", { file: "image", options: createOptions({ sizeBytes: SIZE, zoned: { ...zoned, dialect } }) });
  const { handle } = await fixture.ok("open", { file: "image", readOnly: false, format: null });
  await fixture.ok("write", { handle, offset: MIB, length: 4 * KIB, pattern: 7, data: null });
  await fixture.ok("close", { handle });
  const { size, read } = await fileReader(files, "image");
  const bytes = read(0, size);
  change(bytes, new DataView(bytes.buffer));
  return bytes;
}

async function withImage(bytes: Uint8Array) {
  const files = new MemoryFiles();
  await putFile(files, "image", bytes);
  const fixture = engineFixture(files);
  const same = async (): Promise<boolean> => Buffer.compare((await fileReader(files, "image")).read(0, bytes.length), bytes) === 0;
  return { fixture, same };
}

/** Sets a bit of one of the header's feature fields. */
const setBit = (at: number, bit: number) => (_: Uint8Array, view: DataView): void => view.setBigUint64(at, view.getBigUint64(at) | (1n << BigInt(bit)));
const INCOMPATIBLE = 72;
const COMPATIBLE = 80;

describe("a new zoned image", () => {
  test.each<[string, Partial<CreateOptions>, string]>([
    ["compat", { version: 2 }, "0.10"],
    ["backing_file", { backing: { file: "base", format: "raw" } }, "base"],
    ["data_file", { dataFile: { file: "data", raw: false } }, "data"],
    ["lazy_refcounts", { lazyRefcounts: true }, "on"],
  ])("is not made with %s", async (option, changes, found) => {
    const fixture = engineFixture();
    await fixture.ok("createRaw", { file: "base", sizeBytes: SIZE, preallocation: "off" });
    expect(await fixture.fail("create", { file: "image", options: { ...createOptions({ sizeBytes: SIZE, zoned }), ...changes } })).toMatchObject({ kind: "option", option, found, allowed: "nothing of the kind for a zoned image" });
    expect((await fixture.ok("listFiles", {})).files.map(({ name }) => name)).toEqual(["base"]);
  });

  test.each<[option: string, found: number, zoned: Partial<ZonedCreateOptions>, sizeBytes?: number]>([
    ["zone_size", 3 * MIB, { zoneSize: 3 * MIB }],
    ["zone_size", 256, { zoneSize: 256, zoneCapacity: 256 }],
    ["zone_size", 2 ** 32, { zoneSize: 2 ** 32 }, 2 ** 34],
    ["zone_size", 512, { zoneSize: 512, zoneCapacity: 512 }, 2 ** 32],
    ["zone_capacity", 0, { zoneCapacity: 0 }],
    ["zone_capacity", 1000, { zoneCapacity: 1000 }],
    ["zone_capacity", MIB + 512, { zoneCapacity: MIB + 512 }],
    ["nr_conv_zones", 4, { conventionalZones: 4 }],
    ["max_open_zones", 3, { maxOpenZones: 3, maxActiveZones: 2 }],
    ["max_append_bytes", 1000, { maxAppendBytes: 1000 }],
    ["max_append_bytes", 2 ** 32, { dialect: "v9", maxAppendBytes: 2 ** 32 }],
    ["size", 0, {}, 0],
  ])("is not made with %s of %i", async (option, found, changes, sizeBytes = SIZE) => {
    const { engine } = engineFixture();
    const made = await engine.perform("create", { file: "image", options: createOptions({ sizeBytes, zoned: changes }) });
    expect(made).toMatchObject({ ok: false, error: { kind: "option", option, found: String(found) } });
  });

  test.each<[string, Partial<ZonedCreateOptions>]>([
    ["an open limit that is the active one", { maxOpenZones: 2, maxActiveZones: 2 }],
    ["an open limit alone", { maxOpenZones: 3 }],
    ["all zones but the last conventional", { conventionalZones: 3 }],
    ["zones of 2 GiB, most of which the disk lacks", { zoneSize: 2 ** 31, zoneCapacity: 2 ** 31 }],
    ["a capacity of one sector", { zoneCapacity: 512 }],
    ["appends of a sector", { maxAppendBytes: 512 }],
  ])("may have %s", async (_, changes) => {
    const fixture = engineFixture();
    await fixture.ok("create", { file: "image", options: createOptions({ sizeBytes: SIZE, zoned: changes }) });
    const { facts } = await fixture.ok("open", { file: "image", readOnly: false, format: null });
    expect(facts.image.readOnly).toBe(false);
    expect(facts.zoned!.geometry).toMatchObject(changes);
  });

  test.each<[string, Partial<CreateOptions>]>([
    ...[512, 1024, 4096, 65536, 2 ** 21].map((clusterSize): [string, Partial<CreateOptions>] => [`clusters of ${clusterSize}`, { clusterSize }]),
    ...[1, 16, 64].map((refcountBits): [string, Partial<CreateOptions>] => [`counts of ${refcountBits} bits`, { refcountBits }]),
    ["extended L2 entries", { extendedL2: true }],
    ["extended L2 entries of the smallest clusters that have them", { extendedL2: true, clusterSize: 16384 }],
    ["compression_type zstd", { compressionType: "zstd" }],
    ...(["metadata", "falloc", "full"] as const).map((preallocation): [string, Partial<CreateOptions>] => [`preallocation ${preallocation}`, { preallocation }]),
    ["preallocation of subclusters", { preallocation: "metadata", extendedL2: true }],
  ])("goes with %s", async (_, changes) => {
    const fixture = engineFixture();
    await fixture.ok("create", { file: "image", options: { ...createOptions({ sizeBytes: SIZE, zoned }), ...changes } });
    const { handle } = await fixture.ok("open", { file: "image", readOnly: false, format: null });
    await fixture.ok("write", { handle, offset: MIB, length: 4608, pattern: 7, data: null });
    await fixture.ok("append", { handle, offset: 2 * MIB, lengths: [512], pattern: 8 });
    await fixture.ok("manage", { handle, operation: "finish", offset: 2 * MIB, length: MIB });
    await fixture.ok("powerCycle", { handle });
    expect((await fixture.ok("report", { handle, offset: 0, count: 4 })).map(({ condition, writePointer }) => [condition, writePointer])).toEqual([[0, 0], [4, MIB + 4608], [14, 3 * MIB], [1, 3 * MIB]]);
    for (const [offset, length, pattern] of [[MIB, 4608, 7], [MIB + 4608, MIB - 4608, 0], [2 * MIB, 512, 8], [2 * MIB + 512, MIB - 512, 0]] as const) {
      expect((await fixture.ok("read", { handle, offset, length, pattern, wantData: false })).mismatchOffset).toBe(null);
    }
    expect(await fixture.ok("check", { handle })).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });
  });
});

describe("an image of another program", () => {
  test("with lazy refcounts is read and not written", async () => {
    const { fixture, same } = await withImage(await imageBytes(setBit(COMPATIBLE, 0)));
    const { handle, facts } = await fixture.ok("open", { file: "image", readOnly: false, format: null });
    expect(facts.image).toMatchObject({ readOnly: true, readOnlyReason: "lazy refcounts, which a zoned image does not have" });
    expect((await fixture.ok("report", { handle, offset: MIB, count: 1 }))[0]).toMatchObject({ condition: 4, writePointer: MIB + 4 * KIB });
    expect(await fixture.fail("manage", { handle, operation: "reset", offset: MIB, length: MIB })).toMatchObject({ kind: "usage", code: "read-only" });
    await fixture.ok("close", { handle });
    expect(await same()).toBe(true);
  });

  test("with lazy refcounts is written once amend has taken them away, and keeps them with the dirty bit", async () => {
    const { fixture } = await withImage(await imageBytes(setBit(COMPATIBLE, 0)));
    const { handle } = await fixture.ok("open", { file: "image", readOnly: false, format: null });
    expect((await fixture.ok("amend", { handle, options: { lazyRefcounts: false } })).image).toMatchObject({ lazyRefcounts: false, readOnly: false });
    await writeOn(fixture, handle);
    const dirty = await withImage(await imageBytes((bytes, view) => [setBit(COMPATIBLE, 0), setBit(INCOMPATIBLE, 0)].forEach((set) => set(bytes, view))));
    const opened = await dirty.fixture.ok("open", { file: "image", readOnly: false, format: null });
    expect(await dirty.fixture.fail("amend", { handle: opened.handle, options: { lazyRefcounts: false } })).toMatchObject({ kind: "usage", code: "read-only" });
    await dirty.fixture.ok("close", { handle: opened.handle });
    expect(await dirty.same()).toBe(true);
  });

  test("whose disk ends within a sector has its whole sectors, as QEMU reads the size", async () => {
    const { fixture } = await withImage(await imageBytes((_, view) => view.setBigUint64(24, BigInt(SIZE - 100))));
    const { handle, facts } = await fixture.ok("open", { file: "image", readOnly: false, format: null });
    expect(facts.image).toMatchObject({ readOnly: false, readOnlyReason: null, virtualSize: SIZE - 512 });
    expect((await fixture.ok("report", { handle, offset: 3 * MIB, count: 9 })).map(({ length }) => length)).toEqual([MIB - 512]);
  });

  const version2 = (): Promise<Uint8Array> =>
    imageBytes((bytes, view) => {
      const extension = bytes.slice(rawExtension(bytes).at - 8, rawExtension(bytes).at + 48);
      bytes.fill(0, 72, 512);
      bytes.set(extension, 72);
      view.setUint32(4, 2);
    });

  /** A zone that has 4 KiB is written on, and both halves are there after a power cycle. */
  async function writeOn(fixture: EngineFixture, handle: number): Promise<void> {
    await fixture.ok("write", { handle, offset: MIB + 4 * KIB, length: 4 * KIB, pattern: 8, data: null });
    await fixture.ok("powerCycle", { handle });
    expect((await fixture.ok("report", { handle, offset: MIB, count: 1 }))[0]).toMatchObject({ condition: 4, writePointer: MIB + 8 * KIB });
    for (const [at, pattern] of [[MIB, 7], [MIB + 4 * KIB, 8]] as const) expect((await fixture.ok("read", { handle, offset: at, length: 4 * KIB, pattern, wantData: false })).mismatchOffset).toBe(null);
    expect(await fixture.ok("check", { handle })).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });
  }

  test("of version 2 is written once amend has made it one of version 3, header and extension in one sector", async () => {
    const files = new MemoryFiles();
    await putFile(files, "image", await version2());
    const fixture = engineFixture(files);
    const read = await fixture.ok("open", { file: "image", readOnly: true, format: null });
    expect(await fixture.fail("amend", { handle: read.handle, options: { version: 3 } })).toMatchObject({ kind: "usage", code: "read-only" });
    await fixture.ok("close", { handle: read.handle });
    const { handle } = await fixture.ok("open", { file: "image", readOnly: false, format: null });
    expect((await fixture.ok("amend", { handle, options: { version: 3, refcountBits: 32 } })).image).toMatchObject({ version: 3, refcountBits: 32, readOnly: false, readOnlyReason: null });
    await writeOn(fixture, handle);
    await fixture.ok("close", { handle });
    const { size, read: readBytes } = await fileReader(files, "image");
    expect(rawExtension(readBytes(0, size)).at + 48).toBeLessThanOrEqual(512);
  });

  test("of version 2 is read and not written", async () => {
    const { fixture, same } = await withImage(await version2());
    const { handle, facts } = await fixture.ok("open", { file: "image", readOnly: false, format: null });
    expect(facts.image).toMatchObject({ version: 2, readOnly: true, readOnlyReason: "version 2, which a zoned image does not have" });
    expect((await fixture.ok("read", { handle, offset: MIB, length: 4 * KIB, pattern: 7, wantData: false })).mismatchOffset).toBe(null);
    expect(await fixture.fail("write", { handle, offset: MIB + 4 * KIB, length: 512, pattern: 1, data: null })).toMatchObject({ kind: "usage", code: "read-only" });
    await fixture.ok("close", { handle });
    expect(await same()).toBe(true);
  });

  test.each([true, false])("with feature bit 5 and no extension has zones that nobody knows (read-only: %s)", async (readOnly) => {
    const { fixture, same } = await withImage(await imageBytes((bytes, view) => view.setUint32(rawExtension(bytes).at - 8, 0x12345678), "v9"));
    expect(await fixture.fail("open", { file: "image", readOnly, format: null })).toMatchObject({ kind: "unsupported" });
    expect(await same()).toBe(true);
  });

  test("with the dirty or the corrupt bit is read and not written, and stays as it is", async () => {
    for (const bit of [0, 1]) {
      const { fixture, same } = await withImage(await imageBytes(setBit(INCOMPATIBLE, bit)));
      const { handle, facts } = await fixture.ok("open", { file: "image", readOnly: false, format: null, mend: true });
      expect(facts.image.readOnly).toBe(true);
      expect((await fixture.ok("report", { handle, offset: MIB, count: 1 }))[0]).toMatchObject({ condition: 4, writePointer: MIB + 4 * KIB });
      await fixture.ok("close", { handle });
      expect(await same()).toBe(true);
    }
  });
});

describe("an image of zones is refused by name, and nothing is changed, where", () => {
  test("it is to stand on a backing file", async () => {
    const { fixture, same } = await withImage(await imageBytes());
    await fixture.ok("createRaw", { file: "base", sizeBytes: SIZE, preallocation: "off" });
    const { handle } = await fixture.ok("open", { file: "image", readOnly: false, format: null });
    for (const headerOnly of [true, false]) {
      const refused = await fixture.fail("rebase", { handle, backing: { file: "base", format: "raw" }, headerOnly, compressed: false });
      expect(refused).toEqual({ kind: "unsupported", feature: "a backing file of a zoned image" });
    }
    expect(await fixture.fail("commit", { handle, base: null, empty: true })).toEqual({ kind: "unsupported", feature: "a backing file of a zoned image" });
    await fixture.ok("close", { handle });
    expect(await same()).toBe(true);
  });

  test("an overlay is to be written into it", async () => {
    const { fixture, same } = await withImage(await imageBytes());
    await fixture.ok("create", { file: "overlay", options: { ...createOptions({ sizeBytes: SIZE, zoned: null }), backing: { file: "image", format: "qcow2" } } });
    const { handle } = await fixture.ok("open", { file: "overlay", readOnly: false, format: null });
    await fixture.ok("write", { handle, offset: MIB + 4 * KIB, length: 4 * KIB, pattern: 3, data: null });
    expect(await fixture.fail("commit", { handle, base: null, empty: true })).toEqual({ kind: "unsupported", feature: "a commit into a zoned image" });
    expect((await fixture.ok("read", { handle, offset: MIB, length: 4 * KIB, pattern: 7, wantData: false })).mismatchOffset).toBe(null);
    expect((await fixture.ok("read", { handle, offset: MIB + 4 * KIB, length: 4 * KIB, pattern: 3, wantData: false })).mismatchOffset).toBe(null);
    await fixture.ok("close", { handle });
    expect(await same()).toBe(true);
  });

  test("what is written is to go elsewhere", async () => {
    const { fixture, same } = await withImage(await imageBytes());
    expect(await fixture.fail("open", { file: "image", readOnly: false, format: null, temporary: true })).toEqual({ kind: "unsupported", feature: "a temporary snapshot of a zoned image" });
    expect(await same()).toBe(true);
  });

  test("it is to get another size", async () => {
    const { fixture, same } = await withImage(await imageBytes());
    const { handle } = await fixture.ok("open", { file: "image", readOnly: false, format: null });
    for (const sizeBytes of [SIZE - MIB, SIZE + MIB]) expect(await fixture.fail("resize", { handle, sizeBytes, preallocation: "off" })).toEqual({ kind: "unsupported", feature: "resizing a zoned image" });
    await fixture.ok("close", { handle });
    expect(await same()).toBe(true);
  });
});

describe("an extension that says there are no zones", () => {
  const unzoned = (more: (bytes: Uint8Array, view: DataView) => void = () => undefined): Promise<Uint8Array> =>
    imageBytes((bytes, view) => {
      bytes[rawExtension(bytes).at] = 0;
      more(bytes, view);
    });

  test("keeps nobody from internal snapshots", async () => {
    const { fixture } = await withImage(await unzoned());
    const { handle } = await fixture.ok("open", { file: "image", readOnly: false, format: null });
    await fixture.ok("createSnapshot", { handle, name: "one" });
    await fixture.ok("write", { handle, offset: MIB, length: 512, pattern: 9, data: null });
    await fixture.ok("applySnapshot", { handle, snapshot: "one" });
    expect((await fixture.ok("read", { handle, offset: MIB, length: 4 * KIB, pattern: 7, wantData: false })).mismatchOffset).toBe(null);
  });

  test("keeps nobody from a backing file", async () => {
    const { fixture } = await withImage(await unzoned());
    await fixture.ok("createRaw", { file: "base", sizeBytes: SIZE, preallocation: "off" });
    const { handle } = await fixture.ok("open", { file: "image", readOnly: false, format: null });
    await fixture.ok("rebase", { handle, backing: { file: "base", format: "raw" }, headerOnly: true, compressed: false });
    await fixture.ok("close", { handle });
    const opened = await fixture.ok("open", { file: "image", readOnly: false, format: null });
    expect(opened.facts.image.backingFile).toBe("base");
    expect((await fixture.ok("read", { handle: opened.handle, offset: MIB, length: 4 * KIB, pattern: 7, wantData: false })).mismatchOffset).toBe(null);
  });

  test("keeps the dirty bit from nothing: the image is repaired and written", async () => {
    const { fixture } = await withImage(await unzoned(setBit(INCOMPATIBLE, 0)));
    const { handle, facts } = await fixture.ok("open", { file: "image", readOnly: false, format: null, mend: true });
    expect([facts.image.readOnly, facts.image.dirty]).toEqual([false, false]);
    await fixture.ok("write", { handle, offset: 100, length: 1000, pattern: 9, data: null });
  });
});
