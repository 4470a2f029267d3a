/** How components reach the app: its actions from a context, its state by selectors. */
import { createContext, use, useMemo, useSyncExternalStore } from "react";
import { useStore } from "zustand/react";
import type { App } from "../state/app.ts";
import type { Houses, Shown } from "../state/houses.ts";
import type { LinkHouse } from "../state/link-house.ts";
import type { AppState } from "../state/store.ts";
import { formatterOf } from "../state/units.ts";
import type { FormatBytes } from "../state/units.ts";
import type { ZoneModel } from "../state/zone-model.ts";
import type { Theme } from "../render/palette.ts";

export const AppContext = createContext<App | null>(null);

export function useApp(): App {
  const app = use(AppContext);
  if (app === null) throw new Error("the page is drawn outside its app");
  return app;
}

export const HousesContext = createContext<Houses | null>(null);

export function useHouses(): Houses {
  const houses = use(HousesContext);
  if (houses === null) throw new Error("the page is drawn outside its houses");
  return houses;
}

const noChange = () => (): void => undefined;

/** The house of the link that plays here; null where none does, and on pages that have no links. */
export function useLink(): LinkHouse | null {
  const houses = use(HousesContext);
  return useSyncExternalStore(houses?.store.subscribe ?? noChange, () => houses?.store.getState().link ?? null);
}

/** The house that is shown: the ordinary one, or a link's. */
export const useShown = (): Shown => useStore(useHouses().store);

/** A part of the state; the component is drawn again when that part is another value. */
export function useAppState<Part>(select: (state: AppState) => Part): Part {
  return useStore(useApp().store, select);
}

function subscribeTo(query: string): (listener: () => void) => () => void {
  return (listener) => {
    const list = window.matchMedia(query);
    list.addEventListener("change", listener);
    return () => list.removeEventListener("change", listener);
  };
}

const subscribeToDark = subscribeTo("(prefers-color-scheme: dark)");
const systemIsDark = (): boolean => window.matchMedia("(prefers-color-scheme: dark)").matches;

/** Whether the system asks for the dark theme. */
export const useSystemDark = (): boolean => useSyncExternalStore(subscribeToDark, systemIsDark);

const PRINT = "print";
const subscribeToPrinting = subscribeTo(PRINT);
/** Whether the page is being put on paper. */
export const isPrinting = (): boolean => window.matchMedia(PRINT).matches;

/** Light or dark as it is shown now, the system's word counting where the person chose nothing; light on paper. */
export function useTheme(): Theme {
  const choice = useAppState((state) => state.theme);
  const dark = useSystemDark();
  const printing = useSyncExternalStore(subscribeToPrinting, isPrinting);
  if (printing) return "light";
  if (choice !== "system") return choice;
  return dark ? "dark" : "light";
}

const subscribeToStillness = subscribeTo("(prefers-reduced-motion: reduce)");
const wantsStillness = (): boolean => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Whether changes may move: false where the system asks for stillness. */
export const useMotion = (): boolean => !useSyncExternalStore(subscribeToStillness, wantsStillness);

const ONE_SCREEN = "(min-width: 1200px) and (min-height: 720px)";
const subscribeToOneScreen = subscribeTo(ONE_SCREEN);
const isOneScreen = (): boolean => window.matchMedia(ONE_SCREEN).matches;

/** Whether all regions stand on one screen, as layout.css says; elsewhere the page scrolls. */
export const useOneScreen = (): boolean => useSyncExternalStore(subscribeToOneScreen, isOneScreen);

const SHORT = `${ONE_SCREEN} and (max-height: 800px)`;
const subscribeToShort = subscribeTo(SHORT);
const isShort = (): boolean => window.matchMedia(SHORT).matches;

/** Whether all regions stand on one screen that is as low as a projector's. */
export const useShort = (): boolean => useSyncExternalStore(subscribeToShort, isShort);

const NARROW = "(max-width: 699px)";
const subscribeToNarrow = subscribeTo(NARROW);
const isNarrow = (): boolean => window.matchMedia(NARROW).matches;

/** Whether there is room for one column only, as the style sheets' narrowest rules have it. */
export const useNarrow = (): boolean => useSyncExternalStore(subscribeToNarrow, isNarrow);

/** How numbers of bytes are written, by the units that the person chose. */
export function useFormat(): FormatBytes {
  const units = useAppState((state) => state.units);
  return useMemo(() => formatterOf(units), [units]);
}

/** The zones that are shown: of the moment that was gone back to, or of now. Drawn again whenever they change. */
export function useShownZones(): ZoneModel | null {
  useAppState((state) => state.zonesVersion);
  return useAppState((state) => state.past ?? state.attached?.zones ?? null);
}
