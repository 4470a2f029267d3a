/**
 * The queue of a disk in the emulator's own memory, without a guest: requests are laid out as a driver does, and as none would. No
 * Linux sends these; a program that can write the kernel's memory could.
 */
import { readFileSync } from "node:fs";
import { V86 } from "v86";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Condition } from "../../src/base/conditions.ts";
import { BlockDevice } from "../../src/guest/block-device.ts";
import { routeInterrupts } from "../../src/guest/machine.ts";
import type { Cpu, Emulator, VirtQueue, VirtioDevice } from "../../src/guest/v86-shape.ts";
import { VirtioDisk } from "../../src/guest/virtio-disk.ts";
import type { Perform } from "../../src/protocol/index.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../src/testing/engine-fixture.ts";
import { requestBytes } from "../unit/guest/request-bytes.ts";

const MEMORY_BYTES = 4 * MIB;
const DESCRIPTORS = 0x10000;
const AVAILABLE = 0x11000;
const USED = 0x12000;
const TABLE = 0x13000;
const HEADER = 0x20000;
const DATA = 0x30000;
const STATUS = 0x40000;
/** The ports where a driver asks whether it was this disk that interrupted; a read lowers the line. */
const FIRST_STATUS = 0xe200;
const SECOND_STATUS = 0xe600;
/** In place of a status, so that it is seen when one is written. */
const UNTOUCHED = 0xee;

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
const NEEDS_RESET = 64;

type Descriptor = readonly [address: number, length: number, flags: number, next?: number];
/** What the emulator has of a queue and of its memory besides what the machine uses. */
type Queue = VirtQueue & { desc_addr: number; avail_addr: number; used_addr: number; used_get_idx(): number };
type Memory = Cpu & { read_blob(address: number, length: number): Uint8Array; device_raise_irq(irq: number): void; device_lower_irq(irq: number): void; readonly io: { port_read8(port: number): number } };

let emulator: Emulator;
let cpu: Memory;
beforeEach(async () => {
  emulator = new V86({
    wasm_fn: async (imports: WebAssembly.Imports) => (await WebAssembly.instantiate(readFileSync("node_modules/v86/build/v86.wasm"), imports)).instance.exports,
    memory_size: MEMORY_BYTES,
    virtio_balloon: true,
    autostart: false,
    disable_speaker: true,
  }) as unknown as Emulator;
  await new Promise<void>((resolve) => emulator.add_listener("emulator-ready", () => resolve()));
  cpu = emulator.v86.cpu as Memory;
});
afterEach(() => emulator.destroy());

/** A disk on the bus, and a driver's hands. `through` stands between the disk and the engine; `index` says which disk it is. */
async function driven(through: (perform: Perform) => Perform = (perform) => perform, index = 0) {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "disk", options: createOptions({}) });
  const { handle, facts } = await fixture.ok("open", { file: "disk", format: "qcow2", readOnly: false });
  const disk = new VirtioDisk(cpu, index, new BlockDevice(through(fixture.engine.perform), handle, facts));
  const device = (disk as unknown as { device: VirtioDevice & { device_status: number } }).device;
  const queue = device.queues[0] as Queue;
  let available = 0;
  const place = (): void => {
    [queue.desc_addr, queue.avail_addr, queue.used_addr] = [DESCRIPTORS, AVAILABLE, USED];
    for (const ring of [AVAILABLE, USED]) cpu.write_blob(new Uint8Array(8), ring);
    available = 0;
  };
  place();
  return {
    disk,
    device,
    place,
    used: () => queue.used_get_idx(),
    broken: () => (device.device_status & NEEDS_RESET) !== 0,
    status: () => cpu.read_blob(STATUS, 1)[0],
    zone: async () => (await fixture.ok("report", { handle, offset: 0, count: 1 }))[0],
    /** Makes the chain that begins with descriptor 0 available, and notifies the disk. */
    send: async (...chain: readonly Descriptor[]) => {
      cpu.write_blob(Uint8Array.of(UNTOUCHED), STATUS);
      cpu.write_blob(descriptorBytes(chain), DESCRIPTORS);
      available++;
      cpu.write_blob(Uint8Array.of(0, 0, available, 0), AVAILABLE);
      (disk as unknown as { serve(): void }).serve();
      await settled();
    },
  };
}

/** Calls of an engine in memory end within a few turns. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function descriptorBytes(chain: readonly Descriptor[]): Uint8Array {
  const bytes = new Uint8Array(chain.length * 16);
  const view = new DataView(bytes.buffer);
  for (const [index, [address, length, flags, next = index + 1]] of chain.entries()) {
    view.setBigUint64(index * 16, BigInt(address), true);
    view.setUint32(index * 16 + 8, length, true);
    view.setUint16(index * 16 + 12, flags, true);
    view.setUint16(index * 16 + 14, next, true);
  }
  return bytes;
}

const write = (sector = 0n): void => cpu.write_blob(requestBytes(1, sector), HEADER);
/** A write of 4 KiB at the start of the disk, as a driver lays it out. */
const SOUND: readonly Descriptor[] = [
  [HEADER, 16, NEXT],
  [DATA, 4 * KIB, NEXT],
  [STATUS, 1, WRITE],
];

describe("a sound chain", () => {
  test("is answered once, with its status", async () => {
    const { send, status, used, zone } = await driven();
    write();
    await send(...SOUND);
    expect([status(), used()]).toEqual([0, 1]);
    expect(await zone()).toMatchObject({ condition: Condition.IMPLICIT_OPEN, writePointer: 4 * KIB });
  });

  test("may lie in a table of its own", async () => {
    const { send, status, used, zone } = await driven();
    write();
    cpu.write_blob(descriptorBytes(SOUND), TABLE);
    await send([TABLE, 48, INDIRECT]);
    expect([status(), used()]).toEqual([0, 1]);
    expect(await zone()).toMatchObject({ writePointer: 4 * KIB });
  });

  test("may begin directly and end in a table, and have its header in pieces", async () => {
    const { send, status, zone } = await driven();
    write();
    cpu.write_blob(descriptorBytes(SOUND.slice(1)), TABLE);
    await send([HEADER, 7, NEXT], [HEADER + 7, 9, NEXT], [TABLE, 32, INDIRECT]);
    expect(status()).toBe(0);
    expect(await zone()).toMatchObject({ writePointer: 4 * KIB });
  });

  test("may be as long as the queue", async () => {
    const { send, status, zone } = await driven();
    write();
    const pieces = Array.from({ length: 126 }, (): Descriptor => [DATA, 512, NEXT]);
    await send([HEADER, 16, NEXT], ...pieces, [STATUS, 1, WRITE]);
    expect(status()).toBe(0);
    expect(await zone()).toMatchObject({ writePointer: 126 * 512 });
  });
});

describe("a chain that no driver makes", () => {
  const table = (...chain: readonly Descriptor[]) => cpu.write_blob(descriptorBytes(chain), TABLE);
  test.each<readonly [string, () => readonly Descriptor[]]>([
    ["that leads back to itself", () => [[HEADER, 16, NEXT, 0]]],
    ["that leads behind the table", () => [[HEADER, 16, NEXT, 500]]],
    ["that is longer than the queue", () => [[HEADER, 16, NEXT], [DATA, 512, NEXT, 1]]],
    ["with a table in a table", () => (table([TABLE, 16, INDIRECT]), [[TABLE, 16, INDIRECT]])],
    ["with a table of no descriptors", () => [[TABLE, 0, INDIRECT]]],
    ["with a table of half a descriptor", () => [[TABLE, 24, INDIRECT]]],
    ["that goes on behind a table", () => (table([STATUS, 1, WRITE]), [[TABLE, 16, INDIRECT | NEXT], [STATUS, 1, WRITE]])],
    ["with something to read behind something to write", () => [[HEADER, 16, NEXT], [STATUS, 1, WRITE | NEXT], [DATA, 512, 0]]],
    ["at an address above 4 GiB", () => [[HEADER, 16, NEXT], [2 ** 33, 512, NEXT], [STATUS, 1, WRITE]]],
    ["of 4 GiB to read", () => [[HEADER, 16, NEXT], [DATA, 2 ** 32 - 1, NEXT], [STATUS, 1, WRITE]]],
    ["of 2 GiB to write", () => [[HEADER, 16, NEXT], [DATA, 2 ** 31, WRITE | NEXT], [STATUS, 1, WRITE]]],
    ["without a byte for a status", () => [[HEADER, 16, 0]]],
    ["with a status behind the end of memory", () => [[HEADER, 16, NEXT], [DATA, 512, NEXT], [MEMORY_BYTES + 64, 1, WRITE]]],
  ])("%s: the device needs a reset, takes nothing until it gets one, and goes on afterwards", async (_, chain) => {
    const { send, used, broken, device, place, status } = await driven();
    write();
    await send(...chain());
    expect([broken(), used()]).toEqual([true, 0]);
    write(8n);
    await send(...SOUND);
    expect([status(), used()]).toEqual([UNTOUCHED, 0]);

    device.reset();
    place();
    expect(broken()).toBe(false);
    cpu.write_blob(requestBytes(4, 0n), HEADER);
    await send([HEADER, 16, NEXT], [STATUS, 1, WRITE]);
    expect([status(), used()]).toEqual([0, 1]);
  });

  test("with a header that is too short: an I/O error", async () => {
    const { send, status, broken } = await driven();
    write();
    await send([HEADER, 15, NEXT], [STATUS, 1, WRITE]);
    expect([status(), broken()]).toEqual([1, false]);
  });
});

describe("a request that is under way", () => {
  const held = () => {
    const waiting: (() => void)[] = [];
    const through = (perform: Perform): Perform => async (name, request) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return perform(name, request);
    };
    return { through, release: async () => (waiting.splice(0).forEach((go) => go()), settled()) };
  };

  test("is answered late", async () => {
    const { through, release } = held();
    const { send, status, used } = await driven(through);
    write();
    await send(...SOUND);
    expect([status(), used()]).toEqual([UNTOUCHED, 0]);
    await release();
    expect([status(), used()]).toEqual([0, 1]);
  });

  test("gets no answer after a reset", async () => {
    const { through, release } = held();
    const { send, status, used, device, place } = await driven(through);
    write();
    await send(...SOUND);
    device.reset();
    place();
    await release();
    expect([status(), used()]).toEqual([UNTOUCHED, 0]);
  });

  test("gets no answer when the machine is off, and none is taken then", async () => {
    const { through, release } = held();
    const { send, status, used, disk } = await driven(through);
    write();
    await send(...SOUND);
    disk.switchOff();
    await release();
    await send(...SOUND);
    expect([status(), used()]).toEqual([UNTOUCHED, 0]);
  });

  test("whose engine is gone breaks the device, and nothing else", async () => {
    const { send, broken, used } = await driven(() => () => Promise.reject(new Error("the engine's worker is gone")));
    write();
    await send(...SOUND);
    expect([broken(), used()]).toEqual([true, 0]);
  });
});

test("an interrupt of one disk outlives a look at the other's status, which lowers its line", async () => {
  const first = await driven();
  await driven(undefined, 1);
  routeInterrupts(cpu);
  const raised = new Set<number>();
  cpu.device_raise_irq = (irq) => void raised.add(irq);
  cpu.device_lower_irq = (irq) => void raised.delete(irq);
  write();
  await first.send(...SOUND);
  expect(raised.size).toBe(1);
  const [irq = 0] = raised;
  // What a driver of both does when either line is raised.
  expect(cpu.io.port_read8(SECOND_STATUS)).toBe(0);
  expect([...raised]).toEqual([irq]);
  expect(cpu.io.port_read8(FIRST_STATUS)).toBe(1);
  expect(raised.size).toBe(0);
});
