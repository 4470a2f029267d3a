/** Files of the person's machine: what is dropped together stands on each other, and what is missing is asked for by name. */
import { expect, test } from "vitest";
import { BlobStore } from "../../../src/bytes/blob-store.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { needsSentence } from "../../../src/command/explain-header.ts";
import type { CallName, ReplyOf, RequestOf } from "../../../src/protocol/index.ts";
import { BytesBlob, readBytesBlob } from "../bytes/bytes-blob.ts";
import { createOptions, engineFixture, KIB } from "../../../src/testing/engine-fixture.ts";
import { fileReader } from "./images.ts";

const engine = new Engine({ files: new MemoryFiles(), openBlob: (source, name) => new BlobStore(name, source, readBytesBlob), notify: () => undefined, now: () => 0 });
async function ok<Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<ReplyOf<Name>> {
  const outcome = await engine.perform(name, request);
  if (!outcome.ok) throw new Error(`${name}: ${JSON.stringify(outcome.error)}`);
  return outcome.value;
}

async function drop(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { file } = await ok("adopt", { source: Object.assign(new BytesBlob(bytes), { name }) as unknown as File });
  return file;
}

test("an overlay alone, then with its base; two snapshots of it compared, and one looked at", async () => {
  const files = new MemoryFiles();
  const made = engineFixture(files);
  const plain = { zoned: null, sizeBytes: 512 * KIB } as const;
  const write = async (handle: number, offset: number, pattern: number): Promise<unknown> => made.ok("write", { handle, offset, length: 64 * KIB, pattern, data: null });
  await made.ok("create", { file: "base.qcow2", options: createOptions(plain) });
  const base = await made.ok("open", { file: "base.qcow2", format: null, readOnly: false });
  await write(base.handle, 0, 0x11);
  await made.ok("close", base);
  await made.ok("create", { file: "top.qcow2", options: createOptions({ ...plain, backing: { file: "folder/base.qcow2", format: "qcow2" } }) });
  // The name in the header has a folder, which is not to be seen from a page: the file is found by its last part.
  await made.ok("create", { file: "alone.qcow2", options: createOptions(plain) });
  const alone = await made.ok("open", { file: "alone.qcow2", format: null, readOnly: false });
  for (const [name, pattern] of [["one", 1], ["two", 2], [null, 3]] as const) {
    await write(alone.handle, 128 * KIB, pattern);
    if (name !== null) await made.ok("createSnapshot", { handle: alone.handle, name });
  }
  await made.ok("close", alone);
  const bytesOf = async (name: string): Promise<Uint8Array<ArrayBuffer>> => {
    const { size, read } = await fileReader(files, name);
    return new Uint8Array(read(0, size));
  };

  const top = await drop("top.qcow2", await bytesOf("top.qcow2"));
  const missing = await ok("inspect", { file: top });
  expect(missing.header!.needs).toEqual([{ role: "backing", name: "folder/base.qcow2", found: null }]);
  expect(needsSentence(missing.header!)).toContain('"folder/base.qcow2", which is not there');
  expect(missing.identity.contentsUnread).toBe(true);
  await drop("base.qcow2", await bytesOf("base.qcow2"));
  const whole = await ok("inspect", { file: top });
  expect(whole.header!.needs).toEqual([{ role: "backing", name: "folder/base.qcow2", found: "dropped:base.qcow2" }]);
  const guest = await ok("bytesAt", { inspection: whole.inspection, view: "guest", offset: 0, length: 4 });
  expect([...guest.data]).toEqual([0x11, 0x11, 0x11, 0x11]);

  const file = await drop("alone.qcow2", await bytesOf("alone.qcow2"));
  const views = [];
  for (const snapshot of ["one", "two"]) views.push(await ok("open", { file, format: null, readOnly: true, snapshot }));
  const seen = await ok("read", { handle: views[0]!.handle, offset: 128 * KIB, length: 1, pattern: null, wantData: true });
  expect(seen.data![0]).toBe(1);
  const { mismatch } = await ok("compare", { first: views[0]!.handle, second: views[1]!.handle, strict: false });
  expect(mismatch).toEqual({ what: "content", offset: 128 * KIB });
  const { inspection } = await ok("inspect", { file });
  const layout = await ok("layout", { inspection });
  expect(layout.problem).toBeNull();
  const active = await ok("locate", { inspection, guestOffset: 128 * KIB });
  expect(active.layoutKind).toBe("data");
});

test("what a dropped file's header names, however deep in its words, is looked for among what was dropped, and never in the library", async () => {
  const files = new MemoryFiles();
  const made = engineFixture(files);
  const library = new Engine({ files, openBlob: (source, name) => new BlobStore(name, source, readBytesBlob), notify: () => undefined, now: () => 0 });
  const plain = { zoned: null, sizeBytes: 512 * KIB } as const;
  for (const name of ["private.qcow2", "middle.qcow2"]) await made.ok("create", { file: name, options: createOptions(plain) });
  const bytesOf = async (name: string): Promise<Uint8Array<ArrayBuffer>> => {
    const { size, read } = await fileReader(files, name);
    return new Uint8Array(read(0, size));
  };
  const dropped = async (name: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> => {
    const adopted = await library.perform("adopt", { source: Object.assign(new BytesBlob(bytes), { name }) as unknown as File });
    return adopted.ok ? adopted.value.file : expect.unreachable();
  };
  await dropped("middle.qcow2", await bytesOf("middle.qcow2"));
  const rules = await files.open("private.rules", "create");
  if (rules.ok) rules.value.close();
  const ruled = JSON.stringify({ driver: "qcow2", file: { driver: "blkdebug", config: "private.rules", image: { driver: "file", filename: "middle.qcow2" } } });
  await made.ok("create", { file: "ruled.qcow2", options: createOptions({ ...plain, backing: { file: `json:${ruled}`, format: "qcow2" } }) });
  expect(JSON.stringify(await library.perform("open", { file: await dropped("ruled.qcow2", await bytesOf("ruled.qcow2")), format: null, readOnly: true }))).toContain("dropped:private.rules");
  for (const [index, below] of ["backing", "data-file"].entries()) {
    const words = JSON.stringify({ driver: "qcow2", file: { driver: "file", filename: "middle.qcow2" }, [below]: { driver: below === "backing" ? "qcow2" : "file", ...(below === "backing" ? { file: { driver: "file", filename: "private.qcow2" } } : { filename: "private.qcow2" }) } });
    await made.ok("create", { file: `top${index}.qcow2`, options: createOptions({ ...plain, backing: { file: `json:${words}`, format: "qcow2" } }) });
    const top = await dropped(`top${index}.qcow2`, await bytesOf(`top${index}.qcow2`));
    const opened = await library.perform("open", { file: top, format: null, readOnly: true });
    expect(opened.ok, words).toBe(false);
    expect(JSON.stringify(opened), words).toContain("dropped:private.qcow2");
  }
});
