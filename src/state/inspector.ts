/**
 * The inspector's actions: which file is looked into, and the long work on it. What is asked of a file goes beside the order of the
 * person's actions where it only reads, so that looking never keeps a command waiting for its turn.
 */
import type { CallName, Outcome, RequestOf } from "../protocol/index.ts";
import type { StartedCall } from "../client/engine-client.ts";
import type { Core } from "./core.ts";
import { textOf } from "./failure-text.ts";
import type { HexView, InspectorState, InspectorTab, Work } from "./inspector-state.ts";
import { NO_WORK, NOTHING_KNOWN } from "./inspector-state.ts";
import { createPlaceActions } from "./place.ts";
import type { PlaceActions } from "./place.ts";

export interface InspectorActions extends PlaceActions {
  show(tab: InspectorTab | null): void;
  /** Looks into a file, attached or not. */
  lookInto(file: string): Promise<void>;
  /** Looks again: the file may have changed. */
  refresh(): Promise<void>;
  setHexView(view: HexView): void;
  showL1(index: number | null): void;
  computeLayout(): Promise<void>;
  verifyCompressed(): Promise<void>;
  /** Finds what a repair would change; the file stays as it is. */
  planRepair(): Promise<void>;
  /** Stops the long work of that name. */
  cancel(name: WorkName): void;
  /** Rows of a table, for the list that shows them. */
  tableEntries(l1Index: number | null, from: number, count: number): Promise<Outcome<"tableEntries"> | null>;
  bytesAt(view: HexView, offset: number, length: number): Promise<Outcome<"bytesAt"> | null>;
  search(view: HexView, needle: Uint8Array, from: number, backwards: boolean): Promise<Outcome<"search"> | null>;
}

export type WorkName = "layout" | "check" | "plan" | "repair" | "compressed" | "comparison" | "search" | "save";

/** What is under way, by the name of the work. */
export class UnderWay {
  private readonly calls = new Map<WorkName, Pick<StartedCall<CallName>, "cancel">>();
  private readonly core: Core;

  constructor(core: Core) {
    this.core = core;
  }

  /** One call of a work, whose progress is told and which can be cancelled meanwhile. */
  async run<Name extends CallName>(work: WorkName, name: Name, request: RequestOf<Name>, onProgress: (fraction: number) => void): Promise<Outcome<Name>> {
    const started = this.core.port.start(name, request);
    this.calls.set(work, started);
    const stop = this.core.port.onNotice((notice) => {
      if (notice.notice === "progress" && notice.id === started.id) onProgress(notice.fraction);
    });
    const outcome = await started.outcome;
    stop();
    if (this.calls.get(work) === started) this.calls.delete(work);
    return outcome;
  }

  /** Work that is no call, and how it is stopped. */
  adopt(work: WorkName, cancel: () => void): void {
    this.calls.set(work, { cancel });
  }

  cancel(work: WorkName): void {
    this.calls.get(work)?.cancel();
  }
}

export function patchInspector(core: Core, state: Partial<InspectorState>): void {
  core.set({ inspector: { ...core.store.getState().inspector, ...state } });
}

/** A work that begins, ends well or fails; what was cancelled leaves nothing behind. */
export const begun = <Value>(): Work<Value> => ({ ...NO_WORK, running: true });
export function ended<Value>(outcome: { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: Parameters<typeof textOf>[0] }): Work<Value> {
  if (outcome.ok) return { ...NO_WORK, value: outcome.value };
  return outcome.error.kind === "cancelled" ? NO_WORK : { ...NO_WORK, failure: textOf(outcome.error) };
}

export function createInspectorActions(core: Core, underWay: UnderWay): InspectorActions {
  const now = (): InspectorState => core.store.getState().inspector;
  const idNow = (): number | null => now().inspection?.id ?? null;

  /** The inspection that is open in the engine, whatever the state says since, and the file that is being looked into. */
  let open: number | null = null;
  let looking: string | null = null;
  /** The file that is being looked into may have changed since that began. */
  let again = false;

  /** Ends an inspection, behind a save that reads by it. */
  const end = (inspection: number): void => {
    const endNow = (): void => void core.port.start("endInspection", { inspection });
    if (!now().save.running) return endNow();
    const unfollow = core.store.subscribe((state) => {
      if (state.inspector.save.running) return;
      unfollow();
      endNow();
    });
  };

  /** Looks into the file that is named in the state, unless another is by the time it is known. */
  const look = async (file: string): Promise<void> => {
    if (looking === file) return;
    [looking, again] = [file, false];
    const outcome = await core.port.start("inspect", { file }).outcome;
    const changed = looking === file && again;
    if (looking === file) [looking, again] = [null, false];
    if (now().file !== file) {
      if (outcome.ok) void core.port.start("endInspection", { inspection: outcome.value.inspection });
      return;
    }
    if (outcome.ok) {
      const { inspection: id, identity, header } = outcome.value;
      patchInspector(core, { inspection: { id, identity, header }, failure: null, generation: now().generation + 1 });
    } else patchInspector(core, { inspection: null, failure: textOf(outcome.error) });
    if (open !== null) end(open);
    open = outcome.ok ? outcome.value.inspection : null;
    if (changed) await look(file);
  };

  const lookInto = async (file: string): Promise<void> => {
    const { inspection, file: previous } = now();
    if (previous === file && inspection !== null) return;
    if (previous !== file) patchInspector(core, { ...NOTHING_KNOWN, file, generation: now().generation + 1 });
    await look(file);
  };

  const refresh = async (): Promise<void> => {
    const { file } = now();
    if (file !== null && looking === file) again = true;
    else if (file !== null) await look(file);
  };

  /**
   * Long work over what is looked into: what it comes to is shown while the file is the same, and nobody began it anew. Done to a file
   * that was read anew meanwhile it is done once more, for it is of what the file was.
   */
  const newest: Partial<Record<WorkName, symbol>> = {};
  const work = async <Key extends "layout" | "compressed" | "plan">(key: Key, start: (inspection: number, progress: (fraction: number) => void) => Promise<Outcome<CallName>>): Promise<void> => {
    const { file } = now();
    const turn = Symbol(key);
    const here = (): boolean => now().file === file && now()[key].running && newest[key] === turn;
    const progress = (fraction: number): void => {
      if (here()) patchInspector(core, { [key]: { ...now()[key], fraction } });
    };
    let id = idNow();
    if (id === null || now()[key].running) return;
    newest[key] = turn;
    patchInspector(core, { [key]: begun() });
    for (;;) {
      const outcome = await start(id, progress);
      if (!here()) return;
      const cancelled = !outcome.ok && outcome.error.kind === "cancelled";
      const next = idNow();
      if (cancelled || next === null || next === id) return patchInspector(core, { [key]: ended(outcome) });
      id = next;
    }
  };

  return {
    ...createPlaceActions(core),
    lookInto,
    refresh,
    setHexView: (hexView) => patchInspector(core, { hexView }),
    showL1: (l1Index) => patchInspector(core, { l1Index }),
    computeLayout: () => work("layout", (inspection, progress) => underWay.run("layout", "layout", { inspection }, progress)),
    verifyCompressed: () => work("compressed", (inspection, progress) => underWay.run("compressed", "verifyCompressed", { inspection }, progress)),
    planRepair: async () => {
      if (idNow() !== null && !now().plan.running) patchInspector(core, { repair: NO_WORK });
      await work("plan", (inspection, progress) => underWay.run("plan", "repairPlan", { inspection, mode: "all" }, progress));
    },
    cancel: (name) => underWay.cancel(name),
    tableEntries: async (l1Index, from, count) => {
      const inspection = idNow();
      return inspection === null ? null : core.port.start("tableEntries", { inspection, l1Index, from, count }).outcome;
    },
    bytesAt: async (view, offset, length) => {
      const inspection = idNow();
      return inspection === null ? null : core.port.start("bytesAt", { inspection, view, offset, length }).outcome;
    },
    search: async (view, needle, from, backwards) => {
      const inspection = idNow();
      return inspection === null ? null : underWay.run("search", "search", { inspection, view, needle, from, backwards }, () => undefined);
    },
  };
}
