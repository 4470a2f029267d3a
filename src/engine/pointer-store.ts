/**
 * Write pointers on the disk: what is stored, and which of them the next flush has to store at which step.
 *
 * The entries are kept as the disk has them and patched one by one. A sector of the metadata holds 64 pointers: writing a reset
 * pointer in step 1 with whatever the other 63 are in memory would carry an advance out before its data (zone semantics,
 * "Durability"), and a crash then shows a zone whose pointer covers bytes that never came.
 */
import { SECTOR_SIZE, guestOffset, toSectors, zoneIndex } from "../base/units.ts";
import type { ZoneIndex } from "../base/units.ts";
import type { FlushParticipant, WriteBytes } from "../qcow2/image-state.ts";
import { zoneStart } from "../zoned/geometry.ts";
import { POINTER_BYTES, decodePointer, encodePointer } from "../zoned/pointer.ts";
import type { ZonedHeader } from "../zoned/dialect.ts";
import type { ZoneTable } from "../zoned/zone-table.ts";

export class PointerStore implements FlushParticipant {
  private readonly header: ZonedHeader;
  private readonly zones: ZoneTable;
  /** Told of every pointer that is stored: the series' trace event qcow2_wp_tracking, in sectors. */
  private readonly stored: (zone: ZoneIndex, sectors: number) => void;
  private readonly entries: Uint8Array;
  private readonly view: DataView;
  /** Zones that were reset since the last flush: their start is stored in step 1. */
  private readonly resets = new Set<ZoneIndex>();
  /** Zones whose pointer differs from the stored one otherwise: stored in step 3. */
  private readonly moved = new Set<ZoneIndex>();

  /** @param entries the zoned metadata as read from the image */
  constructor(header: ZonedHeader, entries: Uint8Array, zones: ZoneTable, stored: (zone: ZoneIndex, sectors: number) => void) {
    this.header = header;
    this.zones = zones;
    this.stored = stored;
    this.entries = entries;
    this.view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  }

  pointerMoved(zone: ZoneIndex): void {
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
    this.storePointers([...this.resets], (zone) => zoneStart(this.header.geometry, zone), write);
  }

  afterMapping(write: WriteBytes): void {
    this.storePointers([...this.moved], (zone) => this.zones.writePointer[zone]!, write);
  }

  flushed(): void {
    this.resets.clear();
    this.moved.clear();
  }

  /** Patches the entries that differ from the disk, sector by sector, and writes each run of sectors once. */
  private storePointers(zones: ZoneIndex[], pointerOf: (zone: ZoneIndex) => number, write: WriteBytes): void {
    const changed = zones.filter((zone) => decodePointer(this.view, zone).offset !== pointerOf(zone)).sort((a, b) => a - b);
    for (let index = 0; index < changed.length; ) {
      const run: ZoneIndex[] = [changed[index]!];
      const firstSector = sectorOf(changed[index]!);
      let lastSector = firstSector;
      while (++index < changed.length && sectorOf(changed[index]!) <= lastSector + 1) {
        lastSector = sectorOf(changed[index]!);
        run.push(changed[index]!);
      }
      const start = firstSector * SECTOR_SIZE;
      // A copy is patched: were the write to fail, the entries would still be what the disk has.
      const patched = this.entries.slice(start, (lastSector + 1) * SECTOR_SIZE);
      const view = new DataView(patched.buffer);
      for (const zone of run) {
        encodePointer(view, zone - start / POINTER_BYTES, { conventional: false, offset: guestOffset(pointerOf(zone)) });
      }
      write(this.header.metadataOffset + start, patched);
      this.entries.set(patched, start);
      for (const zone of run) this.stored(zone, toSectors(pointerOf(zone)));
    }
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
