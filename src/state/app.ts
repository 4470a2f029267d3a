/** The page's actions put together over one engine, and its first minute: the first image, the last image, the farewell flush. */
import { createConsoleActions } from "./console.ts";
import type { ConsoleActions } from "./console.ts";
import { createCore } from "./core.ts";
import type { Core, EnginePort } from "./core.ts";
import { LENT } from "../protocol/index.ts";
import type { Updates } from "../client/offline.ts";
import { WELCOME_IMAGE } from "./create-image.ts";
import { attachAndTellNow, detachNow, createDeviceActions, followNotices, isLent, lastImage, NO_HANDLE } from "./device.ts";
import type { DeviceActions } from "./device.ts";
import { createLibraryActions } from "./library.ts";
import type { LibraryActions } from "./library.ts";
import type { FailureText } from "./failure-text.ts";
import type { Frame } from "./frame.ts";
import { EventMatches } from "./event-filter.ts";
import type { LogEvent } from "./history.ts";
import type { Tape } from "./tape.ts";
import { createTimeActions } from "./time.ts";
import type { TimeActions } from "./time.ts";
import type { Ring } from "./ring.ts";
import type { AppState, AppStore, OpenDialog } from "./store.ts";
import { keepThemeChoice } from "./theme.ts";
import type { ThemeChoice } from "./theme.ts";
import { createZoneActions } from "./zones.ts";
import type { ZoneActions } from "./zones.ts";
import { runLineNow } from "./console.ts";
import { createProfileActions } from "./profiles.ts";
import type { ProfileActions } from "./profiles.ts";
import { createLine } from "./create-image.ts";
import { createInspectorActions, UnderWay } from "./inspector.ts";
import type { InspectorActions } from "./inspector.ts";
import { createInspectorWork } from "./inspector-work.ts";
import type { InspectorWorkActions } from "./inspector-work.ts";
import { createLessonActions } from "./lessons.ts";
import type { LessonActions } from "./lessons.ts";
import { createCrashActions } from "./crash.ts";
import type { CrashActions } from "./crash.ts";
import { createSaveActions } from "./save-as.ts";
import type { SaveActions } from "./save-as.ts";
import { createShareActions } from "./share.ts";
import type { ShareActions } from "./share.ts";
import { createWorkloadActions } from "./workload.ts";
import type { WorkloadActions } from "./workload.ts";
import { keepUnitChoice, parseSize } from "./units.ts";
import type { UnitChoice } from "./units.ts";
import type { EventFilter } from "./event-filter.ts";
import type { TableView } from "./table-view.ts";

export interface App {
  readonly store: AppStore;
  /** The event log; `eventsVersion` of the state tells of changes. */
  readonly events: Ring<LogEvent>;
  /** The events that are listed; its filter is the state's. */
  readonly matches: EventMatches;
  readonly tape: Tape;
  /** The one owner of frames. */
  readonly frame: Frame;
  readonly time: TimeActions;
  readonly device: DeviceActions;
  readonly library: LibraryActions;
  readonly console: ConsoleActions;
  readonly zones: ZoneActions;
  readonly profiles: ProfileActions;
  readonly page: PageActions;
  readonly inspector: InspectorActions;
  readonly inspectorWork: InspectorWorkActions;
  readonly save: SaveActions;
  readonly crash: CrashActions;
  /** Loaded when a guest is wanted first. */
  readonly guest: Core["guest"];
  readonly workload: WorkloadActions;
  readonly lessons: LessonActions;
  readonly share: ShareActions;
}

export interface PageActions {
  /** Lists the library and attaches an image: the last one, any one, or on the first visit a new one. */
  start(): Promise<void>;
  openDialog(dialog: OpenDialog): void;
  closeDialog(): void;
  dismissBanner(key: string): void;
  /** When what is under way is done: flushes the attached image and starts the page anew in the version that waits. */
  update(): Promise<void>;
  /** Tells of something that did not come off and belongs to no panel. */
  tell(about: string, text: FailureText): void;
  /** Has the engine stop the call that is under way; what it was for fails as cancelled. */
  cancelWork(): void;
  setTheme(theme: ThemeChoice): void;
  setUnits(units: UnitChoice): void;
  setEventFilter(filter: EventFilter): void;
  setTableView(view: TableView): void;
}

/** @param updates new versions of the program; without it none is told of */
export function createApp(port: EnginePort, updates?: Updates): App {
  return appOver(createCore(port), updates);
}

/** The actions over what they have in common. */
export function appOver(core: Core, updates?: Updates): App {
  followNotices(core);
  updates?.follow({ waiting: () => core.addBanner({ kind: "update" }), replaced: () => core.addBanner({ kind: "outdated" }) });
  const underWay = new UnderWay(core);
  const lessons = createLessonActions(core);
  const dialog = (open: OpenDialog | null): void => core.set({ dialog: open, dialogFailure: null } satisfies Partial<AppState>);
  return {
    store: core.store,
    events: core.events,
    matches: new EventMatches(core.events),
    tape: core.tape,
    frame: core.frame,
    time: createTimeActions(core),
    device: createDeviceActions(core),
    library: createLibraryActions(core, (file) => lessons.openFile(file)),
    console: createConsoleActions(core),
    zones: createZoneActions(core),
    profiles: createProfileActions(core),
    inspector: createInspectorActions(core, underWay),
    inspectorWork: createInspectorWork(core, underWay),
    save: createSaveActions(core, underWay),
    crash: createCrashActions(core),
    guest: core.guest,
    workload: createWorkloadActions(core),
    lessons,
    share: createShareActions(core),
    page: {
      start: () =>
        core.serial("Starting", async () => {
          await core.refreshLibrary();
          const { library } = core.store.getState();
          if (library.kind === "memory") core.addBanner({ kind: "memory" });
          const newest = [...library.files].sort((a, b) => b.modifiedMs - a.modifiedMs)[0];
          const last = lastImage();
          const known = library.files.find((file) => file.name === last) ?? newest;
          if (known === undefined) await runLineNow(core, createLine(WELCOME_IMAGE, parseSize));
          else await attachAndTellNow(core, known.name);
          core.set({ ready: true });
        }),
      openDialog: (open) => {
        dialog(open);
        if (open.kind === "storage") void core.refreshLibrary();
      },
      closeDialog: () => dialog(null),
      dismissBanner: (key) => core.dropBanner(key),
      update: () =>
        core.serial("Updating", async () => {
          if (isLent(core)) return core.tell("The new version", LENT);
          await detachNow(core);
          updates?.apply();
        }),
      tell: (about, text) => core.addBanner({ kind: "failure", about, text }),
      cancelWork: () => {
        core.underWay?.cancel();
        core.waits.endAll();
      },
      setTheme: (theme) => {
        keepThemeChoice(theme);
        core.set({ theme });
      },
      setUnits: (units) => {
        keepUnitChoice(units);
        core.set({ units });
      },
      setEventFilter: (eventFilter) => core.set({ eventFilter }),
      setTableView: (tableView) => core.set({ tableView }),
    },
  };
}

/**
 * When the page goes, what was acknowledged and not flushed yet is flushed, on the attached image and on every disk of a guest; nobody waits
 * for the answer. @returns how to stop that
 */
export function flushOnPageHide(app: App, port: EnginePort): () => void {
  const flush = (): void => {
    const { attached, guest } = app.store.getState();
    const own = attached !== null && attached.handle !== NO_HANDLE && !attached.facts.image.readOnly ? [attached.handle] : [];
    for (const handle of new Set([...own, ...guest.writable])) port.start("flush", { handle });
  };
  window.addEventListener("pagehide", flush);
  return () => window.removeEventListener("pagehide", flush);
}
