/** The rules of the write order: the steps that follow from them, and that each rule holds in them. */
import { describe, expect, test } from "vitest";
import { WRITE_KINDS, WRITE_ORDER, stepsOf } from "../../../src/qcow2/write-order.ts";
import type { OrderRule, WriteKind } from "../../../src/qcow2/write-order.ts";

const stepOf = (rules: readonly OrderRule[], kind: WriteKind): number => stepsOf(rules).findIndex((step) => step.includes(kind));

test("four steps, which is what a flush may cost when a refcount block is new", () => {
  expect(stepsOf(WRITE_ORDER)).toEqual([
    ["data", "moved-refcount-table", "new-l2-tables", "raised-refcounts", "reset-pointers"],
    ["refcount-table-entries"],
    ["mappings"],
    ["lowered-refcounts", "advanced-pointers"],
  ]);
});

describe("each rule holds", () => {
  test.each(WRITE_ORDER.map((rule) => [`${rule.first}, then ${rule.then}`, rule] as const))("%s", (_name, rule) => {
    expect(stepOf(WRITE_ORDER, rule.first)).toBeLessThan(stepOf(WRITE_ORDER, rule.then));
  });
});

test("every kind is written once", () => {
  expect(stepsOf(WRITE_ORDER).flat().sort()).toEqual([...WRITE_KINDS].sort());
});

test("without rules all is one step, and a rule alone orders its two kinds", () => {
  expect(stepsOf([])).toHaveLength(1);
  const rule: OrderRule = { first: "advanced-pointers", then: "data", prevents: "nothing, in a test" };
  expect(stepOf([rule], "data")).toBe(1);
  expect(stepOf([rule], "advanced-pointers")).toBe(0);
});

test("rules that go in a circle are a bug", () => {
  const back: OrderRule = { first: "advanced-pointers", then: "data", prevents: "nothing, in a test" };
  expect(() => stepsOf([...WRITE_ORDER, back])).toThrow("circle");
});
