/**
 * Power loss: after a crash at every write and flush of a random workload, with legal subsets of what was on its way (torn at
 * sectors too), the reopened device keeps what the durability section promises, the image has no corruption, and goes on working.
 *
 * The same where the store also refuses now and then, as a full one does: what is refused leaves no trace, and what is not is kept.
 *
 * `ZONESCOPE_LONG=1` runs ten workloads of each shape in place of one. The last test plants a wrong ordering and must see it caught.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import { zoneIndex } from "../../src/base/units.ts";
import type { ByteStore } from "../../src/bytes/byte-store.ts";
import { MemoryStore } from "../../src/bytes/memory-store.ts";
import type { MemoryContents } from "../../src/bytes/memory-store.ts";
import { openDevice } from "../../src/engine/open-device.ts";
import { patternPayload } from "../../src/engine/payload.ts";
import type { CreateOptions } from "../../src/protocol/index.ts";
import { checkImage } from "../../src/qcow2/check.ts";
import { readHeader } from "../../src/qcow2/open.ts";
import { KIB, createOptions } from "../../src/testing/engine-fixture.ts";
import { cutsOf, planOf } from "../../src/crash/cuts.ts";
import type { CrashPlan, RecordingStore } from "../../src/crash/recording-store.ts";
import { inScratchFolder, stockCheck } from "../../src/testing/stock.ts";
import { CrashWorkload } from "./crash-workload.ts";
import { RefusingStore } from "./refusing-store.ts";

const SEEDS = process.env["ZONESCOPE_LONG"] === "1" ? 10 : 1;
const COMMANDS = 300;
const IMAGES = 800;

interface Shape {
  readonly name: string;
  readonly options: CreateOptions;
  /** Zones filled before the crashes begin. */
  readonly fill?: number;
  /** Whether the log holds what the shape is there for. */
  readonly covers?: (store: RecordingStore) => boolean;
}

const SHAPES: readonly Shape[] = [
  {
    name: "zones of four clusters, capacity below size, limits",
    options: createOptions({ sizeBytes: 24 * 16 * KIB, clusterSize: 4 * KIB, zoned: { zoneSize: 16 * KIB, zoneCapacity: 12 * KIB, conventionalZones: 2, maxOpenZones: 4, maxActiveZones: 8, maxAppendBytes: 64 * KIB } }),
  },
  {
    name: "four zones to a cluster, short last zone",
    options: createOptions({ sizeBytes: 40 * 4 * KIB - KIB, clusterSize: 16 * KIB, zoned: { zoneSize: 4 * KIB, zoneCapacity: 4 * KIB, conventionalZones: 5, maxAppendBytes: 64 * KIB } }),
  },
  {
    name: "four zones to a cluster of subclusters",
    options: createOptions({ sizeBytes: 40 * 4 * KIB - KIB, clusterSize: 16 * KIB, extendedL2: true, zoned: { zoneSize: 4 * KIB, zoneCapacity: 3 * KIB, conventionalZones: 5, maxOpenZones: 4, maxActiveZones: 8, maxAppendBytes: 64 * KIB } }),
  },
  {
    name: "preallocated zones of two clusters, written in place from the first",
    options: { ...createOptions({ sizeBytes: 30 * 8 * KIB - KIB, clusterSize: 4 * KIB, zoned: { zoneSize: 8 * KIB, zoneCapacity: 6 * KIB, conventionalZones: 3, maxOpenZones: 4, maxActiveZones: 8, maxAppendBytes: 64 * KIB } }), preallocation: "metadata" },
  },
  {
    name: "512-byte clusters with 64-bit refcounts: new refcount blocks, a refcount table that moves",
    options: createOptions({ sizeBytes: 40 * 64 * KIB, clusterSize: 512, refcountBits: 64, zoned: { zoneSize: 64 * KIB, zoneCapacity: 64 * KIB, conventionalZones: 1, maxAppendBytes: 64 * KIB } }),
    fill: 30,
    covers: (store) => store.log.some((record) => record.kind === "write" && record.offset === 48),
  },
];

/** Opens what a crash left, judges it, and uses it further. @returns what is wrong, or null */
function judgeCrash(workload: CrashWorkload, contents: MemoryContents, cut: number): string | null {
  const store = new MemoryStore("after the crash", contents);
  const { device } = openDevice(store, "qcow2", true, () => 0);
  if (device.disk.readOnly) return `reopened read-only: ${device.disk.readOnlyReason}`;
  const wrong = workload.judge(device, cut);
  if (wrong !== null) return wrong;
  const corrupt = corruption(store);
  if (corrupt !== null) return corrupt;
  // Life goes on: one more write to each zone that takes it, a finish, a reset, and the image is still sound.
  const { geometry } = device.zones!;
  for (let zone = geometry.conventionalZones; zone < Math.min(geometry.zoneCount, geometry.conventionalZones + 6); zone++) {
    device.write(device.zones!.writePointer[zone]!, patternPayload(0xee, 512));
    const pointer = device.zones!.writePointer[zone]!;
    const start = zone * geometry.zoneSize;
    if (zone % 3 === 0) device.manage("finish", start, Math.min(geometry.zoneSize, geometry.deviceSize - start));
    const tail = new Uint8Array(Math.max(0, device.zones!.view(zoneIndex(zone)).end - pointer));
    device.read(pointer, tail);
    if (tail.some((byte) => byte !== 0)) return `zone ${zone} shows old bytes above the pointer`;
  }
  device.flush();
  return corruption(store);
}

function corruption(store: ByteStore): string | null {
  const checking = checkImage(store, readHeader(store), []);
  let step = checking.next();
  while (step.done !== true) step = checking.next();
  const bad = step.value.findings.find(({ finding }) => finding !== "leak");
  return bad === undefined ? null : JSON.stringify(bad);
}

/** Crashes at every record of the log: all subsets where they are few, seeded draws beyond. */
function* plans(store: RecordingStore, from: number, random: Random, draws: number): Generator<CrashPlan> {
  for (const cut of cutsOf(store.log, random, { from, exhaustive: 3, draws })) yield planOf(store.log, cut);
}

/** One workload and every crash of it. @returns how many crash images were judged, and whether it reached what its shape is for */
async function crashEverywhere({ options, fill, covers }: Shape, seed: number): Promise<{ images: number; covered: boolean }> {
  const workload = new CrashWorkload(options, options.clusterSize + seed);
  workload.fill(fill ?? 0);
  const created = workload.store.log.length;
  workload.run(COMMANDS);
  const all = [...plans(workload.store, created, new Random(seed + 1), 2)];
  // Every cut is tried; where there are very many draws they are thinned evenly.
  const stride = Math.max(1, Math.floor(all.length / IMAGES));
  let tried = 0;
  await inScratchFolder((folder) => {
    for (let index = 0; index < all.length; index += stride) {
      const plan = all[index]!;
      const contents = workload.store.crash(plan);
      const wrong = judgeCrash(workload, contents.copy(), plan.cut);
      expect(wrong, `seed ${seed}, crash ${index} at record ${plan.cut} of ${workload.store.log.length}`).toBeNull();
      if (tried++ % 200 === 0) expectSoundForStock(join(folder, "crash.qcow2"), contents);
    }
  });
  return { images: tried, covered: covers?.(workload.store) ?? true };
}

function expectSoundForStock(path: string, contents: MemoryContents): void {
  const whole = new Uint8Array(contents.size);
  contents.read(0, whole);
  writeFileSync(path, whole);
  expect(stockCheck(path)).toMatchObject({ corruptions: 0, checkErrors: 0 });
}

test.each(SHAPES)("keeps its promises through power loss: $name", async (shape) => {
  let tried = 0;
  let covered = false;
  for (let seed = 0; seed < SEEDS; seed++) {
    const judged = await crashEverywhere(shape, seed);
    tried += judged.images;
    covered ||= judged.covered;
  }
  console.log(`${tried} crash images`);
  expect(covered, "a workload reaches what its shape is for").toBe(true);
  expect(tried).toBeGreaterThanOrEqual(700 * SEEDS);
}, 3_600_000);

test.each(SHAPES)("keeps its promises where the store refuses now and then, and when the power goes then: $name", async ({ options, fill }) => {
  // The first seed is one with which a refcount table that moved was led to before its blocks were there.
  for (let seed = 2; seed < 2 + SEEDS; seed++) {
    let refusing: RefusingStore | null = null;
    const workload = new CrashWorkload(options, options.clusterSize + 70 + seed, (store) => (refusing = new RefusingStore(store, seed)));
    workload.fill(fill ?? 0);
    const created = workload.store.log.length;
    for (let round = 0; round < COMMANDS / 10; round++) {
      refusing!.rate = 120;
      workload.run(10);
      // What was refused changed nothing that is seen, and what was not is there, while the store goes on refusing.
      expect(workload.judgeNow(), `seed ${seed}, round ${round}`).toBeNull();
    }
    expect(workload.failures, "the store refused").toBeGreaterThan(10);
    const all = [...plans(workload.store, created, new Random(seed + 1), 2)];
    const stride = Math.max(1, Math.floor(all.length / (IMAGES / 4)));
    for (let index = 0; index < all.length; index += stride) {
      const plan = all[index]!;
      expect(judgeCrash(workload, workload.store.crash(plan), plan.cut), `seed ${seed}, crash ${index} at record ${plan.cut} of ${workload.store.log.length}`).toBeNull();
    }
    // There is room again: a flush makes all of it durable.
    refusing!.rate = 0;
    workload.settle();
    const cut = workload.store.log.length;
    expect(judgeCrash(workload, workload.store.crash({ cut, survives: () => false }), cut), `seed ${seed}, in the end`).toBeNull();
  }
}, 3_600_000);

test("a planted wrong ordering is caught: barriers inside a flush left out", () => {
  const { options } = SHAPES[0]!;
  const workload = new CrashWorkload(options, 5, (store) => new OneBarrierInThree(store));
  const created = workload.store.log.length;
  workload.run(COMMANDS);
  const random = new Random(2);
  let caught: string | null = null;
  for (const plan of plans(workload.store, created, random, 6)) {
    // Only what the engine believes flushed can be held against it: it is told so by the barriers that were kept.
    try {
      caught = judgeCrash(workload, workload.store.crash(plan), plan.cut);
    } catch (error) {
      caught = String(error);
    }
    if (caught !== null) break;
  }
  expect(caught).not.toBeNull();
});

/** A store that passes on only every third flush, as an engine without barriers between its steps would. */
class OneBarrierInThree implements ByteStore {
  readonly name = "lazy";
  readonly readOnly = false;
  private readonly base: ByteStore;
  private count = 0;
  constructor(base: ByteStore) {
    this.base = base;
  }
  size(): number {
    return this.base.size();
  }
  read(offset: number, into: Uint8Array): number {
    return this.base.read(offset, into);
  }
  write(offset: number, from: Uint8Array): void {
    this.base.write(offset, from);
  }
  truncate(size: number): void {
    this.base.truncate(size);
  }
  flush(): void {
    if (++this.count % 3 === 0) this.base.flush();
  }
  close(): void {
    this.base.close();
  }
}
