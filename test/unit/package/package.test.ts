/** The package over stores that its caller wrote: what they hold, what they get wrong, and what an image stands on. */
import { expect, test } from "vitest";
import type { ByteStore } from "../../../src/bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { createImage, ImageError, NamedStores, openImage } from "../../../src/package/engine.ts";

const MiB = 1024 * 1024;

/** What an act fails with, as data. */
async function failureOf(act: Promise<unknown>) {
  const thrown = await act.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof ImageError)) throw new Error(`no ImageError but ${String(thrown)}`);
  return thrown;
}

/** A store over memory of which one operation is another. */
function storeWith(contents: MemoryContents, other: Partial<ByteStore>): ByteStore {
  const store = new MemoryStore("theirs", contents);
  return {
    name: store.name,
    readOnly: false,
    size: () => store.size(),
    read: (offset, into) => store.read(offset, into),
    write: (offset, from) => store.write(offset, from),
    truncate: (size) => store.truncate(size),
    flush: () => store.flush(),
    close: () => store.close(),
    ...other,
  };
}

test("bytes that were written and closed are there when the store is opened again", async () => {
  const store = new MemoryStore("disk");
  const image = await createImage(store, { size: 3 * MiB, clusterSize: 512 });
  await image.write(MiB + 7, new Uint8Array([1, 2, 3]));
  await image.writeZeroes(MiB + 8, 1);
  await image.close();
  const again = await openImage(store, { readOnly: true });
  expect(again.facts.image).toMatchObject({ format: "qcow2", virtualSize: 3 * MiB, clusterSize: 512, readOnly: true });
  expect([...(await again.read(MiB + 6, 5))]).toEqual([0, 1, 0, 3, 0]);
  expect((await failureOf(again.write(0, new Uint8Array(1)))).failure).toMatchObject({ kind: "usage", code: "read-only" });
  expect((await failureOf(again.read(3 * MiB, 1))).failure.kind).not.toBe("bug");
});

test("every zone of a disk is told, over many reports, and a zone runs through its conditions", async () => {
  const image = await createImage(new MemoryStore("disk"), { size: 5000 * 4096, zoned: { zoneSize: 4096, zoneCapacity: 2048, maxAppendBytes: 1024, conventionalZones: 1 } });
  const zones = await image.zones();
  expect(zones.map(({ zone }) => zone)).toEqual(Array.from({ length: 5000 }, (_, index) => index));
  expect(zones[0]).toMatchObject({ type: "conventional", condition: "NOT_WP" });
  expect(await image.append(4096, new Uint8Array(512).fill(7))).toBe(4096);
  expect(await image.append(4096, new Uint8Array(512).fill(8))).toBe(4608);
  expect([...(await image.read(4607, 2))]).toEqual([7, 8]);
  const conditions: (string | undefined)[] = [];
  for (const operation of ["open", "close", "finish", "reset"] as const) {
    await image.manageZones(operation, 4096, 4096);
    conditions.push((await image.zones(1, 1))[0]?.condition);
  }
  expect(conditions).toEqual(["EXPLICIT_OPEN", "CLOSED", "FULL", "EMPTY"]);
  expect((await failureOf(image.append(4096, new Uint8Array(1536)))).failure).toMatchObject({ kind: "zone", code: "append-too-large" });
  expect(await image.resources()).toMatchObject({ implicitOpen: 0, explicitOpen: 0, closed: 0 });
  expect((await failureOf(image.discard(4096, 512))).failure).toMatchObject({ kind: "zone", code: "unsupported" });
});

test("an image finds its backing among the stores by the letter of its name, and nowhere else", async () => {
  const base = new MemoryStore("b");
  const below = await createImage(base, { size: MiB });
  await below.write(0, new Uint8Array(512).fill(5));
  await below.close();
  const top = new MemoryStore("t");
  const files = new NamedStores({ top, "base.qcow2": base });
  const above = await createImage({ files, name: "top" }, { size: MiB, more: { backing: { file: "base.qcow2", format: "qcow2" } } });
  expect((await above.read(0, 1))[0]).toBe(5);
  await above.write(0, new Uint8Array(512).fill(6));
  await above.close();
  expect((await (await openImage(base)).read(0, 1))[0]).toBe(5);
  expect((await failureOf(openImage(top))).failure).toMatchObject({ kind: "chain", code: "backing-failed", file: "base.qcow2" });
});

test("a store is written by one image at a time, and is free again after close", async () => {
  const files = new NamedStores({ disk: new MemoryStore("d") });
  const image = await createImage({ files, name: "disk" }, { size: MiB });
  expect((await failureOf(openImage({ files, name: "disk" }))).failure).toMatchObject({ kind: "file", code: "in-use" });
  await image.close();
  await (await openImage({ files, name: "disk" })).close();
  expect((await failureOf(openImage({ files, name: "other" }))).failure).toMatchObject({ kind: "file", code: "not-found" });
});

const cableOut = (): number => {
  throw new Error("the cable is out");
};
const noSpace = (): void => {
  throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
};
const faulty: readonly (readonly [string, Partial<ByteStore>, string, string])[] = [
  ["throws", { read: cableOut }, "io", "the cable is out"],
  ["reads less than it has", { read: () => 3 }, "short-read", "read 3 bytes"],
  ["says a length that is none", { size: () => NaN }, "io", "no length"],
];

test.each(faulty)("a store that %s fails the call with what it said, and nothing is invented", async (_what, other, code, said) => {
  const contents = new MemoryContents();
  await (await createImage(new MemoryStore("disk", contents), { size: MiB })).close();
  const error = await failureOf(openImage(storeWith(contents, other)));
  expect(error.failure).toMatchObject({ kind: "store", code });
  expect(error.message).toContain(said);
});

test("a store without room is told as that, whatever its platform throws", async () => {
  const contents = new MemoryContents();
  const image = await createImage(storeWith(contents, {}), { size: MiB });
  await image.close();
  const full = await openImage(storeWith(contents, { write: noSpace }));
  const written = full.write(0, new Uint8Array(64 * 1024).fill(1)).then(() => full.flush());
  expect((await failureOf(written)).failure).toMatchObject({ kind: "store", code: "no-space" });
});

test("what cannot be made is refused by option, and damage is found and repaired", async () => {
  expect((await failureOf(createImage(new MemoryStore("d"), { size: MiB, clusterSize: 1000 }))).failure.kind).toBe("option");
  const contents = new MemoryContents();
  const image = await createImage(new MemoryStore("d", contents), { size: MiB });
  await image.write(0, new Uint8Array(512));
  await image.close();
  // The second refcount of the first block: a cluster that is used and counted as free.
  contents.write(2 * 64 * 1024 + 2, new Uint8Array([0, 0]));
  const broken = await openImage(new MemoryStore("d", contents));
  expect((await broken.check()).corruptions).toBe(1);
  const report = await broken.repair("all");
  expect(report.after.corruptions).toBe(0);
  await broken.close();
});
