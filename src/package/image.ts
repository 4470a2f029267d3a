/**
 * An open image as the package hands it out: the engine's calls as methods. Nothing is decided here; what a method does, refuses and
 * makes durable is the engine's (src/protocol/calls.ts).
 */
import { conditionName } from "../base/conditions.ts";
import type { Condition } from "../base/conditions.ts";
import type { Engine } from "../engine/engine.ts";
import type { CallName, CheckReport, DeviceFacts, Extent, RepairMode, RepairReport, ReplyOf, RequestOf, Resources, SnapshotFacts } from "../protocol/index.ts";
import { orThrow } from "./image-error.ts";

/** A zone as a report shows it. All offsets and lengths are bytes of the guest's disk. */
export interface Zone {
  readonly zone: number;
  readonly type: "conventional" | "sequential";
  /** "EMPTY", "IMPLICIT_OPEN", "EXPLICIT_OPEN", "CLOSED", "FULL", "READ_ONLY", "OFFLINE"; "NOT_WP" for a conventional zone. */
  readonly condition: string;
  readonly start: number;
  /** From this zone's start to its end; the last zone may be shorter than the others. */
  readonly length: number;
  /** How much of it can be written. */
  readonly capacity: number;
  /** Where the next write has to begin, counted from the start of the disk. Means nothing for a conventional zone. */
  readonly writePointer: number;
}

type OfHandle = { readonly handle: number };

/** Extents and zones that are asked of the engine at once. */
const AT_ONCE = 4096;

/**
 * One open qcow2 or raw image, zoned or not. Methods run one after the other, in the order in which they were called. Each throws an
 * ImageError for what is refused or fails; after one the image is as it was before, but for a store that failed in mid-write.
 *
 * What was written is durable after `flush` or `close`, and not before.
 */
export class Image {
  private readonly engine: Engine;
  private readonly handle: number;
  private known: DeviceFacts;

  private constructor(engine: Engine, handle: number, facts: DeviceFacts) {
    this.engine = engine;
    this.handle = handle;
    this.known = facts;
  }

  /** For open.ts. @internal */
  static of(engine: Engine, handle: number, facts: DeviceFacts): Image {
    return new Image(engine, handle, facts);
  }

  /** What the image is: format, sizes, features, and with zones its geometry, dialect and limits. */
  get facts(): DeviceFacts {
    return this.known;
  }

  /** Size of the guest's disk in bytes. */
  get size(): number {
    return this.known.image.virtualSize;
  }

  /** `length` bytes from `offset` of the disk; what was never written reads as zeros, or as the backing file has it. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const { data } = await this.ask("read", { offset, length, pattern: null, wantData: true });
    return data ?? new Uint8Array(0);
  }

  /** Writes bytes at `offset`. In a sequential zone that must be its write pointer; otherwise a failure of kind "zone" says so. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    await this.ask("write", { offset, length: bytes.length, pattern: 0, data: bytes });
  }

  /** Makes a range zeros, without storing them where the format can. With `unmap` the room is given back where it can be. */
  async writeZeroes(offset: number, length: number, { unmap = false }: { readonly unmap?: boolean } = {}): Promise<void> {
    await this.ask("writeZeroes", { offset, length, unmap });
  }

  /** Tells that a range is not needed any more; it reads as zeros then. Refused for sequential zones, which are reset. */
  async discard(offset: number, length: number): Promise<void> {
    await this.ask("discard", { offset, length });
  }

  /** Returns when everything written so far is durable. */
  async flush(): Promise<void> {
    await this.ask("flush", {});
  }

  /** Flushes and lets go. A store that the caller handed in stays open and the caller's. */
  async close(): Promise<void> {
    await this.ask("close", {});
  }

  /** Zones from number `first` on, at most `count`; none for an image without zones. */
  async zones(first = 0, count = Infinity): Promise<readonly Zone[]> {
    const zoned = this.known.zoned;
    const found: Zone[] = [];
    if (zoned === null) return found;
    const end = Math.min(zoned.geometry.zoneCount, first + count);
    for (let zone = first; zone < end; zone += AT_ONCE) {
      const report = await this.ask("report", { offset: zone * zoned.geometry.zoneSize, count: Math.min(AT_ONCE, end - zone) });
      for (const one of report) found.push({ ...one, type: one.type === 1 ? "conventional" : "sequential", condition: conditionName(one.condition as Condition) });
    }
    return found;
  }

  /** Open and active zones against their limits, and who would be closed next; null for an image without zones. */
  async resources(): Promise<Resources | null> {
    return (await this.ask("watch", {})).resources;
  }

  /** Opens, closes, finishes or resets the sequential zones that a range covers; the range is whole zones. */
  async manageZones(operation: "open" | "close" | "finish" | "reset", offset: number, length: number): Promise<void> {
    await this.ask("manage", { operation, offset, length });
  }

  /** Appends bytes to the zone that starts at `zoneStart`. @returns the offset at which they were written */
  async append(zoneStart: number, bytes: Uint8Array): Promise<number> {
    return (await this.ask("append", { offset: zoneStart, lengths: [bytes.length], pattern: 0, data: bytes })).offset;
  }

  /** Which parts of a range are stored, where in the file, and which read as zeros, in order and without gaps. */
  async *map(offset = 0, length = this.size - offset): AsyncGenerator<Extent, void, undefined> {
    const end = offset + length;
    for (let at: number | null = offset; at !== null && at < end; ) {
      const { extents, next }: ReplyOf<"map"> = await this.ask("map", { offset: at, length: end - at, maxExtents: AT_ONCE });
      yield* extents;
      at = next;
    }
  }

  /** Counts every reference of a qcow2 image against its refcounts, and says what is odd about the zones. Flushes first. */
  async check(): Promise<CheckReport> {
    return this.ask("check", {});
  }

  /** Makes refcounts what the references say ("leaks": only those that are too high). The report ends with a check of what is left. */
  async repair(mode: RepairMode): Promise<RepairReport> {
    const report = await this.ask("repair", { mode });
    this.known = await this.ask("facts", {});
    return report;
  }

  /** The image's internal snapshots, oldest first as the file has them. */
  async snapshots(): Promise<readonly SnapshotFacts[]> {
    return this.ask("listSnapshots", {});
  }

  private async ask<Name extends CallName>(name: Name, request: Omit<RequestOf<Name>, keyof OfHandle>): Promise<ReplyOf<Name>> {
    return orThrow(await this.engine.perform(name, { ...request, handle: this.handle }));
  }
}
