/** What the page shows of the guest, as data: whether there is one, which images are its disks, how far it is, and how the last one ended. */
import type { FailureText } from "./failure-text.ts";

/**
 * loading: its files come. booting: it is switched on and has no prompt yet. up: it had one. detaching: it was told to power off.
 */
export type GuestPhase = "off" | "loading" | "booting" | "up" | "detaching";

/** A ready-made session that is under way. */
export interface ShownSession {
  readonly name: string;
  readonly title: string;
  /** How many lines it has, and which of them comes next; the number of them when all were typed. */
  readonly lines: number;
  readonly at: number;
  /** What the line shows, said before it is typed. */
  readonly says: string;
  readonly line: string;
  /** The line was typed, and the shell has not come back. */
  readonly running: boolean;
  /** The lines are typed by themselves. */
  readonly playing: boolean;
}

export interface GuestState {
  readonly phase: GuestPhase;
  /** Images by the name that Linux has for them: the first is /dev/vda. */
  readonly disks: readonly string[];
  /** Handles of those that it may write. */
  readonly writable: readonly number[];
  /** While loading: bytes of all its files together. */
  readonly loadedBytes: number;
  readonly totalBytes: number;
  /** From switching on to the first prompt; null before. */
  readonly bootMs: number | null;
  /** The session that is chosen before there is a machine, by its name: a link names one. */
  readonly chosen: string;
  readonly session: ShownSession | null;
  /** How the last guest ended, a sentence; null where none did, or another is here. */
  readonly ended: string | null;
  /** Why there is none, or why it ended by itself. */
  readonly failure: FailureText | null;
}

export const NO_GUEST: GuestState = { phase: "off", disks: [], writable: [], loadedBytes: 0, totalBytes: 0, bootMs: null, chosen: "", session: null, ended: null, failure: null };

/** What is told where the actions of a guest could not be loaded. */
export const GUEST_NOT_LOADED: FailureText = { title: "Linux could not be loaded", why: "This part of the program did not come.", instead: "Look whether there is a network, and reload the page.", names: null };

/** Linux's name for a disk by its place. */
export const diskName = (index: number): string => `/dev/vd${String.fromCharCode(0x61 + index)}`;
