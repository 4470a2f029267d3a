/**
 * The rules on which zoned devices differ, as one record; the transition functions read it and know no profile by name. The
 * profiles themselves are in profiles.ts.
 * Source: zone semantics, "Transitions" (the profile `qcow2`) and "Other profiles" (what else each field may say).
 */

export type ProfileName = "qcow2" | "v4-as-posted" | "zns" | "zbc" | "null_blk";

/** Which slots a step has to find free. */
export type Needs = "nothing" | "active" | "open" | "active-and-open";

/** Which implicitly open zone is closed to make room for another. */
export type ClosingRule = "least-recently-written" | "oldest-opened" | "zone-0-else-newest" | "round-robin";

export interface ZonePolicy {
  readonly name: ProfileName;
  readonly openOfFull: "refused" | "becomes-explicit" | "stays-full";
  readonly closeOfEmptyOrFull: "no-op" | "refused";
  /** CLOSE of an explicitly open zone that holds nothing. */
  readonly closeOfUnwritten: "empty" | "closed";
  readonly openOfEmptyNeeds: Needs;
  readonly writeOfEmptyNeeds: Needs;
  readonly finishOfEmptyNeeds: Needs;
  readonly finishOfClosedNeeds: Needs;
  /** Whether the device counts active zones; without that its limit says nothing. */
  readonly activeLimit: "enforced" | "none";
  /** Whether an implicitly open zone may be closed to make room while no active slot is free. */
  readonly implicitCloseWhileActiveFull: "allowed" | "refused";
  readonly closesImplicitly: ClosingRule;
  readonly writeAboveWritePointer: "refused" | "allowed";
  /** What a report says of how much of a sequential zone can be written. What can be written is the capacity in any case. */
  readonly reportedCapacity: "capacity" | "zone-size";
  readonly append: "offered" | "no-such-command";
  readonly conventionalZones: "allowed" | "none";
}

/** The default: the series' device with its bugs mended towards the standards. */
export const QCOW2_POLICY: ZonePolicy = {
  name: "qcow2",
  openOfFull: "refused",
  closeOfEmptyOrFull: "no-op",
  closeOfUnwritten: "empty",
  openOfEmptyNeeds: "active-and-open",
  writeOfEmptyNeeds: "active-and-open",
  finishOfEmptyNeeds: "active-and-open",
  finishOfClosedNeeds: "open",
  activeLimit: "enforced",
  implicitCloseWhileActiveFull: "allowed",
  closesImplicitly: "least-recently-written",
  writeAboveWritePointer: "refused",
  reportedCapacity: "capacity",
  append: "offered",
  conventionalZones: "allowed",
};
