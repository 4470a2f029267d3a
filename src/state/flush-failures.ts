/**
 * Strips that tell of flushes that failed: one goes when a flush of the same device has come off, for then everything acknowledged is on the
 * disk. An image without zones tells of no flush that nobody asked for, so that the page asks for one when anything else has come off: what
 * was in the way may be gone, as when an image was deleted to make room.
 */
import type { CallName, Outcome, RequestOf } from "../protocol/index.ts";
import type { Core } from "./core.ts";
import { bannerKey } from "./store.ts";

/** Calls that end with everything of their device on the disk. */
const FLUSHING: ReadonlySet<CallName> = new Set<CallName>(["flush", "powerCycle", "close"]);

/** Takes away what was told of failed flushes of a device. */
export function flushCameOff(core: Core, handle: number): void {
  for (const banner of core.store.getState().banners) {
    if (banner.kind === "flush-failed" && banner.handle === handle) core.dropBanner(bannerKey(banner));
  }
}

/** One at a time: a workload on a full disk makes calls by the thousand. */
async function askForFlush(core: Core, handle: number): Promise<void> {
  core.flushesAsked.add(handle);
  const flushed = await core.port.start("flush", { handle }).outcome;
  core.flushesAsked.delete(handle);
  if (flushed.ok) flushCameOff(core, handle);
}

/** Hears what a call came to. */
export function hearCall<Name extends CallName>(core: Core, name: Name, request: RequestOf<Name>, { ok }: Outcome<Name>): void {
  if (!ok) return;
  for (const banner of core.store.getState().banners) {
    if (banner.kind !== "flush-failed") continue;
    const { handle } = banner;
    if (FLUSHING.has(name) && "handle" in request && request.handle === handle) flushCameOff(core, handle);
    else if (!core.flushesAsked.has(handle)) void askForFlush(core, handle);
  }
}
