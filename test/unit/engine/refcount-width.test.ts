/** The width of reference counts changes as a whole or not at all: stopped wherever it yields, the image is as it was, with no leak. */
import { expect, test } from "vitest";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { runToEnd } from "../../../src/engine/jobs.ts";
import { STANDALONE } from "../../../src/engine/open-device.ts";
import { OpenImage } from "../../../src/engine/open-image.ts";
import { patternPayload } from "../../../src/engine/payload.ts";
import { ok } from "../../../src/base/result.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { changeRefcountWidth } from "../../../src/qcow2/refcount-width.ts";
import { KIB, MIB, createOptions } from "../../../src/testing/engine-fixture.ts";

function opened(refcountBits: number): { image: OpenImage; store: MemoryStore } {
  const contents = new MemoryContents();
  const store = new MemoryStore("a", contents);
  expect(writeNewImage(store, createOptions({ sizeBytes: MIB, clusterSize: 512, refcountBits, zoned: null })).ok).toBe(true);
  const image = new OpenImage(1, { ...STANDALONE, file: "a", store, format: "qcow2" }, true, () => 0);
  image.device.write(0, patternPayload(1, 200 * KIB));
  return { image, store };
}

/** Changes the width and stops at the yield of that number. @returns whether it came to its end before */
function stoppedAt(image: OpenImage, order: number, stop: number): boolean {
  const work = image.changeWholeSlowly(function* (state) {
    const done = yield* changeRefcountWidth(state, order);
    return ok(done.ok);
  });
  for (let count = 0; count < stop; count++) if (work.next().done === true) return true;
  work.return(ok(false));
  return false;
}

test.each([[16, 6], [64, 3]])("from %i bits to 2^%i", (bits, order) => {
  let stops = 0;
  for (let stop = 1; ; stop += 7) {
    const { image, store } = opened(bits);
    if (stoppedAt(image, order, stop)) break;
    stops++;
    expect(2 ** readHeader(store).refcountOrder).toBe(bits);
    expect(runToEnd(image.check()), `stopped at ${stop}`).toMatchObject({ ok: true, value: { findings: [] } });
    const read = new Uint8Array(200 * KIB);
    image.device.disk.read(0, read);
    expect(read.every((byte) => byte === 1)).toBe(true);
  }
  expect(stops).toBeGreaterThan(3);
});
