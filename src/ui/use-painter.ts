/** One painter for the map's two canvases: sized to their box, told of every zone that changes, drawn by the page's one frame. */
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { RefObject } from "react";
import type { Frame } from "../state/frame.ts";
import type { ZoneModel } from "../state/zone-model.ts";
import { MapPainter } from "../render/map-painter.ts";
import type { Palette } from "../render/palette.ts";
import type { Rings } from "../render/rings.ts";
import type { Scene } from "../render/scene.ts";
import type { ZonePicture } from "../render/zone-picture.ts";
import { isPrinting } from "./context.ts";

export interface BoxSize {
  readonly width: number;
  readonly height: number;
  readonly pixelRatio: number;
}

const NO_SIZE: BoxSize = { width: 0, height: 0, pixelRatio: 1 };

/** The size of an element in CSS pixels, and the pixels that a CSS pixel has. */
export function useBoxSize(box: RefObject<HTMLElement | null>): BoxSize {
  const [size, setSize] = useState(NO_SIZE);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = (): void =>
      setSize((before) => {
        const next = { width: element.clientWidth, height: element.clientHeight, pixelRatio: window.devicePixelRatio };
        return before.width === next.width && before.height === next.height && before.pixelRatio === next.pixelRatio ? before : next;
      });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    window.addEventListener("resize", measure);
    return () => {
      observer.disconnect();
      window.removeEventListener("resize", measure);
    };
  }, [box]);
  return size;
}

interface Painted {
  readonly cells: RefObject<HTMLCanvasElement | null>;
  readonly rings: RefObject<HTMLCanvasElement | null>;
  readonly frame: Frame;
  readonly zones: ZoneModel;
  readonly size: BoxSize;
  readonly inset: number;
  readonly scene: Scene;
  readonly picture: ZonePicture;
  readonly palette: Palette;
  readonly marks: Rings;
  readonly motion: boolean;
}

export function usePainter({ cells, rings, frame, zones, size, inset, scene, picture, palette, marks, motion }: Painted): RefObject<MapPainter> {
  const painter = useRef<MapPainter>(null);
  painter.current ??= new MapPainter();
  const draw = useRef<() => void>(() => undefined);
  const fontsReady = useFontsReady();

  useLayoutEffect(() => {
    let timer = 0;
    const paint = (): void => {
      window.clearTimeout(timer);
      const next = painter.current?.paint(performance.now()) ?? null;
      if (next === "next-frame") frame.request(paint);
      else if (next !== null) timer = window.setTimeout(() => frame.request(paint), next);
    };
    // What is put on paper is taken before the next frame comes.
    draw.current = () => (isPrinting() ? paint() : frame.request(paint));
    return () => window.clearTimeout(timer);
  }, [frame]);

  useLayoutEffect(() => {
    const cellsContext = cells.current?.getContext("2d") ?? null;
    const ringsContext = rings.current?.getContext("2d") ?? null;
    if (cellsContext === null || ringsContext === null || size.width === 0) return;
    for (const { canvas } of [cellsContext, ringsContext]) {
      canvas.width = Math.round(size.width * size.pixelRatio);
      canvas.height = Math.round(size.height * size.pixelRatio);
    }
    const style = getComputedStyle(cellsContext.canvas);
    const families = { sans: style.getPropertyValue("--font-sans"), mono: style.getPropertyValue("--font-mono") };
    painter.current?.setSurface({ cells: cellsContext, rings: ringsContext, inset, pixelRatio: size.pixelRatio, families });
    draw.current();
  }, [cells, rings, size, inset, fontsReady]);

  useLayoutEffect(() => {
    if (painter.current === null) return;
    painter.current.motion = motion;
    painter.current.setScene(scene, picture, palette);
    draw.current();
  }, [scene, picture, palette, motion]);

  useLayoutEffect(() => {
    painter.current?.setRings(marks);
    draw.current();
  }, [marks]);

  useLayoutEffect(() =>
    zones.watch({
      changed: (zone, condition, pointer, written) => {
        painter.current?.changed(zone, condition, pointer, written, performance.now());
        draw.current();
      },
      replaced: () => {
        painter.current?.replaced();
        draw.current();
      },
    }),
  [zones]);

  return painter as RefObject<MapPainter>;
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
