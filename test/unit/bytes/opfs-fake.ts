/**
 * Stand-ins for the browser's private file system and its locks, with the browser's rules: what it throws, one writable access
 * handle or several read-only ones, locks released a moment after they were let go. The true ones: test/e2e/conformance.test.ts.
 */
import type { Locks } from "../../../src/bytes/file-lock.ts";
import { MemoryContents } from "../../../src/bytes/memory-store.ts";
import { OpfsFiles } from "../../../src/bytes/opfs-files.ts";
import type { FileHandle, Folder, Storage } from "../../../src/bytes/opfs-files.ts";
import type { SyncHandle } from "../../../src/bytes/opfs-store.ts";
import type { LibraryHome } from "../../../src/testing/files-conformance.ts";
import { libraryFileHome } from "../../../src/testing/homes.ts";
import type { StoreHome } from "../../../src/testing/store-conformance.ts";

export const refusal = (name: string): DOMException => new DOMException(`stand-in: ${name}`, name);

export class FakeLocks implements Locks {
  private readonly held = new Map<string, { exclusive: boolean; count: number }>();

  async request(name: string, options: { mode: "exclusive" | "shared" }, callback: (lock: unknown) => Promise<void> | undefined): Promise<unknown> {
    await Promise.resolve();
    const held = this.held.get(name);
    const exclusive = options.mode === "exclusive";
    if (held !== undefined && (held.exclusive || exclusive)) return callback(null);
    this.held.set(name, { exclusive, count: (held?.count ?? 0) + 1 });
    await callback({ name });
    await new Promise((resolve) => setTimeout(resolve, 2));
    const now = this.held.get(name)!;
    if (now.count === 1) this.held.delete(name);
    else now.count--;
    return undefined;
  }
}

/** How the stand-in transfers: like the real one unless a test says otherwise. */
export interface FakeTransfers {
  /** Bytes that one call of read or write moves at most; 0 makes no progress. */
  mostBytes: number;
  /** Bytes that may be written until there is no room, after which write moves nothing. */
  roomBytes: number;
  /** Thrown by the next write. */
  nextWriteThrows: DOMException | null;
}

interface FakeFile {
  contents: MemoryContents;
  readers: number;
  writers: number;
  modifiedMs: number;
}

export class FakeFolder implements Folder {
  readonly files = new Map<string, FakeFile>();
  readonly transfers: FakeTransfers = {
    mostBytes: Number.POSITIVE_INFINITY,
    roomBytes: Number.POSITIVE_INFINITY,
    nextWriteThrows: null,
  };
  private readonly canMove: boolean;
  /** Whether the browser knows the mode of an access handle; one that does not gives one handle a file. */
  private readonly knowsModes: boolean;

  constructor(canMove = true, knowsModes = true) {
    this.canMove = canMove;
    this.knowsModes = knowsModes;
  }

  async getFileHandle(name: string, options?: { create: boolean }): Promise<FileHandle> {
    if (!this.files.has(name)) {
      if (options?.create !== true) throw refusal("NotFoundError");
      this.files.set(name, { contents: new MemoryContents(), readers: 0, writers: 0, modifiedMs: Date.now() });
    }
    return this.handle(name, this.files.get(name)!);
  }

  async removeEntry(name: string): Promise<void> {
    const file = this.files.get(name);
    if (file === undefined) throw refusal("NotFoundError");
    if (file.readers + file.writers > 0) throw refusal("NoModificationAllowedError");
    this.files.delete(name);
  }

  async *values(): AsyncIterable<FileHandle> {
    for (const [name, file] of this.files) yield this.handle(name, file);
  }

  private handle(name: string, file: FakeFile): FileHandle {
    const move = async (to: string): Promise<void> => {
      this.files.delete(name);
      this.files.set(to, file);
    };
    return {
      kind: "file",
      name,
      async getFile() {
        const bytes = new Uint8Array(file.contents.size);
        file.contents.read(0, bytes);
        return new File([bytes], name, { lastModified: file.modifiedMs });
      },
      createSyncAccessHandle: async (options) => {
        const writes = !this.knowsModes || options?.mode !== "read-only";
        if (file.writers > 0 || (writes && file.readers > 0)) throw refusal("NoModificationAllowedError");
        if (writes) file.writers++;
        else file.readers++;
        return new FakeSyncHandle(file, writes, this.transfers);
      },
      ...(this.canMove ? { move } : {}),
    };
  }
}

class FakeSyncHandle implements SyncHandle {
  private open = true;
  private readonly file: FakeFile;
  private readonly writes: boolean;
  private readonly transfers: FakeTransfers;
  constructor(file: FakeFile, writes: boolean, transfers: FakeTransfers) {
    this.file = file;
    this.writes = writes;
    this.transfers = transfers;
  }
  read(into: Uint8Array, options: { at: number }): number {
    return this.use(false).read(options.at, into.subarray(0, this.transfers.mostBytes));
  }
  write(from: Uint8Array, options: { at: number }): number {
    const contents = this.use(true);
    const thrown = this.transfers.nextWriteThrows;
    this.transfers.nextWriteThrows = null;
    if (thrown !== null) throw thrown;
    const part = from.subarray(0, Math.min(this.transfers.mostBytes, this.transfers.roomBytes));
    contents.write(options.at, part);
    this.transfers.roomBytes -= part.length;
    return part.length;
  }
  truncate(size: number): void {
    this.use(true).truncate(size);
  }
  getSize(): number {
    return this.use(false).size;
  }
  flush(): void {
    this.use(false);
  }
  close(): void {
    if (!this.open) return;
    this.open = false;
    if (this.writes) this.file.writers--;
    else this.file.readers--;
  }
  private use(toWrite: boolean): MemoryContents {
    if (!this.open) throw refusal("InvalidStateError");
    if (toWrite && !this.writes) throw refusal("NoModificationAllowedError");
    return this.file.contents;
  }
}

export const fakeStorage: Storage = {
  estimate: async () => ({ usage: 1000, quota: 5000 }),
  persisted: async () => false,
};

export function opfsFakeHome(options: { canMove: boolean; knowsModes?: boolean } = { canMove: true }): LibraryHome {
  let folder = new FakeFolder(options.canMove, options.knowsModes);
  let locks = new FakeLocks();
  return {
    async make() {
      folder = new FakeFolder(options.canMove, options.knowsModes);
      locks = new FakeLocks();
      return new OpfsFiles(folder, locks, fakeStorage);
    },
    another: async () => new OpfsFiles(folder, locks, fakeStorage),
  };
}

export const opfsFakeStoreHome = (): StoreHome => libraryFileHome(new OpfsFiles(new FakeFolder(), new FakeLocks(), fakeStorage));
