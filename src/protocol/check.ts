/** What a check of an image tells: QEMU's part, which is about clusters, and ours, which is about zones. */
import type { ClusterReport } from "../qcow2/check.ts";
import type { RepairOutcome } from "../qcow2/repair.ts";
import type { PointerFinding } from "../zoned/pointer.ts";

export type { CheckFinding, ClusterReport } from "../qcow2/check.ts";
export type { KeptLeaks, RepairMode, RepairOutcome } from "../qcow2/repair.ts";

/**
 * A run of whole clusters that hold data where no read shows it: at or above a sequential zone's write pointer, or above its
 * capacity. A crash may leave such data (the pointer is stored last, a reset's pointer first), so that it is no corruption.
 */
export interface HiddenData {
  /** "data-in-empty-zone" is data above a pointer that stands at the zone's start; what lies above the capacity is told as that. */
  readonly code: "data-above-pointer" | "data-in-empty-zone" | "data-above-capacity";
  readonly zone: number;
  readonly guestOffset: number;
  readonly lengthBytes: number;
  readonly writePointer: number;
  /** First guest offset above the zone's capacity. */
  readonly capacityEnd: number;
}

export type ZoneFinding = PointerFinding | HiddenData;

export interface ZoneCheck {
  /** How many findings there are of each code; complete. */
  readonly counts: Readonly<Record<ZoneFinding["code"], number>>;
  /** Bytes of data that no read shows; complete. */
  readonly hiddenBytes: number;
  /** L2 tables' spans of the disk with an entry that cannot be: hidden data there is not all told. The cluster report says what is wrong. */
  readonly unreadSpans: number;
  /** The first findings, at most 1000: those about pointers, then those about data, each by zone. */
  readonly findings: readonly ZoneFinding[];
}

/** What was repaired of an image with the dirty bit before it was opened for writing. */
export type MendedOnOpen = Pick<RepairOutcome, "findings" | "told">;

export interface CheckReport extends ClusterReport {
  /** null for an image without zones. */
  readonly zoned: ZoneCheck | null;
}

export interface RepairReport extends RepairOutcome {
  /** Bytes of hidden data whose clusters were given back. */
  readonly unmappedBytes: number;
  /** A check of the image as it is now. */
  readonly after: CheckReport;
}
