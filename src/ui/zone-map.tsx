/** The map's canvas: sized to its box, drawn when something changed, with pointer and keyboard. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { KeyboardEvent, PointerEvent } from "react";
import { conditionName } from "../base/conditions.ts";
import { paletteOf } from "../render/palette.ts";
import { drawZones } from "../render/zone-canvas.ts";
import type { ZonePicture } from "../render/zone-canvas.ts";
import { layoutZones, moveSelection, zoneAt } from "../render/zone-layout.ts";
import type { Move } from "../render/zone-layout.ts";
import { formatBytes } from "../state/units.ts";
import type { ZoneModel } from "../state/zone-model.ts";
import { useApp, useAppState, useTheme } from "./context.ts";

/** Room around the cells for the selection's rings. */
const INSET = 6;

const MOVES: Readonly<Record<string, Move>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
  Home: "first",
  End: "last",
  PageUp: "page-up",
  PageDown: "page-down",
};

interface Hover {
  readonly zone: number;
  readonly x: number;
  readonly y: number;
}

export function ZoneMap({ zones }: { zones: ZoneModel }) {
  const app = useApp();
  const version = useAppState((state) => state.zonesVersion);
  const selected = useAppState((state) => state.selected);
  const theme = useTheme();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0, pixelRatio: 1 });
  const [hover, setHover] = useState<Hover | null>(null);
  const [focused, setFocused] = useState(false);
  const fontsReady = useFontsReady();
  const layout = useMemo(() => layoutZones(zones.count, size.width - 2 * INSET, size.height - 2 * INSET), [zones.count, size]);
  const picture = useMemo(() => pictureOf(zones), [zones]);
  const hovered = hover !== null && hover.zone < zones.count ? hover : null;

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = (): void =>
      setSize((before) => {
        const next = { width: element.clientWidth, height: element.clientHeight, pixelRatio: window.devicePixelRatio };
        const same = before.width === next.width && before.height === next.height && before.pixelRatio === next.pixelRatio;
        return same ? before : next;
      });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    window.addEventListener("resize", measure);
    return () => {
      observer.disconnect();
      window.removeEventListener("resize", measure);
    };
  }, []);

  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d") ?? null;
    if (context === null || size.width === 0) return;
    const { width, height, pixelRatio } = size;
    const pixelWidth = Math.round(width * pixelRatio);
    const pixelHeight = Math.round(height * pixelRatio);
    if (context.canvas.width !== pixelWidth) context.canvas.width = pixelWidth;
    if (context.canvas.height !== pixelHeight) context.canvas.height = pixelHeight;
    const style = getComputedStyle(context.canvas);
    drawZones(context, {
      layout,
      picture,
      palette: paletteOf(theme),
      selected,
      hovered: hovered?.zone ?? null,
      focused,
      pixelRatio,
      inset: INSET,
      fonts: { sans: style.getPropertyValue("--font-sans"), mono: style.getPropertyValue("--font-mono") },
    });
  }, [layout, picture, theme, selected, hovered?.zone, focused, size, version, fontsReady]);

  const under = (event: PointerEvent): Hover | null => {
    const bounds = event.currentTarget.getBoundingClientRect();
    const x = event.clientX - bounds.left;
    const y = event.clientY - bounds.top;
    const zone = zoneAt(layout, x - INSET, y - INSET);
    return zone < 0 ? null : { zone, x, y };
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const move = MOVES[event.key];
    if (move === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    app.device.select(moveSelection(layout, selected ?? 0, move));
  };

  return (
    <div className="map-box" ref={box}>
      <canvas
        ref={canvas}
        className="map-canvas"
        tabIndex={0}
        role="slider"
        aria-label="Selected zone"
        aria-roledescription="zone map"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, zones.count - 1)}
        aria-valuenow={selected ?? 0}
        aria-valuetext={selected === null ? "none" : valueText(zones, selected)}
        onKeyDown={onKeyDown}
        onFocus={(event) => setFocused(event.currentTarget.matches(":focus-visible"))}
        onBlur={() => setFocused(false)}
        onPointerMove={(event) => setHover(under(event))}
        onPointerLeave={() => setHover(null)}
        onPointerDown={(event) => {
          const at = under(event);
          if (at !== null && event.button === 0) app.device.select(at.zone);
        }}
      />
      {hovered !== null && <Hint zones={zones} hover={hovered} width={size.width} height={size.height} />}
    </div>
  );
}

function valueText(zones: ZoneModel, zone: number): string {
  const used = zones.used(zone);
  const bytes = used === null ? "conventional" : `${formatBytes(used)} of ${formatBytes(zones.capacity(zone))} used`;
  return `Zone ${zone}, ${conditionName(zones.conditionOf(zone))}, ${bytes}`;
}

function pictureOf(zones: ZoneModel): ZonePicture {
  return {
    condition: zones.condition,
    writePointer: zones.writePointer,
    zoneSize: zones.geometry.zoneSize,
    lengthOf: (zone) => zones.length(zone),
    capacityOf: (zone) => zones.capacity(zone),
    labelOf: (zone) => {
      const used = zones.used(zone);
      const capacity = formatBytes(zones.capacity(zone));
      return { condition: conditionName(zones.conditionOf(zone)), used: used === null ? `conventional, ${capacity}` : `${formatBytes(used)} / ${capacity}` };
    },
  };
}

/** What the zone under the pointer is, beside the pointer and inside the map. */
function Hint({ zones, hover, width, height }: { zones: ZoneModel; hover: Hover; width: number; height: number }) {
  const { zone, x, y } = hover;
  const used = zones.used(zone);
  const HINT_WIDTH = 224;
  const HINT_HEIGHT = 118;
  const left = x + 16 + HINT_WIDTH > width ? Math.max(4, x - 12 - HINT_WIDTH) : x + 16;
  const top = Math.max(4, Math.min(y + 14, height - HINT_HEIGHT - 4));
  return (
    <div className="map-hint" role="tooltip" style={{ left, top, width: HINT_WIDTH }}>
      <p className="map-hint-title">
        Zone {zone} <span>{conditionName(zones.conditionOf(zone))}</span>
      </p>
      <dl>
        <dt>Start</dt>
        <dd>{formatBytes(zones.start(zone))}</dd>
        <dt>Write pointer</dt>
        <dd>{used === null ? "none" : formatBytes(zones.writePointer[zone]!)}</dd>
        <dt>Used</dt>
        <dd>{used === null ? "any offset" : `${formatBytes(used)} of ${formatBytes(zones.capacity(zone))}`}</dd>
      </dl>
    </div>
  );
}

/** True once the page's typefaces are there: text on a canvas is not redrawn by itself. */
function useFontsReady(): boolean {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    let gone = false;
    const families = ['600 13px "IBM Plex Sans Variable"', '500 10px "IBM Plex Mono"'];
    void Promise.all(families.map((font) => document.fonts.load(font))).finally(() => {
      if (!gone) setReady(true);
    });
    return () => {
      gone = true;
    };
  }, []);
  return ready;
}
