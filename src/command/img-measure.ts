/** qemu-img measure: how much room a new image would need. */
import type { Failure, MeasuredTarget, Measurement } from "../protocol/index.ts";
import { hasZoneOptions, parseCreateOptions, switchOption, textOption } from "./create-options.ts";
import type { GivenCreateOptions } from "./create-options.ts";
import { explain, explained } from "./explain.ts";
import { integer } from "./format.ts";
import type { GivenOptions } from "./getopt.ts";
import { snapshotMistake, snapshotOf } from "./convert-options.ts";
import { FORCE_SHARE, IMAGE_OPTIONS, closeRead, openImage, openSnapshot, optionValue, sourceGiven, longOptions } from "./img-open.ts";
import type { ReadImage } from "./img-open.ts";
import { imgSizeGiven } from "./img-numbers.ts";
import { imgError } from "./img-words.ts";
import { joinOptionList, splitOptionList } from "./option-list.ts";
import type { OptionPair } from "./option-list.ts";
import { call, out } from "./program.ts";
import type { Program } from "./program.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { strerror } from "./strerror.ts";

export const measureImage: ImgCommand = {
  name: "measure",
  args: "[--output=human|json] [-O output_fmt] [-o options] [--size N | [--object objectdef] [--image-opts] [-f fmt] [-l snapshot_param] filename]",
  oneline: "tells how much room a new image would need",
  shorts: "hf:O:o:l:Us:",
  longs: [
    ...IMAGE_OPTIONS,
    ...longOptions({}, { output: "output", size: "s", "target-format": "O", format: "f", options: "o", snapshot: "l" }),
    FORCE_SHARE,
  ],
  *run(given): Program {
    const asked = yield* whatToMeasure(given);
    if (asked === null) return 1;
    const { word, sizeBytes, pairs, json } = asked;
    if (word === null) return yield* measure(given, null, sizeBytes, pairs, json);
    const image = yield* openSource(given, word);
    if (image === null) return 1;
    const status = yield* measure(given, image, 0, pairs, json);
    yield* closeRead(image);
    return status;
  },
};

interface Asked {
  /** The image's, null where a size is given. */
  readonly word: string | null;
  readonly sizeBytes: number;
  readonly pairs: readonly OptionPair[];
  readonly json: boolean;
}

/** null after a mistake was printed. */
function* whatToMeasure(given: GivenOptions): Program<Asked | null> {
  const pairs: OptionPair[] = [];
  let sizeBytes: number | null = null;
  for (const { flag, value } of given.options) {
    if (flag === "o") {
      const split = splitOptionList(value);
      if (!split.ok) {
        yield imgError(`Invalid option list: ${value}`);
        return null;
      }
      pairs.push(...split.value);
    } else if (flag === "l") {
      const wrong = snapshotMistake(value);
      if (wrong === null) continue;
      yield imgError(wrong);
      return null;
    } else if (flag === "output" && value !== "human" && value !== "json") {
      yield imgError("--output must be used with human or json as argument.");
      return null;
    } else if (flag === "s") {
      sizeBytes = yield* imgSizeGiven("image size", value);
      if (sizeBytes === null) return null;
    }
  }
  const [word = null] = given.words;
  const mistake = conflict(given, word !== null, sizeBytes !== null);
  if (mistake !== null) {
    yield imgError(mistake);
    return null;
  }
  return { word, sizeBytes: sizeBytes ?? 0, pairs, json: optionValue(given, "output") === "json" };
}

function conflict(given: GivenOptions, hasWord: boolean, hasSize: boolean): string | null {
  if (given.words.length > 1) return "At most one filename argument is allowed.";
  if (!hasWord && ["image-opts", "f", "l"].some((flag) => optionValue(given, flag) !== null)) return "--image-opts, -f, and -l require a filename argument.";
  if (hasWord && hasSize) return "--size N cannot be used together with a filename.";
  return hasWord || hasSize ? null : "Either --size N or one filename must be specified.";
}

/** The image, or a snapshot of it; null after a failure was printed. */
function* openSource(given: GivenOptions, word: string): Program<ReadImage | null> {
  const source = yield* sourceGiven(given, word);
  if (source === null) return null;
  const snapshot = snapshotOf(optionValue(given, "l"));
  const image = yield* openImage(source, word);
  if (image === null || snapshot === null) return image;
  yield* closeRead(image);
  return yield* openSnapshot(source, snapshot);
}

function* measure(given: GivenOptions, image: ReadImage | null, sizeBytes: number, pairs: readonly OptionPair[], json: boolean): Program {
  const format = optionValue(given, "O") ?? "raw";
  if (format !== "raw" && format !== "qcow2") {
    yield imgError(`Unknown file format '${format}'`);
    return 1;
  }
  const options = parseCreateOptions(format, pairs.length === 0 ? [] : [joinOptionList(pairs)], null);
  if (!options.ok) {
    yield imgError("mistake" in options.error ? options.error.mistake : `Invalid option list: ${options.error.list}`);
    yield imgError(`Invalid options for file format '${format}'`);
    return 1;
  }
  const target = format === "raw" ? ({ format } as const) : measuredTarget(options.value);
  if (typeof target === "string") {
    yield imgError(target);
    return 1;
  }
  const measured = yield* call("measure", { source: image === null ? { sizeBytes } : { handle: image.handle }, target });
  if (measured.ok) {
    yield out(json ? jsonOf(measured.value) : linesOf(measured.value));
    return 0;
  }
  yield imgError(failureWords(measured.error));
  yield explained(measured.error);
  return 1;
}

function failureWords(failure: Failure): string {
  const isTooLarge = failure.kind === "resize" || (failure.kind === "option" && failure.option === "size");
  if (isTooLarge) return "The image size is too large (try using a larger cluster size)";
  return failure.kind === "option" ? explain(failure).why.replace(/\.$/, "") : `Unable to get block status: ${strerror(failure)}`;
}

/** What the options of a qcow2 image come to, or what is wrong with them, in QEMU's order and words. */
function measuredTarget(given: GivenCreateOptions): MeasuredTarget | string {
  const number = (name: string, standard: number): number => Number(given.values.get(name) ?? standard);
  if (hasZoneOptions(given)) return "Zone options are not measured";
  const extendedL2 = switchOption(given, "extended_l2");
  const clusterSize = number("cluster_size", 65536);
  if (clusterSize < 512 || clusterSize > 2 ** 21 || (clusterSize & (clusterSize - 1)) !== 0) return "Cluster size must be a power of two between 512 and 2048k";
  if (extendedL2 && clusterSize < 16384) return "Extended L2 entries are only supported with cluster sizes of at least 16384 bytes";
  const compat = textOption(given, "compat") ?? "1.1";
  if (compat !== "0.10" && compat !== "1.1") return `Invalid compatibility level: '${compat}'`;
  const version = compat === "0.10" ? 2 : 3;
  const refcountBits = number("refcount_bits", 16);
  if (![1, 2, 4, 8, 16, 32, 64].includes(refcountBits)) return "Refcount width must be a power of two and may not exceed 64 bits";
  if (version === 2 && refcountBits !== 16) return "Different refcount widths than 16 bits require compatibility level 1.1 or above (use compat=1.1 or greater)";
  const preallocation = textOption(given, "preallocation") ?? "off";
  if (!["off", "metadata", "falloc", "full"].includes(preallocation)) return `invalid parameter value: ${preallocation}`;
  const fullData = preallocation === "falloc" || preallocation === "full";
  return { format: "qcow2", version, clusterSize, refcountBits, extendedL2, fullData, backed: textOption(given, "backing_file") !== null };
}

function linesOf({ requiredBytes, fullyAllocatedBytes, bitmapsBytes }: Measurement): string {
  const bitmaps = bitmapsBytes === null ? "" : `bitmaps size: ${integer(bitmapsBytes)}\n`;
  return `required size: ${integer(requiredBytes)}\nfully allocated size: ${integer(fullyAllocatedBytes)}\n${bitmaps}`;
}

function jsonOf({ requiredBytes, fullyAllocatedBytes, bitmapsBytes }: Measurement): string {
  const bitmaps = bitmapsBytes === null ? "" : `    "bitmaps": ${integer(bitmapsBytes)},\n`;
  return `{\n${bitmaps}    "required": ${integer(requiredBytes)},\n    "fully-allocated": ${integer(fullyAllocatedBytes)}\n}\n`;
}
