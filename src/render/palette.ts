/**
 * How a condition looks: a colour and a pattern each, one definition for the canvas and for every swatch.
 *
 * The hues are Okabe and Ito's, without the pair that red-green blindness confuses; the patterns tell conditions apart in
 * greyscale and in print. They mean conditions and nothing else on the page; interface colours are in ui/tokens.css.
 */
import { Condition } from "../base/conditions.ts";

export type Theme = "light" | "dark";

export const PATTERN_TILE = 8;

/** A mark repeated every PATTERN_TILE pixels: an SVG path, stroked unless it is made to be filled. */
export interface Pattern {
  readonly name: "plain" | "hatch" | "cross-hatch" | "dots" | "solid" | "lines" | "bars" | "crosses";
  readonly path: string;
  readonly filled: boolean;
}

const patterns = {
  plain: { name: "plain", path: "", filled: false },
  hatch: { name: "hatch", path: "M-2 6L6 -2M-2 14L14 -2M2 14L14 2", filled: false },
  crossHatch: { name: "cross-hatch", path: "M-1 -1L9 9M-1 9L9 -1", filled: false },
  dots: { name: "dots", path: "M2 .6a1.4 1.4 0 1 0 .01 0zM6 4.6a1.4 1.4 0 1 0 .01 0z", filled: true },
  solid: { name: "solid", path: "", filled: false },
  lines: { name: "lines", path: "M0 2H8M0 6H8", filled: false },
  bars: { name: "bars", path: "M2 0V8M6 0V8", filled: false },
  crosses: { name: "crosses", path: "M2 2L6 6M2 6L6 2", filled: false },
} as const satisfies Record<string, Pattern>;

export interface ConditionLook {
  readonly condition: Condition;
  readonly pattern: Pattern;
  /** Behind the pattern where the zone is written. */
  readonly fill: string;
  /** The pattern's marks on `fill`. */
  readonly mark: string;
  /** Behind the pattern where the zone is not written. */
  readonly tint: string;
  /** The cell's outline, and the pattern's marks on `tint`. */
  readonly line: string;
}

export interface Palette {
  readonly theme: Theme;
  readonly looks: ReadonlyMap<number, ConditionLook>;
  /** What a cell stands on. */
  readonly ground: string;
  readonly text: string;
  readonly textQuiet: string;
  /** Bytes beyond the capacity: part of the zone, never writable. */
  readonly unusable: string;
  readonly capacityLine: string;
  readonly pointer: string;
  readonly selection: string;
  readonly hover: string;
  /** What was written just now; it cools to nothing. */
  readonly heat: string;
}

type Colours = readonly [fill: string, mark: string, tint: string, line: string];

const order: readonly (readonly [Condition, Pattern])[] = [
  [Condition.EMPTY, patterns.plain],
  [Condition.IMPLICIT_OPEN, patterns.hatch],
  [Condition.EXPLICIT_OPEN, patterns.crossHatch],
  [Condition.CLOSED, patterns.dots],
  [Condition.FULL, patterns.solid],
  [Condition.NOT_WP, patterns.lines],
  [Condition.READ_ONLY, patterns.bars],
  [Condition.OFFLINE, patterns.crosses],
];

const lightColours: readonly Colours[] = [
  ["#dfe4e4", "#dfe4e4", "#ffffff", "#a3adaf"],
  ["#74c3ee", "#0a5f95", "#eef7fd", "#3d9fd6"],
  ["#0072b2", "#8fd0f7", "#e6f1f8", "#0072b2"],
  ["#eba91c", "#6b4700", "#fdf5e3", "#c98a00"],
  ["#3a4245", "#3a4245", "#e6e9ea", "#3a4245"],
  ["#dba3c3", "#85416a", "#f9eff5", "#b5688f"],
  ["#efe356", "#6e6800", "#fbf9e0", "#a89f00"],
  ["#b4babc", "#4d5658", "#f0f2f2", "#7a8486"],
];

const darkColours: readonly Colours[] = [
  ["#2c3437", "#2c3437", "#14191b", "#556165"],
  ["#5db6ea", "#06395a", "#10222e", "#4a9fd0"],
  ["#1a76b8", "#a5dcff", "#0d2230", "#3a93d3"],
  ["#e0a020", "#4d3300", "#2a2110", "#c48b1a"],
  ["#cfd6d8", "#cfd6d8", "#262d30", "#cfd6d8"],
  ["#cc84ac", "#4f1c39", "#2a1a23", "#b06c92"],
  ["#e6da4c", "#5c5600", "#2a280f", "#b8ae2f"],
  ["#5d676a", "#c3cbcd", "#1c2224", "#7f8b8f"],
];

const looksOf = (colours: readonly Colours[]): ReadonlyMap<number, ConditionLook> =>
  new Map(
    order.map(([condition, pattern], index) => {
      const [fill, mark, tint, line] = colours[index]!;
      return [condition, { condition, pattern, fill, mark, tint, line }];
    }),
  );

const light: Palette = {
  theme: "light",
  looks: looksOf(lightColours),
  ground: "#ffffff",
  text: "#161b1c",
  textQuiet: "#566062",
  unusable: "#cdd3d4",
  capacityLine: "#161b1c",
  pointer: "#161b1c",
  selection: "#0b7264",
  hover: "#6d787a",
  heat: "#d14a00",
};

const dark: Palette = {
  theme: "dark",
  looks: looksOf(darkColours),
  ground: "#14191b",
  text: "#e9eeef",
  textQuiet: "#a3afb2",
  unusable: "#3a4448",
  capacityLine: "#e9eeef",
  pointer: "#ffffff",
  selection: "#45d3b9",
  hover: "#8d999d",
  heat: "#ff8a4a",
};

export const paletteOf = (theme: Theme): Palette => (theme === "dark" ? dark : light);

/** The look of a condition; one that this program does not know looks like OFFLINE. */
export function lookOf(palette: Palette, condition: number): ConditionLook {
  return palette.looks.get(condition) ?? palette.looks.get(Condition.OFFLINE)!;
}

/** Conditions in the order in which legends and mixed cells show them. */
export const CONDITION_ORDER: readonly Condition[] = order.map(([condition]) => condition);
