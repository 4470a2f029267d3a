/** What the page knows of a device: facts that never change while it is attached, columns by zone, and resources. */
import type { Bytes } from "../base/units.ts";
import type { Dialect } from "../zoned/dialect.ts";
import type { ZoneGeometry } from "../zoned/geometry.ts";
import type { PointerFinding } from "../zoned/pointer.ts";
import type { PointerSummary } from "../zoned/pointer-summary.ts";

export type { Dialect } from "../zoned/dialect.ts";
export type { ZoneGeometry } from "../zoned/geometry.ts";
export type { PointerFinding } from "../zoned/pointer.ts";
export type { PointerSummary } from "../zoned/pointer-summary.ts";

/**
 * What was done to zones, counted in memory since the image was opened or power-cycled: the image stores none of it, and a power
 * cycle begins anew. Of a whole device every column is empty as long as nothing was counted. What changed nothing (an empty write, a reset of an empty zone, a finish of a full one) is not counted.
 */
export interface ZoneCounters {
  /** Writes, appends and writes of zeroes that were carried out; one that crosses conventional zones counts in each. */
  readonly writes: Uint32Array;
  /** Bytes of those writes that lie in the zone. */
  readonly bytesWritten: Float64Array;
  readonly resets: Uint32Array;
  readonly finishes: Uint32Array;
  /** Refused operations that name the zone, whatever they were. */
  readonly refusals: Uint32Array;
}

/** Zones as columns, index = zone number. */
export interface ZoneColumns extends ZoneCounters {
  /** ZoneType by zone. */
  readonly type: Uint8Array;
  /** Condition by zone. */
  readonly condition: Uint8Array;
  /** Write pointer by zone, an absolute guest byte offset. */
  readonly writePointer: Float64Array;
}

export interface Resources {
  readonly implicitOpen: number;
  readonly explicitOpen: number;
  readonly closed: number;
  /** 0 means no limit; a limit that the profile does not mind is 0 here, whatever the image says. */
  readonly maxOpen: number;
  readonly maxActive: number;
  /** Implicitly open zones, the one to be closed next first, by the profile's rule; at most 64 of them. */
  readonly implicitOrder: readonly number[];
}

/** One internal snapshot of an image. Id and name are the file's, whoever made it: text for showing. */
export interface SnapshotFacts {
  readonly id: string;
  readonly name: string;
  /** When it was taken, seconds since 1970 and nanoseconds of that second. */
  readonly dateSeconds: number;
  readonly dateNanoseconds: number;
  /** How long the guest had run. */
  readonly vmClockSeconds: number;
  readonly vmClockNanoseconds: number;
  /** The guest's saved state; 0 for a snapshot of the disk alone. */
  readonly vmStateBytes: Bytes;
  /** Size of the disk then; null where the image does not say. */
  readonly diskSize: Bytes | null;
  /** Instructions that the guest had run, null where nobody counted. */
  readonly icount: number | null;
}

/** One persistent bitmap of an image. Its name is the file's, whoever made it: text for showing. */
export interface BitmapFacts {
  readonly name: string;
  /** Bytes of the disk that a bit stands for. */
  readonly granularity: Bytes;
  /** Not true in the file, or not to be believed of it now because the image is open for writing. */
  readonly inUse: boolean;
  /** It was left in use: nobody knows what it misses, and it can only be removed. */
  readonly inconsistent: boolean;
  /** Writes are recorded in it. */
  readonly recording: boolean;
}

/** What an image is, in the words of `qemu-img info`. */
export interface ImageFacts {
  readonly file: string;
  readonly format: "qcow2" | "raw";
  readonly readOnly: boolean;
  /** Why it is read-only although writing was asked for, or null. */
  readonly readOnlyReason: string | null;
  readonly virtualSize: Bytes;
  /** Length of the image file in bytes. */
  readonly fileSize: Bytes;
  /** What the file takes on its disk, holes left out; absent or null where the platform does not tell. */
  readonly allocatedSize?: Bytes | null;
  readonly clusterSize: Bytes;
  /** Header version: 2 or 3 (compat 0.10 or 1.1); 0 for raw. */
  readonly version: number;
  readonly refcountBits: number;
  readonly compressionType: "zlib" | "zstd";
  readonly lazyRefcounts: boolean;
  readonly corrupt: boolean;
  readonly extendedL2: boolean;
  /** The dirty bit: refcounts may be lower than the references. */
  readonly dirty: boolean;
  /** What encrypts the data, which this program does not read then; null where nothing does. */
  readonly encryption: "AES" | "LUKS" | null;
  /** What the header names as its backing file, to the letter, and the format that it gives for it; null where it does not. */
  readonly backingFile: string | null;
  readonly backingFormat: string | null;
  /** The backing file's name resolved beside the image; null without one, and where the name is none that can be resolved. */
  readonly fullBackingFile: string | null;
  /** The image keeps its data in another file; its name as the header says it, null where the header says none. */
  readonly externalData: boolean;
  readonly dataFile: string | null;
  /** The data file is the disk byte for byte. */
  readonly dataFileRaw: boolean;
  /** The data file that is open, its length and what it takes of its disk in bytes; null without one. */
  readonly openedDataFile: { readonly file: string; readonly fileSize: Bytes; readonly allocatedSize: Bytes | null } | null;
  /** Names of the files in which data lies, by its extents' depth: the image's or its data file's, then those of its backing files. */
  readonly dataFiles: readonly string[];
  readonly snapshotCount: number;
  /** Persistent bitmaps; absent or empty without any. */
  readonly bitmaps?: readonly BitmapFacts[];
  /** It has bitmaps that a program without knowledge of them made untrue when it wrote; they count no more. */
  readonly staleBitmaps?: boolean;
  /** Guest-visible vm state offset, as qemu-io's `info` prints it. */
  readonly vmStateOffset: Bytes;
}

export interface ZonedFacts {
  readonly dialect: Dialect;
  /** The profile whose rules the device follows, a ProfileName. */
  readonly policy: string;
  readonly geometry: ZoneGeometry;
  readonly findings: readonly PointerFinding[];
  readonly pointers: PointerSummary;
}

export interface DeviceFacts {
  readonly image: ImageFacts;
  /** null for an image without zones. */
  readonly zoned: ZonedFacts | null;
}

export interface DeviceSnapshot {
  readonly facts: DeviceFacts;
  /** null for an image without zones. */
  readonly zones: ZoneColumns | null;
  readonly resources: Resources | null;
}
