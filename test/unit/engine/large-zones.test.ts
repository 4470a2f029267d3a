/** Zones of 8 GiB, which only the v9 dialect can hold: pointers above 4 GiB are stored and come back whole. */
import { expect, test } from "vitest";
import { createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";

const GIB = 2 ** 30;
const zoned = { dialect: "v9" as const, zoneSize: 8 * GIB, zoneCapacity: 8 * GIB - 4096, conventionalZones: 1, maxAppendBytes: 65536 };

test("zones of 8 GiB are written, finished and reopened in v9", async () => {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "big", options: createOptions({ sizeBytes: 40 * GIB, zoned }) });
  const { handle } = await fixture.ok("open", { file: "big", readOnly: false, format: "qcow2" });
  expect(await fixture.ok("append", { handle, offset: 8 * GIB, lengths: [65536], pattern: 5 })).toEqual({ offset: 8 * GIB });
  await fixture.ok("manage", { handle, operation: "finish", offset: 16 * GIB, length: 8 * GIB });
  await fixture.ok("write", { handle, offset: 5 * GIB, length: 4096, pattern: 6, data: null });
  await fixture.ok("writeZeroes", { handle, offset: 24 * GIB, length: 5 * GIB, unmap: false });
  await fixture.ok("powerCycle", { handle });
  const report = await fixture.ok("report", { handle, offset: 0, count: 5 });
  expect(report.map(({ condition, writePointer }) => [condition, writePointer])).toEqual([
    [0, 0],
    [4, 8 * GIB + 65536],
    [14, 24 * GIB],
    [4, 29 * GIB],
    [1, 32 * GIB],
  ]);
  const read = await fixture.ok("read", { handle, offset: 5 * GIB, length: 4096, pattern: 6, wantData: false });
  expect(read.mismatchOffset).toBeNull();
  expect(await fixture.ok("append", { handle, offset: 24 * GIB, lengths: [4096], pattern: 7 })).toEqual({ offset: 29 * GIB });
});

test("v4 refuses zones that its fields cannot hold, and says what can", async () => {
  const fixture = engineFixture();
  const failure = await fixture.fail("create", { file: "big", options: createOptions({ sizeBytes: 40 * GIB, zoned: { ...zoned, dialect: "v4" } }) });
  expect(failure).toMatchObject({ kind: "option", option: "zone_size" });
});
