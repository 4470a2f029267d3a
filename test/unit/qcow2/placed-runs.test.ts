/**
 * A write over neighbouring clusters that have a place, data and zeros among them, is one request, and all of it is data afterwards; a
 * cluster of zeros of which a part is written is filled up by itself.
 */
import { expect, test } from "vitest";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import { createImage } from "../../../src/qcow2/create.ts";
import { Qcow2Image } from "../../../src/qcow2/image.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";

const CLUSTER = 65536;
const SUBCLUSTER = CLUSTER / 32;

/** Three neighbouring clusters of sevens, of which [zeroFrom, zeroTo) was made zeros that keep their place. */
function written(extendedL2: boolean, zeroFrom: number, zeroTo: number): { image: Qcow2Image; store: CountingStore; place: number } {
  const store = new CountingStore(new MemoryStore("a"));
  createImage(store, { virtualSize: 2 ** 20, clusterSize: CLUSTER, refcountBits: 16, incompatible: extendedL2 ? 16n : 0n, featureNames: [], area: null, extendedL2 });
  const image = new Qcow2Image(store, readHeader(store), { write: true });
  image.write(0, new Uint8Array(3 * CLUSTER).fill(7));
  const place = image.map(0, 512, 1).extents[0]!.hostOffset!;
  image.writeZeroes(zeroFrom, zeroTo - zeroFrom, false);
  image.flush();
  store.take();
  return { image, store, place };
}

function bytesOf(image: Qcow2Image): Uint8Array {
  const bytes = new Uint8Array(3 * CLUSTER);
  image.read(0, bytes);
  return bytes;
}

test.each([
  ["the middle one of zeros", false, CLUSTER, 2 * CLUSTER, 0, 3 * CLUSTER, 1],
  ["the first two of zeros", false, 0, 2 * CLUSTER, 0, 3 * CLUSTER, 1],
  ["all of zeros, the last written in part", false, 0, 3 * CLUSTER, 0, 2 * CLUSTER + 512, 2],
  ["all of zeros, the first written in part", false, 0, 3 * CLUSTER, 512, 3 * CLUSTER, 2],
  ["the middle one of zeros, the others written in part", false, CLUSTER, 2 * CLUSTER, 512, 3 * CLUSTER - 512, 1],
  ["subclusters of zeros in the midst", true, CLUSTER - SUBCLUSTER, CLUSTER + 3 * SUBCLUSTER, 0, 3 * CLUSTER, 1],
  ["subclusters of zeros, written from one on", true, CLUSTER - 4 * SUBCLUSTER, CLUSTER + 3 * SUBCLUSTER, CLUSTER - 2 * SUBCLUSTER, 2 * CLUSTER, 1],
  ["subclusters of zeros, written from the midst of one on", true, CLUSTER - 4 * SUBCLUSTER, CLUSTER + 3 * SUBCLUSTER, CLUSTER - 2 * SUBCLUSTER + 512, 2 * CLUSTER, 2],
] as const)("%s", (_, extendedL2, zeroFrom, zeroTo, from, to, writes) => {
  const { image, store, place } = written(extendedL2, zeroFrom, zeroTo);
  const expected = bytesOf(image).fill(9, from, to);
  store.take();
  image.write(from, new Uint8Array(to - from).fill(9));
  expect(store.take().writes).toBe(writes);
  expect(Buffer.compare(bytesOf(image), expected)).toBe(0);
  const { extents } = image.map(from, to - from, 100);
  expect(extents).toMatchObject([{ data: true, zero: false, hostOffset: place + from }]);
  image.flush();
  const again = new Qcow2Image(store, readHeader(store));
  expect(Buffer.compare(bytesOf(again), expected)).toBe(0);
});
