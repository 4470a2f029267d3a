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
  /** The pointer of every zone as the disk has it: the zones' own column before any moved. */
  private onDisk: Float64Array;
  /** A write of pointers was refused, and may have got there: since then what differs from `onDisk` is not all that differs from the disk. */
  private unsure = false;
  /** Zones that were reset since the last flush: their start is stored in step 1. */
  private readonly resets: ZoneBits;
  /** Zones whose pointer differs from the stored one otherwise: stored in step 3. */
  private readonly moved: ZoneBits;

  /** @param zones their pointers are those that the image has stored */
  constructor(header: ZonedHeader, zones: ZoneTable, stored: (zone: ZoneIndex, sectors: number) => void) {
    this.header = header;
    this.zones = zones;
    this.onDisk = zones.writePointer;
    this.stored = stored;
    this.resets = new ZoneBits(header.geometry.zoneCount);
    this.moved = new ZoneBits(header.geometry.zoneCount);
  }

  /** Told behind each move of a sequential zone's pointer. @param from where it was, an absolute guest byte offset */
  pointerMoved(zone: ZoneIndex, from: GuestOffset): void {
    if (this.onDisk === this.zones.writePointer) {
      this.onDisk = this.onDisk.slice();
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
    this.unsure = false;
  }

  /** Patches the entries that differ from the disk, sector by sector, and writes each run of sectors once. */
  private storePointers(zones: ZoneBits, pointerOf: (zone: ZoneIndex) => GuestOffset, write: WriteBytes): void {
    for (let run = this.nextRun(zones, 0, pointerOf); run.length > 0; run = this.nextRun(zones, run.at(-1)! + 1, pointerOf)) {
      const sector = sectorOf(run[0]!);
      const first = sector * POINTERS_PER_SECTOR;
      // The last sector of the metadata may be short.
      const offsets = this.onDisk.slice(first, (sectorOf(run.at(-1)!) + 1) * POINTERS_PER_SECTOR);
      for (const zone of run) offsets[zone - first] = pointerOf(zone);
      const entries = new Uint8Array(offsets.length * POINTER_BYTES);
      const view = viewOf(entries);
      offsets.forEach((offset, index) => encodePointer(view, index, { conventional: this.zones.isConventional(zoneIndex(first + index)), offset: guestOffset(offset) }));
      const { unsure } = this;
      this.unsure = true;
      write(this.header.metadataOffset + sector * SECTOR_SIZE, entries);
      this.unsure = unsure;
      this.onDisk.set(offsets, first);
      for (const zone of run) this.stored(zone, toSectors(pointerOf(zone)));
    }
  }

  /** The next zones of a set whose pointers differ from the disk, or may, as far as their sectors follow one another. @param from no zone below it */
  private nextRun(zones: ZoneBits, from: number, pointerOf: (zone: ZoneIndex) => GuestOffset): ZoneIndex[] {
    const run: ZoneIndex[] = [];
    let [first, last] = [0, 0];
    for (let zone = zones.next(from); zone !== null; zone = zones.next(zone + 1)) {
      const sector = sectorOf(zone);
      if (run.length > 0 && (sector > last + 1 || sector - first >= MOST_SECTORS)) break;
      if (!this.unsure && this.onDisk[zone] === pointerOf(zone)) continue;
      if (run.length === 0) first = sector;
      last = sector;
      run.push(zone);
    }
    return run;
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
