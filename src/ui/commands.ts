/** Everything that the page can do, as rows: the palette lists them, shortcuts run them, the help sheet shows their keys. */
import type { App } from "../state/app.ts";
import type { OpenDialog } from "../state/store.ts";
import { INSPECTOR_TABS } from "../state/inspector-state.ts";
import { UNIT_CHOICES } from "../state/units.ts";
import { mapHandle, ZOOM_STEP } from "./map-handle.ts";

export interface PageCommand {
  readonly id: string;
  readonly name: string;
  readonly group: "Inspector" | "Image" | "Zone" | "Map" | "Time" | "Page";
  /** As tinykeys has it: "$mod" is Ctrl, or Command on a Mac. */
  readonly keys?: string;
  /** Words that find it too. */
  readonly also?: string;
  /** Whether it can be done now. */
  readonly enabled: (app: App) => boolean;
  readonly run: (app: App) => void;
}

const always = (): boolean => true;
const attached = (app: App): boolean => app.store.getState().attached !== null;
const zoned = (app: App): boolean => (app.store.getState().attached?.zones ?? null) !== null;
const mapped = (): boolean => mapHandle.current !== null;
const dialog =
  (open: OpenDialog) =>
  (app: App): void =>
    app.page.openDialog(open);

const THEMES = [
  ["system", "as the system"],
  ["light", "light"],
  ["dark", "dark"],
] as const;

/** The field that the keyboard is sent to. */
const focus = (id: string) => (): void => document.getElementById(id)?.focus();

function onZone(operation: "open" | "close" | "finish" | "reset") {
  return (app: App): void => {
    const { selected } = app.store.getState();
    if (selected !== null) void app.zones.perform({ operation, zone: selected, offset: null, lengthBytes: 0, pattern: 0 });
  };
}
const canManage = (app: App): boolean => {
  const { attached: image, selected, moment } = app.store.getState();
  const zones = image?.zones ?? null;
  if (image === null || zones === null || image.facts.image.readOnly || moment !== null || selected === null) return false;
  return selected < zones.count && !zones.isConventional(selected);
};

/** Turns to the terminal, and switches Linux on where it is not on. */
export function attachLinux(app: App): void {
  app.inspector.show("Terminal");
  if (app.store.getState().guest.phase === "off") app.guest().then((guest) => guest.attach({}), () => undefined);
}

/** Folds the inspector away; the keyboard, where it was in there, is at the tab that opens it again. */
export function foldInspector(app: App): void {
  const inside = document.activeElement?.closest(".panel-inspector") ?? null;
  inside?.querySelector<HTMLElement>('[role=tab][data-state="active"]')?.focus();
  app.inspector.show(null);
}

export const COMMANDS: readonly PageCommand[] = [
  { id: "palette", name: "Command palette", group: "Page", keys: "$mod+k", enabled: always, run: dialog({ kind: "palette" }) },
  { id: "help", name: "Shortcuts and help", group: "Page", keys: "?", also: "keys keyboard", enabled: always, run: dialog({ kind: "help" }) },
  { id: "console", name: "Type a command", group: "Page", keys: "/", also: "console prompt terminal", enabled: always, run: focus("command") },
  { id: "new", name: "New image", group: "Image", keys: "n", also: "create make", enabled: always, run: dialog({ kind: "new" }) },
  { id: "open-file", name: "Open file", group: "Image", keys: "o", also: "load drop", enabled: always, run: () => document.getElementById("open-file")?.click() },
  { id: "save", name: "Save .qcow2", group: "Image", keys: "$mod+s", also: "download export", enabled: attached, run: (app) => void app.library.save() },
  { id: "storage", name: "Storage", group: "Image", also: "quota space room delete full disk", enabled: always, run: dialog({ kind: "storage" }) },
  { id: "share", name: "Share", group: "Image", also: "link embed qr send", enabled: attached, run: dialog({ kind: "share" }) },
  { id: "power-cycle", name: "Power cycle", group: "Image", also: "reboot restart reopen", enabled: attached, run: (app) => void app.device.powerCycle() },
  { id: "attach-linux", name: "Attach Linux", group: "Image", also: "guest terminal machine emulator shell", enabled: attached, run: attachLinux },
  { id: "profiles", name: "Compare profiles", group: "Image", also: "zns zbc null_blk rules", enabled: zoned, run: dialog({ kind: "profiles" }) },
  {
    id: "inspector",
    name: "Open or fold the inspector",
    group: "Inspector",
    keys: "i",
    enabled: always,
    run: (app) => (app.store.getState().inspector.tab === null ? app.inspector.show("Header") : foldInspector(app)),
  },
  ...INSPECTOR_TABS.map((tab): PageCommand => ({ id: `inspector-${tab}`, name: `Inspector: ${tab}`, group: "Inspector", also: "inside file bytes", enabled: always, run: (app) => app.inspector.show(tab) })),
  { id: "go-to", name: "Go to zone", group: "Zone", keys: "g", also: "select number find", enabled: mapped, run: focus("go-to-zone") },
  { id: "zone-open", name: "Open the selected zone", group: "Zone", enabled: canManage, run: onZone("open") },
  { id: "zone-close", name: "Close the selected zone", group: "Zone", enabled: canManage, run: onZone("close") },
  { id: "zone-finish", name: "Finish the selected zone", group: "Zone", enabled: canManage, run: onZone("finish") },
  { id: "zone-reset", name: "Reset the selected zone", group: "Zone", enabled: canManage, run: onZone("reset") },
  { id: "zoom-in", name: "Zoom in", group: "Map", keys: "+", enabled: mapped, run: () => mapHandle.current?.zoomBy(ZOOM_STEP) },
  { id: "zoom-out", name: "Zoom out", group: "Map", keys: "-", enabled: mapped, run: () => mapHandle.current?.zoomBy(1 / ZOOM_STEP) },
  { id: "whole-map", name: "Whole map", group: "Map", keys: "0", also: "fit reset view", enabled: mapped, run: () => mapHandle.current?.whole() },
  {
    id: "zone-zoom",
    name: "Zoom to the selected zone",
    group: "Map",
    keys: "z",
    enabled: mapped,
    run: (app) => {
      const { selected } = app.store.getState();
      if (selected !== null) mapHandle.current?.showZone(selected);
    },
  },
  { id: "save-png", name: "Save the map as PNG", group: "Map", also: "export picture image", enabled: mapped, run: () => mapHandle.current?.save("png") },
  { id: "save-svg", name: "Save the map as SVG", group: "Map", also: "export picture image", enabled: mapped, run: () => mapHandle.current?.save("svg") },
  { id: "back", name: "One event back", group: "Time", keys: "[", also: "past undo", enabled: zoned, run: (app) => app.time.step(-1) },
  { id: "forward", name: "One event forward", group: "Time", keys: "]", also: "redo", enabled: zoned, run: (app) => app.time.step(1) },
  { id: "now", name: "Back to now", group: "Time", keys: "Escape", enabled: (app) => app.store.getState().moment !== null, run: (app) => app.time.seek(null) },
  { id: "fork", name: "Fork from here", group: "Time", also: "replay copy branch", enabled: (app) => app.time.canFork(), run: (app) => void app.time.fork() },
  { id: "save-jsonl", name: "Save the events as JSON Lines", group: "Time", also: "export log", enabled: attached, run: (app) => app.time.save("jsonl") },
  { id: "save-io", name: "Save the commands as a qemu-io script", group: "Time", also: "export", enabled: attached, run: (app) => app.time.save("qemu-io") },
  { id: "save-blkzone", name: "Save the commands as a blkzone script", group: "Time", also: "export", enabled: attached, run: (app) => app.time.save("blkzone") },
  ...UNIT_CHOICES.map(({ choice, name }): PageCommand => ({ id: `units-${choice}`, name: `Units: ${name}`, group: "Page", also: "bytes sectors", enabled: always, run: (app) => app.page.setUnits(choice) })),
  {
    id: "next-units",
    name: "Next units",
    group: "Page",
    keys: "u",
    enabled: always,
    run: (app) => {
      const at = UNIT_CHOICES.findIndex(({ choice }) => choice === app.store.getState().units);
      app.page.setUnits(UNIT_CHOICES[(at + 1) % UNIT_CHOICES.length]!.choice);
    },
  },
  ...THEMES.map(([theme, name]): PageCommand => ({ id: `theme-${theme}`, name: `Theme: ${name}`, group: "Page", also: "colours", enabled: always, run: (app) => app.page.setTheme(theme) })),
];

/** Keys as they are printed on the keys. */
export function keyNames(keys: string): readonly string[] {
  const mac = /Mac|iPhone|iPad/.test(navigator.userAgent);
  return keys.split("+").filter((key) => key !== "").map((key) => (key === "$mod" ? (mac ? "⌘" : "Ctrl") : key === "Escape" ? "Esc" : key === "-" ? "−" : key.length === 1 ? key.toUpperCase() : key)).concat(keys === "+" ? ["+"] : []);
}
