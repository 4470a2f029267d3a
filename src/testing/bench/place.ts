/**
 * Where the bench measures: a file space for the engine, and beside it the platform's own positioned calls on a file, with
 * nothing of ours between: the yardstick.
 */
import type { ByteStore } from "../../bytes/byte-store.ts";
import type { FileProblem, FileSpace, OpenMode } from "../../bytes/file-space.ts";
import { ok } from "../../base/result.ts";
import type { Result } from "../../base/result.ts";
import { writeNewImage } from "../../engine/create-image.ts";
import type { Answer } from "../../engine/device.ts";
import { Engine } from "../../engine/engine.ts";
import { OpenImage } from "../../engine/open-image.ts";
import type { CallName, CreateOptions, ReplyOf, RequestOf } from "../../protocol/index.ts";
import { CountingStore } from "../counting-store.ts";

export interface RawFile {
  write(offset: number, from: Uint8Array<ArrayBuffer>): void;
  read(offset: number, into: Uint8Array<ArrayBuffer>): void;
  flush(): void;
  close(): void;
}

export interface Place {
  /** Stands before each figure: "Chromium over OPFS". */
  readonly name: string;
  /** What the yardstick is called: "raw access handle". */
  readonly rawName: string;
  /** Whether what the project aims at is meant for this place; elsewhere the figures only inform. */
  readonly aimedAt: boolean;
  readonly files: FileSpace;
  /** A new, empty file by the platform's calls. */
  createRaw(name: string): Promise<RawFile>;
  removeRaw(name: string): Promise<void>;
}

/** An engine whose calls must succeed, and its image. */
export class Bench {
  private readonly engine: Engine;
  private handle = 0;

  constructor(files: FileSpace) {
    this.engine = new Engine({ files, notify: () => {}, now: () => 0 });
  }

  async create(file: string, options: CreateOptions): Promise<void> {
    await this.call("create", { file, options });
    this.handle = (await this.call("open", { file, readOnly: false, format: null })).handle;
  }

  /** Closes the image and removes its file. */
  async drop(file: string): Promise<void> {
    await this.call("close", { handle: this.handle });
    await this.call("remove", { file });
  }

  async call<Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<ReplyOf<Name>> {
    const outcome = await this.engine.perform(name, request);
    if (!outcome.ok) throw new Error(`${name} failed: ${JSON.stringify(outcome.error)}`);
    return outcome.value;
  }

  watch = (): Promise<ReplyOf<"watch">> => this.call("watch", { handle: this.handle });
  flush = (): Promise<ReplyOf<"flush">> => this.call("flush", { handle: this.handle });
  write = (offset: number, data: Uint8Array): Promise<ReplyOf<"write">> =>
    this.call("write", { handle: this.handle, offset, length: data.length, pattern: 0, data });
  append = (offset: number, length: number): Promise<ReplyOf<"append">> =>
    this.call("append", { handle: this.handle, offset, lengths: [length], pattern: 0xcd });
  read = (offset: number, length: number): Promise<ReplyOf<"read">> =>
    this.call("read", { handle: this.handle, offset, length, pattern: null, wantData: true });
  report = (offset: number, count: number): Promise<ReplyOf<"report">> => this.call("report", { handle: this.handle, offset, count });
  manage = (operation: "open" | "close" | "finish" | "reset", offset: number, length: number): Promise<ReplyOf<"manage">> =>
    this.call("manage", { handle: this.handle, operation, offset, length });
}

/** The device below the calls, over a new image of the place: synchronous, and its reads fill the caller's buffer. */
export async function createDevice(files: FileSpace, file: string, options: CreateOptions): Promise<OpenImage> {
  const opened = await files.open(file, "create");
  if (!opened.ok) throw new Error(`create failed: ${JSON.stringify(opened.error)}`);
  const written = writeNewImage(opened.value, options);
  if (!written.ok) throw new Error(`create failed: ${JSON.stringify(written.error)}`);
  return OpenImage.over(1, file, opened.value, null, true, () => 0);
}

/** Throws for a refusal, which no measured call may have. */
export function must(answer: Answer<unknown>): void {
  if (!answer.ok) throw new Error(`refused: ${JSON.stringify(answer.error)}`);
}

/** A file space whose last opened store counts its calls. */
export class CountedFiles implements FileSpace {
  readonly kind: FileSpace["kind"];
  store: CountingStore | null = null;
  private readonly base: FileSpace;

  constructor(base: FileSpace) {
    this.base = base;
    this.kind = base.kind;
  }

  async open(name: string, mode: OpenMode): Promise<Result<ByteStore, FileProblem>> {
    const opened = await this.base.open(name, mode);
    if (!opened.ok) return opened;
    this.store = new CountingStore(opened.value);
    return ok(this.store);
  }

  /** Flushes of the store since the last take. */
  takeFlushes(): number {
    return this.store?.take().flushes ?? 0;
  }

  list = (): ReturnType<FileSpace["list"]> => this.base.list();
  remove = (name: string): ReturnType<FileSpace["remove"]> => this.base.remove(name);
  rename = (from: string, to: string): ReturnType<FileSpace["rename"]> => this.base.rename(from, to);
  replace = (from: string, to: string): ReturnType<FileSpace["replace"]> => this.base.replace(from, to);
  usage = (): ReturnType<FileSpace["usage"]> => this.base.usage();
}

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** A zoned image without limits on open zones, of 64 KiB clusters unless told. */
export function zonedOptions(sizeBytes: number, zoneSize: number, clusterSize = 64 * KIB): CreateOptions {
  return {
    sizeBytes,
    clusterSize,
    refcountBits: 16,
    zoned: { dialect: "v9", zoneSize, zoneCapacity: zoneSize, conventionalZones: 0, maxOpenZones: 0, maxActiveZones: 0, maxAppendBytes: MIB },
  };
}
