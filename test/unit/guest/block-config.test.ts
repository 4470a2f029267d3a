/** What a guest reads of a disk before its first request, and which disks are not attached. */
import { describe, expect, test } from "vitest";
import { encodeConfig, featuresOf, guestRefusal } from "../../../src/guest/block-config.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";

async function factsOf(options: Parameters<typeof createOptions>[0], readOnly = false) {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "disk", options: createOptions(options) });
  return (await fixture.ok("open", { file: "disk", format: "qcow2", readOnly })).facts;
}

const words = (config: Uint8Array, ...offsets: number[]): number[] => offsets.map((at) => new DataView(config.buffer).getUint32(at, true));

describe("the configuration space", () => {
  test("of a zoned disk has its size, its zones, its limits, and the sector as write granularity", async () => {
    const config = encodeConfig(await factsOf({ zoned: { maxOpenZones: 3, maxActiveZones: 5 } }));
    expect(words(config, 0, 4)).toEqual([12 * 2048, 0]);
    expect(words(config, 12, 20)).toEqual([126, 512]);
    expect(words(config, 72, 76, 80, 84, 88)).toEqual([2048, 3, 5, 128, 512]);
    expect(config[92]).toBe(1);
    expect(config.length).toBe(96);
  });

  test("never tells more open zones than active ones, which Linux would not take", async () => {
    const limits = async (maxOpenZones: number, maxActiveZones: number) => {
      const facts = await factsOf({});
      const zoned = facts.zoned ?? expect.fail("it is zoned");
      return words(encodeConfig({ ...facts, zoned: { ...zoned, geometry: { ...zoned.geometry, maxOpenZones, maxActiveZones } } }), 76, 80);
    };
    expect(await limits(8, 2)).toEqual([2, 2]);
    expect(await limits(0, 2)).toEqual([0, 2]);
    expect(await limits(8, 0)).toEqual([8, 0]);
  });

  test("of a plain disk says nothing of zones", async () => {
    const facts = await factsOf({ zoned: null });
    expect(encodeConfig(facts).subarray(72).every((byte) => byte === 0)).toBe(true);
    expect(featuresOf(facts)).toEqual([2, 6, 9, 28, 32]);
  });
});

test("zones and being read-only are features", async () => {
  expect(featuresOf(await factsOf({}))).toEqual([2, 6, 9, 28, 32, 17]);
  expect(featuresOf(await factsOf({}, true))).toEqual([2, 6, 9, 28, 32, 5, 17]);
});

describe("a disk that Linux would not take", () => {
  test("is one that cannot append a sector", async () => {
    expect(guestRefusal(await factsOf({ zoned: { maxAppendBytes: 0 } }))).toEqual({ kind: "guest", code: "no-append" });
    expect(guestRefusal(await factsOf({ zoned: { maxAppendBytes: 4 * KIB } }))).toBe(null);
  });

  test("is one with zones of no power of two, which an image of another program may have", async () => {
    const facts = await factsOf({});
    const zoned = facts.zoned ?? expect.fail("it is zoned");
    const other = { ...facts, zoned: { ...zoned, geometry: { ...zoned.geometry, zoneSize: (3 * MIB) as typeof zoned.geometry.zoneSize } } };
    expect(guestRefusal(other)).toEqual({ kind: "guest", code: "zone-size", zoneSize: 3 * MIB });
  });

  test("is one that ends before its first zone does", async () => {
    expect(guestRefusal(await factsOf({ sizeBytes: MIB - 512 }))).toEqual({ kind: "guest", code: "less-than-a-zone", sizeBytes: MIB - 512, zoneSize: MIB });
    expect(guestRefusal(await factsOf({ sizeBytes: MIB }))).toBe(null);
    expect(guestRefusal(await factsOf({ sizeBytes: MIB + 512 }))).toBe(null);
  });

  test("is none with zones, or a limit of an append, of one sector", async () => {
    expect(guestRefusal(await factsOf({ zoned: { maxAppendBytes: 512 } }))).toBe(null);
    expect(guestRefusal(await factsOf({ sizeBytes: 64 * KIB, zoned: { zoneSize: 512, zoneCapacity: 512, maxAppendBytes: 512 } }))).toBe(null);
  });

  test("is not a plain one", async () => {
    expect(guestRefusal(await factsOf({ zoned: null }))).toBe(null);
  });
});
