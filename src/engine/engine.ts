/**
 * The engine: the calls of src/protocol over open devices. One call at a time, in the order in which they came; the storage work
 * of each is synchronous, only opening a file waits. Nothing is thrown to the caller.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { ADOPTED_PREFIX } from "../protocol/index.ts";
import type { CallName, Failure, GuestCallName, Notice, Outcome, Perform, ProgressListener, ReplyOf, RequestOf } from "../protocol/index.ts";
import { portableCodecs } from "../qcow2/codecs.ts";
import type { Codecs } from "../qcow2/codecs.ts";
import { atBorder } from "./border.ts";
import type { CrashCallName, CrashLabs } from "./crash-calls.ts";
import { createImageFile, createRawFile } from "./create-calls.ts";
import { changeDialect, readDialect } from "./dialect-calls.ts";
import { isDeviceCall, performOnDevice } from "./device-calls.ts";
import type { DeviceCallName } from "./device-calls.ts";
import { safely } from "./jobs.ts";
import type { Job, Work } from "./jobs.ts";
import { InspectCalls } from "./inspect-calls.ts";
import type { InspectorCallName } from "./inspect-calls.ts";
import { Library } from "./library-calls.ts";
import type { LibraryHost } from "./library-calls.ts";
import { closeFiles, dataFilePath, openChain, sourceBeside, unsafeFiles } from "./open-chain.ts";
import { mendOnOpen } from "./mend-on-open.ts";
import { convertImages } from "./move-calls.ts";
import { tellsHoles } from "./open-device.ts";
import { OpenImage } from "./open-image.ts";
import { openScratch } from "./scratch.ts";
import { Teller } from "./teller.ts";
import { withOverlay } from "./temporary.ts";
import { Turns } from "./turns.ts";
import type { Answered } from "./turns.ts";
import { Workloads } from "./workload-calls.ts";
import type { WorkloadCallName } from "./workload-calls.ts";

export interface EngineHost extends LibraryHost {
  /** The codecs of this home, made of the portable ones, which are used where it is absent. */
  readonly codecs?: (portable: Codecs) => Codecs;
  readonly notify: (notice: Notice) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds on a clock that only goes forward, with fractions, for the latency of a workload; `now` where it is absent. */
  readonly clock?: () => number;
  /** Lets waiting messages and signals be heard, in the midst of long work; without it, only what waits for a promise is. */
  readonly pause?: () => Promise<void>;
  /** Asks the other tabs to let go of a file; true when one did. Absent where there are no other tabs. */
  readonly takeOver?: (file: string) => Promise<boolean>;
}

type Handler<Name extends CallName> = (request: RequestOf<Name>, job: Job) => Answered<Name>;
type Handlers = { readonly [Name in Exclude<CallName, DeviceCallName | InspectorCallName | CrashCallName | WorkloadCallName>]: Handler<Name> };

const done = ok({ done: true } as const);
const closedHandle = (handle: number): Result<never, Failure> => err({ kind: "usage", code: "closed-handle", detail: `handle ${handle} is not open` });

export class Engine {
  private readonly host: EngineHost;
  private readonly codecs: Codecs;
  private readonly library: Library;
  private readonly inspector: InspectCalls;
  /** null until the first crash lab is asked for. */
  private labs: CrashLabs | null = null;
  private readonly workloads: Workloads;
  private readonly images = new Map<number, OpenImage>();
  private nextHandle = 1;
  private readonly teller: Teller;
  private readonly turns: Turns;

  constructor(host: EngineHost) {
    this.host = host;
    this.codecs = host.codecs?.(portableCodecs) ?? portableCodecs;
    this.teller = new Teller(host.notify, host.now);
    this.turns = new Turns(host, () => this.teller.tellAll());
    this.library = new Library(host, (file) => this.lendStore(file));
    this.inspector = new InspectCalls({ library: this.library, codecs: this.codecs, now: host.now, attached: (file) => (this.openHere(file)?.isTemporary === true ? null : this.lendImage(file)) });
    this.workloads = new Workloads({ image: (handle) => this.images.get(handle) ?? null, changed: (image) => this.notifyChanges(image), clock: host.clock ?? host.now });
  }

  /** Performs a call after those before it. @param id names it to cancel, and in progress notices; 0 for none */
  performAs<Name extends CallName>(name: Name, request: RequestOf<Name>, id: number, listen?: ProgressListener): Promise<Outcome<Name>> {
    return this.turns.enter(id, listen, this.apartKey(name, request), (job) => this.dispatch(name, request, job));
  }

  /** Performs a guest's call on its disk, after those before it. Whoever watches the disk is told of the call, beside what it changed. */
  performForGuest<Name extends GuestCallName>(name: Name, request: RequestOf<Name>): Promise<Outcome<Name>> {
    const told = (image: OpenImage): Outcome<Name> => image.device.log.told(name, request, () => image.guard(() => performOnDevice(name, image, request)));
    return this.turns.enter(0, undefined, this.apartKey(name, request), () => this.onImage<ReplyOf<Name>>(request.handle, told));
  }

  /**
   * What a call needs that may run beside the others; null for one that waits its turn. It may take minutes, and touches nothing that
   * another call could change: a copy of what is not open here, and what only reads a file of the person's machine.
   */
  private apartKey(name: CallName, request: RequestOf<CallName>): string | null {
    if (name === "copy") return this.openHere((request as RequestOf<"copy">).from) === null ? "files" : null;
    if (name !== "check") return this.inspector.apartKey(name, request);
    const { handle } = request as RequestOf<"check">;
    const image = this.images.get(handle);
    return image?.store.readOnly === true && image.file.startsWith(ADOPTED_PREFIX) ? `handle ${handle}` : null;
  }

  readonly perform: Perform = (name, request, listen) => this.performAs(name, request, 0, listen);

  /** Stops a call between two slices of its work, or before it is begun; one that is answered already is not known any more. */
  cancel(id: number): void {
    this.turns.cancel(id);
  }

  /** Stops every call. */
  cancelAll(): void {
    this.turns.cancelAll();
  }

  /** Removes what an earlier run left behind. */
  start(): Promise<void> {
    return this.turns.inTurn(() => this.library.removeExports());
  }

  /** Whether a device has changes that no flush has made durable. */
  get hasUnflushed(): boolean {
    return [...this.images.values()].some((image) => image.unflushed && !this.isLab(image));
  }

  /** Flushes every device that has changes, telling a failure by notice: nobody waits for this one. */
  flushIdle(): Promise<void> {
    return this.turns.inTurn(async () => {
      for (const image of this.images.values()) {
        if (!image.unflushed || this.isLab(image)) continue;
        const flushed = atBorder(() => image.flush());
        this.notifyChanges(image);
        if (!flushed.ok) this.host.notify({ notice: "flush-failed", handle: image.handle, file: image.file, failure: flushed.error });
      }
    });
  }

  /**
   * Flushes and closes every handle that uses the file because another tab asked for it.
   * @param untilMs when the asker stops waiting, milliseconds since 1970: later the image would be closed for nobody
   * @returns false when it is not open here, or nobody waits any more
   */
  letGo(file: string, untilMs: number): Promise<boolean> {
    return this.turns.inTurn(async () => {
      if (this.host.now() > untilMs) return false;
      const images = [...this.images.values()].filter((image) => image.uses(file));
      for (const image of images) {
        this.images.delete(image.handle);
        const closed = atBorder(() => image.close());
        this.host.notify({ notice: "taken-over", handle: image.handle, file: image.file });
        if (!closed.ok) this.host.notify({ notice: "flush-failed", handle: image.handle, file: image.file, failure: closed.error });
      }
      return images.length > 0;
    });
  }

  /** Flushes and closes everything. @returns the first failure, or null */
  shutDown(): Promise<Failure | null> {
    return this.turns.inTurn(async () => {
      let first: Failure | null = null;
      this.turns.stopApart(null);
      for (const image of this.images.values()) {
        const closed = atBorder(() => image.close());
        this.notifyChanges(image);
        if (!closed.ok) first ??= closed.error;
        await this.labs?.ended(image);
      }
      this.images.clear();
      this.inspector.close();
      this.library.close();
      return first;
    });
  }

  private dispatch<Name extends CallName>(name: Name, request: RequestOf<Name>, job: Job): Answered<Name> {
    const refused = this.labs?.refusal(name, request) ?? null;
    if (refused !== null) return err(refused);
    if (isDeviceCall(name)) return this.dispatchToDevice<DeviceCallName>(name, request as RequestOf<DeviceCallName>);
    if (name in this.handlers) {
      const handler = this.handlers[name as keyof Handlers] as unknown as Handler<Name>;
      return handler(request, job);
    }
    if (name.startsWith("crash")) return this.crashLabs().then((labs) => labs.perform(name as CrashCallName, request as RequestOf<CrashCallName>, job));
    if (name === "endInspection") this.turns.stopApart(this.inspector.keyOf((request as RequestOf<"endInspection">).inspection));
    if (this.inspector.has(name)) return this.inspector.perform(name as InspectorCallName, request as RequestOf<InspectorCallName>, job);
    return this.workloads.perform(name as WorkloadCallName, request as RequestOf<WorkloadCallName>, job);
  }

  private dispatchToDevice<Name extends DeviceCallName>(name: Name, request: RequestOf<Name>): Answered<Name> {
    const loading = name === "write" ? this.prepareCompression(request) : null;
    if (loading !== null) return loading.then(() => this.onDevice(name, request));
    const outcome = this.onDevice(name, request);
    return name === "map" ? (this.withHoles(request.handle, outcome as Outcome<"map">)) : outcome;
  }

  /** What a map says of the files below the image, where these tell of their holes: no browser's does. */
  private withHoles(handle: number, outcome: Outcome<"map">): Answered<"map"> {
    const image = this.images.get(handle);
    if (!outcome.ok || image === undefined || !tellsHoles(image.files)) return outcome;
    return import("./seldom-calls.ts").then(({ withHoles }) => atBorder(() => ok(withHoles(image, outcome.value))));
  }

  /** Seldom wanted, and not small: loaded with the first lab. */
  private async crashLabs(): Promise<CrashLabs> {
    const { CrashLabs } = await import("./crash-calls.ts");
    this.labs ??= new CrashLabs({
      library: this.library,
      codecs: this.codecs,
      now: this.host.now,
      attached: (file) => this.lendImage(file),
      adopt: (make) => {
        const image = make(this.nextHandle);
        this.images.set(this.nextHandle++, image);
        return image;
      },
      imageOf: (handle) => this.images.get(handle) ?? null,
    });
    return this.labs;
  }

  /** Carries a call out; the lab that the handle is of, if it is one's, notes what it did. */
  private noted<Value>(image: OpenImage, name: CallName, request: unknown, act: () => Result<Value, Failure>): Result<Value, Failure> {
    return this.labs === null ? act() : this.labs.around(image, name, request, act);
  }

  /** Whether the handle is a lab's: its flushes are the person's, and nobody waits for them. */
  private isLab(image: OpenImage): boolean {
    return this.labs?.holds(image) ?? false;
  }

  /** Encoders are large and seldom wanted: each is loaded before the first cluster that is written with it. null where none is. */
  private prepareCompression({ handle, compressed }: { readonly handle: number; readonly compressed?: boolean }): Promise<void> | null {
    const image = this.images.get(handle);
    return image !== undefined && (compressed === true || image.files.compresses === true) ? image.loadEncoder() : null;
  }

  private onDevice<Name extends DeviceCallName>(name: Name, request: RequestOf<Name>): Outcome<Name> {
    return this.onImage<ReplyOf<Name>>(request.handle, (image) => this.noted(image, name, request, () => image.guard(() => performOnDevice(name, image, request))));
  }

  /** Acts on an open image, and tells what changed. */
  private onImage<Value>(handle: number, act: (image: OpenImage) => Result<Value, Failure>): Result<Value, Failure> {
    return this.withImage(handle, (image) => {
      const outcome = act(image);
      this.notifyChanges(image);
      return outcome;
    });
  }

  private readonly handlers: Handlers = {
    create: async ({ file, options }, job) => this.inUse([file, dataFilePath(options.dataFile?.file ?? file)]) ?? (await createImageFile(this.library, file, options, job)),
    createRaw: async ({ file, sizeBytes, preallocation }, job) => this.inUse([file]) ?? (await createRawFile(this.library, file, sizeBytes, preallocation, job)),
    open: async ({ readOnly, inspect = false, forCheck = false, unsafe = false, beside, commitTo, mend = false, temporary = false, watch = false, ...given }, job) => {
      const source = beside === undefined ? ok(given) : await sourceBeside(this.library, beside, given);
      if (!source.ok) return source;
      const opened = await openChain(this.library, source.value, { write: !readOnly && !temporary, inspect, forCheck, ...(commitTo === undefined ? {} : { commitTo }) });
      if (!opened.ok) return opened;
      const mended = mend && !readOnly && !inspect && !temporary ? await job.outcome(safely(mendOnOpen(opened.value))) : ok(null);
      if (!mended.ok) {
        closeFiles(opened.value);
        return mended;
      }
      const made = atBorder(() => {
        const files = temporary ? withOverlay(opened.value, this.host.now, this.codecs) : ok(unsafe ? unsafeFiles(opened.value) : opened.value);
        if (!files.ok) return files;
        const image = new OpenImage(this.nextHandle, files.value, !readOnly, this.host.now, this.codecs);
        const snapshot = watch ? image.watch() : null;
        return ok({ image, snapshot, facts: snapshot?.facts ?? image.facts() });
      });
      if (!made.ok) {
        closeFiles(opened.value);
        return made;
      }
      const { image, facts, snapshot } = made.value;
      try {
        // Whoever writes it packs clusters, a job and a guest too.
        if (opened.value.compresses === true && !readOnly) await image.loadEncoder();
      } catch (error) {
        closeFiles(opened.value);
        throw error;
      }
      this.images.set(this.nextHandle++, image);
      return ok({ handle: image.handle, facts, ...(mended.value === null ? {} : { mended: mended.value }), ...(snapshot === null ? {} : { snapshot }) });
    },
    close: async ({ handle }) => {
      const image = this.images.get(handle);
      if (image === undefined) return closedHandle(handle);
      this.turns.stopApart(`handle ${handle}`);
      this.images.delete(handle);
      const closed = atBorder(() => image.close());
      this.notifyChanges(image);
      await this.labs?.ended(image);
      return closed.ok ? done : closed;
    },
    scratch: ({ options, profile }) => {
      const scratch = openScratch(this.nextHandle, options, profile, this.host.now);
      if (!scratch.ok) return scratch;
      this.images.set(this.nextHandle++, scratch.value);
      return ok({ handle: scratch.value.handle, facts: scratch.value.facts() });
    },
    powerCycle: ({ handle }) => this.onImage(handle, (image) => this.noted(image, "powerCycle", null, () => image.guard(() => image.powerCycle()))),
    powerCut: ({ handle }) => this.onImage(handle, (image) => image.guard(() => image.powerCut())),
    dialect: ({ file }) => readDialect(this.library, file),
    check: ({ handle }, job) => this.workOn(handle, job, (image) => image.check()),
    repair: ({ handle, mode }, job) => this.workOn(handle, job, (image) => image.repair(mode)),
    setDialect: ({ file, dialect }, job) => (this.openHere(file) === null ? changeDialect(this.library, this.host.files, file, dialect, job) : err({ kind: "file", code: "in-use", file })),
    convert: async ({ sources, target, options }, job) => {
      await this.prepareCompression({ handle: target, compressed: options.compressed });
      return await this.workOn(target, job, (image) => this.withAll(sources, (images) => convertImages(images, image, { ...options, compressed: options.compressed || image.files.compresses === true })));
    },
    // Seldom wanted, and not small, as the crash lab: these, compare, rebase, amend, commit and a merge of bitmaps.
    measure: async ({ source, target }, job) => {
      const { measureImage, measureSize } = await import("./seldom-calls.ts");
      return "handle" in source ? await this.workOn(source.handle, job, (image) => measureImage(image, target)) : measureSize(source.sizeBytes, target);
    },
    compare: async ({ first, second, strict }, job) => {
      const { compareImages } = await import("./seldom-calls.ts");
      return await this.workOn(first, job, (image) => this.withAll([second], ([other]) => compareImages(image, other!, strict)));
    },
    rebase: async ({ handle, ...options }, job) => {
      const image = this.images.get(handle);
      if (image === undefined) return closedHandle(handle);
      const { rebaseImage } = await import("./seldom-calls.ts");
      const rebased = await rebaseImage(this.library, image, options, this.host.now, job);
      this.notifyChanges(image);
      return rebased;
    },
    amend: async ({ handle, options }, job) => {
      const { amendImage } = await import("./seldom-calls.ts");
      return await this.workOn(handle, job, (image) => amendImage(image, options));
    },
    commit: async ({ handle, base, empty }, job) => {
      const { commitImage } = await import("./seldom-calls.ts");
      return await this.workOn(handle, job, (image) => commitImage(this.library, image, base, empty, this.host.now));
    },
    mergeBitmap: async ({ handle, bitmap, sourceHandle, source }) => {
      const { mergeBitmaps } = await import("./seldom-calls.ts");
      return this.withImage(sourceHandle, (from) => this.withImage(handle, (image) => image.guard(() => mergeBitmaps(image, bitmap, from, source))));
    },
    listFiles: () => this.library.list(),
    rename: ({ from, to }) => this.library.rename(from, to),
    remove: ({ file }) => this.library.remove(file),
    copy: ({ from, to }, job) => this.library.copy(from, to, job),
    adopt: ({ source }) => this.library.adopt(source),
    adoptUrl: ({ url }) => this.library.adoptUrl(url),
    exportFile: ({ file }, job) => this.library.exportFile(file, job),
    takeOver: async ({ file }) => {
      const gone = (await this.host.takeOver?.(file)) ?? false;
      return gone ? done : err({ kind: "file", code: "in-use", file, detail: "the tab that has it did not let go" });
    },
  };

  /** Long work on an open image, in slices. */
  private async workOn<Value>(handle: number, job: Job, work: (image: OpenImage) => Work<Result<Value, Failure>>): Promise<Result<Value, Failure>> {
    const image = this.images.get(handle);
    if (image === undefined) return closedHandle(handle);
    const outcome = await job.outcome(image.guardWork(() => work(image)));
    this.notifyChanges(image);
    return outcome;
  }

  /** Work that other open images take part in. */
  private *withAll<Value>(handles: readonly number[], work: (images: readonly OpenImage[]) => Work<Result<Value, Failure>>): Work<Result<Value, Failure>> {
    const images: OpenImage[] = [];
    for (const handle of handles) {
      const image = this.images.get(handle);
      if (image === undefined) return closedHandle(handle);
      images.push(image);
    }
    return yield* work(images);
  }

  private withImage<Value>(handle: number, act: (image: OpenImage) => Result<Value, Failure>): Result<Value, Failure> {
    const image = this.images.get(handle);
    return image === undefined ? closedHandle(handle) : act(image);
  }

  /** The refusal to make a file anew that an open handle reads or writes, under whatever name; null when none does. */
  private inUse(files: readonly string[]): { readonly ok: false; readonly error: Failure } | null {
    const identities = new Set([...this.images.values()].flatMap((image) => image.usedFiles().map((used) => this.library.identity(used))));
    const used = files.find((file) => identities.has(this.library.identity(file)));
    return used === undefined ? null : err({ kind: "file", code: "in-use", file: used });
  }

  /** The image that has the file open; one that lies in the disk of the image in that file is another. */
  private openHere(file: string): OpenImage | null {
    return [...this.images.values()].find((image) => image.file === file && image.files.under === undefined) ?? null;
  }

  private lendStore(file: string): Result<ByteStore, Failure> | null {
    const lent = this.lendImage(file);
    return lent === null || !lent.ok ? lent : ok(lent.value.store);
  }

  /** The image that has the file open here, flushed and as if it had been closed. */
  private lendImage(file: string): Result<OpenImage, Failure> | null {
    const image = this.openHere(file);
    if (image === null) return null;
    const flushed = image.guard(() => image.settle());
    this.notifyChanges(image);
    return flushed.ok ? ok(image) : flushed;
  }

  private notifyChanges(image: OpenImage): void {
    this.teller.changed(image, this.turns.waiting > 1);
  }
}
