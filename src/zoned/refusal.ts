/**
 * A refusal of the zoned device as data: which rule, which zone, and the numbers it was decided on. No prose here; the one
 * formatter that turns it into a sentence, and its names in errno, virtio-blk, NVMe and SCSI, is command/explain.ts.
 *
 * Source: zone semantics, "Errors".
 */
import type { Condition } from "../base/conditions.ts";

export type ZoneOperation = "report" | "open" | "close" | "finish" | "reset" | "read" | "write" | "write-zeroes" | "append" | "discard" | "wear";

interface Refused {
  readonly kind: "zone";
  readonly operation: ZoneOperation;
  /** The zone that refused; null where the request was refused before any zone was looked at. */
  readonly zone: number | null;
}

export interface NotAtWritePointer extends Refused {
  readonly code: "not-at-write-pointer";
  readonly requested: number;
  readonly writePointer: number;
}
export interface ZoneFull extends Refused {
  readonly code: "zone-full";
  readonly requested: number;
  readonly writePointer: number;
}
export interface ExceedsCapacity extends Refused {
  readonly code: "exceeds-capacity";
  readonly requested: number;
  readonly lengthBytes: number;
  /** First guest offset that this write must not touch. */
  readonly writableEnd: number;
}
export interface TooManyOpen extends Refused {
  readonly code: "too-many-open";
  readonly open: number;
  readonly maxOpen: number;
}
export interface TooManyActive extends Refused {
  readonly code: "too-many-active";
  readonly active: number;
  readonly maxActive: number;
}
export interface InvalidTransition extends Refused {
  readonly code: "invalid-transition";
  readonly condition: Condition;
}
export interface ConventionalZone extends Refused {
  readonly code: "conventional-zone";
}
export interface AppendTooLarge extends Refused {
  readonly code: "append-too-large";
  readonly lengthBytes: number;
  readonly maxAppendBytes: number;
}
export interface AppendDisabled extends Refused {
  readonly code: "append-disabled";
}
export interface Misaligned extends Refused {
  readonly code: "misaligned";
  /** What is misaligned: an I/O's offset or length, an append's address, or the start or end of a management range. */
  readonly subject: "offset" | "length" | "append-address" | "range-start" | "range-end";
  readonly value: number;
  /** The value must be a multiple of this many bytes. */
  readonly multipleOf: number;
}
export interface OutOfRange extends Refused {
  readonly code: "out-of-range";
  readonly offset: number;
  readonly lengthBytes: number;
  readonly deviceSize: number;
}
export interface Unsupported extends Refused {
  readonly code: "unsupported";
  /** Why the device has no such thing: the zone wants a reset in its place, the image has no zones, or the profile no append. */
  readonly reason: "discard-of-sequential-zone" | "not-zoned" | "no-append-command";
}

export type ZoneRefusal =
  | NotAtWritePointer
  | ZoneFull
  | ExceedsCapacity
  | TooManyOpen
  | TooManyActive
  | InvalidTransition
  | ConventionalZone
  | AppendTooLarge
  | AppendDisabled
  | Misaligned
  | OutOfRange
  | Unsupported;

export type ZoneRefusalCode = ZoneRefusal["code"];
