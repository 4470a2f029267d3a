/**
 * What the page shows, as one immutable state in a zustand store. What changes too often to be copied (zone columns, the event
 * ring) lies beside it and is told of by a version number.
 *
 * Holds no logic; the actions are in the files named after what they act on.
 */
import { createStore } from "zustand/vanilla";
import type { StoreApi } from "zustand/vanilla";
import type { DeviceFacts, FileEntry, Resources, SnapshotFacts, Usage } from "../protocol/index.ts";
import type { PastResources } from "./closing-orders.ts";
import type { ConsoleBlock } from "./console-log.ts";
import { NO_FILTER } from "./event-filter.ts";
import type { EventFilter } from "./event-filter.ts";
import type { FailureText } from "./failure-text.ts";
import { WHOLE_TABLE } from "./table-view.ts";
import type { TableView } from "./table-view.ts";
import { NO_CRASH } from "./crash-state.ts";
import type { CrashState } from "./crash-state.ts";
import { NO_GUEST } from "./guest-state.ts";
import type { GuestState } from "./guest-state.ts";
import { NO_INSPECTOR } from "./inspector-state.ts";
import type { InspectorState } from "./inspector-state.ts";
import { NO_LESSONS } from "./lessons-kept.ts";
import type { LessonsState } from "./lessons-kept.ts";
import { NO_WORKLOAD } from "./workload-state.ts";
import type { WorkloadState } from "./workload-state.ts";
import { loadThemeChoice } from "./theme.ts";
import type { ThemeChoice } from "./theme.ts";
import { loadUnitChoice } from "./units.ts";
import type { FormatBytes, UnitChoice } from "./units.ts";
import type { ZoneModel } from "./zone-model.ts";

export interface Library {
  readonly kind: "opfs" | "memory" | "folder";
  readonly files: readonly FileEntry[];
  readonly usage: Usage | null;
}

export interface Attached {
  readonly handle: number;
  readonly file: string;
  readonly facts: DeviceFacts;
  /** The snapshot that is looked at in place of the disk; null for the disk. */
  readonly snapshot: SnapshotFacts | null;
  /** null for an image without zones. Its columns change in place; `zonesVersion` tells. */
  readonly zones: ZoneModel | null;
}

/** What stands under the top bar until it is dealt with; one of a kind and file at a time. */
export type Banner =
  | { readonly kind: "memory" }
  /** A new version of the program is stored and waits. */
  | { readonly kind: "update" }
  /** Another tab had a new version take over. */
  | { readonly kind: "outdated" }
  | { readonly kind: "taken-over"; readonly file: string }
  | { readonly kind: "in-use"; readonly file: string }
  /** full: for want of room. It goes when a later flush of the handle comes off. */
  | { readonly kind: "flush-failed"; readonly handle: number; readonly file: string; readonly text: FailureText; readonly full: boolean }
  /** The browser had no room for something. about: what it was for, null where a panel says it already. */
  | { readonly kind: "full"; readonly about: string | null; readonly why: string }
  | { readonly kind: "failure"; readonly about: string; readonly text: FailureText };

export type OpenDialog =
  | { readonly kind: "new" }
  | { readonly kind: "profiles" }
  | { readonly kind: "share" }
  | { readonly kind: "palette" }
  | { readonly kind: "help" }
  | { readonly kind: "storage" }
  | { readonly kind: "rename"; readonly file: string }
  | { readonly kind: "delete"; readonly file: string };

export type ZoneOperationName = "open" | "close" | "finish" | "reset" | "append" | "write" | "read";

/** What the last button of the zone panel led to. */
export interface ZoneResult {
  readonly zone: number;
  readonly operation: ZoneOperationName;
  /** The console line that did it. */
  readonly line: string;
  /** What happened, in words; of a refusal, the line that a shell would have shown. */
  readonly headline: (size: FormatBytes) => string;
  readonly refusal: FailureText | null;
  readonly ok: boolean;
  /** The first bytes of what was read. */
  readonly preview: { readonly offset: number; readonly bytes: Uint8Array } | null;
}

export interface Progress {
  readonly label: string;
  /** 0 to 1, null before it is known. */
  readonly fraction: number | null;
}

export interface AppState {
  /** False until the first image is attached or known to be missing. */
  readonly ready: boolean;
  readonly library: Library;
  readonly attached: Attached | null;
  readonly zonesVersion: number;
  readonly resources: Resources | null;
  readonly eventsVersion: number;
  /** The moment that is shown: how many events of the log had happened; null for now. */
  readonly moment: number | null;
  /** The zones as they were at that moment. Its columns change in place; `zonesVersion` tells. */
  readonly past: ZoneModel | null;
  /** Open and active zones at that moment, and the order of closing; of no meaning while `moment` is null. */
  readonly pastResources: PastResources | null;
  readonly selected: number | null;
  readonly zoneResult: ZoneResult | null;
  readonly console: readonly ConsoleBlock[];
  readonly history: readonly string[];
  /** What is being done now, in words, or null. */
  readonly busy: string | null;
  readonly progress: Progress | null;
  readonly banners: readonly Banner[];
  readonly dialog: OpenDialog | null;
  /** Why the open dialog's last attempt failed. */
  readonly dialogFailure: FailureText | null;
  readonly theme: ThemeChoice;
  readonly units: UnitChoice;
  /** What is listed of the events. */
  readonly eventFilter: EventFilter;
  readonly tableView: TableView;
  readonly inspector: InspectorState;
  readonly crash: CrashState;
  readonly guest: GuestState;
  readonly workload: WorkloadState;
  readonly lessons: LessonsState;
}

export type AppStore = StoreApi<AppState>;

export const createAppStore = (): AppStore =>
  createStore<AppState>()(() => ({
    ready: false,
    library: { kind: "opfs", files: [], usage: null },
    attached: null,
    zonesVersion: 0,
    resources: null,
    eventsVersion: 0,
    moment: null,
    past: null,
    pastResources: null,
    selected: null,
    zoneResult: null,
    console: [],
    history: [],
    busy: null,
    progress: null,
    banners: [],
    dialog: null,
    dialogFailure: null,
    theme: loadThemeChoice(),
    units: loadUnitChoice(),
    eventFilter: NO_FILTER,
    tableView: WHOLE_TABLE,
    inspector: NO_INSPECTOR,
    crash: NO_CRASH,
    guest: NO_GUEST,
    workload: NO_WORKLOAD,
    lessons: NO_LESSONS,
  }));

/** Two banners about the same thing replace each other. */
export function bannerKey(banner: Banner): string {
  switch (banner.kind) {
    case "memory":
    case "update":
    case "outdated":
    case "full":
      return banner.kind;
    case "failure":
      return `failure ${banner.about}`;
    default:
      return `${banner.kind} ${banner.file}`;
  }
}
