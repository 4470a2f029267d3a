/** From a cluster of the file back to the entry that leads there: as every entry leads forth, in images of all kinds, and cheap after the first. */
import { readFileSync, readdirSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { runToEnd } from "../../../src/engine/jobs.ts";
import { inspectHeader } from "../../../src/inspect/header-report.ts";
import { Inspected } from "../../../src/inspect/inspected.ts";
import { placeOfGuest, placeOfHost } from "../../../src/inspect/locate.ts";
import type { Locating } from "../../../src/inspect/locate.ts";
import type { ByteStore } from "../../../src/bytes/byte-store.ts";
import { writeSparseImage } from "../../../src/testing/bench/sparse-image.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";

const FOLDER = "test/unit/hostile/data";

function locating(store: ByteStore): Locating {
  const { header, zoned, report } = inspectHeader(store);
  if (header === null) throw new Error("no header");
  return { inspected: new Inspected(store, header, zoned), report, live: () => null };
}

test.each(readdirSync(FOLDER))("%s: every entry's place leads back to it, or to one before it", (name) => {
  const all = locating(new MemoryStore(name, MemoryContents.of(new Uint8Array(gunzipSync(readFileSync(`${FOLDER}/${name}`))))));
  const { clusterSize, virtualSize } = all.inspected.header;
  let led = 0;
  for (let offset = 0; offset < virtualSize; offset += clusterSize) {
    const { hostOffset, layoutKind } = placeOfGuest(all, offset);
    if (hostOffset === null || hostOffset >= all.inspected.fileSize) continue;
    const back = runToEnd(placeOfHost(all, hostOffset));
    // What a table claims that is a structure of the image is the structure.
    if (back.layoutKind !== "data" && back.layoutKind !== "zero-allocated" && back.layoutKind !== "compressed") continue;
    led++;
    expect(back.guest!.offset).toBeLessThanOrEqual(offset);
    // Several may lead to one place: then the one that is told leads there as well.
    const again = placeOfGuest(all, back.guest!.offset).hostOffset!;
    if (layoutKind === "compressed" || back.layoutKind === "compressed") expect(Math.abs(again - hostOffset)).toBeLessThanOrEqual(clusterSize + 512);
    else expect(again).toBe(hostOffset);
  }
  expect(led).toBeGreaterThanOrEqual(all.inspected.format.externalData ? 0 : 1);
});

test("the first place asked for goes through all tables, and every later one reads a table at the most", () => {
  const contents = new MemoryContents();
  const clusters = 4096;
  writeSparseImage(new MemoryStore("large", contents), { sizeBytes: 2 ** 36, dataClusters: clusters });
  const counting = new CountingStore(new MemoryStore("large", contents));
  const all = locating(counting);
  const end = contents.size;
  const first = runToEnd(placeOfHost(all, end - 65536));
  expect(first.guest!.offset).toBe(2 ** 36 - 2 ** 36 / clusters);
  expect(counting.take().reads).toBeGreaterThan(128);
  for (const back of [2, 100, 1000, clusters]) {
    expect(runToEnd(placeOfHost(all, end - back * 65536)).guest!.offset).toBe(2 ** 36 - back * (2 ** 36 / clusters));
    expect(counting.take().reads).toBeLessThan(6);
  }
});
