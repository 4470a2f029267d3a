/**
 * A folder of a shell: plain paths, relative to it or absolute, and every path the system takes. No locks, as a shell has none;
 * opening for writing does not create. Knows nothing of images.
 */
import { chmodSync, closeSync, existsSync, fsyncSync, openSync, readdirSync, realpathSync, renameSync, statSync, unlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ByteStore } from "./byte-store.ts";
import type { FileEntry, FileProblem, FileSpace, OpenMode, Usage } from "./file-space.ts";
import { errorDetail } from "./guard.ts";
import { fileProblem } from "./names.ts";
import { NodeStore, systemCode } from "./node-store.ts";

const flagsOf: Readonly<Record<OpenMode, string>> = { read: "r", write: "r+", create: "w+" };

/** The bits of a file's mode that are its permissions. */
const PERMISSIONS = 0o7777;

export class NodeFiles implements FileSpace {
  readonly kind = "folder";
  private readonly folder: string;

  constructor(folder = ".") {
    this.folder = folder;
  }

  /** Problems: not-found, denied, no-space (create), not-a-file, io: also for a folder that is to be written. The store's name is the path as given. */
  async open(name: string, mode: OpenMode): Promise<Result<ByteStore, FileProblem>> {
    return this.attempt(name, () => {
      // The folder itself has this name to the platform's resolver, and to a shell nothing has.
      if (name === "") return err(fileProblem("not-found", name));
      const path = resolve(this.folder, name);
      // Before opening: to open a pipe waits for its other end, and to create over a device is not what was meant.
      const status = statSync(path, { throwIfNoEntry: mode !== "create" });
      if (status !== undefined && !status.isFile()) {
        return err(mode !== "read" && status.isDirectory() ? fileProblem("io", name, "Is a directory") : fileProblem("not-a-file", name, "not a regular file"));
      }
      const descriptor = openSync(path, flagsOf[mode]);
      try {
        return ok(new NodeStore(name, descriptor, mode === "read"));
      } catch (thrown) {
        closeSync(descriptor);
        throw thrown;
      }
    });
  }

  /** In the folder of `image`, as QEMU puts names together: nothing is taken out of the path, and an absolute name is one. */
  beside(image: string, name: string): string {
    const folderEnd = image.lastIndexOf("/") + 1;
    return name.startsWith("/") ? name : image.slice(0, folderEnd) + name;
  }

  /** The path with its links followed, of a file of several names its number; the path of a file that is not there is as it was given. */
  identity(name: string): string {
    const path = resolve(this.folder, name);
    try {
      // Whole: some file systems' numbers have more digits than a number keeps, and two files would be one.
      const { nlink, dev, ino } = statSync(path, { bigint: true });
      return nlink > 1n ? `${dev}:${ino}` : realpathSync(path);
    } catch {
      return path;
    }
  }

  /** The folder's files *.qcow2, by name. */
  async list(): Promise<readonly FileEntry[]> {
    const entries: FileEntry[] = [];
    for (const found of readdirSync(this.folder, { withFileTypes: true })) {
      if (!found.name.endsWith(".qcow2") || !found.isFile()) continue;
      const status = statSync(join(this.folder, found.name), { throwIfNoEntry: false });
      if (status !== undefined) entries.push({ name: found.name, sizeBytes: status.size, modifiedMs: status.mtimeMs });
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async remove(name: string): Promise<Result<null, FileProblem>> {
    return this.attempt(name, () => {
      unlinkSync(resolve(this.folder, name));
      return ok(null);
    });
  }

  /** Another process may make `to` between the look and the move: a shell's `mv -n` is no better. */
  async rename(from: string, to: string): Promise<Result<null, FileProblem>> {
    return this.attempt(from, () => {
      const source = resolve(this.folder, from);
      const target = resolve(this.folder, to);
      if (!existsSync(source)) return err(fileProblem("not-found", from));
      if (source === target) return ok(null);
      if (existsSync(target)) return err(fileProblem("exists", to));
      renameSync(source, target);
      return ok(null);
    });
  }

  /** One rename(2), which replaces in one step, durable when it returns. A link to the file stays a link; its permissions stay. */
  async replace(from: string, to: string): Promise<Result<null, FileProblem>> {
    return this.attempt(to, () => {
      const source = resolve(this.folder, from);
      const target = realpathSync(resolve(this.folder, to));
      chmodSync(source, statSync(target).mode & PERMISSIONS);
      renameSync(source, target);
      const folder = openSync(dirname(target), "r");
      try {
        fsyncSync(folder);
      } finally {
        closeSync(folder);
      }
      return ok(null);
    });
  }

  /** A disk's free space says nothing about sparse files, so nothing is told. */
  async usage(): Promise<Usage | null> {
    return null;
  }

  private attempt<Value>(name: string, act: () => Result<Value, FileProblem>): Result<Value, FileProblem> {
    try {
      return act();
    } catch (thrown) {
      return err(fileProblem(codeOf(thrown), name, errorDetail(thrown)));
    }
  }
}

function codeOf(thrown: unknown): FileProblem["code"] {
  switch (systemCode(thrown)) {
    case "ENOENT":
      return "not-found";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "denied";
    case "EEXIST":
      return "exists";
    case "ENOSPC":
    case "EDQUOT":
      return "no-space";
    case "EBUSY":
    case "ETXTBSY":
      return "in-use";
    case "ENAMETOOLONG":
    case "ERR_INVALID_ARG_VALUE":
      return "bad-name";
    default:
      return "io";
  }
}
