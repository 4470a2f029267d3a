/** Going through time: the moment that is shown, files of what happened, and a new image that begins at a moment. */
import type { Core } from "./core.ts";
import { attachAndTellNow, isLent, NO_HANDLE, tellOfChanges } from "./device.ts";
import { matches } from "./event-filter.ts";
import { stepOver } from "./history.ts";
import type { LogEvent } from "./history.ts";
import { freeName } from "./library.ts";
import { saveText } from "./save-file.ts";
import { blkzoneScript, ioScript, jsonLines } from "./scripts.ts";
import { play } from "./tape.ts";
import { differencesOf } from "./tape-differences.ts";

export type LogFormat = "jsonl" | "qemu-io" | "blkzone";

export interface TimeActions {
  /** Shows the moment after `position` events of the log; null, or the end, is now. */
  seek(position: number | null): void;
  /** Back or forward by events. */
  step(by: number): void;
  /** Whether the log reaches back to the image's creation, so that its commands make it again. */
  canFork(): boolean;
  /** Whether, and if not why not; in words. */
  aboutFork(): string;
  /** Makes the image anew, up to the moment that is shown, under a name of its own, and attaches it. */
  fork(): Promise<void>;
  /** Saves the listed events, or the commands up to the moment that is shown. */
  save(format: LogFormat): void;
}

export function createTimeActions(core: Core): TimeActions {
  const now = (): number => core.events.total;
  const shownMoment = (): number => core.store.getState().moment ?? now();

  const seek = (position: number | null): void => {
    const { attached, past, moment, zonesVersion, resources } = core.store.getState();
    const live = attached?.zones ?? null;
    if (live === null) return;
    const target = position === null ? now() : Math.max(core.events.forgotten, Math.min(now(), Math.round(position)));
    if (target >= now()) {
      if (moment !== null) core.set({ moment: null, past: null, zonesVersion: zonesVersion + 1 });
      return;
    }
    const model = past ?? live.copy();
    walk(core, model, moment ?? now(), target);
    model.replaced();
    const pastResources = resources === null ? null : core.orders.at(target, model, resources);
    core.set({ moment: target, past: model, pastResources, zonesVersion: zonesVersion + 1 });
  };

  const canFork = (): boolean => !isLent(core) && core.tape.complete && core.tape.created !== null && core.tape.file === core.store.getState().attached?.file;

  return {
    seek,
    step: (by) => seek(shownMoment() + by),
    canFork,
    aboutFork: () => {
      const { tape } = core;
      if (isLent(core)) return "Linux has the image, and a fork would take its place: detach Linux first";
      if (tape.created === null || tape.file !== core.store.getState().attached?.file) return "The log does not reach back to this image's creation, so it cannot be made again";
      if (tape.missed !== null) return `Since its creation the image was changed in a way that is not played again (${tape.missed})`;
      if (!canFork()) return "More was done since this image's creation than the log keeps, so it cannot be made again";
      const midst = tape.isWithin(shownMoment()) ? "; the one in whose midst this moment lies is carried out whole" : "";
      return [`Plays the commands up to this moment again into a new image${midst}`, ...differencesOf(tape, shownMoment())].join(". ");
    },
    fork: () => core.serial("Forking", () => forkNow(core, shownMoment())),
    save: (format) => {
      const { attached, eventFilter } = core.store.getState();
      if (attached === null) return;
      const stem = attached.file.replace(/^.*:/, "").replace(/\.qcow2$/, "");
      if (format === "jsonl") saveText(`${stem}-events.jsonl`, jsonLines(listed(core, (event) => matches(event, eventFilter))));
      else if (format === "qemu-io") saveText(`${stem}-qemu-io.sh`, ioScript(core.tape.until(shownMoment()), attached.file));
      else saveText(`${stem}-blkzone.sh`, blkzoneScript(core.tape.until(shownMoment())));
    },
  };
}

/** Leads the model from one position of the log to another. */
function walk(core: Core, model: Parameters<typeof stepOver>[0], from: number, to: number): void {
  const { events } = core;
  const first = events.forgotten;
  for (let position = from; position < to; position++) stepOver(model, events.at(position - first)!, 1);
  for (let position = from - 1; position >= to; position--) stepOver(model, events.at(position - first)!, -1);
}

function* listed(core: Core, wanted: (event: LogEvent) => boolean): Generator<LogEvent> {
  const { events } = core;
  for (let index = 0; index < events.length; index++) {
    const event = events.at(index)!;
    if (wanted(event)) yield event;
  }
}

async function forkNow(core: Core, moment: number): Promise<void> {
  const { created, file } = core.tape;
  if (created === null || file === null || !core.tape.complete || isLent(core)) return;
  // The tape begins anew with the image that is made.
  const entries = core.tape.until(moment);
  const different = differencesOf(core.tape, moment);
  const name = freeName(file.replace(/(-fork(-\d+)?)?(\.qcow2)?$/, "-fork.qcow2"), core.store.getState().library.files.map((entry) => entry.name));
  const made = await core.perform("create", { file: name, options: created });
  if (!made.ok) return core.tell(name, made.error);
  if (!(await attachAndTellNow(core, name))) return;
  let shown = 0;
  for (const [index, { call }] of entries.entries()) {
    const { attached } = core.store.getState();
    if (attached === null || attached.handle === NO_HANDLE || attached.file !== name) return;
    const outcome = await play(call, attached.handle, core.perform);
    // What was refused then is refused now; only what stops the work is told.
    if (!outcome.ok && outcome.error.kind === "cancelled") return core.tell(name, outcome.error);
    if (performance.now() - shown > 100) {
      shown = performance.now();
      core.set({ progress: { label: `Forking into ${name}`, fraction: index / entries.length } });
    }
  }
  core.log.write(`${entries.length} ${entries.length === 1 ? "command" : "commands"} played again into ${name}, which is attached now\n${different.map((sentence) => `${sentence}.\n`).join("")}`, "explain");
  core.set({ console: core.log.current() });
  // What the last of them changed is taken over with the frame.
  await core.frame.next();
  tellOfChanges(core);
}
