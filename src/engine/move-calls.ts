/** The calls that move data between open images: handles looked up, what can be refused before a byte moves refused, the work begun. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ConvertOptions, ConvertedDisk, Failure } from "../protocol/index.ts";
import { Qcow2Image } from "../qcow2/image.ts";
import { endCompressed, writeCompressed } from "./compressed-write.ts";
import { convertDisks } from "./convert.ts";
import type { Target } from "./convert.ts";
import { convertToZones } from "./convert-zones.ts";
import type { Device } from "./device.ts";
import type { Disk } from "./disk.ts";
import type { Work } from "./jobs.ts";
import type { OpenImage } from "./open-image.ts";
import { dataPayload } from "./payload.ts";
import { Sources } from "./sources.ts";

/** Copies the sources onto the target. @throws Fault, and bugs, which both break the target */
export function* convertImages(sources: readonly OpenImage[], target: OpenImage, options: ConvertOptions): Work<Result<ConvertedDisk, Failure>> {
  if (!target.device.disk.readOnly && sources.some((source) => source.uses(target.file))) return err({ kind: "file", code: "in-use", file: target.file });
  return yield* convertDevices(sources.map((image) => image.device), target, options);
}

/** As convertImages, of devices that do not stand on the target. */
export function* convertDevices(sources: readonly Device[], target: OpenImage, options: ConvertOptions): Work<Result<ConvertedDisk, Failure>> {
  const { device } = target;
  const { disk, zones } = device;
  if (disk.readOnly) return err({ kind: "usage", code: "read-only", detail: disk.readOnlyReason ?? "the target is open for reading" });
  const whole = new Sources(sources);
  const { part } = options;
  if (part !== null && (part.offset < 0 || part.length < 0 || part.offset + part.length > whole.size)) {
    return err({ kind: "option", option: "part", found: `${part.offset} to ${part.offset + part.length}`, allowed: `within 0 to ${whole.size}` });
  }
  const from = part === null ? whole : new Sources(sources, part);
  if (from.size > disk.virtualSize) return err({ kind: "option", option: "size", found: String(disk.virtualSize), allowed: `at least ${from.size}, as the sources have it` });
  target.unflushed = true;
  if (zones !== null) {
    // As `write -c` to a zone is (compressed-write.ts), a compressed copy is of WRITEs like any other.
    const pointers = sources.length === 1 && part === null ? sources[0]!.zones : null;
    return yield* convertToZones(from, pointers, device, zones, options.targetIsZero);
  }
  if (options.compressed && disk.writeCompressed === undefined) return err({ kind: "unsupported", feature: "compression of a raw image" });
  const copied = yield* convertDisks(from, targetOf(device, options), {
    sparseBytes: options.sparseBytes,
    compressedBytes: options.compressed ? disk.clusterSize : null,
    targetIsZero: options.targetIsZero && !options.keepsBacking,
    backingBytes: options.keepsBacking ? shownBelow(disk, options.targetIsZero) : null,
    salvage: options.salvage,
  });
  const ended = copied.ok && options.compressed ? endCompressed(device) : ok(null);
  return ended.ok ? copied : ended;
}

/** How much of its backing a target shows where nothing is written; of one that was there nobody looks. */
const shownBelow = (disk: Disk, isNew: boolean): number => (isNew && disk instanceof Qcow2Image ? (disk.backing?.virtualSize ?? 0) : Infinity);

function targetOf(device: Device, { sparseBytes, compressed }: ConvertOptions): Target {
  const { disk } = device;
  return {
    write: (offset, data) => {
      if (compressed) return writeCompressed(device, offset, dataPayload(data));
      disk.write(offset, data);
      return ok(null);
    },
    writeZeroes: (offset, length) => disk.writeZeroes(offset, length, sparseBytes > 0),
  };
}
