/**
 * The calls about files rather than disks: list, rename, remove, copy, adopt, export. A file that is open here is flushed before
 * its bytes are copied, so that the copy is a whole image.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { FileProblem, FileSpace } from "../bytes/file-space.ts";
import type { RemoteFile } from "../bytes/range-probe.ts";
import { checkRoom } from "../bytes/library-space.ts";
import { ADOPTED_PREFIX } from "../protocol/index.ts";
import type { Failure, RemoteProblem, ReplyOf } from "../protocol/index.ts";
import { failureOf } from "./border.ts";
import { copyStore } from "./copy.ts";
import type { Job } from "./jobs.ts";

/** Temporary copies for downloads; removed when the engine next starts, and never listed. */
const EXPORT_PREFIX = ".saving-";

/** What a home of the engine can do beyond opening files by name. */
export interface LibraryHost {
  readonly files: FileSpace;
  /** A read-only store over a file of the person's machine; absent outside a browser. */
  readonly openBlob?: (source: Blob, name: string) => ByteStore;
  /** Files at URLs; absent where nothing is fetched. */
  readonly remote?: {
    readonly probe: (url: string) => Promise<Result<RemoteFile, RemoteProblem>>;
    readonly open: (file: RemoteFile, name: string) => ByteStore;
  };
  /** The file's bytes for a download; absent outside a browser. */
  readonly blobOf?: (file: string) => Promise<Result<Blob, FileProblem>>;
}

export class Library {
  private readonly host: LibraryHost;
  private readonly adopted = new Map<string, File>();
  private readonly remote = new Map<string, RemoteFile>();
  /** Flushes the device that has this file open here and lends its store; null where none has it. */
  private readonly openStore: (file: string) => Result<ByteStore, Failure> | null;
  private exports = 0;
  /** The copies of this run's downloads, held open so that the start of another tab cannot remove what is still being saved. */
  private readonly held: ByteStore[] = [];

  constructor(host: LibraryHost, openStore: (file: string) => Result<ByteStore, Failure> | null) {
    this.host = host;
    this.openStore = openStore;
  }

  /** Opens a library file, or an adopted one for reading. */
  async open(file: string, mode: "read" | "write" | "create"): Promise<Result<ByteStore, FileProblem>> {
    if (!file.startsWith(ADOPTED_PREFIX)) return this.host.files.open(file, mode);
    const remote = this.remote.get(file);
    if (remote !== undefined && this.host.remote !== undefined) return mode === "create" ? err({ kind: "file", code: "bad-name", file }) : ok(this.host.remote.open(remote, file));
    const source = this.adopted.get(file);
    if (source === undefined || this.host.openBlob === undefined) return err({ kind: "file", code: "not-found", file });
    if (mode === "create") return err({ kind: "file", code: "bad-name", file });
    return ok(this.host.openBlob(source, file));
  }

  /**
   * What a name means that stands in the header of `image`. For a file of the person's machine it is a file that was dropped beside
   * it and has the name's last part: folders of that machine are not to be seen from here, and nothing is fetched or guessed.
   */
  beside(image: string, name: string): string {
    if (image.startsWith(ADOPTED_PREFIX)) return `${ADOPTED_PREFIX}${name.slice(name.lastIndexOf("/") + 1)}`;
    return this.host.files.beside?.(image, name) ?? name;
  }

  /** One string for all names of one file. */
  identity(file: string): string {
    return file.startsWith(ADOPTED_PREFIX) ? file : (this.host.files.identity?.(file) ?? file);
  }

  adopt(source: File): Result<ReplyOf<"adopt">, Failure> {
    if (this.host.openBlob === undefined) return err({ kind: "unsupported", feature: "adopting a file" });
    const file = `${ADOPTED_PREFIX}${source.name}`;
    this.adopted.set(file, source);
    this.remote.delete(file);
    return ok({ file });
  }

  async adoptUrl(url: string): Promise<Result<ReplyOf<"adoptUrl">, Failure>> {
    if (this.host.remote === undefined) return err({ kind: "unsupported", feature: "a file at a URL" });
    const probed = await this.host.remote.probe(url);
    if (!probed.ok) return probed;
    const { name, host, sizeBytes } = probed.value;
    const file = `${ADOPTED_PREFIX}${name}`;
    this.remote.set(file, probed.value);
    this.adopted.delete(file);
    return ok({ file, host, sizeBytes });
  }

  async list(): Promise<Result<ReplyOf<"listFiles">, Failure>> {
    const { files } = this.host;
    const entries = (await files.list()).filter(({ name }) => !name.startsWith(EXPORT_PREFIX));
    return ok({ kind: files.kind, files: entries, usage: await files.usage() });
  }

  async rename(from: string, to: string): Promise<Result<{ done: true }, Failure>> {
    const outcome = await this.host.files.rename(from, to);
    return outcome.ok ? ok({ done: true }) : outcome;
  }

  async remove(file: string): Promise<Result<{ done: true }, Failure>> {
    if (this.adopted.delete(file) || this.remote.delete(file)) return ok({ done: true });
    const outcome = await this.host.files.remove(file);
    return outcome.ok ? ok({ done: true }) : outcome;
  }

  /** Copies any file to a new name; refuses to replace one, and to start what the room left cannot hold. */
  async copy(from: string, to: string, job: Job): Promise<Result<{ sizeBytes: number }, Failure>> {
    const { files } = this.host;
    // Before anything waits: whether the file is open here was decided when the call's turn was, and must not change between. One
    // that is opened meanwhile is in use.
    const lent = this.openStore(from);
    const taken = await this.isTaken(to);
    if (taken !== null) return err(taken);
    const source = lent ?? (await this.open(from, "read"));
    if (!source.ok) return source;
    try {
      const room = await checkRoom(files, to, source.value.size());
      return room === null ? await this.copyInto(source.value, to, job) : err(room);
    } finally {
      if (lent === null) source.value.close();
    }
  }

  /** Why a new file cannot have this name, or null. A folder lists its images alone, so the name itself is tried too. */
  private async isTaken(file: string): Promise<FileProblem | null> {
    const { files } = this.host;
    if ((await files.list()).some(({ name }) => name === file)) return { kind: "file", code: "exists", file };
    const found = await files.open(file, "read");
    if (!found.ok) return found.error.code === "not-found" ? null : found.error;
    found.value.close();
    return { kind: "file", code: "exists", file };
  }

  private async copyInto(source: ByteStore, to: string, job: Job): Promise<Result<{ sizeBytes: number }, Failure>> {
    const target = await this.host.files.open(to, "create");
    if (!target.ok) return target;
    let copied: Result<number, Failure>;
    try {
      copied = await job.run(copyStore(source, target.value));
    } catch (error) {
      copied = err(failureOf(error));
    }
    target.value.close();
    if (copied.ok) return ok({ sizeBytes: copied.value });
    // A half copy is no image: it goes.
    await this.host.files.remove(to);
    return copied;
  }

  async exportFile(file: string, job: Job): Promise<Result<ReplyOf<"exportFile">, Failure>> {
    const name = file.startsWith(ADOPTED_PREFIX) ? file.slice(ADOPTED_PREFIX.length) : file;
    const source = this.adopted.get(file);
    if (source !== undefined) return ok({ source, name });
    const temporary = this.temporaryName();
    if (!temporary.ok) return temporary;
    const copied = await this.copy(file, temporary.value, job);
    if (!copied.ok) return copied;
    const blob = await this.downloadOf(temporary.value);
    return blob.ok ? ok({ source: blob.value, name }) : blob;
  }

  /** A name for what is made to be downloaded; it is not listed, and goes when the engine next starts. */
  temporaryName(): Result<string, Failure> {
    if (this.host.blobOf === undefined) return err({ kind: "unsupported", feature: "downloading a file" });
    return ok(`${EXPORT_PREFIX}${++this.exports}-${Date.now()}`);
  }

  /** The bytes of a temporary file, which is held until the engine ends. */
  async downloadOf(temporary: string): Promise<Result<Blob, Failure>> {
    if (this.host.blobOf === undefined) return err({ kind: "unsupported", feature: "downloading a file" });
    const blob = await this.host.blobOf(temporary);
    const hold = await this.host.files.open(temporary, "read");
    if (hold.ok) this.held.push(hold.value);
    return blob;
  }

  /** Why a new file of that name and length cannot be made, or null. */
  async refusalOfNew(file: string, lengthBytes: number): Promise<FileProblem | null> {
    return (await this.isTaken(file)) ?? (await checkRoom(this.host.files, file, lengthBytes));
  }

  /** Removes the temporary copies of earlier downloads; one that another tab holds stays. What cannot be removed is left for later. */
  async removeExports(): Promise<void> {
    try {
      for (const { name } of await this.host.files.list()) if (name.startsWith(EXPORT_PREFIX)) await this.host.files.remove(name);
    } catch {
      // A folder that cannot be listed now must not keep the engine from starting; whoever lists it next is told why.
    }
  }

  /** Lets go of the copies that were made for downloads. */
  close(): void {
    for (const store of this.held.splice(0)) store.close();
  }
}
