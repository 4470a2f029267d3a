/** Several disks read as one, end to end, as `qemu-img convert` concatenates its sources. */
import { assert } from "../base/assert.ts";
import { ok } from "../base/result.ts";
import type { Extent } from "../protocol/index.ts";
import type { Answer, Device } from "./device.ts";
import type { Mapped } from "./moving.ts";

export class Sources implements Mapped {
  readonly size: number;
  private readonly devices: readonly Device[];
  /** Where the part begins in all of them together. */
  private readonly first: number;

  /** @param part what is taken of all of them together; it lies within them. null for all */
  constructor(devices: readonly Device[], part: { readonly offset: number; readonly length: number } | null = null) {
    this.devices = devices;
    this.first = part?.offset ?? 0;
    this.size = part?.length ?? devices.reduce((sum, { disk }) => sum + disk.virtualSize, 0);
  }

  /** Fills `into` from `offset` on; the range lies within the whole. */
  read(offset: number, into: Uint8Array): Answer {
    for (let done = 0; done < into.length; ) {
      const { device, start } = this.deviceAt(offset + done);
      const from = offset + done - start;
      const length = Math.min(into.length - done, device.disk.virtualSize - from);
      const answer = device.read(from, into.subarray(done, done + length));
      if (!answer.ok) return answer;
      done += length;
    }
    return ok(null);
  }

  map(offset: number, length: number, maxExtents: number): Answer<{ extents: readonly Extent[]; next: number | null }> {
    const { device, start } = this.deviceAt(offset);
    const from = offset - start;
    const here = Math.min(length, this.size - offset, device.disk.virtualSize - from);
    const mapped = device.map(from, here, maxExtents);
    if (!mapped.ok || start === 0) return mapped;
    const extents = mapped.value.extents.map((extent) => ({ ...extent, start: extent.start + start }));
    return ok({ extents, next: mapped.value.next === null ? null : mapped.value.next + start });
  }

  /** The device that has the byte `offset` of the part, and where it begins, which may be before the part. */
  private deviceAt(offset: number): { device: Device; start: number } {
    let start = -this.first;
    for (const device of this.devices) {
      if (offset < start + device.disk.virtualSize) return { device, start };
      start += device.disk.virtualSize;
    }
    assert(false, "an offset within the sources lies in one of them");
  }
}
