/** The first rule of every operation: the range lies on the disk. */
import { err } from "../base/result.ts";
import type { ZoneOperation, ZoneRefusal } from "../protocol/index.ts";

/** The refusal out-of-range, or null when [offset, offset + lengthBytes) lies within the device. */
export function outOfRange(operation: ZoneOperation, offset: number, lengthBytes: number, deviceSize: number): { ok: false; error: ZoneRefusal } | null {
  const inside = offset >= 0 && lengthBytes >= 0 && Number.isSafeInteger(offset + lengthBytes) && offset + lengthBytes <= deviceSize;
  return inside ? null : err({ kind: "zone", code: "out-of-range", operation, zone: null, offset, lengthBytes, deviceSize });
}
