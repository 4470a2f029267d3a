/** A condition's colour and pattern as a small square, drawn from the map's own palette. */
import { useId } from "react";
import type { Condition } from "../base/conditions.ts";
import { lookOf, paletteOf, PATTERN_TILE } from "../render/palette.ts";
import { useTheme } from "./context.ts";

export function Swatch({ condition, size = 12 }: { condition: Condition; size?: number }) {
  const look = lookOf(paletteOf(useTheme()), condition);
  const id = useId();
  const { path, filled } = look.pattern;
  return (
    <svg className="swatch" width={size} height={size} viewBox={`0 0 ${size} ${size}`} aria-hidden="true">
      {path !== "" && (
        <pattern id={id} width={PATTERN_TILE} height={PATTERN_TILE} patternUnits="userSpaceOnUse">
          <path d={path} stroke={filled ? "none" : look.mark} fill={filled ? look.mark : "none"} strokeWidth={1.25} />
        </pattern>
      )}
      <rect x="0.5" y="0.5" width={size - 1} height={size - 1} rx="1.5" fill={look.fill} stroke={look.line} />
      {path !== "" && <rect x="1" y="1" width={size - 2} height={size - 2} fill={`url(#${id})`} />}
    </svg>
  );
}
