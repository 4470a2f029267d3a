/**
 * The crash lab's calls. A lab is a handle over a scratch copy that records its writes and barriers: the calls of a device run on it as
 * on any other, and what its last flush sent to the disk can then be cut off at any moment. Records are counted from 1, all offsets and
 * lengths are bytes. Words are made in `command/crash-words.ts`.
 */
import type { Condition } from "../base/conditions.ts";
import type { WriteKind } from "../qcow2/write-order.ts";
import type { CreateOptions } from "./calls.ts";
import type { CheckReport } from "./check.ts";
import type { Failure } from "./failures.ts";
import type { DeviceFacts } from "./snapshot.ts";

export type { WriteKind } from "../qcow2/write-order.ts";

/** What a lab works on: a copy of a file, or a new image in memory. The file itself is only read. */
export type CrashSource = { readonly file: string } | { readonly options: CreateOptions };

/** One rule of the write order, by the name of the mistake that it keeps from happening. */
export interface CrashRule {
  /** `then-before-first`. */
  readonly mistake: string;
  readonly first: WriteKind;
  readonly then: WriteKind;
  /** What would be there after a power failure with `then` on the disk and `first` not. */
  readonly prevents: string;
  readonly leftOut: boolean;
  /** Of a rule that is left out: the mistakes of the rules that demand the same, so that nothing changes; null where it is broken. */
  readonly impliedBy: readonly string[] | null;
}

/** header: a bit of the header, with a barrier of its own. other: what a change of the image as a whole wrote. */
export type CrashWriteKind = WriteKind | "header" | "other";

export interface CrashWrite {
  readonly type: "write";
  readonly record: number;
  readonly kind: CrashWriteKind;
  /** What of the file it changes. */
  readonly part: "guest data" | "L2 table" | "L1 table" | "refcount block" | "refcount table" | "write pointers" | "header" | "other";
  readonly hostOffset: number;
  readonly lengthBytes: number;
  /** Sectors that it touches: what can be torn. */
  readonly sectors: number;
  /** The guest's bytes that it holds, or that the entries changed by it map; null where it serves none of its own. */
  readonly guest: { readonly offset: number; readonly lengthBytes: number } | null;
  /** Zones of those bytes, or whose pointers it changes; null without. */
  readonly zones: { readonly first: number; readonly last: number } | null;
  /** Counts the barriers before it. */
  readonly group: number;
}
export interface CrashBarrier {
  readonly type: "barrier";
  readonly record: number;
  readonly group: number;
}
export type CrashRecord = CrashWrite | CrashBarrier;

/** A write that reached the disk although no barrier had returned behind it. */
export interface CrashKept {
  readonly record: number;
  /** Its sectors that did, counted from 0; null: all. */
  readonly sectors: readonly number[] | null;
}

/** A moment, and what of the writes since the last barrier reached the disk. */
export interface CrashCut {
  /** The power failed when this many records had been issued. */
  readonly cut: number;
  readonly kept: readonly CrashKept[];
}

export interface CrashZoneState {
  readonly condition: Condition;
  readonly writePointer: number;
}
export interface CrashZone {
  readonly zone: number;
  /** At the last completed flush. */
  readonly before: CrashZoneState;
  /** With all that was acknowledged, after a power cycle. */
  readonly expected: CrashZoneState;
  /** null where the image does not open. */
  readonly after: CrashZoneState | null;
  /** new: as expected. old: as before. between: a part of what was acknowledged. broken: none of what is allowed. */
  readonly verdict: "new" | "old" | "between" | "broken";
  /** Acknowledged bytes that are not there, and need not be: no flush had returned. */
  readonly goneBytes: number;
}
/** Guest bytes outside sequential zones that were written. */
export interface CrashRange {
  readonly offset: number;
  readonly lengthBytes: number;
  readonly verdict: "new" | "old" | "between" | "broken";
  readonly goneBytes: number;
}

/** A promise that the disk broke. `flushed`: a flush had returned behind these bytes. */
export type CrashLoss =
  | { readonly code: "does-not-open"; readonly failure: Failure }
  | { readonly code: "read-only"; readonly reason: string }
  /** The check found what a crash may not leave. */
  | { readonly code: "corrupt"; readonly corruptions: number; readonly checkErrors: number }
  /** The pointer is where it never was. */
  | { readonly code: "pointer"; readonly zone: number; readonly found: number; readonly least: number; readonly most: number; readonly flushed: boolean }
  | { readonly code: "bytes"; readonly zone: number | null; readonly offset: number; readonly lengthBytes: number; readonly shows: "zeros" | "other"; readonly flushed: boolean };

export interface CrashOutcome extends CrashCut {
  /** Pending writes that did not reach the disk whole. */
  readonly missing: readonly number[];
  /** The flush had returned: everything acknowledged before it must be there. */
  readonly returned: boolean;
  /** null where the image does not open. */
  readonly check: CheckReport | null;
  readonly zones: readonly CrashZone[];
  readonly ranges: readonly CrashRange[];
  readonly goneBytes: number;
  readonly losses: readonly CrashLoss[];
  /** What a few more writes and a flush destroyed afterwards; looked for where the check finds corruption. */
  readonly later: readonly CrashLoss[];
  /** Mistakes that were kept from happening here: `first` was not all there, so that `then` was not yet issued. */
  readonly protectedBy: readonly string[];
  /** Mistakes that did happen: `then` is on the disk and `first` is not, or not all. */
  readonly happened: readonly string[];
}

export interface CrashCalls {
  /** Begins a lab. Refused by name for raw images and external data files. Close the handle to end it. `mistakes` are those the flush makes. */
  crashBegin: { request: { source: CrashSource; mistakes: readonly string[] }; reply: { handle: number; facts: DeviceFacts } };
  /** What the last flush, and what went before it since the flush before, sent to the disk. */
  crashRecord: { request: { handle: number }; reply: { records: readonly CrashRecord[]; rules: readonly CrashRule[]; barriers: boolean } };
  /** Long work. Cuts the power and looks at what is left. null is drawn from the seed. */
  crashCut: { request: { handle: number; cut: number | null; kept: readonly CrashKept[] | null; seed: number }; reply: CrashOutcome };
  /** Long work. Tries cuts and what they keep, at most `tries`, until one breaks a promise; the worst that was found, or null. */
  crashSearch: { request: { handle: number; seed: number; tries: number }; reply: { tried: number; found: CrashOutcome | null } };
  /** Puts the disk that a cut leaves into the library, under a new name. */
  crashSave: { request: { handle: number; to: string } & CrashCut; reply: { file: string } };
}
