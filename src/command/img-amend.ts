/** qemu-img amend: other options for an image that is there. */
import type { AmendOptions, Failure } from "../protocol/index.ts";
import { amendOptionsHelp, parseAmendOptions, switchOption } from "./create-options.ts";
import type { GivenCreateOptions } from "./create-options.ts";
import { explain, explained, openFailureWords } from "./explain.ts";
import { amendWords } from "./explain-amend.ts";
import { tableWords } from "./explain-snapshot.ts";
import type { GivenOptions } from "./getopt.ts";
import { IMAGE_OPTIONS, closeRead, openImage, optionValue, sourceGiven, longOptions } from "./img-open.ts";
import type { ReadImage } from "./img-open.ts";
import { optionPairs } from "./img-target.ts";
import { imgError, imgUsageError } from "./img-words.ts";
import { mistakenMode } from "./io-open.ts";
import { asksForHelp } from "./option-list.ts";
import type { OptionPair } from "./option-list.ts";
import { callShown, out } from "./program.ts";
import type { Program } from "./program.ts";
import { progressShown } from "./progress.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { strerror } from "./strerror.ts";

export const amendImage: ImgCommand = {
  name: "amend",
  args: "[--object objectdef] [--image-opts] [-p] [-q] [-f fmt] [-t cache] [--force] -o options filename",
  oneline: "changes options of an image that is there",
  shorts: "ho:f:t:pq",
  longs: [
    ...IMAGE_OPTIONS,
    ...longOptions({ force: "force", quiet: "q", progress: "p" }, { format: "f", cache: "t", options: "o" }),
  ],
  *run(given): Program {
    const lists = given.options.filter(({ flag }) => flag === "o").map(({ value }) => value);
    const pairs = optionPairs(lists);
    if (!pairs.ok) {
      yield imgError(`Invalid option list: ${pairs.error.list}`);
      return 1;
    }
    if (lists.length === 0) {
      yield imgUsageError("Must specify options (-o)");
      return 1;
    }
    const shows = optionValue(given, "p") !== null && optionValue(given, "q") === null;
    const status = yield* amendNamed(given, asksForHelp(lists), pairs.value, shows);
    // The line that each next one overwrites ends, whatever became of it.
    if (shows) yield out("\n");
    return status;
  },
};

function* amendNamed(given: GivenOptions, asksHelp: boolean, pairs: readonly OptionPair[], shows: boolean): Program {
  const format = optionValue(given, "f");
  if (format !== null && asksHelp) return yield* help(format);
  const word = given.words[0];
  if (given.words.length !== 1 || word === undefined) {
    yield imgError("Expecting one image file name");
    return 1;
  }
  const cache = optionValue(given, "t");
  if (cache !== null && mistakenMode("t", cache) !== null) {
    yield imgError(`Invalid cache option: ${cache}`);
    return 1;
  }
  const source = yield* sourceGiven(given, word, true);
  const image = source === null ? null : yield* openImage(source, word, true);
  if (image === null) return 1;
  const status = asksHelp ? yield* help(image.facts.image.format) : yield* amendOpened(image, pairs, shows);
  yield* closeRead(image);
  return status;
}

function* help(format: string): Program {
  if (format === "qcow2") {
    yield out(amendOptionsHelp());
    return 0;
  }
  yield imgError(format === "raw" ? unamendable(format) : `Unknown file format '${format}'`);
  return 1;
}

const unamendable = (format: string): string => `Format driver '${format}' does not support option amendment`;

function* amendOpened(image: ReadImage, pairs: readonly OptionPair[], shows: boolean): Program {
  const { zoned } = image.facts;
  const { format, readOnly, readOnlyReason } = image.facts.image;
  if (format === "raw") {
    yield imgError(unamendable(format));
    return 1;
  }
  const given = parseAmendOptions(pairs);
  if (!given.ok) {
    yield imgError(given.error);
    return 1;
  }
  // What keeps a zoned image from being written may be what shall be amended; the engine tells where it is not.
  if (readOnly && zoned === null) {
    yield imgError(`Could not open '${image.file}': ${readOnlyReason ?? "the image is open for reading"}`);
    return 1;
  }
  const progress = progressShown(shows);
  yield out(progress.begin());
  const status = yield* amend(image, given.value, progress.shown);
  // QEMU says that it is at the end once more, also where nothing came of it.
  yield out(progress.atEnd());
  return status;
}

function* amend(image: ReadImage, given: GivenCreateOptions, shown: (fraction: number) => string): Program {
  const resolved = resolve(given);
  if (typeof resolved === "string") {
    yield imgError(resolved);
    return 1;
  }
  const amended = yield* callShown("amend", { handle: image.handle, options: resolved }, shown);
  if (amended.ok) return 0;
  const { error } = amended;
  yield imgError(failureWords(image.file, error));
  if (error.kind === "store" || error.kind === "bug" || error.kind === "image") yield explained(error);
  return 1;
}

function failureWords(file: string, failure: Failure): string {
  if (failure.kind === "amend") return failure.code === "backing-file" ? `${amendWords(failure)}\nYou can use 'qemu-img rebase' instead.` : amendWords(failure);
  if (failure.kind === "usage" && failure.code === "read-only") return `Could not open '${file}': ${failure.detail}`;
  const table = failure.kind === "snapshot" ? tableWords(failure) : null;
  if (table !== null) return `${table}\nqemu-img: Failed to turn zero into data clusters: ${strerror(failure)}`;
  return failure.kind === "unsupported" ? explain(failure).why.replace(/\.$/, "") : openFailureWords(file, failure);
}

const VERSIONS: Readonly<Record<string, 2 | 3>> = { "0.10": 2, v2: 2, "1.1": 3, v3: 3 };

/** What the options come to, or what is wrong with them. */
function resolve(given: GivenCreateOptions): AmendOptions | string {
  const { values } = given;
  const text = (name: string): string | null => (values.has(name) ? String(values.get(name)) : null);
  if ([...values.keys()].some((name) => name.startsWith("encrypt."))) return "Can't amend encryption options - encryption not present";
  const compat = text("compat");
  const version = compat === null ? undefined : VERSIONS[compat];
  if (compat !== null && version === undefined) return `Unknown compatibility level ${compat}`;
  const bits = values.get("refcount_bits");
  if (bits !== undefined && ![1, 2, 4, 8, 16, 32, 64].includes(Number(bits))) return "Refcount width must be a power of two and may not exceed 64 bits";
  const size = Number(values.get("size") ?? 0);
  const [file, format, dataFile, raw, lazy] = [text("backing_file"), text("backing_fmt"), text("data_file"), text("data_file_raw"), text("lazy_refcounts")];
  return {
    ...(version === undefined ? {} : { version }),
    ...(bits === undefined ? {} : { refcountBits: Number(bits) }),
    ...(lazy === null ? {} : { lazyRefcounts: switchOption(given, "lazy_refcounts") }),
    ...(size === 0 ? {} : { sizeBytes: size }),
    ...(file === null && format === null ? {} : { backing: { file, format } }),
    ...(dataFile === null ? {} : { dataFile }),
    ...(raw === null ? {} : { dataFileRaw: switchOption(given, "data_file_raw") }),
  };
}
