/**
 * How qemu-io drives an image that it opens: cache, discard and aio modes, copy-on-read, a temporary snapshot. The words are
 * checked as QEMU does. Which host calls are made is the platform's affair, so that of the cache modes only one thing is left:
 * whether a write is durable when its command returns. QEMU has that by default; here it has to be asked for, with
 * `-t writethrough` or `-t directsync`, and otherwise a write is durable at the next flush.
 */
import type { GivenOption } from "./getopt.ts";

export interface IoModes {
  /** Every write is flushed before its command returns. */
  readonly writethrough: boolean;
  /** Discards are carried out, and writes of zeros may give space back. */
  readonly unmap: boolean;
  /** What is read from a backing file is kept in the image. */
  readonly copyOnRead: boolean;
  /** Writes go to a place that is gone when the image is closed. */
  readonly temporary: boolean;
}

export const USUAL_MODES: IoModes = { writethrough: false, unmap: true, copyOnRead: false, temporary: false };

/** QEMU's cache modes, and whether each makes every write durable. */
const CACHE_MODES: ReadonlyMap<string, boolean> = new Map([
  ["none", false],
  ["off", false],
  ["directsync", true],
  ["writeback", false],
  ["unsafe", false],
  ["writethrough", true],
]);
const DISCARD_MODES: ReadonlyMap<string, boolean> = new Map([
  ["ignore", false],
  ["off", false],
  ["unmap", true],
  ["on", true],
]);
const AIO_MODES = ["threads", "native", "io_uring"];

/** The modes after one more option; a string is QEMU's complaint about its value. An option that is no mode changes nothing. */
export function withMode(modes: IoModes, { flag, value }: GivenOption): IoModes | string {
  switch (flag) {
    case "t": {
      const writethrough = CACHE_MODES.get(value);
      return writethrough === undefined ? `Invalid cache option: ${value}` : { ...modes, writethrough };
    }
    case "n":
      return { ...modes, writethrough: false };
    case "d": {
      const unmap = DISCARD_MODES.get(value);
      return unmap === undefined ? `Invalid discard option: ${value}` : { ...modes, unmap };
    }
    case "i":
      return AIO_MODES.includes(value) ? modes : `Invalid aio option: ${value}`;
    case "C":
      return { ...modes, copyOnRead: true };
    case "s":
      return { ...modes, temporary: true };
    default:
      return modes;
  }
}
