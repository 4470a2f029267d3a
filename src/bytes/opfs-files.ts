/**
 * The library in the browser's origin-private file system: one folder of files, each open for writing in one tab only.
 *
 * The folder, the locks and the storage manager are given, so that tests can stand in for each. Knows nothing of images.
 * Source: WHATWG File System; W3C Web Locks; Chromium's `mode` of createSyncAccessHandle and `move`.
 */
import { Fault } from "../base/fault.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ByteStore } from "./byte-store.ts";
import { FileLocks } from "./file-lock.ts";
import type { Locks } from "./file-lock.ts";
import type { FileEntry, FileProblem, OpenMode, Usage } from "./file-space.ts";
import { errorDetail, errorName } from "./guard.ts";
import type { LibrarySpace } from "./library-space.ts";
import { fileProblem, libraryNameProblem } from "./names.ts";
import { OpfsStore } from "./opfs-store.ts";
import type { SyncHandle } from "./opfs-store.ts";
import { SharedReads } from "./shared-reads.ts";

/** The part of FileSystemFileHandle that is used. */
export interface FileHandle {
  readonly kind: "file" | "directory";
  readonly name: string;
  getFile(): Promise<File>;
  /** A browser that does not know `mode` opens for writing, alone. */
  createSyncAccessHandle(options?: { mode: "readwrite" | "read-only" }): Promise<SyncHandle>;
  /** Chromium's and Safari's. */
  move?(name: string): Promise<void>;
}

/** The part of FileSystemDirectoryHandle that is used. */
export interface Folder {
  getFileHandle(name: string, options?: { create: boolean }): Promise<FileHandle>;
  removeEntry(name: string): Promise<void>;
  values(): AsyncIterable<FileHandle>;
}

/** The part of StorageManager that is used. */
export interface Storage {
  estimate(): Promise<{ usage?: number; quota?: number }>;
  persisted(): Promise<boolean>;
}

const COPY_SIZE = 1024 * 1024;

export class OpfsFiles implements LibrarySpace {
  readonly kind = "opfs";
  private readonly folder: Folder;
  private readonly locks: FileLocks;
  private readonly storage: Storage;
  private readonly reads = new SharedReads();

  constructor(folder: Folder, locks: Locks, storage: Storage) {
    this.folder = folder;
    this.locks = new FileLocks(locks);
    this.storage = storage;
  }

  /** Problems: bad-name, not-found (read and write), in-use (here or in another tab), no-space, denied, io. */
  async open(name: string, mode: OpenMode): Promise<Result<ByteStore, FileProblem>> {
    const bad = libraryNameProblem(name);
    if (bad !== null) return err(bad);
    try {
      const release = await this.locks.take(name, mode === "read" ? "shared" : "exclusive");
      if (release === null) return err(fileProblem("in-use", name));
      try {
        return ok(await this.openStore(name, mode, release));
      } catch (thrown) {
        release();
        throw thrown;
      }
    } catch (thrown) {
      return err(problemOf(thrown, name));
    }
  }

  async list(): Promise<readonly FileEntry[]> {
    const entries: FileEntry[] = [];
    for await (const handle of this.folder.values()) {
      if (handle.kind !== "file") continue;
      try {
        const file = await handle.getFile();
        entries.push({ name: handle.name, sizeBytes: file.size, modifiedMs: file.lastModified });
      } catch (thrown) {
        // Removed by another tab while this one looked.
        if (errorName(thrown) !== "NotFoundError") throw thrown;
      }
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Problems: bad-name, not-found, in-use, io. */
  async remove(name: string): Promise<Result<null, FileProblem>> {
    const bad = libraryNameProblem(name);
    if (bad !== null) return err(bad);
    return this.alone(name, async () => {
      await this.folder.removeEntry(name);
      return ok(null);
    });
  }

  /** Problems: bad-name, not-found, exists, in-use, no-space (where a move is a copy), io. */
  async rename(from: string, to: string): Promise<Result<null, FileProblem>> {
    const bad = libraryNameProblem(from) ?? libraryNameProblem(to);
    if (bad !== null) return err(bad);
    // Both names are held: the move itself would replace a file that another tab makes meanwhile.
    return this.alone(from, async () => {
      const source = await this.folder.getFileHandle(from);
      if (from === to) return ok(null);
      return this.alone(to, async () => {
        if (await this.exists(to)) return err(fileProblem("exists", to));
        if (source.move !== undefined) await source.move(to);
        else await this.copyAndRemove(source, to);
        return ok(null);
      });
    });
  }

  /** Problems: bad-name, not-found, in-use, no-space and io; where a move is a copy, the latter two name the whole copy. */
  async replace(from: string, to: string): Promise<Result<null, FileProblem>> {
    const bad = libraryNameProblem(from) ?? libraryNameProblem(to);
    if (bad !== null) return err(bad);
    return this.alone(from, async () => {
      const source = await this.folder.getFileHandle(from);
      return this.alone(to, async () => {
        const target = await this.folder.getFileHandle(to);
        if (source.move !== undefined) {
          await source.move(to);
          return ok(null);
        }
        try {
          await copyBytes(source, target);
        } catch (thrown) {
          return err({ ...problemOf(thrown, to), wholeCopy: from });
        }
        await this.folder.removeEntry(from);
        return ok(null);
      });
    });
  }

  async usage(): Promise<Usage | null> {
    try {
      const { usage, quota } = await this.storage.estimate();
      if (usage === undefined || quota === undefined) return null;
      return { usedBytes: usage, quotaBytes: quota, persistent: await this.storage.persisted() };
    } catch {
      return null;
    }
  }

  async blobOf(name: string): Promise<Result<Blob, FileProblem>> {
    const bad = libraryNameProblem(name);
    if (bad !== null) return err(bad);
    try {
      return ok(await (await this.folder.getFileHandle(name)).getFile());
    } catch (thrown) {
      return err(problemOf(thrown, name));
    }
  }

  /** `release` lets go of the lock; the store does it when it is closed. */
  private async openStore(name: string, mode: OpenMode, release: () => void): Promise<OpfsStore> {
    const file = await this.folder.getFileHandle(name, { create: mode === "create" });
    if (mode === "read") return new OpfsStore(name, await this.reads.take(name, () => file.createSyncAccessHandle({ mode: "read-only" })), true, release);
    const handle = await file.createSyncAccessHandle({ mode: "readwrite" });
    try {
      if (mode === "create") handle.truncate(0);
    } catch (thrown) {
      handle.close();
      throw thrown;
    }
    return new OpfsStore(name, handle, false, release);
  }

  /** Acts while nobody else can have the file of that name, here or in another tab. */
  private async alone(name: string, act: () => Promise<Result<null, FileProblem>>): Promise<Result<null, FileProblem>> {
    let release: (() => void) | null = null;
    try {
      release = await this.locks.take(name, "exclusive");
      return release === null ? err(fileProblem("in-use", name)) : await act();
    } catch (thrown) {
      return err(problemOf(thrown, name));
    } finally {
      release?.();
    }
  }

  private async exists(name: string): Promise<boolean> {
    try {
      await this.folder.getFileHandle(name);
      return true;
    } catch (thrown) {
      if (errorName(thrown) === "NotFoundError") return false;
      throw thrown;
    }
  }

  /** For a browser without `move`. The source goes only after the copy is durable: a crash leaves two files, never none. */
  private async copyAndRemove(source: FileHandle, to: string): Promise<void> {
    const target = await this.folder.getFileHandle(to, { create: true });
    try {
      await copyBytes(source, target);
    } catch (thrown) {
      await this.folder.removeEntry(to);
      throw thrown;
    }
    await this.folder.removeEntry(source.name);
  }
}

/** Copies all bytes and makes them durable; chunks of zeros become a hole where the platform has holes. */
async function copyBytes(source: FileHandle, target: FileHandle): Promise<void> {
  const read = new OpfsStore(source.name, await source.createSyncAccessHandle({ mode: "read-only" }), true);
  try {
    const write = new OpfsStore(target.name, await target.createSyncAccessHandle(), false);
    try {
      const size = read.size();
      const buffer = new Uint8Array(COPY_SIZE);
      // Emptied first: what is skipped as zeros must not show what the target had.
      write.truncate(0);
      write.truncate(size);
      for (let offset = 0; offset < size; offset += COPY_SIZE) {
        const part = buffer.subarray(0, read.read(offset, buffer));
        if (part.some((byte) => byte !== 0)) write.write(offset, part);
      }
      write.flush();
    } finally {
      write.close();
    }
  } finally {
    read.close();
  }
}

/** What an exception of the file system, or a Fault of a store, means for the file of that name. */
function problemOf(thrown: unknown, name: string): FileProblem {
  return fileProblem(codeOf(thrown), name, errorDetail(thrown));
}

function codeOf(thrown: unknown): FileProblem["code"] {
  if (thrown instanceof Fault) return thrown.problem.kind === "store" && thrown.problem.code === "no-space" ? "no-space" : "io";
  switch (errorName(thrown)) {
    case "NotFoundError":
      return "not-found";
    case "NoModificationAllowedError":
      return "in-use";
    case "QuotaExceededError":
      return "no-space";
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    default:
      return "io";
  }
}
