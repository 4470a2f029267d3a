/**
 * What goes between the page, the engine's worker and the guest's worker while a guest has a disk. The page introduces the two to each
 * other by a MessagePort and then hears of the guest only what its terminal says and how it ends; requests of the disk never pass it.
 */
import type { CallName, Outcome, RequestOf } from "./calls.ts";
import type { Failure } from "./failures.ts";
import type { DeviceFacts } from "./snapshot.ts";

/** All that a block device needs of the engine. */
export const GUEST_CALLS = ["read", "write", "append", "flush", "report", "manage"] as const satisfies readonly CallName[];
export type GuestCallName = (typeof GUEST_CALLS)[number];

/** Page to the engine's worker: these open images are a guest's from now on, and its requests come by the port. */
export interface LendMessage {
  readonly lend: readonly number[];
  readonly port: MessagePort;
}
/** Page to the engine's worker: the guest is gone; what still comes from it is not heard. */
export interface GiveBackMessage {
  readonly giveBack: true;
}

/** The guest's worker to the engine's, over the port. */
export interface GuestCallMessage<Name extends GuestCallName = GuestCallName> {
  readonly id: number;
  readonly name: Name;
  readonly request: RequestOf<Name>;
}
/** The answer to it. */
export interface GuestReplyMessage<Name extends GuestCallName = GuestCallName> {
  readonly id: number;
  readonly outcome: Outcome<Name>;
}

/** Bytes that are told as they are of what a guest wrote to one open image; beyond, only where and how much. */
export const MOST_TOLD_BYTES = 64 * 2 ** 20;
/** The byte that stands for each that was not told. */
export const LEFT_OUT_BYTE = 0xcd;

/** A call that a guest made of its disk, as the page is told of it. */
export type ToldCall = {
  [Name in GuestCallName]: {
    readonly name: Name;
    /** Bytes that are all one stand there as a pattern. */
    readonly request: Omit<RequestOf<Name>, "handle">;
    /** Without what was read or reported. */
    readonly outcome: Outcome<Name>;
  };
}[GuestCallName] & {
  /** It wrote other bytes than the request has: they were too many, and LEFT_OUT_BYTE stands for each. */
  readonly leftOut: boolean;
  /** The events of the notice that the call made are those in [from, to). */
  readonly from: number;
  readonly to: number;
};

/** A disk of the guest: an image that is open in the engine, and what was told of it. */
export interface GuestDisk {
  readonly handle: number;
  readonly facts: DeviceFacts;
}

/** A file that a machine is made of, beside the page. */
export interface GuestFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** What a machine is to have. */
export interface GuestParts {
  /** /dev/vda, /dev/vdb. */
  readonly disks: readonly GuestDisk[];
  readonly memoryBytes: number;
  /** Names of files that are unpacked behind the initial file system. */
  readonly extras: readonly string[];
}

/** Page to the guest's worker. */
export type GuestCommand =
  | { readonly command: "start"; readonly parts: GuestParts; readonly port: MessagePort }
  /** Typed into the terminal. */
  | { readonly command: "type"; readonly bytes: Uint8Array };

/** Why there is no machine, or none any more. */
export type GuestProblem =
  /** WebAssembly, workers, or checksums, which browsers offer to pages of https and of this machine alone. */
  | { readonly code: "browser"; readonly lacks: "webassembly" | "workers" | "checksums" }
  /** status null: the server was not reached. */
  | { readonly code: "fetch"; readonly file: string; readonly status: number | null }
  | { readonly code: "checksum"; readonly file: string }
  /** The machine itself broke: a defect of it or of this program. */
  | { readonly code: "machine"; readonly detail: string };

/** The guest's worker to the page. */
export type GuestNotice =
  | { readonly notice: "loading"; readonly file: string; readonly loadedBytes: number; readonly totalBytes: number }
  /** Everything is there, and the machine is switched on. */
  | { readonly notice: "running" }
  /** From the serial line. */
  | { readonly notice: "serial"; readonly bytes: Uint8Array }
  /** It powered itself off; every request it made was answered. */
  | { readonly notice: "off" }
  | { readonly notice: "failed"; readonly problem: GuestProblem };

/** Calls that leave a device and its file as they are: what may be asked of a disk that a guest has. */
const LOOKS: ReadonlySet<CallName> = new Set<CallName>(["facts", "watch", "read", "flush", "report", "zoneSteps", "map", "listSnapshots", "check", "measure", "compare"]);

/**
 * Why a call must not be made while a guest has disks: it would write one of them, manage it or take it away.
 * @returns null for a call that may
 */
export function lentRefusal(lent: ReadonlySet<number>, name: CallName, request: object): Failure | null {
  if (lent.size === 0 || LOOKS.has(name)) return null;
  const { handle, target } = request as { readonly handle?: unknown; readonly target?: unknown };
  return [handle, target].some((touched) => typeof touched === "number" && lent.has(touched)) ? LENT : null;
}

/** What is told of every such call. */
export const LENT: Failure = { kind: "usage", code: "lent", detail: "a Linux guest has the image as its disk, and two would write to it" };
