/** What is left of a disk in memory when it begins anew: nothing. The engine was ended with its files; this is the page's part. */
import { newConsoleSettings } from "../command/console-settings.ts";
import type { Core } from "./core.ts";
import { NO_HANDLE } from "./device.ts";
import { NOTHING_KNOWN } from "./inspector-state.ts";

/** Inside a `serial` turn. The disk that was shown stays on view, without being open, until another is or it is forgotten. */
export async function clearNow(core: Core): Promise<void> {
  const { attached, inspector, eventsVersion, zonesVersion } = core.store.getState();
  core.notices.splice(0);
  core.tape.forget();
  core.events.clear();
  core.log.clear();
  core.lines = [];
  Object.assign(core.settings, newConsoleSettings());
  core.set({
    attached: attached === null ? null : { ...attached, handle: NO_HANDLE, snapshot: null },
    console: core.log.current(),
    moment: null,
    past: null,
    zoneResult: null,
    banners: [],
    inspector: { ...inspector, ...NOTHING_KNOWN, file: null, generation: inspector.generation + 1 },
    eventsVersion: eventsVersion + 1,
    zonesVersion: zonesVersion + 1,
  });
  await core.refreshLibrary();
}
