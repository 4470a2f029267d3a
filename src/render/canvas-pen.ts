/** A pen on a 2D canvas. Keeps one repeating tile for each condition and surface; everything else is the canvas's. */
import { PATTERN_TILE } from "./palette.ts";
import type { ConditionLook, Theme } from "./palette.ts";
import { marksOf, SMALLEST_PATTERN } from "./pen.ts";
import type { Font, Pen, Surface, TextStyle } from "./pen.ts";

export interface Families {
  readonly sans: string;
  readonly mono: string;
}

export class CanvasPen implements Pen {
  private readonly context: CanvasRenderingContext2D;
  private readonly families: Families;
  private readonly pixelRatio: number;
  private readonly theme: Theme;
  private readonly tiles = new Map<string, CanvasPattern | string>();
  /** Opacity of everything that is drawn, over its own. */
  fade = 1;

  constructor(context: CanvasRenderingContext2D, families: Families, pixelRatio: number, theme: Theme) {
    this.context = context;
    this.families = families;
    this.pixelRatio = pixelRatio;
    this.theme = theme;
  }

  matches(context: CanvasRenderingContext2D, pixelRatio: number, theme: Theme): boolean {
    return this.context === context && this.pixelRatio === pixelRatio && this.theme === theme;
  }

  rect(colour: string, x: number, y: number, width: number, height: number, opacity = 1): void {
    const { context } = this;
    context.globalAlpha = opacity * this.fade;
    context.fillStyle = colour;
    context.fillRect(x, y, width, height);
  }

  surface(look: ConditionLook, surface: Surface, x: number, y: number, width: number, height: number): void {
    if (width <= 0 || height <= 0) return;
    this.context.globalAlpha = this.fade;
    this.context.fillStyle = height >= SMALLEST_PATTERN && width >= 3 ? this.tileOf(look, surface) : look[surface];
    this.context.fillRect(x, y, width, height);
  }

  outline(colour: string, lineWidth: number, x: number, y: number, width: number, height: number, opacity = 1): void {
    const { context } = this;
    context.globalAlpha = opacity * this.fade;
    context.strokeStyle = colour;
    context.lineWidth = lineWidth;
    context.strokeRect(x, y, width, height);
  }

  triangle(colour: string, ax: number, ay: number, bx: number, by: number, cx: number, cy: number): void {
    const { context } = this;
    context.globalAlpha = this.fade;
    context.fillStyle = colour;
    context.beginPath();
    context.moveTo(ax, ay);
    context.lineTo(bx, by);
    context.lineTo(cx, cy);
    context.fill();
  }

  text(text: string, style: TextStyle, x: number, y: number, maxWidth?: number): void {
    const { context } = this;
    context.globalAlpha = this.fade;
    context.font = this.fontOf(style);
    context.fillStyle = style.colour;
    context.textAlign = style.align;
    context.textBaseline = "middle";
    context.fillText(text, x, y, maxWidth);
  }

  textWidth(text: string, font: Font): number {
    this.context.font = this.fontOf(font);
    return this.context.measureText(text).width;
  }

  private readonly fontOf = ({ weight, size, family }: Font): string => `${weight} ${size}px ${this.families[family]}`;

  /** Ground and marks in one tile, drawn at the device's own resolution; the ground alone where there are no marks. */
  private tileOf(look: ConditionLook, surface: Surface): CanvasPattern | string {
    if (look.pattern.path === "") return look[surface];
    const key = `${look.condition} ${surface}`;
    const known = this.tiles.get(key);
    if (known !== undefined) return known;
    const made = this.makeTile(look, surface) ?? look[surface];
    this.tiles.set(key, made);
    return made;
  }

  private makeTile(look: ConditionLook, surface: Surface): CanvasPattern | null {
    const scale = Math.max(1, Math.round(this.pixelRatio));
    const canvas = new OffscreenCanvas(PATTERN_TILE * scale, PATTERN_TILE * scale);
    const tile = canvas.getContext("2d");
    if (tile === null) return null;
    tile.scale(scale, scale);
    tile.fillStyle = look[surface];
    tile.fillRect(0, 0, PATTERN_TILE, PATTERN_TILE);
    const marks = marksOf(look, surface);
    tile.globalAlpha = marks.opacity;
    tile.strokeStyle = tile.fillStyle = marks.colour;
    tile.lineWidth = marks.width;
    const path = new Path2D(look.pattern.path);
    if (look.pattern.filled) tile.fill(path);
    else tile.stroke(path);
    const pattern = this.context.createPattern(canvas, "repeat");
    pattern?.setTransform(new DOMMatrix().scale(1 / scale));
    return pattern;
  }
}
