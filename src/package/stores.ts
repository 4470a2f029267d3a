/** Stores under names, as the place in which the engine looks for an image and for what it stands on. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { FileEntry, FileProblem, FileSpace, OpenMode } from "../bytes/file-space.ts";
import { fileProblem } from "../bytes/names.ts";
import { CallerStore } from "./caller-store.ts";

/**
 * Stores by the names that headers call them. Names are compared to the letter: what a header says is looked up here and nowhere
 * else, so that no image leads to a file that was not handed in. A store is used by one image at a time when it is written.
 */
export class NamedStores implements FileSpace {
  readonly kind = "memory";
  private readonly stores: Map<string, ByteStore>;
  private readonly writers = new Set<string>();

  constructor(stores: Readonly<Record<string, ByteStore>>) {
    this.stores = new Map(Object.entries(stores));
  }

  async open(name: string, mode: OpenMode): Promise<Result<ByteStore, FileProblem>> {
    const store = this.stores.get(name);
    if (store === undefined) return err(fileProblem("not-found", name));
    if (mode !== "read" && store.readOnly) return err(fileProblem("denied", name, "the store is read-only"));
    if (mode === "read") return ok(new CallerStore(name, store, true));
    if (this.writers.has(name)) return err(fileProblem("in-use", name));
    this.writers.add(name);
    const opened = new WrittenStore(name, store, () => this.writers.delete(name));
    try {
      if (mode === "create") opened.truncate(0);
    } catch (thrown) {
      opened.close();
      throw thrown;
    }
    return ok(opened);
  }

  async list(): Promise<readonly FileEntry[]> {
    return [...this.stores].map(([name, store]) => ({ name, sizeBytes: store.size(), modifiedMs: 0 }));
  }

  async remove(name: string): Promise<Result<null, FileProblem>> {
    return err(fileProblem("denied", name, "a store is its owner's to remove"));
  }

  async rename(from: string): Promise<Result<null, FileProblem>> {
    return err(fileProblem("denied", from, "a store has the name that its owner gave it"));
  }

  async replace(from: string): Promise<Result<null, FileProblem>> {
    return err(fileProblem("denied", from, "a store has the name that its owner gave it"));
  }

  async usage(): Promise<null> {
    return null;
  }
}

class WrittenStore extends CallerStore {
  private readonly letGo: () => void;

  constructor(name: string, store: ByteStore, letGo: () => void) {
    super(name, store, false);
    this.letGo = letGo;
  }

  override close(): void {
    super.close();
    this.letGo();
  }
}
