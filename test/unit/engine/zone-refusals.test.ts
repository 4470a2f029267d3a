/**
 * Refusals that the device makes by itself, before the rules of one zone are asked: which comes first, and every number that it carries. The
 * transitions' own are in test/unit/zoned. Source: zone semantics, "Transitions" and "Errors".
 */
import { beforeAll, expect, test } from "vitest";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { ZonedCreateOptions } from "../../../src/protocol/index.ts";

/** Two conventional zones, three sequential ones, the last of them short. */
const SIZE = 4 * MIB + 512 * KIB;

async function disk(zoned: Partial<ZonedCreateOptions> = {}): Promise<{ fixture: EngineFixture; handle: number }> {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "a", options: createOptions({ sizeBytes: SIZE, zoned: { conventionalZones: 2, maxAppendBytes: 8 * KIB, ...zoned } }) });
  const { handle } = await fixture.ok("open", { file: "a", readOnly: false, format: null });
  return { fixture, handle };
}

let fixture: EngineFixture;
let handle: number;
beforeAll(async () => ({ fixture, handle } = await disk()));

test.each([
  ["from a conventional zone into a sequential one", 2 * MIB - 512, 1024, { code: "exceeds-capacity", zone: 1, requested: 2 * MIB - 512, lengthBytes: 1024, writableEnd: 2 * MIB }],
  ["over two conventional zones into a sequential one", 512, 2 * MIB, { code: "exceeds-capacity", zone: 0, writableEnd: 2 * MIB }],
  ["beyond the disk, whatever the zone says", SIZE - 512, 1024, { code: "out-of-range", zone: null, offset: SIZE - 512, lengthBytes: 1024, deviceSize: SIZE }],
  ["from the disk's end", SIZE, 512, { code: "out-of-range", zone: null }],
  ["over the end of a short last zone", 4 * MIB, 512 * KIB + 512, { code: "out-of-range", zone: null }],
])("a write %s", async (_, offset, length, refusal) => {
  for (const refused of [
    await fixture.fail("write", { handle, offset, length, pattern: 1, data: null }),
    await fixture.fail("writeZeroes", { handle, offset, length, unmap: true }),
  ]) expect(refused).toMatchObject({ kind: "zone", ...refusal });
});

test("a write of nothing does nothing, anywhere on the disk, and none lies beyond it", async () => {
  for (const offset of [0, 2 * MIB + 100, SIZE]) {
    await fixture.ok("write", { handle, offset, length: 0, pattern: 1, data: null });
    await fixture.ok("writeZeroes", { handle, offset, length: 0, unmap: false });
    await fixture.ok("read", { handle, offset, length: 0, pattern: null, wantData: false });
  }
  expect(await fixture.fail("write", { handle, offset: SIZE + 1, length: 0, pattern: 1, data: null })).toMatchObject({ code: "out-of-range" });
  expect((await fixture.ok("report", { handle, offset: 0, count: 9 })).map(({ condition }) => condition)).toEqual([0, 0, 1, 1, 1]);
});

test.each([
  [SIZE, "out-of-range", { zone: null, offset: SIZE, lengthBytes: 0, deviceSize: SIZE }],
  [SIZE + MIB, "out-of-range", { zone: null, offset: SIZE + MIB }],
])("a report from %i is %s", async (offset, code, numbers) => {
  expect(await fixture.fail("report", { handle, offset, count: 1 })).toMatchObject({ kind: "zone", operation: "report", code, ...numbers });
});

test.each([
  ["of conventional zones alone", 0, 2 * MIB, { code: "conventional-zone", zone: 0 }],
  ["that begins in the second of them", MIB, 3 * MIB, { code: "conventional-zone", zone: 1 }],
  ["that lacks the last zone", 0, 4 * MIB, { code: "conventional-zone", zone: 0 }],
  ["that begins inside a zone", 2 * MIB + 512, MIB, { code: "misaligned", zone: 2, subject: "range-start", value: 2 * MIB + 512, multipleOf: MIB }],
  ["that ends inside a zone", 2 * MIB, MIB + 512, { code: "misaligned", zone: 2, subject: "range-end", value: 3 * MIB + 512, multipleOf: MIB }],
  ["that ends inside the short last zone", 3 * MIB, MIB + 512, { code: "misaligned", zone: 3, subject: "range-end", value: 4 * MIB + 512 }],
  ["of nothing", 2 * MIB, 0, { code: "misaligned", zone: 2, subject: "range-end", value: 2 * MIB }],
  ["of nothing at the disk's end", SIZE, 0, { code: "misaligned", zone: null, subject: "range-start", value: SIZE }],
  ["that is longer than the disk", 2 * MIB, 3 * MIB, { code: "out-of-range", zone: null, offset: 2 * MIB, lengthBytes: 3 * MIB, deviceSize: SIZE }],
])("management of a range %s", async (_, offset, length, refusal) => {
  for (const operation of ["open", "close", "finish", "reset"] as const) {
    expect(await fixture.fail("manage", { handle, operation, offset, length })).toMatchObject({ kind: "zone", operation, ...refusal });
  }
});

test("a range may end with the short last zone, from any zone", async () => {
  for (const zone of [2, 4]) await fixture.ok("manage", { handle, operation: "reset", offset: zone * MIB, length: SIZE - zone * MIB });
});

test.each([
  ["beyond the disk", SIZE, [512], { code: "out-of-range", zone: null, offset: SIZE, lengthBytes: 512, deviceSize: SIZE }],
  ["in a conventional zone", MIB, [512], { code: "conventional-zone", zone: 1 }],
  ["at no zone's start", 2 * MIB + 512, [512], { code: "misaligned", zone: 2, subject: "append-address", value: 2 * MIB + 512, multipleOf: MIB }],
  ["of parts that are sectors only together", 2 * MIB, [512, 100, 412], { code: "misaligned", zone: 2, subject: "length", value: 100, multipleOf: 512 }],
  ["of more than the limit, together", 2 * MIB, [4 * KIB, 4 * KIB, 512], { code: "append-too-large", zone: 2, lengthBytes: 8 * KIB + 512, maxAppendBytes: 8 * KIB }],
])("an append %s", async (_, offset, lengths, refusal) => {
  expect(await fixture.fail("append", { handle, offset, lengths, pattern: 1 })).toMatchObject({ kind: "zone", operation: "append", ...refusal });
  expect((await fixture.ok("report", { handle, offset: 2 * MIB, count: 1 }))[0]).toMatchObject({ condition: 1, writePointer: 2 * MIB });
});

test("an append of the limit lands; where the limit is 0 none does, whatever its address", async () => {
  expect(await fixture.ok("append", { handle, offset: 2 * MIB, lengths: [4 * KIB, 4 * KIB], pattern: 1 })).toEqual({ offset: 2 * MIB });
  const without = await disk({ maxAppendBytes: 0 });
  for (const offset of [0, 2 * MIB, 2 * MIB + 512, SIZE]) {
    expect(await without.fixture.fail("append", { handle: without.handle, offset, lengths: [512], pattern: 1 })).toMatchObject({ kind: "zone", code: "append-disabled", zone: null });
  }
});

test("a discard names the first sequential zone that it touches, and gives up nothing", async () => {
  await fixture.ok("write", { handle, offset: MIB, length: MIB, pattern: 7, data: null });
  expect(await fixture.fail("discard", { handle, offset: MIB, length: MIB + 1 })).toMatchObject({ kind: "zone", operation: "discard", code: "unsupported", zone: 2, reason: "discard-of-sequential-zone" });
  expect((await fixture.ok("read", { handle, offset: MIB, length: MIB, pattern: 7, wantData: false })).mismatchOffset).toBeNull();
  expect(await fixture.fail("discard", { handle, offset: 3 * MIB, length: 1 }), "a part of a sector too").toMatchObject({ code: "unsupported", zone: 3 });
  for (const offset of [0, 2 * MIB, SIZE]) await fixture.ok("discard", { handle, offset, length: 0 });
  expect(await fixture.fail("discard", { handle, offset: SIZE + 1, length: 0 })).toMatchObject({ code: "out-of-range", zone: null });
  await fixture.ok("discard", { handle, offset: MIB, length: MIB });
  expect((await fixture.ok("read", { handle, offset: MIB, length: MIB, pattern: 0, wantData: false })).mismatchOffset).toBeNull();
});
