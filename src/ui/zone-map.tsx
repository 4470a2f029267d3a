/** The map's canvases: zoomed and panned, drawn when something changed, with pointer and keyboard. */
import { useEffect, useMemo, useRef, useState } from "react";
import type { KeyboardEvent, PointerEvent } from "react";
import { conditionName } from "../base/conditions.ts";
import { paletteOf } from "../render/palette.ts";
import { cellAt, centredOn, clampView, largestScale, moveSelection, panBy, reveal, sceneOf, WHOLE, zoneAt, zoomAt } from "../render/scene.ts";
import type { Move, Scene, View } from "../render/scene.ts";
import { layoutZones } from "../render/zone-layout.ts";
import type { ZonePicture } from "../render/zone-picture.ts";
import { formatCount, percent } from "../state/units.ts";
import type { FormatBytes } from "../state/units.ts";
import type { AppState } from "../state/store.ts";
import type { ZoneModel } from "../state/zone-model.ts";
import { useApp, useAppState, useFormat, useLink, useMotion, useTheme } from "./context.ts";
import { MapHint } from "./map-hint.tsx";
import type { Hover } from "./map-hint.tsx";
import { mapHandle, ZOOM_STEP } from "./map-handle.ts";
import { MapTools } from "./map-tools.tsx";
import { Minimap } from "./minimap.tsx";
import { saveMap } from "./save-map.ts";
import { useGestures } from "./use-gestures.ts";
import { useBoxSize, usePainter } from "./use-painter.ts";

/** Room around the cells for the selection's rings. */
const INSET = 6;
const PAN_STEP = 80;
const NONE: readonly number[] = [];

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

export function ZoneMap({ zones }: { zones: ZoneModel }) {
  const app = useApp();
  const selected = useAppState((state) => state.selected);
  const closingOrder = useAppState(closingOrderOf);
  const theme = useTheme();
  const size = useFormat();
  const motion = useMotion();
  const inFrame = useLink()?.link.embed === true;
  const box = useRef<HTMLDivElement>(null);
  const cells = useRef<HTMLCanvasElement>(null);
  const rings = useRef<HTMLCanvasElement>(null);
  const boxSize = useBoxSize(box);
  const [view, setView] = useState<View>(WHOLE);
  // Another image is seen whole: where it was looked at in the one before says nothing.
  const file = useAppState((state) => state.attached?.file ?? null);
  const [viewed, setViewed] = useState(file);
  if (viewed !== file) {
    setViewed(file);
    setView(WHOLE);
  }
  const [hover, setHover] = useState<Hover | null>(null);
  const [focused, setFocused] = useState(false);
  const layout = useMemo(() => layoutZones(zones.count, boxSize.width - 2 * INSET, boxSize.height - 2 * INSET), [zones.count, boxSize]);
  const scene = useMemo(() => sceneOf(layout, clampView(layout, view)), [layout, view]);
  const picture = useMemo(() => pictureOf(zones, size), [zones, size]);
  const palette = paletteOf(theme);
  const hovered = hover !== null && hover.zone < zones.count ? hover : null;
  const hoveredZone = hovered?.zone ?? null;
  const marks = useMemo(() => ({ selected, hovered: hoveredZone, focused, closingOrder }), [selected, hoveredZone, focused, closingOrder]);
  const painter = usePainter({ cells, rings, frame: app.frame, zones, size: boxSize, inset: INSET, scene, picture, palette, marks, motion });

  /** Another view, and whether it is one. */
  const show = (next: View): boolean => {
    const now = scene.view;
    if (next.scale === now.scale && next.x === now.x && next.y === now.y) return false;
    setView(next);
    return true;
  };
  const zoomMiddle = (factor: number): void => void show(zoomAt(layout, scene.view, factor, ...middleOf(scene, selected)));
  useEffect(() => {
    mapHandle.current = {
      zoomBy: zoomMiddle,
      panBy: (dx, dy) => void show(panBy(layout, scene.view, dx, dy)),
      whole: () => setView(WHOLE),
      showZone: (zone) => setView(showing(scene, zone)),
      save: (format) => saveMap(format, { scene, picture, palette, index: painter.current.indexNow(), zones, title: titleOf(app.store.getState().attached?.file ?? "", zones, size) }),
    };
    return () => {
      mapHandle.current = null;
    };
  });
  // A selection from elsewhere is brought into view.
  useEffect(
    () =>
      app.store.subscribe(({ selected: zone }, before) => {
        if (zone !== before.selected && zone !== null && zone < layout.zoneCount) setView((now) => reveal(sceneOf(layout, clampView(layout, now)), zone));
      }),
    [app, layout],
  );

  const gestures = useGestures(cells, {
    zoom: (factor, x, y) => show(zoomAt(layout, scene.view, factor, x - INSET, y - INSET)),
    pan: (dx, dy) => show(panBy(layout, scene.view, dx, dy)),
    click: (x, y) => {
      const zone = zoneAt(scene, x - INSET, y - INSET);
      if (zone >= 0) app.device.select(zone);
    },
  });
  const under = (event: PointerEvent): Hover | null => {
    const bounds = event.currentTarget.getBoundingClientRect();
    const x = event.clientX - bounds.left;
    const y = event.clientY - bounds.top;
    const zone = zoneAt(scene, x - INSET, y - INSET);
    return zone < 0 ? null : { zone, cell: scene.level === "shared" ? cellAt(scene, x - INSET, y - INSET) : null, x, y };
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const handled = keyOnMap(event, {
      move: (move) => app.device.select(moveSelection(scene, selected ?? 0, move)),
      pan: (dx, dy) => void show(panBy(layout, scene.view, dx, dy)),
      zoom: zoomMiddle,
      whole: () => setView(WHOLE),
      showZone: () => setView(showing(scene, selected ?? 0)),
    });
    if (handled) event.preventDefault();
  };

  return (
    <div className="map-box" ref={box}>
      <canvas
        ref={cells}
        className={scene.view.scale > 1 ? "map-canvas zoomed" : "map-canvas"}
        tabIndex={0}
        role="slider"
        aria-label="Selected zone"
        aria-roledescription="zone map"
        aria-describedby="map-keys"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, zones.count - 1)}
        aria-valuenow={selected ?? 0}
        aria-valuetext={selected === null ? "none" : valueText(zones, selected, size)}
        onKeyDown={onKeyDown}
        onFocus={(event) => setFocused(event.currentTarget.matches(":focus-visible"))}
        onBlur={() => setFocused(false)}
        {...gestures}
        onPointerMove={(event) => {
          gestures.onPointerMove(event);
          setHover(under(event));
        }}
        onPointerLeave={() => setHover(null)}
      />
      <canvas ref={rings} className="map-rings" aria-hidden="true" />
      <p id="map-keys" className="visually-hidden">
        Arrow keys select, plus and minus zoom, zero shows the whole map, Shift with arrows pans.
      </p>
      {!inFrame && <MapTools scene={scene} zones={zones} largest={largestScale(layout)} onZoom={zoomMiddle} onWhole={() => setView(WHOLE)} onZone={() => setView(showing(scene, selected ?? 0))} />}
      {scene.view.scale > 1.02 && <Minimap scene={scene} picture={picture} palette={palette} pixelRatio={boxSize.pixelRatio} onMove={(x, y) => show(clampView(layout, { scale: scene.view.scale, x, y }))} />}
      {hovered !== null && <MapHint zones={zones} hover={hovered} scene={scene} content={hovered.cell === null ? null : painter.current.contentOf(hovered.cell)} width={boxSize.width} height={boxSize.height} />}
    </div>
  );
}

interface KeyActions {
  move(move: Move): void;
  pan(dx: number, dy: number): void;
  zoom(factor: number): void;
  whole(): void;
  showZone(): void;
}

/** @returns whether the key means something on the map */
function keyOnMap(event: KeyboardEvent, act: KeyActions): boolean {
  const move = MOVES[event.key];
  if (event.shiftKey && event.key.startsWith("Arrow")) {
    const step = event.key === "ArrowLeft" || event.key === "ArrowUp" ? -PAN_STEP : PAN_STEP;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") act.pan(step, 0);
    else act.pan(0, step);
  } else if (move !== undefined) act.move(move);
  else if (event.key === "+" || event.key === "=") act.zoom(ZOOM_STEP);
  else if (event.key === "-" || event.key === "_") act.zoom(1 / ZOOM_STEP);
  else if (event.key === "0") act.whole();
  else if (event.key === "Enter") act.showZone();
  else return false;
  return true;
}

/** Where zooming without a pointer happens: at the selected zone when it is seen, else in the middle. */
function middleOf(scene: Scene, selected: number | null): [number, number] {
  const { layout } = scene;
  if (selected === null || selected >= layout.zoneCount || reveal(scene, selected) !== scene.view) return [layout.width / 2, layout.height / 2];
  const { x, y } = middleOfZone(scene, selected);
  return [x, y];
}

/** The middle of a zone's place, in the box. */
function middleOfZone(scene: Scene, zone: number): { x: number; y: number } {
  const { layout, view, pitchX, pitchY, zonePitchX, zonePitchY } = scene;
  const cell = Math.floor(zone / layout.zonesPerCell);
  const within = zone % layout.zonesPerCell;
  return {
    x: (cell % layout.columns) * pitchX + ((within % layout.blockColumns) + 0.5) * zonePitchX - view.x,
    y: Math.floor(cell / layout.columns) * pitchY + (Math.floor(within / layout.blockColumns) + 0.5) * zonePitchY - view.y,
  };
}

/** The zone in the middle, its cell as wide as a label needs. */
function showing(scene: Scene, zone: number): View {
  const { layout } = scene;
  const scale = Math.min(largestScale(layout), (120 * layout.blockColumns) / layout.pitchX);
  return centredOn(layout, Math.max(1, scale), zone);
}

function valueText(zones: ZoneModel, zone: number, size: FormatBytes): string {
  const used = zones.used(zone);
  const bytes = used === null ? "conventional" : `${size(used)} of ${size(zones.capacity(zone))} used`;
  return `Zone ${zone}, ${conditionName(zones.conditionOf(zone))}, starts at ${size(zones.start(zone))}, ${bytes}`;
}

/** Who is closed to make room, the next first; nobody where no limit calls for it. */
function closingOrderOf({ moment, resources, pastResources }: AppState): readonly number[] {
  const shown = moment === null ? resources : pastResources;
  return shown === null || shown.maxOpen === 0 ? NONE : (shown.implicitOrder ?? NONE);
}

const titleOf = (file: string, zones: ZoneModel, size: FormatBytes): string => `${file}: ${formatCount(zones.count)} zones of ${size(zones.geometry.zoneSize)}`;

function pictureOf(zones: ZoneModel, size: FormatBytes): ZonePicture {
  return {
    condition: zones.condition,
    writePointer: zones.writePointer,
    zoneSize: zones.geometry.zoneSize,
    zoneCapacity: zones.geometry.zoneCapacity,
    lengthOf: (zone) => zones.length(zone),
    capacityOf: (zone) => zones.capacity(zone),
    labelOf: (zone) => {
      const used = zones.used(zone);
      const capacity = size(zones.capacity(zone));
      return { condition: conditionName(zones.conditionOf(zone)), used: used === null ? `conventional, ${capacity}` : `${size(used)} / ${capacity}` };
    },
    sharedLabelOf: (first, end, share) => ({ zones: `${first}–${end - 1}`, fill: `${percent(share)} written` }),
  };
}
