/**
 * A place where images have names: the browser's library (OPFS, or memory where that is lacking) and a folder of a shell.
 *
 * Opening is asynchronous because OPFS hands out its synchronous access handles that way; what is opened is not.
 */
import type { Result } from "../base/result.ts";
import type { ByteStore } from "./byte-store.ts";

/** Why a name could not be opened, made, moved or removed. */
export interface FileProblem {
  readonly kind: "file";
  /** not-a-file: a folder, or something that is no regular file. */
  readonly code: "not-found" | "exists" | "in-use" | "bad-name" | "no-space" | "denied" | "not-a-file" | "io";
  readonly file: string;
  /** no-space: what the operation needed and what was left, in bytes. */
  readonly neededBytes?: number;
  readonly freeBytes?: number;
  readonly detail?: string;
  /** replace: the file that has the new bytes whole, where `file` may have been damaged on the way. */
  readonly wholeCopy?: string;
}

export interface FileEntry {
  readonly name: string;
  readonly sizeBytes: number;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
}

export interface Usage {
  readonly usedBytes: number;
  readonly quotaBytes: number;
  /** Whether the browser promised not to evict. */
  readonly persistent: boolean;
}

/** read: shared, never written. write: must exist. create: made empty, replacing what was there. */
export type OpenMode = "read" | "write" | "create";

export interface FileSpace {
  /** "memory" is forgotten with the tab; the page says so. */
  readonly kind: "opfs" | "memory" | "folder";
  open(name: string, mode: OpenMode): Promise<Result<ByteStore, FileProblem>>;
  /** What a name means that stands in the file `image`; absent where names are the same wherever they stand. */
  beside?(image: string, name: string): string;
  /** One string for all names of one file; absent where a file has one name. */
  identity?(name: string): string;
  list(): Promise<readonly FileEntry[]>;
  remove(name: string): Promise<Result<null, FileProblem>>;
  /** Refuses ("exists") to replace another file. */
  rename(from: string, to: string): Promise<Result<null, FileProblem>>;
  /**
   * Puts the durable file `from` in the place of `to`, which must exist; nobody may have either open. At every moment, and after
   * a crash at any, one of them is whole: a platform that moves does it in one step; one that does not has `to` overwritten with
   * the bytes of `from`, flushed, and only then `from` removed. A problem leaves `to` as it was, unless it names a `wholeCopy`.
   */
  replace(from: string, to: string): Promise<Result<null, FileProblem>>;
  /** null where the platform does not tell. */
  usage(): Promise<Usage | null>;
}
