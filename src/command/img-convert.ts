/** qemu-img convert: copies one image, or several end to end, into a new one or into one that is there. */
import { err } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ConvertedDisk, Failure, FileProblem, Outcome, SnapshotQuery } from "../protocol/index.ts";
import { CONVERT_LONGS, CONVERT_SHORTS, convertCommand } from "./convert-options.ts";
import type { ConvertCommand } from "./convert-options.ts";
import { createOptionsHelp } from "./create-options.ts";
import { explain, explained, openFailureWords } from "./explain.ts";
import { closeRead, openImage, openSnapshot, sourceNamed } from "./img-open.ts";
import type { ReadImage } from "./img-open.ts";
import { copyBitmaps, keepsBitmaps, sourceBitmapsProblem } from "./img-convert-bitmaps.ts";
import { makeTarget, newTarget } from "./img-target.ts";
import type { NewTarget, TargetMistake } from "./img-target.ts";
import { imgError } from "./img-words.ts";
import { mistakenMode } from "./io-open.ts";
import { call, callShown, errorOut, out } from "./program.ts";
import type { Program } from "./program.ts";
import { progressShown } from "./progress.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { strerror } from "./strerror.ts";

export const convertImage: ImgCommand = {
  name: "convert",
  args:
    "[--image-opts] [--target-image-opts] [-U] [-f fmt] [-t cache] [-T src_cache] [-O output_fmt] [-B backing_file [-F backing_fmt]] [-o options] " +
    "[-l snapshot_param] [-S sparse_size] [-c] [-n [--target-is-zero]] [-p] [-q] [--salvage] [--bitmaps [--skip-broken-bitmaps]] filename [filename2 [...]] output_filename",
  oneline: "copies images into another of any format",
  shorts: CONVERT_SHORTS,
  longs: CONVERT_LONGS,
  *run(given): Program {
    const command = yield* convertCommand(given);
    if (command === null) return 1;
    if (command === "help") {
      const format = given.options.findLast(({ flag }) => flag === "O")?.value ?? "raw";
      const known = format === "raw" || format === "qcow2";
      yield known ? out(createOptionsHelp(format, given.words.length > 1)) : imgError(`Unknown file format '${format}'`);
      return known ? 0 : 1;
    }
    const cache = given.options.findLast(({ flag }) => flag === "t")?.value ?? null;
    const progress = progressShown(command.progress);
    yield out(progress.begin());
    const sources: ReadImage[] = [];
    let whole = false;
    if (yield* openSources(command, sources)) {
      const leftAlone = backedZeroWords(command);
      const target = leftAlone === null ? yield* openTarget(command, sources, cache) : null;
      if (leftAlone !== null) {
        yield imgError(leftAlone);
        whole = true;
      } else if (target !== null) {
        const converted = yield* convertOpened(command, sources, target, progress.shown);
        whole = (yield* closeTarget(target)) && converted;
      }
    }
    if (whole) yield out(progress.atEnd());
    yield out(progress.end(whole));
    for (const source of sources) yield* closeRead(source);
    return whole ? 0 : 1;
  },
};

/** Opens them into `sources`; false after a failure was printed. */
function* openSources(command: ConvertCommand, sources: ReadImage[]): Program<boolean> {
  for (const word of command.sources) {
    const source = yield* sourceNamed(word, command.sourceFormat, command.sourceOptions);
    if (source === null) return false;
    const image = yield* openImage(source, word);
    if (image === null) return false;
    sources.push(image);
  }
  if (command.snapshot === null) return true;
  return yield* lookAtSnapshot(command, command.snapshot, sources);
}

/** Opens the source anew as its snapshot shows it. */
function* lookAtSnapshot(command: ConvertCommand, snapshot: SnapshotQuery, sources: ReadImage[]): Program<boolean> {
  // As QEMU: one that is named by its options is that of the first image.
  if (sources.length > 1 && typeof snapshot === "string") {
    yield imgError("No support for concatenating multiple snapshot");
    return false;
  }
  const source = yield* sourceNamed(command.sources[0]!, command.sourceFormat, command.sourceOptions);
  if (source === null) return false;
  yield* closeRead(sources.shift()!);
  const opened = yield* openSnapshot(source, snapshot);
  if (opened !== null) sources.unshift(opened);
  return opened !== null;
}

interface ConvertTarget {
  readonly image: ReadImage;
  readonly isNew: boolean;
  readonly hasBacking: boolean;
}

/** Makes the target and opens it, or opens the one that is there; null after a failure was printed. */
function* openTarget(command: ConvertCommand, sources: readonly ReadImage[], cache: string | null): Program<ConvertTarget | null> {
  const sizeBytes = sources.reduce((sum, { facts }) => sum + facts.image.virtualSize, 0);
  const planned = command.skipCreate ? null : plannedTarget(command, sizeBytes);
  const hasBacking = (command.backing ?? pairValue(command, "backing_file")) !== null;
  const refusal = early(planned) ?? refusalOf(command, hasBacking, sources[0]!) ?? late(command, planned);
  if (refusal !== null) {
    yield imgError(refusal);
    return null;
  }
  const made = planned?.ok === true ? planned.value : null;
  if (made !== null && !(yield* makeTarget(command.target, made, `error while converting ${made.format}`))) return null;
  if (cache !== null && mistakenMode("t", cache) !== null) {
    yield imgError(`Invalid cache option: ${cache}`);
    return null;
  }
  const source = yield* sourceNamed(command.target, command.targetFormat, command.targetOptions, true);
  if (source === null) return null;
  const image = yield* openImage(source, command.target, true, false, true, { unsafe: command.unsafe });
  if (image === null) return null;
  const problem = targetProblem(command, image);
  if (problem === null) return { image, isNew: made !== null, hasBacking };
  yield imgError(problem);
  yield* closeRead(image);
  return null;
}

type Planned = Result<NewTarget, TargetMistake>;

function plannedTarget(command: ConvertCommand, sizeBytes: number): Planned {
  const { targetFormat: format } = command;
  if (format !== "raw" && format !== "qcow2") return err({ words: `Unknown file format '${format ?? ""}'`, creating: false });
  if (format === "raw") return plannedRaw(command, sizeBytes);
  const pairs = [...command.pairs];
  if (command.backing !== null) pairs.push({ key: "backing_file", value: command.backing });
  if (command.backingFormat !== null) pairs.push({ key: "backing_fmt", value: command.backingFormat });
  return newTarget(format, pairs, sizeBytes);
}

/** The raw format has no options for -B and -F, which are looked at behind those of -o. */
function plannedRaw({ pairs, backing, backingFormat }: ConvertCommand, sizeBytes: number): Planned {
  const planned = newTarget("raw", pairs, sizeBytes);
  if ((!planned.ok && !planned.error.creating) || (backing ?? backingFormat) === null) return planned;
  return err({ words: `Backing file${backing === null ? " format" : ""} not supported for file format 'raw'`, creating: false });
}

/** What QEMU finds wrong with the options when it reads them, and what only when it makes the image by them. */
const early = (planned: Planned | null): string | null => (planned?.ok === false && !planned.error.creating ? planned.error.words : null);
const late = ({ target, targetFormat }: ConvertCommand, planned: Planned | null): string | null =>
  planned?.ok === false ? `${target}: error while converting ${targetFormat ?? ""}: ${planned.error.words}` : null;

const pairValue = ({ pairs }: ConvertCommand, name: string): string | null => pairs.findLast(({ key }) => key === name)?.value ?? null;

/**
 * What QEMU says, once the sources are open, of a target that is all zeros and has a backing file; null where it is not told both. It
 * does nothing then, and the exit status is that of success.
 */
const backedZeroWords = ({ targetIsZero, backing }: ConvertCommand): string | null =>
  targetIsZero && backing !== null ? "Cannot use --target-is-zero when the destination image has a backing file" : null;

/** What QEMU refuses between the two, in its order. */
function refusalOf(command: ConvertCommand, hasBacking: boolean, source: ReadImage): string | null {
  if (command.sources.length > 1 && hasBacking) return "Having a backing file for the target makes no sense when concatenating multiple input images";
  if (!command.skipCreate && hasBacking && command.backingFormat === null && pairValue(command, "backing_fmt") === null) {
    return "Use of backing file requires explicit backing format";
  }
  if (command.compressed && !command.skipCreate && command.targetFormat === "raw") return "Compression not supported for this file format";
  if (command.compressed && (pairValue(command, "preallocation") ?? "off") !== "off") return "Compression and preallocation not supported at the same time";
  if (!command.bitmaps) return null;
  return command.sources.length > 1 ? "Copying bitmaps only possible with single source" : sourceBitmapsProblem(command, source);
}

function targetProblem(command: ConvertCommand, { facts }: ReadImage): string | null {
  if (facts.image.readOnly) return `Could not open '${command.target}': ${facts.image.readOnlyReason ?? "the image is open for reading"}`;
  if (command.bitmaps && !keepsBitmaps(facts)) return `Format driver '${facts.image.format}' does not support bitmaps`;
  return command.compressed && facts.image.format === "raw" ? "Compression not supported for this file format" : null;
}

function* convertOpened(command: ConvertCommand, sources: readonly ReadImage[], target: ConvertTarget, shown: (fraction: number) => string): Program<boolean> {
  const { image, isNew, hasBacking } = target;
  const { sparseBytes, compressed, salvage } = command;
  const converted = yield* callShown(
    "convert",
    {
      sources: sources.map(({ handle }) => handle),
      target: image.handle,
      options: { sparseBytes, compressed, salvage, targetIsZero: command.targetIsZero || isNew, keepsBacking: hasBacking, part: null },
    },
    shown,
  );
  if (converted.ok) {
    yield* warnSkipped(converted, command.quiet);
    return !command.bitmaps || (yield* copyBitmaps(sources[0]!, image));
  }
  // Behind what is told of a file that is read too.
  if (converted.error.kind === "option" && converted.error.option === "size") {
    yield imgError("output file is smaller than input file");
    return false;
  }
  // A target without compressed clusters that nothing had to be written to: QEMU ends without a word, by the exit status alone.
  const isSilent = converted.error.kind === "usage" && converted.error.code === "compressed-data-file";
  if (!isSilent) yield imgError(isTaken(converted.error) ? `Could not open '${command.target}': ${openFailureWords(converted.error.file, converted.error)}` : convertWords(converted.error));
  yield explained(converted.error);
  return false;
}

function* warnSkipped(converted: Outcome<"convert">, quiet: boolean): Program<void> {
  if (quiet || !converted.ok) return;
  const { skipped }: ConvertedDisk = converted.value;
  for (const { offset, cause, status } of skipped) yield errorOut(`qemu-img: warning: error while reading ${status === true ? "block status at " : ""}offset ${offset}: ${strerror(cause)}\n`);
}

/** The target is a file that is read too: QEMU finds it locked when it opens it. */
const isTaken = (failure: Failure): failure is FileProblem => failure.kind === "file" && failure.code === "in-use";

function convertWords(failure: Failure): string {
  if (failure.kind !== "move") return `error while converting: ${explain(failure).why.replace(/\.$/, "")}`;
  switch (failure.step) {
    case "read":
      return `error while reading at byte ${failure.offset}: ${strerror(failure)}`;
    case "write":
      return `error while writing at byte ${failure.offset}: ${strerror(failure)}`;
    case "map":
      return `error while reading block status at offset ${failure.offset}: ${strerror(failure)}`;
  }
}

function* closeTarget({ image }: ConvertTarget): Program<boolean> {
  const closed = yield* call("close", { handle: image.handle });
  if (closed.ok) return true;
  yield imgError(`error while closing ${image.file}: ${strerror(closed.error)}`);
  yield explained(closed.error);
  return false;
}
