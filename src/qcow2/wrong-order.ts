/**
 * Orders of a flush for the crash lab: the right one, watched, and wrong ones, in which rules of write-order.ts are left out. flush.ts
 * runs them as it runs the right one; an ImageState takes them over a scratch store alone.
 *
 * Left out, a rule keeps nothing from reaching the disk in the other order, and the lab takes that other order: `then` before `first`.
 * Where the rules that are left demand the same, the rule cannot be broken alone, and the order stays what it is.
 */
import { WRITE_ORDER, stepsOf } from "./write-order.ts";
import type { FlushOrder, OrderRule, WriteKind } from "./write-order.ts";

/** The name of the mistake that a rule keeps from happening, as the lab's users give it. */
export const mistakeOf = ({ first, then }: OrderRule): string => `${then}-before-${first}`;

/** The mistake of asking for no barrier: the drive keeps what it likes, even behind the end of a flush. */
export const NO_BARRIERS = "no-barriers";

/** All mistakes by name. */
export const MISTAKES: readonly string[] = [...WRITE_ORDER.map(mistakeOf), NO_BARRIERS];

/** The rules on the way from one kind to another; null where none of the given ones lead there. */
function wayBetween(rules: readonly OrderRule[], from: WriteKind, to: WriteKind): readonly OrderRule[] | null {
  for (const rule of rules) {
    if (rule.first !== from) continue;
    if (rule.then === to) return [rule];
    const rest = wayBetween(rules, rule.then, to);
    if (rest !== null) return [rule, ...rest];
  }
  return null;
}

export interface BrokenRule {
  readonly rule: OrderRule;
  /** Other rules that demand the same, so that leaving this one out changes nothing; null where it is broken indeed. */
  readonly impliedBy: readonly OrderRule[] | null;
}

export interface WrongSteps {
  readonly steps: readonly (readonly WriteKind[])[];
  readonly broken: readonly BrokenRule[];
}

/** The steps in which the rules that are left out are broken, as far as the others allow it. */
export function stepsWithout(leftOut: readonly OrderRule[]): WrongSteps {
  const rules = WRITE_ORDER.filter((rule) => !leftOut.includes(rule));
  const broken = leftOut.map((rule) => {
    const impliedBy = wayBetween(rules, rule.first, rule.then);
    if (impliedBy === null) rules.push({ first: rule.then, then: rule.first, prevents: "" });
    return { rule, impliedBy };
  });
  return { steps: stepsOf(rules), broken };
}

/** @param begins as in FlushOrder */
export function labOrder(leftOut: readonly OrderRule[], barriers: boolean, begins: (kind: WriteKind | null) => boolean): FlushOrder {
  return { steps: stepsWithout(leftOut).steps, barriers, begins };
}
