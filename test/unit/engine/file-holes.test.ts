/** What a map tells of the holes of a file: nothing of what is not in the file yet, and nothing that takes long. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { NodeStore } from "../../../src/bytes/node-store.ts";
import { storeFault } from "../../../src/bytes/byte-store.ts";
import { createImage, openImage } from "../../../src/package/engine.ts";
import type { Image } from "../../../src/package/engine.ts";
import { Folder } from "../../../src/package/node.ts";
import { StoredRefcounts } from "../../../src/qcow2/stored-refcounts.ts";

const root = mkdtempSync(join(tmpdir(), "zonescope-file-holes-"));
afterAll(() => rmSync(root, { recursive: true }));
const files = new Folder(root);

async function isZero(image: Image, offset: number): Promise<boolean> {
  for await (const { zero } of image.map(offset, 512)) return zero;
  return expect.fail("it has no extent");
}

test("what was written and is not in the file yet is data in a map", async () => {
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-o", "preallocation=metadata", join(root, "given.qcow2"), "20M"]);
  const image = await openImage({ files, name: "given.qcow2" });
  await image.write(65536, new Uint8Array(4096).fill(7));
  expect(await isZero(image, 65536)).toBe(false);
  await image.close();
});

test("a file that is longer than its refcounts reach is mapped at once", async () => {
  const made = await createImage({ files, name: "long.qcow2" }, { size: 2 ** 20, clusterSize: 512 });
  await made.write(0, new Uint8Array(400 * 1024).fill(7));
  await made.close();
  truncateSync(join(root, "long.qcow2"), 2 ** 43);
  const image = await openImage({ files, name: "long.qcow2" }, { readOnly: true });
  // Of 2^34 clusters not one by one.
  const asked = vi.spyOn(StoredRefcounts.prototype, "of");
  try {
    expect(await isZero(image, 0)).toBe(false);
    expect(asked.mock.calls.length).toBeLessThan(10_000);
  } finally {
    asked.mockRestore();
  }
  await image.close();
}, 600_000);

test("a file that cannot be read through is mapped as it was before", async () => {
  const path = join(root, "bad.raw");
  const descriptor = openSync(path, "w");
  writeSync(descriptor, new Uint8Array(4096).fill(1), 0, 4096, 8192);
  closeSync(descriptor);
  truncateSync(path, 2 ** 20);
  const image = await openImage({ files, name: "bad.raw" }, { readOnly: true, format: "raw" });
  const read = vi.spyOn(NodeStore.prototype, "read").mockImplementation((offset, into) => {
    throw storeFault(path, "io", "read", offset, into.length, "a bad sector");
  });
  try {
    expect(await isZero(image, 2 ** 19)).toBe(false);
  } finally {
    read.mockRestore();
  }
  await image.close();
});
