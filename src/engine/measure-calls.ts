/** The call that tells how much room a new image would need, for the data of an open one or for a disk of a size. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE, roundUp } from "../base/units.ts";
import type { Failure, MeasuredTarget, Measurement } from "../protocol/index.ts";
import { readBitmaps } from "../qcow2/bitmaps.ts";
import { bitmapsBytes, fullyAllocatedBytes, needsTooLargeL1 } from "../qcow2/measure.ts";
import { readHeader } from "../qcow2/open.ts";
import { withHoles } from "./file-holes.ts";
import type { Work } from "./jobs.ts";
import type { OpenImage } from "./open-image.ts";

const EXTENTS = 1024;
/** Numbers beyond it, with the metadata added, might not be exact. */
const MAX_SIZE = 2 ** 52;

/** Of a disk without data. @param sizeBytes beyond which no image of the target's shape goes is refused */
export function measureSize(sizeBytes: number, target: MeasuredTarget): Result<Measurement, Failure> {
  if (target.format === "raw") return ok(ofRaw(roundUp(sizeBytes, SECTOR_SIZE)));
  if (needsTooLargeL1(sizeBytes, target)) return err({ kind: "resize", code: "too-large", sizeBytes });
  if (sizeBytes > MAX_SIZE) return err({ kind: "option", option: "size", found: String(sizeBytes), allowed: "0 to 4 PiB" });
  return ok(ofQcow2(roundUp(sizeBytes, target.clusterSize), target.fullData ? null : 0, target));
}

/** Of the disk of an open image. @throws Fault of the store */
export function* measureImage(image: OpenImage, target: MeasuredTarget): Work<Result<Measurement, Failure>> {
  const flushed = image.settle();
  if (!flushed.ok) return flushed;
  const { virtualSize } = image.device.disk;
  if (target.format === "raw") return ok(ofRaw(virtualSize));
  if (virtualSize > MAX_SIZE) return err({ kind: "option", option: "size", found: String(virtualSize), allowed: "0 to 4 PiB" });
  const { clusterSize } = target;
  const full = target.backed || target.fullData;
  const measured = ofQcow2(roundUp(virtualSize, clusterSize), full ? null : yield* dataBytes(image, clusterSize), target);
  return ok({ ...measured, bitmapsBytes: target.version >= 3 ? bitmapsOf(image, clusterSize) : null });
}

const ofRaw = (sizeBytes: number): Measurement => ({ requiredBytes: sizeBytes, fullyAllocatedBytes: sizeBytes, bitmapsBytes: null });

/** @param sizeBytes whole clusters. @param dataBytes what of them is written, null for all */
function ofQcow2(sizeBytes: number, dataBytes: number | null, target: MeasuredTarget & { readonly format: "qcow2" }): Measurement {
  const all = fullyAllocatedBytes(sizeBytes, target);
  return { requiredBytes: all - sizeBytes + (dataBytes ?? sizeBytes), fullyAllocatedBytes: all, bitmapsBytes: null };
}

/** Bytes of the target's clusters into which data of the disk falls. */
function* dataBytes(image: OpenImage, clusterSize: number): Work<number> {
  const { disk } = image.device;
  let sum = 0;
  /** What is before is counted, or is no data. */
  let counted = 0;
  for (let at: number | null = 0; at !== null && at < disk.virtualSize; ) {
    const { extents, next } = withHoles(image, disk.map(at, disk.virtualSize - at, EXTENTS));
    for (const { start, length, data, zero } of extents) {
      const end = roundUp(start + length, clusterSize);
      if (!data || zero || end <= counted) continue;
      const from = Math.max(counted, Math.floor(start / clusterSize) * clusterSize);
      sum += end - from;
      counted = end;
    }
    at = next;
    yield (at ?? disk.virtualSize) / disk.virtualSize;
  }
  return sum;
}

/** null for an image that has none because its format does not know them. */
function bitmapsOf(image: OpenImage, clusterSize: number): number | null {
  if (image.format === "raw") return null;
  const header = readHeader(image.store);
  if (header.version < 3) return null;
  return bitmapsBytes(readBitmaps(image.store, header)?.bitmaps ?? [], header.virtualSize, clusterSize);
}
