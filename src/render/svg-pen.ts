/** A pen that writes an SVG document: what the canvas shows, as shapes that print and scale. */
import { CONDITION_ORDER, lookOf, PATTERN_TILE } from "./palette.ts";
import type { ConditionLook, Palette } from "./palette.ts";
import { marksOf, SMALLEST_PATTERN } from "./pen.ts";
import type { Font, Pen, Surface, TextStyle } from "./pen.ts";

const FAMILIES = { sans: "'IBM Plex Sans Variable', 'IBM Plex Sans', sans-serif", mono: "'IBM Plex Mono', monospace" } as const;
/** How wide a character is against its height: there is nothing to measure with here. */
const CHARACTER = { sans: 0.56, mono: 0.6 } as const;

const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
const short = (value: number): string => String(Math.round(value * 100) / 100);

export class SvgPen implements Pen {
  private readonly parts: string[] = [];

  rect(colour: string, x: number, y: number, width: number, height: number, opacity = 1): void {
    if (width <= 0 || height <= 0) return;
    this.parts.push(`<rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" fill="${colour}"${opacity === 1 ? "" : ` opacity="${short(opacity)}"`}/>`);
  }

  surface(look: ConditionLook, surface: Surface, x: number, y: number, width: number, height: number): void {
    const patterned = look.pattern.path !== "" && height >= SMALLEST_PATTERN && width >= 3;
    this.rect(patterned ? `url(#${patternId(look, surface)})` : look[surface], x, y, width, height);
  }

  outline(colour: string, lineWidth: number, x: number, y: number, width: number, height: number, opacity = 1): void {
    const faint = opacity === 1 ? "" : ` opacity="${short(opacity)}"`;
    this.parts.push(`<rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" fill="none" stroke="${colour}" stroke-width="${lineWidth}"${faint}/>`);
  }

  triangle(colour: string, ax: number, ay: number, bx: number, by: number, cx: number, cy: number): void {
    this.parts.push(`<path d="M${short(ax)} ${short(ay)}L${short(bx)} ${short(by)}L${short(cx)} ${short(cy)}Z" fill="${colour}"/>`);
  }

  text(text: string, style: TextStyle, x: number, y: number, maxWidth?: number): void {
    const { family, weight, size, colour, align } = style;
    const squeezed = maxWidth !== undefined && this.textWidth(text, style) > maxWidth ? ` textLength="${short(maxWidth)}" lengthAdjust="spacingAndGlyphs"` : "";
    this.parts.push(
      `<text x="${short(x)}" y="${short(y)}" font-family="${FAMILIES[family]}" font-weight="${weight}" font-size="${size}" fill="${colour}"` +
        ` text-anchor="${align === "left" ? "start" : "end"}" dominant-baseline="central"${squeezed}>${escaped(text)}</text>`,
    );
  }

  textWidth(text: string, { family, size }: Font): number {
    return text.length * size * CHARACTER[family];
  }

  /** The whole document. @param title what it shows, for whoever cannot see it */
  document(width: number, height: number, palette: Palette, title: string): string {
    const patterns = CONDITION_ORDER.flatMap((condition) => (["fill", "tint"] as const).map((surface) => patternOf(lookOf(palette, condition), surface)));
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">` +
      `<title>${escaped(title)}</title><defs>${patterns.join("")}</defs>${this.parts.join("\n")}</svg>\n`
    );
  }
}

const patternId = (look: ConditionLook, surface: Surface): string => `${look.pattern.name}-${surface}`;

function patternOf(look: ConditionLook, surface: Surface): string {
  if (look.pattern.path === "") return "";
  const { colour, width, opacity } = marksOf(look, surface);
  const paint = look.pattern.filled ? `fill="${colour}"` : `fill="none" stroke="${colour}" stroke-width="${width}"`;
  const tile = `width="${PATTERN_TILE}" height="${PATTERN_TILE}"`;
  return `<pattern id="${patternId(look, surface)}" ${tile} patternUnits="userSpaceOnUse"><rect ${tile} fill="${look[surface]}"/><path d="${look.pattern.path}" ${paint} opacity="${opacity}"/></pattern>`;
}
