/**
 * Another backing file's name in the header: what is written, and that a crash at every moment leaves a header that names the old
 * one or the new one, with everything else that the header says.
 */
import { describe, expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { backingFormatOf } from "../../../src/qcow2/header-names.ts";
import { writeBackingName } from "../../../src/qcow2/header-edit.ts";
import type { BackingName } from "../../../src/qcow2/header-edit.ts";
import { FEATURE_NAMES_MAGIC } from "../../../src/qcow2/header.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { createOptions } from "../../../src/testing/engine-fixture.ts";
import { RecordingStore } from "../../../src/crash/recording-store.ts";

const UNKNOWN = 0x12345678;

interface Start {
  readonly version?: 2 | 3;
  readonly clusterSize?: number;
  readonly backing?: BackingName | null;
  /** Bytes of an extension that nobody knows, put before the others. */
  readonly unknownBytes?: number;
}

function imageOf({ version = 3, clusterSize = 65536, backing = null, unknownBytes }: Start): MemoryContents {
  const contents = new MemoryContents();
  const store = new MemoryStore("image", contents);
  const made = writeNewImage(store, { ...createOptions({ sizeBytes: 2 ** 20, clusterSize, zoned: null }), version, backing });
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  if (unknownBytes !== undefined) {
    const header = readHeader(store);
    const rest = new Uint8Array(clusterSize - header.headerLength - 8 - unknownBytes);
    store.read(header.headerLength, rest);
    const extension = new Uint8Array(8 + unknownBytes).fill(0xab);
    const view = new DataView(extension.buffer);
    view.setUint32(0, UNKNOWN);
    view.setUint32(4, unknownBytes);
    store.write(header.headerLength, extension);
    store.write(header.headerLength + extension.length, rest);
    if (backing !== null) {
      const offset = new Uint8Array(8);
      store.read(8, offset);
      const moved = new DataView(offset.buffer);
      moved.setBigUint64(0, moved.getBigUint64(0) + BigInt(extension.length));
      store.write(8, offset);
    }
  }
  return contents;
}

const nameOf = (contents: MemoryContents): BackingName | null => {
  const header = readHeader(new MemoryStore("image", contents));
  return header.backingFile === null ? null : { file: header.backingFile, format: backingFormatOf(header) };
};

const extensionsOf = (contents: MemoryContents): [number, number][] => readHeader(new MemoryStore("image", contents)).extensions.map(({ magic, data }) => [magic, data.length]);

const LONG = `${"a/very/long/way/to/".repeat(40)}base.qcow2`;
const cases: readonly [what: string, start: Start, to: BackingName | null][] = [
  ["a first name", {}, { file: "base.qcow2", format: "qcow2" }],
  ["another name", { backing: { file: "old.raw", format: "raw" } }, { file: "base.qcow2", format: "qcow2" }],
  ["a longer name", { backing: { file: "old.raw", format: "raw" } }, { file: LONG, format: "qcow2" }],
  ["a shorter name", { backing: { file: LONG, format: "qcow2" } }, { file: "b", format: "raw" }],
  ["no name", { backing: { file: "old.raw", format: "raw" } }, null],
  ["version 2", { version: 2, backing: { file: "old.raw", format: "raw" } }, { file: "base.qcow2", format: "qcow2" }],
  ["clusters of 512 bytes", { clusterSize: 512, backing: { file: "old.raw", format: "raw" } }, { file: "new.raw", format: "raw" }],
  ["an extension that no sector holds", { unknownBytes: 600 }, { file: "base.qcow2", format: "qcow2" }],
  ["the same, and a name that becomes longer", { backing: { file: "old.raw", format: "raw" }, unknownBytes: 600 }, { file: LONG, format: "qcow2" }],
  ["the same, and none any more", { backing: { file: LONG, format: "raw" }, unknownBytes: 600 }, null],
  ["the same in clusters of 4 KiB", { clusterSize: 4096, backing: { file: "old.raw", format: "raw" }, unknownBytes: 600 }, { file: "b", format: "qcow2" }],
  ["an unknown extension", { backing: { file: "old.raw", format: "raw" }, unknownBytes: 40 }, null],
];

describe("a crash at any moment leaves the old name or the new one", () => {
  for (const [what, start, to] of cases) {
    test(what, () => {
      const before = imageOf(start);
      const old = nameOf(before);
      const store = new RecordingStore("image", before);
      expect(writeBackingName(store, to)).toBe(true);
      const after = store.crashOfProgram(store.log.length);
      expect(nameOf(after)).toEqual(to);
      const random = new Random(7);
      const seen = new Set<string>();
      for (let crash = 0; crash < 400; crash++) {
        const left = store.crash(store.randomPlan(random));
        const name = JSON.stringify(nameOf(left));
        expect([JSON.stringify(old), JSON.stringify(to)]).toContain(name);
        seen.add(name);
        const kept = extensionsOf(left).filter(([magic]) => magic === UNKNOWN);
        expect(kept).toEqual(start.unknownBytes === undefined ? [] : [[UNKNOWN, start.unknownBytes]]);
      }
      expect(seen.size).toBe(2);
    });
  }
});

test("the feature name table is whole in the end, the format stands first", () => {
  const store = new RecordingStore("image", imageOf({}));
  const table = extensionsOf(imageOf({})).find(([magic]) => magic === FEATURE_NAMES_MAGIC);
  writeBackingName(store, { file: "base", format: "qcow2" });
  expect(extensionsOf(store.crashOfProgram(store.log.length))).toEqual([[0xe2792aca, 5], table]);
});

test("without room nothing is written", () => {
  const store = new RecordingStore("image", imageOf({ clusterSize: 512 }));
  expect(writeBackingName(store, { file: "n".repeat(500), format: "qcow2" })).toBe(false);
  expect(store.log).toEqual([]);
});

test("extensions that no sector holds stay, and what a crash left of the way there is gone with the next change", () => {
  const store = new RecordingStore("image", imageOf({ backing: { file: "old.raw", format: "raw" }, unknownBytes: 600 }));
  expect(writeBackingName(store, { file: "base", format: "qcow2" })).toBe(true);
  const whole = extensionsOf(store.crashOfProgram(store.log.length));
  expect(whole.map(([magic]) => magic)).toEqual([0xe2792aca, UNKNOWN, FEATURE_NAMES_MAGIC]);
  let bridged = 0;
  for (let count = 0; count <= store.log.length; count++) {
    const left = store.crashOfProgram(count);
    if (extensionsOf(left).length > whole.length) bridged++;
    const again = new MemoryStore("image", left);
    expect(writeBackingName(again, { file: "base", format: "qcow2" })).toBe(true);
    expect(extensionsOf(left)).toEqual(whole);
  }
  expect(bridged).toBeGreaterThan(0);
});
