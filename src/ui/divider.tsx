/**
 * The line on top of the inspector, where all regions stand on one screen: dragged, or moved by the arrow keys, it gives the inspector more of
 * the height and the zones above it less; a double click or Backspace gives both back what the style sheet says. The choice is kept as a part of
 * the window's height, so that it fits other windows too. How far it goes stands in layout.css once more.
 */
import { useLayoutEffect, useRef, useState } from "react";
import type { KeyboardEvent, PointerEvent } from "react";
import { keep, readKept } from "../state/theme.ts";

const KEY = "zonescope.inspector-height";
/** What the inspector has at least, and what the regions around it have, in pixels. */
const LEAST = 130;
const AROUND = 400;
/** Percent of the window's height that a key moves it by. */
const STEP = 3;

const least = (): number => Math.ceil((LEAST / window.innerHeight) * 100);
const most = (): number => Math.max(least(), Math.floor(((window.innerHeight - AROUND) / window.innerHeight) * 100));
const within = (percent: number): number => Math.max(least(), Math.min(most(), percent));

/** The part that was chosen, in percent of the window's height; null for none. */
function kept(): number | null {
  const percent = Number.parseFloat(readKept(KEY) ?? "");
  return percent > 0 && percent < 100 ? percent : null;
}

export function InspectorDivider() {
  const [chosen, setChosen] = useState(kept);
  /** What the inspector has without a choice. */
  const [had, setHad] = useState(40);
  const line = useRef<HTMLDivElement>(null);
  const panel = (): DOMRect => line.current!.parentElement!.getBoundingClientRect();
  const measured = (): number => Math.round((panel().height / window.innerHeight) * 100);
  useLayoutEffect(() => {
    const { style } = document.documentElement;
    if (chosen === null) style.removeProperty("--inspector-height");
    else style.setProperty("--inspector-height", `${chosen}dvh`);
    keep(KEY, chosen === null ? null : String(chosen));
  }, [chosen]);
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
    if (line.current!.hasPointerCapture(event.pointerId)) setChosen(within(Math.round(((panel().bottom - event.clientY) / window.innerHeight) * 1000) / 10));
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
      aria-valuenow={Math.round(chosen ?? had)}
      aria-valuetext={`${Math.round(chosen ?? had)}% of the window`}
      tabIndex={0}
      title="Drag to give the inspector more or less room; a double click gives it its own height back"
      onFocus={() => setHad(measured())}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => event.button === 0 && line.current!.setPointerCapture(event.pointerId)}
      onPointerMove={onPointerMove}
      onDoubleClick={() => setChosen(null)}
    />
  );
}
