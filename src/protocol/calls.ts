/**
 * The engine's calls: one table of request and reply types that the page, the worker, the command language and the command line
 * all read. Every reply is a Result with a Failure of failures.ts. Offsets and lengths are bytes of the guest's disk.
 */
import type { FileEntry, Usage } from "../bytes/file-space.ts";
import type { Condition } from "../base/conditions.ts";
import type { Result } from "../base/result.ts";
import type { AmendOptions } from "./amend.ts";
import type { Failure, ZoneRefusal } from "./failures.ts";
import type { ProfileName } from "./profiles.ts";
import type { CrashCalls } from "./crash.ts";
import type { InspectorCalls } from "./inspect.ts";
import type { CheckReport, MendedOnOpen, RepairMode, RepairReport } from "./check.ts";
import type { DeviceFacts, DeviceSnapshot, Dialect, SnapshotFacts } from "./snapshot.ts";
import type { DialectChange, DialectFacts } from "./dialect.ts";
import type { MeasuredTarget, Measurement } from "./measure.ts";
import type { ComparedDisks, ConvertOptions, ConvertedDisk, RebaseOptions } from "./move.ts";
import type { ImageSource, SnapshotQuery } from "./source.ts";
import type { WorkloadCalls } from "./workload.ts";

export type { FileEntry, Usage } from "../bytes/file-space.ts";

/** Zone options of create, in bytes and counts; `dialect` follows from their spelling. */
export interface ZonedCreateOptions {
  readonly dialect: Dialect;
  readonly zoneSize: number;
  readonly zoneCapacity: number;
  readonly conventionalZones: number;
  readonly maxOpenZones: number;
  readonly maxActiveZones: number;
  readonly maxAppendBytes: number;
}

export interface CreateOptions {
  readonly sizeBytes: number;
  /** 512 to 2 MiB. */
  readonly clusterSize: number;
  /** 1 to 64, a power of two. */
  readonly refcountBits: number;
  readonly zoned: ZonedCreateOptions | null;
  /** 3 where it is absent. Version 2 has neither feature bits nor other refcounts than of 16 bits. */
  readonly version?: 2 | 3;
  readonly lazyRefcounts?: boolean;
  readonly extendedL2?: boolean;
  /** How compressed clusters will be written; zlib where it is absent. */
  readonly compressionType?: "zlib" | "zstd";
  readonly preallocation?: Preallocation;
  /** Name and format of the backing file, as the header shall say them; it need not exist. */
  readonly backing?: { readonly file: string; readonly format: string | null } | null;
  /** The external data file, which is made too; `raw`: it stays the disk byte for byte. */
  readonly dataFile?: { readonly file: string; readonly raw: boolean } | null;
}

/** metadata: every cluster has its place. falloc and full: and zeros are written there, for no store can reserve room otherwise. */
export type Preallocation = "off" | "metadata" | "falloc" | "full";

/** One zone of a report; bytes, not sectors. */
export interface ZoneDescriptor {
  readonly zone: number;
  readonly type: number;
  readonly condition: number;
  readonly start: number;
  readonly length: number;
  readonly capacity: number;
  readonly writePointer: number;
}

/** What one command on one zone would lead to. */
export interface ZoneStep {
  /** write: one sector at the write pointer. */
  readonly operation: "open" | "close" | "finish" | "reset" | "write";
  /** The condition afterwards; null when it is refused or when nothing would change. */
  readonly to: Condition | null;
  /** The zone that would be closed to make room, or null. */
  readonly implicitlyCloses: number | null;
  /** Why not, or null. */
  readonly refusal: ZoneRefusal | null;
}

/** A run of guest bytes with one answer (qemu-img map's columns). */
export interface Extent {
  readonly start: number;
  readonly length: number;
  /** Something in this image says what these bytes are. */
  readonly allocated: boolean;
  /** Reads as zeros without looking at data. */
  readonly zero: boolean;
  /** Data is stored. */
  readonly data: boolean;
  readonly compressed: boolean;
  /** Host offset of the first byte, null where there is none. */
  readonly hostOffset: number | null;
  /** Which image of the chain says it: 0 for the one that was asked, 1 for its backing file. */
  readonly depth: number;
}

interface Range {
  readonly handle: number;
  readonly offset: number;
  readonly length: number;
}
interface OpenWish {
  readonly readOnly: boolean;
  readonly inspect?: boolean;
  readonly forCheck?: boolean;
  readonly beside?: string;
  readonly mend?: boolean;
  readonly unsafe?: boolean;
  readonly commitTo?: string | null;
  readonly temporary?: boolean;
  readonly watch?: boolean;
}
/** What is done to a bitmap. granularity null: the cluster size, within 4 KiB and 64 KiB. */
export type BitmapChange =
  | { readonly action: "add"; readonly granularity: number | null }
  | { readonly action: "remove" | "clear" | "enable" | "disable" };

interface Nothing {
  readonly done: true;
}

export interface Calls extends InspectorCalls, CrashCalls, WorkloadCalls {
  /** Makes an image, replacing what had that name. It is not opened. */
  create: { request: { file: string; options: CreateOptions }; reply: Nothing };
  /** Makes a file of zeros of that length, replacing what had the name. preallocation is off, falloc or full. */
  createRaw: { request: { file: string; sizeBytes: number; preallocation: Preallocation }; reply: Nothing };
  /**
   * Opens an image and what it stands on: its backing files, read-only, and its data file, writable when the image is. With `inspect`
   * nothing but the image's own file is opened, for its facts: data that it does not have itself cannot be read then. With `forCheck` an
   * image is opened to be checked and repaired: what that deals with, a refcount table that is not there or a snapshot table beyond the
   * limits, keeps it from nothing. With `beside`
   * the file's name is one as it stands, or would stand, in the header of that image. With `mend` an image that is to be written is
   * treated as QEMU does: the dirty bit has it repaired first, the corrupt bit has it refused; without, such an image is opened for reading.
   * With `unsafe` a flush asks nothing of the platform, so that after a power failure the file may be anything: for one that is new. `commitTo`
   * names the file of the chain, null the first backing file, that is opened to be written too. With `temporary` the files are only read,
   * and what is written is gone when the handle is closed. With `watch` it replies as watch does too, and is watched from then on.
   */
  open: {
    request: ImageSource & OpenWish;
    reply: { handle: number; facts: DeviceFacts; mended?: MendedOnOpen; snapshot?: DeviceSnapshot };
  };
  /** Flushes and closes. The handle is gone even when the flush failed, and the failure is told. */
  close: { request: { handle: number }; reply: Nothing };
  facts: { request: { handle: number }; reply: DeviceFacts };
  /** The whole device, and from now on a Notice "device" per change. */
  watch: { request: { handle: number }; reply: DeviceSnapshot };
  /** Flush, close, reopen, as a power cycle: open zones become CLOSED or EMPTY. The handle stays; replies as watch does. */
  powerCycle: { request: { handle: number }; reply: DeviceSnapshot };
  /** The power fails: what no flush has made durable is gone, and the device is what its file has. The handle stays; replies as watch does. */
  powerCut: { request: { handle: number }; reply: DeviceSnapshot };
  /**
   * The rules of another profile for this device, until it is closed; a power cycle keeps them, and the image stores nothing of
   * it. What the old rules allowed stands. Facts and resources are others afterwards: ask again with watch. Refused (kind
   * "option") for a name that is no profile and for a device with conventional zones where the profile has none.
   */
  setProfile: { request: { handle: number; profile: ProfileName }; reply: DeviceFacts };
  /** A new zoned device in memory under a profile, gone when it is closed; no file of the library is touched. Refusals as create's and setProfile's. */
  scratch: { request: { options: CreateOptions; profile: ProfileName }; reply: { handle: number; facts: DeviceFacts } };

  /**
   * data is null when not wanted; with a pattern, mismatch is the first offset whose byte differs, or null. With `vmState` the bytes
   * are those behind the disk, where a machine's state is kept.
   */
  read: { request: Range & { pattern: number | null; wantData: boolean; vmState?: boolean }; reply: { data: Uint8Array | null; mismatchOffset: number | null } };
  /** Writes `length` bytes of the pattern byte, or `data` (then length = data.length); compressed ones are whole clusters. */
  write: { request: Range & { pattern: number; data: Uint8Array | null; compressed?: boolean; vmState?: boolean; copiesOnRead?: boolean }; reply: Nothing };
  /** With `copiesOnRead` it keeps what was read from a backing file, here as in `write`. With `fallback` false it is refused where zeros would have to be stored as bytes: where no whole clusters are covered. */
  writeZeroes: { request: Range & { unmap: boolean; fallback?: boolean; copiesOnRead?: boolean }; reply: Nothing };
  discard: { request: Range; reply: Nothing };
  /** Refcounts against references, the zoned metadata counted as used, and what is odd about the zones; unsupported for raw. Flushes first. */
  check: { request: { handle: number }; reply: CheckReport };
  /**
   * Makes refcounts and COPIED flags what the references say, and leaves what would have to be guessed; unsupported for raw. Mode
   * "all" of a zoned image also gives back the clusters of data above write pointers. The device is opened anew, as powerCycle
   * does, and may be writable afterwards. A repair that fails leaves an image no worse, and the handle is good for nothing but close.
   */
  repair: { request: { handle: number; mode: RepairMode }; reply: RepairReport };
  /**
   * Gives the disk another size, crash-safely: what is cut off is gone, what is new reads as zeros. The device is opened anew. With a
   * preallocation other than "off" zeros are written into the new space. Bitmaps follow, and
   * one that is not true is refused with kind "bitmap". Refused for a zoned image.
   */
  resize: { request: { handle: number; sizeBytes: number; preallocation: Preallocation }; reply: DeviceFacts };
  /**
   * Changes options of an image one after the other, crash-safely, in QEMU's order, and opens the device anew. Those of kind "amend"
   * are refused with what came before them done; those of a size are resize's. Refused by name for a raw image, and what zones do not
   * go with for a zoned one.
   */
  amend: { request: { handle: number; options: AmendOptions }; reply: DeviceFacts };
  flush: { request: { handle: number }; reply: Nothing };

  /** The image's internal snapshots, as its file has them; none for raw. */
  listSnapshots: { request: { handle: number }; reply: readonly SnapshotFacts[] };
  /**
   * Keeps what the disk is now as a snapshot. This, applying and deleting flush first, leave the old image or the new one, whatever
   * happens (and at worst leaked clusters), and go on with the same handle. Refused by name for zoned and raw images, an external data
   * file, and with kind "snapshot" for what its code says, before anything changes.
   */
  createSnapshot: { request: { handle: number; name: string }; reply: { id: string } };
  /** Makes the disk, and its size, what they were; the snapshot stays. The facts are others afterwards. */
  applySnapshot: { request: { handle: number; snapshot: SnapshotQuery }; reply: DeviceFacts };
  /** Adds, removes or changes a persistent bitmap, durably. Refused with kind "bitmap" for what its code says, before anything changes. */
  changeBitmap: { request: { handle: number; bitmap: string; change: BitmapChange }; reply: Nothing };
  /** Sets in a bitmap what is set in the bitmap `source` of the image `sourceHandle`, which may be the same. */
  mergeBitmap: { request: { handle: number; bitmap: string; sourceHandle: number; source: string }; reply: Nothing };
  deleteSnapshot: { request: { handle: number; snapshot: SnapshotQuery }; reply: Nothing };
  /** From the zone that holds `offset`, at most `count` zones. */
  report: { request: { handle: number; offset: number; count: number }; reply: readonly ZoneDescriptor[] };
  /** What each command would do to a zone now, decided by the rules and not carried out; none for a conventional zone. */
  zoneSteps: { request: { handle: number; zone: number }; reply: readonly ZoneStep[] };
  manage: { request: Range & { operation: "open" | "close" | "finish" | "reset" }; reply: Nothing };
  /**
   * The zone that holds `offset` wears out, as media does: it is READ_ONLY (13) or OFFLINE (15) until the image is opened anew, for no
   * image stores that. Allowed on an image that is open read-only. Refused for a conventional zone, and from OFFLINE back to READ_ONLY.
   */
  wear: { request: { handle: number; offset: number; condition: Condition }; reply: Nothing };
  /** Appends the vector of lengths, filled with the pattern byte or with `data` (of their sum), as one append; replies where it landed. */
  append: { request: { handle: number; offset: number; lengths: readonly number[]; pattern: number; data?: Uint8Array | null }; reply: { offset: number } };
  /** Extents from `offset`, merged, at most `maxExtents`; `next` is where to go on, null at the end of the range. */
  map: { request: Range & { maxExtents: number }; reply: { extents: readonly Extent[]; next: number | null } };

  /**
   * Copies open disks, end to end, onto another open one that is at least as large. Failures while copying are of kind "move". A
   * zoned target takes the pointers of a source with the same zones, and is else filled to the last sector that is not zeros.
   */
  convert: { request: { sources: readonly number[]; target: number; options: ConvertOptions }; reply: ConvertedDisk };
  /** How much room a new image would need for an open disk, or for one of `sizeBytes` without data; too large a size is of kind "resize". */
  measure: { request: { source: { readonly handle: number } | { readonly sizeBytes: number }; target: MeasuredTarget }; reply: Measurement };
  /** Compares two open disks up to the first difference. Failures while comparing are of kind "move". */
  compare: { request: { first: number; second: number; strict: boolean }; reply: ComparedDisks };
  /**
   * Puts an open image on another backing, or on none, its disk staying the same, and names that in the header. Close the handle
   * then: it still stands on the old one. Failures while copying are of kind "move", those of the new backing of kind "chain"; there
   * is no room for a name where the kind is "option" and the option "backing_file".
   */
  rebase: { request: { handle: number } & RebaseOptions; reply: Nothing };
  /**
   * Writes what an open image and those between have over a base into the base, which was opened to be written (open's
   * `commitTo`), and makes the image empty where `empty`. A base that is shorter is made as long. Failures while copying are of kind
   * "move", of the subject "source" and the step "write" where the image could not be made empty; a base that is not there is of kind
   * "option", the option "base".
   */
  commit: { request: { handle: number; base: string | null; empty: boolean }; reply: Nothing };

  /** What the zoned extension of an image is and why; the image need not be one that opens. */
  dialect: { request: { file: string }; reply: DialectFacts };
  /** Writes the image's zoned extension in another dialect, crash-safely. Not of an image that is open. */
  setDialect: { request: { file: string; dialect: Dialect }; reply: DialectChange };

  listFiles: { request: Record<never, never>; reply: { kind: "opfs" | "memory" | "folder"; files: readonly FileEntry[]; usage: Usage | null } };
  rename: { request: { from: string; to: string }; reply: Nothing };
  remove: { request: { file: string }; reply: Nothing };
  /** Copies one file of any kind (library or dropped) to a new library file; holes stay holes. */
  copy: { request: { from: string; to: string }; reply: { sizeBytes: number } };
  /** Gives a file of the person's machine a name to open it by, read-only; nothing is read or copied. */
  adopt: { request: { source: File }; reply: { file: string } };
  /**
   * Gives a file at an http(s) URL a name to open it by, read-only; what is read of it is asked for piece by piece. Refused with kind
   * "remote" for what its code says. What it stands on is looked for among what was adopted, and never fetched.
   */
  adoptUrl: { request: { url: string }; reply: { file: string; host: string; sizeBytes: number } };
  /** A flushed, temporary copy of the image as a downloadable file. */
  exportFile: { request: { file: string }; reply: { source: Blob; name: string } };
  /** Asks the tab that has the image to flush and let go; replies when it did. */
  takeOver: { request: { file: string }; reply: Nothing };
}

export type CallName = keyof Calls;
export type RequestOf<Name extends CallName> = Calls[Name]["request"];
export type ReplyOf<Name extends CallName> = Calls[Name]["reply"];
export type Outcome<Name extends CallName> = Result<ReplyOf<Name>, Failure>;

/** Hears how far a long call is, as a fraction from 0 to 1; a call that is soon done tells nothing. */
export type ProgressListener = (fraction: number) => void;

/** Performs one call; the client does it through the worker, the command line in its own process. */
export type Perform = <Name extends CallName>(name: Name, request: RequestOf<Name>, listen?: ProgressListener) => Promise<Outcome<Name>>;

/** Where a worker's files are: the browser's library, or memory of their own that no other tab sees and that is gone with the worker. */
export type EngineHome = "library" | "memory";
/** The worker of that name has its files in memory. */
export const LINK_WORKER = "zonescope link engine";
/** Page to worker. */
export interface CallMessage<Name extends CallName = CallName> {
  readonly id: number;
  readonly name: Name;
  readonly request: RequestOf<Name>;
}
/** Page to worker, not waiting for the calls before it: the call of that id is not begun, or stops where it is, and fails as cancelled. */
export interface CancelMessage {
  readonly cancel: number;
}
/** Worker to page: the answer to a call, or a Notice. */
export interface ReplyMessage<Name extends CallName = CallName> {
  readonly id: number;
  readonly outcome: Outcome<Name>;
}

/** A file of the person's machine, once adopted, has a name with this prefix, which no library file can have. */
export const ADOPTED_PREFIX = "dropped:";
