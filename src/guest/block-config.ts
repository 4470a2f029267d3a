/**
 * The configuration space of a virtio block device, and its features: what a guest reads before its first request.
 *
 * ```
 * offset  size  field
 *      0     8  capacity, sectors
 *     12     4  seg_max
 *     20     4  blk_size, bytes
 *     72     4  zone_sectors
 *     76     4  max_open_zones       0: no limit
 *     80     4  max_active_zones     0: no limit
 *     84     4  max_append_sectors
 *     88     4  write_granularity, bytes
 *     92     1  model                1: host-managed
 * ```
 *
 * Source: virtio 1.3, 5.2.4 and 5.2.6; of what Linux makes of it, drivers/block/virtio_blk.c and block/blk-settings.c of 6.12.
 */
import { SECTOR_SIZE } from "../base/units.ts";
import type { DeviceFacts } from "../protocol/index.ts";
import { Feature, MAX_SEGMENTS } from "./virtio-block.ts";

export const CONFIG_BYTES = 96;
const HOST_MANAGED = 1;
const MAX_U32 = 2 ** 32 - 1;

/**
 * The block size that is told. Linux takes it for the write granularity too, and a write pointer may stand on any sector: with a
 * larger one a guest could not go on where it stands.
 */
const BLOCK_SIZE = SECTOR_SIZE;

/** Why Linux would not take a device; the numbers are bytes. */
export type GuestRefusal =
  /** Its driver wants zones of a power of two of sectors. */
  | { readonly kind: "guest"; readonly code: "zone-size"; readonly zoneSize: number }
  /** Its driver wants a zoned device to append. */
  | { readonly kind: "guest"; readonly code: "no-append" }
  /** A field of the device has no room for it. */
  | { readonly kind: "guest"; readonly code: "zone-too-large"; readonly zoneSize: number }
  /** It makes no disk of zones that ends before its first zone does. */
  | { readonly kind: "guest"; readonly code: "less-than-a-zone"; readonly sizeBytes: number; readonly zoneSize: number }
  /** A disk is whole sectors. */
  | { readonly kind: "guest"; readonly code: "size"; readonly sizeBytes: number };

/** Null for a device that Linux takes. */
export function guestRefusal({ image, zoned }: DeviceFacts): GuestRefusal | null {
  if (image.virtualSize < SECTOR_SIZE || image.virtualSize % SECTOR_SIZE !== 0) return { kind: "guest", code: "size", sizeBytes: image.virtualSize };
  if (zoned === null) return null;
  const { zoneSize, maxAppendBytes } = zoned.geometry;
  const sectors = zoneSize / SECTOR_SIZE;
  if (!Number.isInteger(Math.log2(sectors)) || sectors < 1) return { kind: "guest", code: "zone-size", zoneSize };
  if (sectors > MAX_U32) return { kind: "guest", code: "zone-too-large", zoneSize };
  if (image.virtualSize < zoneSize) return { kind: "guest", code: "less-than-a-zone", sizeBytes: image.virtualSize, zoneSize };
  if (maxAppendBytes < BLOCK_SIZE) return { kind: "guest", code: "no-append" };
  return null;
}

/** Feature bits that are offered. Discard and write of zeros are not: a zone takes neither. */
export function featuresOf({ image, zoned }: DeviceFacts): number[] {
  const features: number[] = [Feature.SEG_MAX, Feature.BLK_SIZE, Feature.FLUSH, Feature.INDIRECT_DESC, Feature.VERSION_1];
  if (image.readOnly) features.push(Feature.RO);
  if (zoned !== null) features.push(Feature.ZONED);
  return features;
}

/** The configuration space of a device of which guestRefusal says nothing. */
export function encodeConfig({ image, zoned }: DeviceFacts): Uint8Array {
  const config = new Uint8Array(CONFIG_BYTES);
  const view = new DataView(config.buffer);
  view.setBigUint64(0, BigInt(image.virtualSize / SECTOR_SIZE), true);
  view.setUint32(12, MAX_SEGMENTS, true);
  view.setUint32(20, BLOCK_SIZE, true);
  if (zoned === null) return config;
  const { zoneSize, maxOpenZones, maxActiveZones, maxAppendBytes } = zoned.geometry;
  // Linux takes no device of which more zones may be open than active: what is open is active, so that the lower limit holds for both.
  const open = maxActiveZones === 0 || maxOpenZones === 0 ? maxOpenZones : Math.min(maxOpenZones, maxActiveZones);
  view.setUint32(72, zoneSize / SECTOR_SIZE, true);
  view.setUint32(76, open, true);
  view.setUint32(80, maxActiveZones, true);
  view.setUint32(84, Math.min(Math.floor(maxAppendBytes / SECTOR_SIZE), MAX_U32), true);
  view.setUint32(88, BLOCK_SIZE, true);
  view.setUint8(92, HOST_MANAGED);
  return config;
}
