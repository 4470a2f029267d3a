/** Lazy refcounts that are asked for at opening, whatever the header says. */
import { expect, test } from "vitest";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { runToEnd } from "../../../src/engine/jobs.ts";
import { STANDALONE } from "../../../src/engine/open-device.ts";
import { OpenImage } from "../../../src/engine/open-image.ts";
import { patternPayload } from "../../../src/engine/payload.ts";
import { INCOMPATIBLE_DIRTY, hasBit } from "../../../src/qcow2/features.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { MIB, createOptions } from "../../../src/testing/engine-fixture.ts";

test.each([
  [2, false, true, false],
  [3, false, true, true],
  [3, true, false, false],
  [3, true, undefined, true],
  [3, false, undefined, false],
] as const)("version %s, in the header %s, asked for %s: dirty after a flush is %s", (version, inHeader, asked, dirty) => {
  const contents = new MemoryContents();
  const made = writeNewImage(new MemoryStore("a", contents), { ...createOptions({ sizeBytes: MIB, clusterSize: 512, zoned: null }), version, refcountBits: 16, lazyRefcounts: inHeader });
  expect(made.ok).toBe(true);
  const store = new MemoryStore("a", contents);
  const isDirty = (): boolean => hasBit(readHeader(store).incompatible, INCOMPATIBLE_DIRTY);
  const image = new OpenImage(1, { ...STANDALONE, file: "a", store, format: "qcow2", lazyRefcounts: asked }, true, () => 0);
  image.device.write(0, patternPayload(1, 64 * 1024));
  image.flush();
  expect(isDirty()).toBe(dirty);
  image.settle();
  expect(isDirty()).toBe(false);
  expect(runToEnd(image.check())).toMatchObject({ ok: true, value: { findings: [] } });
});
