/**
 * A zoned device driven by random commands over a recording store, with the history that every crash of it is judged by: what
 * each zone held after each command, and which commands had begun or been flushed at any moment of the store's log.
 *
 * It judges by the durability section of the zone semantics and knows nothing of how the engine keeps it.
 */
import { Fault } from "../../src/base/fault.ts";
import { Random } from "../../src/base/random.ts";
import { zoneIndex } from "../../src/base/units.ts";
import type { ByteStore } from "../../src/bytes/byte-store.ts";
import { writeNewImage } from "../../src/engine/create-image.ts";
import type { Device } from "../../src/engine/device.ts";
import { openDevice } from "../../src/engine/open-device.ts";
import { patternPayload } from "../../src/engine/payload.ts";
import type { CreateOptions } from "../../src/protocol/index.ts";
import { zoneCapacityOf, zoneLength } from "../../src/zoned/geometry.ts";
import { RecordingStore } from "../../src/crash/recording-store.ts";

const SECTOR = 512;

/** A zone after a command: its bytes from the zone's start, and whether FINISH put the pointer at the zone's end. */
interface ZoneMoment {
  readonly command: number;
  /** Counts the zone's resets: data of one epoch is only ever appended to. */
  readonly epoch: number;
  readonly data: Uint8Array;
  readonly finished: boolean;
}

interface Command {
  readonly name: string;
  /** Records of the store's log before and after it. */
  readonly begin: number;
  readonly end: number;
}

export class CrashWorkload {
  readonly store: RecordingStore;
  readonly commands: Command[] = [];
  private readonly device: Device;
  private readonly random: Random;
  private readonly zones = new Map<number, ZoneMoment[]>();
  /** Conventional sectors: what each held after each command that changed it. */
  private readonly sectors = new Map<number, { command: number; byte: number }[]>();
  private pattern = 0;
  /** Commands that the store's refusal ended. */
  failures = 0;

  /** @param through what stands between the device and the recording store: a planted wrong ordering */
  constructor(options: CreateOptions, seed: number, through: (store: RecordingStore) => ByteStore = (store) => store) {
    this.random = new Random(seed);
    this.store = new RecordingStore(`crash ${seed}`);
    const made = writeNewImage(this.store, options);
    if (!made.ok) throw new Error(JSON.stringify(made.error));
    this.device = openDevice(through(this.store), "qcow2", true, () => 0).device;
    for (let zone = 0; zone < this.geometry.zoneCount; zone++) {
      if (!this.device.zones!.isConventional(zoneIndex(zone))) this.zones.set(zone, [{ command: -1, epoch: 0, data: new Uint8Array(0), finished: false }]);
    }
  }

  get geometry(): NonNullable<Device["zones"]>["geometry"] {
    return this.device.zones!.geometry;
  }

  run(count: number): void {
    for (let index = 0; index < count; index++) this.step(this.commands.length);
  }

  /** Fills the last `count` zones and flushes, so that the file is large before the interesting part begins. */
  fill(count: number): void {
    const { zoneCount, zoneSize } = this.geometry;
    for (let zone = zoneCount - count; zone < zoneCount; zone++) {
      const capacity = zoneCapacityOf(this.geometry, zoneIndex(zone), false);
      this.device.write(zone * zoneSize, patternPayload(zone, capacity));
      this.zones.set(zone, [{ command: -1, epoch: 0, data: new Uint8Array(capacity).fill(zone), finished: false }]);
    }
    this.device.flush();
  }

  /** A flush that must do. */
  settle(): void {
    const begin = this.store.log.length;
    this.device.flush();
    this.commands.push({ name: "flush", begin, end: this.store.log.length });
  }

  private step(index: number): void {
    const begin = this.store.log.length;
    const kind = this.random.below(20);
    const name = kind < 10 ? this.append(index) : kind < 12 ? this.reset(index) : kind < 14 ? this.finish(index) : kind < 17 ? this.conventional(index) : this.flush();
    this.commands.push({ name, begin, end: this.store.log.length });
  }

  private sequentialZone(): number {
    const { conventionalZones, zoneCount } = this.geometry;
    // A few favourites, so that zones are written, reset and written again between flushes.
    return conventionalZones + this.random.below(Math.min(zoneCount - conventionalZones, this.random.chance(0.7) ? 5 : 1000));
  }

  private append(command: number): string {
    const zone = this.sequentialZone();
    const last = this.zones.get(zone)!.at(-1)!;
    const capacity = zoneCapacityOf(this.geometry, zoneIndex(zone), false);
    const room = (capacity - last.data.length) / SECTOR;
    const count = Math.min(Math.max(1, room), 1 + this.random.below(this.random.chance(0.3) ? 64 : 6));
    const pattern = (this.pattern = 1 + ((this.pattern + 1) % 255));
    const start = zone * this.geometry.zoneSize;
    const payload = patternPayload(pattern, count * SECTOR);
    // A full zone has no write pointer of its own to write at: that would be the next zone's start.
    const append = room === 0 || this.random.chance(0.5);
    const done = this.attempt(() => (append ? this.device.append(start, [count * SECTOR], payload) : this.device.write(start + last.data.length, payload)).ok);
    if (done === true) {
      const data = new Uint8Array(last.data.length + count * SECTOR).fill(pattern);
      data.set(last.data);
      this.zones.get(zone)!.push({ ...last, command, data });
    }
    return `write zone ${zone}`;
  }

  private reset(command: number): string {
    const zone = this.sequentialZone();
    const last = this.zones.get(zone)!.at(-1)!;
    const { zoneSize } = this.geometry;
    const done = this.attempt(() => this.device.manage("reset", zone * zoneSize, zoneLength(this.geometry, zoneIndex(zone))).ok);
    // One that the store ended is a reset of which not every cluster was given up, or none at all: the pointer says which.
    const reset = done ?? this.device.zones!.writePointer[zone] === zone * zoneSize;
    if (reset && (last.data.length > 0 || last.finished)) this.zones.get(zone)!.push({ command, epoch: last.epoch + 1, data: new Uint8Array(0), finished: false });
    return `reset zone ${zone}`;
  }

  private finish(command: number): string {
    const zone = this.sequentialZone();
    const last = this.zones.get(zone)!.at(-1)!;
    const { zoneSize } = this.geometry;
    const full = last.data.length === zoneCapacityOf(this.geometry, zoneIndex(zone), false);
    const done = this.attempt(() => this.device.manage("finish", zone * zoneSize, zoneLength(this.geometry, zoneIndex(zone))).ok);
    if (done === true && !full) this.zones.get(zone)!.push({ ...last, command, finished: true });
    return `finish zone ${zone}`;
  }

  private conventional(command: number): string {
    const { conventionalZones, zoneSize } = this.geometry;
    const total = (conventionalZones * zoneSize) / SECTOR;
    if (total === 0) return "nothing";
    const first = this.random.below(total);
    const count = Math.min(total - first, 1 + this.random.below(24));
    if (this.random.chance(0.25)) {
      const done = this.attempt(() => this.device.discard(first * SECTOR, count * SECTOR).ok);
      if (done === null) return this.rememberSeen(command, first, first + count);
      const perCluster = this.device.disk.clusterSize / SECTOR;
      this.remember(command, Math.ceil(first / perCluster) * perCluster, Math.floor((first + count) / perCluster) * perCluster, 0);
      return "discard";
    }
    const pattern = 1 + this.random.below(255);
    const done = this.attempt(() => this.device.write(first * SECTOR, patternPayload(pattern, count * SECTOR)).ok);
    if (done === null) return this.rememberSeen(command, first, first + count);
    this.remember(command, first, first + count, pattern);
    return "write conventional";
  }

  private remember(command: number, from: number, to: number, byte: number): void {
    for (let sector = from; sector < to; sector++) {
      const history = this.sectors.get(sector) ?? [{ command: -1, byte: 0 }];
      history.push({ command, byte });
      this.sectors.set(sector, history);
    }
  }

  /** Of a write that the store ended in the middle some sectors are there; from then on the disk has what it shows. */
  private rememberSeen(command: number, from: number, to: number): string {
    const bytes = new Uint8Array(SECTOR);
    for (let sector = from; sector < to; sector++) {
      this.device.read(sector * SECTOR, bytes);
      this.remember(command, sector, sector + 1, bytes[0]!);
    }
    return "conventional in part";
  }

  private flush(): string {
    return this.attempt(() => (this.device.flush(), true)) === null ? "flush that failed" : "flush";
  }

  /** What a command answered, null where the store refused. */
  private attempt(act: () => boolean): boolean | null {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof Fault) || error.problem.kind !== "store") throw error;
      this.failures++;
      return null;
    }
  }

  /** What the device shows now beside what it should, null where they are the same. */
  judgeNow(): string | null {
    for (const [zone, history] of this.zones) {
      const wrong = this.judgeZone(this.device, zone, [history.at(-1)!]);
      if (wrong !== null) return wrong;
    }
    const bytes = new Uint8Array(SECTOR);
    for (const [sector, history] of this.sectors) {
      this.device.read(sector * SECTOR, bytes);
      const { byte } = history.at(-1)!;
      if (bytes.some((found) => found !== byte)) return `conventional sector ${sector} holds ${bytes[0]}, should hold ${byte}`;
    }
    return null;
  }

  /** What is wrong with a device reopened after a crash at record `cut`, or null. */
  judge(device: Device, cut: number): string | null {
    const flushed = this.commands.findLastIndex(({ name, end }) => name === "flush" && end <= cut);
    const begun = this.commands.findLastIndex(({ begin, end }) => begin < cut || end <= cut);
    for (const [zone, history] of this.zones) {
      const wrong = this.judgeZone(device, zone, legalMoments(history, flushed, begun));
      if (wrong !== null) return wrong;
    }
    const bytes = new Uint8Array(SECTOR);
    for (const [sector, history] of this.sectors) {
      device.read(sector * SECTOR, bytes);
      const legal = legalMoments(history, flushed, begun);
      const first = bytes[0]!;
      if (bytes.some((byte) => byte !== first)) return `conventional sector ${sector} is torn`;
      if (!legal.some(({ byte }) => byte === first)) return `conventional sector ${sector} holds ${first}, may hold ${legal.map(({ byte }) => byte).join(", ")}`;
    }
    return null;
  }

  private judgeZone(device: Device, zone: number, legal: readonly ZoneMoment[]): string | null {
    const start = zone * this.geometry.zoneSize;
    const length = zoneLength(this.geometry, zoneIndex(zone));
    const pointer = device.zones!.writePointer[zone]! - start;
    const found = new Uint8Array(length);
    device.read(start, found);
    const fits = legal.some((moment, index) => {
      if (moment.finished) return pointer === length && holds(found, moment.data, moment.data.length);
      // Between two moments of one epoch any pointer in between is legal: the data is only appended to.
      const previous = legal[index - 1];
      const least = previous?.epoch === moment.epoch ? previous.data.length : index === 0 ? moment.data.length : 0;
      return least <= pointer && pointer <= moment.data.length && holds(found, moment.data, pointer);
    });
    if (fits) return null;
    const shown = legal.map(({ epoch, data, finished }) => `epoch ${epoch} to ${data.length}${finished ? " finished" : ""}`).join("; ");
    return `zone ${zone}: pointer at ${pointer} of ${length}, first byte ${found[0]}; legal: ${shown}`;
  }
}

/** Exactly the first `count` bytes of the data, zeros behind. */
function holds(found: Uint8Array, data: Uint8Array, count: number): boolean {
  if (Buffer.compare(found.subarray(0, count), data.subarray(0, count)) !== 0) return false;
  return Buffer.compare(found.subarray(count), zeros(found.length - count)) === 0;
}

let zeroBytes = new Uint8Array(0);
function zeros(count: number): Uint8Array {
  if (zeroBytes.length < count) zeroBytes = new Uint8Array(count);
  return zeroBytes.subarray(0, count);
}

/** What was true at the last completed flush, and everything that was issued after it. */
function legalMoments<Moment extends { readonly command: number }>(history: readonly Moment[], flushed: number, begun: number): Moment[] {
  const atFlush = history.findLastIndex(({ command }) => command <= flushed);
  return history.slice(Math.max(0, atFlush)).filter(({ command }, index) => index === 0 || command <= begun);
}
