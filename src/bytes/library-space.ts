/**
 * The browser's library: a file space whose files can also be had as Blobs, for a download. And the check for room, which comes
 * before anything long is made. Knows no home.
 */
import type { Result } from "../base/result.ts";
import type { FileProblem, FileSpace } from "./file-space.ts";
import { fileProblem } from "./names.ts";

export interface LibrarySpace extends FileSpace {
  readonly kind: "opfs" | "memory";
  /** The file as a Blob; a later write to the file may break it, so a download takes a copy's. Problems: bad-name, not-found, io. */
  blobOf(name: string): Promise<Result<Blob, FileProblem>>;
}

/**
 * Whether `neededBytes` more fit into the space: a problem "no-space" with both numbers, or null. Count a file's whole length,
 * for OPFS counts it against the quota, holes included. A space that does not tell its usage has room.
 */
export async function checkRoom(space: FileSpace, file: string, neededBytes: number): Promise<FileProblem | null> {
  const usage = await space.usage();
  if (usage === null) return null;
  const freeBytes = Math.max(0, usage.quotaBytes - usage.usedBytes);
  return neededBytes <= freeBytes ? null : { ...fileProblem("no-space", file), neededBytes, freeBytes };
}
