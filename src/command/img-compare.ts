/** qemu-img compare: two images byte by byte; 0 where they are the same, 1 where they differ, more where that could not be told. */
import type { ComparedDisks, Failure } from "../protocol/index.ts";
import { explained } from "./explain.ts";
import type { GivenOptions } from "./getopt.ts";
import { FORCE_SHARE, IMAGE_OPTIONS, closeRead, openImage, optionValue, sourceNamed, longOptions } from "./img-open.ts";
import type { ReadImage } from "./img-open.ts";
import { imgError, imgUsageError } from "./img-words.ts";
import { mistakenMode } from "./io-open.ts";
import { callShown, out } from "./program.ts";
import type { Program } from "./program.ts";
import { progressShown } from "./progress.ts";
import type { ProgressShown } from "./progress.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { strerror } from "./strerror.ts";

/** What a script learns from the exit status. */
const STATUS = { identical: 0, different: 1, failed: 2, mapFailed: 3, readFailed: 4 } as const;

const SIZES_DIFFER = "Warning: Image size mismatch!\n";

export const compareImage: ImgCommand = {
  name: "compare",
  args: "[--image-opts] [-f fmt] [-F fmt] [-T src_cache] [-p] [-q] [-s] [-U] filename1 filename2",
  oneline: "tells whether two images hold the same disk",
  shorts: "hf:F:T:pqsU",
  longs: [
    ...IMAGE_OPTIONS,
    FORCE_SHARE,
    ...longOptions({ quiet: "q", progress: "p", strict: "s" }, { cache: "T", "a-format": "f", "left-format": "f", "b-format": "F", "right-format": "F" }),
  ],
  *run(given): Program {
    const [firstWord, secondWord] = given.words;
    if (given.words.length !== 2 || firstWord === undefined || secondWord === undefined) {
      yield imgUsageError("Expecting two image file names");
      return STATUS.different;
    }
    const progress = progressShown(optionValue(given, "p") !== null && optionValue(given, "q") === null);
    const { status, whole } = yield* compareNamed(given, firstWord, secondWord, progress);
    yield out(progress.end(whole));
    return status;
  },
};

interface Ended {
  readonly status: number;
  /** Both disks were read to their ends. */
  readonly whole: boolean;
}

function* compareNamed(given: GivenOptions, firstWord: string, secondWord: string, progress: ProgressShown): Program<Ended> {
  const failed: Ended = { status: STATUS.failed, whole: false };
  const cache = optionValue(given, "T");
  if (cache !== null && mistakenMode("t", cache) !== null) {
    yield imgError(`Invalid source cache option: ${cache}`);
    return failed;
  }
  const first = yield* openOne(given, firstWord, "f");
  if (first === null) return failed;
  const second = yield* openOne(given, secondWord, "F");
  const ended = second === null ? failed : yield* compareOpened(given, first, second, progress);
  if (second !== null) yield* closeRead(second);
  yield* closeRead(first);
  return ended;
}

function* openOne(given: GivenOptions, word: string, formatFlag: "f" | "F"): Program<ReadImage | null> {
  const source = yield* sourceNamed(word, optionValue(given, formatFlag), optionValue(given, "image-opts") !== null);
  return source === null ? null : yield* openImage(source, word);
}

function* compareOpened(given: GivenOptions, first: ReadImage, second: ReadImage, progress: ProgressShown): Program<Ended> {
  yield out(progress.begin());
  const compared = yield* callShown("compare", { first: first.handle, second: second.handle, strict: optionValue(given, "s") !== null }, progress.shown);
  const quiet = optionValue(given, "q") !== null;
  const status = compared.ok ? yield* tellResult(compared.value, quiet) : yield* tellFailure(compared.error, given);
  const shorter = Math.min(first.facts.image.virtualSize, second.facts.image.virtualSize);
  // Behind the end of the shorter one; QEMU says so once what it had to say at once is said.
  if (!compared.ok && !quiet && first.facts.image.virtualSize !== second.facts.image.virtualSize && compared.error.kind === "move" && compared.error.offset >= shorter) yield out(SIZES_DIFFER);
  return { status, whole: compared.ok && compared.value.mismatch === null };
}

function* tellResult({ mismatch, sizesDiffer }: ComparedDisks, quiet: boolean): Program {
  if (!quiet) {
    if (sizesDiffer && mismatch?.what !== "size") yield out(SIZES_DIFFER);
    yield out(mismatch === null ? "Images are identical.\n" : mismatchLine(mismatch));
  }
  return mismatch === null ? STATUS.identical : STATUS.different;
}

function mismatchLine({ what, offset }: NonNullable<ComparedDisks["mismatch"]>): string {
  switch (what) {
    case "size":
      return "Strict mode: Image size mismatch!\n";
    case "status":
      return `Strict mode: Offset ${offset} block status mismatch!\n`;
    case "content":
      return `Content mismatch at offset ${offset}!\n`;
  }
}

function* tellFailure(failure: Failure, given: GivenOptions): Program {
  yield explained(failure);
  if (failure.kind !== "move") {
    yield imgError(`Comparison failed: ${strerror(failure)}`);
    return STATUS.failed;
  }
  const file = given.words[failure.subject === "first" ? 0 : 1]!;
  if (failure.step === "map") {
    yield imgError(`Sector allocation test failed for ${file}`);
    return STATUS.mapFailed;
  }
  yield imgError(`Error while reading offset ${failure.offset} of ${file}: ${strerror(failure)}`);
  return STATUS.readFailed;
}
