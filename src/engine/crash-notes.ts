/**
 * What was acknowledged on a crash lab's device since the last flush that returned: by zone how its pointer moved and with which bytes,
 * and elsewhere what each write left. It is what a disk after a crash is held against, learned from the device's answers alone and not
 * from what the flush does. Source: zone semantics, "Durability".
 */
import { SECTOR_SIZE, roundDown, roundUp, zoneIndex } from "../base/units.ts";
import { zoneLength, zoneOf } from "../zoned/geometry.ts";
import type { Device } from "./device.ts";

/** A zone after a call. Pointers count from the zone's start. */
export interface ZoneMoment {
  readonly pointer: number;
  /** Counts resets: bytes of one epoch are only ever appended to. */
  readonly epoch: number;
  /** FINISH put the pointer there. */
  readonly finished: boolean;
  /** Records that were on their way before the call. */
  readonly begin: number;
}
export interface ZoneNote {
  /** The first is the zone as the last flush left it. */
  readonly moments: ZoneMoment[];
  /** By epoch the bytes from `from` on; of epoch 0 those before are the old disk's. */
  readonly written: { readonly from: number; chunks: Uint8Array[] }[];
}
/** Guest bytes outside sequential zones, whole sectors, as a call left them. */
export interface Patch {
  readonly offset: number;
  readonly data: Uint8Array;
  readonly begin: number;
}
/** Where guest bytes lie in the file. */
export interface Placed {
  readonly host: number;
  readonly guest: number;
  readonly length: number;
}

/** Bytes that are kept for judging. */
const MOST_BYTES = 64 * 2 ** 20;
const MAX_EXTENTS = 4096;

export interface ChangingCall {
  readonly operation: "write" | "discard" | "manage" | "append";
  readonly manage?: "open" | "close" | "finish" | "reset";
  readonly offset: number;
  readonly length: number;
}

export class CrashNotes {
  readonly zones = new Map<number, ZoneNote>();
  readonly patches: Patch[] = [];
  readonly placed: Placed[] = [];
  /** More was written than is kept: nothing can be judged. */
  overflown = false;
  private heldBytes = 0;
  /** Pointers at the last flush, by zone; null without zones. */
  private readonly startPointers: Float64Array | null;

  constructor(device: Device) {
    this.startPointers = device.zones?.writePointer.slice() ?? null;
  }

  /** @param begin records on their way before the call */
  note(device: Device, call: ChangingCall, begin: number): void {
    const { disk, zones } = device;
    const end = Math.min(call.offset + call.length, disk.virtualSize);
    if (!(call.offset >= 0 && call.offset < end)) return;
    if (zones === null) {
      this.notePatch(device, call.offset, end, begin);
      return;
    }
    const { zoneSize, deviceSize } = zones.geometry;
    const first = zoneOf(zones.geometry, call.offset);
    const last = call.operation === "append" ? first : zoneOf(zones.geometry, end - 1);
    for (let zone: number = first; zone <= last; zone++) {
      const start = zone * zoneSize;
      if (zones.isConventional(zoneIndex(zone))) this.notePatch(device, Math.max(call.offset, start), Math.min(end, start + zoneSize, deviceSize), begin);
      else this.noteZone(device, zone, call, begin);
    }
  }

  private noteZone(device: Device, zone: number, call: ChangingCall, begin: number): void {
    const zones = device.zones!;
    const start = zone * zones.geometry.zoneSize;
    const pointer = Math.min(zones.writePointer[zone]! - start, zoneLength(zones.geometry, zoneIndex(zone)));
    const before = this.startPointers![zone]! - start;
    const last = this.zones.get(zone)?.moments.at(-1) ?? { pointer: before, epoch: 0, finished: false, begin: 0 };
    if (pointer === last.pointer) return;
    const note = this.zones.get(zone) ?? { moments: [last], written: [{ from: before, chunks: [] }] };
    this.zones.set(zone, note);
    if (call.manage === "reset") {
      note.moments.push({ pointer, epoch: last.epoch + 1, finished: false, begin });
      note.written.push({ from: 0, chunks: [] });
      return;
    }
    const finished = call.manage === "finish";
    note.moments.push({ pointer, epoch: last.epoch, finished, begin });
    const data = this.take(device, start + last.pointer, pointer - last.pointer);
    if (data !== null) note.written.at(-1)!.chunks.push(data);
    if (!finished) this.notePlaces(device, start + last.pointer, pointer - last.pointer);
  }

  private notePatch(device: Device, from: number, to: number, begin: number): void {
    const offset = roundDown(from, SECTOR_SIZE);
    const length = Math.min(roundUp(to, SECTOR_SIZE), device.disk.virtualSize) - offset;
    const data = this.take(device, offset, length);
    if (data !== null) this.patches.push({ offset, data, begin });
    this.notePlaces(device, offset, length);
  }

  /** The guest's bytes as they read now; null when that is more than is kept. */
  private take(device: Device, offset: number, length: number): Uint8Array | null {
    this.heldBytes += length;
    if (this.heldBytes > MOST_BYTES) this.overflown = true;
    if (this.overflown) return null;
    const data = new Uint8Array(length);
    device.read(offset, data);
    return data;
  }

  private notePlaces({ disk }: Device, offset: number, length: number): void {
    for (const { hostOffset, start, length: bytes, depth, data } of disk.map(offset, length, MAX_EXTENTS).extents) {
      if (hostOffset !== null && depth === 0 && data) this.placed.push({ host: hostOffset, guest: start, length: bytes });
    }
  }

  /** The bytes of an epoch that were written since the flush. */
  static bytesOf(note: ZoneNote, epoch: number): { readonly from: number; readonly data: Uint8Array } {
    const written = note.written[epoch]!;
    if (written.chunks.length > 1) {
      const whole = new Uint8Array(written.chunks.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const chunk of written.chunks.splice(0)) {
        whole.set(chunk, at);
        at += chunk.length;
      }
      written.chunks.push(whole);
    }
    return { from: written.from, data: written.chunks[0] ?? new Uint8Array(0) };
  }
}
