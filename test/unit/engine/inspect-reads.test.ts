/** How much of a large file is read before something is seen of it. A file is never read as a whole. */
import { expect, test } from "vitest";
import { BlobStore } from "../../../src/bytes/blob-store.ts";
import { CachedStore } from "../../../src/bytes/cached-store.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import type { ByteStore } from "../../../src/bytes/byte-store.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";
import { createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import { memoryHome } from "../../../src/testing/homes.ts";

const GIB = 2 ** 30;
const CLUSTER = 65536;
const CLUSTERS = 10_000;
const MOST_READS = 64;
const MOST_MS = 1000;

/** A disk of 100 GB of 400 zones with 25 clusters in each, and the file of it. */
async function largeImage(): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const fixture = engineFixture(files);
  const zoned = { zoneSize: GIB / 4, zoneCapacity: GIB / 4 };
  await fixture.ok("create", { file: "large.qcow2", options: createOptions({ sizeBytes: 100 * GIB, zoned }) });
  const { handle } = await fixture.ok("open", { file: "large.qcow2", format: null, readOnly: false });
  for (let zone = 0; zone < 400; zone++) await fixture.ok("write", { handle, offset: (zone * GIB) / 4, length: (CLUSTERS / 400) * CLUSTER, pattern: 0x5a, data: null });
  await fixture.ok("close", { handle });
  return files;
}

test("header and zone map of a dropped 100 GB image: under 64 reads, within a second", { timeout: 120_000 }, async () => {
  const files = await largeImage();
  const opened = await files.open("large.qcow2", "read");
  if (!opened.ok) throw new Error("not there");
  const base = opened.value;
  let reads = 0;
  // A Blob as a browser has one: its slices are read one by one, and each reading is counted.
  const blob = { size: base.size(), slice: (from: number, to: number) => ({ from, to }) } as unknown as Blob;
  const read = (part: Blob): ArrayBuffer => {
    reads++;
    const { from, to } = part as unknown as { from: number; to: number };
    const bytes = new Uint8Array(to - from);
    base.read(from, bytes);
    return bytes.buffer;
  };
  const engine = new Engine({ files: new MemoryFiles(), openBlob: (source, name) => new BlobStore(name, source, read), notify: () => undefined, now: () => Date.now() });
  const ok = async <Value>(outcome: Promise<{ ok: true; value: Value } | { ok: false; error: unknown }>): Promise<Value> => {
    const settled = await outcome;
    if (!settled.ok) throw new Error(JSON.stringify(settled.error));
    return settled.value;
  };
  const { file } = await ok(engine.perform("adopt", { source: Object.assign(blob, { name: "large.qcow2" }) as unknown as File }));
  const started = performance.now();
  const { header, identity } = await ok(engine.perform("inspect", { file }));
  const { handle } = await ok(engine.perform("open", { file, format: null, readOnly: true }));
  const { zones } = await ok(engine.perform("watch", { handle }));
  const elapsedMs = performance.now() - started;
  expect(header!.problem).toBeNull();
  expect(identity.contentsUnread).toBe(false);
  expect(zones!.writePointer[399]).toBe(399 * (GIB / 4) + 25 * CLUSTER);
  expect(reads).toBeLessThan(MOST_READS);
  expect(elapsedMs).toBeLessThan(MOST_MS);
  if (process.env["PRINT_READS"] !== undefined) console.log({ reads, elapsedMs });
  await engine.shutDown();
});

async function filled(lengthBytes: number): Promise<{ cached: CachedStore; counting: CountingStore; plain: ByteStore }> {
  const store = await memoryHome().make();
  store.write(0, Uint8Array.from({ length: lengthBytes }, (_, index) => (index * 7 + (index >> 8)) % 251));
  const counting = new CountingStore(store);
  return { cached: new CachedStore(counting, { blockBytes: 64, budgetBytes: 256, longestBytes: 1024 }), counting, plain: store };
}

test("a cached store reads what its base has, across borders, behind the end and past its budget", async () => {
  const { cached, plain } = await filled(1000);
  for (let offset = 0; offset <= 1010; offset += 7) {
    for (const length of [0, 1, 63, 64, 65, 200, 999, 1100]) {
      const [ours, theirs] = [new Uint8Array(length).fill(0xee), new Uint8Array(length).fill(0xee)];
      expect(cached.read(offset, ours)).toBe(plain.read(offset, theirs));
      expect(ours).toEqual(theirs);
    }
  }
  expect(() => cached.write(0, new Uint8Array(1))).toThrow();
});

test("what was read is not read again while it is in the budget; missing neighbours take one read", async () => {
  const { cached, counting } = await filled(4096);
  cached.read(0, new Uint8Array(256));
  expect(counting.take()).toMatchObject({ reads: 1, readBytes: 256 });
  cached.read(10, new Uint8Array(200));
  expect(counting.take().reads).toBe(0);
  cached.read(1000, new Uint8Array(64));
  expect(counting.take()).toMatchObject({ reads: 1, readBytes: 128 });
  // A long read goes past the cache, and what was there stays.
  cached.read(0, new Uint8Array(2000));
  cached.read(1000, new Uint8Array(64));
  expect(counting.take()).toMatchObject({ reads: 1, readBytes: 2000 });
  cached.read(0, new Uint8Array(64));
  expect(counting.take().reads).toBe(1);
});
