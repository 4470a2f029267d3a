/** What the page shows of the guest, as data: whether there is one, which images are its disks, how far it is, and how the last one ended. */
import type { FailureText } from "./failure-text.ts";

/**
 * loading: its files come. booting: it is switched on and has no prompt yet. up: it had one. detaching: it was told to power off.
 */
export type GuestPhase = "off" | "loading" | "booting" | "up" | "detaching";

export interface GuestState {
  readonly phase: GuestPhase;
  /** Images by the name that Linux has for them: the first is /dev/vda. */
  readonly disks: readonly string[];
  /** While loading: bytes of all its files together. */
  readonly loadedBytes: number;
  readonly totalBytes: number;
  /** From switching on to the first prompt; null before. */
  readonly bootMs: number | null;
  /** How the last guest ended, a sentence; null where none did, or another is here. */
  readonly ended: string | null;
  /** Why there is none, or why it ended by itself. */
  readonly failure: FailureText | null;
}

export const NO_GUEST: GuestState = { phase: "off", disks: [], loadedBytes: 0, totalBytes: 0, bootMs: null, ended: null, failure: null };

/** Linux's name for a disk by its place. */
export const diskName = (index: number): string => `/dev/vd${String.fromCharCode(0x61 + index)}`;
