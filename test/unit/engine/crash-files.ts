/** A folder in memory whose files record what is done to them, in one order over all of them, for crashes between and within writes. */
import { err, ok } from "../../../src/base/result.ts";
import type { Result } from "../../../src/base/result.ts";
import type { ByteStore } from "../../../src/bytes/byte-store.ts";
import type { FileProblem, FileSpace, OpenMode } from "../../../src/bytes/file-space.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { RecordingStore } from "../../../src/crash/recording-store.ts";

class Journaled extends RecordingStore {
  onChange: () => void = () => undefined;
  override write(offset: number, from: Uint8Array): void {
    super.write(offset, from);
    this.onChange();
  }
  override truncate(size: number): void {
    super.truncate(size);
    this.onChange();
  }
  override flush(): void {
    super.flush();
    this.onChange();
  }
}

export class CrashFiles implements FileSpace {
  readonly kind = "folder";
  /** Who changed or flushed what, in order. */
  readonly journal: string[] = [];
  /** What was opened to be written, as it was recorded. */
  readonly recorded = new Map<string, RecordingStore>();
  private readonly contents = new Map<string, MemoryContents>();

  constructor(files: ReadonlyMap<string, MemoryContents> = new Map()) {
    for (const [name, contents] of files) this.contents.set(name, contents.copy());
  }

  async open(name: string, mode: OpenMode): Promise<Result<ByteStore, FileProblem>> {
    const recorded = this.recorded.get(name);
    const there = recorded?.crashOfProgram(recorded.log.length) ?? this.contents.get(name);
    if (there === undefined && mode !== "create") return err({ kind: "file", code: "not-found", file: name });
    if (mode === "read") return ok(new MemoryStore(name, there, true));
    const store = new Journaled(name, mode === "create" ? new MemoryContents() : there);
    store.onChange = () => this.journal.push(name);
    this.recorded.set(name, store);
    return ok(store);
  }

  /** Everything as it is now. */
  now(): Map<string, MemoryContents> {
    const all = new Map(this.contents);
    for (const [name, store] of this.recorded) all.set(name, store.crashOfProgram(store.log.length));
    return all;
  }

  list = async (): Promise<never[]> => [];
  remove = async (): Promise<Result<null, FileProblem>> => ok(null);
  rename = async (): Promise<Result<null, FileProblem>> => ok(null);
  replace = async (): Promise<Result<null, FileProblem>> => ok(null);
  usage = async (): Promise<null> => null;
}
