/** What `set` changes in a console: how it talks, never what it does. A shell has options for the same. */

export interface ConsoleSettings {
  /** Whether a refusal is explained behind QEMU's line; --explain in a shell. */
  explain: boolean;
}

export const newConsoleSettings = (): ConsoleSettings => ({ explain: true });

const NAMES = ["explain"] as const satisfies readonly (keyof ConsoleSettings)[];
export const SETTING_NAMES: readonly string[] = NAMES;
export const SETTING_VALUES: readonly string[] = ["on", "off"];

export const SET_USAGE = "set [explain on|off] -- shows or changes how the console talks\n";

/** Runs `set` with what follows it. @returns what to print, and whether it was understood */
export function runSet(words: readonly string[], settings: ConsoleSettings): { readonly text: string; readonly good: boolean } {
  const [name, value, more] = words;
  if (name === undefined) return { text: NAMES.map((known) => `${known} ${settings[known] ? "on" : "off"}\n`).join(""), good: true };
  const known = NAMES.find((candidate) => candidate === name);
  if (known === undefined || more !== undefined || (value !== "on" && value !== "off")) return { text: SET_USAGE, good: false };
  settings[known] = value === "on";
  return { text: "", good: true };
}
