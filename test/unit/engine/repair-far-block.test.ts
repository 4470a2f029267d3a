/** A refcount block that is said to lie far behind the file's end: a repair takes the entry for garbage, and makes no file that long for it. */
import { expect, test } from "vitest";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { runToEnd } from "../../../src/engine/jobs.ts";
import { STANDALONE } from "../../../src/engine/open-device.ts";
import { OpenImage } from "../../../src/engine/open-image.ts";
import { MIB, createOptions } from "../../../src/testing/engine-fixture.ts";

const TABLE_AT = 512;

test.each([
  ["far", 2 ** 34, true],
  ["a little", MIB, false],
])("%s", (_, offset, isGarbage) => {
  const store = new MemoryStore("a", new MemoryContents());
  expect(writeNewImage(store, createOptions({ sizeBytes: MIB, clusterSize: 512, zoned: null })).ok).toBe(true);
  const entry = new DataView(new ArrayBuffer(8));
  entry.setBigUint64(0, BigInt(offset));
  store.write(TABLE_AT + 23 * 8, new Uint8Array(entry.buffer));
  const image = new OpenImage(1, { ...STANDALONE, file: "a", store, format: "qcow2" }, true, () => 0);
  const repaired = runToEnd(image.repair("all"));
  expect(repaired).toMatchObject({ ok: true, value: { after: { corruptions: 0, leaks: 0 } } });
  if (!repaired.ok) return;
  expect(repaired.value.findings.some(({ finding }) => finding === "cannot-resize")).toBe(isGarbage);
  expect(store.size()).toBeLessThan(4 * MIB);
});
