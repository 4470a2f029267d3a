/**
 * The profiles: one policy record for each column of the table. A profile says only in what it differs from `qcow2`, and each
 * field beside one names the row of the table that says so.
 * Source: zone semantics, "Other profiles".
 */
import { QCOW2_POLICY } from "./policy.ts";
import type { ProfileName, ZonePolicy } from "./policy.ts";

/** The series as it was posted in version 4, defects that have a row in the table included. */
const V4_AS_POSTED: ZonePolicy = {
  ...QCOW2_POLICY,
  name: "v4-as-posted",
  openOfFull: "becomes-explicit", // OPEN of FULL
  finishOfEmptyNeeds: "active", // FINISH of EMPTY needs
  openOfEmptyNeeds: "active", // OPEN or WRITE of EMPTY needs: explicit opens exceed max_open
  writeOfEmptyNeeds: "active",
  implicitCloseWhileActiveFull: "refused", // implicit close while active is full
  closesImplicitly: "zone-0-else-newest", // which zone is closed implicitly
  writeAboveWritePointer: "allowed", // WRITE above the write pointer
  reportedCapacity: "zone-size", // reported capacity
};

/** NVMe Zoned Namespaces. */
const ZNS: ZonePolicy = {
  ...QCOW2_POLICY,
  name: "zns",
  closeOfEmptyOrFull: "refused", // CLOSE of EMPTY / FULL
  closeOfUnwritten: "closed", // CLOSE of EXPLICIT with wp = start: stays active
  finishOfEmptyNeeds: "nothing", // FINISH of EMPTY needs
  finishOfClosedNeeds: "nothing", // FINISH of CLOSED needs
  closesImplicitly: "oldest-opened", // oldest implicit
  conventionalZones: "none", // conventional zones
};

/** SCSI Zoned Block Commands: a disk that has a limit of open zones only. */
const ZBC: ZonePolicy = {
  ...QCOW2_POLICY,
  name: "zbc",
  openOfFull: "stays-full", // OPEN of FULL
  finishOfEmptyNeeds: "open", // as OPEN
  openOfEmptyNeeds: "open", // OPEN or WRITE of EMPTY needs
  writeOfEmptyNeeds: "open",
  activeLimit: "none", // no active limit
  closesImplicitly: "oldest-opened", // device's choice: this one chooses as NVMe does
  // The standard has no capacity: Linux shows the zone's length in its place.
  reportedCapacity: "zone-size",
  append: "no-such-command", // APPEND
};

/** Linux's null_blk driver in zoned mode. */
const NULL_BLK: ZonePolicy = {
  ...QCOW2_POLICY,
  name: "null_blk",
  closeOfEmptyOrFull: "refused", // CLOSE of EMPTY / FULL
  implicitCloseWhileActiveFull: "refused", // implicit close while active is full
  closesImplicitly: "round-robin", // which zone is closed implicitly
};

export const PROFILES: Readonly<Record<ProfileName, ZonePolicy>> = {
  qcow2: QCOW2_POLICY,
  "v4-as-posted": V4_AS_POSTED,
  zns: ZNS,
  zbc: ZBC,
  null_blk: NULL_BLK,
};
