/** A check whose counts do not fit into its memory goes through the image once for each window, and tells what it tells of the image in one. */
import { expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { runToEnd } from "../../../src/engine/jobs.ts";
import { OpenImage } from "../../../src/engine/open-image.ts";
import { patternPayload } from "../../../src/engine/payload.ts";
import { Check, compare, inWindows } from "../../../src/qcow2/check.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { ReferenceCounts } from "../../../src/qcow2/reference-counts.ts";
import { createOptions } from "../../../src/testing/engine-fixture.ts";

const MIB = 2 ** 20;
const CLUSTER = 512;
/** Of counts that are in memory together. */
const CHUNK = 2048;

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

/** An image of some ten thousand clusters that lie in no order. */
function made(): MemoryStore {
  const contents = new MemoryContents();
  const store = new MemoryStore("a", contents);
  writeNewImage(store, createOptions({ sizeBytes: 16 * MIB, clusterSize: CLUSTER, zoned: null }));
  const image = OpenImage.over(1, "a", store, "qcow2", true, () => 0);
  const random = new Random(11);
  for (let index = 0; index < 1000; index++) succeed(image.device.write(random.below(16 * MIB - 8 * CLUSTER), patternPayload(1 + (index % 250), 8 * CLUSTER)));
  succeed(image.flush());
  succeed(image.close());
  return new MemoryStore("a", contents);
}

function checked(store: MemoryStore, budgetBytes: number) {
  const check = new Check(store, readHeader(store));
  const references = new ReferenceCounts(budgetBytes, 0xffff);
  Object.defineProperty(check, "references", { value: references });
  let windows = 0;
  runToEnd(
    inWindows(check, [], () => {
      windows++;
      return compare(check, null);
    }),
  );
  check.tellCopied();
  const { allocated, compressed, fragmented, highestCluster, structural, compared, verdict } = check;
  const findings = verdict.list.map((finding) => JSON.stringify(finding)).sort();
  return { windows, told: { allocated, compressed, fragmented, highestCluster, structural, compared, findings } };
}

test("the same is told in one window and in many", () => {
  const store = made();
  // A refcount too low and one too high, far apart: the first block counts 256 clusters.
  const header = readHeader(store);
  const entry = new Uint8Array(8);
  for (const [block, count] of [[3, 0], [30, 7]] as const) {
    store.read(header.refcountTableOffset + block * 8, entry);
    store.write(Number(new DataView(entry.buffer).getBigUint64(0)) + 2 * 100, Uint8Array.of(0, count));
  }
  const one = checked(store, MIB);
  const many = checked(store, CHUNK);
  expect(one.windows).toBe(1);
  expect(many.windows).toBeGreaterThan(3);
  expect(one.told.allocated).toBeGreaterThan(5000);
  expect(one.told.fragmented).toBeGreaterThan(500);
  expect(one.told.findings.length).toBeGreaterThan(1);
  expect(many.told).toEqual(one.told);
});
