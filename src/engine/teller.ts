/** Tells of devices what changed on them, by notice: at once, or, while calls come faster than anybody can look, once a frame. */
import type { Notice } from "../protocol/index.ts";
import type { OpenImage } from "./open-image.ts";

/** A frame, and a little less. */
const TELL_EVERY_MS = 12;

export class Teller {
  private readonly notify: (notice: Notice) => void;
  /** Milliseconds since 1970. */
  private readonly now: () => number;
  /** Devices of which changes may not have been told yet, and when some were last. */
  private readonly untold = new Set<OpenImage>();
  private toldAtMs = 0;

  constructor(notify: (notice: Notice) => void, now: () => number) {
    this.notify = notify;
    this.now = now;
  }

  /**
   * Something may have changed on a device. While more calls wait, not more often than one frame: what comes in a storm is told
   * together, and the last of the calls that wait has the rest told.
   */
  changed(image: OpenImage, moreWait: boolean): void {
    if (!image.isWatched) return;
    this.untold.add(image);
    const now = this.now();
    if (moreWait && Math.abs(now - this.toldAtMs) < TELL_EVERY_MS) return;
    this.toldAtMs = now;
    this.tellAll();
  }

  /** Tells whatever was not told yet. */
  tellAll(): void {
    if (this.untold.size === 0) return;
    for (const each of this.untold) {
      const changes = each.takeChanges();
      if (changes !== null) this.notify({ notice: "device", handle: each.handle, ...changes });
    }
    this.untold.clear();
  }
}
