/** The whole map in a corner while a part of it is enlarged; a press or a drag there moves the part. */
import { useLayoutEffect, useRef } from "react";
import type { PointerEvent } from "react";
import { drawMinimap } from "../render/minimap.ts";
import type { Palette } from "../render/palette.ts";
import type { Scene } from "../render/scene.ts";
import type { ZonePicture } from "../render/zone-picture.ts";
import { useApp, useAppState } from "./context.ts";

interface Props {
  readonly scene: Scene;
  readonly picture: ZonePicture;
  readonly palette: Palette;
  readonly pixelRatio: number;
  /** @param x of the enlarged map, the corner of what is seen */
  readonly onMove: (x: number, y: number) => void;
}

const LONGEST = 148;
/** On a phone it hides no more of the map than this share of its width. */
const MOST_OF_WIDTH = 0.28;

export function Minimap({ scene, picture, palette, pixelRatio, onMove }: Props) {
  const app = useApp();
  const version = useAppState((state) => state.zonesVersion);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { layout, view } = scene;
  const by = Math.min(LONGEST, MOST_OF_WIDTH * layout.width) / Math.max(layout.width, layout.height);
  const width = Math.round(layout.width * by);
  const height = Math.round(layout.height * by);

  useLayoutEffect(() => {
    const draw = (): void => {
      const context = canvas.current?.getContext("2d") ?? null;
      if (context === null) return;
      context.canvas.width = Math.round(width * pixelRatio);
      context.canvas.height = Math.round(height * pixelRatio);
      drawMinimap(context, width, height, pixelRatio, scene, picture, palette);
    };
    app.frame.request(draw);
  }, [app, scene, picture, palette, pixelRatio, width, height, version]);

  const move = (event: PointerEvent<HTMLCanvasElement>): void => {
    if (event.buttons !== 1) return;
    const bounds = event.currentTarget.getBoundingClientRect();
    const x = ((event.clientX - bounds.left) / bounds.width) * layout.width * view.scale - layout.width / 2;
    const y = ((event.clientY - bounds.top) / bounds.height) * layout.height * view.scale - layout.height / 2;
    onMove(x, y);
  };
  // The same is done by the keyboard on the map itself.
  return (
    <canvas
      ref={canvas}
      className="minimap"
      role="img"
      aria-label={`The whole map; enlarged ${Math.round(view.scale * 10) / 10} times`}
      style={{ width, height }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        move(event);
      }}
      onPointerMove={move}
    />
  );
}
