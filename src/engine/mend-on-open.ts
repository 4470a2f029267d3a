/**
 * What QEMU does with an image that is opened for writing and is not in order: one with the dirty bit is repaired first, one with the
 * corrupt bit is refused. Zoned images are left as they are, and opened for reading. Source: qcow2 specification, "Header",
 * incompatible features.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Failure, MendedOnOpen } from "../protocol/index.ts";
import { checkImage } from "../qcow2/check.ts";
import { INCOMPATIBLE_CORRUPT, INCOMPATIBLE_DIRTY, hasBit } from "../qcow2/features.ts";
import { readHeader } from "../qcow2/open.ts";
import { declareSound, repairImage } from "../qcow2/repair.ts";
import { ZONED_EXTENSION_MAGIC, tellsOfZones } from "../zoned/dialect.ts";
import { part } from "./jobs.ts";
import type { Work } from "./jobs.ts";
import type { OpenedFiles } from "./open-device.ts";

/** @returns what was repaired, null where nothing had to be. @throws Fault of the store, or for a header that cannot be */
export function* mendOnOpen({ store, format }: OpenedFiles): Work<Result<MendedOnOpen | null, Failure>> {
  if (format !== "qcow2" || store.readOnly) return ok(null);
  const header = readHeader(store);
  if (tellsOfZones(header.extensions)) return ok(null);
  if (hasBit(header.incompatible, INCOMPATIBLE_CORRUPT)) return err({ kind: "usage", code: "corrupt", detail: "the image has the corrupt bit" });
  if (!hasBit(header.incompatible, INCOMPATIBLE_DIRTY)) return ok(null);
  const { findings, told } = yield* part(repairImage(store, header, [], [ZONED_EXTENSION_MAGIC], "all"), 0, 0.6);
  const after = yield* part(checkImage(store, readHeader(store), []), 0.6, 1);
  if (after.checkErrors > 0) return err({ kind: "usage", code: "unrepairable", detail: "the image has the dirty bit, and its refcounts could not be set right" });
  // With a corruption that is left the bit stays, and the image is for reading.
  if (after.corruptions === 0) declareSound(store, readHeader(store));
  return ok({ findings, told });
}
