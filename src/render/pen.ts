/**
 * The few strokes that the map is made of, so that a canvas and an SVG file are drawn by the same code. Lengths are CSS pixels;
 * a pattern is in register with the page, not with the rectangle that it fills.
 */
import type { ConditionLook } from "./palette.ts";

/** Behind a condition's pattern: where a zone is written, or where it is not. */
export type Surface = "fill" | "tint";

export interface Pen {
  rect(colour: string, x: number, y: number, width: number, height: number, opacity?: number): void;
  /** The condition's ground with its marks; without marks where they would not be seen. */
  surface(look: ConditionLook, surface: Surface, x: number, y: number, width: number, height: number): void;
  outline(colour: string, lineWidth: number, x: number, y: number, width: number, height: number, opacity?: number): void;
  triangle(colour: string, ax: number, ay: number, bx: number, by: number, cx: number, cy: number): void;
  /** @param y the text's middle */
  text(text: string, style: TextStyle, x: number, y: number, maxWidth?: number): void;
  textWidth(text: string, font: Font): number;
}

export interface Font {
  readonly family: "sans" | "mono";
  readonly weight: number;
  readonly size: number;
}

export interface TextStyle extends Font {
  readonly colour: string;
  readonly align: "left" | "right";
}

/** A pattern of marks is not worth its strokes below this height. */
export const SMALLEST_PATTERN = 5;

/** How the marks of a pattern stand on a surface. */
export const marksOf = (look: ConditionLook, surface: Surface): { colour: string; width: number; opacity: number } =>
  surface === "fill" ? { colour: look.mark, width: 1.25, opacity: 0.85 } : { colour: look.line, width: 1, opacity: 0.42 };
