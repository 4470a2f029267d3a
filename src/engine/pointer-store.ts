/**
 * Write pointers on the disk: what is stored, and which of them the next flush has to store at which step.
 *
 * A sector of the metadata holds 64 pointers: writing a reset pointer in step 1 with whatever the other 63 are in memory would carry
 * an advance out before its data (zone semantics, "Durability"), and a crash then shows a zone whose pointer covers bytes that never
 * came. So a sector in which a pointer moved is kept as the disk has it, and patched one by one; of all others the disk has what the
 * zones say.
 */
import { SECTOR_SIZE, guestOffset, toSectors, zoneIndex } from "../base/units.ts";
import type { GuestOffset, ZoneIndex } from "../base/units.ts";
import { viewOf } from "../base/view.ts";
import type { FlushParticipant, WriteBytes } from "../qcow2/image-state.ts";
import { zoneStart } from "../zoned/geometry.ts";
import { POINTER_BYTES, decodePointer, encodePointer } from "../zoned/pointer.ts";
import type { ZonedHeader } from "../zoned/dialect.ts";
import type { ZoneTable } from "../zoned/zone-table.ts";

const POINTERS_PER_SECTOR = SECTOR_SIZE / POINTER_BYTES;

export class PointerStore implements FlushParticipant {
  private readonly header: ZonedHeader;
  private readonly zones: ZoneTable;
  /** Told of every pointer that is stored: the series' trace event qcow2_wp_tracking, in sectors. */
  private readonly stored: (zone: ZoneIndex, sectors: number) => void;
  /** Sectors of the metadata in which a pointer moved since the last flush, by number, as the disk has them. */
  private readonly sectors = new Map<number, Uint8Array>();
  /** Zones that were reset since the last flush: their start is stored in step 1. */
  private readonly resets = new Set<ZoneIndex>();
  /** Zones whose pointer differs from the stored one otherwise: stored in step 3. */
  private readonly moved = new Set<ZoneIndex>();

  /** @param zones their pointers are those that the image has stored */
  constructor(header: ZonedHeader, zones: ZoneTable, stored: (zone: ZoneIndex, sectors: number) => void) {
    this.header = header;
    this.zones = zones;
    this.stored = stored;
  }

  /** Told behind each move of a sequential zone's pointer. @param from where it was, an absolute guest byte offset */
  pointerMoved(zone: ZoneIndex, from: GuestOffset): void {
    this.moved.add(zone);
    const number = sectorOf(zone);
    if (this.sectors.has(number)) return;
    // It is the first move in this sector: the other pointers are in memory as they are stored.
    const sector = this.sectorInMemory(number);
    put(sector, zone, from);
    this.sectors.set(number, sector);
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
    this.storePointers([...this.moved], (zone) => guestOffset(this.zones.writePointer[zone]!), write);
  }

  flushed(): void {
    this.resets.clear();
    this.moved.clear();
    this.sectors.clear();
  }

  /** Patches the entries that differ from the disk, sector by sector, and writes each run of sectors once. */
  private storePointers(zones: ZoneIndex[], pointerOf: (zone: ZoneIndex) => GuestOffset, write: WriteBytes): void {
    const changed = zones.filter((zone) => this.storedPointer(zone) !== pointerOf(zone)).sort((a, b) => a - b);
    for (let index = 0; index < changed.length; ) {
      const run: ZoneIndex[] = [changed[index]!];
      const firstSector = sectorOf(changed[index]!);
      let lastSector = firstSector;
      while (++index < changed.length && sectorOf(changed[index]!) <= lastSector + 1) {
        lastSector = sectorOf(changed[index]!);
        run.push(changed[index]!);
      }
      // Copies are patched: were the write to fail, the sectors would still be what the disk has.
      const patched: Uint8Array[] = [];
      for (let number = firstSector; number <= lastSector; number++) patched.push(this.sectorOnDisk(number).slice());
      for (const zone of run) put(patched[sectorOf(zone) - firstSector]!, zone, pointerOf(zone));
      write(this.header.metadataOffset + firstSector * SECTOR_SIZE, joined(patched));
      patched.forEach((sector, at) => this.sectors.set(firstSector + at, sector));
      for (const zone of run) this.stored(zone, toSectors(pointerOf(zone)));
    }
  }

  private storedPointer(zone: ZoneIndex): GuestOffset {
    const sector = this.sectors.get(sectorOf(zone));
    return sector === undefined ? guestOffset(this.zones.writePointer[zone]!) : decodePointer(viewOf(sector), zone % POINTERS_PER_SECTOR).offset;
  }

  private sectorOnDisk(number: number): Uint8Array {
    return this.sectors.get(number) ?? this.sectorInMemory(number);
  }

  /** The entries of one sector as the zones have them; the last sector of the metadata may be short. */
  private sectorInMemory(number: number): Uint8Array {
    const first = number * POINTERS_PER_SECTOR;
    const end = Math.min(first + POINTERS_PER_SECTOR, this.header.geometry.zoneCount);
    const sector = new Uint8Array((end - first) * POINTER_BYTES);
    const view = viewOf(sector);
    for (let index = first; index < end; index++) {
      encodePointer(view, index - first, { conventional: this.zones.isConventional(zoneIndex(index)), offset: guestOffset(this.zones.writePointer[index]!) });
    }
    return sector;
  }
}

/** Puts the pointer of a sequential zone into its sector. */
const put = (sector: Uint8Array, zone: ZoneIndex, offset: GuestOffset): void => encodePointer(viewOf(sector), zone % POINTERS_PER_SECTOR, { conventional: false, offset });

function joined(sectors: readonly Uint8Array[]): Uint8Array {
  const [first] = sectors;
  if (first !== undefined && sectors.length === 1) return first;
  const all = new Uint8Array(sectors.reduce((length, sector) => length + sector.length, 0));
  sectors.forEach((sector, index) => all.set(sector, index * SECTOR_SIZE));
  return all;
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
