/** What a guest is told of a failure, as a status of virtio-blk. Source: zone semantics, "Errors". */
import type { Failure, ZoneRefusalCode } from "../protocol/index.ts";
import { Status } from "./virtio-block.ts";

const OF_REFUSAL: Readonly<Record<ZoneRefusalCode, Status>> = {
  "not-at-write-pointer": Status.ZONE_UNALIGNED_WP,
  "zone-full": Status.ZONE_INVALID_CMD,
  "exceeds-capacity": Status.ZONE_INVALID_CMD,
  "too-many-open": Status.ZONE_OPEN_RESOURCE,
  "too-many-active": Status.ZONE_ACTIVE_RESOURCE,
  "invalid-transition": Status.ZONE_INVALID_CMD,
  "conventional-zone": Status.ZONE_INVALID_CMD,
  "append-too-large": Status.ZONE_INVALID_CMD,
  "append-disabled": Status.UNSUPP,
  misaligned: Status.ZONE_INVALID_CMD,
  "out-of-range": Status.ZONE_INVALID_CMD,
  unsupported: Status.UNSUPP,
};

/**
 * Everything but a zone's refusal and what the image cannot do is an I/O error: virtio-blk has no finer words.
 * @param zoned whether the device has zones: of one without a driver knows no status of theirs
 */
export function statusOf(failure: Failure, zoned: boolean): Status {
  if (failure.kind === "zone") {
    const status = OF_REFUSAL[failure.code];
    return zoned || status === Status.UNSUPP ? status : Status.IOERR;
  }
  return failure.kind === "unsupported" ? Status.UNSUPP : Status.IOERR;
}
