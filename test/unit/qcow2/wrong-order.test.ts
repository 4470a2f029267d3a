/** Wrong orders of a flush: which rules can be broken alone, in which steps, and that no image but a scratch one takes such an order. */
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { ByteStore } from "../../../src/bytes/byte-store.ts";
import { CoalescingStore } from "../../../src/bytes/coalescing-store.ts";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import { NodeStore } from "../../../src/bytes/node-store.ts";
import { OverlayStore } from "../../../src/bytes/overlay-store.ts";
import { RecordingStore } from "../../../src/crash/recording-store.ts";
import { STANDALONE, openDevice } from "../../../src/engine/open-device.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { Qcow2Image } from "../../../src/qcow2/image.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { RIGHT_ORDER, WRITE_KINDS, WRITE_ORDER } from "../../../src/qcow2/write-order.ts";
import type { WriteKind } from "../../../src/qcow2/write-order.ts";
import { MISTAKES, labOrder, mistakeOf, stepsWithout } from "../../../src/qcow2/wrong-order.ts";
import { KIB, createOptions } from "../../../src/testing/engine-fixture.ts";
import { ZONED_FEATURE_BIT } from "../../../src/zoned/dialect.ts";

const named = (...names: string[]) => WRITE_ORDER.filter((rule) => names.includes(mistakeOf(rule)));
const stepOf = (steps: readonly (readonly WriteKind[])[], kind: WriteKind): number => steps.findIndex((step) => step.includes(kind));

test("nothing left out is the right order", () => {
  expect(stepsWithout([]).steps).toEqual(RIGHT_ORDER.steps);
});

test("every mistake has a name of its own", () => {
  expect(new Set(MISTAKES).size).toBe(WRITE_ORDER.length + 1);
});

describe("a rule left out alone", () => {
  test.each(WRITE_ORDER.map((rule) => [mistakeOf(rule), rule] as const))("%s", (_name, rule) => {
    const { steps, broken } = stepsWithout([rule]);
    const { impliedBy } = broken[0]!;
    if (impliedBy === null) expect(stepOf(steps, rule.then)).toBeLessThan(stepOf(steps, rule.first));
    else expect(steps).toEqual(RIGHT_ORDER.steps);
    // All other rules hold, and every kind is written once.
    for (const other of WRITE_ORDER) if (other !== rule) expect(stepOf(steps, other.first)).toBeLessThan(stepOf(steps, other.then));
    expect(steps.flat().sort()).toEqual([...WRITE_KINDS].sort());
  });

  test("three of them follow from others", () => {
    const implied = WRITE_ORDER.filter((rule) => stepsWithout([rule]).broken[0]!.impliedBy !== null);
    expect(implied.map(mistakeOf)).toEqual(["mappings-before-raised-refcounts", "lowered-refcounts-before-reset-pointers", "advanced-pointers-before-data"]);
  });
});

test("what follows from two others is broken with one of them", () => {
  const { steps, broken } = stepsWithout(named("advanced-pointers-before-data", "advanced-pointers-before-mappings"));
  expect(broken.map(({ impliedBy }) => impliedBy)).toEqual([null, null]);
  expect(stepOf(steps, "advanced-pointers")).toBeLessThan(stepOf(steps, "data"));
  expect(stepOf(steps, "data")).toBeLessThan(stepOf(steps, "mappings"));
});

test("with all left out, everything is the other way round", () => {
  const { steps } = stepsWithout(WRITE_ORDER);
  for (const { first, then } of WRITE_ORDER) expect(stepOf(steps, then)).toBeLessThan(stepOf(steps, first));
});

describe("a wrong order is taken over a scratch store alone", () => {
  const image = (store: ByteStore): ByteStore => {
    const made = writeNewImage(store, createOptions({ sizeBytes: 512 * KIB, clusterSize: 4 * KIB, zoned: { zoneSize: 64 * KIB, zoneCapacity: 64 * KIB } }));
    expect(made.ok).toBe(true);
    return store;
  };
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const order = labOrder(named("advanced-pointers-before-mappings"), true, () => false);
  const folder = mkdtempSync(join(tmpdir(), "wrong-order-"));
  const homes: readonly (readonly [string, () => ByteStore])[] = [
    ["memory", () => image(new MemoryStore("memory"))],
    ["a file", () => image(new NodeStore("a file", openSync(join(folder, "image"), "w+"), false))],
    ["an overlay in memory", () => new OverlayStore(image(new MemoryStore("memory")))],
    ["a cache before a scratch store", () => new CoalescingStore(image(new RecordingStore("scratch")))],
  ];

  test.each(homes)("not over %s", (_name, make) => {
    const store = make();
    try {
      expect(() => openDevice(store, "qcow2", true, () => 0, undefined, { ...STANDALONE, order })).toThrow("scratch store");
      // Not for reading either, and not by the door below.
      expect(() => new Qcow2Image(store, readHeader(store), { write: false, featureBits: [ZONED_FEATURE_BIT], order })).toThrow("scratch store");
      expect(openDevice(store, "qcow2", true, () => 0).device.disk.readOnly).toBe(false);
    } finally {
      store.close();
    }
  });

  test("over a recording store it is", () => {
    const store = image(new RecordingStore("scratch"));
    expect(openDevice(store, "qcow2", true, () => 0, undefined, { ...STANDALONE, order }).device.disk.readOnly).toBe(false);
  });
});
