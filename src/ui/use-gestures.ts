/** Wheel, pinch and drag on the map, as zooms and pans; a press that does not move is a click. */
import { useEffect, useRef } from "react";
import type { PointerEvent, RefObject } from "react";

export interface Gestures {
  /** Zooms by a factor around a point of the element. @returns whether anything changed */
  zoom(factor: number, x: number, y: number): boolean;
  /** Moves what is seen. @returns whether anything changed */
  pan(dx: number, dy: number): boolean;
  click(x: number, y: number): void;
}

interface Point {
  x: number;
  y: number;
}

/** A press that moves less than this, in pixels, is a click. */
const CLICK_DISTANCE = 4;
const WHEEL_STEP = 0.0022;

export function useGestures(element: RefObject<HTMLElement | null>, gestures: Gestures) {
  const latest = useRef(gestures);
  const pressed = useRef(new Map<number, Point>());
  const moved = useRef(false);
  useEffect(() => {
    latest.current = gestures;
  });

  useEffect(() => {
    const target = element.current;
    if (target === null) return;
    // React's own wheel listener is passive: the page would scroll along.
    const onWheel = (event: WheelEvent): void => {
      const { x, y } = placeIn(target, event);
      const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const speed = event.ctrlKey ? 4 : 1;
      const changed = sideways
        ? latest.current.pan((event.deltaX === 0 ? event.deltaY : event.deltaX) * pixels, 0)
        : latest.current.zoom(Math.exp(-event.deltaY * pixels * WHEEL_STEP * speed), x, y);
      if (changed || event.ctrlKey) event.preventDefault();
    };
    target.addEventListener("wheel", onWheel, { passive: false });
    return () => target.removeEventListener("wheel", onWheel);
  }, [element]);

  return {
    onPointerDown: (event: PointerEvent<HTMLElement>): void => {
      if (event.button !== 0) return;
      if (pressed.current.size === 0) moved.current = false;
      pressed.current.set(event.pointerId, placeIn(event.currentTarget, event));
    },
    onPointerMove: (event: PointerEvent<HTMLElement>): void => {
      const before = pressed.current.get(event.pointerId);
      if (before === undefined) return;
      const now = placeIn(event.currentTarget, event);
      if (!moved.current && pressed.current.size === 1 && Math.hypot(now.x - before.x, now.y - before.y) < CLICK_DISTANCE) return;
      if (!moved.current) event.currentTarget.setPointerCapture(event.pointerId);
      moved.current = true;
      const other = [...pressed.current].find(([id]) => id !== event.pointerId)?.[1];
      if (other === undefined) latest.current.pan(before.x - now.x, before.y - now.y);
      else pinch(latest.current, before, now, other);
      pressed.current.set(event.pointerId, now);
    },
    onPointerUp: (event: PointerEvent<HTMLElement>): void => {
      const was = pressed.current.get(event.pointerId);
      pressed.current.delete(event.pointerId);
      if (was !== undefined && !moved.current) latest.current.click(was.x, was.y);
    },
    onPointerCancel: (event: PointerEvent<HTMLElement>): void => {
      pressed.current.delete(event.pointerId);
    },
  };
}

/** One of two fingers moved: by how much nearer or farther they are, and by half of its way. */
function pinch(gestures: Gestures, before: Point, now: Point, other: Point): void {
  const was = Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
  const is = Math.max(1, Math.hypot(now.x - other.x, now.y - other.y));
  gestures.zoom(is / was, (now.x + other.x) / 2, (now.y + other.y) / 2);
  gestures.pan((before.x - now.x) / 2, (before.y - now.y) / 2);
}

function placeIn(element: Element, event: { clientX: number; clientY: number }): Point {
  const bounds = element.getBoundingClientRect();
  return { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
}
