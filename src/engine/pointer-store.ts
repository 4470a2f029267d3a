/**
 * Write pointers on the disk: what is stored, and which of them the next flush has to store at which step.
 *
 * A sector of the metadata holds 64 pointers: writing a reset pointer in step 1 with whatever the other 63 are in memory would carry
 * an advance out before its data (zone semantics, "Durability"), and a crash then shows a zone whose pointer covers bytes that never
 * came. So from the first move on every pointer is known as the disk has it, and sectors are made of those.
 */
import { SECTOR_SIZE, guestOffset, toSectors, zoneIndex } from "../base/units.ts";
import type { GuestOffset, ZoneIndex } from "../base/units.ts";
import { viewOf } from "../base/view.ts";
import type { FlushParticipant, WriteBytes } from "../qcow2/image-state.ts";
import { zoneStart } from "../zoned/geometry.ts";
import { POINTER_BYTES, encodePointer } from "../zoned/pointer.ts";
import type { ZonedHeader } from "../zoned/dialect.ts";
import { ZoneBits } from "../zoned/zone-bits.ts";
import type { ZoneTable } from "../zoned/zone-table.ts";

const POINTERS_PER_SECTOR = SECTOR_SIZE / POINTER_BYTES;
/** Of the metadata, as much as is written at once. */
const MOST_SECTORS = 2048;

export class PointerStore implements FlushParticipant {
  private readonly header: ZonedHeader;
  private readonly zones: ZoneTable;
  /** Told of every pointer that is stored: the series' trace event qcow2_wp_tracking, in sectors. */
  private readonly stored: (zone: ZoneIndex, sectors: number) => void;
  /** The pointer of every zone as the disk has it; null before any moved. */
  private onDisk: Float64Array | null = null;
  /** Zones that were reset since the last flush: their start is stored in step 1. */
  private readonly resets: ZoneBits;
  /** Zones whose pointer differs from the stored one otherwise: stored in step 3. */
  private readonly moved: ZoneBits;

  /** @param zones their pointers are those that the image has stored */
  constructor(header: ZonedHeader, zones: ZoneTable, stored: (zone: ZoneIndex, sectors: number) => void) {
    this.header = header;
    this.zones = zones;
    this.stored = stored;
    this.resets = new ZoneBits(header.geometry.zoneCount);
    this.moved = new ZoneBits(header.geometry.zoneCount);
  }

  /** Told behind each move of a sequential zone's pointer. @param from where it was, an absolute guest byte offset */
  pointerMoved(zone: ZoneIndex, from: GuestOffset): void {
    if (this.onDisk === null) {
      this.onDisk = this.zones.writePointer.slice();
      this.onDisk[zone] = from;
    }
    this.moved.add(zone);
  }

  zoneReset(zone: ZoneIndex): void {
    this.resets.add(zone);
  }

  /** Whether the zone's reset is not durable yet. */
  isResetPending(zone: ZoneIndex): boolean {
    return this.resets.has(zone);
  }

  beforeMapping(write: WriteBytes): void {
    this.storePointers(this.resets, (zone) => zoneStart(this.header.geometry, zone), write);
  }

  afterMapping(write: WriteBytes): void {
    this.storePointers(this.moved, (zone) => guestOffset(this.zones.writePointer[zone]!), write);
  }

  flushed(): void {
    this.resets.clear();
    this.moved.clear();
  }

  /** Patches the entries that differ from the disk, sector by sector, and writes each run of sectors once. */
  private storePointers(zones: ZoneBits, pointerOf: (zone: ZoneIndex) => GuestOffset, write: WriteBytes): void {
    for (let run = this.nextRun(zones, 0, pointerOf); run.length > 0; run = this.nextRun(zones, run.at(-1)! + 1, pointerOf)) {
      const [firstSector, lastSector] = [sectorOf(run[0]!), sectorOf(run.at(-1)!)];
      const [first, end] = [firstSector * POINTERS_PER_SECTOR, Math.min((lastSector + 1) * POINTERS_PER_SECTOR, this.header.geometry.zoneCount)];
      const entries = new Uint8Array((end - first) * POINTER_BYTES);
      const view = viewOf(entries);
      for (let zone = first; zone < end; zone++) this.encode(view, zone - first, zoneIndex(zone), this.storedPointer(zoneIndex(zone)));
      for (const zone of run) this.encode(view, zone - first, zone, pointerOf(zone));
      write(this.header.metadataOffset + firstSector * SECTOR_SIZE, entries);
      for (const zone of run) {
        this.onDisk![zone] = pointerOf(zone);
        this.stored(zone, toSectors(pointerOf(zone)));
      }
    }
  }

  /** The next zones of a set whose pointers differ from the disk, as far as their sectors follow one another. @param from no zone below it */
  private nextRun(zones: ZoneBits, from: number, pointerOf: (zone: ZoneIndex) => GuestOffset): ZoneIndex[] {
    const run: ZoneIndex[] = [];
    let [first, last] = [0, 0];
    for (let zone = zones.next(from); zone !== null; zone = zones.next(zone + 1)) {
      const sector = sectorOf(zone);
      if (run.length > 0 && (sector > last + 1 || sector - first >= MOST_SECTORS)) break;
      if (this.storedPointer(zone) === pointerOf(zone)) continue;
      if (run.length === 0) first = sector;
      last = sector;
      run.push(zone);
    }
    return run;
  }

  private storedPointer(zone: ZoneIndex): GuestOffset {
    return guestOffset((this.onDisk ?? this.zones.writePointer)[zone]!);
  }

  private encode(view: DataView, index: number, zone: ZoneIndex, offset: GuestOffset): void {
    encodePointer(view, index, { conventional: this.zones.isConventional(zone), offset });
  }
}

const sectorOf = (zone: ZoneIndex): number => Math.floor((zone * POINTER_BYTES) / SECTOR_SIZE);

/** The entries of a new device: every sequential zone empty, the first ones conventional. */
export function newPointerEntries(geometry: ZonedHeader["geometry"]): Uint8Array {
  const entries = new Uint8Array(geometry.zoneCount * POINTER_BYTES);
  const view = new DataView(entries.buffer);
  for (let index = 0; index < geometry.zoneCount; index++) {
    encodePointer(view, index, { conventional: index < geometry.conventionalZones, offset: zoneStart(geometry, zoneIndex(index)) });
  }
  return entries;
}
