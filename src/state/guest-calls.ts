/**
 * What a guest asked of the attached disk, as the page hears of it: it goes onto the tape, and to whoever listens to what is done. Its events
 * come with the same notice, and wait for the next frame.
 */
import type { GuestCallName, RequestOf } from "../protocol/index.ts";
import type { Core, DeviceNotice } from "./core.ts";

/** Takes over the calls of a notice that no frame has taken over yet. @param before events of the log before those of the notice */
export function hearGuest(core: Core, { handle, events, calls }: DeviceNotice, before: number): void {
  for (const { name, request, outcome, leftOut, from, to } of calls) {
    const whole = { ...request, handle } as RequestOf<GuestCallName>;
    core.tape.heard(name, whole, outcome, before + from, before + to, { byGuest: true, leftOut });
    for (const listener of core.listeners) listener.called(name, whole, outcome, before + to);
  }
  const flush = events.findLastIndex(({ type }) => type === "flush");
  if (flush >= 0) core.tape.flushed(handle, before + flush + 1);
}
