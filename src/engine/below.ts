/**
 * A device as what another image stands on. A disk without zones is read as it is. One with zones is read by its own rules: what
 * lies at or above a write pointer or above a capacity is zeros through an overlay too, whatever the clusters still hold.
 * Source: zone semantics, "Transitions" (READ).
 */
import { assert } from "../base/assert.ts";
import type { Device } from "./device.ts";
import type { Disk } from "./disk.ts";

/** What an image stands on, or shall stand on. */
export type Below = Pick<Disk, "virtualSize" | "read" | "map">;

/** @returns what is read of `device` by an image above it; its map tells of clusters, as that of the device does */
export function belowOf(device: Device): Below {
  const { disk } = device;
  if (device.zones === null) return disk;
  return {
    virtualSize: disk.virtualSize,
    read(offset, into) {
      const answer = device.read(offset, into);
      assert(answer.ok, "a range within a disk that was just opened is read: none of its zones has worn out");
    },
    map: (offset, length, maxExtents) => disk.map(offset, length, maxExtents),
  };
}
