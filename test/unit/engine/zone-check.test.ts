/** What a check says of zones: images with data where their pointers hide it, as a crash or another program leaves them. */
import { expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { openDevice } from "../../../src/engine/open-device.ts";
import { checkZones } from "../../../src/engine/zone-check.ts";
import type { CheckReport, CreateOptions, ZoneCheck } from "../../../src/protocol/index.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";
import { putFile, rawExtension } from "./images.ts";

const NONE = { "type-disagrees": 0, "pointer-not-sector-aligned": 0, "data-above-pointer": 0, "data-in-empty-zone": 0, "data-above-capacity": 0 };
const CLEAN: ZoneCheck = { counts: NONE, hiddenBytes: 0, unreadSpans: 0, findings: [] };
const CONVENTIONAL = 1n << 59n;

/** An image's bytes with the places that a crash, or another program, leaves otherwise. */
class Patient {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  private readonly metadataOffset: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.metadataOffset = rawExtension(bytes).metadataOffset;
  }
  entryAt(zone: number): number {
    return this.metadataOffset + zone * 8;
  }
  pointer(zone: number, word: bigint | number): void {
    this.view.setBigUint64(this.entryAt(zone), BigInt(word), true);
  }
  /** The capacity of a v4 image. */
  capacity(bytes: number): void {
    this.view.setUint32(rawExtension(this.bytes).at + 8, bytes);
  }
  /** Where the L2 table of an L1 entry lies. */
  l2Table(l1Index: number): number {
    const l1 = Number(this.view.getBigUint64(40));
    return Number(this.view.getBigUint64(l1 + l1Index * 8) & 0x00ff_ffff_ffff_fe00n);
  }
}

interface Checked {
  readonly report: CheckReport;
  readonly zoned: ZoneCheck;
  readonly patient: Patient;
  readonly fixture: EngineFixture;
  readonly handle: number;
}

type Fill = (write: (offset: number, length: number) => Promise<unknown>, fixture: EngineFixture, handle: number) => Promise<unknown>;

/** Fills an image, closes it, damages the file, and checks what is then opened. */
async function checkAfter(options: CreateOptions, fill: Fill, damage: (patient: Patient) => void = () => undefined, readOnly = false): Promise<Checked> {
  const files = new MemoryFiles();
  const fixture = engineFixture(files);
  await fixture.ok("create", { file: "a", options });
  const { handle: filled } = await fixture.ok("open", { file: "a", readOnly: false, format: null });
  await fill((offset, length) => fixture.ok("write", { handle: filled, offset, length, pattern: 0x5a, data: null }), fixture, filled);
  await fixture.ok("close", { handle: filled });
  const patient = new Patient(await bytesOf(files));
  damage(patient);
  await putFile(files, "a", patient.bytes);
  const { handle } = await fixture.ok("open", { file: "a", readOnly, format: null });
  const report = await fixture.ok("check", { handle });
  expect(Buffer.compare(await bytesOf(files), patient.bytes)).toBe(0);
  return { report, zoned: report.zoned!, patient, fixture, handle };
}

async function bytesOf(files: MemoryFiles): Promise<Uint8Array> {
  const blob = await files.blobOf("a");
  if (!blob.ok) throw new Error("the image is gone");
  return new Uint8Array(await blob.value.arrayBuffer());
}

test("an image in order has nothing odd, and one without zones has no zones to check", async () => {
  const filled = await checkAfter(createOptions({ zoned: { conventionalZones: 2 } }), async (write) => {
    await write(64 * KIB, 128 * KIB);
    await write(3 * MIB, 100 * KIB);
    await write(4 * MIB, MIB);
  });
  expect(filled.report).toMatchObject({ corruptions: 0, leaks: 0, zoned: CLEAN });
  const plain = engineFixture();
  await plain.ok("create", { file: "a", options: createOptions({ zoned: null }) });
  const { handle } = await plain.ok("open", { file: "a", readOnly: false, format: null });
  expect((await plain.ok("check", { handle })).zoned).toBeNull();
});

test("whole clusters of data above a pointer are told, and are neither a corruption nor read", async () => {
  const { report, zoned, fixture, handle } = await checkAfter(
    createOptions(),
    (write) => write(3 * MIB, 256 * KIB),
    (patient) => patient.pointer(3, 3 * MIB + 64 * KIB + 512),
  );
  expect(zoned).toEqual({
    ...CLEAN,
    counts: { ...NONE, "data-above-pointer": 1 },
    hiddenBytes: 128 * KIB,
    findings: [
      {
        code: "data-above-pointer",
        zone: 3,
        guestOffset: 3 * MIB + 128 * KIB,
        lengthBytes: 128 * KIB,
        writePointer: 3 * MIB + 64 * KIB + 512,
        capacityEnd: 4 * MIB,
      },
    ],
  });
  expect(report).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0, findings: [] });
  expect(await fixture.ok("read", { handle, offset: 3 * MIB + 128 * KIB, length: 128 * KIB, pattern: 0, wantData: false })).toMatchObject({ mismatchOffset: null });
});

test("a repair gives back what the pointers hide and tells how much, and nothing where they hide nothing", async () => {
  const fill: Fill = async (write) => void (await write(3 * MIB, 256 * KIB));
  const hidden = await checkAfter(createOptions(), fill, (patient) => patient.pointer(3, 3 * MIB + 64 * KIB + 512));
  expect(await hidden.fixture.ok("repair", { handle: hidden.handle, mode: "all" })).toMatchObject({ unmappedBytes: 128 * KIB, after: { corruptions: 0, leaks: 0, zoned: CLEAN } });
  expect(await hidden.fixture.ok("read", { handle: hidden.handle, offset: 3 * MIB, length: 64 * KIB + 512, pattern: 0x5a, wantData: false })).toMatchObject({ mismatchOffset: null });
  const sound = await checkAfter(createOptions(), fill);
  expect(await sound.fixture.ok("repair", { handle: sound.handle, mode: "all" })).toMatchObject({ unmappedBytes: 0 });
});

test("neighbours that are empty and hold data are two findings, apart from data above a pointer", async () => {
  const { zoned } = await checkAfter(
    createOptions(),
    async (write) => {
      await write(5 * MIB, MIB);
      await write(6 * MIB, 192 * KIB);
      await write(9 * MIB, 192 * KIB);
    },
    (patient) => {
      patient.pointer(5, 5 * MIB);
      patient.pointer(6, 6 * MIB);
      patient.pointer(9, 9 * MIB + 512);
    },
  );
  expect(zoned.findings.map(({ code, zone }) => [code, zone])).toEqual([["data-in-empty-zone", 5], ["data-in-empty-zone", 6], ["data-above-pointer", 9]]);
  expect(zoned).toMatchObject({ counts: { ...NONE, "data-in-empty-zone": 2, "data-above-pointer": 1 }, hiddenBytes: MIB + 192 * KIB + 128 * KIB });
});

test("data above the capacity is told as that, whatever the pointer says", async () => {
  const { zoned } = await checkAfter(
    createOptions(),
    async (write) => {
      for (const zone of [1, 2, 3]) await write(zone * MIB, MIB);
    },
    (patient) => {
      patient.capacity(700 * KIB);
      patient.pointer(2, 2 * MIB + 512 * KIB);
      patient.pointer(3, 3 * MIB);
    },
  );
  const above = (zone: number, writePointer: number) => ({
    code: "data-above-capacity",
    zone,
    guestOffset: zone * MIB + 704 * KIB,
    lengthBytes: 320 * KIB,
    writePointer,
    capacityEnd: zone * MIB + 700 * KIB,
  });
  expect(zoned.findings).toEqual([
    above(1, 2 * MIB),
    { ...above(2, 2 * MIB + 512 * KIB), code: "data-above-pointer", guestOffset: 2 * MIB + 512 * KIB, lengthBytes: 192 * KIB },
    above(2, 2 * MIB + 512 * KIB),
    { ...above(3, 3 * MIB), code: "data-in-empty-zone", guestOffset: 3 * MIB, lengthBytes: 704 * KIB },
    above(3, 3 * MIB),
  ]);
});

test("a finished zone, with little in it or nothing, is in order", async () => {
  const finished = await checkAfter(createOptions({ zoned: { zoneCapacity: 768 * KIB } }), async (write, fixture, handle) => {
    await write(MIB, 128 * KIB);
    await fixture.ok("manage", { handle, operation: "finish", offset: MIB, length: 2 * MIB });
  });
  expect(finished.zoned).toEqual(CLEAN);
});

test("data above the pointer of a short last zone, whose last cluster the disk cuts", async () => {
  const end = 11 * MIB + 100 * KIB;
  const { zoned } = await checkAfter(createOptions({ sizeBytes: end }), (write) => write(11 * MIB, 100 * KIB), (patient) => patient.pointer(11, 11 * MIB + 512));
  expect(zoned.findings).toMatchObject([{ code: "data-above-pointer", zone: 11, guestOffset: 11 * MIB + 64 * KIB, lengthBytes: 36 * KIB }]);
});

test("a cluster that two zones share is not judged", async () => {
  const { zoned } = await checkAfter(
    createOptions({ sizeBytes: MIB, zoned: { zoneSize: 32 * KIB, zoneCapacity: 32 * KIB } }),
    (write) => write(64 * KIB, 32 * KIB),
    (patient) => patient.pointer(2, 64 * KIB),
  );
  expect(zoned).toEqual(CLEAN);
});

test("odd pointers are counted with where they lie", async () => {
  const { zoned, patient } = await checkAfter(
    createOptions({ zoned: { conventionalZones: 1 } }),
    (write) => write(3 * MIB, 128 * KIB).then(),
    (damaged) => {
      damaged.pointer(0, 0);
      damaged.pointer(2, CONVENTIONAL | BigInt(2 * MIB));
      damaged.pointer(3, 3 * MIB + 100);
    },
  );
  expect(zoned.counts).toEqual({ ...NONE, "type-disagrees": 2, "pointer-not-sector-aligned": 1, "data-above-pointer": 1 });
  expect(zoned.findings).toMatchObject([
    { code: "type-disagrees", zone: 0, hostOffset: patient.entryAt(0), stored: 0 },
    { code: "type-disagrees", zone: 2, hostOffset: patient.entryAt(2), stored: 2 * MIB },
    { code: "pointer-not-sector-aligned", zone: 3, hostOffset: patient.entryAt(3), stored: 3 * MIB + 100 },
    { code: "data-above-pointer", zone: 3, guestOffset: 3 * MIB + 64 * KIB, lengthBytes: 64 * KIB },
  ]);
});

const SMALL = createOptions({ sizeBytes: 1200 * KIB, clusterSize: 512, zoned: { zoneSize: KIB, zoneCapacity: KIB } });
const fillSmall = async (write: (offset: number, length: number) => Promise<unknown>): Promise<void> => {
  for (let zone = 0; zone < 1200; zone++) await write(zone * KIB, KIB);
};

test("the list ends at 1000, the counts do not", async () => {
  const { zoned } = await checkAfter(SMALL, fillSmall, (patient) => {
    for (let zone = 0; zone < 1200; zone++) patient.pointer(zone, zone * KIB);
  });
  expect(zoned).toMatchObject({ counts: { ...NONE, "data-in-empty-zone": 1200 }, hiddenBytes: 1200 * KIB });
  expect(zoned.findings.length).toBe(1000);
});

test("an entry that cannot be is a corruption, and what else the pointers hide is told", async () => {
  const { report, zoned } = await checkAfter(SMALL, fillSmall, (patient) => {
    for (const zone of [1, 33, 34, 70]) patient.pointer(zone, zone * KIB);
    // The second L2 table, from 32 KiB on: the first cluster of zone 34.
    const entry = patient.l2Table(1) + 4 * 8;
    patient.view.setBigUint64(entry, patient.view.getBigUint64(entry) | (1n << 55n));
  }, true);
  expect(report.corruptions).toBeGreaterThan(0);
  expect(zoned).toMatchObject({ unreadSpans: 1, counts: { ...NONE, "data-in-empty-zone": zoned.findings.length } });
  expect(zoned.findings.map(({ zone }) => zone)).toEqual(expect.arrayContaining([1, 70]));
});

test("a large disk with nothing in it takes one step by L2 table at most", () => {
  const GIB = 2 ** 30;
  const store = new MemoryStore("large");
  const made = writeNewImage(store, createOptions({ sizeBytes: 1024 * GIB, zoned: { dialect: "v9", zoneSize: 256 * MIB, zoneCapacity: 256 * MIB } }));
  expect(made.ok).toBe(true);
  const { device, zoned } = openDevice(store, null, false, () => 0);
  let steps = 0;
  const counted = (...range: [number, number, number]) => {
    steps++;
    return device.disk.map(...range);
  };
  const disk = new Proxy(device.disk, { get: (target, key) => (key === "map" ? counted : (Reflect.get(target, key) as unknown)) });
  const checking = checkZones(disk, device.zones!, zoned!.metadataOffset);
  let step = checking.next();
  while (step.done !== true) step = checking.next();
  expect(step.value).toEqual(CLEAN);
  expect(steps).toBe(2048);
});
