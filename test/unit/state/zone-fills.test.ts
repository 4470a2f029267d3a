/** Fills of a job's zones in bands: means, a shorter last band, and what is counted beside them. */
import { expect, test } from "vitest";
import { fillsOf } from "../../../src/state/zone-fills.ts";

/** Zones of a capacity of 100 that are used as the list says; null is a conventional zone. */
const zonesOf = (used: readonly (number | null)[]) => ({ used: (zone: number) => used[zone] ?? null, capacity: () => 100 });

test("a zone each: its own fill, from the first zone of the job to its last", () => {
  expect(fillsOf(zonesOf([100, 0, 50, 100, null, 25]), 1, 5, 1)).toEqual({ fills: [0, 0.5, 1, 0], written: 2, full: 1 });
});

test("a band has the mean of its zones, and a shorter one at the end that of those it has", () => {
  expect(fillsOf(zonesOf([100, 50, 0, 0, 40]), 0, 5, 2)).toEqual({ fills: [0.75, 0, 0.4], written: 3, full: 1 });
});

test("no zones are no bands", () => {
  expect(fillsOf(zonesOf([1]), 3, 3, 4)).toEqual({ fills: [], written: 0, full: 0 });
});
