/** A write of compressed clusters: to whom it goes, and its refusals as failures of a call. In a zone it is a WRITE like any other. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { roundDown, roundUp } from "../base/units.ts";
import type { Failure } from "../protocol/index.ts";
import type { CompressionRefusal } from "../qcow2/write-compressed.ts";
import type { Device } from "./device.ts";
import { PIECE_BYTES } from "./payload.ts";
import type { Payload } from "./payload.ts";
import { outOfRange } from "./range.ts";

/** @param offset and the payload's length are whole clusters, or end at the disk's end. @throws Fault of the store */
export function writeCompressed(device: Device, offset: number, payload: Payload): Result<null, Failure> {
  const { disk } = device;
  if (device.zones !== null) return device.write(offset, payload);
  const outside = outOfRange("write", offset, payload.length, disk.virtualSize);
  if (outside !== null) return outside;
  if (disk.writeCompressed === undefined) return err({ kind: "unsupported", feature: "compressed clusters in a raw image" });
  // As a whole: a piece by itself is refused when those before it stand already.
  const refusal = disk.refusalOfCompressed?.(offset, payload.length) ?? null;
  if (refusal !== null) return err(failureOf(refusal));
  const step = Math.max(PIECE_BYTES, disk.clusterSize);
  for (let at = 0; at < payload.length; at += step) {
    const outcome = disk.writeCompressed(offset + at, payload.piece(at, Math.min(at + step, payload.length)));
    if (!outcome.ok) return err(failureOf(outcome.error));
  }
  return ok(null);
}

/**
 * A write of any range whose clusters are stored compressed, as behind QEMU's filter `compress`: the clusters that it touches are
 * written whole, what they have around the range with it. @throws Fault of the store
 */
export function writeWidened(device: Device, offset: number, payload: Payload): Result<null, Failure> {
  const { disk } = device;
  const outside = outOfRange("write", offset, payload.length, disk.virtualSize);
  if (outside !== null) return outside;
  if (device.zones !== null || payload.length === 0) return device.write(offset, payload);
  const start = roundDown(offset, disk.clusterSize);
  const end = Math.min(roundUp(offset + payload.length, disk.clusterSize), disk.virtualSize);
  return writeCompressed(device, start, {
    length: end - start,
    piece: (from, to) => {
      const bytes = new Uint8Array(to - from);
      const [first, last] = [Math.max(start + from, offset), Math.min(start + to, offset + payload.length)];
      if (first > start + from || last < start + to) disk.read(start + from, bytes);
      bytes.set(payload.piece(first - offset, last - offset), first - start - from);
      return bytes;
    },
  });
}

/**
 * The end of a run of compressed writes, which is refused where any of them is: where there was nothing to write too, a copy onto an
 * image that has no compressed clusters does not succeed, as with QEMU.
 */
export function endCompressed({ disk }: Pick<Device, "disk">): Result<null, Failure> {
  const refusal = disk.refusalOfCompressed?.(0, 0) ?? null;
  return refusal === null ? ok(null) : err(failureOf(refusal));
}

function failureOf({ code, clusterSize, guestOffset }: CompressionRefusal): Failure {
  switch (code) {
    case "not-whole-clusters":
      return { kind: "usage", code: "compressed-misaligned", detail: `compressed writes are whole clusters of ${clusterSize} bytes; the disk's last one may be cut short by its end` };
    case "cluster-in-use":
      return { kind: "usage", code: "compressed-in-use", detail: `the cluster at guest offset ${guestOffset} has data already, and a compressed write replaces none` };
    case "external-data-file":
      return { kind: "usage", code: "compressed-data-file", detail: "an image with an external data file has no compressed clusters" };
  }
}
