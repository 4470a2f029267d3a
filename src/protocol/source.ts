/**
 * Which image a call opens, and what is to differ from what its header says. A tree of plain data: the command language makes it of
 * words, `--image-opts` and `json:{…}`, and the engine opens the files that it names.
 */
import type { SnapshotQuery } from "../qcow2/snapshots.ts";

export type { SnapshotQuery } from "../qcow2/snapshots.ts";

/** Where the rules of a blkdebug node are; they are read when the image is opened. */
export interface DebugNode {
  /** The name of a file of rules, beside nothing; null for none. */
  readonly config: string | null;
  /** Rules as options name them, `inject-error.0.event` and the like, and limits in bytes, `align` and the like. */
  readonly options: readonly (readonly [string, string])[];
}

export interface ImageSource {
  /** A file of the library or the folder. */
  readonly file: string;
  /** "raw" takes the file as the disk itself; null looks for the qcow2 magic and takes it as raw otherwise. */
  readonly format: "qcow2" | "raw" | null;
  /** Absent: what the header names, resolved beside the image. null: none is opened, and what it would show reads as zeros. */
  readonly backing?: ImageSource | null;
  /** What is to differ in the backing file that the header names; beside nothing where `backing` names one. */
  readonly backingChanges?: Omit<ImageSource, "file">;
  /** In place of the external data file that the header names, beside nothing: the name is taken as it is. */
  readonly dataFile?: ImageSource;
  /**
   * An internal snapshot, looked at read-only in place of the active disk. The disk keeps the size that it has now, as in QEMU: of a
   * snapshot taken before it shrank the end is not seen, and behind the end of a smaller one lies what an image has where it has nothing.
   */
  readonly snapshot?: SnapshotQuery;
  /** Whether refcounts may lag behind under the dirty bit while the image is open; absent: what its header says. Version 2 cannot. */
  readonly lazyRefcounts?: boolean;
  /** Whether a cluster that is discarded, or zeroed and unmapped, keeps its place in the file (QEMU's discard-no-unref). Version 2 cannot. */
  readonly keepsPlaces?: boolean;
  /** Whether an image one of whose snapshots has no L1 table that can be is written: of such a one nobody knows the L2 tables. Absent: it is. */
  readonly strictSnapshots?: boolean;
  /** Of a qcow2 source: the size of a piece of the cache of L2 tables, in bytes. It is judged and has no effect. */
  readonly l2CacheEntryBytes?: number;
  /** Of a qcow2 source: the size of the cache of refcount blocks, in bytes; judged as well. */
  readonly refcountCacheBytes?: number;
  /** Of a qcow2 source: data is stored compressed whatever writes it, cluster by cluster. */
  readonly compresses?: boolean;
  /**
   * What the image lies in is no file but the disk of this one, an image or a part of a raw file, whose file has the same name; it keeps its
   * length. Of a command line alone, no header names such.
   */
  readonly inside?: ImageSource;
  /** Requests to the file fail by rules: QEMU's driver blkdebug between the image and its file. */
  readonly debug?: DebugNode;
  /** Requests to the disk fail by rules, or are cut by limits: QEMU's driver blkdebug over a format. */
  readonly above?: DebugNode;
  /** What is read from a backing file is kept: QEMU's driver copy-on-read over the image. Heeded by who reads, not by the image. */
  readonly copiesOnRead?: boolean;
  /** Of a raw source: there is no file, but so many bytes that read as zeros and keep nothing of what is written (QEMU's null-co). */
  readonly nullBytes?: number;
  /** Of a raw source: the part of the file that is the disk, in bytes. */
  readonly offset?: number;
  readonly size?: number;
}
