/** What a repair would change is what the repair of a copy changes, byte for byte, and the file itself stays as it is. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { OverlayStore } from "../../../src/bytes/overlay-store.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { createOptions, engineFixture, KIB, MIB } from "../../../src/testing/engine-fixture.ts";
import { mutate } from "../../../src/testing/hostile/mutator.ts";
import { fileReader, putFile } from "./images.ts";

async function bytesOf(files: MemoryFiles, name: string): Promise<Uint8Array> {
  const { size, read } = await fileReader(files, name);
  return read(0, size);
}

test("a leak and a count that is too low: two words change, in the refcount block", async () => {
  const files = new MemoryFiles();
  const fixture = engineFixture(files);
  await fixture.ok("create", { file: "image", options: createOptions() });
  const { handle } = await fixture.ok("open", { file: "image", format: null, readOnly: false });
  await fixture.ok("write", { handle, offset: MIB, length: 64 * KIB, pattern: 1, data: null });
  await fixture.ok("close", { handle });
  const bytes = await bytesOf(files, "image");
  const view = new DataView(bytes.buffer);
  const block = Number(view.getBigUint64(Number(view.getBigUint64(48))));
  view.setUint16(block + 2 * 100, 1);
  bytes.set([0, 3], block + 2);
  const longer = new Uint8Array(101 * 64 * KIB);
  longer.set(bytes);
  await putFile(files, "broken", longer);
  const { inspection } = await fixture.ok("inspect", { file: "broken" });
  const plan = await fixture.ok("repairPlan", { inspection, mode: "all" });
  expect(plan.changes).toEqual([
    { hostOffset: block, lengthBytes: 8, structure: "refcount block", before: "0001000300010001", after: "0001000100010001" },
    { hostOffset: block + 200, lengthBytes: 8, structure: "refcount block", before: "0001000000000000", after: "0000000000000000" },
  ]);
  expect(plan).toMatchObject({ told: 2, changedBytes: 16, fileSize: longer.length });
  expect(plan.report).toMatchObject({ leaksFixed: 2, after: { corruptions: 0, leaks: 0 } });
  expect(Buffer.compare(await bytesOf(files, "broken"), longer)).toBe(0);
});

test.each(["plain", "snapshots", "subclusters", "bitmaps", "datafile", "narrow"])("mutants of %s: the plan and the repair of a copy do the same", { timeout: 60_000 }, async (name) => {
  const image = new Uint8Array(gunzipSync(readFileSync(`test/unit/hostile/data/${name}.qcow2.gz`)));
  let repaired = 0;
  for (let round = 0; round < 24; round++) {
    const files = new MemoryFiles();
    const { engine } = engineFixture(files);
    const { bytes, what } = mutate(image, new Random(77 + round));
    await putFile(files, "image", bytes);
    await putFile(files, "copy", bytes);
    const begun = await engine.perform("inspect", { file: "image" });
    if (!begun.ok) throw new Error(JSON.stringify(begun.error));
    const plan = await engine.perform("repairPlan", { inspection: begun.value.inspection, mode: "all" });
    expect(Buffer.compare(await bytesOf(files, "image"), bytes), what).toBe(0);
    const opened = await engine.perform("open", { file: "copy", format: "qcow2", readOnly: false, inspect: true, forCheck: true });
    const repair = opened.ok ? await engine.perform("repair", { handle: opened.value.handle, mode: "all" }) : opened;
    if (opened.ok) await engine.perform("close", { handle: opened.value.handle });
    expect(plan.ok, what).toBe(repair.ok);
    if (!plan.ok || !repair.ok) continue;
    expect(plan.value.report, what).toEqual(repair.value);
    // A repair may make a file as long as a lie in its refcount table says: sparse, and not to be read whole.
    if (plan.value.fileSize > 64 * MIB) continue;
    const after = await bytesOf(files, "copy");
    expect(plan.value.fileSize, what).toBe(after.length);
    // The plan's changes, put into the file as it is, make the repaired copy; what is longer than is told is held against its start.
    const patched = new Uint8Array(after.length);
    patched.set(bytes.subarray(0, after.length));
    for (const { hostOffset, lengthBytes, after: hex } of plan.value.changes) {
      expect(Buffer.from(after.subarray(hostOffset, hostOffset + Math.min(16, lengthBytes))).toString("hex").padEnd(hex.length, "0"), what).toBe(hex);
      patched.set(after.subarray(hostOffset, hostOffset + lengthBytes), hostOffset);
    }
    if (plan.value.told === plan.value.changes.length) expect(Buffer.compare(patched, after), what).toBe(0);
    if (plan.value.told > 0) repaired++;
  }
  expect(repaired).toBeGreaterThan(2);
});

test("what was cut off an overlay does not come back, and the file below stays", () => {
  const contents = MemoryContents.of(new Uint8Array(10_000).fill(7));
  const overlay = new OverlayStore(new MemoryStore("below", contents, true));
  overlay.truncate(5000);
  overlay.truncate(10_000);
  overlay.write(4999, Uint8Array.from([1, 2]));
  const all = new Uint8Array(10_000);
  expect(overlay.read(0, all)).toBe(10_000);
  expect([all[4998], all[4999], all[5000], all[5001], all[9999]]).toEqual([7, 1, 2, 0, 0]);
  const below = new Uint8Array(10_000);
  contents.read(0, below);
  expect(below.every((byte) => byte === 7)).toBe(true);
});
