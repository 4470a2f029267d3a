/**
 * Changing the dialect: what it refuses, what it writes and in which order, and that a crash at any moment leaves an image that
 * is wholly the one or wholly the other, with the same zones and pointers.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { err, ok } from "../../../src/base/result.ts";
import type { ByteStore } from "../../../src/bytes/byte-store.ts";
import type { FileSpace, OpenMode } from "../../../src/bytes/file-space.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { dialectFacts, planDialect, writeFirstSector } from "../../../src/engine/dialect-image.ts";
import { openDevice } from "../../../src/engine/open-device.ts";
import type { Dialect, DialectChange, ZonedCreateOptions } from "../../../src/protocol/index.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { GIB, KIB, MIB, createOptions, engineFixture } from "./dialect-fixture.ts";
import { RecordingStore } from "../../../src/crash/recording-store.ts";

const DIALECTS: readonly Dialect[] = ["v4", "v7", "v9"];

const patched = (name: string): MemoryContents => {
  const contents = new MemoryContents();
  contents.write(0, gunzipSync(readFileSync(new URL(`../../oracle/data/${name}.qcow2.gz`, import.meta.url))));
  return contents;
};

function bytesOf(store: ByteStore, length = store.size()): Uint8Array {
  const bytes = new Uint8Array(length);
  store.read(0, bytes);
  return bytes;
}

/** An image of ours with something in its zones. */
async function ours(zoned: Partial<ZonedCreateOptions> = {}, clusterSize = 64 * KIB, files: FileSpace = new MemoryFiles()) {
  const fixture = engineFixture(files);
  await fixture.ok("create", { file: "z.qcow2", options: createOptions({ clusterSize, zoned }) });
  const { handle, facts } = await fixture.ok("open", { file: "z.qcow2", readOnly: false, format: null });
  const size = facts.zoned!.geometry.zoneSize;
  await fixture.ok("append", { handle, offset: 2 * size, lengths: [5 * 512], pattern: 7 });
  await fixture.ok("manage", { handle, operation: "finish", offset: 3 * size, length: size });
  await fixture.ok("close", { handle });
  return fixture;
}

/** What must be the same in every dialect. */
function identity(store: ByteStore) {
  const { device, zoned } = openDevice(store, "qcow2", false, () => 0);
  const data = new Uint8Array(4 * KIB);
  device.read(2 * zoned!.geometry.zoneSize, data);
  return { geometry: zoned!.geometry, place: zoned!.metadataOffset, pointers: [...device.zones!.writePointer], types: [...device.zones!.type], data: [...data] };
}

async function storeOf(fixture: { files: FileSpace }, file = "z.qcow2"): Promise<ByteStore> {
  const opened = await fixture.files.open(file, "read");
  if (!opened.ok) throw new Error(opened.error.code);
  return opened.value;
}

describe("an image of ours", () => {
  it.each([512, 4 * KIB, 64 * KIB])("goes from any dialect to any other by one sector, clusters of %i", async (clusterSize) => {
    const fixture = await ours({ conventionalZones: 1 }, clusterSize);
    let store = await storeOf(fixture);
    const before = identity(store);
    store.close();
    for (const dialect of ["v7", "v9", "v4", "v9", "v7", "v4"] as const) {
      const change: DialectChange = await fixture.ok("setDialect", { file: "z.qcow2", dialect });
      expect(change).toMatchObject({ to: dialect, method: "sector" });
      const facts = await fixture.ok("dialect", { file: "z.qcow2" });
      expect(facts.zoned?.traits.dialect).toBe(dialect);
      expect(facts.featureBit).toBe(dialect !== "v4");
      if (clusterSize > 512) expect(facts.featureName).toBe(dialect === "v4" ? null : "zoned format");
      store = await storeOf(fixture);
      expect(identity(store)).toEqual(before);
      store.close();
    }
    expect(await fixture.ok("setDialect", { file: "z.qcow2", dialect: "v4" })).toMatchObject({ method: "none" });
  });

  it("changes nothing but the first sector", async () => {
    const fixture = await ours();
    let store = await storeOf(fixture);
    const before = bytesOf(store);
    store.close();
    await fixture.ok("setDialect", { file: "z.qcow2", dialect: "v9" });
    store = await storeOf(fixture);
    const after = bytesOf(store);
    store.close();
    expect(Buffer.compare(after.subarray(512), before.subarray(512))).toBe(0);
    expect(Buffer.compare(after.subarray(0, 512), before.subarray(0, 512))).not.toBe(0);
  });
});

describe("an image of the patched builds", () => {
  it.each(["v4-seed", "v9-seed", "v4-conv2", "v9-conv2", "v9-s02_state_machine"])("%s is copied, whole, and swapped in", async (name) => {
    const files = new MemoryFiles();
    const fixture = engineFixture(files);
    const created = await files.open("p.qcow2", "create");
    if (!created.ok) throw new Error();
    const original = new MemoryStore("original", patched(name));
    created.value.write(0, bytesOf(original));
    created.value.close();
    const before = identity(original);
    const first = (await fixture.ok("dialect", { file: "p.qcow2" })).zoned!.traits.dialect;
    for (const dialect of [...DIALECTS.filter((other) => other !== first), first]) {
      expect(await fixture.ok("setDialect", { file: "p.qcow2", dialect })).toEqual({ from: expect.any(String) as string, to: dialect, method: "new-file", featureNames: "kept" });
      const store = await storeOf(fixture, "p.qcow2");
      expect(identity(store)).toEqual(before);
      store.close();
    }
    // There and back again: byte for byte the patched build's.
    const store = await storeOf(fixture, "p.qcow2");
    expect(Buffer.compare(bytesOf(store), bytesOf(original))).toBe(0);
    store.close();
    expect((await files.list()).map((entry) => entry.name)).toEqual(["p.qcow2"]);
  });

  it("becomes byte for byte what the other patched build makes", () => {
    const [v4, v9] = [new MemoryStore("v4", patched("v4-seed")), new MemoryStore("v9", patched("v9-seed"))];
    const toV9 = planDialect(v4, "v9");
    const toV4 = planDialect(v9, "v4");
    if (!toV9.ok || !toV4.ok) throw new Error("not planned");
    const start = toV9.value.rewrite!.start;
    expect(Buffer.compare(start, bytesOf(v9, start.length))).toBe(0);
    expect(Buffer.compare(toV4.value.rewrite!.start, bytesOf(v4, toV4.value.rewrite!.start.length))).toBe(0);
  });

  it("is only read until the copy is durable", async () => {
    const log: string[] = [];
    const files = new LoggedFiles(log);
    const fixture = engineFixture(files);
    const created = await files.base.open("p.qcow2", "create");
    if (!created.ok) throw new Error();
    created.value.write(0, bytesOf(new MemoryStore("original", patched("v4-seed"))));
    created.value.close();
    await fixture.ok("setDialect", { file: "p.qcow2", dialect: "v9" });
    expect(log.slice(-5)).toEqual([
      "p.qcow2.new-dialect write",
      "p.qcow2.new-dialect flush",
      "p.qcow2.new-dialect close",
      "p.qcow2 close",
      "replace p.qcow2.new-dialect p.qcow2",
    ]);
    expect(log.filter((line) => /^p\.qcow2 (write|flush)/.test(line))).toEqual([]);
  });

  it("stays as it was when the copy cannot be made or swapped in, and the copy goes", async () => {
    for (const broken of ["write", "flush", "replace"] as const) {
      const files = new LoggedFiles([], broken);
      const fixture = engineFixture(files);
      const created = await files.base.open("p.qcow2", "create");
      if (!created.ok) throw new Error();
      const original = bytesOf(new MemoryStore("original", patched("v4-seed")));
      created.value.write(0, original);
      created.value.close();
      await fixture.fail("setDialect", { file: "p.qcow2", dialect: "v9" });
      expect((await files.list()).map((entry) => entry.name)).toEqual(["p.qcow2"]);
      const store = await storeOf({ files: files.base }, "p.qcow2");
      expect(Buffer.compare(bytesOf(store), original)).toBe(0);
    }
  });

  it("keeps the copy where the swap may have damaged the image, and does not touch an older one", async () => {
    const files = new LoggedFiles([], "damaged");
    const fixture = engineFixture(files);
    const created = await files.base.open("p.qcow2", "create");
    if (!created.ok) throw new Error();
    created.value.write(0, bytesOf(new MemoryStore("original", patched("v4-seed"))));
    created.value.close();
    expect(await fixture.fail("setDialect", { file: "p.qcow2", dialect: "v9" })).toMatchObject({ kind: "file", wholeCopy: "p.qcow2.new-dialect" });
    expect((await fixture.ok("dialect", { file: "p.qcow2.new-dialect" })).zoned?.traits.dialect).toBe("v9");
    expect(await fixture.fail("setDialect", { file: "p.qcow2", dialect: "v9" })).toMatchObject({ kind: "file", code: "exists", file: "p.qcow2.new-dialect" });
  });
});

/** A memory space that notes what is written, flushed and replaced, or breaks there, on anything but what was there before. */
class LoggedFiles implements FileSpace {
  readonly kind = "memory";
  readonly base = new MemoryFiles();
  private readonly log: string[];
  private readonly broken: "write" | "flush" | "replace" | "damaged" | null;
  constructor(log: string[], broken: "write" | "flush" | "replace" | "damaged" | null = null) {
    this.log = log;
    this.broken = broken;
  }
  async open(name: string, mode: OpenMode) {
    const opened = await this.base.open(name, mode);
    if (!opened.ok || mode === "read") return opened;
    const store = opened.value;
    const note = (what: string): void => {
      this.log.push(`${name} ${what}`);
      if (what === this.broken) throw new Error("planted");
    };
    const logged: ByteStore = {
      name,
      readOnly: false,
      size: () => store.size(),
      read: (offset, into) => store.read(offset, into),
      write: (offset, from) => {
        note("write");
        store.write(offset, from);
      },
      truncate: (size) => store.truncate(size),
      flush: () => {
        note("flush");
        store.flush();
      },
      close: () => {
        note("close");
        store.close();
      },
    };
    return ok(logged);
  }
  list = () => this.base.list();
  remove = (name: string) => this.base.remove(name);
  rename = (from: string, to: string) => this.base.rename(from, to);
  usage = () => this.base.usage();
  async replace(from: string, to: string) {
    this.log.push(`replace ${from} ${to}`);
    if (this.broken === "replace") return { ok: false, error: { kind: "file", code: "io", file: to } } as const;
    if (this.broken === "damaged") return { ok: false, error: { kind: "file", code: "io", file: to, wholeCopy: from } } as const;
    return this.base.replace(from, to);
  }
}

describe("what is refused leaves every byte", () => {
  const refuse = (name: string, zoned: Partial<ZonedCreateOptions>, dialect: Dialect, expected: object, sizeBytes = 12 * MIB): void =>
    it(name, async () => {
      const fixture = engineFixture();
      await fixture.ok("create", { file: "z.qcow2", options: createOptions({ sizeBytes, zoned }) });
      const bytes = async (): Promise<Uint8Array> => {
        const store = await storeOf(fixture);
        const all = bytesOf(store);
        store.close();
        return all;
      };
      const before = await bytes();
      expect(await fixture.fail("setDialect", { file: "z.qcow2", dialect })).toMatchObject(expected);
      expect(Buffer.compare(await bytes(), before)).toBe(0);
    });
  const large = { dialect: "v9", zoneSize: 8 * GIB, zoneCapacity: 8 * GIB } as const;
  refuse("zones of 8 GiB in v4", large, "v4", { kind: "option", option: "zone_size", found: String(8 * GIB) }, 16 * GIB);
  refuse("zones of 8 GiB in v7", large, "v7", { kind: "option", option: "zone_size", found: String(8 * GIB) }, 16 * GIB);
  refuse("an append limit beyond 32 bits in v9", { maxAppendBytes: 8 * GIB }, "v9", { kind: "option", option: "max_append_bytes", found: String(8 * GIB) });

  it("an append limit of no whole sectors in v4", async () => {
    const fixture = engineFixture();
    await fixture.ok("create", { file: "z.qcow2", options: createOptions({ zoned: { dialect: "v9" } }) });
    const opened = await fixture.files.open("z.qcow2", "write");
    if (!opened.ok) throw new Error();
    const at = readHeader(opened.value).extensions[0]!.hostOffset + 36;
    opened.value.write(at, new Uint8Array([0, 0, 2, 1]));
    opened.value.close();
    expect(await fixture.fail("setDialect", { file: "z.qcow2", dialect: "v4" })).toMatchObject({ kind: "option", option: "max_append_bytes", found: "513" });
    expect(await fixture.ok("setDialect", { file: "z.qcow2", dialect: "v7" })).toMatchObject({ method: "sector" });
  });

  it("an image without zones, an open image, a broken extension, no image", async () => {
    const fixture = await ours();
    await fixture.ok("create", { file: "plain.qcow2", options: createOptions({ zoned: null }) });
    expect(await fixture.fail("setDialect", { file: "plain.qcow2", dialect: "v4" })).toMatchObject({ kind: "unsupported" });
    expect(await fixture.ok("dialect", { file: "plain.qcow2" })).toEqual({ extension: null, featureBit: false, featureName: null, zoned: null, problem: null });
    const { handle } = await fixture.ok("open", { file: "z.qcow2", readOnly: true, format: null });
    expect(await fixture.fail("setDialect", { file: "z.qcow2", dialect: "v9" })).toMatchObject({ kind: "file", code: "in-use" });
    await fixture.ok("close", { handle });
    const opened = await fixture.files.open("z.qcow2", "write");
    if (!opened.ok) throw new Error();
    opened.value.write(readHeader(opened.value).extensions[0]!.hostOffset, new Uint8Array([3]));
    opened.value.close();
    expect(await fixture.ok("dialect", { file: "z.qcow2" })).toMatchObject({ zoned: null, problem: { kind: "image", field: "zoned", found: "3" }, extension: { lengthBytes: 48 } });
    expect(await fixture.fail("setDialect", { file: "z.qcow2", dialect: "v9" })).toMatchObject({ kind: "image", field: "zoned" });
    expect(await fixture.fail("dialect", { file: "nope" })).toMatchObject({ kind: "file", code: "not-found" });
  });
});

describe("other extensions", () => {
  it("stay where they are, byte for byte, also behind the first sector", async () => {
    const fixture = await ours();
    const opened = await fixture.files.open("z.qcow2", "write");
    if (!opened.ok) throw new Error();
    const header = readHeader(opened.value);
    // Header, zones, names, and behind them one that nobody knows.
    const last = header.extensions.at(-1)!;
    const extension = Uint8Array.from([0x12, 0x34, 0x56, 0x78, 0, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0]);
    opened.value.write(last.hostOffset + last.data.length, extension);
    opened.value.close();
    for (const dialect of ["v9", "v7", "v4"] as const) {
      await fixture.ok("setDialect", { file: "z.qcow2", dialect });
      const store = await storeOf(fixture);
      const found = readHeader(store).extensions.find(({ magic }) => magic === 0x12345678);
      expect(found?.data).toEqual(Uint8Array.from([1, 2, 3, 4, 5]));
      store.close();
    }
  });
});

it("autoclear bits that nobody here knows are cleared, as by every change of an image", async () => {
  const fixture = await ours();
  const opened = await fixture.files.open("z.qcow2", "write");
  if (!opened.ok) throw new Error();
  opened.value.write(88, Uint8Array.from([0x80, 0, 0, 0, 0, 0, 0, 0x84]));
  opened.value.close();
  await fixture.ok("setDialect", { file: "z.qcow2", dialect: "v9" });
  const store = await storeOf(fixture);
  expect(readHeader(store).autoclear).toBe(0n);
  store.close();
});

describe("power loss", () => {
  it("leaves the old dialect or the new one, with the same zones and pointers", async () => {
    const random = new Random(4);
    const seen = new Map<string, number>();
    for (const clusterSize of [512, 4 * KIB, 64 * KIB]) {
      for (const from of DIALECTS) {
        for (const to of DIALECTS.filter((dialect) => dialect !== from)) {
          const fixture = await ours({ dialect: from, conventionalZones: 1 }, clusterSize);
          const image = await storeOf(fixture);
          const contents = new MemoryContents();
          contents.write(0, bytesOf(image));
          const before = identity(image);
          const store = new RecordingStore("crash", contents);
          const planned = planDialect(store, to);
          if (!planned.ok) throw new Error("not planned");
          writeFirstSector(store, planned.value.rewrite!);
          expect(store.log.map(({ kind }) => kind)).toEqual(["write", "flush"]);
          for (let draw = 0; draw < 40; draw++) {
            const after = new MemoryStore("after", store.crash(draw === 0 ? { cut: 1, survives: () => true } : store.randomPlan(random)));
            const dialect = dialectFacts(after).zoned?.traits.dialect;
            expect([from, to]).toContain(dialect);
            expect(identity(after)).toEqual(before);
            const key = dialect === from ? "old" : "new";
            seen.set(key, (seen.get(key) ?? 0) + 1);
          }
        }
      }
    }
    expect(seen.get("old")).toBeGreaterThan(100);
    expect(seen.get("new")).toBeGreaterThan(100);
  });

  it("of a copy on its way leaves the image as it was; once it may take the image's place, it is whole on the disk", async () => {
    for (const [name, to] of [["v4-seed", "v9"], ["v9-conv2", "v4"], ["v9-s02_state_machine", "v7"]] as const) {
      const image = new RecordingStore("image", patched(name));
      const copy = new RecordingStore("copy");
      const before = identity(image);
      const random = new Random(5);
      let swapped = false;
      const files: FileSpace = {
        ...new MemoryFiles(),
        kind: "memory",
        open: async (file, mode) => (mode === "create" ? ok(copy) : file === "p.qcow2" ? ok(image) : err({ kind: "file", code: "not-found", file })),
        list: async () => [],
        remove: async () => ok(null),
        rename: async () => ok(null),
        usage: async () => null,
        replace: async () => {
          swapped = true;
          // Nothing that a crash could still take.
          for (let draw = 0; draw < 20; draw++) {
            const after = new MemoryStore("after", copy.crash({ cut: copy.log.length, survives: () => random.chance(0.5) }));
            expect(dialectFacts(after).zoned?.traits.dialect).toBe(to);
            expect(identity(after)).toEqual(before);
          }
          return ok(null);
        },
      };
      await engineFixture(files).ok("setDialect", { file: "p.qcow2", dialect: to });
      expect(swapped).toBe(true);
      expect(image.log).toEqual([]);
    }
  });
});
