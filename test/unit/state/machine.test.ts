/** The drawn state machine says what the rules do: every arrow is a transition that the engine takes, and none is missing. */
import { expect, test } from "vitest";
import { Condition } from "../../../src/base/conditions.ts";
import { guestOffset, zoneIndex } from "../../../src/base/units.ts";
import { arrowsFrom } from "../../../src/state/machine.ts";
import { QCOW2_POLICY } from "../../../src/zoned/policy.ts";
import { decideClose, decideFinish, decideOpen, decideReset, decideWrite } from "../../../src/zoned/transitions.ts";
import type { Decision, ResourceView, ZoneView } from "../../../src/zoned/transitions.ts";

const unlimited: ResourceView = { open: 0, active: 0, maxOpen: 0, maxActive: 0, victim: null };

const cases: readonly (readonly [string, Condition, boolean])[] = [
  ["EMPTY", Condition.EMPTY, false],
  ["IMPLICIT_OPEN", Condition.IMPLICIT_OPEN, true],
  ["EXPLICIT_OPEN, unwritten", Condition.EXPLICIT_OPEN, false],
  ["EXPLICIT_OPEN, written", Condition.EXPLICIT_OPEN, true],
  ["CLOSED", Condition.CLOSED, true],
  ["FULL", Condition.FULL, true],
];

test.each(cases)("%s", (_name, condition, written) => {
  const full = condition === Condition.FULL;
  const view: ZoneView = {
    zone: zoneIndex(0),
    condition,
    start: guestOffset(0),
    writePointer: guestOffset(full ? 65536 : written ? 4096 : 0),
    capacityEnd: guestOffset(65536),
    end: guestOffset(65536),
  };
  const decisions: Readonly<Record<string, Decision>> = {
    open: decideOpen(view, unlimited, QCOW2_POLICY),
    close: decideClose(view, QCOW2_POLICY),
    finish: decideFinish(view, unlimited, QCOW2_POLICY),
    reset: decideReset(view),
    write: decideWrite("write", view, view.writePointer, 512, unlimited, QCOW2_POLICY),
  };
  const real = new Set<string>();
  for (const [operation, decision] of Object.entries(decisions)) {
    if (decision.ok && decision.value !== null && decision.value.to !== condition) real.add(`${operation} ${decision.value.to}`);
  }
  const drawn = new Set(arrowsFrom(condition, written).map((arrow) => `${arrow.operation} ${arrow.to}`));
  // Two commands that lead to the same condition share one arrow.
  const targets = (arrows: ReadonlySet<string>): Set<string> => new Set([...arrows].map((arrow) => arrow.split(" ")[1]!));
  for (const arrow of drawn) expect(real).toContain(arrow);
  expect(targets(drawn)).toEqual(targets(real));
});
