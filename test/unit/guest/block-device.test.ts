/** The block device over an engine in memory: each request by its bytes, each answer by its bytes, and what the engine then says. */
import { describe, expect, test } from "vitest";
import { Condition } from "../../../src/base/conditions.ts";
import { Random } from "../../../src/base/random.ts";
import { BlockDevice } from "../../../src/guest/block-device.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import { requestBytes } from "./request-bytes.ts";

const ZONE_SECTORS = BigInt(MIB / 512);

async function attached(zoned: Parameters<typeof createOptions>[0] = {}, readOnly = false) {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "disk.qcow2", options: createOptions(zoned) });
  const { handle, facts } = await fixture.ok("open", { file: "disk.qcow2", format: "qcow2", readOnly });
  const device = new BlockDevice(fixture.engine.perform, handle, facts);
  const report = () => fixture.ok("report", { handle, offset: 0, count: 100 });
  const send = async (type: number, sector: bigint, data?: Uint8Array, room = 0) => {
    const answer = await device.answer(requestBytes(type, sector, data), room + 1);
    if (answer === null) throw new Error("there was no answer");
    return { status: answer[room], content: answer.subarray(0, room) };
  };
  return { ...fixture, device, handle, report, send };
}

const u64 = (bytes: Uint8Array, at: number): bigint => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true);

describe("a zoned disk", () => {
  test("takes a write at the pointer, and reads it back", async () => {
    const { send, report } = await attached();
    const data = Uint8Array.from({ length: 4 * KIB }, (_, index) => index % 251);
    expect((await send(1, ZONE_SECTORS, data)).status).toBe(0);
    expect((await report())[1]).toMatchObject({ condition: Condition.IMPLICIT_OPEN, writePointer: MIB + 4 * KIB });
    const { status, content } = await send(0, ZONE_SECTORS, undefined, 8 * KIB);
    expect(status).toBe(0);
    expect(content.subarray(0, 4 * KIB)).toEqual(data);
    expect(content.subarray(4 * KIB).every((byte) => byte === 0)).toBe(true);
  });

  test("refuses a write off the pointer with ZONE_UNALIGNED_WP, and nothing changes", async () => {
    const { send, report } = await attached();
    const before = await report();
    expect((await send(1, 8n, new Uint8Array(4 * KIB).fill(1))).status).toBe(4);
    expect(await report()).toEqual(before);
  });

  test("appends where the pointer stands, and says the sector in the first 8 bytes of a padded answer", async () => {
    const { send, report } = await attached();
    await send(15, ZONE_SECTORS, new Uint8Array(4 * KIB).fill(1), 11);
    const { status, content } = await send(15, ZONE_SECTORS, new Uint8Array(8 * KIB).fill(2), 11);
    expect(status).toBe(0);
    expect(u64(content, 0)).toBe(ZONE_SECTORS + 8n);
    expect((await report())[1]).toMatchObject({ writePointer: MIB + 12 * KIB });
  });

  test("an append above the limit is ZONE_INVALID_CMD and moves nothing", async () => {
    const { send, report } = await attached();
    const before = await report();
    expect((await send(15, 0n, new Uint8Array(128 * KIB), 11)).status).toBe(3);
    expect(await report()).toEqual(before);
  });

  test("opens, closes, finishes and resets the zone at a sector", async () => {
    const { send, report } = await attached();
    const condition = async () => (await report())[2]?.condition;
    expect((await send(18, 2n * ZONE_SECTORS)).status).toBe(0);
    expect(await condition()).toBe(Condition.EXPLICIT_OPEN);
    await send(1, 2n * ZONE_SECTORS, new Uint8Array(512));
    expect((await send(20, 2n * ZONE_SECTORS)).status).toBe(0);
    expect(await condition()).toBe(Condition.CLOSED);
    expect((await send(22, 2n * ZONE_SECTORS)).status).toBe(0);
    expect(await condition()).toBe(Condition.FULL);
    expect((await send(18, 2n * ZONE_SECTORS)).status).toBe(3);
    expect((await send(24, 2n * ZONE_SECTORS)).status).toBe(0);
    expect(await condition()).toBe(Condition.EMPTY);
  });

  test("a sector in a zone's middle, or behind the disk, names no zone", async () => {
    const { send, report } = await attached();
    const before = await report();
    for (const sector of [8n, 12n * ZONE_SECTORS, 100n * ZONE_SECTORS]) expect((await send(24, sector)).status).toBe(3);
    expect(await report()).toEqual(before);
  });

  test("the last zone may be short", async () => {
    const { send, report } = await attached({ sizeBytes: 11 * MIB + 256 * KIB });
    expect((await send(22, 11n * ZONE_SECTORS)).status).toBe(0);
    expect((await report())[11]).toMatchObject({ condition: Condition.FULL });
  });

  test("reset of all leaves conventional zones alone", async () => {
    const { send, report } = await attached({ zoned: { conventionalZones: 1 } });
    await send(1, 0n, new Uint8Array(512).fill(3));
    await send(1, ZONE_SECTORS, new Uint8Array(512).fill(3));
    expect((await send(26, 0n)).status).toBe(0);
    expect((await report())[1]).toMatchObject({ condition: Condition.EMPTY, writePointer: MIB });
    expect((await send(0, 0n, undefined, 512)).content.every((byte) => byte === 3)).toBe(true);
  });

  test("limits come as OPEN and ACTIVE resource", async () => {
    const open = await attached({ zoned: { maxOpenZones: 1, maxActiveZones: 2 } });
    await open.send(18, 0n);
    expect((await open.send(18, ZONE_SECTORS)).status).toBe(5);
    const active = await attached({ zoned: { maxOpenZones: 1, maxActiveZones: 1 } });
    await active.send(1, 0n, new Uint8Array(512));
    expect((await active.send(1, ZONE_SECTORS, new Uint8Array(512))).status).toBe(6);
  });

  test("reports as many zones as there is room for, from the one that was asked for", async () => {
    const { send } = await attached({ zoned: { conventionalZones: 1, zoneCapacity: 768 * KIB } });
    await send(1, ZONE_SECTORS, new Uint8Array(4 * KIB));
    const { status, content } = await send(16, 0n, undefined, 64 + 2 * 64 + 63);
    expect(status).toBe(0);
    expect(u64(content, 0)).toBe(2n);
    // A conventional zone: capacity, start, pointer, type, state.
    expect([u64(content, 64), u64(content, 72), u64(content, 80), content[88], content[89]]).toEqual([ZONE_SECTORS, 0n, 0n, 1, 0]);
    expect([u64(content, 128), u64(content, 136), u64(content, 144), content[152], content[153]]).toEqual([1536n, ZONE_SECTORS, ZONE_SECTORS + 8n, 2, 2]);
    expect(content.subarray(192).every((byte) => byte === 0)).toBe(true);
    const last = await send(16, 11n * ZONE_SECTORS, undefined, 64 * 9);
    expect([u64(last.content, 0), u64(last.content, 72)]).toEqual([1n, 11n * ZONE_SECTORS]);
  });

  test("a report without room for its header is an I/O error", async () => {
    const { send } = await attached();
    expect((await send(16, 0n, undefined, 63)).status).toBe(1);
  });

  test("the identity is the file's name, and a flush is the engine's", async () => {
    const { send, engine } = await attached();
    expect(new TextDecoder().decode((await send(8, 0n, undefined, 20)).content)).toBe("disk.qcow2".padEnd(20, "\0"));
    await send(1, 0n, new Uint8Array(512));
    expect(engine.hasUnflushed).toBe(true);
    expect((await send(4, 0n)).status).toBe(0);
    expect(engine.hasUnflushed).toBe(false);
  });

  test("reads and writes behind the end, and lengths of no whole sectors, change nothing", async () => {
    const { send, report } = await attached();
    const before = await report();
    expect((await send(0, 12n * ZONE_SECTORS, undefined, 512)).status).toBe(3);
    expect((await send(1, 0n, new Uint8Array(100))).status).toBe(3);
    expect(await report()).toEqual(before);
  });

  test("an image opened for reading refuses all that would change it, and reads and reports", async () => {
    const { send, report } = await attached({}, true);
    const before = await report();
    expect((await send(1, 0n, new Uint8Array(512))).status).toBe(1);
    expect((await send(15, 0n, new Uint8Array(512), 11)).status).toBe(1);
    for (const type of [18, 20, 22, 24, 26]) expect((await send(type, 0n)).status, `type ${type}`).toBe(1);
    expect(await report()).toEqual(before);
    expect((await send(0, 0n, undefined, 512)).status).toBe(0);
    expect((await send(16, 0n, undefined, 1024)).status).toBe(0);
    expect((await send(4, 0n)).status).toBe(0);
  });

  test("room for more than any disk would read is not answered, and nothing is allocated for it", async () => {
    const { device } = await attached();
    expect(await device.answer(requestBytes(0, 0n), 2 ** 40)).toBe(null);
  });

  test("16 MiB are read in one request", async () => {
    const { send } = await attached({ sizeBytes: 16 * MIB });
    const { status, content } = await send(0, 0n, undefined, 16 * MIB);
    expect([status, content.length]).toEqual([0, 16 * MIB]);
  });
});

test("a plain disk reads and writes anywhere, and has no zones", async () => {
  const { send } = await attached({ zoned: null });
  expect((await send(1, 100n, new Uint8Array(512).fill(5))).status).toBe(0);
  expect((await send(0, 100n, undefined, 512)).content[0]).toBe(5);
  for (const type of [18, 24, 26]) expect((await send(type, 0n)).status, `type ${type}`).toBe(2);
  expect((await send(16, 0n, undefined, 1024)).status).toBe(2);
});

test("a plain disk knows no status of zones: behind its end, and pieces of sectors, are I/O errors and change nothing", async () => {
  const { send } = await attached({ zoned: null });
  const end = 12n * ZONE_SECTORS;
  await send(1, end - 1n, new Uint8Array(512).fill(7));
  expect((await send(0, end, undefined, 512)).status).toBe(1);
  expect((await send(1, end - 1n, new Uint8Array(1024).fill(8))).status).toBe(1);
  expect((await send(1, 2n ** 63n, new Uint8Array(512))).status).toBe(1);
  expect((await send(1, end - 1n, new Uint8Array(100).fill(8))).status).toBe(1);
  expect((await send(0, 0n, undefined, 511)).status).toBe(1);
  const { status, content } = await send(0, end - 1n, undefined, 512);
  expect([status, content.every((byte) => byte === 7)]).toEqual([0, true]);
});

describe("whatever a guest sends", () => {
  const disks = { zoned: { zoned: { conventionalZones: 2, maxOpenZones: 2, maxActiveZones: 3 } }, plain: { zoned: null }, "read-only": {} } as const;
  test.each(Object.keys(disks) as (keyof typeof disks)[])("a %s disk answers each request once, with a status that it may give, and stays sound", async (name) => {
    const { device, handle, ...fixture } = await attached(disks[name], name === "read-only");
    const random = new Random(0x5eed);
    const statuses = new Set<number>();
    for (let count = 0; count < 3000; count++) {
      const sector = random.pick([0n, 1n, 12n * ZONE_SECTORS - 1n, BigInt(random.below(12)) * ZONE_SECTORS, BigInt(random.below(13 * 2048)), 2n ** 55n, 2n ** 63n, 2n ** 64n - 1n]);
      const length = random.pick([0, 1, 511, 512, 4 * KIB, 64 * KIB, 64 * KIB + 512, 1 * MIB, 5000]);
      const request = requestBytes(random.pick([0, 1, 2, 4, 5, 8, 11, 13, 15, 16, 17, 18, 20, 22, 24, 26, 255]), sector, new Uint8Array(random.pick([0, length])).fill(count));
      const room = random.pick([0, 1, 2, 9, 12, 21, 64, 513, 4 * KIB + 1, 64 * KIB + 1]);
      const answer = await device.answer(request.subarray(0, random.pick([request.length, request.length, request.length, 15, 7, 0])), room);
      if (room === 0) expect(answer).toBe(null);
      else expect(answer?.length).toBe(room);
      if (answer !== null) statuses.add(answer[room - 1] ?? -1);
    }
    // Those of limits come when zones are open: reset of all, which is as frequent here, sees to that it is seldom.
    const given = { zoned: [0, 1, 2, 3, 4], plain: [0, 1, 2], "read-only": [0, 1, 2, 3] }[name];
    expect([...statuses].filter((status) => status < 5).sort()).toEqual(given);
    if (name !== "zoned") expect(Math.max(...statuses)).toBeLessThan(4);
    await fixture.ok("flush", { handle });
    expect(await fixture.ok("check", { handle })).toMatchObject({ corruptions: 0, checkErrors: 0 });
  });
});
