/**
 * The library where the browser has no private file system, and in tests: names over memory, forgotten with the tab.
 *
 * Sharing follows OPFS: one writer alone, or any number of readers.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ByteStore } from "./byte-store.ts";
import type { FileEntry, FileProblem, OpenMode, Usage } from "./file-space.ts";
import type { LibrarySpace } from "./library-space.ts";
import { MemoryContents, MemoryStore } from "./memory-store.ts";
import { fileProblem, libraryNameProblem } from "./names.ts";

interface MemoryFile {
  contents: MemoryContents;
  modifiedMs: number;
  readers: number;
  writers: number;
}

export class MemoryFiles implements LibrarySpace {
  readonly kind = "memory";
  private readonly files = new Map<string, MemoryFile>();
  private readonly now: () => number;
  private readonly mostBytes: number | null;

  /** `now` gives milliseconds since 1970; `mostBytes` is what all files together may hold, null for what the platform gives. */
  constructor(now: () => number = Date.now, mostBytes: number | null = null) {
    this.now = now;
    this.mostBytes = mostBytes;
  }

  /** Problems: bad-name, not-found (read and write), in-use. */
  async open(name: string, mode: OpenMode): Promise<Result<ByteStore, FileProblem>> {
    const bad = libraryNameProblem(name);
    if (bad !== null) return err(bad);
    let file = this.files.get(name);
    if (file === undefined) {
      if (mode !== "create") return err(fileProblem("not-found", name));
      file = { contents: new MemoryContents(), modifiedMs: this.now(), readers: 0, writers: 0 };
      this.files.set(name, file);
    }
    if (file.writers > 0 || (mode !== "read" && file.readers > 0)) return err(fileProblem("in-use", name));
    if (mode === "create") file.contents = new MemoryContents();
    return ok(mode === "read" ? this.reader(name, file) : this.writer(name, file));
  }

  async list(): Promise<readonly FileEntry[]> {
    const entries = [...this.files].map(([name, file]) => ({ name, sizeBytes: file.contents.size, modifiedMs: file.modifiedMs }));
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Problems: not-found, in-use. */
  async remove(name: string): Promise<Result<null, FileProblem>> {
    const problem = this.problemWithMoving(name);
    if (problem !== null) return err(problem);
    this.files.delete(name);
    return ok(null);
  }

  /** Problems: bad-name, not-found, exists, in-use. */
  async rename(from: string, to: string): Promise<Result<null, FileProblem>> {
    const problem = libraryNameProblem(to) ?? this.problemWithMoving(from);
    if (problem !== null) return err(problem);
    const file = this.files.get(from);
    if (file === undefined || from === to) return ok(null);
    if (this.files.has(to)) return err(fileProblem("exists", to));
    this.files.delete(from);
    this.files.set(to, file);
    return ok(null);
  }

  /** Problems: not-found, in-use. */
  async replace(from: string, to: string): Promise<Result<null, FileProblem>> {
    const problem = this.problemWithMoving(from) ?? this.problemWithMoving(to);
    if (problem !== null) return err(problem);
    const file = this.files.get(from)!;
    this.files.delete(from);
    this.files.set(to, file);
    return ok(null);
  }

  /** Of a space without bounds null: the platform does not tell what memory a tab may have. */
  async usage(): Promise<Usage | null> {
    return this.mostBytes === null ? null : { usedBytes: this.heldBytes(), quotaBytes: this.mostBytes, persistent: false };
  }

  private heldBytes(): number {
    return [...this.files.values()].reduce((sum, { contents }) => sum + contents.heldBytes, 0);
  }

  /** A Blob of the bytes as they are now; holes are written out. */
  async blobOf(name: string): Promise<Result<Blob, FileProblem>> {
    const file = this.files.get(name);
    if (file === undefined) return err(fileProblem("not-found", name));
    const partSize = 1024 * 1024;
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (let offset = 0; offset < file.contents.size; offset += partSize) {
      const part = new Uint8Array(Math.min(partSize, file.contents.size - offset));
      file.contents.read(offset, part);
      parts.push(part);
    }
    return ok(new Blob(parts));
  }

  private reader(name: string, file: MemoryFile): MemoryStore {
    file.readers++;
    return new MemoryStore(name, file.contents, true, () => file.readers--);
  }

  private writer(name: string, file: MemoryFile): MemoryStore {
    file.writers++;
    const { mostBytes } = this;
    const onClose = (): void => {
      file.writers--;
      file.modifiedMs = this.now();
    };
    return new MemoryStore(name, file.contents, false, onClose, mostBytes === null ? undefined : () => mostBytes - this.heldBytes());
  }

  private problemWithMoving(name: string): FileProblem | null {
    const file = this.files.get(name);
    if (file === undefined) return fileProblem("not-found", name);
    return file.readers + file.writers > 0 ? fileProblem("in-use", name) : null;
  }
}
