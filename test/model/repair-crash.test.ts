/**
 * Power loss during a repair: after a crash at every write and flush, with legal subsets of what was on its way, the image is no
 * worse than it was. No cluster is undercounted and no entry writes in place into a shared cluster where that was not so before,
 * the bits of trouble fall only on an image without corruption, the guest reads what it read, and a second repair ends the work.
 */
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import type { ByteStore } from "../../src/bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../src/engine/create-image.ts";
import { runToEnd } from "../../src/engine/jobs.ts";
import { STANDALONE, openDevice } from "../../src/engine/open-device.ts";
import { OpenImage } from "../../src/engine/open-image.ts";
import { patternPayload } from "../../src/engine/payload.ts";
import type { CheckReport, CreateOptions, RepairMode, RepairReport } from "../../src/protocol/index.ts";
import { KIB, createOptions } from "../../src/testing/engine-fixture.ts";
import { RecordingStore } from "../../src/crash/recording-store.ts";

const RANDOM_PLANS = 300;

const FOR_CHECK = { ...STANDALONE, forCheck: true };
const openImage = (store: ByteStore, write = true): OpenImage => new OpenImage(1, { ...FOR_CHECK, file: "a", store, format: "qcow2" }, write, () => 0);

function repair(store: ByteStore, mode: RepairMode): RepairReport {
  const outcome = runToEnd(openImage(store).repair(mode));
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

function check(store: ByteStore): CheckReport {
  const outcome = runToEnd(openImage(store, false).check());
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

function guestBytes(store: ByteStore): Uint8Array {
  const { device } = openDevice(store, "qcow2", false, () => 0, undefined, FOR_CHECK);
  const bytes = new Uint8Array(device.disk.virtualSize);
  const read = device.read(0, bytes);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return bytes;
}

/** A new image of these options with these writes. */
function filled(options: CreateOptions, fill: (write: (offset: number, length: number, pattern: number) => void) => void): Tables {
  const contents = new MemoryContents();
  const store = new MemoryStore("a", contents);
  writeNewImage(store, options);
  const { device } = openDevice(store, "qcow2", true, () => 0);
  fill((offset, length, pattern) => expect(device.write(offset, patternPayload(pattern, length)).ok).toBe(true));
  device.flush();
  return new Tables(contents);
}

const COPIED = 1n << 63n;
const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;

/** The words of an image that a repair is about. */
class Tables {
  readonly contents: MemoryContents;
  readonly clusterSize: number;
  private readonly bits: number;

  constructor(contents: MemoryContents) {
    this.contents = contents;
    this.clusterSize = 2 ** Number(this.word(20) >> 32n);
    this.bits = 2 ** Number(this.word(96) >> 32n);
  }

  word(at: number): bigint {
    const bytes = new Uint8Array(8);
    this.contents.read(at, bytes);
    return new DataView(bytes.buffer).getBigUint64(0);
  }
  setWord(at: number, value: bigint): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value));
    this.contents.write(at, bytes);
  }
  /** Where the L2 entry of a guest offset lies. */
  entryAt(guest: number): number {
    const span = (this.clusterSize / 8) * this.clusterSize;
    const table = Number(this.word(Number(this.word(40)) + Math.floor(guest / span) * 8) & OFFSET_MASK);
    return table + (Math.floor(guest / this.clusterSize) % (this.clusterSize / 8)) * 8;
  }
  hostCluster(guest: number): number {
    return Number(this.word(this.entryAt(guest)) & OFFSET_MASK) / this.clusterSize;
  }
  setRefcount(cluster: number, value: number): void {
    const perBlock = (this.clusterSize * 8) / this.bits;
    const block = Number(this.word(Number(this.word(48)) + Math.floor(cluster / perBlock) * 8));
    const bytes = new Uint8Array(this.bits / 8);
    bytes[bytes.length - 1] = value;
    this.contents.write(block + (cluster % perBlock) * bytes.length, bytes);
  }
}

const CLUSTERS = 60;

/**
 * Undercounts, overcounts, leaks, wrong flags and shared clusters, spread over several sectors of each table. Used clusters that count
 * as free have the whole refcount structure built anew, elsewhere.
 */
function damage(tables: Tables, start: number, usedCountsAsFree = true): void {
  const at = (index: number): number => start + index * tables.clusterSize;
  for (let index = 0; index < CLUSTERS; index++) {
    const entry = tables.entryAt(at(index));
    if (index % 6 === 0 && usedCountsAsFree) tables.setRefcount(tables.hostCluster(at(index)), 0);
    if (index % 6 === 1) tables.setRefcount(tables.hostCluster(at(index)), 3);
    if (index % 6 === 2) tables.setWord(entry, tables.word(entry) & ~COPIED);
    if (index % 6 === 3) tables.setWord(entry, 0n);
    if (index % 6 === 4) tables.setWord(entry, tables.word(tables.entryAt(at(index + 1))));
  }
  tables.setWord(72, tables.word(72) | 3n);
}

const plainOptions = createOptions({ sizeBytes: 512 * KIB, clusterSize: 4 * KIB, zoned: null });
const zonedOptions = createOptions({ sizeBytes: 1024 * KIB, clusterSize: 4 * KIB, zoned: { zoneSize: 256 * KIB, zoneCapacity: 256 * KIB } });

interface Shape {
  readonly make: () => MemoryContents;
  /** Leaks that are nobody's harm may stay where only they are repaired. */
  readonly modes: readonly RepairMode[];
  /** Nothing is counted, so that nothing is counted too often. */
  readonly uncounted?: true;
}

const SHAPES: Readonly<Record<string, Shape>> = {
  "plain, set right in place": {
    modes: ["all", "leaks"],
    make: () => {
      const tables = filled(plainOptions, (write) => write(0, 70 * 4 * KIB, 1));
      damage(tables, 0, false);
      return tables.contents;
    },
  },
  "plain, built anew": {
    modes: ["all"],
    make: () => {
      const tables = filled(plainOptions, (write) => write(0, 70 * 4 * KIB, 1));
      damage(tables, 0);
      return tables.contents;
    },
  },
  "512-byte clusters, a refcount block gone": {
    modes: ["all"],
    make: () => {
      const tables = filled({ ...plainOptions, clusterSize: 512, refcountBits: 64, sizeBytes: 64 * KIB }, (write) => write(0, 64 * KIB, 2));
      damage(tables, 0);
      tables.setWord(Number(tables.word(48)) + 8, 0n);
      return tables.contents;
    },
  },
  "no refcount table": {
    modes: ["all"],
    uncounted: true,
    make: () => {
      const tables = filled({ ...plainOptions, clusterSize: 512, refcountBits: 8, sizeBytes: 64 * KIB }, (write) => write(0, 64 * KIB, 3));
      damage(tables, 0);
      tables.setWord(48, 0n);
      tables.setWord(56, tables.word(56) & 0xffff_ffffn);
      return tables.contents;
    },
  },
  "zoned, with data above pointers": {
    modes: ["all"],
    make: () => {
      const tables = filled(zonedOptions, (write) => [0, 1, 2].forEach((zone) => write(zone * 256 * KIB, 252 * KIB, zone + 1)));
      damage(tables, 0);
      const pointers = Number(tables.word(112 + 8 + 32));
      const pointer = new Uint8Array(8);
      new DataView(pointer.buffer).setBigUint64(0, BigInt(300 * KIB), true);
      tables.contents.write(pointers + 8, pointer);
      return tables.contents;
    },
  },
};

/** What a write after the crash could do harm with. */
function dangers(report: CheckReport, contents: MemoryContents): ReadonlySet<string> {
  const found = new Set<string>();
  const tooLow = new Set<number>();
  for (const finding of report.findings) {
    if (finding.finding === "refcount-too-low") {
      tooLow.add(finding.cluster);
      found.add(`cluster ${finding.cluster} counted ${finding.references - finding.refcount} too low`);
    } else if (finding.finding !== "leak" && finding.finding !== "copied-flag") found.add(finding.finding);
  }
  const tables = new Tables(contents);
  const entries = new Map<number, string[]>();
  for (let guest = 0; guest < CLUSTERS * tables.clusterSize; guest += tables.clusterSize) {
    const cluster = tables.hostCluster(guest);
    if (cluster === 0) continue;
    const copied = (tables.word(tables.entryAt(guest)) & COPIED) !== 0n;
    entries.set(cluster, [...(entries.get(cluster) ?? []), `${guest} ${copied ? "written in place" : "copied on write"}`]);
  }
  for (const [cluster, owners] of entries) {
    if (owners.length > 1) for (const owner of owners) if (owner.endsWith("in place") || tooLow.has(cluster)) found.add(`shared ${owner}`);
  }
  return found;
}

/** The wrong order, planted: flags as the repair leaves them, on a disk where no refcount was raised. */
function flagsAlone(before: MemoryContents, store: RecordingStore): MemoryContents {
  const [tables, after] = [new Tables(before.copy()), new Tables(store.crashOfProgram(store.log.length))];
  for (let guest = 0; guest < CLUSTERS * tables.clusterSize; guest += tables.clusterSize) tables.setWord(tables.entryAt(guest), after.word(after.entryAt(guest)));
  return tables.contents;
}

for (const [name, { make, modes, uncounted }] of Object.entries(SHAPES)) {
  for (const mode of modes) {
    test(`-r ${mode}: ${name}`, () => {
      const before = make();
      const wasRead = guestBytes(new MemoryStore("before", before.copy()));
      const wasDangerous = dangers(check(new MemoryStore("before", before.copy())), before);
      const store = new RecordingStore("a", before);
      const repaired = repair(store, mode);
      if (uncounted) expect(repaired).toMatchObject({ leaksFixed: 0 });
      else expect(repaired.leaksFixed).toBeGreaterThan(5);
      if (mode === "all") expect(repaired.after).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });
      if (name.startsWith("zoned")) expect(repaired.unmappedBytes).toBeGreaterThan(0);

      const judge = (contents: MemoryContents): void => {
        const crashed = new MemoryStore("after the crash", contents);
        expect(Buffer.compare(guestBytes(crashed), wasRead)).toBe(0);
        const report = check(crashed);
        expect([...dangers(report, contents)].filter((danger) => !wasDangerous.has(danger))).toEqual([]);
        const bits = new Uint8Array(8);
        contents.read(72, bits);
        if (bits[7] === 0) expect(report.corruptions).toBe(0);
        const again = repair(crashed, mode);
        if (mode === "all") expect(again.after).toMatchObject({ corruptions: 0, leaks: 0, checkErrors: 0 });
        expect(Buffer.compare(guestBytes(crashed), wasRead)).toBe(0);
      };
      for (let cut = 0; cut <= store.log.length; cut++) {
        judge(store.crashOfProgram(cut));
        judge(store.crash({ cut, survives: (record) => record % 2 === 0 }));
        judge(store.crash({ cut, survives: (_, sector) => (sector ?? 0) % 2 === 0 }));
        judge(store.crash({ cut, survives: () => false }));
      }
      if (mode === "all") expect(() => judge(flagsAlone(before, store))).toThrow("to deeply equal []");
      const random = new Random(7);
      for (let index = 0; index < RANDOM_PLANS; index++) judge(store.crash(store.randomPlan(random)));
    });
  }
}
