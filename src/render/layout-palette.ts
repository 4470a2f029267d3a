/**
 * How a kind of host cluster looks: a colour each, and a pattern for the few that a person looks for. Data is a quiet tone, metadata
 * has hues of Okabe and Ito's set, and what is wrong has a pattern besides, so that it is told apart without colour.
 */
import { PATTERN_TILE } from "./palette.ts";
import type { Theme } from "./palette.ts";

export interface KindLook {
  readonly fill: string;
  /** Marks over the fill: an SVG path, stroked; "" for none. */
  readonly path: string;
  readonly mark: string;
}

const HATCH = "M-2 6L6 -2M-2 14L14 -2M2 14L14 2";
const CROSS = "M1 1L7 7M1 7L7 1";
const LINES = "M0 2H8M0 6H8";
const DOTS = "M1 2H3M5 6H7";
const BARS = "M2 0V8M6 0V8";

/** By index of LAYOUT_KINDS: light, dark, and the marks. */
const LOOKS: readonly (readonly [string, string, string])[] = [
  ["#eef1f1", "#1b2225", ""],
  ["#8fb4cf", "#4f7690", ""],
  ["#cfdde6", "#33464f", LINES],
  ["#5f8fb4", "#7fb2d6", BARS],
  ["#e69f00", "#e69f00", ""],
  ["#f0cf8a", "#8a6412", DOTS],
  ["#b9c9d3", "#3d525e", HATCH],
  ["#b46a00", "#ffc24d", ""],
  ["#d8b98c", "#7a5320", HATCH],
  ["#009e73", "#2ec79c", ""],
  ["#00684c", "#8ae6cb", ""],
  ["#cc79a7", "#cc79a7", ""],
  ["#9d4a78", "#e8a9cb", ""],
  ["#7a5ca8", "#b39ddb", ""],
  ["#54478c", "#8f7fd4", LINES],
  ["#f0e442", "#f0e442", ""],
  ["#161b1c", "#e9eeef", ""],
  ["#ffffff", "#0b0e0f", HATCH],
  ["#d55e00", "#ff7a1a", CROSS],
  ["#d55e00", "#ff7a1a", LINES],
];

export function kindLook(kind: number, theme: Theme): KindLook {
  const [light, dark, path] = LOOKS[kind] ?? LOOKS[0]!;
  const fill = theme === "dark" ? dark : light;
  // Leaked clusters are empty cells with strong marks; other marks stand on a colour.
  return { fill, path, mark: kind === 17 ? (theme === "dark" ? "#ff96a5" : "#a3223d") : theme === "dark" ? "#0b0e0f" : "#161b1c" };
}

/** Zones in turn: neighbours differ in hue and in lightness. */
const ZONE_TURN = ["#0072b2", "#8fc7e8", "#b46a00", "#f0cf8a", "#00684c", "#7fd0b6", "#7a5ca8", "#d9c8ee"] as const;
export const zoneColour = (zone: number): string => ZONE_TURN[zone % ZONE_TURN.length]!;

export { PATTERN_TILE };
