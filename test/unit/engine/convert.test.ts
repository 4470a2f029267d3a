/** The calls convert, compare and createRaw over files in memory: what is read and written, what is refused, and how a cancel ends. */
import { describe, expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";
import type { ConvertOptions } from "../../../src/protocol/index.ts";

const OPTIONS: ConvertOptions = { sparseBytes: 4096, compressed: false, targetIsZero: true, keepsBacking: false, salvage: false, part: null };
const plain = (sizeBytes: number): ReturnType<typeof createOptions> => createOptions({ sizeBytes, zoned: null });

/** A new qcow2 image with writes [offset, length, pattern], left open. */
async function image(fixture: EngineFixture, file: string, sizeBytes: number, writes: readonly (readonly [number, number, number])[]): Promise<number> {
  await fixture.ok("create", { file, options: plain(sizeBytes) });
  const { handle } = await fixture.ok("open", { file, readOnly: false, format: "qcow2" });
  for (const [offset, length, pattern] of writes) await fixture.ok("write", { handle, offset, length, pattern, data: null });
  return handle;
}

async function raw(fixture: EngineFixture, file: string, sizeBytes: number): Promise<number> {
  await fixture.ok("createRaw", { file, sizeBytes, preallocation: "off" });
  return (await fixture.ok("open", { file, readOnly: false, format: "raw" })).handle;
}

const bytesOf = async (fixture: EngineFixture, handle: number, offset: number, length: number): Promise<Uint8Array> =>
  (await fixture.ok("read", { handle, offset, length, pattern: null, wantData: true })).data!;

describe("createRaw", () => {
  test("rounds the size up to sectors, and writes zeros when asked to", async () => {
    const files = new MemoryFiles();
    const fixture = engineFixture(files);
    for (const preallocation of ["off", "full"] as const) {
      await fixture.ok("createRaw", { file: "disk", sizeBytes: 100_001, preallocation });
      const { handle, facts } = await fixture.ok("open", { file: "disk", readOnly: true, format: "raw" });
      expect(facts.image).toMatchObject({ virtualSize: 100_352, fileSize: 100_352 });
      expect(Buffer.compare(await bytesOf(fixture, handle, 0, 100_352), new Uint8Array(100_352))).toBe(0);
      await fixture.ok("close", { handle });
    }
  });

  test("refuses a size that no file has, and a file that is open", async () => {
    const fixture = engineFixture();
    for (const sizeBytes of [-1, 2 ** 53, NaN]) expect(await fixture.fail("createRaw", { file: "disk", sizeBytes, preallocation: "off" })).toMatchObject({ kind: "option", option: "size" });
    await raw(fixture, "disk", MIB);
    expect(await fixture.fail("createRaw", { file: "disk", sizeBytes: MIB, preallocation: "off" })).toMatchObject({ kind: "file", code: "in-use" });
    expect(await fixture.fail("create", { file: "disk", options: plain(MIB) })).toMatchObject({ kind: "file", code: "in-use" });
  });
});

describe("convert", () => {
  test("copies several sources end to end", async () => {
    const fixture = engineFixture();
    const first = await image(fixture, "first", 192 * KIB + 512, [[100_000, 5000, 1]]);
    const second = await image(fixture, "second", 128 * KIB, [[0, 100, 2]]);
    const target = await raw(fixture, "target", 320 * KIB + 512);
    await fixture.ok("convert", { sources: [first, second], target, options: OPTIONS });
    const data = await bytesOf(fixture, target, 0, 320 * KIB + 512);
    const expected = new Uint8Array(320 * KIB + 512);
    expected.fill(1, 100_000, 105_000);
    expected.fill(2, 192 * KIB + 512, 192 * KIB + 612);
    expect(Buffer.compare(data, expected)).toBe(0);
  });

  test("a part lands at the target's start", async () => {
    const fixture = engineFixture();
    const source = await image(fixture, "source", MIB, [[0, MIB, 1], [300_000, 1000, 2]]);
    const target = await raw(fixture, "target", 2048);
    await fixture.ok("convert", { sources: [source], target, options: { ...OPTIONS, sparseBytes: 0, part: { offset: 299_500, length: 2000 } } });
    const data = await bytesOf(fixture, target, 0, 2048);
    expect([data[499], data[500], data[1499], data[1500], data[1999], data[2000]]).toEqual([1, 2, 2, 1, 1, 0]);
  });

  test("zeros make nothing allocated in a new image, and are written over what is there", async () => {
    const fixture = engineFixture();
    const source = await image(fixture, "source", MIB, [[0, 256 * KIB, 0], [512 * KIB, 64 * KIB, 5]]);
    const fresh = await image(fixture, "fresh", MIB, []);
    await fixture.ok("convert", { sources: [source], target: fresh, options: OPTIONS });
    const used = await image(fixture, "used", MIB, [[0, MIB, 9]]);
    await fixture.ok("convert", { sources: [source], target: used, options: { ...OPTIONS, targetIsZero: false } });
    const full = await image(fixture, "full", MIB, []);
    await fixture.ok("convert", { sources: [source], target: full, options: { ...OPTIONS, sparseBytes: 0, targetIsZero: false } });
    const allocated = async (handle: number): Promise<number> =>
      (await fixture.ok("map", { handle, offset: 0, length: MIB, maxExtents: 100 })).extents.reduce((sum, { data, length }) => sum + (data ? length : 0), 0);
    expect([await allocated(fresh), await allocated(used), await allocated(full)]).toEqual([64 * KIB, 64 * KIB, MIB]);
    for (const handle of [fresh, used, full]) expect((await fixture.ok("compare", { first: source, second: handle, strict: false })).mismatch).toBeNull();
  });

  test("what the source has from its own backing is left to the target's, and only that", async () => {
    const fixture = engineFixture();
    const below = await image(fixture, "below", 512 * KIB, [[0, 512 * KIB, 1]]);
    await fixture.ok("close", { handle: below });
    const over = async (file: string): Promise<number> => {
      await fixture.ok("create", { file, options: { ...plain(MIB), backing: { file: "below", format: "qcow2" } } });
      return (await fixture.ok("open", { file, readOnly: false, format: "qcow2" })).handle;
    };
    const source = await over("source");
    for (const [offset, pattern] of [[0, 0], [128 * KIB, 5]] as const) await fixture.ok("write", { handle: source, offset, length: 64 * KIB, pattern, data: null });
    const target = await over("target");
    await fixture.ok("convert", { sources: [source], target, options: { ...OPTIONS, keepsBacking: true } });
    const mapped = await fixture.ok("map", { handle: target, offset: 0, length: MIB, maxExtents: 100 });
    expect(mapped.extents.filter(({ allocated, depth }) => allocated && depth === 0).map(({ start, length, zero }) => [start, length, zero])).toEqual([
      [0, 64 * KIB, true],
      [128 * KIB, 64 * KIB, false],
    ]);
    expect((await fixture.ok("compare", { first: source, second: target, strict: false })).mismatch).toBeNull();
    // A source that stands alone shows zeros where it has nothing: they have to cover what the target's backing shows.
    const alone = await image(fixture, "alone", MIB, [[128 * KIB, 64 * KIB, 5]]);
    const covered = await over("covered");
    await fixture.ok("convert", { sources: [alone], target: covered, options: { ...OPTIONS, keepsBacking: true } });
    expect((await fixture.ok("compare", { first: alone, second: covered, strict: false })).mismatch).toBeNull();
  });

  test("compressed clusters, those of zeros left out", async () => {
    const fixture = engineFixture();
    const source = await image(fixture, "source", MIB + 4096, [[0, 64 * KIB, 1], [300 * KIB, 4 * KIB, 2], [512 * KIB, 64 * KIB, 0], [MIB, 4096, 3]]);
    for (const compressionType of ["zlib", "zstd"] as const) {
      await fixture.ok("create", { file: compressionType, options: { ...plain(MIB + 4096), compressionType } });
      const target = (await fixture.ok("open", { file: compressionType, readOnly: false, format: "qcow2" })).handle;
      await fixture.ok("convert", { sources: [source], target, options: { ...OPTIONS, compressed: true } });
      const mapped = await fixture.ok("map", { handle: target, offset: 0, length: MIB + 4096, maxExtents: 100 });
      expect(mapped.extents.filter(({ data }) => data).map(({ start, length, compressed }) => [start, length, compressed])).toEqual([
        [0, 64 * KIB, true],
        [256 * KIB, 64 * KIB, true],
        [MIB, 4096, true],
      ]);
      expect((await fixture.ok("compare", { first: source, second: target, strict: false })).mismatch).toBeNull();
    }
  });

  test("refuses a target that is too small, read-only or the source itself", async () => {
    const fixture = engineFixture();
    const source = await image(fixture, "source", MIB, []);
    const small = await raw(fixture, "small", 512 * KIB);
    expect(await fixture.fail("convert", { sources: [source], target: small, options: OPTIONS })).toMatchObject({ kind: "option", option: "size" });
    await fixture.ok("createRaw", { file: "read", sizeBytes: MIB, preallocation: "off" });
    const { handle } = await fixture.ok("open", { file: "read", readOnly: true, format: "raw" });
    expect(await fixture.fail("convert", { sources: [], target: handle, options: OPTIONS })).toMatchObject({ kind: "usage", code: "read-only" });
    expect(await fixture.fail("convert", { sources: [source], target: source, options: OPTIONS })).toMatchObject({ kind: "file", code: "in-use" });
    expect(await fixture.fail("convert", { sources: [source], target: small, options: { ...OPTIONS, part: { offset: MIB, length: 1 } } })).toMatchObject({ kind: "option", option: "part" });
    expect(await fixture.fail("convert", { sources: [99], target: small, options: OPTIONS })).toMatchObject({ kind: "usage", code: "closed-handle" });
  });
});

describe("convert onto zones", () => {
  const zoned = createOptions({ sizeBytes: 6 * MIB, zoned: { conventionalZones: 1, zoneCapacity: MIB - 64 * KIB } });

  async function zonedImage(fixture: EngineFixture, file: string, options = zoned): Promise<number> {
    await fixture.ok("create", { file, options });
    return (await fixture.ok("open", { file, readOnly: false, format: "qcow2" })).handle;
  }

  const report = async (fixture: EngineFixture, handle: number): Promise<number[][]> => {
    await fixture.ok("powerCycle", { handle });
    return (await fixture.ok("report", { handle, offset: 0, count: 10 })).map(({ condition, writePointer, start }) => [condition, writePointer - start]);
  };

  test("pointers and conditions are carried over", async () => {
    const fixture = engineFixture();
    const source = await zonedImage(fixture, "source");
    await fixture.ok("write", { handle: source, offset: 1000, length: 512 * 10, pattern: 3, data: null });
    await fixture.ok("write", { handle: source, offset: MIB, length: 4096, pattern: 4, data: null });
    // Zeros up to the pointer, which no data tells of.
    await fixture.ok("write", { handle: source, offset: MIB + 4096, length: 4096, pattern: 0, data: null });
    await fixture.ok("write", { handle: source, offset: 2 * MIB, length: 512, pattern: 5, data: null });
    await fixture.ok("manage", { handle: source, operation: "finish", offset: 2 * MIB, length: MIB });
    await fixture.ok("write", { handle: source, offset: 4 * MIB, length: MIB - 64 * KIB, pattern: 6, data: null });
    // Full by writes, and no data at its end either.
    await fixture.ok("write", { handle: source, offset: 5 * MIB, length: MIB - 64 * KIB, pattern: 0, data: null });
    const target = await zonedImage(fixture, "target");
    await fixture.ok("convert", { sources: [source], target, options: OPTIONS });
    const pointers = await report(fixture, source);
    expect(pointers[1]).toEqual([4, 8192]);
    expect(await report(fixture, target)).toEqual(pointers);
    expect((await fixture.ok("compare", { first: source, second: target, strict: false })).mismatch).toBeNull();
    expect((await fixture.ok("check", { handle: target })).corruptions).toBe(0);
  });

  test("full zones take no slot that a closed one has, wherever they lie", async () => {
    const fixture = engineFixture();
    const source = await zonedImage(fixture, "source");
    await fixture.ok("write", { handle: source, offset: MIB, length: 4096, pattern: 4, data: null });
    await fixture.ok("write", { handle: source, offset: 2 * MIB, length: MIB - 64 * KIB, pattern: 5, data: null });
    await fixture.ok("manage", { handle: source, operation: "finish", offset: 3 * MIB, length: MIB });
    await fixture.ok("write", { handle: source, offset: 100, length: 1000, pattern: 6, data: null });
    // Active in the source, and nothing to carry over.
    await fixture.ok("manage", { handle: source, operation: "open", offset: 4 * MIB, length: MIB });
    const target = await zonedImage(fixture, "target", createOptions({ sizeBytes: 6 * MIB, zoned: { conventionalZones: 1, zoneCapacity: MIB - 64 * KIB, maxActiveZones: 1, maxOpenZones: 1 } }));
    await fixture.ok("convert", { sources: [source], target, options: OPTIONS });
    expect(await report(fixture, target)).toEqual([[0, 0], [4, 4096], [14, MIB - 64 * KIB], [14, MIB], [1, 0], [1, 0]]);
    expect((await fixture.ok("compare", { first: source, second: target, strict: false })).mismatch).toBeNull();
  });

  test("what a conventional zone of the target held before is gone, and stays where the target is said to be zeros", async () => {
    for (const targetIsZero of [false, true]) {
      const fixture = engineFixture();
      const source = await image(fixture, "source", 6 * MIB, [[100 * KIB, 4 * KIB, 1]]);
      const target = await zonedImage(fixture, "target");
      await fixture.ok("write", { handle: target, offset: 0, length: MIB, pattern: 9, data: null });
      await fixture.ok("convert", { sources: [source], target, options: { ...OPTIONS, targetIsZero } });
      for (const [offset, length, pattern] of [[0, 100 * KIB, targetIsZero ? 9 : 0], [100 * KIB, 4 * KIB, 1], [104 * KIB, 920 * KIB, targetIsZero ? 9 : 0]] as const) {
        expect((await fixture.ok("read", { handle: target, offset, length, pattern, wantData: false })).mismatchOffset).toBeNull();
      }
    }
  });

  test("a disk without zones fills them to the last sector that is not zeros", async () => {
    const fixture = engineFixture();
    const source = await image(fixture, "source", 6 * MIB, [[10, 10, 1], [MIB + 100 * KIB, 1024, 2], [3 * MIB, 900 * KIB, 3], [3 * MIB + 100 * KIB, 300 * KIB, 0]]);
    const target = await zonedImage(fixture, "target");
    await fixture.ok("convert", { sources: [source], target, options: OPTIONS });
    expect(await report(fixture, target)).toEqual([[0, 0], [4, 101 * KIB], [1, 0], [4, 900 * KIB], [1, 0], [1, 0]]);
    expect((await fixture.ok("compare", { first: source, second: target, strict: false })).mismatch).toBeNull();
  });

  test.each([[1, 1], [2, 1], [3, 2]])("a disk without zones takes %i active zones at most, %i of them open: those filled first are finished for it, and read the same", async (maxActiveZones, maxOpenZones) => {
    const fixture = engineFixture();
    const written: readonly number[] = [1, 2, 3, 5];
    const source = await image(fixture, "source", 6 * MIB, [[10, 10, 1], ...written.map((zone): [number, number, number] => [zone * MIB + 64 * KIB, zone * 512, zone])]);
    const target = await zonedImage(fixture, "target", createOptions({ sizeBytes: 6 * MIB, zoned: { conventionalZones: 1, zoneCapacity: MIB - 64 * KIB, maxActiveZones, maxOpenZones } }));
    await fixture.ok("convert", { sources: [source], target, options: OPTIONS });
    expect((await fixture.ok("compare", { first: source, second: target, strict: false })).mismatch).toBeNull();
    const kept = new Set(written.slice(-maxActiveZones));
    const expected = [1, 2, 3, 4, 5].map((zone) => (kept.has(zone) ? [4, 64 * KIB + zone * 512] : written.includes(zone) ? [14, MIB] : [1, 0]));
    expect(await report(fixture, target)).toEqual([[0, 0], ...expected]);
  });

  test("what cannot be read of the source ends the copy, where it is", async () => {
    const fixture = engineFixture();
    const source = await zonedImage(fixture, "source");
    for (const zone of [1, 2]) await fixture.ok("write", { handle: source, offset: zone * MIB, length: 8192, pattern: zone, data: null });
    await fixture.ok("wear", { handle: source, offset: 2 * MIB, condition: 15 });
    const target = await zonedImage(fixture, "target");
    expect(await fixture.fail("convert", { sources: [source], target, options: OPTIONS })).toMatchObject({ kind: "move", step: "read", subject: "source", offset: 2 * MIB, cause: { code: "invalid-transition", zone: 2 } });
    expect((await fixture.ok("report", { handle: target, offset: 2 * MIB, count: 1 }))[0]).toMatchObject({ condition: 1 });
  });

  test("how far a copy is is told in order, and never more than all of it", async () => {
    const files = new MemoryFiles();
    const fixture = engineFixture(files);
    const source = await zonedImage(fixture, "source");
    for (const zone of [1, 3, 4]) await fixture.ok("write", { handle: source, offset: zone * MIB, length: 900 * KIB, pattern: zone, data: null });
    await fixture.ok("manage", { handle: source, operation: "finish", offset: 3 * MIB, length: MIB });
    const target = await zonedImage(fixture, "target");
    for (const handle of [source, target]) await fixture.ok("close", { handle });
    const told: number[] = [];
    let now = 0;
    const engine = new Engine({ files, notify: (notice) => void (notice.notice === "progress" && told.push(notice.fraction)), now: () => (now += 20) });
    const handles: number[] = [];
    for (const file of ["source", "target"]) {
      const opened = await engine.perform("open", { file, readOnly: false, format: null });
      if (opened.ok) handles.push(opened.value.handle);
    }
    expect(await engine.performAs("convert", { sources: [handles[0]!], target: handles[1]!, options: OPTIONS }, 7)).toEqual({ ok: true, value: { skipped: [] } });
    expect(told.length).toBeGreaterThan(2);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(Math.max(...told)).toBeLessThanOrEqual(1);
  });

  test("what cannot be carried over is refused by name", async () => {
    const fixture = engineFixture();
    const above = await image(fixture, "above", 6 * MIB, [[2 * MIB - 512, 512, 1]]);
    const target = await zonedImage(fixture, "target");
    expect(await fixture.fail("convert", { sources: [above], target, options: OPTIONS })).toMatchObject({ kind: "move", step: "write", cause: { kind: "zone", code: "exceeds-capacity" } });
    await fixture.ok("manage", { handle: target, operation: "reset", offset: 0, length: 6 * MIB });
    await fixture.ok("write", { handle: target, offset: MIB, length: 512, pattern: 1, data: null });
    const empty = await image(fixture, "empty", 6 * MIB, []);
    expect(await fixture.fail("convert", { sources: [empty], target, options: OPTIONS })).toMatchObject({ kind: "move", cause: { kind: "unsupported" } });

    const source = await zonedImage(fixture, "source");
    for (const zone of [1, 2, 3]) await fixture.ok("write", { handle: source, offset: zone * MIB, length: 512, pattern: 1, data: null });
    const refusals = [
      [{ zoneSize: 2 * MIB }, "zone_size"],
      [{ conventionalZones: 2 }, "nr_conv_zones"],
      [{ zoneCapacity: MIB / 2, conventionalZones: 1 }, "zone_capacity"],
      [{ conventionalZones: 1, maxActiveZones: 2, maxOpenZones: 1 }, "max_active_zones"],
    ] as const;
    for (const [changes, option] of refusals) {
      const other = await zonedImage(fixture, `other-${option}`, createOptions({ sizeBytes: 6 * MIB, zoned: changes }));
      expect(await fixture.fail("convert", { sources: [source], target: other, options: OPTIONS })).toMatchObject({ kind: "move", cause: { kind: "option", option } });
    }
  });
});

describe("compare", () => {
  test("tells the sector of the first difference, whatever lies where", async () => {
    const fixture = engineFixture();
    const a = await image(fixture, "a", 8 * MIB, [[5 * MIB + 5, 3, 1], [7 * MIB, 1, 2]]);
    const b = await image(fixture, "b", 8 * MIB, [[5 * MIB + 5, 3, 1], [7 * MIB, 1, 2]]);
    expect(await fixture.ok("compare", { first: a, second: b, strict: false })).toEqual({ mismatch: null, sizesDiffer: false });
    await fixture.ok("write", { handle: b, offset: 6 * MIB + 700, length: 1, pattern: 7, data: null });
    expect((await fixture.ok("compare", { first: a, second: b, strict: false })).mismatch).toEqual({ what: "content", offset: 6 * MIB + 512 });
    await fixture.ok("write", { handle: a, offset: 5 * MIB + 6, length: 1, pattern: 9, data: null });
    expect((await fixture.ok("compare", { first: b, second: a, strict: false })).mismatch).toEqual({ what: "content", offset: 5 * MIB });
  });

  test("a longer disk is the same while the rest is zeros", async () => {
    const fixture = engineFixture();
    const a = await image(fixture, "a", MIB, [[0, 512, 1]]);
    const b = await image(fixture, "b", 3 * MIB, [[0, 512, 1], [2 * MIB, 4096, 0]]);
    expect(await fixture.ok("compare", { first: a, second: b, strict: false })).toEqual({ mismatch: null, sizesDiffer: true });
    expect((await fixture.ok("compare", { first: a, second: b, strict: true })).mismatch).toEqual({ what: "size", offset: 0 });
    await fixture.ok("write", { handle: b, offset: 3 * MIB - 1, length: 1, pattern: 3, data: null });
    expect(await fixture.ok("compare", { first: b, second: a, strict: false })).toEqual({ mismatch: { what: "content", offset: 3 * MIB - 512 }, sizesDiffer: true });
  });

  test("strict minds what is allocated", async () => {
    const fixture = engineFixture();
    const a = await image(fixture, "a", MIB, [[128 * KIB, 4096, 0]]);
    const b = await image(fixture, "b", MIB, []);
    expect((await fixture.ok("compare", { first: a, second: b, strict: false })).mismatch).toBeNull();
    expect((await fixture.ok("compare", { first: a, second: b, strict: true })).mismatch).toEqual({ what: "status", offset: 128 * KIB });
  });
});
