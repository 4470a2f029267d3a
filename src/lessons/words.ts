/** The device's words that a check may use, as lists: the types of protocol say what they are, and the compiler that none is missing. */
import type { ZoneOperation, ZoneRefusalCode } from "../protocol/index.ts";

const OPERATIONS: Readonly<Record<ZoneOperation, true>> = { report: true, open: true, close: true, finish: true, reset: true, read: true, write: true, "write-zeroes": true, append: true, discard: true, wear: true };
export const ZONE_OPERATIONS = Object.keys(OPERATIONS) as readonly ZoneOperation[];

const CODES: Readonly<Record<ZoneRefusalCode, true>> = {
  "not-at-write-pointer": true,
  "zone-full": true,
  "exceeds-capacity": true,
  "too-many-open": true,
  "too-many-active": true,
  "invalid-transition": true,
  "conventional-zone": true,
  "append-too-large": true,
  "append-disabled": true,
  misaligned: true,
  "out-of-range": true,
  unsupported: true,
};
export const REFUSAL_CODES = Object.keys(CODES) as readonly ZoneRefusalCode[];
