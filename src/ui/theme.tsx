/** Light or dark: the switch, and what has the document wear it. */
import { Monitor, Moon, Sun } from "lucide-react";
import { useLayoutEffect } from "react";
import type { ThemeChoice } from "../state/theme.ts";
import { useApp, useAppState, useTheme } from "./context.ts";

/** The document wears the theme that the app says. */
export function Themed() {
  const theme = useTheme();
  useLayoutEffect(() => {
    document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  return null;
}

const NEXT: Readonly<Record<ThemeChoice, ThemeChoice>> = { system: "light", light: "dark", dark: "system" };

export function ThemeSwitch() {
  const app = useApp();
  const theme = useAppState((state) => state.theme);
  const Icon = theme === "system" ? Monitor : theme === "light" ? Sun : Moon;
  return (
    <button
      type="button"
      className="button quiet icon"
      aria-label={`Theme: ${theme}`}
      title={`Theme: ${theme}. Click for ${NEXT[theme]}.`}
      onClick={() => app.page.setTheme(NEXT[theme])}
    >
      <Icon size={16} aria-hidden="true" />
    </button>
  );
}
