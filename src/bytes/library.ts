/**
 * The library of this browser, called in a worker: OPFS where it is proven to work, memory otherwise. Having the functions is
 * no proof (private windows, insecure pages and full disks refuse later), so a few bytes are written and read back.
 */
import type { Locks } from "./file-lock.ts";
import type { LibrarySpace } from "./library-space.ts";
import { MemoryFiles } from "./memory-files.ts";
import { OpfsFiles } from "./opfs-files.ts";
import type { FileHandle, Folder, Storage } from "./opfs-files.ts";

/** The folder of the origin's private file system that holds the library's files. */
const LIBRARY_FOLDER = "images";

interface RootFolder extends Folder {
  getDirectoryHandle(name: string, options: { create: boolean }): Promise<Folder>;
}

/** The part of a worker's navigator that is used. */
export interface Platform {
  readonly storage?: Storage & { getDirectory(): Promise<RootFolder> };
  readonly locks?: Locks;
}

/** Opens the library; the memory space (kind "memory") stands in wherever OPFS does not truly work. Never rejects. */
export async function openLibrary(platform: Platform = navigator as unknown as Platform): Promise<LibrarySpace> {
  return (await openOpfs(platform)) ?? new MemoryFiles();
}

async function openOpfs(platform: Platform): Promise<LibrarySpace | null> {
  if (platform.storage === undefined || platform.locks === undefined) return null;
  try {
    const root = await platform.storage.getDirectory();
    if (!(await probe(root)) && !(await isFullLibrary(root))) return null;
    const folder = await root.getDirectoryHandle(LIBRARY_FOLDER, { create: true });
    return new OpfsFiles(folder, platform.locks, platform.storage);
  } catch {
    return null;
  }
}

/**
 * Whether there are images already: then OPFS worked once, and what the probe met is most likely a full disk. To answer that with
 * an empty library in memory would hide the very images of which some must go.
 */
async function isFullLibrary(root: RootFolder): Promise<boolean> {
  try {
    const folder = await root.getDirectoryHandle(LIBRARY_FOLDER, { create: false });
    for await (const _ of folder.values()) return true;
  } catch {
    // No such folder, or none that can be read.
  }
  return false;
}

/** Writes and reads back four bytes in a file of its own, which is removed again. */
async function probe(root: Folder): Promise<boolean> {
  const name = `probe-${crypto.randomUUID()}`;
  try {
    const file = await root.getFileHandle(name, { create: true });
    try {
      return await isReadBack(file);
    } finally {
      await root.removeEntry(name);
    }
  } catch {
    return false;
  }
}

async function isReadBack(file: FileHandle): Promise<boolean> {
  const handle = await file.createSyncAccessHandle();
  try {
    const wrote = handle.write(new Uint8Array([1, 2, 3, 4]), { at: 0 });
    handle.flush();
    const found = new Uint8Array(4);
    return wrote === 4 && handle.read(found, { at: 0 }) === 4 && found.every((byte, index) => byte === index + 1);
  } finally {
    handle.close();
  }
}
