/**
 * Copying disks onto a zoned one. Sequential zones are filled from their start, since nothing else can be written there: from a
 * zoned disk of the same zones up to its write pointers, from any other up to the last sector that is not zeros. What cannot be
 * carried over is refused by name. A disk without zones has no pointers to carry over: where it takes more active zones than the target
 * allows, those that were filled first are finished, which reads the same. Source: zone semantics, "Durability" and "Transitions".
 */
import { Condition, ZoneType } from "../base/conditions.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE, zoneIndex } from "../base/units.ts";
import type { ZoneIndex } from "../base/units.ts";
import type { ConvertedDisk, Failure, MoveProblem, ZoneGeometry } from "../protocol/index.ts";
import { countZones, zoneEnd, zoneStart } from "../zoned/geometry.ts";
import type { ZoneView } from "../zoned/transitions.ts";
import type { ZoneTable } from "../zoned/zone-table.ts";
import type { Answer, Device } from "./device.ts";
import type { Work } from "./jobs.ts";
import { MOVE_BYTES, Runs, attempt } from "./moving.ts";
import type { Run } from "./moving.ts";
import { dataPayload } from "./payload.ts";
import type { Sources } from "./sources.ts";
import { nextRun } from "./zeros.ts";

/** Trailing zeros are found by sectors; within data, holes shorter than QEMU's are written as they are. */
const RULE = { blockBytes: SECTOR_SIZE, holeBytes: 4096 };

const refused = (cause: Failure): Result<never, MoveProblem> => err({ kind: "move", step: "write", subject: "target", offset: 0, cause });

/**
 * @param from the zones of the source, where there is one that has them and all of it is copied
 * @param target a zoned disk whose sequential zones are empty and that is at least as large as the sources
 * @param targetIsZero its conventional zones hold nothing but zeros
 */
export function* convertToZones(sources: Sources, from: ZoneTable | null, target: Device, zones: ZoneTable, targetIsZero: boolean): Work<Result<ConvertedDisk, MoveProblem>> {
  const misfit = from === null ? null : misfitOf(from, zones);
  if (misfit !== null) return refused(misfit);
  for (let zone = 0; zone < zones.geometry.zoneCount; zone++) {
    const { condition } = zones.view(zoneIndex(zone));
    if (condition !== Condition.NOT_WP && condition !== Condition.EMPTY) return refused({ kind: "unsupported", feature: `a copy onto a zoned disk whose zone ${zone} is not empty` });
  }
  const filling = new Filling(sources, target, zones);
  const { size } = sources;
  let done = 0;
  for (const index of fillingOrder(from, zones, size)) {
    const start = zoneStart(zones.geometry, index);
    const stop = Math.min(zoneEnd(zones.geometry, index), size);
    const carried = from === null || from.isConventional(index) ? null : from.view(index);
    const end = carried === null ? stop : Math.min(carried.writePointer, carried.capacityEnd, stop);
    if (!targetIsZero && zones.isConventional(index)) {
      const cleared = filling.clear(start, stop);
      if (!cleared.ok) return cleared;
    }
    for (let at: number = start; at < end; ) {
      const next = filling.fillFrom(at, end);
      if (!next.ok) return next;
      at = next.value;
      yield (done + at - start) / size;
    }
    done += stop - start;
    const settled = carried === null ? ok(null) : filling.settle(carried);
    if (!settled.ok) return settled;
    filling.leaveZone(index);
  }
  return ok({ skipped: [] });
}

/**
 * The zones that get something, those first that are FULL in the source: each is active only until it is filled, while one that is closed
 * stays so, and where the target has as many active slots as the source has active zones none would be left for a full one behind it.
 */
function* fillingOrder(from: ZoneTable | null, { geometry }: ZoneTable, size: number): Generator<ZoneIndex> {
  const count = countZones(size, geometry.zoneSize);
  for (const full of from === null ? [null] : [true, false]) {
    for (let zone = 0; zone < count; zone++) {
      const index = zoneIndex(zone);
      if (full === null || full === (from!.conditionOf(index) === Condition.FULL)) yield index;
    }
  }
}

/** Why the pointers of one disk cannot be another's, or null. */
function misfitOf(from: ZoneTable, to: ZoneTable): Failure | null {
  const differs = (option: string, name: keyof ZoneGeometry): Failure | null =>
    from.geometry[name] === to.geometry[name] ? null : { kind: "option", option, found: String(to.geometry[name]), allowed: `${from.geometry[name]}, as the source has it` };
  const zoneSize = differs("zone_size", "zoneSize") ?? differs("size", "deviceSize");
  if (zoneSize !== null) return zoneSize;
  if (from.type.some((type, zone) => type !== to.type[zone])) {
    const conventional = from.type.reduce((sum, type) => sum + (type === ZoneType.CONVENTIONAL ? 1 : 0), 0);
    return { kind: "option", option: "nr_conv_zones", found: String(to.geometry.conventionalZones), allowed: `${conventional}, as the source has it` };
  }
  if (to.geometry.zoneCapacity < from.geometry.zoneCapacity) {
    return { kind: "option", option: "zone_capacity", found: String(to.geometry.zoneCapacity), allowed: `at least ${from.geometry.zoneCapacity}, as the source has it` };
  }
  let active = 0;
  for (let zone = 0; zone < from.geometry.zoneCount; zone++) {
    const { start, writePointer, capacityEnd } = from.view(zoneIndex(zone));
    // By the pointer: of an open zone that nothing was written to, nothing is carried over.
    if (writePointer > start && writePointer < capacityEnd) active++;
  }
  const { maxActiveZones } = to.geometry;
  if (maxActiveZones > 0 && active > maxActiveZones) return { kind: "option", option: "max_active_zones", found: String(maxActiveZones), allowed: `0 or at least ${active}, the zones of the source that are partly written` };
  return null;
}

type Status = "data" | "zero";

class Filling {
  private readonly sources: Sources;
  private readonly target: Device;
  private readonly zones: ZoneTable;
  private readonly runs: Runs<Status>;
  private readonly buffer = new Uint8Array(MOVE_BYTES);
  /** Where the zone's last write ended, null before the first. */
  private written: number | null = null;
  /** Zones that were left partly written, the first of them first. */
  private readonly active = new Set<ZoneIndex>();

  constructor(sources: Sources, target: Device, zones: ZoneTable) {
    this.sources = sources;
    this.target = target;
    this.zones = zones;
    this.runs = new Runs<Status>(this.sources, "source", ({ zero }) => (zero ? "zero" : "data"));
  }

  clear(start: number, end: number): Result<null, MoveProblem> {
    return this.tried(start, () => this.target.writeZeroes(start, end - start, true));
  }

  leaveZone(zone: ZoneIndex): void {
    if (this.written !== null && !this.zones.isConventional(zone) && this.zones.conditionOf(zone) !== Condition.FULL) this.active.add(zone);
    this.written = null;
  }

  /** Copies what comes at `at`, at most to `end`, which lies in the same zone. @returns where the next begins */
  fillFrom(at: number, end: number): Result<number, MoveProblem> {
    const run: Result<Run<Status>, MoveProblem> = this.runs.next(at);
    if (!run.ok) return run;
    if (run.value.status === "zero") return ok(Math.min(run.value.end, end));
    const piece = this.buffer.subarray(0, Math.min(run.value.end, end, at + MOVE_BYTES) - at);
    const read = attempt({ step: "read", subject: "source", offset: at }, () => this.sources.read(at, piece));
    if (!read.ok) return read;
    for (let done = 0; done < piece.length; ) {
      const found = nextRun(piece, done, at, RULE);
      if (!found.zero) {
        const put = this.put(at + done, piece.subarray(done, found.end));
        if (!put.ok) return put;
      }
      done = found.end;
    }
    return ok(at + piece.length);
  }

  /** Puts the pointer where the source's is, or makes the zone full: by a finish where the pointer is not one that writes lead to. */
  settle({ zone, condition, writePointer }: ZoneView): Result<null, MoveProblem> {
    const { start, capacityEnd, end } = this.zones.view(zone);
    if (condition !== Condition.FULL || writePointer === capacityEnd) return this.zeroesTo(start, writePointer);
    if (this.zones.conditionOf(zone) === Condition.FULL) return ok(null);
    return this.tried(start, () => this.target.manage("finish", start, end - start));
  }

  private put(at: number, data: Uint8Array): Result<null, MoveProblem> {
    const { geometry } = this.zones;
    const zone = zoneIndex(Math.floor(at / geometry.zoneSize));
    if (!this.zones.isConventional(zone)) {
      const room = this.written === null ? this.makeRoom() : ok(null);
      if (!room.ok) return room;
      const led = this.zeroesTo(zoneStart(geometry, zone), at);
      if (!led.ok) return led;
    }
    const wrote = this.tried(at, () => this.target.write(at, dataPayload(data)));
    if (wrote.ok) this.written = at + data.length;
    return wrote;
  }

  /** Before a zone's first write: finishes another where no active slot is free. Of zones that are carried over none has to be (misfitOf). */
  private makeRoom(): Result<null, MoveProblem> {
    const { active, maxActive } = this.zones.resources();
    if (maxActive === 0 || active < maxActive) return ok(null);
    const [first] = this.active;
    if (first === undefined) return ok(null);
    this.active.delete(first);
    const { start, end } = this.zones.view(first);
    return this.tried(start, () => this.target.manage("finish", start, end - start));
  }

  /** Writes the zeros that lead up to `at`: a sequential zone leaves nothing out. */
  private zeroesTo(start: number, at: number): Result<null, MoveProblem> {
    const from = this.written ?? start;
    if (from >= at) return ok(null);
    const wrote = this.tried(from, () => this.target.writeZeroes(from, at - from, true));
    if (wrote.ok) this.written = at;
    return wrote;
  }

  private tried(offset: number, act: () => Answer): Result<null, MoveProblem> {
    return attempt({ step: "write", subject: "target", offset }, act);
  }
}
