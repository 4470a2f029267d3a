/**
 * The call that changes the options of an open image. It goes step by step in QEMU's order, and a step that is refused leaves what the
 * steps before it did: more than what is wanted later may be needed first (version 3 for other refcounts), and what is in the
 * way of version 2 may be taken away first. Each step is whole by itself; a crash, and a cancel, fall between two or leave one undone.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { AmendOptions, AmendProblem, DeviceFacts, Failure } from "../protocol/index.ts";
import { setDataFile, setLazyRefcounts } from "../qcow2/amend-header.ts";
import { AUTOCLEAR_RAW_EXTERNAL, COMPATIBLE_LAZY_REFCOUNTS, INCOMPATIBLE_EXTERNAL_DATA, hasBit } from "../qcow2/features.ts";
import { backingFormatOf } from "../qcow2/header-names.ts";
import type { Header } from "../qcow2/header.ts";
import type { ImageState } from "../qcow2/image-state.ts";
import { readHeader } from "../qcow2/open.ts";
import { changeRefcountWidth, giveUpClusters } from "../qcow2/refcount-width.ts";
import { downgradeImage, upgradeImage } from "../qcow2/version-change.ts";
import type { DowngradeRefusal } from "../qcow2/version-change.ts";
import { ZONED_EXTENSION_MAGIC } from "../zoned/dialect.ts";
import { part } from "./jobs.ts";
import type { Work } from "./jobs.ts";
import type { OpenImage } from "./open-image.ts";
import { resizeOpened } from "./resize-calls.ts";

type Done = Result<null, Failure>;
type Step = (image: OpenImage) => Work<Done>;

const refuse = (problem: AmendProblem extends infer Problem ? (Problem extends AmendProblem ? Omit<Problem, "kind"> : never) : never): Result<never, Failure> =>
  err({ kind: "amend", ...problem });

/** @throws Fault of the store */
export function* amendImage(image: OpenImage, options: AmendOptions): Work<Result<DeviceFacts, Failure>> {
  if (image.format === "raw") return err({ kind: "unsupported", feature: "options of a raw image" });
  const header = readHeader(image.store);
  const refusal = refusalOf(image, header, options);
  if (refusal !== null) return refusal;
  const steps = stepsOf(header, options);
  const slow = steps.filter(({ slowly }) => slowly).length;
  let before = 0;
  for (const { slowly, step } of steps) {
    const width = slowly ? 1 / slow : 0;
    const done = yield* part(step(image), before, before + width);
    if (!done.ok) return done;
    before += width;
  }
  return ok(image.facts());
}

/** What is refused before anything is done: what QEMU refuses while it reads the options, and what zones do not go with. */
function refusalOf(image: OpenImage, header: Header, options: AmendOptions): Result<never, Failure> | null {
  if (image.device.zones !== null) {
    const unsupported = (feature: string): Result<never, Failure> => err({ kind: "unsupported", feature: `${feature} of a zoned image` });
    if (options.version === 2) return unsupported("version 2");
    if (options.lazyRefcounts === true) return unsupported("lazy refcounts");
    if (options.sizeBytes !== undefined) return unsupported("another size");
  }
  if (options.dataFile !== undefined && !hasBit(header.incompatible, INCOMPATIBLE_EXTERNAL_DATA)) return refuse({ code: "no-data-file" });
  if (options.dataFileRaw === true && !hasBit(header.autoclear, AUTOCLEAR_RAW_EXTERNAL)) return refuse({ code: "raw-not-settable" });
  return null;
}

/** The steps, and which of them take long. */
function stepsOf(header: Header, options: AmendOptions): { slowly: boolean; step: Step }[] {
  const { version = header.version, refcountBits, lazyRefcounts, sizeBytes, dataFile, dataFileRaw, backing } = options;
  const steps: { slowly: boolean; step: Step }[] = [];
  const add = (slowly: boolean, step: Step): void => void steps.push({ slowly, step });
  if (version > header.version) add(true, upgrade);
  if (refcountBits !== undefined && refcountBits !== 2 ** header.refcountOrder) add(true, (image) => setRefcountBits(image, refcountBits, version));
  if (dataFile !== undefined || dataFileRaw !== undefined) {
    const raw = dataFileRaw ?? hasBit(header.autoclear, AUTOCLEAR_RAW_EXTERNAL);
    add(false, (image) => inHeader(image, (state) => setDataFile(state, dataFile ?? null, raw)));
  }
  if (backing !== undefined && (backing.file !== header.backingFile || backing.format !== backingFormatOf(header))) add(false, () => refused({ code: "backing-file" }));
  if (lazyRefcounts !== undefined && lazyRefcounts !== hasBit(header.compatible, COMPATIBLE_LAZY_REFCOUNTS)) {
    add(false, (image) => (lazyRefcounts && version < 3 ? refused({ code: "lazy-in-version-2" }) : setLazy(image, lazyRefcounts)));
  }
  if (sizeBytes !== undefined) add(false, (image) => resized(image, sizeBytes));
  if (version < header.version) add(true, downgrade);
  return steps;
}

function* refused(problem: Parameters<typeof refuse>[0]): Work<Done> {
  yield* [];
  return refuse(problem);
}

function* resized(image: OpenImage, sizeBytes: number): Work<Done> {
  yield* [];
  const outcome = resizeOpened(image, sizeBytes, false);
  return outcome.ok ? ok(null) : outcome;
}

const fits = (there: boolean): Done => (there ? ok(null) : refuse({ code: "header-full" }));

function* inHeader(image: OpenImage, change: (state: ImageState) => boolean): Work<Done> {
  yield* [];
  return image.changeWhole((state) => fits(change(state)));
}

function* setLazy(image: OpenImage, lazy: boolean): Work<Done> {
  yield* [];
  return image.lift((state) => fits(setLazyRefcounts(state, lazy)));
}

function* upgrade(image: OpenImage): Work<Done> {
  yield 0.5;
  // Of a zoned image header and zoned extension stay in one sector.
  const done = image.lift((state) => fits(upgradeImage(state, ZONED_EXTENSION_MAGIC)));
  if (done.ok) yield 1;
  return done;
}

function* downgrade(image: OpenImage): Work<Done> {
  return yield* image.changeWholeSlowly(function* (state) {
    const done = yield* downgradeImage(state);
    return done.ok ? done : downgradeRefused(done.error);
  });
}

function downgradeRefused(refusal: DowngradeRefusal): Result<never, Failure> {
  switch (refusal.code) {
    case "features":
      return refuse({ code: "downgrade-features", features: refusal.features });
    case "snapshot-table":
      return err(refusal.problem);
    case "no-room":
      return refuse({ code: "header-full" });
    case "refcount-bits":
    case "data-file":
    case "snapshots":
    case "zstd-clusters":
      return refuse({ code: `downgrade-${refusal.code}` });
  }
}

/** @param version of the image in the end */
function* setRefcountBits(image: OpenImage, bits: number, version: 2 | 3): Work<Done> {
  if (version < 3 && bits !== 16) return refuse({ code: "refcount-bits-in-version-2" });
  const changed = yield* image.changeWholeSlowly(function* (state) {
    const done = yield* changeRefcountWidth(state, Math.log2(bits));
    if (done.ok) return done;
    if (done.error.code === "table-too-large") return refuse({ code: "refcount-table-too-large" });
    return refuse({ code: "refcount-too-narrow", bits, hostOffset: done.error.hostOffset, refcount: done.error.refcount });
  });
  if (!changed.ok) return changed;
  return image.changeWhole((state) => {
    giveUpClusters(state, changed.value);
    return ok(null);
  });
}
