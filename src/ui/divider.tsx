/**
 * The line on top of the inspector, where all regions stand on one screen: dragged, or moved by the arrow keys, it gives the inspector more of
 * the height and the zones above it less; a double click or Backspace gives both back what the style sheet says. The choice is kept as a part of
 * the window's height, so that it fits other windows too. How far it goes is the style sheet's to say, of each window and each tab.
 */
import { useLayoutEffect, useRef, useState } from "react";
import type { KeyboardEvent, PointerEvent } from "react";
import { keep, readKept } from "../state/theme.ts";

const KEY = "zonescope.inspector-height";
/** Percent of the window's height that a key moves it by. */
const STEP = 3;

/** The part that was chosen, in percent of the window's height; null for none. */
function kept(): number | null {
  const percent = Number.parseFloat(readKept(KEY) ?? "");
  return percent > 0 && percent < 100 ? percent : null;
}

export function InspectorDivider() {
  const [chosen, setChosen] = useState(kept);
  /** What the inspector has: of a choice that was made in another window, as much as fits. */
  const [has, setHas] = useState(40);
  const line = useRef<HTMLDivElement>(null);
  const panel = (): DOMRect => line.current!.parentElement!.getBoundingClientRect();
  const percent = (pixels: number): number => (pixels / window.innerHeight) * 100;
  const measured = (): number => Math.round(percent(panel().height));
  /** A length of layout.css, in pixels. */
  const length = (name: string): number => Number.parseFloat(getComputedStyle(line.current!).getPropertyValue(name));
  const least = (): number => Math.ceil(percent(length("--inspector-least")));
  const most = (): number => Math.max(least(), Math.floor(percent(window.innerHeight - length("--inspector-around"))));
  const within = (part: number): number => Math.max(least(), Math.min(most(), part));
  useLayoutEffect(() => {
    const { style } = document.documentElement;
    if (chosen === null) style.removeProperty("--inspector-height");
    else style.setProperty("--inspector-height", `${chosen}dvh`);
    keep(KEY, chosen === null ? null : String(chosen));
  }, [chosen]);
  useLayoutEffect(() => {
    const { parentElement } = line.current!;
    const observer = new ResizeObserver(() => setHas(Math.round((parentElement!.offsetHeight / window.innerHeight) * 100)));
    observer.observe(parentElement!);
    return () => observer.disconnect();
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const to: Readonly<Record<string, () => number | null>> = {
      ArrowUp: () => within(measured() + STEP),
      ArrowDown: () => within(measured() - STEP),
      Home: least,
      End: most,
      Backspace: () => null,
    };
    const choose = to[event.key];
    if (choose === undefined) return;
    event.preventDefault();
    setChosen(choose());
  };
  const onPointerMove = (event: PointerEvent): void => {
    if (line.current!.hasPointerCapture(event.pointerId)) setChosen(within(Math.round(percent(panel().bottom - event.clientY) * 10) / 10));
  };
  return (
    <div
      ref={line}
      className="divider"
      role="separator"
      aria-orientation="horizontal"
      aria-label="Height of the inspector"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={has}
      aria-valuetext={`${has}% of the window`}
      tabIndex={0}
      title="Drag to give the inspector more or less room; a double click gives it its own height back"
      onKeyDown={onKeyDown}
      onPointerDown={(event) => event.button === 0 && line.current!.setPointerCapture(event.pointerId)}
      onPointerMove={onPointerMove}
      onDoubleClick={() => setChosen(null)}
    />
  );
}
