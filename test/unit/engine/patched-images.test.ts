/**
 * Images that the patched v4 and v9 builds made: all open, and geometry, types, pointers and conditions are what their bytes say;
 * a disk that we create with the seed's options has the same extension and the same metadata in the same place.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import { inScratchFolder, stockCheck } from "../../../src/testing/stock.ts";
import { fileReader, patchedImage, patchedNames, putFile, rawExtension } from "./images.ts";

const BIT_59 = 1n << 59n;
const NOT_WP = 0;
const EMPTY = 1;
const CLOSED = 4;
const FULL = 14;

test("there are images of both builds", () => {
  expect(patchedNames().length).toBeGreaterThanOrEqual(14);
  expect(patchedNames()).toEqual(expect.arrayContaining(["v4-seed", "v9-seed", "v4-s08_conventional"]));
});

describe.each(patchedNames())("%s", (name) => {
  const bytes = patchedImage(name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const raw = rawExtension(bytes);
  const deviceSize = Number(view.getBigUint64(24));
  const words = Array.from({ length: raw.zoneCount }, (_, zone) => view.getBigUint64(raw.metadataOffset + 8 * zone, true));

  /** A zone as the format's page reads the stored word. */
  const zoneOf = (word: bigint, zone: number): { type: number; condition: number; start: number; length: number; capacity: number; writePointer: number; zone: number } => {
    const start = zone * raw.zoneSize;
    const length = Math.min(raw.zoneSize, deviceSize - start);
    const conventional = (word & BIT_59) !== 0n;
    const capacity = conventional ? length : Math.min(length, raw.zoneCapacity);
    const writePointer = Number(word & ~BIT_59);
    const condition = conventional ? NOT_WP : writePointer === start ? EMPTY : writePointer >= start + capacity ? FULL : CLOSED;
    return { zone, type: conventional ? 1 : 2, condition, start, length, capacity, writePointer };
  };

  test("opens for writing, and says what the bytes say; nothing is changed by that", async () => {
    const files = new MemoryFiles();
    await putFile(files, "image", bytes);
    const fixture = engineFixture(files);
    const { handle, facts } = await fixture.ok("open", { file: "image", readOnly: false, format: null });
    expect(facts.image).toMatchObject({ readOnly: false, readOnlyReason: null, virtualSize: deviceSize, clusterSize: 2 ** view.getUint32(20) });
    expect(facts.zoned).toMatchObject({
      dialect: name.slice(0, 2),
      policy: "qcow2",
      geometry: {
        deviceSize, zoneSize: raw.zoneSize, zoneCapacity: raw.zoneCapacity, zoneCount: raw.zoneCount, conventionalZones: raw.conventional,
        maxOpenZones: raw.maxOpen, maxActiveZones: raw.maxActive, maxAppendBytes: raw.maxAppendBytes,
      },
      findings: words.flatMap((word, zone) =>
        (word & BIT_59) !== 0n === zone < raw.conventional
          ? []
          : [{ code: "type-disagrees", zone, hostOffset: raw.metadataOffset + 8 * zone, stored: Number(word & ~BIT_59) }],
      ),
    });
    expect(await fixture.ok("report", { handle, offset: 0, count: 100 })).toEqual(words.map(zoneOf));
    const { zones } = await fixture.ok("watch", { handle });
    expect([...zones!.writePointer]).toEqual(words.map((word) => Number(word & ~BIT_59)));
    await fixture.ok("close", { handle });
    const { size, read } = await fileReader(files, "image");
    expect([size, Buffer.compare(read(0, bytes.length), bytes)]).toEqual([bytes.length, 0]);
  });

  test("after a reset of everything nothing is stored any more", async () => {
    const files = new MemoryFiles();
    await putFile(files, "image", bytes);
    const fixture = engineFixture(files);
    const { handle } = await fixture.ok("open", { file: "image", readOnly: false, format: "qcow2" });
    await fixture.ok("manage", { handle, operation: "reset", offset: 0, length: deviceSize });
    const report = await fixture.ok("report", { handle, offset: 0, count: 100 });
    expect(report.map(({ condition }) => condition)).toEqual(words.map((word) => ((word & BIT_59) !== 0n ? NOT_WP : EMPTY)));
    const sequential = report.find(({ type }) => type === 2)!;
    const read = await fixture.ok("read", { handle, offset: sequential.start, length: 2 * MIB, pattern: 0, wantData: false });
    expect(read.mismatchOffset).toBe(null);
    await fixture.ok("close", { handle });
    const after = await fileReader(files, "image");
    const stored = new DataView(after.read(raw.metadataOffset, raw.metadataSize).buffer);
    expect(words.map((_, zone) => stored.getBigUint64(8 * zone, true))).toEqual(
      words.map((word, zone) => BigInt(zone * raw.zoneSize) | (word & BIT_59)),
    );
    if (!name.startsWith("v4") || after.size > 2 * MIB) return;
    await inScratchFolder((folder) => {
      const file = join(folder, "image.qcow2");
      writeFileSync(file, after.read(0, after.size));
      expect(stockCheck(file)).toMatchObject({ status: 3, corruptions: 0, leaks: 1 });
    });
  });
});

test("scars: a pointer beyond the capacity is FULL, a lost bit 59 makes the zone sequential", async () => {
  const conditions = async (name: string): Promise<number[]> => {
    const files = new MemoryFiles();
    await putFile(files, "image", patchedImage(name));
    const fixture = engineFixture(files);
    const { handle } = await fixture.ok("open", { file: "image", readOnly: true, format: null });
    return (await fixture.ok("report", { handle, offset: 0, count: 5 })).map(({ condition }) => condition);
  };
  expect(await conditions("v4-s05_capacity_lt_size")).toEqual([FULL, EMPTY, EMPTY, EMPTY, EMPTY]);
  expect(await conditions("v4-s08_conventional")).toEqual([FULL, NOT_WP, NOT_WP, EMPTY, EMPTY]);
  expect(await conditions("v9-conv2")).toEqual([NOT_WP, NOT_WP, CLOSED, CLOSED, FULL]);
  expect(await conditions("v4-s02_state_machine")).toEqual([EMPTY, FULL, FULL, EMPTY, FULL]);
});

test("bytes that a patched build wrote above the capacity do not show", async () => {
  const bytes = patchedImage("v4-s05_capacity_lt_size");
  const { zoneCapacity } = rawExtension(bytes);
  const files = new MemoryFiles();
  await putFile(files, "image", bytes);
  const fixture = engineFixture(files);
  const { handle } = await fixture.ok("open", { file: "image", readOnly: true, format: null });
  const { extents } = await fixture.ok("map", { handle, offset: zoneCapacity, length: 4096, maxExtents: 1 });
  const stored = bytes.subarray(extents[0]!.hostOffset!, extents[0]!.hostOffset! + 4096);
  expect(stored.some((byte) => byte !== 0), "the image holds such bytes").toBe(true);
  expect((await fixture.ok("read", { handle, offset: zoneCapacity, length: 4096, pattern: 0, wantData: false })).mismatchOffset).toBe(null);
  expect((await fixture.ok("read", { handle, offset: zoneCapacity - 4096, length: 4096, pattern: 0, wantData: false })).mismatchOffset).not.toBe(null);
});

test.each(["v4", "v9"] as const)("the seed disk in dialect %s: the extension's bytes, and the pointers at host cluster 3", async (dialect) => {
  const theirs = patchedImage(`${dialect}-seed`);
  const files = new MemoryFiles();
  const fixture = engineFixture(files);
  await fixture.ok("create", { file: "ours", options: createOptions({ sizeBytes: 768 * MIB, zoned: { dialect, zoneSize: 64 * MIB, zoneCapacity: 64 * MIB, maxAppendBytes: 512 * 512 } }) });
  const { size, read } = await fileReader(files, "ours");
  const ours = read(0, size);
  const [a, b] = [rawExtension(ours), rawExtension(theirs)];
  expect(Buffer.from(a.data).toString("hex")).toBe(Buffer.from(b.data).toString("hex"));
  expect(a.metadataOffset).toBe(3 * 65536);
  expect(read(a.metadataOffset, a.metadataSize)).toEqual(theirs.slice(b.metadataOffset, b.metadataOffset + b.metadataSize));
  // The fields of the header, up to its end, are the same: version, sizes, tables and their places, features.
  expect(Buffer.from(ours.subarray(0, 104)).toString("hex")).toBe(Buffer.from(theirs.subarray(0, 104)).toString("hex"));
  expect(a.at).toBe(112 + 8);
  expect(Buffer.compare(read(65536, 65536), theirs.subarray(65536, 131072))).toBe(0);
  // Where a stock program refuses the image, its table of names has what of: the entry is theirs, wherever the table lies.
  const entry = Buffer.concat([Buffer.from([0, 5]), Buffer.from("zoned format".padEnd(46, "\0"))]);
  expect([ours, theirs].map((bytes) => Buffer.from(bytes.subarray(0, 1024)).includes(entry))).toEqual([dialect === "v9", dialect === "v9"]);
});
