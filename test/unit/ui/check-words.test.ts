import { expect, test } from "vitest";
import type { CheckReport } from "../../../src/protocol/index.ts";
import { consequenceWords } from "../../../src/ui/check-words.ts";

const words = (found: number, corruptionsFixed: number, left: number): string => consequenceWords({ corruptions: found }, { corruptionsFixed, after: { corruptions: left } as CheckReport });

test("corruptions that a repair need not touch are told to go with those that it fixes", () => {
  expect(words(14, 8, 0)).toBe("6 more corruptions that the check counts follow from these and go with them.");
  expect(words(14, 8, 5)).toBe("One more corruption that the check counts follows from these and goes with them.");
});

test("where all are fixed or stay, or none is fixed, nothing is told", () => {
  expect([words(8, 8, 0), words(8, 5, 3), words(8, 9, 0), words(8, 0, 0)]).toEqual(["", "", "", ""]);
});
