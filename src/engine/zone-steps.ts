/** What can be done to one zone now, decided by the rules and not carried out: for whoever shows a person their choices. */
import { ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE, zoneIndex } from "../base/units.ts";
import type { Failure, ZoneRefusal, ZoneStep } from "../protocol/index.ts";
import type { ZonePolicy } from "../zoned/policy.ts";
import { decideClose, decideFinish, decideOpen, decideReset, decideWrite } from "../zoned/transitions.ts";
import type { Decision } from "../zoned/transitions.ts";
import type { ZoneTable } from "../zoned/zone-table.ts";

const NOT_ZONED: ZoneRefusal = { kind: "zone", code: "unsupported", operation: "open", zone: null, reason: "not-zoned" };

/** A write is one sector at the write pointer: the least that there is. Refused for a device or a zone without conditions. */
export function zoneSteps(zones: ZoneTable | null, policy: ZonePolicy, index: number): Result<readonly ZoneStep[], Failure> {
  if (zones === null) return { ok: false, error: NOT_ZONED };
  if (!Number.isSafeInteger(index) || index < 0 || index >= zones.geometry.zoneCount) {
    const { deviceSize, zoneSize } = zones.geometry;
    return { ok: false, error: { kind: "zone", code: "out-of-range", operation: "report", zone: null, offset: index * zoneSize, lengthBytes: 0, deviceSize } };
  }
  const zone = zoneIndex(index);
  if (zones.isConventional(zone)) return ok([]);
  const view = zones.view(zone);
  const resources = zones.resources();
  const step = (operation: ZoneStep["operation"], decision: Decision): ZoneStep => ({
    operation,
    to: decision.ok ? (decision.value?.to ?? null) : null,
    implicitlyCloses: decision.ok ? (decision.value?.implicitlyCloses ?? null) : null,
    refusal: decision.ok ? null : decision.error,
  });
  return ok([
    step("open", decideOpen(view, resources, policy)),
    step("close", decideClose(view, policy)),
    step("finish", decideFinish(view, resources, policy)),
    step("reset", decideReset(view)),
    step("write", decideWrite("write", view, view.writePointer, SECTOR_SIZE, resources, policy)),
  ]);
}
