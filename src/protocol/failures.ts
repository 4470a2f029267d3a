/**
 * Every way in which a call can fail, as plain data that crosses a worker whole. Prose is made of it in command/explain.ts and
 * command/strerror.ts, nowhere else.
 */
import type { ImageProblem, StoreProblem, UnsupportedProblem } from "../base/fault.ts";
import type { FileProblem } from "../bytes/file-space.ts";
import type { RemoteProblem } from "../bytes/range-probe.ts";
import type { BitmapProblem } from "../qcow2/bitmaps.ts";
import type { SnapshotProblem } from "../qcow2/snapshots.ts";
import type { ZoneRefusal } from "../zoned/refusal.ts";
import type { AmendProblem } from "./amend.ts";
import type { SourceProblem } from "./source-names.ts";

export type { AllocatedKind, Corruption, ImageProblem, StoreProblem, UnsupportedProblem } from "../base/fault.ts";
export type { FileProblem } from "../bytes/file-space.ts";
export type { RemoteProblem } from "../bytes/range-probe.ts";
export type { BitmapProblem } from "../qcow2/bitmaps.ts";
export type { SnapshotProblem } from "../qcow2/snapshots.ts";
export type { ZoneOperation, ZoneRefusal, ZoneRefusalCode } from "../zoned/refusal.ts";

/** An option of create (or of an image operation, or a profile) whose value cannot be. `option` is the v4 spelling or qemu-img's own. */
export interface OptionProblem {
  readonly kind: "option";
  readonly option: string;
  readonly found: string;
  readonly allowed: string;
}

/** The call makes no sense now: a handle that was closed, a write to an image opened for reading. */
export interface UsageProblem {
  readonly kind: "usage";
  /** "corrupt" and "unrepairable" are about an image that was to be written and has the corrupt or the dirty bit; "lent": a guest has it. */
  readonly code: "corrupt" | "unrepairable" | "closed-handle" | "lent" | "read-only" | "too-large" | "compressed-misaligned" | "compressed-in-use" | "compressed-data-file" | "vm-state-too-far";
  readonly detail: string;
}

/** What an image stands on cannot be had, or not so. `file` is the name that was tried, resolved. */
export type ChainProblem = { readonly kind: "chain"; readonly file: string } & (
  /** The backing file or the data file cannot be opened, and why. */
  | { readonly code: "backing-failed" | "data-file-failed"; readonly cause: Failure }
  /** The file is met a second time on the way down. */
  | { readonly code: "cycle" }
  | { readonly code: "too-deep"; readonly limit: number }
  /** required: the image has its data elsewhere and names no file. refused: a data file was named for an image that keeps its own. */
  | { readonly code: "data-file-required" | "data-file-refused" | "data-file-raw" }
  /** The name says something that is no file this program opens. */
  | { readonly code: "name"; readonly problem: SourceProblem }
  /** Lazy refcounts were asked for, which version 2 has not. */
  | { readonly code: "lazy-in-version-2" }
  /** What is discarded was to keep its place, which version 2 has no words for. */
  | { readonly code: "no-unref-in-version-2" }
  /** The pieces in which L2 tables are to be cached are no power of two between 512 bytes and a cluster. */
  | { readonly code: "l2-cache-entry"; readonly clusterSize: number }
  /** More of a cache of refcount blocks than 2^31 - 1 clusters was asked for. */
  | { readonly code: "refcount-cache" }
  /** The rules of a blkdebug node cannot be. */
  | { readonly code: "debug-rules"; readonly problem: DebugProblem }
  /** The part of a raw file that shall be the disk does not lie in it, or its size is no multiple of a sector. Bytes. */
  | { readonly code: "part"; readonly offset: number; readonly size: number | null; readonly fileSize: number }
);

/** Why rules by which requests fail cannot be. */
export type DebugProblem =
  | { readonly code: "config"; readonly cause: Failure }
  | { readonly code: "too-long" | "syntax" | "no-group" | "no-event" }
  | { readonly code: "group"; readonly group: string }
  /** group: null in a file of rules. */
  | { readonly code: "option"; readonly group: string | null; readonly option: string }
  | { readonly code: "unused"; readonly group: string; readonly option: string }
  | { readonly code: "number" | "switch"; readonly option: string }
  | { readonly code: "value"; readonly value: string }
  | { readonly code: "limit"; readonly option: string; readonly value: number };

/** The disk keeps its size. fixed: it is a part of a raw file, with a length of its own. */
export interface ResizeProblem {
  readonly kind: "resize";
  readonly code: "misaligned" | "too-large" | "old-with-snapshots" | "fixed";
  readonly sizeBytes: number;
}

/** A defect of ours: the engine works no further on this image and says so. */
export interface Bug {
  readonly kind: "bug";
  readonly message: string;
}

/** Whoever asked for it has cancelled the call: it was not begun, or stopped on its way. */
export interface Cancelled {
  readonly kind: "cancelled";
}

/** A program that moves data failed at a place. `cause` is why. */
export interface MoveProblem {
  readonly kind: "move";
  readonly step: "read" | "write" | "map";
  readonly subject: "source" | "target" | "first" | "second" | "old-backing" | "new-backing";
  /** Of the disk, in bytes. */
  readonly offset: number;
  readonly cause: Failure;
}

export type Failure = ZoneRefusal | ImageProblem | StoreProblem | FileProblem | RemoteProblem | OptionProblem | UnsupportedProblem | UsageProblem | ChainProblem | ResizeProblem | AmendProblem | SnapshotProblem | BitmapProblem | Bug | Cancelled | MoveProblem;
