/** A disk that grows with places for its new space: by less than a cluster, from the middle of one, and by clusters longer than the pieces it is made in. */
import { expect, test } from "vitest";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { runToEnd } from "../../../src/engine/jobs.ts";
import { OpenImage } from "../../../src/engine/open-image.ts";
import { patternPayload } from "../../../src/engine/payload.ts";
import { resizeOpened } from "../../../src/engine/resize-calls.ts";
import { KIB, MIB, createOptions } from "../../../src/testing/engine-fixture.ts";

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

test.each([
  ["by a part of its last cluster", 4 * KIB, false, 409 * 512, 412 * 512],
  ["from the middle of a cluster into the next", 4 * KIB, false, 409 * 512, 420 * 512],
  ["by clusters of 2 MiB", 2 * MIB, false, 3 * MIB, 9 * MIB + 512],
  ["by subclusters", 16 * KIB, true, 40 * KIB, 41 * KIB],
  ["by clusters of 2 MiB with subclusters", 2 * MIB, true, MIB + 512, 5 * MIB],
] as const)("%s", (_, clusterSize, extendedL2, before, after) => {
  const store = new MemoryStore("a", new MemoryContents());
  succeed(writeNewImage(store, createOptions({ sizeBytes: before, clusterSize, extendedL2, zoned: null })));
  const image = OpenImage.over(1, "a", store, "qcow2", true, () => 0);
  succeed(image.device.write(before - 512, patternPayload(7, 512)));
  succeed(resizeOpened(image, after, true));
  const bytes = new Uint8Array(after - before + 512);
  succeed(image.device.read(before - 512, bytes));
  expect(bytes.findIndex((byte) => byte !== 7)).toBe(512);
  expect(bytes.subarray(512).every((byte) => byte === 0)).toBe(true);
  const report = succeed(runToEnd(image.check()));
  expect(report.findings).toEqual([]);
  expect(report.allocatedClusters).toBe(Math.ceil(after / clusterSize) - Math.floor((before - 512) / clusterSize));
});
