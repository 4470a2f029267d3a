/**
 * What the inspector is told of a file: plain data without prose; words are made of it in `command`. A file is inspected as its bytes
 * are, whether or not it opens as an image, and is never written. All offsets and lengths are bytes; "host" is the file, "guest" the disk.
 */
import type { Condition } from "../base/conditions.ts";
import type { ImageProblem } from "../base/fault.ts";
import type { RepairMode, RepairReport } from "./check.ts";
import type { Dialect } from "./snapshot.ts";

/** What kind of file this is, by its own marks. "unknown" has none that is known, as a raw disk has not. */
export type Container = "qcow2" | "qcow1" | "vmdk" | "vdi" | "vhdx" | "vpc" | "luks" | "iso" | "gzip" | "xz" | "zstd" | "bzip2" | "lz4" | "zip" | "7z" | "empty" | "unknown";

/** What the start of the guest's disk holds, by its own marks. */
export type GuestContent = "mbr" | "gpt" | "ext2" | "ext3" | "ext4" | "xfs" | "btrfs" | "f2fs" | "ntfs" | "fat" | "exfat" | "swap" | "lvm" | "luks" | "iso" | "zonefs" | "squashfs";

export interface FileIdentity {
  readonly container: Container;
  readonly fileSize: number;
  /** Which mark told: where it lies in the file. null where there is none. */
  readonly mark: { readonly hostOffset: number; readonly lengthBytes: number } | null;
  /** What lies on the disk, each with the guest offset of its mark; of a disk that cannot be read, nothing. A partition's content follows its table. */
  readonly contents: readonly GuestMark[];
  /** The disk could not be read there, e.g. for encryption or a backing file that is not opened. */
  readonly contentsUnread: boolean;
}
export interface GuestMark {
  readonly content: GuestContent;
  readonly guestOffset: number;
  /** A label or name that the structure has: untrusted text; null without. */
  readonly label: string | null;
  /** Of a partition: its number from 1; null for the disk itself. */
  readonly partition: number | null;
}

/** How far a field is to be believed. "odd" is allowed and worth a look. */
export type Validity = "valid" | "odd" | "invalid" | "unknown";

/** One field of a structure. `value` is the number as decimal digits, exact at 64 bits; for bytes and text null. */
export interface FieldFacts {
  /** The field's name as the specification spells it. */
  readonly field: string;
  readonly hostOffset: number;
  readonly lengthBytes: number;
  readonly value: string | null;
  /** The bytes as lower-case hex, at most 64 of them. */
  readonly hex: string;
  /** Untrusted text of the file, where the field is text. */
  readonly text: string | null;
  /** Set bits of a feature field. */
  readonly bits: readonly FeatureBit[];
  readonly validity: Validity;
  readonly problem: ImageProblem | null;
}
export interface FeatureBit {
  readonly bit: number;
  /** The name of the specification or of the zoned series; null for a bit that this program does not know. */
  readonly name: string | null;
  /** What the image's own feature name table calls it: untrusted text. */
  readonly ownName: string | null;
}

export interface ExtensionFacts {
  readonly magic: number;
  readonly kind: "backing-format" | "feature-names" | "bitmaps" | "encryption-header" | "data-file-name" | "zoned" | "end" | "unknown";
  /** Of its eight bytes of magic and length; the data lies behind them. */
  readonly hostOffset: number;
  readonly lengthBytes: number;
  readonly fields: readonly FieldFacts[];
  readonly problem: ImageProblem | null;
}

export interface HeaderReport {
  readonly fields: readonly FieldFacts[];
  readonly extensions: readonly ExtensionFacts[];
  /** Which dialect the zoned extension is and what told it; null without one that is believed. */
  readonly zoned: { readonly dialect: Dialect; readonly lengthBytes: number; readonly featureBit: boolean } | null;
  /** The first reason for which no reader would take this header; null where it is whole. */
  readonly problem: ImageProblem | null;
  /** A check takes it all the same: what is wrong is a refcount table or a snapshot table that is missing or too long, with which a repair deals. */
  readonly isForCheck: boolean;
  /** Other files that it stands on, by the names in the header, and whether they are there: the library's, or dropped beside it. */
  readonly needs: readonly NeededFile[];
}
export interface NeededFile {
  readonly role: "backing" | "data";
  /** Untrusted text, as the header has it. */
  readonly name: string;
  /** The file that was found for it; null where it is missing. */
  readonly found: string | null;
}

/** What a host cluster holds, by index in LAYOUT_KINDS; the later of two wins where a cell stands for several clusters. */
export const LAYOUT_KINDS = [
  "free",
  "data",
  "zero-allocated",
  "compressed",
  "l2-table",
  "inactive-l2-table",
  "inactive-data",
  "l1-table",
  "inactive-l1-table",
  "refcount-block",
  "refcount-table",
  "bitmap",
  "bitmap-directory",
  "snapshot-table",
  "encryption-header",
  "zoned-metadata",
  "header",
  "leaked",
  "used-twice",
  "beyond-end",
] as const;
export type LayoutKind = (typeof LAYOUT_KINDS)[number];

export interface LayoutReport {
  readonly clusterSize: number;
  /** Host clusters of the file. */
  readonly clusters: number;
  /** Clusters that a cell stands for: 1, or a power of two where there are more than MAX_LAYOUT_CELLS. */
  readonly clustersPerCell: number;
  /** Index into LAYOUT_KINDS by cell. */
  readonly kinds: Uint8Array;
  /** Of a zoned image, by cell, the zone whose data it holds plus one; 0 for none. null without zones. */
  readonly zones: Uint32Array | null;
  /**
   * Clusters by kind, in the order of LAYOUT_KINDS; exact. "used-twice" are those that are referred to more often than counted, "beyond-end"
   * the references that lead behind the file, which have no cells.
   */
  readonly counts: readonly number[];
  /** A structure that cannot be read and kept references from being counted: leaks and double use are not told then. */
  readonly problem: ImageProblem | null;
}
export const MAX_LAYOUT_CELLS = 2 ** 24;

/** One row of the Tables tab: an L1 entry, or an L2 entry. */
export interface TableEntry {
  readonly index: number;
  /** Where the entry lies. */
  readonly hostOffset: number;
  /** The word or words, as hex digits. */
  readonly raw: string;
  readonly guestOffset: number;
  /** What it leads to: an L2 table, or a host cluster or stream; null for none. */
  readonly target: number | null;
  readonly copied: boolean;
  readonly kind: "none" | "l2-table" | "data" | "zero" | "zero-allocated" | "compressed" | "unallocated-placed" | "subclusters";
  /** Of a compressed stream: bytes up to the end of its last sector. */
  readonly compressedBytes: number | null;
  /** Of an extended entry: one letter by subcluster, "d" data, "z" zeros, "." none, "p" placed and none, "!" both. */
  readonly subclusters: string | null;
  /** The refcount of what it leads to; null where nothing counts it. */
  readonly refcount: number | null;
  readonly problem: ImageProblem | null;
}

/** A stretch of bytes and the structure that it is, for the overlay of the Hex tab. */
export interface ByteSpan {
  readonly hostOffset: number;
  readonly lengthBytes: number;
  /** "header", "L2 table", "guest data", … in the format's words, and the field or entry. */
  readonly structure: string;
  readonly field: string;
  /** Of bytes of the guest's view, where the span begins on the disk; it is stored at hostOffset. Absent in the view of the file. */
  readonly guestOffset?: number;
}

/**
 * One place seen five ways. Every part that there is is filled in: a byte of an L2 entry has the guest range that the entry maps and its
 * zone; a byte of data has the entry that leads there.
 */
export interface Place {
  /** The byte in the file; null for a guest byte that is stored nowhere. */
  readonly hostOffset: number | null;
  readonly hostCluster: number | null;
  readonly layoutKind: LayoutKind | null;
  /** What the byte belongs to, outermost first. */
  readonly spans: readonly ByteSpan[];
  /** Of an entry or a zone, all that it maps or spans; of a byte of data, that byte and the rest of its cluster. */
  readonly guest: { readonly offset: number; readonly lengthBytes: number } | null;
  readonly l1: { readonly index: number; readonly entryOffset: number } | null;
  readonly l2: { readonly index: number; readonly entryOffset: number; readonly tableOffset: number } | null;
  readonly zone: { readonly zone: number; readonly start: number; readonly condition: Condition; readonly writePointer: number } | null;
}

export interface CompressedFinding {
  readonly guestOffset: number;
  readonly hostOffset: number;
  readonly code: "undecodable" | "short";
}
export interface CompressedReport {
  readonly clusters: number;
  /** How many cannot be decompressed; the list has the first 1000. */
  readonly bad: number;
  readonly findings: readonly CompressedFinding[];
}

/** Bytes of the file that a repair would write otherwise. */
export interface PlannedChange {
  readonly hostOffset: number;
  readonly lengthBytes: number;
  /** "refcount block", "L2 table", …; empty for bytes that no structure has now. */
  readonly structure: string;
  /** The first 16 bytes as hex. */
  readonly before: string;
  readonly after: string;
}

/** What a file is saved as. */
export type SaveForm =
  | { readonly format: "qcow2"; readonly compressed: boolean; readonly dialect: Dialect | null }
  | { readonly format: "raw" }
  | { readonly format: "range"; readonly view: "host" | "guest"; readonly offset: number; readonly lengthBytes: number };

export interface InspectorCalls {
  /**
   * Looks into a file, open here (it is flushed first) or not; nothing but headers and top tables is read. Any file that can be read is
   * taken, broken or of another format. `header` is null for what is no qcow2.
   */
  inspect: { request: { file: string }; reply: { inspection: number; identity: FileIdentity; header: HeaderReport | null } };
  endInspection: { request: { inspection: number }; reply: { readonly done: true } };
  /** Long work. What every host cluster holds; reads all tables. */
  layout: { request: { inspection: number }; reply: LayoutReport };
  /** Entries [from, from + count) of the active L1 table (`l1Index` null) or of the L2 table that L1 entry leads to; count at most 65536. */
  tableEntries: {
    request: { inspection: number; l1Index: number | null; from: number; count: number };
    reply: { total: number; tableOffset: number | null; entries: readonly TableEntry[] };
  };
  /** Bytes of the file, or of the disk (zeros where nothing is), with what they are; at most 1 MiB. Shorter at the end. */
  bytesAt: { request: { inspection: number; view: "host" | "guest"; offset: number; length: number }; reply: { data: Uint8Array; total: number; spans: readonly ByteSpan[] } };
  /** Long work. The first place at or behind `from` (or, backwards, before it) where the bytes stand, at most 1 KiB of them. */
  search: { request: { inspection: number; view: "host" | "guest"; needle: Uint8Array; from: number; backwards: boolean }; reply: { offset: number | null } };
  locate: { request: { inspection: number } & ({ hostOffset: number } | { guestOffset: number } | { zone: number }); reply: Place };
  /** Long work. Decompresses every compressed cluster of the active disk. */
  verifyCompressed: { request: { inspection: number }; reply: CompressedReport };
  /**
   * Long work. What a repair in that mode would do, tried out in memory: the file is not changed. `changes` are the first 2000 of
   * `told`; `changedBytes` counts all, `fileSize` is how long the file would be.
   */
  repairPlan: {
    request: { inspection: number; mode: RepairMode };
    reply: { report: RepairReport; changes: readonly PlannedChange[]; told: number; changedBytes: number; fileSize: number };
  };
  /**
   * Long work. Makes a file of the inspected one, in a temporary file of the library when `to` is null (for a download; it goes at the
   * next start). `bytes` is what it is long. Of raw, holes stay holes where the home can.
   */
  saveAs: { request: { inspection: number; form: SaveForm; to: string | null }; reply: { file: string; source: Blob | null; bytes: number } };
}
