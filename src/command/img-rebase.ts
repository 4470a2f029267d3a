/** qemu-img rebase: another backing file for an image, or none; what the guest sees stays the same unless -u says that it may not. */
import type { Failure } from "../protocol/index.ts";
import { isDriver } from "./create-options.ts";
import { explain, explained, openFailureWords } from "./explain.ts";
import type { GivenOptions } from "./getopt.ts";
import { FORCE_SHARE, IMAGE_OPTIONS, closeRead, openImage, optionValue, sourceGiven, longOptions } from "./img-open.ts";
import type { ReadImage } from "./img-open.ts";
import { imgError, imgUsageError, lockedAgainstReading } from "./img-words.ts";
import { mistakenMode } from "./io-open.ts";
import { callShown, out } from "./program.ts";
import type { Program } from "./program.ts";
import { progressShown } from "./progress.ts";
import type { ProgressShown } from "./progress.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { strerror } from "./strerror.ts";

export const rebaseImage: ImgCommand = {
  name: "rebase",
  args: "[--image-opts] [-U] [-q] [-f fmt] [-t cache] [-T src_cache] [-p] [-u] [-c] -b backing_file [-F backing_fmt] filename",
  oneline: "puts an image on another backing file",
  shorts: "hf:F:b:upt:T:qUc",
  longs: [
    ...IMAGE_OPTIONS,
    FORCE_SHARE,
    ...longOptions({ compress: "c", quiet: "q", progress: "p", "backing-unsafe": "u" }, { format: "f", cache: "t", backing: "b", "backing-format": "F", "backing-cache": "T" }),
  ],
  *run(given): Program {
    const word = given.words[0];
    const headerOnly = optionValue(given, "u") !== null;
    if (given.words.length !== 1 || word === undefined) {
      yield imgUsageError("Expecting one image file name");
      return 1;
    }
    if (!headerOnly && optionValue(given, "b") === null) {
      yield imgUsageError("Must specify backing file (-b) or use unsafe mode (-u)");
      return 1;
    }
    const progress = progressShown(optionValue(given, "p") !== null && optionValue(given, "q") === null);
    yield out(progress.begin());
    const whole = yield* rebaseNamed(given, word, headerOnly, progress);
    yield out(progress.end(whole));
    return whole ? 0 : 1;
  },
};

function* rebaseNamed(given: GivenOptions, word: string, headerOnly: boolean, progress: ProgressShown): Program<boolean> {
  for (const [flag, what] of [["t", "cache"], ["T", "source cache"]] as const) {
    const mode = optionValue(given, flag);
    if (mode === null || mistakenMode("t", mode) === null) continue;
    yield imgError(`Invalid ${what} option: ${mode}`);
    return false;
  }
  const source = yield* sourceGiven(given, word, true);
  if (source === null) return false;
  // Where only the header is changed the old backing file need not be there.
  const image = yield* openImage(headerOnly ? { ...source, backing: null } : source, word, true);
  if (image === null) return false;
  const rebased = yield* rebaseOpened(given, image, headerOnly, progress);
  yield* closeRead(image);
  return rebased;
}

function* rebaseOpened(given: GivenOptions, image: ReadImage, headerOnly: boolean, progress: ProgressShown): Program<boolean> {
  const compressed = optionValue(given, "c") !== null;
  const file = optionValue(given, "b") ?? "";
  const format = optionValue(given, "F");
  const isRaw = image.facts.image.format === "raw";
  if (compressed && isRaw) {
    yield imgError("Compression not supported for this file format");
    return false;
  }
  if (format !== null && !isDriver(format)) {
    yield imgError(`Invalid format name: '${format}'`);
    return false;
  }
  const backing = file === "" ? null : { file, format };
  const rebased = yield* callShown("rebase", { handle: image.handle, backing, headerOnly, compressed }, progress.shown);
  if (rebased.ok) return true;
  yield imgError(rebaseWords(rebased.error, { file, format, image: image.file }));
  yield explained(rebased.error);
  return false;
}

/** To QEMU the image is locked against who would read it as its own backing file, and be it further down; null for what is no such loop. */
function lockWords(failure: Failure, image: string): string | null {
  if (failure.kind !== "chain") return null;
  if (failure.code === "cycle" && failure.file === image) return lockedAgainstReading(image);
  const cause = failure.code === "backing-failed" ? lockWords(failure.cause, image) : null;
  return cause === null ? null : `Could not open backing file: ${cause}`;
}

function rebaseWords(failure: Failure, { file, format, image }: { file: string; format: string | null; image: string }): string {
  const unchanged = `Could not change the backing file to '${file === "" ? "(null)" : file}': `;
  switch (failure.kind) {
    case "move":
      if (failure.step === "map") return `error while reading image metadata: ${strerror(failure)}`;
      if (failure.step === "write") return `Error while writing to COW image: ${strerror(failure)}`;
      return `error while reading from ${failure.subject === "new-backing" ? "new" : "old"} backing file`;
    case "option":
      if (failure.option === "data_file_raw") return `${unchanged}Invalid argument`;
      return failure.option === "backing_fmt" ? `${unchanged}backing format must be specified` : `${unchanged}No space left in the file header`;
    case "chain":
      return `Could not open new backing file '${file}': ${lockWords(failure, image) ?? openFailureWords(failure.file, failure)}`;
    case "file":
    case "image":
      return `Could not open new backing file '${file}': ${openFailureWords("file" in failure ? failure.file : file, failure)}`;
    case "unsupported":
      return `${unchanged}${file !== "" && format === null ? "backing format must be specified" : strerror(failure)}`;
    case "store":
    case "usage":
      return `${unchanged}${strerror(failure)}`;
    default:
      return explain(failure).why.replace(/\.$/, "");
  }
}
