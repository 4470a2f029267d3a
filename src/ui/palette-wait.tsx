/**
 * What is typed after the shortcut and before the palette is there: kept for it. The palette is a part that is loaded when it is first
 * wanted, and nobody waits for it to begin typing.
 */
import { useLayoutEffect } from "react";
import { useApp } from "./context.ts";

export interface TypedAhead {
  text: string;
  /** Enter followed: the first match is to be run. */
  entered: boolean;
}

let typed: TypedAhead = { text: "", entered: false };

/** What was typed ahead; reading it leaves it there, for a component that is drawn twice. */
export const typedAhead = (): Readonly<TypedAhead> => typed;

export function forgetTyped(): void {
  typed = { text: "", entered: false };
}

/** Stands in the palette's place and listens. */
export function PaletteWait() {
  const app = useApp();
  useLayoutEffect(() => {
    forgetTyped();
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape") app.page.closeDialog();
      else if (event.key === "Enter") typed.entered = true;
      else if (typed.entered) return;
      else if (event.key === "Backspace") typed.text = typed.text.slice(0, -1);
      else if (event.key.length === 1) typed.text += event.key;
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    window.addEventListener("keydown", onKey, { capture: true });
    return () => window.removeEventListener("keydown", onKey, { capture: true });
  }, [app]);
  return null;
}
