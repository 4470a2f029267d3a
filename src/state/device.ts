/**
 * The attached image: attaching, letting go, power cycles, and following what the engine tells of it. Functions ending in `Now`
 * expect to be inside a `serial` turn already.
 */
import { assert, assertNever } from "../base/assert.ts";
import { ADOPTED_PREFIX, LENT } from "../protocol/index.ts";
import type { DeviceSnapshot, Failure, SnapshotFacts } from "../protocol/index.ts";
import type { Core } from "./core.ts";
import { hearGuest } from "./guest-calls.ts";
import { difference, untold } from "./history.ts";
import type { PatchEvent, ZonePatch } from "./history.ts";
import { NOTHING_KNOWN } from "./inspector-state.ts";
import { isFull, textOf } from "./failure-text.ts";
import { flushCameOff } from "./flush-failures.ts";
import type { Attached } from "./store.ts";
import { keep, readKept } from "./theme.ts";
import { ZoneModel } from "./zone-model.ts";

const LAST_KEY = "zonescope.last-image";

/** The image that was attached when the page was last open. */
export const lastImage = (): string | null => readKept(LAST_KEY);

export const isDropped = (file: string): boolean => file.startsWith(ADOPTED_PREFIX);

/** The name as people see it. */
export const displayName = (file: string): string => (isDropped(file) ? file.slice(ADOPTED_PREFIX.length) : file);

/** Shows a device that was just opened or power cycled; the selection stays where it is when the zone is still there. */
export function show(core: Core, handle: number, file: string, snapshot: DeviceSnapshot, viewed: SnapshotFacts | null): void {
  // What was told before the snapshot belongs to the columns before it.
  applyNotices(core);
  const { zones, facts, resources } = snapshot;
  core.latestResources = resources;
  const model = zones === null || facts.zoned === null ? null : new ZoneModel(facts.zoned.geometry, zones);
  const before = core.store.getState();
  const same = before.attached?.file === file;
  const attached: Attached = { handle, file, facts, snapshot: viewed, zones: model };
  // The first zone with a write pointer is where there is something to do.
  let selected = model === null || model.count === 0 ? null : Math.min(model.geometry.conventionalZones, model.count - 1);
  if (same && model !== null && before.selected !== null && before.selected < model.count) selected = before.selected;
  const created = core.tape.file === file && core.tape.created !== null && core.tape.entries.length === 0;
  if (core.tape.file !== file) core.tape.begin(file);
  if (!same || created) {
    core.events.clear();
    core.orders.clear();
  } else tellOfReopening(core, before.attached?.zones ?? null, model);
  if (resources !== null) core.orders.note(core.events.total, resources);
  const { inspector } = before;
  core.set({
    attached,
    inspector: same ? inspector : { ...inspector, ...NOTHING_KNOWN, file, generation: inspector.generation + 1 },
    resources,
    selected,
    moment: null,
    past: null,
    zonesVersion: before.zonesVersion + 1,
    eventsVersion: before.eventsVersion + 1,
    zoneResult: same ? before.zoneResult : null,
  });
}

/** What changed between letting go of an image and having it again is an event of the log too. */
function tellOfReopening(core: Core, before: ZoneModel | null, after: ZoneModel | null): void {
  if (before === null || after === null || before.count !== after.count) return;
  const patch = difference(before, after);
  if (patch !== null) core.events.push(patchEvent(core, "reopened", patch));
}

const patchEvent = (core: Core, reason: PatchEvent["reason"], patch: ZonePatch): PatchEvent => {
  const last = core.events.at(core.events.length - 1);
  return { type: "patch", seq: (last?.seq ?? 0) + 1, timeMs: Date.now(), reason, patch };
};

/**
 * Opens and watches an image and shows it. What was attached is let go only when the new one is open, so a file that cannot be
 * opened takes nothing away. The failure is returned, and not yet shown.
 */
export async function attachNow(core: Core, file: string, snapshot: SnapshotFacts | null = null): Promise<Failure | null> {
  if (isLent(core)) return LENT;
  if (core.store.getState().attached?.file === file) await detachNow(core);
  // A file of this machine is taken as what it is offered as, an image, and never as a raw disk that happens to be a letter.
  const part = snapshot === null ? {} : { snapshot: { id: snapshot.id, name: snapshot.name } };
  const opened = await core.perform("open", { file, readOnly: isDropped(file) || snapshot !== null, format: isDropped(file) ? "qcow2" : null, watch: true, ...part });
  if (!opened.ok) return opened.error;
  const { handle, snapshot: whole } = opened.value;
  assert(whole !== undefined, "an image that is opened to be watched is told whole");
  // Shown at once: the old one is flushed and closed meanwhile.
  const closing = detachNow(core);
  show(core, handle, file, whole, snapshot);
  await closing;
  core.dropBanner(`in-use ${file}`);
  core.dropBanner(`taken-over ${file}`);
  if (!isDropped(file) && core.home === "library") keep(LAST_KEY, file);
  return null;
}

/** Shows the attached device anew, whole: after a change that no notice tells of, such as other rules. */
export async function refreshNow(core: Core): Promise<void> {
  const { attached } = core.store.getState();
  if (attached === null || attached.handle === NO_HANDLE) return;
  const watched = await core.perform("watch", { handle: attached.handle });
  if (watched.ok) show(core, attached.handle, attached.file, watched.value, attached.snapshot);
}

/** Whether a guest has the attached image: it stays attached until the guest is gone. */
export const isLent = (core: Core): boolean => core.store.getState().guest.phase !== "off";

/** Flushes and lets go of the attached image. What is shown stays until something else is, or `forgetNow`. */
export async function detachNow(core: Core): Promise<void> {
  const { attached } = core.store.getState();
  if (attached === null || attached.handle === NO_HANDLE) return;
  if (isLent(core)) return core.tell(displayName(attached.file), LENT);
  core.set({ attached: { ...attached, handle: NO_HANDLE } });
  const closed = await core.perform("close", { handle: attached.handle });
  if (!closed.ok) core.tell(attached.file, closed.error);
}

/** The handle of an image that is shown and not open: between the detach and the attach of a console line. */
export const NO_HANDLE = -1;

/** Shows no image. */
export function forgetNow(core: Core): void {
  core.events.clear();
  core.tape.file = null;
  const { eventsVersion, zonesVersion, inspector } = core.store.getState();
  core.set({ attached: null, inspector: { ...inspector, ...NOTHING_KNOWN, file: null, generation: inspector.generation + 1 }, resources: null, selected: null, moment: null, past: null, zoneResult: null, eventsVersion: eventsVersion + 1, zonesVersion: zonesVersion + 1 });
}

/** attachNow, and tells of a failure where it belongs. True when the image is attached. */
export async function attachAndTellNow(core: Core, file: string, snapshot: SnapshotFacts | null = null): Promise<boolean> {
  const failure = await attachNow(core, file, snapshot);
  if (failure === null) return true;
  if (failure.kind === "file" && failure.code === "in-use") core.addBanner({ kind: "in-use", file });
  else core.tell(displayName(file), failure);
  if (core.store.getState().attached?.handle === NO_HANDLE) forgetNow(core);
  return false;
}

export interface DeviceActions {
  attach(file: string): Promise<boolean>;
  powerCycle(): Promise<void>;
  /** Asks the tab that has the image to let go, then attaches it. */
  takeOver(file: string): Promise<void>;
  select(zone: number): void;
}

export function createDeviceActions(core: Core): DeviceActions {
  const attach = (file: string): Promise<boolean> => core.serial("Opening", () => {
      core.dropFailures();
      return attachAndTellNow(core, file);
    });
  return {
    attach,
    powerCycle: () =>
      core.serial("Power cycle", async () => {
        const { attached } = core.store.getState();
        if (attached === null || attached.handle === NO_HANDLE) return;
        const outcome = await core.perform("powerCycle", { handle: attached.handle });
        if (outcome.ok) show(core, attached.handle, attached.file, outcome.value, attached.snapshot);
        else core.tell(attached.file, outcome.error);
      }),
    takeOver: (file) =>
      core.serial("Taking over", async () => {
        const outcome = await core.perform("takeOver", { file });
        if (outcome.ok) await attachAndTellNow(core, file);
        else core.tell(file, outcome.error);
      }),
    select: (zone) => core.set({ selected: zone }),
  };
}

/** In a storm the columns follow in every frame, and what is written in words at most this often. */
const WORDS_EVERY_MS = 400;
/** Events in one frame from which on it is a storm: more than anyone can follow by reading. 10,000 a second are 170 a frame. */
const STORM = 20;

/** Takes over what the engine told since the last time, all at once. */
export function applyNotices(core: Core): void {
  const { attached } = core.store.getState();
  const notices = core.notices.splice(0);
  let told = 0;
  let changed = false;
  for (const notice of notices) {
    if (attached === null || notice.handle !== attached.handle) continue;
    changed = true;
    const patch = attached.zones === null ? null : untold(attached.zones, notice.events, notice.changes);
    attached.zones?.apply(notice.changes);
    core.latestResources = notice.resources;
    for (const event of notice.events) core.events.push(event);
    if (patch !== null) core.events.push(patchEvent(core, "left-out", patch));
    core.orders.note(core.events.total, notice.resources);
    told += notice.events.length;
  }
  if (!changed) return;
  const now = performance.now();
  if (told >= STORM) core.stormAt = now;
  // A frame with little to tell in the midst of a storm is of the storm too: calls come in bursts.
  if (now - core.stormAt >= WORDS_EVERY_MS) tellOfChanges(core);
  else if (!core.wordsPending) {
    core.wordsPending = true;
    const tell = (): void => {
      if (core.wordsPending) core.tellOfChanges();
    };
    window.setTimeout(() => core.frame.request(tell), Math.max(0, core.wordsAt + WORDS_EVERY_MS - now));
  }
}

/** Has everything that shows zones or events in words look again. */
export function tellOfChanges(core: Core): void {
  const { zonesVersion, eventsVersion, moment } = core.store.getState();
  core.wordsAt = performance.now();
  core.wordsPending = false;
  // A moment that the log has forgotten cannot be shown any more.
  const lost = moment !== null && moment < core.events.forgotten;
  core.set({ resources: core.latestResources, zonesVersion: zonesVersion + 1, eventsVersion: eventsVersion + 1, ...(lost ? { moment: null, past: null } : {}) });
}

/** Listens to the engine; what changes a device is shown in the next frame. */
export function followNotices(core: Core): void {
  const apply = (): void => applyNotices(core);
  core.tellOfChanges = () => tellOfChanges(core);
  core.port.onNotice((notice) => {
    switch (notice.notice) {
      case "device":
        if (notice.handle === core.store.getState().attached?.handle) hearGuest(core, notice, core.position());
        if (notice.events.some(({ type }) => type === "flush")) flushCameOff(core, notice.handle);
        // A guest's reads change nothing that is shown.
        if (notice.events.length === 0 && notice.changes.zone.length === 0) return;
        core.notices.push(notice);
        core.frame.request(apply);
        return;
      case "taken-over":
        if (core.store.getState().attached?.handle === notice.handle) forgetNow(core);
        core.addBanner({ kind: "taken-over", file: notice.file });
        return;
      case "flush-failed":
        core.addBanner({ kind: "flush-failed", handle: notice.handle, file: notice.file, text: textOf(notice.failure), full: isFull(notice.failure) });
        return;
      case "progress": {
        if (core.underWay?.id !== notice.id) return;
        const { progress, busy } = core.store.getState();
        core.set({ progress: { label: progress?.label ?? busy ?? "Working", fraction: notice.fraction } });
        return;
      }
      default:
        assertNever(notice);
    }
  });
}
