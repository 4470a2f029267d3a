/** The crash lab's calls: labs begun over copies, cuts checked, drawn and searched for, and their disks put into the library. */
import { Random } from "../base/random.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../bytes/memory-store.ts";
import { cutsOf, drawCut } from "../crash/cuts.ts";
import type { Cut } from "../crash/cuts.ts";
import type { CallName, CrashCalls, CrashCut, CrashLoss, CrashOutcome, Failure, Outcome, RequestOf } from "../protocol/index.ts";
import type { Codecs } from "../qcow2/codecs.ts";
import { MISTAKES } from "../qcow2/wrong-order.ts";
import { atBorder } from "./border.ts";
import type { ChangingCall } from "./crash-notes.ts";
import { CrashLab, fromLog } from "./crash-lab.ts";
import { writeNewImage } from "./create-image.ts";
import { part, safely } from "./jobs.ts";
import type { Job, Work } from "./jobs.ts";
import type { Library } from "./library-calls.ts";
import { closeFiles, openChain } from "./open-chain.ts";
import { STANDALONE } from "./open-device.ts";
import type { OpenedFiles } from "./open-device.ts";
import type { OpenImage } from "./open-image.ts";
import { saveBytes } from "./save-as.ts";

export type CrashCallName = keyof CrashCalls;
type Handler<Name extends CrashCallName> = (request: RequestOf<Name>, job: Job) => Promise<Outcome<Name>> | Outcome<Name>;
type Handlers = { readonly [Name in CrashCallName]: Handler<Name> };

export interface CrashHost {
  readonly library: Library;
  readonly codecs: Codecs;
  readonly now: () => number;
  /** The image that has the file open here, flushed; null where none has. */
  attached(file: string): Result<OpenImage, Failure> | null;
  /** A handle of the engine's for a lab. */
  adopt(make: (handle: number) => OpenImage): OpenImage;
  imageOf(handle: number): OpenImage | null;
}

/** What a lab writes and what of a file is copied at once may take of memory. */
const MOST_BYTES = 128 * 2 ** 20;
/** Longer files that are open here are copied to a temporary one. */
const COPIED_TO_MEMORY = 64 * 2 ** 20;
const COPY_PIECE = 2 ** 20;
const MOST_TRIES = 5000;
/** Every subset of so many pending writes is tried; of more, draws. */
const EXHAUSTIVE = 4;
const DRAWS = 6;

/** Calls of a device that a lab takes; others change the image as a whole, and are not what a flush of it orders. */
const TAKEN: ReadonlySet<string> = new Set(["facts", "watch", "setProfile", "read", "write", "writeZeroes", "discard", "flush", "report", "zoneSteps", "manage", "append", "map", "listSnapshots", "check", "powerCycle", "close"]);

export class CrashLabs {
  private readonly host: CrashHost;
  private readonly labs = new Map<OpenImage, { readonly lab: CrashLab; readonly end: () => Promise<void> }>();

  constructor(host: CrashHost) {
    this.host = host;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.handlers, name);
  }

  /** @throws what the engine's border makes a failure of */
  async perform<Name extends CrashCallName>(name: Name, request: RequestOf<Name>, job: Job): Promise<Outcome<Name>> {
    return await (this.handlers[name] as unknown as Handler<Name>)(request, job);
  }

  /** Whether the handle is a lab's: its flushes are the person's, and nobody waits for them. */
  holds(image: OpenImage): boolean {
    return this.labs.has(image);
  }

  /** Why a call is not for a lab, or null. */
  refusal(name: CallName, request: unknown): Failure | null {
    const image = this.host.imageOf((request as { handle?: number }).handle ?? 0);
    if (image === null || !this.labs.has(image) || this.has(name)) return null;
    const vmState = (request as { vmState?: boolean }).vmState === true;
    return TAKEN.has(name) && !vmState ? null : { kind: "unsupported", feature: `${vmState ? "a machine's state" : name} in the crash lab` };
  }

  /** Runs a call of a device; a lab notes what it did. */
  around<Value>(image: OpenImage, name: CallName, request: unknown, act: () => Result<Value, Failure>): Result<Value, Failure> {
    const lab = this.labs.get(image)?.lab;
    if (lab === undefined) return act();
    if (name === "flush" || name === "powerCycle") return lab.flushing(act);
    const call = changingCall(name, request);
    return call === null ? act() : lab.changing(call, act);
  }

  /** Behind the close of a handle: what its lab stood on goes. */
  async ended(image: OpenImage): Promise<void> {
    const held = this.labs.get(image);
    this.labs.delete(image);
    await held?.end();
  }

  private withLab<Value>(handle: number, act: (lab: CrashLab) => Result<Value, Failure> | Promise<Result<Value, Failure>>): Result<Value, Failure> | Promise<Result<Value, Failure>> {
    const image = this.host.imageOf(handle);
    const held = image === null ? undefined : this.labs.get(image);
    return held === undefined ? err({ kind: "usage", code: "closed-handle", detail: `handle ${handle} is no crash lab` }) : act(held.lab);
  }

  private readonly handlers: Handlers = {
    crashBegin: async ({ source, mistakes }, job) => {
      const unknown = mistakes.find((mistake) => !MISTAKES.includes(mistake));
      if (unknown !== undefined) return err({ kind: "option", option: "wrong-order", found: unknown, allowed: MISTAKES.join(", ") });
      const based = "file" in source ? await this.copyOf(source.file, job) : newImage(source.options);
      if (!based.ok) return based;
      const { files, contents, end } = based.value;
      const made = atBorder(() => {
        let lab: CrashLab | null = null;
        const image = this.host.adopt((handle) => (lab = new CrashLab(handle, `crash:${handle}`, files, contents, mistakes, this.host.now, this.host.codecs)).image);
        this.labs.set(image, { lab: lab!, end });
        return ok({ handle: image.handle, facts: image.facts() });
      });
      if (!made.ok) await end();
      return made;
    },
    crashRecord: ({ handle }) => this.withLab(handle, (lab) => atBorder(() => lab.record())),
    crashCut: ({ handle, cut, kept, seed }, job) =>
      this.withLab(handle, (lab) => {
        const chosen = kept !== null && cut !== null ? { cut, kept } : drawn(lab, cut, seed);
        return "kind" in chosen ? err(chosen) : job.outcome(safely(lab.crash(chosen)));
      }),
    crashSearch: ({ handle, seed, tries }, job) => this.withLab(handle, (lab) => job.outcome(safely(search(lab, seed, Math.min(Math.max(1, tries), MOST_TRIES))))),
    crashSave: ({ handle, to, cut, kept }, job) =>
      this.withLab(handle, async (lab) => {
        const refused = lab.refusalOf({ cut, kept });
        if (refused !== null) return err(refused);
        const contents = lab.diskAfter({ cut, kept });
        const saved = await saveBytes({ library: this.host.library, now: this.host.now, job, to }, (offset, into) => contents.read(offset, into), 0, contents.size);
        return saved.ok ? ok({ file: saved.value.file }) : saved;
      }),
  };

  /** The file's bytes for a lab. One that is open here would change under it, and is copied; any other is held open for reading. */
  private async copyOf(file: string, job: Job): Promise<Result<Base, Failure>> {
    const attached = this.host.attached(file);
    if (attached !== null && !attached.ok) return attached;
    if (attached === null) {
      const opened = await openChain(this.host.library, { file, format: null }, { write: false, inspect: false });
      if (!opened.ok) return opened;
      const end = async (): Promise<void> => closeFiles(opened.value);
      const unfit = unfitFor(opened.value);
      if (unfit === null) return ok({ files: opened.value, contents: new MemoryContents(opened.value.store, MOST_BYTES), end });
      await end();
      return err(unfit);
    }
    const { files } = attached.value;
    const unfit = unfitFor(files) ?? (files.backing === null ? null : ({ kind: "unsupported", feature: "the crash lab of an attached image with a backing file" } as const));
    if (unfit !== null) return err(unfit);
    const store = attached.value.store;
    if (store.size() <= COPIED_TO_MEMORY) return atBorder(() => ok({ files, contents: inMemory(store), end: async () => {} }));
    return await this.temporaryCopy(file, files, job);
  }

  private async temporaryCopy(file: string, files: OpenedFiles, job: Job): Promise<Result<Base, Failure>> {
    const { library } = this.host;
    const name = library.temporaryName();
    if (!name.ok) return name;
    const copied = await library.copy(file, name.value, job);
    if (!copied.ok) return copied;
    const opened = await library.open(name.value, "read");
    if (!opened.ok) return opened;
    const end = async (): Promise<void> => {
      opened.value.close();
      await library.remove(name.value);
    };
    return ok({ files, contents: new MemoryContents(opened.value, MOST_BYTES), end });
  }
}

interface Base {
  readonly files: Omit<OpenedFiles, "store" | "file">;
  readonly contents: MemoryContents;
  /** Lets go of what the contents lie over. */
  readonly end: () => Promise<void>;
}

function unfitFor({ format, data }: OpenedFiles): Failure | null {
  if (format === "raw") return { kind: "unsupported", feature: "the crash lab of a raw image, which has no order to keep" };
  return data === null ? null : { kind: "unsupported", feature: "the crash lab of an image with an external data file" };
}

function newImage(options: Extract<RequestOf<"crashBegin">["source"], { options: unknown }>["options"]): Result<Base, Failure> {
  if ((options.backing ?? null) !== null || (options.dataFile ?? null) !== null) return err({ kind: "unsupported", feature: "a new image of the crash lab that stands on other files" });
  return atBorder(() => {
    const contents = new MemoryContents(null, MOST_BYTES);
    const made = writeNewImage(new MemoryStore("crash lab", contents), options);
    return made.ok ? ok({ files: { ...STANDALONE, format: "qcow2" as const }, contents, end: async () => {} }) : made;
  });
}

function inMemory(store: ByteStore): MemoryContents {
  const contents = new MemoryContents(null, MOST_BYTES + COPIED_TO_MEMORY);
  const size = store.size();
  const buffer = new Uint8Array(COPY_PIECE);
  for (let at = 0; at < size; at += COPY_PIECE) {
    const count = store.read(at, buffer.subarray(0, Math.min(COPY_PIECE, size - at)));
    if (buffer.subarray(0, count).some((byte) => byte !== 0)) contents.write(at, buffer.subarray(0, count));
  }
  contents.truncate(size);
  return contents;
}

function drawn(lab: CrashLab, cut: number | null, seed: number): CrashCut | Failure {
  if (cut !== null) {
    const refused = lab.refusalOf({ cut, kept: [] });
    if (refused !== null) return refused;
  }
  return fromLog(drawCut(lab.log, new Random(seed), cut ?? undefined));
}

/** How bad a crash is: flushed bytes gone, or shown bytes that never were, before what only the check sees. */
function severity({ losses, later }: CrashOutcome): number {
  const worst = (all: readonly CrashLoss[]): number => Math.max(0, ...all.map((loss) => (loss.code === "corrupt" ? 1 : "flushed" in loss && !loss.flushed ? 3 : 4)));
  return losses.length === 0 ? 0 : Math.max(worst(losses), later.length > 0 ? 2 : 0);
}
const WORST = 4;

function* search(lab: CrashLab, seed: number, tries: number): Work<Result<{ tried: number; found: CrashOutcome | null }, Failure>> {
  const cuts = (): Generator<Cut, void, void> => cutsOf(lab.log, new Random(seed), { from: 0, exhaustive: EXHAUSTIVE, draws: DRAWS });
  let count = 0;
  for (const _ of cuts()) count++;
  // Where there are more than may be tried, they are thinned evenly, so that every moment has its turn.
  const stride = Math.max(1, count / tries);
  let [tried, index] = [0, 0];
  let found: CrashOutcome | null = null;
  for (const cut of cuts()) {
    if (index++ < Math.floor(tried * stride)) continue;
    if (tried === tries) break;
    const outcome = yield* part(lab.crash(fromLog(cut)), tried / tries, ++tried / tries);
    if (!outcome.ok) return outcome;
    if (severity(outcome.value) > (found === null ? 0 : severity(found))) found = outcome.value;
    if (found !== null && severity(found) === WORST) break;
  }
  return ok({ tried, found });
}

function changingCall(name: CallName, request: unknown): ChangingCall | null {
  switch (name) {
    case "write":
    case "writeZeroes": {
      const { offset, length } = request as RequestOf<"write">;
      return { operation: "write", offset, length };
    }
    case "discard": {
      const { offset, length } = request as RequestOf<"discard">;
      return { operation: "discard", offset, length };
    }
    case "manage": {
      const { offset, length, operation } = request as RequestOf<"manage">;
      return { operation: "manage", manage: operation, offset, length };
    }
    case "append": {
      const { offset } = request as RequestOf<"append">;
      return { operation: "append", offset, length: 1 };
    }
    default:
      return null;
  }
}
