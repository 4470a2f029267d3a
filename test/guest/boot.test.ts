/**
 * The committed kernel, started over the device model and the engine: what a real Linux makes of the disk, and what the engine says
 * of it afterwards.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Condition } from "../../src/base/conditions.ts";
import { KIB, MIB, createOptions } from "../../src/testing/engine-fixture.ts";
import { Session } from "./session.ts";

let session: Session;
beforeAll(async () => {
  const disk = createOptions({ sizeBytes: 64 * MIB, zoned: { zoneSize: 4 * MIB, zoneCapacity: 3 * MIB, conventionalZones: 2, maxOpenZones: 6, maxActiveZones: 8, maxAppendBytes: 128 * KIB } });
  const plain = createOptions({ sizeBytes: 8 * MIB, zoned: null });
  session = await Session.start([disk, plain]);
  console.log(`prompt after ${Math.round(session.bootMs)} ms`);
}, 120_000);
afterAll(() => session.machine.cutPower());

const report = () => session.fixture.ok("report", { handle: session.handles[0] ?? 0, offset: 0, count: 100 });
const queue = async (name: string, disk = "vda") => (await session.run(`cat /sys/block/${disk}/queue/${name}`)).text.trim();

describe("what Linux sees", () => {
  test("a host-managed disk with its geometry and its limits", async () => {
    expect(await queue("zoned")).toBe("host-managed");
    expect(await queue("chunk_sectors")).toBe(String((4 * MIB) / 512));
    expect(await queue("nr_zones")).toBe("16");
    expect(await queue("max_open_zones")).toBe("6");
    expect(await queue("max_active_zones")).toBe("8");
    expect(await queue("zone_append_max_bytes")).toBe(String(128 * KIB));
    expect(await queue("logical_block_size")).toBe("512");
    expect((await session.run("cat /sys/block/vda/size")).text.trim()).toBe(String((64 * MIB) / 512));
  });

  test("a second disk without zones", async () => {
    expect(await queue("zoned", "vdb")).toBe("none");
    const written = await session.run("echo hello | dd of=/dev/vdb bs=512 conv=sync,fsync seek=3 2>/dev/null && dd if=/dev/vdb bs=512 skip=3 count=1 2>/dev/null | head -c 5");
    expect(written).toEqual({ text: "hello", status: 0 });
    const { data } = await session.fixture.ok("read", { handle: session.handles[1] ?? 0, offset: 1536, length: 6, pattern: null, wantData: true });
    expect(new TextDecoder().decode(data ?? undefined)).toBe("hello\n");
  });
});

describe("zones", () => {
  test("blkzone report agrees with the engine's, zone by zone", async () => {
    await session.run("blkzone open -o 0x8000 -c 1 /dev/vda; blkzone finish -o 0xa000 -c 1 /dev/vda; dd if=/dev/zero of=/dev/vda bs=64k count=3 seek=192 oflag=direct");
    const { text, status } = await session.run("blkzone report /dev/vda");
    expect(status).toBe(0);
    const lines = text.trim().split("\n").map((line) => {
      const [, start, length, capacity, pointer] = /start: 0x(\w+), len 0x(\w+), cap 0x(\w+), wptr (0x\w+|N\/A)/.exec(line) ?? expect.fail(`no zone: ${line}`);
      const [, condition, type] = /zcond:\s*(\d+)\(.*type:\s*(\d+)\(/.exec(line) ?? expect.fail(`no zone: ${line}`);
      const bytes = (hex = "") => Number.parseInt(hex, 16) * 512;
      return { start: bytes(start), length: bytes(length), capacity: bytes(capacity), pointer: pointer === "N/A" ? null : bytes(pointer), condition: Number(condition), type: Number(type) };
    });
    const zones = (await report()).map((zone) => ({
      start: zone.start,
      length: zone.length,
      capacity: zone.capacity,
      // blkzone shows pointers from their zone's start, and none where a zone has none or is full.
      pointer: zone.condition === Condition.FULL || zone.condition === Condition.NOT_WP ? null : zone.writePointer - zone.start,
      condition: zone.condition,
      type: zone.type,
    }));
    expect(lines).toEqual(zones);
    expect(zones.map(({ condition }) => condition)).toEqual(expect.arrayContaining([Condition.NOT_WP, Condition.EMPTY, Condition.IMPLICIT_OPEN, Condition.EXPLICIT_OPEN, Condition.FULL]));
  });

  test("a direct write at the pointer moves it, and the bytes are the ones written", async () => {
    const { status } = await session.run("dd if=/bin/busybox of=/dev/vda bs=64k count=2 seek=384 oflag=direct && dd if=/dev/vda bs=64k skip=384 count=2 iflag=direct | cmp -n 131072 - /bin/busybox");
    expect(status).toBe(0);
    expect((await report())[6]).toMatchObject({ condition: Condition.IMPLICIT_OPEN, writePointer: 24 * MIB + 128 * KIB });
  });

  test("a write out of order fails with EIO, and nothing changes", async () => {
    const before = await report();
    const { text, status } = await session.run("dd if=/dev/zero of=/dev/vda bs=4k count=1 seek=7424 oflag=direct");
    expect(status).toBe(1);
    expect(text).toContain("I/O error");
    expect(await report()).toEqual(before);
  });

  test("resets empty what was written", async () => {
    expect((await session.run("blkzone reset /dev/vda")).status).toBe(0);
    expect((await report()).slice(2).every(({ condition }) => condition === Condition.EMPTY)).toBe(true);
  });
});

test("a reset of the machine, past the first process, ends it as a power off does", async () => {
  await session.end("reboot -f");
});
