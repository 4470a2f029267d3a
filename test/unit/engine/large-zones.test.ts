/** Zones of 8 GiB, which only the v9 dialect can hold: pointers above 4 GiB are stored and come back whole. And more zones than one reply tells of. */
import { expect, test } from "vitest";
import { runConsoleLine } from "../../../src/command/console.ts";
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

test("a write or an append of several MiB lands whole, each byte in its place", async () => {
  const MIB = 2 ** 20;
  const fixture = engineFixture();
  await fixture.ok("create", { file: "a", options: createOptions({ sizeBytes: 32 * MIB, zoned: { zoneSize: 8 * MIB, zoneCapacity: 8 * MIB, conventionalZones: 1, maxAppendBytes: 8 * MIB } }) });
  const { handle } = await fixture.ok("open", { file: "a", readOnly: false, format: null });
  const data = Uint8Array.from({ length: 2 * MIB + 512 * 7 }, (_, index) => (index >> 16) + 1);
  await fixture.ok("write", { handle, offset: 512, length: data.length, pattern: 0, data });
  await fixture.ok("write", { handle, offset: 8 * MIB, length: data.length, pattern: 0, data });
  expect(await fixture.ok("append", { handle, offset: 8 * MIB, lengths: [512, data.length - 512], pattern: 0, data })).toEqual({ offset: 8 * MIB + data.length });
  for (const offset of [512, 8 * MIB, 8 * MIB + data.length]) {
    const { data: read } = await fixture.ok("read", { handle, offset, length: data.length, pattern: null, wantData: true });
    expect(Buffer.compare(read!, data), `at ${offset}`).toBe(0);
  }
});

test("v4 refuses zones that its fields cannot hold, and says what can", async () => {
  const fixture = engineFixture();
  const failure = await fixture.fail("create", { file: "big", options: createOptions({ sizeBytes: 40 * GIB, zoned: { ...zoned, dialect: "v4" } }) });
  expect(failure).toMatchObject({ kind: "option", option: "zone_size" });
});

test("a report of more zones than one reply holds has each once, in order, and ends with the disk", async () => {
  const fixture = engineFixture();
  const { engine } = fixture;
  const count = 2 ** 16 + 3;
  await fixture.ok("create", { file: "many", options: createOptions({ sizeBytes: count * 4096 - 512, zoned: { zoneSize: 4096, zoneCapacity: 4096 } }) });
  const { handle } = await fixture.ok("open", { file: "many", readOnly: true, format: "qcow2" });
  const stay = (): Promise<void> => Promise.reject(new Error("the image stays attached"));
  const startsOf = async (line: string): Promise<number[]> => {
    let text = "";
    await runConsoleLine(line, { perform: engine.perform, write: (piece) => void (text += piece), now: () => 0, attached: () => ({ handle, file: "many" }), detach: stay, attach: stay });
    return [...text.matchAll(/^start: (0x[\da-f]+), len 0x[78], /gm)].map(([, start]) => Number(start));
  };
  const starts = Array.from({ length: count }, (_, zone) => zone * 8);
  expect(await startsOf(`zrp 0 ${count - 1}`)).toEqual(starts.slice(0, -1));
  expect(await startsOf(`zrp 0 ${2 ** 21}`)).toEqual(starts);
  expect(await startsOf(`zrp ${(count - 2) * 4096} 9`)).toEqual(starts.slice(-2));
});
