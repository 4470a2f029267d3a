/** A disk without zones: reads and writes anywhere inside it, and no zone operation. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Extent, Failure, ZoneDescriptor, ZoneOperation } from "../protocol/index.ts";
import { outOfRange } from "./range.ts";
import type { ChangeLog } from "./change-log.ts";
import type { Answer, Device, ManageOperation } from "./device.ts";
import type { Disk } from "./disk.ts";
import { forEachPiece } from "./payload.ts";
import type { Payload } from "./payload.ts";

export class PlainDevice implements Device {
  readonly disk: Disk;
  readonly log: ChangeLog;
  readonly zones = null;

  constructor(disk: Disk, log: ChangeLog) {
    this.disk = disk;
    this.log = log;
  }

  zonedFacts(): null {
    return null;
  }

  setPolicy(): Result<null, Failure> {
    return err({ kind: "unsupported", feature: "a profile on a disk without zones" });
  }

  read(offset: number, into: Uint8Array): Answer {
    return this.within("read", offset, into.length, () => this.disk.read(offset, into));
  }

  write(offset: number, payload: Payload): Answer {
    return this.within("write", offset, payload.length, () => forEachPiece(payload, (at, data) => this.disk.write(offset + at, data)));
  }

  writeZeroes(offset: number, length: number, unmap: boolean): Answer {
    return this.within("write-zeroes", offset, length, () => this.disk.writeZeroes(offset, length, unmap));
  }

  discard(offset: number, length: number): Answer {
    return this.within("discard", offset, length, () => this.disk.discard(offset, length));
  }

  map(offset: number, length: number, maxExtents: number): Answer<{ extents: readonly Extent[]; next: number | null }> {
    return outOfRange("read", offset, length, this.disk.virtualSize) ?? ok(this.disk.map(offset, length, maxExtents));
  }

  report(_offset: number, _count: number): Answer<readonly ZoneDescriptor[]> {
    return this.noZones("report");
  }

  manage(operation: ManageOperation, _offset: number, _length: number): Answer {
    return this.noZones(operation);
  }

  wear(): Answer {
    return this.noZones("wear");
  }

  append(_offset: number, _lengths: readonly number[], _payload: Payload): Answer<number> {
    return this.noZones("append");
  }

  flush(): void {
    this.disk.flush();
  }

  private within(operation: ZoneOperation, offset: number, length: number, act: () => void): Answer {
    const outside = outOfRange(operation, offset, length, this.disk.virtualSize);
    if (outside !== null) return outside;
    if (length > 0) act();
    return ok(null);
  }

  private noZones(operation: ZoneOperation): Answer<never> {
    return err({ kind: "zone", code: "unsupported", operation, zone: null, reason: "not-zoned" });
  }
}
