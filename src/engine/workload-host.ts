/** An open disk as a workload's host sees it: what the report, the limits and the profile's rules tell, and nothing of the tables behind. */
import { Condition, ZoneType } from "../base/conditions.ts";
import { zoneIndex } from "../base/units.ts";
import type { HostResources, HostView, HostZone } from "../workload/index.ts";
import type { OpenImage } from "./open-image.ts";

/** The view asks the image's present device each time: a power cycle puts another in its place. */
export function hostViewOf(image: OpenImage): HostView {
  return image.device.zones === null ? plainView(image) : zonedView(image);
}

function zonedView(image: OpenImage): HostView {
  const zones = () => image.device.zones!;
  const { geometry } = zones();
  return {
    diskBytes: geometry.deviceSize,
    zoned: true,
    zoneSize: geometry.zoneSize,
    get zoneCapacity() {
      return image.policy.reportedCapacity === "capacity" ? geometry.zoneCapacity : geometry.zoneSize;
    },
    zoneCount: geometry.zoneCount,
    maxOpen: geometry.maxOpenZones,
    get maxActive() {
      return image.policy.activeLimit === "enforced" ? geometry.maxActiveZones : 0;
    },
    get maxAppendBytes() {
      return image.policy.append === "offered" ? geometry.maxAppendBytes : 0;
    },
    zone(index: number): HostZone {
      const view = zones().view(zoneIndex(index));
      const length = view.end - view.start;
      const capacity = image.policy.reportedCapacity === "capacity" ? view.capacityEnd - view.start : length;
      return { zone: index, type: zones().type[index]!, condition: view.condition, start: view.start, length, capacity, writePointer: view.writePointer };
    },
    condition: (index) => zones().condition[index]!,
    resources(): HostResources {
      const { implicitOpen, explicitOpen, closed } = zones().counts();
      return { open: implicitOpen + explicitOpen, active: implicitOpen + explicitOpen + closed, implicitOpen };
    },
  };
}

/** A disk without zones is one zone that is written anywhere. */
function plainView(image: OpenImage): HostView {
  const diskBytes = image.device.disk.virtualSize;
  const zone: HostZone = { zone: 0, type: ZoneType.CONVENTIONAL, condition: Condition.NOT_WP, start: 0, length: diskBytes, capacity: diskBytes, writePointer: 0 };
  return {
    diskBytes,
    zoned: false,
    zoneSize: diskBytes,
    zoneCapacity: diskBytes,
    zoneCount: 1,
    maxOpen: 0,
    maxActive: 0,
    maxAppendBytes: 0,
    zone: () => zone,
    condition: () => zone.condition,
    resources: () => ({ open: 0, active: 0, implicitOpen: 0 }),
  };
}
