/**
 * What each operation does to one sequential zone: pure functions from (zone, resources, policy) to a transition or a refusal.
 * They change nothing; the zone table applies what they decide. One function per operation, a switch on the condition,
 * resources checked last, so that a refusal names the first rule that a reader of the standard would name.
 *
 * Source: zone semantics, "Transitions (sequential zones)".
 */
import { assertNever } from "../base/assert.ts";
import { Condition } from "../base/conditions.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import type { GuestOffset, ZoneIndex } from "../base/units.ts";
import type { Needs, ZonePolicy } from "./policy.ts";
import type { ZoneOperation, ZoneRefusal } from "./refusal.ts";

/** One sequential zone as the rules see it. */
export interface ZoneView {
  readonly zone: ZoneIndex;
  readonly condition: Condition;
  readonly writePointer: GuestOffset;
  readonly start: GuestOffset;
  /** start + capacity of this zone. */
  readonly capacityEnd: GuestOffset;
  /** start + length of this zone. */
  readonly end: GuestOffset;
}

/** The device's open and active slots as the rules see them. */
export interface ResourceView {
  readonly open: number;
  readonly active: number;
  /** 0 means no limit. */
  readonly maxOpen: number;
  /** 0 means no limit. */
  readonly maxActive: number;
  /** The zone that would be closed to make room, null when every open zone is explicitly open. */
  readonly victim: ZoneIndex | null;
}

export interface Transition {
  readonly to: Condition;
  readonly writePointer: GuestOffset;
  /** A zone that is closed first, to free the open slot that this transition takes. */
  readonly implicitlyCloses: ZoneIndex | null;
}

/** ok(null): allowed, and nothing changes. */
export type Decision = Result<Transition | null, ZoneRefusal>;

const nothing: Decision = ok(null);
const step = (to: Condition, writePointer: GuestOffset, implicitlyCloses: ZoneIndex | null = null): Decision =>
  ok({ to, writePointer, implicitlyCloses });

/** Finds the slots a step needs; the zone to close first, null for none, or the refusal. */
function claim(
  needs: Needs,
  operation: ZoneOperation,
  zone: ZoneIndex,
  resources: ResourceView,
  policy: ZonePolicy,
): Result<ZoneIndex | null, ZoneRefusal> {
  const { open, active, maxOpen, maxActive, victim } = resources;
  const activeExhausted = policy.activeLimit === "enforced" && maxActive > 0 && active >= maxActive;
  const openExhausted = maxOpen > 0 && open >= maxOpen;
  const needsActive = needs === "active" || needs === "active-and-open";
  const needsOpen = needs === "open" || needs === "active-and-open";
  // The active limit is looked at first: when both are exhausted it is the one reported.
  if (needsActive && activeExhausted) {
    return err({ kind: "zone", code: "too-many-active", operation, zone, active, maxActive });
  }
  if (!needsOpen || !openExhausted) return ok(null);
  const mayClose = !activeExhausted || policy.implicitCloseWhileActiveFull === "allowed";
  if (victim === null || !mayClose) return err({ kind: "zone", code: "too-many-open", operation, zone, open, maxOpen });
  return ok(victim);
}

/** A step that takes slots and then ends in `to`. */
function stepWith(
  needs: Needs,
  operation: ZoneOperation,
  view: ZoneView,
  resources: ResourceView,
  policy: ZonePolicy,
  to: Condition,
  writePointer: GuestOffset,
): Decision {
  const claimed = claim(needs, operation, view.zone, resources, policy);
  return claimed.ok ? step(to, writePointer, claimed.value) : claimed;
}

const invalid = (operation: ZoneOperation, view: ZoneView): Decision =>
  err({ kind: "zone", code: "invalid-transition", operation, zone: view.zone, condition: view.condition });

/** What a zone is once it has worn out: read as before and not written, or neither. */
export type WornCondition = typeof Condition.READ_ONLY | typeof Condition.OFFLINE;

/** A condition that no command leads to or from: NOT_WP, which a sequential zone never has, and those of a zone that wore out. */
const isForeign = (condition: Condition): boolean =>
  condition === Condition.NOT_WP || condition === Condition.READ_ONLY || condition === Condition.OFFLINE;

/** OPEN ZONE. */
export function decideOpen(view: ZoneView, resources: ResourceView, policy: ZonePolicy): Decision {
  if (isForeign(view.condition)) return invalid("open", view);
  switch (view.condition) {
    case Condition.EMPTY:
      return stepWith(policy.openOfEmptyNeeds, "open", view, resources, policy, Condition.EXPLICIT_OPEN, view.writePointer);
    case Condition.IMPLICIT_OPEN:
      return step(Condition.EXPLICIT_OPEN, view.writePointer);
    case Condition.EXPLICIT_OPEN:
      return nothing;
    case Condition.CLOSED:
      return stepWith("open", "open", view, resources, policy, Condition.EXPLICIT_OPEN, view.writePointer);
    default:
      break;
  }
  switch (policy.openOfFull) {
    case "refused":
      return invalid("open", view);
    case "becomes-explicit":
      return step(Condition.EXPLICIT_OPEN, view.writePointer);
    case "stays-full":
      return nothing;
    default:
      return assertNever(policy.openOfFull);
  }
}

/** CLOSE ZONE. */
export function decideClose(view: ZoneView, policy: ZonePolicy): Decision {
  if (isForeign(view.condition)) return invalid("close", view);
  switch (view.condition) {
    case Condition.IMPLICIT_OPEN:
      return step(Condition.CLOSED, view.writePointer);
    case Condition.EXPLICIT_OPEN: {
      // Opened while FULL, which some devices allow: it is as full as before.
      if (view.writePointer >= view.capacityEnd) return step(Condition.FULL, view.writePointer);
      const unwritten = view.writePointer === view.start && policy.closeOfUnwritten === "empty";
      return step(unwritten ? Condition.EMPTY : Condition.CLOSED, view.writePointer);
    }
    case Condition.CLOSED:
      return nothing;
    default:
      return policy.closeOfEmptyOrFull === "no-op" ? nothing : invalid("close", view);
  }
}

/** FINISH ZONE: the pointer goes to the end of the zone, beyond its capacity (zoned format, "Zoned metadata"). */
export function decideFinish(view: ZoneView, resources: ResourceView, policy: ZonePolicy): Decision {
  if (isForeign(view.condition)) return invalid("finish", view);
  switch (view.condition) {
    case Condition.EMPTY:
      return stepWith(policy.finishOfEmptyNeeds, "finish", view, resources, policy, Condition.FULL, view.end);
    case Condition.CLOSED:
      return stepWith(policy.finishOfClosedNeeds, "finish", view, resources, policy, Condition.FULL, view.end);
    case Condition.IMPLICIT_OPEN:
    case Condition.EXPLICIT_OPEN:
      return step(Condition.FULL, view.end);
    default:
      return nothing;
  }
}

/** RESET ZONE: never needs a slot. */
export function decideReset(view: ZoneView): Decision {
  if (isForeign(view.condition)) return invalid("reset", view);
  return view.condition === Condition.EMPTY ? nothing : step(Condition.EMPTY, view.start);
}

/**
 * A zone wears out. No command of the standards does that: a device does it by itself and reports it. The pointer stays as it was,
 * and nothing leads back but another device made of what is stored.
 */
export function decideWear(view: ZoneView, to: WornCondition): Decision {
  if (view.condition === to) return nothing;
  return view.condition === Condition.OFFLINE ? invalid("wear", view) : step(to, view.writePointer);
}

/** READ: of a zone that went offline nothing can be read. null: allowed. */
export function refuseRead(view: Pick<ZoneView, "zone" | "condition">): ZoneRefusal | null {
  return view.condition === Condition.OFFLINE ? { kind: "zone", code: "invalid-transition", operation: "read", zone: view.zone, condition: view.condition } : null;
}

/**
 * WRITE of [offset, offset + lengthBytes) to one sequential zone; APPEND is this at the write pointer once its own rules are
 * met. `operation` only names the command in a refusal. The length is not zero.
 */
export function decideWrite(
  operation: "write" | "write-zeroes" | "append",
  view: ZoneView,
  offset: number,
  lengthBytes: number,
  resources: ResourceView,
  policy: ZonePolicy,
): Decision {
  const { zone, condition, writePointer, capacityEnd } = view;
  if (offset % SECTOR_SIZE !== 0) {
    return err({ kind: "zone", code: "misaligned", operation, zone, subject: "offset", value: offset, multipleOf: SECTOR_SIZE });
  }
  if (lengthBytes % SECTOR_SIZE !== 0) {
    return err({ kind: "zone", code: "misaligned", operation, zone, subject: "length", value: lengthBytes, multipleOf: SECTOR_SIZE });
  }
  if (isForeign(condition)) return invalid(operation, view);
  if (condition === Condition.FULL) return err({ kind: "zone", code: "zone-full", operation, zone, requested: offset, writePointer });
  const skipsAhead = offset > writePointer && policy.writeAboveWritePointer === "allowed";
  if (offset !== writePointer && !skipsAhead) {
    return err({ kind: "zone", code: "not-at-write-pointer", operation, zone, requested: offset, writePointer });
  }
  const after = (offset + lengthBytes) as GuestOffset;
  if (after > capacityEnd) {
    return err({ kind: "zone", code: "exceeds-capacity", operation, zone, requested: offset, lengthBytes, writableEnd: capacityEnd });
  }
  const filled = after === capacityEnd;
  switch (condition) {
    case Condition.EMPTY:
      return stepWith(policy.writeOfEmptyNeeds, operation, view, resources, policy, filled ? Condition.FULL : Condition.IMPLICIT_OPEN, after);
    case Condition.CLOSED:
      return stepWith("open", operation, view, resources, policy, filled ? Condition.FULL : Condition.IMPLICIT_OPEN, after);
    default:
      return step(filled ? Condition.FULL : condition, after);
  }
}
