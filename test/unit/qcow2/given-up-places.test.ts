/** Where a cluster that is given up keeps its place, or its place is emptied: only where the image may say so, and only its own. */
import { expect, test } from "vitest";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { amendImage } from "../../../src/engine/amend-calls.ts";
import { runToEnd } from "../../../src/engine/jobs.ts";
import { STANDALONE } from "../../../src/engine/open-device.ts";
import { OpenImage } from "../../../src/engine/open-image.ts";
import { patternPayload } from "../../../src/engine/payload.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { KIB, createOptions } from "../../../src/testing/engine-fixture.ts";

const CLUSTER = 4 * KIB;
const DISK = 16 * CLUSTER;

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

function made(dataFile: boolean): MemoryStore {
  const store = new MemoryStore("a", new MemoryContents());
  succeed(writeNewImage(store, { ...createOptions({ sizeBytes: DISK, clusterSize: CLUSTER, zoned: null }), dataFile: dataFile ? { file: "d", raw: false } : null }));
  return store;
}

/** The word of the first L2 table that maps a cluster, and where it lies. */
function entryOf(store: MemoryStore, cluster: number): { at: number; word: bigint } {
  const word = (at: number): bigint => {
    const bytes = new Uint8Array(8);
    store.read(at, bytes);
    return new DataView(bytes.buffer).getBigUint64(0);
  };
  const at = Number(word(readHeader(store).l1Offset) & 0x00ff_ffff_ffff_fe00n) + cluster * 8;
  return { at, word: word(at) };
}

test.each(["discard", "zero"])("a %s by an entry of a data file that lies empties no other cluster", (how) => {
  const store = made(true);
  const data = new MemoryContents();
  const open = (): OpenImage => new OpenImage(1, { ...STANDALONE, file: "a", store, format: "qcow2", data: { file: "d", store: new MemoryStore("d", data) } }, true, () => 0);
  const image = open();
  succeed(image.device.write(0, patternPayload(5, 2 * CLUSTER)));
  succeed(image.flush());
  const [first, second] = [entryOf(store, 0), entryOf(store, 1)];
  const lie = new Uint8Array(8);
  new DataView(lie.buffer).setBigUint64(0, second.word);
  store.write(first.at, lie);

  const lied = open();
  succeed(how === "discard" ? lied.device.discard(0, CLUSTER) : lied.device.writeZeroes(0, CLUSTER, true));
  succeed(lied.flush());
  const bytes = new Uint8Array(2 * CLUSTER);
  succeed(lied.device.read(0, bytes));
  expect([bytes[0], bytes[CLUSTER], bytes[2 * CLUSTER - 1]]).toEqual([0, 5, 5]);
});

test("an image that became one of version 2 keeps no places: it has no word for a place whose bytes are zeros", () => {
  const store = made(false);
  const image = new OpenImage(1, { ...STANDALONE, file: "a", store, format: "qcow2", keepsPlaces: true }, true, () => 0);
  succeed(image.device.write(0, patternPayload(5, 2 * CLUSTER)));
  succeed(image.device.discard(0, CLUSTER));
  succeed(image.flush());
  expect(entryOf(store, 0).word & 1n).toBe(1n);
  succeed(runToEnd(amendImage(image, { version: 2 })));
  succeed(image.device.discard(CLUSTER, CLUSTER));
  succeed(image.flush());
  expect(entryOf(store, 1).word).toBe(0n);
});
