/** Long work that only reads a file of the person's machine runs beside other calls, and stops before what it reads is closed. */
import { beforeEach, expect, test } from "vitest";
import { BlobStore } from "../../../src/bytes/blob-store.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { Engine } from "../../../src/engine/engine.ts";
import type { CallName, Notice, ReplyOf, RequestOf } from "../../../src/protocol/index.ts";
import { writeSparseImage } from "../../../src/testing/bench/sparse-image.ts";
import { createOptions } from "../../../src/testing/engine-fixture.ts";

const TIB = 2 ** 40;
const contents = new MemoryContents();
writeSparseImage(new MemoryStore("large", contents), { sizeBytes: TIB / 16, dataClusters: 2048 });
/** A disk of 1 TiB, whose L1 table names 256 L2 tables. */
const wide = new MemoryContents();
writeSparseImage(new MemoryStore("wide", wide), { sizeBytes: TIB, dataClusters: 256 });
let inside = contents;


/** A Blob over bytes in memory that are mostly holes. */
const blob = (): File => ({ name: "large.qcow2", size: inside.size, slice: (from: number, to: number) => ({ from, to }) }) as unknown as File;
const read = (part: Blob): ArrayBuffer => {
  const { from, to } = part as unknown as { from: number; to: number };
  const bytes = new Uint8Array(to - from);
  inside.read(from, bytes);
  return bytes.buffer;
};

let now = 0;
let notices: Notice[] = [];
let engine: Engine;
let files: MemoryFiles;
beforeEach(() => {
  inside = contents;
  notices = [];
  files = new MemoryFiles();
  // Every look at the clock takes a while, so that work is cut into many slices.
  engine = new Engine({ files, openBlob: (source, name) => new BlobStore(name, source, read), notify: (notice) => notices.push(notice), now: () => (now += 7), pause: () => new Promise((resolve) => setImmediate(resolve)) });
});

async function ok<Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<ReplyOf<Name>> {
  const outcome = await engine.perform(name, request);
  if (!outcome.ok) throw new Error(`${name}: ${JSON.stringify(outcome.error)}`);
  return outcome.value;
}

async function dropped(): Promise<{ file: string; handle: number }> {
  const { file } = await ok("adopt", { source: blob() });
  const { handle } = await ok("open", { file, format: "qcow2", readOnly: true });
  return { file, handle };
}

test("a check is told of, other calls are answered meanwhile, and it ends as it would alone", async () => {
  const { file, handle } = await dropped();
  let ended = false;
  const checking = engine.performAs("check", { handle }, 9).then((outcome) => ((ended = true), outcome));
  const { inspection } = await ok("inspect", { file });
  const { data } = await ok("bytesAt", { inspection, view: "host", offset: 0, length: 4 });
  expect([[...data], ended]).toEqual([[0x51, 0x46, 0x49, 0xfb], false]);
  const outcome = await checking;
  expect(outcome).toMatchObject({ ok: true, value: { corruptions: 0, leaks: 0, allocatedClusters: 2048 } });
  const told = notices.filter((notice) => notice.notice === "progress" && notice.id === 9).length;
  expect(told).toBeGreaterThan(8);
});

test("a check of a disk of 1 TiB: after its first word other calls are answered, and it ends when it is cancelled", async () => {
  inside = wide;
  const { file, handle } = await dropped();
  const checking = engine.performAs("check", { handle }, 3);
  let ended = false;
  void checking.then(() => (ended = true));
  while (!notices.some((notice) => notice.notice === "progress" && notice.id === 3)) await new Promise((resolve) => setImmediate(resolve));
  const { inspection } = await ok("inspect", { file });
  const { data } = await ok("bytesAt", { inspection, view: "host", offset: 0, length: 4 });
  expect([[...data], ended]).toEqual([[0x51, 0x46, 0x49, 0xfb], false]);
  engine.cancel(3);
  expect(await checking).toEqual({ ok: false, error: { kind: "cancelled" } });
  expect((await ok("check", { handle })).allocatedClusters).toBe(256);
});

test("a check stops when its image is closed, and when it is cancelled, at the next pause", async () => {
  const { handle } = await dropped();
  const first = engine.performAs("check", { handle }, 1);
  await new Promise((resolve) => setImmediate(resolve));
  engine.cancel(1);
  expect(await first).toEqual({ ok: false, error: { kind: "cancelled" } });
  const second = engine.performAs("check", { handle }, 2);
  await ok("close", { handle });
  expect(await second).toEqual({ ok: false, error: { kind: "cancelled" } });
});

test("a layout, a search and a place run beside each other and stop with their inspection", async () => {
  const { file } = await ok("adopt", { source: blob() });
  const { inspection } = await ok("inspect", { file });
  const layout = engine.performAs("layout", { inspection }, 1);
  const search = engine.performAs("search", { inspection, view: "host", needle: new Uint8Array([1, 2, 3]), from: 0, backwards: false }, 2);
  const place = await ok("locate", { inspection, guestOffset: 0 });
  expect(place.l1?.index).toBe(0);
  await ok("endInspection", { inspection });
  expect([await layout, await search]).toEqual([{ ok: false, error: { kind: "cancelled" } }, { ok: false, error: { kind: "cancelled" } }]);
});

test("of an image that can be written, what comes behind a check waits for it", async () => {
  await ok("create", { file: "own.qcow2", options: createOptions({ sizeBytes: TIB / 64, zoned: null }) });
  const { handle } = await ok("open", { file: "own.qcow2", format: "qcow2", readOnly: false });
  for (let index = 0; index < 64; index++) await ok("write", { handle, offset: (index * TIB) / 64 / 64, length: 512, pattern: 1, data: null });
  const order: string[] = [];
  const checking = engine.performAs("check", { handle }, 3).then(() => order.push("check"));
  const writing = engine.performAs("write", { handle, offset: 0, length: 512, pattern: 2, data: null }, 4).then(() => order.push("write"));
  await Promise.all([checking, writing]);
  expect(order).toEqual(["check", "write"]);
});
