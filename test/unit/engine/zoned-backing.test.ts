/**
 * A zoned image under an overlay: what a read of the zoned image does not show, an overlay does not show either, though the
 * clusters still hold it. Zone semantics, "Transitions" (READ).
 */
import { beforeEach, expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { KIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";
import { patchedImage, putFile, rawExtension } from "./images.ts";

const SIZE = 128 * KIB;
const qcow2 = (file: string) => ({ file, format: "qcow2" }) as const;
let fixture: EngineFixture;

async function diskOf(file: string, length = SIZE, offset = 0): Promise<Uint8Array> {
  const { handle } = await fixture.ok("open", { file, readOnly: true, format: "qcow2" });
  const { data } = await fixture.ok("read", { handle, offset, length, pattern: null, wantData: true });
  await fixture.ok("close", { handle });
  return data!;
}

/** Sixteen zones to a cluster, so that a reset zone's bytes stay where they were as long as a neighbour has data. */
beforeEach(async () => {
  fixture = engineFixture();
  await fixture.ok("create", { file: "zoned", options: createOptions({ sizeBytes: SIZE, zoned: { zoneSize: 4 * KIB, zoneCapacity: 3 * KIB } }) });
  const { handle } = await fixture.ok("open", { file: "zoned", readOnly: false, format: null });
  const write = (offset: number, length: number, pattern: number) => fixture.ok("write", { handle, offset, length, pattern, data: null });
  await write(0, 3 * KIB, 7);
  await write(4 * KIB, 2 * KIB, 8);
  await write(8 * KIB, KIB, 9);
  await fixture.ok("manage", { handle, operation: "reset", offset: 0, length: 4 * KIB });
  await write(0, 512, 1);
  await fixture.ok("close", { handle });
});

test("an overlay shows what the zoned image shows", async () => {
  await fixture.ok("create", { file: "overlay", options: { ...createOptions({ sizeBytes: SIZE, zoned: null }), backing: qcow2("zoned") } });
  const zoned = await diskOf("zoned");
  expect(zoned.subarray(0, 512).every((byte) => byte === 1)).toBe(true);
  expect(zoned.subarray(512, 4 * KIB).every((byte) => byte === 0)).toBe(true);
  expect(Buffer.compare(await diskOf("overlay"), zoned)).toBe(0);
});

test("a copy on write takes what is shown", async () => {
  await fixture.ok("create", { file: "overlay", options: { ...createOptions({ sizeBytes: SIZE, zoned: null }), backing: qcow2("zoned") } });
  const expected = await diskOf("zoned");
  expected.fill(3, 20 * KIB, 21 * KIB);
  const { handle } = await fixture.ok("open", { file: "overlay", readOnly: false, format: null });
  await fixture.ok("write", { handle, offset: 20 * KIB, length: KIB, pattern: 3, data: null });
  await fixture.ok("close", { handle });
  expect(Buffer.compare(await diskOf("overlay"), expected)).toBe(0);
});

test("a rebase from and onto a zoned image leaves the guest's disk as it is", async () => {
  await fixture.ok("create", { file: "plain", options: createOptions({ sizeBytes: SIZE, zoned: null }) });
  await fixture.ok("create", { file: "overlay", options: { ...createOptions({ sizeBytes: SIZE, zoned: null }), backing: qcow2("zoned") } });
  const before = await diskOf("zoned");
  for (const backing of [qcow2("plain"), qcow2("zoned"), null]) {
    const { handle } = await fixture.ok("open", { file: "overlay", readOnly: false, format: null });
    await fixture.ok("rebase", { handle, backing, headerOnly: false, compressed: false });
    await fixture.ok("close", { handle });
    expect(Buffer.compare(await diskOf("overlay"), before), backing?.file ?? "none").toBe(0);
  }
});

test("a rebase onto a zoned image copies what that image only holds and does not show", async () => {
  // The overlay's old backing shows in zone 0 the very bytes that the zoned image's cluster still holds there.
  await fixture.ok("create", { file: "plain", options: createOptions({ sizeBytes: SIZE, zoned: null }) });
  const plain = await fixture.ok("open", { file: "plain", readOnly: false, format: null });
  await fixture.ok("write", { handle: plain.handle, offset: 0, length: 3 * KIB, pattern: 7, data: null });
  await fixture.ok("close", { handle: plain.handle });
  await fixture.ok("create", { file: "overlay", options: { ...createOptions({ sizeBytes: SIZE, clusterSize: KIB, zoned: null }), backing: qcow2("plain") } });
  const before = await diskOf("overlay");
  const { handle } = await fixture.ok("open", { file: "overlay", readOnly: false, format: null });
  await fixture.ok("rebase", { handle, backing: qcow2("zoned"), headerOnly: false, compressed: false });
  await fixture.ok("close", { handle });
  expect(Buffer.compare(await diskOf("overlay"), before)).toBe(0);
});

test("bytes that a patched build wrote above the capacity do not show through an overlay", async () => {
  const files = new MemoryFiles();
  fixture = engineFixture(files);
  const bytes = patchedImage("v4-s05_capacity_lt_size");
  const { zoneCapacity } = rawExtension(bytes);
  await putFile(files, "patched", bytes);
  const sizeBytes = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(24));
  await fixture.ok("create", { file: "overlay", options: { ...createOptions({ sizeBytes, zoned: null }), backing: qcow2("patched") } });
  expect((await diskOf("overlay", 4096, zoneCapacity)).every((byte) => byte === 0)).toBe(true);
  expect((await diskOf("overlay", 4096, zoneCapacity - 4096)).some((byte) => byte !== 0)).toBe(true);
});
