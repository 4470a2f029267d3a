/**
 * What a check says of zones: pointers that are odd, and data where no read shows it. Changes nothing, and judges nothing: a
 * crash may leave data above a pointer, which is harmless. Clusters and refcounts are qcow2/check.ts.
 *
 * Only what the pointers hide is looked at, by the span of an L2 table: where there is no table, that is one step.
 * Source: zone semantics, "Transitions" (READ) and "Durability"; zoned format, "What a reader must refuse".
 */
import { SECTOR_SIZE, roundDown, roundUp, zoneIndex } from "../base/units.ts";
import type { HiddenData, ZoneCheck, ZoneFinding } from "../protocol/index.ts";
import { isImageFault } from "../qcow2/check.ts";
import { ENTRY_BYTES } from "../qcow2/entries.ts";
import { zoneOf } from "../zoned/geometry.ts";
import { POINTER_BYTES } from "../zoned/pointer.ts";
import type { ZoneTable } from "../zoned/zone-table.ts";
import type { Disk } from "./disk.ts";

const MAX_FINDINGS = 1000;
const EXTENTS_A_CALL = 1024;
const YIELD_EVERY_ZONES = 2 ** 14;
const YIELD_EVERY_SPANS = 64;

/** The range of whole clusters that a zone's pointer or capacity hides, empty where there is none. A cluster shared with a neighbour is not looked at. */
export function hiddenRange({ clusterSize, virtualSize }: Disk, zones: ZoneTable, index: number): { from: number; to: number } {
  const { writePointer, capacityEnd, end } = zones.view(zoneIndex(index));
  const from = roundUp(Math.min(writePointer, capacityEnd), clusterSize);
  return { from, to: Math.max(from, end === virtualSize ? end : roundDown(end, clusterSize)) };
}

class ZoneChecking {
  readonly counts: Record<ZoneFinding["code"], number> = {
    "type-disagrees": 0,
    "pointer-not-sector-aligned": 0,
    "data-above-pointer": 0,
    "data-in-empty-zone": 0,
    "data-above-capacity": 0,
  };
  readonly findings: ZoneFinding[] = [];
  hiddenBytes = 0;
  unreadSpans = 0;
  private readonly disk: Disk;
  private readonly zones: ZoneTable;
  /** Bytes of the disk that one L2 table maps. */
  private readonly span: number;
  private lastUnread = -1;
  /** The run of hidden data that may still grow. */
  private run: HiddenData | null = null;

  constructor(disk: Disk, zones: ZoneTable) {
    this.disk = disk;
    this.zones = zones;
    this.span = (disk.clusterSize / ENTRY_BYTES) * disk.clusterSize;
  }

  found(finding: ZoneFinding): void {
    this.counts[finding.code]++;
    if (this.findings.length < MAX_FINDINGS) this.findings.push(finding);
  }

  /** Finds data in a range of hidden clusters of one or more zones. */
  *look(from: number, to: number): Generator<void, void, void> {
    let spans = 0;
    for (let at = from; at < to; at = this.spanEnd(at, to)) {
      this.lookInSpan(at, this.spanEnd(at, to));
      if (++spans % YIELD_EVERY_SPANS === 0) yield;
    }
  }

  private spanEnd(at: number, to: number): number {
    return Math.min((Math.floor(at / this.span) + 1) * this.span, to);
  }

  /** An entry that cannot be ends the look into its span: the check of clusters has told it. @throws Fault of the store */
  private lookInSpan(from: number, to: number): void {
    try {
      for (let at: number | null = from; at !== null; ) {
        const { extents, next } = this.disk.map(at, to - at, EXTENTS_A_CALL);
        for (const { data, start, length } of extents) if (data) this.hidden(start, start + length);
        at = next;
      }
    } catch (error) {
      if (!isImageFault(error)) throw error;
      const unread = Math.floor(from / this.span);
      if (unread !== this.lastUnread) this.unreadSpans++;
      this.lastUnread = unread;
    }
  }

  /** Data at [from, to), which is cut at the zones' ends and at their capacities. */
  private hidden(from: number, to: number): void {
    this.hiddenBytes += to - from;
    for (let at = from; at < to; ) {
      const { zone, start, writePointer, capacityEnd, end } = this.zones.view(zoneOf(this.zones.geometry, at));
      const fromCapacity = roundUp(capacityEnd, this.disk.clusterSize);
      const above = at >= fromCapacity;
      const stop = Math.min(to, above ? end : Math.min(end, fromCapacity));
      const code = above ? "data-above-capacity" : writePointer === start ? "data-in-empty-zone" : "data-above-pointer";
      this.extendRun({ code, zone, guestOffset: at, lengthBytes: stop - at, writePointer, capacityEnd });
      at = stop;
    }
  }

  private extendRun(piece: HiddenData): void {
    const { run } = this;
    if (run !== null && run.code === piece.code && run.zone === piece.zone && run.guestOffset + run.lengthBytes === piece.guestOffset) {
      this.run = { ...run, lengthBytes: run.lengthBytes + piece.lengthBytes };
      return;
    }
    this.endRun();
    this.run = piece;
  }

  endRun(): void {
    if (this.run !== null) this.found(this.run);
    this.run = null;
  }
}

/**
 * Checks the zones of a device whose pointers are flushed, while nobody writes to it.
 * @param metadataOffset where the zoned metadata lies in the image file, for the findings
 * @returns the findings; yields the fraction done, 0 to 1. @throws Fault when the store fails
 */
export function* checkZones(disk: Disk, zones: ZoneTable, metadataOffset: number): Generator<number, ZoneCheck, void> {
  const check = new ZoneChecking(disk, zones);
  const { zoneCount, conventionalZones } = zones.geometry;
  for (let index = 0; index < zoneCount; index++) {
    const entry = { zone: index, hostOffset: metadataOffset + index * POINTER_BYTES, stored: zones.writePointer[index]! };
    if (zones.isConventional(zoneIndex(index)) !== index < conventionalZones) check.found({ code: "type-disagrees", ...entry });
    if (entry.stored % SECTOR_SIZE !== 0) check.found({ code: "pointer-not-sector-aligned", ...entry });
  }
  // Hidden ranges that touch, of neighbours that are empty, are looked into as one.
  let from = 0;
  let to = 0;
  for (let index = 0; index < zoneCount; index++) {
    if (index % YIELD_EVERY_ZONES === 0) yield index / zoneCount;
    if (zones.isConventional(zoneIndex(index))) continue;
    const hidden = hiddenRange(disk, zones, index);
    if (hidden.from === hidden.to) continue;
    if (hidden.from !== to) {
      for (const _ of check.look(from, to)) yield index / zoneCount;
      from = hidden.from;
    }
    to = hidden.to;
  }
  for (const _ of check.look(from, to)) yield 1;
  check.endRun();
  const { counts, hiddenBytes, unreadSpans, findings } = check;
  return { counts, hiddenBytes, unreadSpans, findings };
}
