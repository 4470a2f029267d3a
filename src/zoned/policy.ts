/**
 * The rules on which zoned devices differ, as one record; the transition functions read it and know no profile by name.
 * Source: zone semantics, "Transitions" (the profile `qcow2`) and "Other profiles" (what else each field may say).
 */

/** Which slots a step has to find free. */
export type Needs = "nothing" | "active" | "open" | "active-and-open";

export interface ZonePolicy {
  readonly name: string;
  readonly openOfFull: "refused" | "becomes-explicit" | "stays-full";
  readonly closeOfEmptyOrFull: "no-op" | "refused";
  /** CLOSE of an explicitly open zone that holds nothing. */
  readonly closeOfUnwritten: "empty" | "closed";
  readonly openOfEmptyNeeds: Needs;
  readonly writeOfEmptyNeeds: Needs;
  readonly finishOfEmptyNeeds: Needs;
  readonly finishOfClosedNeeds: Needs;
  /** Whether an implicitly open zone may be closed to make room while no active slot is free. */
  readonly implicitCloseWhileActiveFull: "allowed" | "refused";
  readonly writeAboveWritePointer: "refused" | "allowed";
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
  implicitCloseWhileActiveFull: "allowed",
  writeAboveWritePointer: "refused",
};
