/** Which files are opened for one image, in which mode, and that none stays open when the chain cannot be opened whole. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Result } from "../../../src/base/result.ts";
import type { ByteStore } from "../../../src/bytes/byte-store.ts";
import type { OpenMode } from "../../../src/bytes/file-space.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { MAX_CHAIN, closeFiles, filesOf, openChain } from "../../../src/engine/open-chain.ts";
import type { FilePlace } from "../../../src/engine/open-chain.ts";
import type { OpenedFiles } from "../../../src/engine/open-device.ts";
import type { Failure, ImageSource } from "../../../src/protocol/index.ts";
import { createOptions } from "../../../src/testing/engine-fixture.ts";

/** Files with a log of what was opened and how many are still open; names stand beside the folder of the image. */
class Place implements FilePlace {
  readonly files = new Map<string, MemoryContents>();
  readonly log: string[] = [];
  openStores = 0;

  async open(file: string, mode: OpenMode): Promise<Result<ByteStore, Failure>> {
    const contents = this.files.get(file);
    if (contents === undefined) return { ok: false, error: { kind: "file", code: "not-found", file } };
    this.log.push(`${mode} ${file}`);
    this.openStores++;
    return { ok: true, value: new MemoryStore(file, contents, mode === "read", () => this.openStores--) };
  }
  beside(image: string, name: string): string {
    return name.startsWith("/") ? name : image.slice(0, image.lastIndexOf("/") + 1) + name;
  }
  identity(file: string): string {
    return file.replaceAll(/[^/]+\/\.\.\//g, "");
  }

  raw(file: string, size = 4096): void {
    this.files.set(file, MemoryContents.of(new Uint8Array(size)));
  }

  image(file: string, says: { backing?: string; format?: string | readonly string[]; data?: string | true; raw?: true; zoned?: true } = {}): void {
    const contents = new MemoryContents();
    const made = writeNewImage(new MemoryStore(file, contents), createOptions({ zoned: says.zoned === true ? {} : null }));
    expect(made.ok).toBe(true);
    const extensions: [number, Uint8Array][] = [];
    if (says.zoned === true) {
      const kept = new Uint8Array(48);
      contents.read(120, kept);
      extensions.push([0x007a6264, kept]);
    }
    for (const format of [says.format ?? []].flat()) extensions.push([0xe2792aca, new TextEncoder().encode(format)]);
    if (typeof says.data === "string") extensions.push([0x44415441, new TextEncoder().encode(says.data)]);
    const head = new Uint8Array(4096);
    contents.read(0, head);
    head.fill(0, 112);
    const view = new DataView(head.buffer);
    let at = 112;
    for (const [magic, data] of extensions) {
      view.setUint32(at, magic);
      view.setUint32(at + 4, data.length);
      head.set(data, at + 8);
      at += 8 + Math.ceil(data.length / 8) * 8;
    }
    at += 8;
    if (says.backing !== undefined) {
      const name = new TextEncoder().encode(says.backing);
      view.setBigUint64(8, BigInt(at));
      view.setUint32(16, name.length);
      head.set(name, at);
    }
    if (says.data !== undefined) view.setBigUint64(72, view.getBigUint64(72) | 4n);
    if (says.raw === true) view.setBigUint64(88, 2n);
    contents.write(0, head);
    this.files.set(file, contents);
  }
}

let place: Place;
beforeEach(() => {
  place = new Place();
});

const source = (file: string, more: Partial<ImageSource> = {}): ImageSource => ({ file, format: "qcow2", ...more });

async function opened(from: ImageSource, write = false, inspect = false): Promise<OpenedFiles> {
  const outcome = await openChain(place, from, { write, inspect });
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}
/** The failure, after which nothing may be open. */
async function failed(from: ImageSource, write = false): Promise<Failure> {
  const outcome = await openChain(place, from, { write, inspect: false });
  if (outcome.ok) throw new Error("opened");
  expect(place.openStores).toBe(0);
  return outcome.error;
}

describe("backing files", () => {
  test("are found beside the image that names them and opened for reading, the top for writing", async () => {
    place.image("dir/top", { backing: "../mid", format: "qcow2" });
    place.image("dir/../mid", { backing: "base", format: "raw" });
    place.raw("dir/../base");
    const files = await opened(source("dir/top"), true);
    expect(filesOf(files)).toEqual(["dir/top", "dir/../mid", "dir/../base"]);
    expect(place.log).toEqual(["write dir/top", "read dir/../mid", "read dir/../base"]);
    expect(files.backing?.backing?.format).toBe("raw");
    expect(files.backingName).toBe("dir/../mid");
    closeFiles(files);
    expect(place.openStores).toBe(0);
  });

  test("have the format that the header says, and are looked at only where it says none", async () => {
    place.image("base");
    place.image("said", { backing: "base", format: "raw" });
    place.image("unsaid", { backing: "base" });
    place.raw("plain");
    place.image("lied", { backing: "plain", format: "qcow2" });
    expect((await opened(source("said"))).backing?.format).toBe("raw");
    expect((await opened(source("unsaid"))).backing?.format).toBe("qcow2");
    place.openStores = 0;
    expect(await failed(source("lied"))).toMatchObject({ code: "backing-failed", file: "plain", cause: { kind: "image", field: "magic" } });
  });

  test("give way to what the source names; a format that it leaves open is the header's", async () => {
    place.image("top", { backing: "missing", format: "raw" });
    place.image("other");
    expect((await opened(source("top", { backing: null }))).backing).toBeNull();
    expect((await opened(source("top", { backing: { file: "other", format: "qcow2" } }))).backing).toMatchObject({ file: "other", format: "qcow2" });
    expect((await opened(source("top", { backing: { file: "other", format: null } }))).backing).toMatchObject({ file: "other", format: "raw" });
  });

  test("have the format that the header says last", async () => {
    place.image("base");
    place.image("twice", { backing: "base", format: ["qcow2", "raw"] });
    expect((await opened(source("twice"))).backing?.format).toBe("raw");
  });

  test("are the header's with what the source changes of them", async () => {
    place.image("base");
    place.image("mid", { backing: "base", format: "raw" });
    place.image("top", { backing: "mid", format: "foo" });
    expect(await failed(source("top"))).toMatchObject({ code: "backing-failed", cause: { code: "name", problem: { code: "unknown-driver", driver: "foo" } } });
    const files = await opened(source("top", { backingChanges: { format: "qcow2", lazyRefcounts: true, backingChanges: { format: "qcow2" } } }));
    expect(files.backing).toMatchObject({ file: "mid", format: "qcow2", lazyRefcounts: true, backing: { file: "base", format: "qcow2" } });
    closeFiles(files);
    expect(await failed(source("base", { backingChanges: { format: "qcow2" } }))).toMatchObject({ code: "backing-failed", cause: { code: "name", problem: { code: "no-file" } } });
  });

  test("are not opened for an image's facts, and options about them are refused", async () => {
    place.image("top", { backing: "missing", format: "raw" });
    closeFiles(await opened(source("top"), false, true));
    for (const more of [{ backingChanges: { format: "raw" } }, { backing: { file: "a", format: "raw" } }] as const) {
      const outcome = await openChain(place, source("top", more), { write: false, inspect: true });
      expect(outcome).toMatchObject({ ok: false, error: { code: "name", problem: { code: "unknown-option", option: "backing.driver" } } });
    }
    expect(place.openStores).toBe(0);
  });

  test("that are missing are named from the top down", async () => {
    place.image("top", { backing: "mid", format: "qcow2" });
    place.image("mid", { backing: "/gone", format: "qcow2" });
    expect(await failed(source("top"), true)).toEqual({
      kind: "chain",
      code: "backing-failed",
      file: "mid",
      cause: { kind: "chain", code: "backing-failed", file: "/gone", cause: { kind: "file", code: "not-found", file: "/gone" } },
    });
  });

  test("are named by json: too, which stands beside nothing", async () => {
    place.image("dir/top", { backing: `json:{"driver":"raw","file":{"driver":"file","filename":"b"},"offset":512}` });
    place.raw("b");
    expect((await opened(source("dir/top"))).backing).toMatchObject({ file: "b", format: "raw", part: { offset: 512, size: null } });
  });

  test.each([
    [{ backing: "nbd://host/x" }, { code: "unknown-protocol", protocol: "nbd" }],
    [{ backing: `json:{"driver":"vmdk","file.filename":"b"}` }, { code: "unknown-driver", driver: "vmdk" }],
    [{ backing: "b", format: "vdi" }, { code: "unknown-driver", driver: "vdi" }],
  ])("of another world are refused by name: %j", async (says, problem) => {
    place.image("top", says);
    place.raw("b");
    expect(await failed(source("top"))).toMatchObject({ code: "backing-failed", cause: { kind: "chain", code: "name", problem } });
  });

  test("that lead back are a cycle, also by another name of the file", async () => {
    place.image("a", { backing: "d/../b", format: "qcow2" });
    place.image("d/../b", { backing: "../a", format: "qcow2" });
    place.files.set("d/../../a", place.files.get("a")!);
    place.files.set("d/../a", place.files.get("a")!);
    place.image("self", { backing: "self", format: "qcow2" });
    expect(await failed(source("self"))).toEqual({ kind: "chain", code: "cycle", file: "self" });
    place.image("d/../b", { backing: "a", format: "qcow2" });
    expect(await failed(source("a"))).toEqual({ kind: "chain", code: "cycle", file: "d/../a" });
  });

  test("end at a bound", async () => {
    for (let index = 0; index <= MAX_CHAIN; index++) place.image(`i${index}`, { backing: `i${index + 1}`, format: "qcow2" });
    expect(await failed(source("i0"))).toMatchObject({ kind: "chain", code: "too-deep", file: `i${MAX_CHAIN}`, limit: MAX_CHAIN });
  });
});

describe("data files", () => {
  test("stand for themselves, written when the image is, and read where a backing image has one", async () => {
    place.image("dir/top", { data: "d", backing: "mid", format: "qcow2" });
    place.image("dir/mid", { data: "dir/e" });
    place.raw("d");
    place.raw("dir/e");
    const files = await opened(source("dir/top"), true);
    expect(place.log).toEqual(["write dir/top", "write d", "read dir/mid", "read dir/e"]);
    closeFiles(files);
    expect(place.openStores).toBe(0);
  });

  test("give way to what the source names", async () => {
    place.image("top", { data: true });
    place.raw("d");
    expect(await failed(source("top"))).toEqual({ kind: "chain", code: "data-file-required", file: "top" });
    expect((await opened(source("top", { dataFile: { file: "d", format: "raw" } }))).data?.file).toBe("d");
  });

  test("are refused where they cannot be", async () => {
    place.image("top");
    place.raw("d");
    expect(await failed(source("top", { dataFile: { file: "d", format: "raw" } }))).toMatchObject({ code: "data-file-refused" });
    place.image("odd", { raw: true });
    expect(await failed(source("odd"))).toMatchObject({ code: "data-file-raw" });
    place.image("lost", { data: "gone" });
    expect(await failed(source("lost"))).toMatchObject({ code: "data-file-failed", file: "gone", cause: { code: "not-found" } });
    place.image("self", { data: "self" });
    expect(await failed(source("self"))).toMatchObject({ code: "cycle" });
  });
});

test("zoned images have neither", async () => {
  place.raw("b");
  place.image("top", { zoned: true, backing: "b", format: "raw" });
  expect(await failed(source("top"))).toEqual({ kind: "unsupported", feature: "a backing file of a zoned image" });
  place.image("top", { zoned: true });
  expect(await failed(source("top", { backing: { file: "b", format: "raw" } }))).toMatchObject({ kind: "unsupported" });
  place.image("top", { zoned: true, data: "b" });
  expect(await failed(source("top"))).toEqual({ kind: "unsupported", feature: "an external data file of a zoned image" });
});

test("an image that is only looked at has its own file opened and no other", async () => {
  place.image("top", { data: "gone", backing: "gone too", format: "qcow2" });
  const files = await opened(source("top"), false, true);
  expect(place.log).toEqual(["read top"]);
  expect(files).toMatchObject({ backing: null, data: null, backingName: "gone too" });
});

test.each([
  [{ offset: 8192 }, false],
  [{ offset: 4096 }, true],
  [{ offset: 512, size: 1024 }, true],
  [{ offset: 512, size: 1000 }, false],
  [{ offset: 512, size: 4096 }, false],
])("a part of a raw file: %j", async (part, fits) => {
  place.raw("r");
  const from: ImageSource = { file: "r", format: "raw", ...part };
  if (fits) expect((await opened(from)).part?.offset).toBe(part.offset);
  else expect(await failed(from)).toMatchObject({ kind: "chain", code: "part", fileSize: 4096 });
});
