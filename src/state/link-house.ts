/**
 * A link's own house: an engine whose files are in memory, the actions over it, and the player. Nothing here reaches the library of
 * this browser, another tab, or what the browser remembers; a name in the link means a file of this house or none.
 */
import type { EngineClient } from "../client/engine-client.ts";
import type { Failure } from "../protocol/index.ts";
import type { Link } from "../share/index.ts";
import { appOver } from "./app.ts";
import type { App } from "./app.ts";
import { createCore } from "./core.ts";
import { displayName, isLent, NO_HANDLE } from "./device.ts";
import { createPlayback } from "./playback.ts";
import type { Playback } from "./playback.ts";

/** The engine behind a link: one that can be ended with its files. */
export type LinkEngine = Pick<EngineClient, "start" | "onNotice" | "lend" | "giveBack" | "renew" | "dispose">;

export interface LinkHouse {
  readonly link: Link;
  readonly app: App;
  readonly playback: Playback;
  /** The attached disk as a file of its own, or why there is none. */
  exportDisk(): Promise<{ readonly file: File } | { readonly failure: Failure } | { readonly because: string }>;
  /** Ends everything: the worker with its files, what waits, what listens. */
  dispose(): void;
}

export function openLinkHouse(engine: LinkEngine, link: Link): LinkHouse {
  const core = createCore(engine, "memory");
  const dropGuest = (): void => {
    if (isLent(core)) void core.guest().then((guest) => guest.drop());
  };
  const playback = createPlayback(core, link, () => {
    dropGuest();
    engine.renew();
  });
  return {
    link,
    app: watched(appOver(core), () => playback.personActs()),
    playback,
    exportDisk: () =>
      core.serial("Saving", async () => {
        const { attached } = core.store.getState();
        if (attached === null || attached.handle === NO_HANDLE) return { because: "There is no disk to keep." };
        const { backingFile, dataFile, externalData } = attached.facts.image;
        // A copy without what it stands on would be half a disk.
        if (backingFile !== null || externalData) return { because: `${attached.file} stands on ${backingFile ?? dataFile ?? "another file"}, so it cannot be kept alone. Make one file of it first: qemu-img convert -O qcow2 ${attached.file} whole.qcow2` };
        const outcome = await core.perform("exportFile", { file: attached.file });
        if (!outcome.ok) return { failure: outcome.error };
        return { file: new File([outcome.value.source], displayName(attached.file)) };
      }),
    dispose: () => {
      dropGuest();
      playback.dispose();
      engine.dispose();
    },
  };
}

/** The actions with a word to the player before those that do something to disks: it lets the person go first. */
function watched(app: App, personActs: () => void): App {
  const noted = <Actions extends object>(actions: Actions, ...names: readonly (keyof Actions)[]): Actions => {
    const all = { ...actions };
    for (const name of names) {
      const act = actions[name] as (...given: unknown[]) => unknown;
      all[name] = ((...given: unknown[]) => {
        personActs();
        return act(...given);
      }) as Actions[typeof name];
    }
    return all;
  };
  return {
    ...app,
    console: noted(app.console, "run"),
    zones: noted(app.zones, "perform"),
    device: noted(app.device, "attach", "powerCycle"),
    time: noted(app.time, "fork"),
    lessons: noted(app.lessons, "start", "resume"),
    library: noted(app.library, "create", "openFiles", "editCopy", "duplicate", "rename", "remove"),
  };
}
