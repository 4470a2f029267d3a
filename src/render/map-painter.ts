/**
 * Draws the zone map and keeps it drawn: the whole of it when the scene changes, and afterwards only the cells of zones that
 * changed, are warm from a write or are on their way to another condition. Rings (selection, hover) and the marks of the closing
 * order lie on a canvas of their own above, so that moving them draws no cell.
 *
 * It owns no clock and no frame: whoever owns the frame calls `paint` and is told whether to call again.
 */
import { CanvasPen } from "./canvas-pen.ts";
import type { Families } from "./canvas-pen.ts";
import { CellIndex } from "./cell-index.ts";
import type { Palette } from "./palette.ts";
import { drawRings } from "./rings.ts";
import type { Rings } from "./rings.ts";
import { cellRect, forEachSeenCell, forEachSeenZone, isSeen, zoneRect } from "./scene.ts";
import type { Rect, Scene } from "./scene.ts";
import { drawShared } from "./shared-cell.ts";
import { Traffic } from "./traffic.ts";
import { drawZone } from "./zone-cell.ts";
import type { Brush } from "./zone-cell.ts";
import { cellOfZone } from "./zone-layout.ts";
import type { ZonePicture } from "./zone-picture.ts";

export interface MapSurface {
  readonly cells: CanvasRenderingContext2D;
  readonly rings: CanvasRenderingContext2D;
  /** Room around the map for rings, in CSS pixels. */
  readonly inset: number;
  readonly pixelRatio: number;
  readonly families: Families;
}

/** Cooling is redrawn this often: more would not be seen. */
const COOLING_STEP_MS = 120;
/** Beyond this many changed places the whole map is drawn: that costs less than finding each. */
const MOST_DIRTY = 6_000;

export class MapPainter {
  private surface: MapSurface | null = null;
  private scene: Scene | null = null;
  private picture: ZonePicture | null = null;
  private palette: Palette | null = null;
  private rings: Rings | null = null;
  private index: CellIndex | null = null;
  private cellsPen: CanvasPen | null = null;
  private ringsPen: CanvasPen | null = null;
  private readonly traffic = new Traffic();
  private readonly dirty = new Set<number>();
  private allDirty = true;
  private ringsDirty = true;
  private cooledAt = 0;
  /** Whether changes may move; without motion a change is there at once, and warmth goes at once. */
  motion = true;

  setSurface(surface: MapSurface): void {
    this.surface = surface;
    this.everything();
  }

  setScene(scene: Scene, picture: ZonePicture, palette: Palette): void {
    if (this.picture !== picture) {
      this.index = null;
      this.traffic.clear();
    }
    if (this.scene?.layout !== scene.layout) {
      this.index = null;
      this.traffic.forgetCells();
    }
    const same = this.scene === scene && this.picture === picture && this.palette === palette;
    this.scene = scene;
    this.picture = picture;
    this.palette = palette;
    if (!same) this.everything();
  }

  setRings(rings: Rings): void {
    this.rings = rings;
    this.ringsDirty = true;
  }

  /** The columns were replaced as a whole, or moved through time: what was counted is void. */
  replaced(): void {
    this.index = null;
    this.traffic.clear();
    this.everything();
  }

  /** Texts on cells are written otherwise from now on. */
  everything(): void {
    this.allDirty = true;
    this.ringsDirty = true;
    this.dirty.clear();
  }

  /**
   * A zone is now what the picture says.
   * @param condition what it was, `pointer` where its write pointer was
   * @param written whether bytes were written to it
   * @param now of the frame's clock
   */
  changed(zone: number, condition: number, pointer: number, written: boolean, now: number): void {
    const { scene, picture } = this;
    if (scene === null || picture === null || zone >= scene.layout.zoneCount) return;
    this.index?.changed(zone, condition, pointer);
    const cell = cellOfZone(scene.layout, zone);
    if (written) this.traffic.written(zone, cell, now);
    if (this.motion && scene.detail !== "plain") this.traffic.moves(zone, condition, pointer, now);
    this.soil(scene.level === "zones" ? zone : cell);
  }

  private soil(place: number): void {
    if (this.allDirty) return;
    this.dirty.add(place);
    if (this.dirty.size > MOST_DIRTY) this.everything();
  }

  /** What a shared cell holds: zones by condition, and the share of its capacity that is written. */
  contentOf(cell: number): { counts: Uint32Array; used: number; writable: number } | null {
    const index = this.indexNow();
    if (index === null) return null;
    return { counts: index.counts.subarray(cell * 16, cell * 16 + 16), used: index.used[cell] ?? 0, writable: index.writable[cell] ?? 0 };
  }

  /** Draws what is out of date. @returns when to be called again: in the next frame, in some milliseconds, or when something changes */
  paint(now: number): "next-frame" | number | null {
    const { surface, scene, picture, palette } = this;
    if (surface === null || scene === null || picture === null || palette === null) return null;
    this.cellsPen = penFor(this.cellsPen, surface.cells, surface, palette);
    this.ringsPen = penFor(this.ringsPen, surface.rings, surface, palette);
    if (this.traffic.anyMoving || now - this.cooledAt >= COOLING_STEP_MS) {
      this.cooledAt = now;
      this.traffic.advance(now, scene.level, (place) => this.soil(place));
    }
    const brush: Brush = { pen: this.cellsPen, scene, picture, palette };
    if (this.allDirty) this.paintAll(brush, surface, now);
    else for (const place of this.dirty) this.paintPlace(brush, surface, place, now);
    this.allDirty = false;
    this.dirty.clear();
    if (this.ringsDirty && this.rings !== null) {
      this.ringsDirty = false;
      origin(surface.rings, surface, true);
      drawRings(this.ringsPen, scene, palette, this.rings);
    }
    return this.traffic.anyMoving ? "next-frame" : this.traffic.anyWarm ? COOLING_STEP_MS : null;
  }

  private paintAll(brush: Brush, surface: MapSurface, now: number): void {
    const { scene } = brush;
    origin(surface.cells, surface, true);
    clipToMap(surface.cells, scene);
    const rect: Rect = { x: 0, y: 0, width: 0, height: 0 };
    forEachSeenCell(scene, (cell) => {
      if (scene.level === "shared") this.paintShared(brush, cell, cellRect(scene, cell, rect), now);
      else forEachSeenZone(scene, cell, (zone) => this.paintZone(brush, zone, zoneRect(scene, zone, rect), now));
    });
    surface.cells.restore();
  }

  private paintPlace(brush: Brush, surface: MapSurface, place: number, now: number): void {
    const { scene } = brush;
    const rect: Rect = { x: 0, y: 0, width: 0, height: 0 };
    if (scene.level === "shared") cellRect(scene, place, rect);
    else zoneRect(scene, place, rect);
    if (!isSeen(scene, rect)) return;
    origin(surface.cells, surface, false);
    clipToMap(surface.cells, scene);
    surface.cells.clearRect(rect.x, rect.y, rect.width, rect.height);
    if (scene.level === "shared") this.paintShared(brush, place, rect, now);
    else this.paintZone(brush, place, rect, now);
    surface.cells.restore();
  }

  private paintShared(brush: Brush, cell: number, rect: Rect, now: number): void {
    const index = this.indexNow();
    if (index === null) return;
    drawShared(brush, index, cell, rect);
    this.paintHeat(brush, this.traffic.cellHeat(cell, now), rect);
  }

  private paintZone(brush: Brush, zone: number, rect: Rect, now: number): void {
    const { picture } = brush;
    const condition = picture.condition[zone]!;
    const pointer = picture.writePointer[zone]!;
    const step = this.traffic.stepOf(zone, now);
    const shown = step === null ? pointer : step.from.pointer + (pointer - step.from.pointer) * step.done;
    drawZone(brush, zone, rect, condition, shown);
    const pen = this.cellsPen;
    if (step !== null && step.from.condition !== condition && pen !== null) {
      // What the zone was fades away over what it is.
      pen.fade = 1 - step.done;
      drawZone(brush, zone, rect, step.from.condition, shown);
      pen.fade = 1;
    }
    this.paintHeat(brush, this.traffic.zoneHeat(zone, now), rect);
  }

  private paintHeat({ pen, palette }: Brush, heat: number, rect: Rect): void {
    if (heat <= 0) return;
    const shown = this.motion ? heat : 0.6;
    if (rect.width < 16 || rect.height < 12) pen.rect(palette.heat, rect.x, rect.y, rect.width, rect.height, 0.72 * shown);
    else pen.outline(palette.heat, 2.5, rect.x + 1.5, rect.y + 1.5, rect.width - 3, rect.height - 3, Math.min(1, 1.2 * shown));
  }

  /** What shared cells hold; null where every zone has its cell. */
  indexNow(): CellIndex | null {
    if (this.scene === null || this.picture === null || this.scene.layout.zonesPerCell === 1) return null;
    return (this.index ??= new CellIndex(this.scene.layout, this.picture));
  }
}

function penFor(pen: CanvasPen | null, context: CanvasRenderingContext2D, { families, pixelRatio }: MapSurface, palette: Palette): CanvasPen {
  return pen?.matches(context, pixelRatio, palette.theme) === true ? pen : new CanvasPen(context, families, pixelRatio, palette.theme);
}

/** The map's corner is the origin from here on. */
function origin(context: CanvasRenderingContext2D, { pixelRatio, inset }: MapSurface, clear: boolean): void {
  if (clear) {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  }
  context.setTransform(pixelRatio, 0, 0, pixelRatio, inset * pixelRatio, inset * pixelRatio);
}

/** Nothing is drawn outside the map until the context is restored; the map as a whole needs no clipping. */
function clipToMap(context: CanvasRenderingContext2D, { layout, view }: Scene): void {
  context.save();
  if (view.scale === 1) return;
  context.beginPath();
  context.rect(-2, -2, layout.width + 4, layout.height + 4);
  context.clip();
}
