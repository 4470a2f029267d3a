/** Light or dark: what the person chose, or what the system says. The choice is kept by the browser; a refusal to keep it is fine. */

export type ThemeChoice = "system" | "light" | "dark";

const KEY = "zonescope.theme";
const isChoice = (text: string | null): text is ThemeChoice => text === "system" || text === "light" || text === "dark";

export function loadThemeChoice(): ThemeChoice {
  const kept = readKept(KEY);
  return isChoice(kept) ? kept : "system";
}

export const keepThemeChoice = (choice: ThemeChoice): void => keep(KEY, choice);

/** A small text that outlives the tab, or null: storage may be switched off. */
export function readKept(key: string): string | null {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Keeps a small text; null forgets it. */
export function keep(key: string, text: string | null): void {
  try {
    if (text === null) window.localStorage.removeItem(key);
    else window.localStorage.setItem(key, text);
  } catch {
    // Storage is switched off: the choice lasts as long as the tab.
  }
}
