/** A commit that ends in the middle: the image goes on over a base whose tables are others by now. */
import { beforeAll, expect, test } from "vitest";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { writeCompressed } from "../../../src/engine/compressed-write.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { STANDALONE } from "../../../src/engine/open-device.ts";
import type { OpenedFiles } from "../../../src/engine/open-device.ts";
import { OpenImage } from "../../../src/engine/open-image.ts";
import { dataPayload, patternPayload } from "../../../src/engine/payload.ts";
import { commitImage } from "../../../src/engine/rebase-calls.ts";
import { Random } from "../../../src/base/random.ts";
import { portableCodecs } from "../../../src/qcow2/codecs.ts";
import { KIB, createOptions } from "../../../src/testing/engine-fixture.ts";

beforeAll(() => portableCodecs.loadDeflate());

const DISK = 1024 * KIB;
const BASE_CLUSTER = 64 * KIB;
const OWN = 4 * KIB;

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

const place = { identity: (file: string) => file } as Parameters<typeof commitImage>[0];

function look(image: OpenImage): Uint8Array {
  const bytes = new Uint8Array(DISK);
  succeed(image.guard(() => image.device.read(0, bytes)));
  return bytes;
}

test("the image reads the base as it is, where streams of it were given up and their places are others'", () => {
  const [base, top] = [new MemoryContents(), new MemoryContents()];
  const options = { sizeBytes: DISK, zoned: null };
  succeed(writeNewImage(new MemoryStore("base", base), createOptions({ ...options, clusterSize: BASE_CLUSTER })));
  succeed(writeNewImage(new MemoryStore("top", top), createOptions({ ...options, clusterSize: OWN, backing: { file: "base", format: "qcow2" } })));
  const filled = OpenImage.over(1, "base", new MemoryStore("base", base), "qcow2", true, () => 0);
  const random = new Random(1);
  // Streams of nearly a cluster each.
  const cluster = Uint8Array.from({ length: BASE_CLUSTER }, (_, at) => (at < 50_000 ? random.below(256) : 0));
  for (let at = 0; at < DISK; at += BASE_CLUSTER) succeed(writeCompressed(filled.device, at, dataPayload(cluster)));
  filled.unflushed = true;
  succeed(filled.close());

  const files: OpenedFiles = { ...STANDALONE, file: "top", store: new MemoryStore("top", top), format: "qcow2", backing: { ...STANDALONE, file: "base", store: new MemoryStore("base", base), format: "qcow2" } };
  const image = new OpenImage(1, files, true, () => 0);
  for (let at = 0; at < DISK; at += BASE_CLUSTER) succeed(image.device.write(at + OWN, patternPayload(7, OWN)));
  succeed(image.flush());
  const before = Buffer.from(look(image));
  for (const steps of [11, 29]) {
    const work = commitImage(place, image, null, true, () => 0);
    for (let step = 0; step < steps; step++) expect(work.next().done).toBe(false);
    work.return({ ok: true, value: { done: true } });
    expect(before.equals(look(image)), `after ${steps} steps`).toBe(true);
  }
  const work = commitImage(place, image, null, true, () => 0);
  while (work.next().done !== true);
  expect(before.equals(look(image))).toBe(true);
});
