/** Conditions are told apart by pattern alone, by colour alone, and by neighbours' greyness. */
import { describe, expect, test } from "vitest";
import { Condition } from "../../../src/base/conditions.ts";
import { CONDITION_ORDER, lookOf, paletteOf } from "../../../src/render/palette.ts";

/** Relative luminance of "#rrggbb", as WCAG defines it. */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

const contrast = (a: string, b: string): number => {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
};

test("every condition has a look", () => {
  expect(new Set(CONDITION_ORDER)).toEqual(new Set(Object.values(Condition)));
});

describe.each(["light", "dark"] as const)("%s", (theme) => {
  const palette = paletteOf(theme);
  const looks = CONDITION_ORDER.map((condition) => lookOf(palette, condition));

  test("patterns and colours are all different", () => {
    expect(new Set(looks.map((look) => look.pattern.name)).size).toBe(looks.length);
    expect(new Set(looks.map((look) => look.fill)).size).toBe(looks.length);
  });

  test("a pattern's marks stand out from what they are on", () => {
    for (const look of looks) if (look.pattern.path !== "") expect(contrast(look.fill, look.mark)).toBeGreaterThan(2.5);
  });

  test("labels can be read (AA)", () => {
    expect(contrast(palette.text, palette.ground)).toBeGreaterThan(7);
    expect(contrast(palette.textQuiet, palette.ground)).toBeGreaterThan(4.5);
  });

  test("outlines and the selection stand out from the ground", () => {
    expect(contrast(palette.selection, palette.ground)).toBeGreaterThan(3);
    const used = [Condition.EXPLICIT_OPEN, Condition.FULL];
    for (const condition of used) expect(contrast(lookOf(palette, condition).line, palette.ground)).toBeGreaterThan(3);
  });
});

test("an unknown condition is drawn, and not as a usable zone", () => {
  expect(lookOf(paletteOf("light"), 7)).toBe(lookOf(paletteOf("light"), Condition.OFFLINE));
});
