/**
 * What every action needs: the engine behind one port, the store, the frame, and the order of things. One action of the person
 * runs at a time; what they ask for meanwhile waits its turn.
 */
import type { EngineClient, StartedCall } from "../client/engine-client.ts";
import { newConsoleSettings } from "../command/console-settings.ts";
import type { ConsoleSettings } from "../command/console-settings.ts";
import type { CallName, EngineHome, Failure, Notice, Outcome, Perform, RequestOf, Resources } from "../protocol/index.ts";
import { ClosingOrders } from "./closing-orders.ts";
import { ConsoleLog } from "./console-log.ts";
import { isFull, textOf } from "./failure-text.ts";
import { hearCall } from "./flush-failures.ts";
import { createFrame } from "./frame.ts";
import type { Frame } from "./frame.ts";
import type { GuestActions } from "./guest.ts";
import { GUEST_NOT_LOADED } from "./guest-state.ts";
import type { LogEvent } from "./history.ts";
import { Ring } from "./ring.ts";
import { Waits } from "./waits.ts";
import { bannerKey, createAppStore } from "./store.ts";
import type { AppState, AppStore, Banner } from "./store.ts";
import { Tape } from "./tape.ts";

/** The engine as the actions see it; the client is one, a test's double another. */
export type EnginePort = Pick<EngineClient, "start" | "onNotice" | "lend" | "giveBack">;

export type DeviceNotice = Extract<Notice, { notice: "device" }>;

/** Events kept in the page; older ones are forgotten. */
export const EVENT_LIMIT = 100_000;

/**
 * Hears what the person's actions come to, after it was done: each call, those of a guest too, and a line as a whole with the calls it
 * made before it.
 */
export interface ActionListener {
  /** @param to events of the log with the call */
  called<Name extends CallName>(name: Name, request: RequestOf<Name>, outcome: Outcome<Name>, to: number): void;
  lineBegan(): void;
  lineEnded(line: string, status: number): void;
}

export interface Core {
  readonly store: AppStore;
  /** Where the files are: in memory they are a link's, and nothing of them is remembered. */
  readonly home: EngineHome;
  readonly frame: Frame;
  readonly log: ConsoleLog;
  /** How this app's console talks. */
  readonly settings: ConsoleSettings;
  /** What waits by the clock, such as the command sleep. */
  readonly waits: Waits;
  /** Set while what runs is to end: its calls are refused as cancelled. */
  stopping: boolean;
  readonly events: Ring<LogEvent>;
  /** The calls that made the attached image what it is. */
  readonly tape: Tape;
  /** Who would have been closed next at any moment of the events. */
  readonly orders: ClosingOrders;
  /** Every line that was run, by whatever means, oldest first. */
  lines: readonly string[];
  /** What the engine told of devices and no frame has taken over yet. */
  readonly notices: DeviceNotice[];
  /** Resources as they were told last; the state's follow when words are due. */
  latestResources: Resources | null;
  /** When the state last told of changes, and whether it will. */
  wordsAt: number;
  wordsPending: boolean;
  /** When a frame last had as many events as a storm has. */
  stormAt: number;
  tellOfChanges: () => void;
  readonly port: EnginePort;
  /** One call; the library list is refreshed after a call that changed it. */
  readonly perform: Perform;
  readonly listeners: Set<ActionListener>;
  /** Handles of which a flush is on its way that the page asked for, after one had failed. */
  readonly flushesAsked: Set<number>;
  /** Events that the attached device ever told of, those among them that no frame has taken over yet. */
  readonly position: () => number;
  /** The call that is under way, by which its progress is known and by which it is cancelled. */
  underWay: StartedCall<CallName> | null;
  /** Runs `task` when everything asked for before it is done; `label` says meanwhile what is going on. */
  serial<Value>(label: string, task: () => Promise<Value>): Promise<Value>;
  set(state: Partial<AppState>): void;
  /** What is done with a guest; loaded when one is wanted first. Rejects where it cannot be loaded, which the state's guest tells. */
  readonly guest: () => Promise<GuestActions>;
  addBanner(banner: Banner): void;
  dropBanner(key: string): void;
  /** Shows a failure that belongs to no panel. */
  tell(about: string, failure: Failure): void;
  /** Shows that there is no room for something, and the way to make some. @param about what it was for; null where a panel says it */
  tellFull(about: string | null, why: string): void;
  /** Takes away what was told of earlier attempts: the person is at something new. */
  dropFailures(): void;
  refreshLibrary(): Promise<void>;
}

/** Calls after which the list of files is another one. */
const LIBRARY_CALLS: ReadonlySet<CallName> = new Set<CallName>(["create", "createRaw", "copy", "rename", "remove"]);
/** Of these, those that make a file worth keeping: the browser is then asked not to evict it. */
const MAKING_CALLS: ReadonlySet<CallName> = new Set<CallName>(["create", "createRaw", "copy"]);

export function createCore(port: EnginePort, home: EngineHome = "library"): Core {
  const store = createAppStore();
  const set = (state: Partial<AppState>): void => store.setState(state);
  let last: Promise<unknown> = Promise.resolve();
  let askedToPersist = false;
  let guest: Promise<GuestActions> | null = null;
  /** It is asked for again the next time. */
  const guestNotLoaded = (thrown: unknown): never => {
    guest = null;
    set({ guest: { ...store.getState().guest, failure: GUEST_NOT_LOADED } });
    throw thrown;
  };

  const refreshLibrary = async (): Promise<void> => {
    const outcome = await port.start("listFiles", {}).outcome;
    if (outcome.ok) set({ library: outcome.value });
  };

  /** How many events there were, with those that no frame has taken over yet. */
  const position = (): number => core.notices.reduce((sum, notice) => sum + (notice.handle === store.getState().attached?.handle ? notice.events.length : 0), core.events.total);

  const perform = async <Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<Outcome<Name>> => {
    const from = position();
    const started = port.start(name, request);
    core.underWay = started;
    const result = await started.outcome;
    if (core.underWay === started) core.underWay = null;
    const to = position();
    core.tape.heard(name, request, result, from, to);
    for (const listener of core.listeners) listener.called(name, request, result, to);
    hearCall(core, name, request, result);
    if (!result.ok && isFull(result.error) && hasQuota()) tellFull(null, textOf(result.error).why);
    if (result.ok && LIBRARY_CALLS.has(name)) {
      if (MAKING_CALLS.has(name) && home === "library" && !askedToPersist) {
        askedToPersist = true;
        // Not waited for: a browser may ask the person, who may never answer.
        void requestPersistence().then(refreshLibrary);
      }
      await refreshLibrary();
    }
    return result;
  };

  let asked = 0;
  const serial = <Value>(label: string, task: () => Promise<Value>): Promise<Value> => {
    const run = async (): Promise<Value> => {
      set({ busy: label });
      try {
        return await task();
      } finally {
        asked--;
        set({ busy: null, progress: null });
      }
    };
    // With nothing before it, it begins at once: the engine is at work while the page still draws what the click changed.
    const turn = asked++ === 0 ? run() : last.then(run);
    last = turn.catch(() => undefined);
    return turn;
  };

  const addBanner = (banner: Banner): void => {
    const key = bannerKey(banner);
    set({ banners: [...store.getState().banners.filter((other) => bannerKey(other) !== key), banner] });
  };

  /** Whether what is kept here counts against what the browser gives: not in a link's house, and not beside a remote image. */
  const hasQuota = (): boolean => home === "library" && store.getState().library.usage !== null;
  const tellFull = (about: string | null, why: string): void => {
    addBanner({ kind: "full", about, why });
    // It tells how much is used.
    void refreshLibrary();
  };

  const core: Core = {
    store,
    home,
    frame: createFrame(),
    log: new ConsoleLog(),
    settings: newConsoleSettings(),
    waits: new Waits(),
    stopping: false,
    events: new Ring(EVENT_LIMIT),
    tape: new Tape(),
    orders: new ClosingOrders(),
    lines: [],
    notices: [],
    latestResources: null,
    wordsAt: 0,
    wordsPending: false,
    stormAt: -Infinity,
    tellOfChanges: () => undefined,
    port,
    perform,
    listeners: new Set(),
    flushesAsked: new Set(),
    position,
    underWay: null,
    serial,
    set,
    guest: () => (guest ??= import("./guest.ts").then(({ createGuestActions }) => createGuestActions(core)).catch(guestNotLoaded)),
    addBanner,
    dropBanner: (key) => set({ banners: store.getState().banners.filter((banner) => bannerKey(banner) !== key) }),
    tell: (about, failure) => (isFull(failure) && hasQuota() ? tellFull(about, textOf(failure).why) : addBanner({ kind: "failure", about, text: textOf(failure) })),
    tellFull,
    dropFailures: () => set({ banners: store.getState().banners.filter(({ kind }) => kind !== "failure" && kind !== "full") }),
    refreshLibrary,
  };
  return core;
}

/** Asks the browser to keep the library even when space runs short. Whatever it answers shows in the usage. */
async function requestPersistence(): Promise<void> {
  try {
    await navigator.storage.persist();
  } catch {
    // Not offered here (no secure context, or a private window): the library is as lasting as the browser makes it.
  }
}
