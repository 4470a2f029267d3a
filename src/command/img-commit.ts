/** qemu-img commit: what an image has over its backing file is written into that, and the image is empty afterwards. */
import type { Failure } from "../protocol/index.ts";
import { explain, explained } from "./explain.ts";
import type { GivenOptions } from "./getopt.ts";
import { imgSizeGiven } from "./img-numbers.ts";
import { IMAGE_OPTIONS, closeRead, openImage, optionValue, sourceGiven, longOptions } from "./img-open.ts";
import { imgError, imgUsageError } from "./img-words.ts";
import { mistakenMode } from "./io-open.ts";
import { callShown, out } from "./program.ts";
import type { Program } from "./program.ts";
import { progressShown } from "./progress.ts";
import type { ProgressShown } from "./progress.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { strerror } from "./strerror.ts";

export const commitImage: ImgCommand = {
  name: "commit",
  args: "[--image-opts] [-q] [-f fmt] [-t cache] [-b base] [-r rate_limit] [-d] [-p] filename",
  oneline: "writes what an image has over its backing file into that file",
  shorts: "f:ht:b:dpqr:",
  longs: [...IMAGE_OPTIONS, ...longOptions({ quiet: "q", progress: "p", drop: "d" }, { format: "f", cache: "t", base: "b", rate: "r" })],
  *run(given): Program {
    for (const { flag, value } of given.options) {
      if (flag === "r" && (yield* imgSizeGiven("rate limit", value)) === null) return 1;
    }
    const word = given.words[0];
    if (given.words.length !== 1 || word === undefined) {
      yield imgUsageError("Expecting one image file name");
      return 1;
    }
    const cache = optionValue(given, "t");
    if (cache !== null && mistakenMode("t", cache) !== null) {
      yield imgError(`Invalid cache option: ${cache}`);
      return 1;
    }
    const quiet = optionValue(given, "q") !== null;
    const committed = yield* commitNamed(given, word, progressShown(optionValue(given, "p") !== null && !quiet));
    if (committed && !quiet) yield out("Image committed.\n");
    return committed ? 0 : 1;
  },
};

function* commitNamed(given: GivenOptions, word: string, progress: ProgressShown): Program<boolean> {
  const base = optionValue(given, "b");
  // A base that is named stays behind several images, of which emptying the first alone would help nobody: QEMU leaves it.
  const empty = base === null && optionValue(given, "d") === null;
  const source = yield* sourceGiven(given, word, true);
  if (source === null) return false;
  const image = yield* openImage(source, word, true, false, true, { commitTo: base });
  if (image === null) return false;
  yield out(progress.begin());
  const committed = yield* callShown("commit", { handle: image.handle, base, empty }, progress.shown);
  yield out(progress.end(committed.ok));
  if (!committed.ok) {
    yield imgError(commitWords(committed.error, base, word));
    yield explained(committed.error);
  }
  yield* closeRead(image);
  return committed.ok;
}

function commitWords(failure: Failure, base: string | null, word: string): string {
  if (failure.kind === "option") return base === null ? "Image does not have a backing file" : `Did not find '${base}' in the backing chain of '${word}'`;
  if (failure.kind === "move" && failure.step === "write" && failure.subject === "source") return `Failed to empty ${word}: ${strerror(failure)}`;
  if (failure.kind === "move" || failure.kind === "store") return `Block job failed: ${strerror(failure)}`;
  return explain(failure).why.replace(/\.$/, "");
}
