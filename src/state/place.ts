/**
 * One selection seen five ways: a zone, a guest range, an L2 entry, a host cluster and a byte are asked for with `locate`, whichever
 * of them was clicked, and every tab shows its part of the answer.
 */
import type { Core } from "./core.ts";
import { textOf } from "./failure-text.ts";
import type { HexView, InspectorTab } from "./inspector-state.ts";

export type Spot = { readonly hostOffset: number } | { readonly guestOffset: number } | { readonly zone: number };

export interface PlaceActions {
  /** Turns to a tab, null folds the inspector away; a place that is still asked for will not turn elsewhere. */
  show(tab: InspectorTab | null): void;
  /** Selects what lies there; `then` is the tab that is turned to. A zone that serves the place is selected on the map too. */
  goTo(spot: Spot, then?: InspectorTab): Promise<void>;
  /** The zone that was selected on the map or in the table, seen in the open tabs. */
  followZone(zone: number): Promise<void>;
}

export function createPlaceActions(core: Core): PlaceActions {
  let latest = 0;
  let stop: (() => void) | null = null;
  /** How often a person turned to a tab: one that was chosen while an answer was under way stays. */
  let turns = 0;
  const locate = async (spot: Spot, then: InspectorTab | undefined, view: HexView | null, followed: number | null = null): Promise<void> => {
    const mine = ++latest;
    const { inspection } = core.store.getState().inspector;
    if (inspection === null) return;
    stop?.();
    const before = turns;
    const started = core.port.start("locate", { inspection: inspection.id, ...spot });
    stop = () => started.cancel();
    const outcome = await started.outcome;
    // A later click counts, also one whose zone has not been asked for yet: an answer about the zone before must not take it back.
    if (mine !== latest || (followed !== null && core.store.getState().selected !== followed)) return;
    const { inspector, attached, selected } = core.store.getState();
    const turned = then !== undefined && turns === before ? { tab: then } : {};
    if (!outcome.ok) {
      core.set({ inspector: { ...inspector, placeFailure: textOf(outcome.error), ...turned } });
      return;
    }
    const place = outcome.value;
    const zone = place.zone?.zone ?? null;
    const onMap = zone !== null && attached?.file === inspector.file && attached.zones !== null && zone < attached.zones.count;
    core.set({
      inspector: {
        ...inspector,
        place,
        placeFailure: null,
        l1Index: place.l1?.index ?? inspector.l1Index,
        hexView: view ?? inspector.hexView,
        ...turned,
      },
      selected: onMap ? zone : selected,
    });
  };
  return {
    show: (tab) => {
      turns++;
      core.set({ inspector: { ...core.store.getState().inspector, tab } });
    },
    goTo: (spot, then) => locate(spot, then, then !== "Hex" ? null : "hostOffset" in spot ? "host" : "guest"),
    followZone: (zone) => locate({ zone }, undefined, null, zone),
  };
}
