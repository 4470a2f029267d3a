/**
 * The calls that change what an image stands on: rebase and commit. What is opened here is closed here; what can be refused is
 * refused before a byte moves.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Failure, ImageSource, RebaseOptions } from "../protocol/index.ts";
import type { Codecs } from "../qcow2/codecs.ts";
import { AUTOCLEAR_RAW_EXTERNAL, INCOMPATIBLE_EXTERNAL_DATA, hasBit } from "../qcow2/features.ts";
import { writeBackingName } from "../qcow2/header-edit.ts";
import { Qcow2Image } from "../qcow2/image.ts";
import { makeEmpty } from "../qcow2/make-empty.ts";
import { belowOf } from "./below.ts";
import type { Below } from "./below.ts";
import { atBorder } from "./border.ts";
import { ChangeLog } from "./change-log.ts";
import { copyIntoBase } from "./commit.ts";
import type { Disk } from "./disk.ts";
import { part } from "./jobs.ts";
import type { Job, Work } from "./jobs.ts";
import { mendOnOpen } from "./mend-on-open.ts";
import { attempt } from "./moving.ts";
import { closeFiles, depthOfFile, depthOfName, filesOf, openChain, sourceBeside } from "./open-chain.ts";
import type { FilePlace } from "./open-chain.ts";
import { openDevice } from "./open-device.ts";
import type { OpenedFiles } from "./open-device.ts";
import { OpenImage } from "./open-image.ts";
import { copyDifferences } from "./rebase.ts";
import { resizeOpened } from "./resize-calls.ts";

const done = ok({ done: true } as const);
type Done = Result<{ readonly done: true }, Failure>;

/** Puts the image on another backing. @throws Fault of the store */
export async function rebaseImage(place: FilePlace, image: OpenImage, options: RebaseOptions, now: () => number, job: Job): Promise<Done> {
  const { disk, zones } = image.device;
  if (disk.readOnly) return err({ kind: "usage", code: "read-only", detail: disk.readOnlyReason ?? "the image is open for reading" });
  if (!(disk instanceof Qcow2Image)) return err({ kind: "unsupported", feature: "a backing file of a raw image" });
  if (zones !== null) return err({ kind: "unsupported", feature: "a backing file of a zoned image" });
  const { backing } = options;
  if (options.compressed) await image.loadEncoder();
  if (backing === null || options.headerOnly) return await job.outcome(image.guardWork(() => rebaseOnto(image, disk, null, null, options)));
  const source = await sourceBeside(place, image.file, { file: backing.file, format: formatOf(backing.format) });
  if (!source.ok) return source;
  const depth = depthOfFile(place, image.files, source.value.file);
  if (depth !== null) return await job.outcome(image.guardWork(() => rebaseOnto(image, disk, diskAt(disk, depth), depth, options)));
  const opened = await openNew(place, image, source.value);
  if (!opened.ok) return opened;
  try {
    const next = atBorder(() => ok(belowOf(openDevice(opened.value.store, opened.value.format, false, now, new ChangeLog(now), opened.value, image.codecs).device)));
    if (!next.ok) return next;
    return await job.outcome(image.guardWork(() => rebaseOnto(image, disk, next.value, null, options)));
  } finally {
    closeFiles(opened.value);
  }
}

/** A format that is a protocol to QEMU is the file itself. */
const formatOf = (format: string | null): "qcow2" | "raw" | null => (format === "qcow2" || format === "raw" || format === null ? format : "raw");

async function openNew(place: FilePlace, image: OpenImage, source: ImageSource): Promise<Result<OpenedFiles, Failure>> {
  // Before it is opened: the image itself is in use.
  if (place.identity(source.file) === place.identity(image.file)) return err({ kind: "chain", code: "cycle", file: source.file });
  const opened = await openChain(place, source, { write: false, inspect: false });
  if (!opened.ok) return opened;
  const loop = loopTo(place, image.file, opened.value);
  if (loop === null) return opened;
  closeFiles(opened.value);
  return err(loop);
}

/** How a chain leads to a file, link by link, null where it does not. */
function loopTo(place: FilePlace, file: string, files: OpenedFiles): Failure | null {
  const isIt = (name: string): boolean => place.identity(name) === place.identity(file);
  const { backing, ...own } = files;
  const here = filesOf({ ...own, backing: null }).find(isIt);
  if (here !== undefined) return { kind: "chain", code: "cycle", file: here };
  const below = backing === null ? null : loopTo(place, file, backing);
  return below === null ? null : { kind: "chain", code: "backing-failed", file: backing!.file, cause: below };
}

function* rebaseOnto(image: OpenImage, disk: Qcow2Image, next: Below | null, newDepth: number | null, options: RebaseOptions): Work<Done> {
  const { backing, headerOnly, compressed } = options;
  const { incompatible, autoclear } = disk.header;
  // By itself, too, such a data file reads as the disk does, which it would not over a backing file.
  if (backing !== null && backing.format !== null && hasBit(incompatible, INCOMPATIBLE_EXTERNAL_DATA) && hasBit(autoclear, AUTOCLEAR_RAW_EXTERNAL)) {
    return err({ kind: "option", option: "data_file_raw", found: "on", allowed: "off with a backing file" });
  }
  if (!headerOnly) {
    image.unflushed = true;
    const copied = yield* copyDifferences(disk, disk.backing, next, { unitBytes: disk.unitBytes, newDepth, compressed });
    if (!copied.ok) return copied;
  }
  // What was copied is durable before the header leads elsewhere: a crash in between would show the new backing's bytes there.
  const flushed = image.flush();
  if (!flushed.ok) return flushed;
  if (backing !== null && backing.format === null) return err({ kind: "option", option: "backing_fmt", found: "none", allowed: "the format of the backing file, which is not guessed" });
  if (writeBackingName(image.store, backing)) return done;
  return err({ kind: "option", option: "backing_file", found: backing?.file ?? "", allowed: "a name for which the image's first cluster has room" });
}

/** The disk of that depth in a chain, 0 being `top`. */
function diskAt(top: Qcow2Image, depth: number): Below | null {
  let disk: Below | null = top;
  for (let at = 0; at < depth; at++) disk = disk instanceof Qcow2Image ? disk.backing : null;
  return disk;
}

/** Writes what lies above the base into it. @param base the file of the chain, null for the first backing file */
export function* commitImage(place: FilePlace, image: OpenImage, base: string | null, empty: boolean, now: () => number): Work<Done> {
  const { disk, zones } = image.device;
  if (zones !== null) return err({ kind: "unsupported", feature: "a backing file of a zoned image" });
  const depth = depthOfName(place, image.files, base);
  if (depth === null || !(disk instanceof Qcow2Image)) return err({ kind: "option", option: "base", found: base ?? "", allowed: "a file of the image's backing chain" });
  if (empty && disk.readOnly) return err({ kind: "usage", code: "read-only", detail: disk.readOnlyReason ?? "the image is open for reading" });
  let files: OpenedFiles = image.files;
  for (let at = 0; at < depth; at++) files = files.backing!;
  const flushed = image.flush();
  if (!flushed.ok) return flushed;
  let ended = false;
  try {
    // It was in order when the chain was opened; a commit that was refused since may have left it with the dirty bit.
    const mended = yield* part(mendOnOpen(files), 0, 0);
    if (!mended.ok) return mended;
    const opened = openBase(files, disk.virtualSize, now, image.codecs);
    if (!opened.ok) return opened;
    const copied = yield* intoBase(disk, opened.value, depth);
    if (!copied.ok) return copied;
    // Only now: the base is durable, and what the image gives up is there.
    if (empty) {
      const emptied = attempt({ step: "write", subject: "source", offset: 0 }, () => emptyImage(image, disk));
      if (!emptied.ok) return emptied;
    }
    image.refresh();
    ended = true;
    return done;
  } finally {
    // Cancelled or refused in the middle: what the image knows of the base's tables is not true any more either.
    if (!ended) image.refreshAnyhow();
  }
}

/** Gives up all that the image has of its own, and opens it anew. @throws Fault of the store, or for a structure that cannot be */
function emptyImage(image: OpenImage, disk: Qcow2Image): Result<null, Failure> {
  // A disk under the image keeps its length, and so does its file.
  if (disk.canBeMadeEmpty && image.files.under === undefined) {
    return image.changeWhole((state) => {
      makeEmpty(state);
      return ok(null);
    });
  }
  const places = disk.dataPlaces();
  image.unflushed = true;
  disk.unmapCopies(0, Math.ceil(disk.virtualSize / disk.clusterSize) * disk.clusterSize);
  const flushed = image.flush();
  if (flushed.ok) disk.giveBack(places);
  return flushed;
}

interface Base {
  readonly disk: Disk;
  readonly oldSize: number;
}

/** The base as a disk to be written, at least as long as the image. @throws Fault */
function openBase(files: OpenedFiles, size: number, now: () => number, codecs: Codecs): Result<Base, Failure> {
  const base = new OpenImage(0, files, true, now, codecs);
  const { disk, zones } = base.device;
  if (zones !== null) return err({ kind: "unsupported", feature: "a commit into a zoned image" });
  if (disk.readOnly) return err({ kind: "usage", code: "read-only", detail: disk.readOnlyReason ?? "the backing file is open for reading" });
  const oldSize = disk.virtualSize;
  const resized = oldSize < size ? resizeOpened(base, size, false) : ok(null);
  return resized.ok ? ok({ disk: base.device.disk, oldSize }) : resized;
}

function* intoBase(image: Disk, { disk, oldSize }: Base, depth: number): Work<Result<null, Failure>> {
  try {
    const copied = yield* part(copyIntoBase(image, disk, depth, oldSize, disk instanceof Qcow2Image ? disk.clusterSize : null), 0, 0.95);
    if (!copied.ok) return copied;
  } finally {
    // Where it is cancelled too: what was written into the base is whole by itself.
    disk.flush();
    disk.settle?.();
  }
  return ok(null);
}
