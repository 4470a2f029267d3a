/** The shortcuts of the commands: everywhere on the page, but plain keys not while something is typed or a dialog is open. */
import { useEffect } from "react";
import { tinykeys } from "tinykeys";
import type { App } from "../state/app.ts";
import { COMMANDS } from "./commands.ts";

const TYPED_INTO = "input:not([type=range]), textarea, select, [contenteditable], [role=menu], [role=listbox], [role=dialog]";

export function useShortcuts(app: App): void {
  useEffect(() => {
    const bindings: Record<string, (event: KeyboardEvent) => void> = {};
    for (const { keys, enabled, run } of COMMANDS) {
      if (keys === undefined) continue;
      const plain = !keys.startsWith("$mod");
      const onKey = (event: KeyboardEvent): void => {
        if (event.defaultPrevented) return;
        const typing = event.target instanceof Element && event.target.closest(TYPED_INTO) !== null;
        if ((plain && typing) || app.store.getState().dialog !== null || !enabled(app)) return;
        event.preventDefault();
        run(app);
      };
      for (const spelling of spellings(keys)) bindings[spelling] = onKey;
    }
    return tinykeys(window, bindings);
  }, [app]);
}

/** What needs Shift on one keyboard does not on another: signs are known by what they type. */
const spellings = (keys: string): readonly string[] => (/^[^\w$]$/.test(keys) ? [keys, `Shift+${keys}`] : [keys]);
