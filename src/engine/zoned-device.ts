/**
 * The zoned device: every operation checked by the rules (src/zoned) before a byte moves, then carried out on the image in the
 * order that a crash allows. A refused command on one zone changes nothing.
 *
 * Source: zone semantics, the whole page.
 */
import { assertNever } from "../base/assert.ts";
import { ZoneType } from "../base/conditions.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE, roundDown, roundUp, zoneIndex } from "../base/units.ts";
import type { ZoneIndex } from "../base/units.ts";
import type { Extent, Failure, PointerFinding, PointerSummary, ZoneDescriptor, ZoneRefusal, ZonedFacts } from "../protocol/index.ts";
import type { Qcow2Image } from "../qcow2/image.ts";
import type { ZonedHeader } from "../zoned/dialect.ts";
import { zoneEnd, zoneLength, zoneOf } from "../zoned/geometry.ts";
import type { ZoneGeometry } from "../zoned/geometry.ts";
import type { PointerReport } from "../zoned/pointer.ts";
import { summarizePointers } from "../zoned/pointer-summary.ts";
import { QCOW2_POLICY } from "../zoned/policy.ts";
import type { ZonePolicy } from "../zoned/policy.ts";
import { decideClose, decideFinish, decideOpen, decideReset, decideWear, decideWrite, refuseRead } from "../zoned/transitions.ts";
import type { Decision, Transition, WornCondition, ZoneView } from "../zoned/transitions.ts";
import { ZoneTable } from "../zoned/zone-table.ts";
import type { ChangeLog } from "./change-log.ts";
import type { Answer, Device, ManageOperation } from "./device.ts";
import { forEachPiece } from "./payload.ts";
import type { Payload } from "./payload.ts";
import { PointerStore } from "./pointer-store.ts";
import { outOfRange } from "./range.ts";

export class ZonedDevice implements Device {
  readonly disk: Qcow2Image;
  readonly log: ChangeLog;
  readonly zones: ZoneTable;
  private readonly header: ZonedHeader;
  private readonly geometry: ZoneGeometry;
  private readonly findings: readonly PointerFinding[];
  private readonly pointers: PointerStore;
  /** Zones whose last reset moved the pointer and could not unmap everything. */
  private readonly halfReset = new Set<ZoneIndex>();
  private policy: ZonePolicy = QCOW2_POLICY;
  private summarized: PointerSummary | null;

  /**
   * @param pointers the zoned metadata as stored, read and checked against the geometry; its columns become the device's own
   */
  constructor(image: Qcow2Image, header: ZonedHeader, pointers: PointerReport, log: ChangeLog) {
    this.disk = image;
    this.header = header;
    this.geometry = header.geometry;
    this.findings = pointers.findings;
    this.log = log;
    const { columns } = pointers;
    this.summarized = summarizePointers(header.geometry, columns, columns.condition);
    this.zones = new ZoneTable(header.geometry, columns, this.summarized.closed, log);
    this.pointers = new PointerStore(header, this.zones, (zone, sectors) => log.pointerStored(zone, sectors));
    log.onPointerMoved = (zone, from) => {
      this.summarized = null;
      this.pointers.pointerMoved(zone, from);
    };
    image.attach(this.pointers);
  }

  zonedFacts(): ZonedFacts {
    return { dialect: this.header.dialect, policy: this.policy.name, geometry: this.geometry, findings: this.findings, pointers: this.summary() };
  }

  /** Counted anew only after a pointer moved: it is a pass over all zones. */
  private summary(): PointerSummary {
    return (this.summarized ??= summarizePointers(this.geometry, this.zones));
  }

  setPolicy(policy: ZonePolicy): Result<null, Failure> {
    if (policy.conventionalZones === "none") {
      const conventional = this.zones.type.reduce((count, type) => count + (type === ZoneType.CONVENTIONAL ? 1 : 0), 0);
      const allowed = `a profile with conventional zones, since this disk has ${conventional} of them`;
      if (conventional > 0) return err({ kind: "option", option: "profile", found: policy.name, allowed });
    }
    this.policy = policy;
    this.zones.setClosingRule(policy.closesImplicitly);
    return ok(null);
  }

  /** A zone that is offline is not read. At and above the write pointer, and above the capacity, a sequential zone reads as zeros, whatever the clusters hold. */
  read(offset: number, into: Uint8Array): Answer {
    const outside = outOfRange("read", offset, into.length, this.geometry.deviceSize);
    if (outside !== null) return this.refuse(outside.error);
    const end = offset + into.length;
    for (let at = offset; at < end; ) {
      const view = this.zones.view(zoneOf(this.geometry, at));
      const refusal = refuseRead(view);
      if (refusal !== null) return this.refuse(refusal);
      const stop = Math.min(view.end, end);
      const readableEnd = this.zones.isConventional(view.zone) ? view.end : Math.min(view.writePointer, view.capacityEnd);
      const split = Math.min(Math.max(readableEnd, at), stop);
      // A view of one's own costs as much as the read of a small piece: the caller's serves where it is all of it.
      if (split > at) this.disk.read(at, at === offset && split === end ? into : into.subarray(at - offset, split - offset));
      if (split < stop) into.fill(0, split - offset, stop - offset);
      at = stop;
    }
    return ok(null);
  }

  write(offset: number, payload: Payload): Answer {
    const length = payload.length;
    const outside = outOfRange("write", offset, length, this.geometry.deviceSize);
    if (outside !== null) return this.refuse(outside.error);
    if (length === 0) return ok(null);
    const put = (): void => forEachPiece(payload, (at, data) => this.disk.write(offset + at, data));
    const zone = zoneOf(this.geometry, offset);
    if (this.zones.isConventional(zone)) return this.toConventional("write", zone, offset, length, put);
    return this.toSequential("write", this.zones.view(zone), offset, length, put);
  }

  /** WRITE ZEROES to a sequential zone is a write of zeros: it moves the pointer. */
  writeZeroes(offset: number, length: number, unmap: boolean): Answer {
    const outside = outOfRange("write-zeroes", offset, length, this.geometry.deviceSize);
    if (outside !== null) return this.refuse(outside.error);
    if (length === 0) return ok(null);
    const zone = zoneOf(this.geometry, offset);
    if (this.zones.isConventional(zone)) {
      return this.toConventional("write-zeroes", zone, offset, length, () => this.disk.writeZeroes(offset, length, unmap));
    }
    return this.toSequential("write-zeroes", this.zones.view(zone), offset, length, () => this.disk.clear(offset, offset + length));
  }

  /** DISCARD is for conventional zones; a sequential zone has RESET. */
  discard(offset: number, length: number): Answer {
    const outside = outOfRange("discard", offset, length, this.geometry.deviceSize);
    if (outside !== null) return this.refuse(outside.error);
    if (length === 0) return ok(null);
    const sequential = this.firstOfType(ZoneType.SEQUENTIAL, offset, length);
    if (sequential !== null) {
      return this.refuse({ kind: "zone", code: "unsupported", operation: "discard", zone: sequential, reason: "discard-of-sequential-zone" });
    }
    this.disk.discard(offset, length);
    return ok(null);
  }

  map(offset: number, length: number, maxExtents: number): Answer<{ extents: readonly Extent[]; next: number | null }> {
    return outOfRange("read", offset, length, this.geometry.deviceSize) ?? ok(this.disk.map(offset, length, maxExtents));
  }

  report(offset: number, count: number): Answer<readonly ZoneDescriptor[]> {
    const { deviceSize, zoneCount } = this.geometry;
    if (offset < 0 || offset >= deviceSize) {
      return this.refuse({ kind: "zone", code: "out-of-range", operation: "report", zone: null, offset, lengthBytes: 0, deviceSize });
    }
    const first = zoneOf(this.geometry, offset);
    const descriptors: ZoneDescriptor[] = [];
    for (let index: number = first; index < Math.min(zoneCount, first + count); index++) {
      const view = this.zones.view(zoneIndex(index));
      const length = zoneLength(this.geometry, view.zone);
      descriptors.push({
        zone: index,
        type: this.zones.type[index]!,
        condition: view.condition,
        start: view.start,
        length,
        capacity: this.policy.reportedCapacity === "capacity" ? view.capacityEnd - view.start : length,
        writePointer: view.writePointer,
      });
    }
    return ok(descriptors);
  }

  /**
   * OPEN, CLOSE, FINISH or RESET of whole zones, in order; stops at the first refusal, and what was done before it stands.
   * A range that is the whole device skips its conventional zones.
   */
  manage(operation: ManageOperation, offset: number, length: number): Answer {
    const bad = this.checkManagedRange(operation, offset, length);
    if (bad !== null) return this.refuse(bad);
    const wholeDevice = offset === 0 && length === this.geometry.deviceSize;
    if (!wholeDevice) {
      const conventional = this.firstOfType(ZoneType.CONVENTIONAL, offset, length);
      if (conventional !== null) return this.refuse({ kind: "zone", code: "conventional-zone", operation, zone: conventional });
    }
    this.log.operation = operation;
    const last = zoneOf(this.geometry, offset + length - 1);
    for (let index: number = zoneOf(this.geometry, offset); index <= last; index++) {
      const zone = zoneIndex(index);
      if (this.zones.isConventional(zone)) continue;
      const decision = this.decide(operation, this.zones.view(zone));
      if (!decision.ok) return this.refuse(decision.error);
      if (decision.value !== null) this.carryOut(operation, zone, decision.value);
    }
    return ok(null);
  }

  wear(offset: number, to: WornCondition): Answer {
    const outside = outOfRange("wear", offset, SECTOR_SIZE, this.geometry.deviceSize);
    if (outside !== null) return this.refuse(outside.error);
    const zone = zoneOf(this.geometry, offset);
    if (this.zones.isConventional(zone)) return this.refuse({ kind: "zone", code: "conventional-zone", operation: "wear", zone });
    const decision = decideWear(this.zones.view(zone), to);
    if (!decision.ok) return this.refuse(decision.error);
    this.log.operation = "wear";
    if (decision.value !== null) this.zones.apply(zone, decision.value);
    return ok(null);
  }

  append(offset: number, lengths: readonly number[], payload: Payload): Answer<number> {
    const refusal = this.checkAppend(offset, lengths, payload.length);
    if (refusal !== null) return this.refuse(refusal);
    const zone = zoneOf(this.geometry, offset);
    const view = this.zones.view(zone);
    const at = view.writePointer;
    if (payload.length === 0) return ok(at);
    const put = (): void => forEachPiece(payload, (from, data) => this.disk.write(at + from, data));
    const answer = this.toSequential("append", view, at, payload.length, put);
    return answer.ok ? ok(at) : answer;
  }

  flush(): void {
    this.disk.flush();
    this.log.flushed();
  }

  private checkAppend(offset: number, lengths: readonly number[], total: number): ZoneRefusal | null {
    const { deviceSize, maxAppendBytes, zoneSize } = this.geometry;
    const base = { kind: "zone", operation: "append" } as const;
    if (this.policy.append === "no-such-command") return { ...base, zone: null, code: "unsupported", reason: "no-append-command" };
    if (maxAppendBytes === 0) return { ...base, zone: null, code: "append-disabled" };
    if (offset < 0 || offset >= deviceSize) return { ...base, zone: null, code: "out-of-range", offset, lengthBytes: total, deviceSize };
    const zone = zoneOf(this.geometry, offset);
    if (this.zones.isConventional(zone)) return { ...base, zone, code: "conventional-zone" };
    if (offset % zoneSize !== 0) return { ...base, zone, code: "misaligned", subject: "append-address", value: offset, multipleOf: zoneSize };
    const ragged = lengths.find((length) => length % SECTOR_SIZE !== 0);
    if (ragged !== undefined) return { ...base, zone, code: "misaligned", subject: "length", value: ragged, multipleOf: SECTOR_SIZE };
    if (total > maxAppendBytes) return { ...base, zone, code: "append-too-large", lengthBytes: total, maxAppendBytes };
    return null;
  }

  private checkManagedRange(operation: ManageOperation, offset: number, length: number): ZoneRefusal | null {
    const { deviceSize, zoneSize } = this.geometry;
    const outside = outOfRange(operation, offset, length, deviceSize);
    if (outside !== null) return outside.error;
    const misaligned = (subject: "range-start" | "range-end", value: number): ZoneRefusal => ({
      kind: "zone",
      code: "misaligned",
      operation,
      zone: offset < deviceSize ? zoneOf(this.geometry, offset) : null,
      subject,
      value,
      multipleOf: zoneSize,
    });
    if (offset % zoneSize !== 0 || offset === deviceSize) return misaligned("range-start", offset);
    const end = offset + length;
    // A range of no zones is misaligned too: Linux refuses it, and success would claim that something was done.
    if (length === 0 || (end % zoneSize !== 0 && end !== deviceSize)) return misaligned("range-end", end);
    return null;
  }

  private decide(operation: ManageOperation, view: ZoneView): Decision {
    switch (operation) {
      case "open":
        return decideOpen(view, this.zones.resources(), this.policy);
      case "close":
        return decideClose(view, this.policy);
      case "finish":
        return decideFinish(view, this.zones.resources(), this.policy);
      case "reset":
        return decideReset(view);
      default:
        return assertNever(operation);
    }
  }

  private carryOut(operation: ManageOperation, zone: ZoneIndex, transition: Transition): void {
    if (operation === "finish") this.clearTail(zone);
    if (operation !== "reset") {
      this.zones.apply(zone, transition);
      if (operation === "finish") this.zones.count("finishes", zone);
      return;
    }
    // What the zone held is gone for the guest, also where it shares its cluster with a neighbour and nothing can be unmapped.
    const { start, end } = this.zones.view(zone);
    this.disk.noteChange(start, end - start);
    // The pointer first: a flush that the unmapping itself may force then stores it before any cluster is given up.
    this.pointers.zoneReset(zone);
    this.zones.count("resets", zone);
    this.zones.apply(zone, transition);
    const { from, to } = this.wholeClusters(start, end);
    // Until it succeeds the zone counts as half reset: what is still mapped would be written in place (settleReset).
    this.halfReset.add(zone);
    if (from < to) this.disk.unmap(from, to);
    this.halfReset.delete(zone);
  }

  /** Before FINISH: nothing left in [write pointer, zone end) may show when the pointer no longer hides it. */
  private clearTail(zone: ZoneIndex): void {
    this.settleReset(zone);
    const { writePointer, end } = this.zones.view(zone);
    this.clearHidden(roundDown(writePointer, SECTOR_SIZE), end);
  }

  /** Makes [start, end) of one zone, which the pointer still hides, read as zeros. */
  private clearHidden(start: number, end: number): void {
    const { from, to } = this.wholeClusters(start, end);
    if (from >= to) {
      this.disk.clear(start, end);
      return;
    }
    this.disk.clear(start, from);
    this.disk.unmap(from, to);
    if (to < end) this.disk.clear(to, end);
  }

  /** The clusters that lie wholly inside [start, end) of one zone; the last cluster of the disk may reach beyond it. */
  private wholeClusters(start: number, end: number): { from: number; to: number } {
    const size = this.disk.clusterSize;
    return { from: roundUp(start, size), to: end === this.geometry.deviceSize ? roundUp(end, size) : roundDown(end, size) };
  }

  /**
   * A zone that shares a cluster with a neighbour keeps that cluster when it is reset, and so does one whose unmapping failed in
   * the middle: the next write would change it in place while the old pointer is still on the disk, and a crash would then show
   * new bytes under the old pointer. The reset is made durable first.
   */
  private settleReset(zone: ZoneIndex): void {
    if (!this.pointers.isResetPending(zone)) return;
    const { start, end } = this.zones.view(zone);
    const { from, to } = this.wholeClusters(start, end);
    if (from !== start || to < end || this.halfReset.has(zone)) this.flush();
  }

  private toSequential(operation: "write" | "write-zeroes" | "append", view: ZoneView, offset: number, length: number, put: () => void): Answer {
    const { zone } = view;
    const decision = decideWrite(operation, view, offset, length, this.zones.resources(), this.policy);
    if (!decision.ok) return this.refuse(decision.error);
    this.settleReset(zone);
    // A write that may skip ahead uncovers what it skipped: nothing of before a reset may show there.
    if (offset > view.writePointer) this.clearHidden(view.writePointer, offset);
    put();
    this.log.operation = operation;
    if (decision.value !== null) this.zones.apply(zone, decision.value);
    this.zones.countWrite(zone, length);
    return ok(null);
  }

  /** A write may cross conventional zones but not enter a sequential one. */
  private toConventional(operation: "write" | "write-zeroes", zone: ZoneIndex, offset: number, length: number, put: () => void): Answer {
    const sequential = this.firstOfType(ZoneType.SEQUENTIAL, offset, length);
    if (sequential !== null) {
      const writableEnd = sequential * this.geometry.zoneSize;
      return this.refuse({ kind: "zone", code: "exceeds-capacity", operation, zone, requested: offset, lengthBytes: length, writableEnd });
    }
    put();
    for (let at = offset; at < offset + length; ) {
      const touched = zoneOf(this.geometry, at);
      const stop = Math.min(zoneEnd(this.geometry, touched), offset + length);
      this.zones.countWrite(touched, stop - at);
      at = stop;
    }
    return ok(null);
  }

  private firstOfType(type: ZoneType, offset: number, length: number): ZoneIndex | null {
    const last = zoneOf(this.geometry, offset + length - 1);
    for (let index: number = zoneOf(this.geometry, offset); index <= last; index++) {
      if (this.zones.type[index] === type) return zoneIndex(index);
    }
    return null;
  }

  private refuse(refusal: ZoneRefusal): Result<never, ZoneRefusal> {
    if (refusal.zone !== null) this.zones.count("refusals", zoneIndex(refusal.zone));
    this.log.refused(refusal);
    return err(refusal);
  }
}
