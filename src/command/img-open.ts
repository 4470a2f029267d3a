/** Opening an image for a qemu-img command that only reads: the options that all of them share, and the words of a failure. */
import type { DeviceFacts, ImageSource, SnapshotQuery } from "../protocol/index.ts";
import { findingLines } from "./check-lines.ts";
import { probedRawWarning } from "./explain-chain.ts";
import { explain, explained, hasMoreToSay, openFailureWords } from "./explain.ts";
import { snapshotLoadWords } from "./explain-snapshot.ts";
import type { GivenOptions, LongOption } from "./getopt.ts";
import { SHARED_BY_FORCE, sourceToOpen } from "./image-source.ts";
import type { ImageWords } from "./image-source.ts";
import { imgError, imgUsageError } from "./img-words.ts";
import { nodeNames } from "./node-names.ts";
import type { NodeName } from "./node-names.ts";
import { call, errorOut } from "./program.ts";
import type { Program } from "./program.ts";

/** Long options of every command on an image. */
export const IMAGE_OPTIONS: readonly LongOption[] = [
  { name: "help", takesValue: false, flag: "h" },
  { name: "object", takesValue: true, flag: "object" },
  { name: "image-opts", takesValue: false, flag: "image-opts" },
];

/**
 * Long options by name, each with the letter that it stands for; most are known to Debian's qemu-img of version 10 and to QEMU's own of the next.
 * @param bare those without a value
 */
export const longOptions = (bare: Readonly<Record<string, string>>, valued: Readonly<Record<string, string>> = {}): readonly LongOption[] => [
  ...Object.entries(bare).map(([name, flag]) => ({ name, takesValue: false, flag })),
  ...Object.entries(valued).map(([name, flag]) => ({ name, takesValue: true, flag })),
];

export const FORCE_SHARE: LongOption = { name: "force-share", takesValue: false, flag: "U" };

/** Long options of every command that tells something of one image. */
export const READING_OPTIONS: readonly LongOption[] = [
  ...IMAGE_OPTIONS,
  { name: "format", takesValue: true, flag: "f" },
  { name: "output", takesValue: true, flag: "output" },
  FORCE_SHARE,
];

/** The value of an option that was given, the last one's; null if it was not. */
export const optionValue = ({ options }: GivenOptions, flag: string): string | null => options.findLast((option) => option.flag === flag)?.value ?? null;

export interface ImageToRead {
  /** The word that names the image: a file, or with --image-opts a list of options. */
  readonly word: string;
  readonly output: "human" | "json";
}

/** What a command line says of its image and output; null after its mistake was printed. */
export function* imageToRead(given: GivenOptions): Program<ImageToRead | null> {
  const output = optionValue(given, "output") ?? "human";
  if (given.words.length !== 1) {
    yield imgUsageError("Expecting one image file name");
    return null;
  }
  if (output !== "human" && output !== "json") {
    yield imgError("--output must be used with human or json as argument.");
    return null;
  }
  return { word: given.words[0]!, output };
}

export interface ReadImage {
  readonly handle: number;
  /** The file's name, also where options named it. */
  readonly file: string;
  readonly facts: DeviceFacts;
}

/**
 * Opens the image that `word` names by -f or --image-opts, for reading unless `write`; null after its failure was printed.
 * @param inspect for its facts alone: what it stands on is not opened
 */
export function* openToRead(given: GivenOptions, word: string, write = false, inspect = false, more: OpenMore = {}): Program<ReadImage | null> {
  if (write && optionValue(given, "U") !== null) {
    yield imgError(`Could not open '${word}': ${SHARED_BY_FORCE}`);
    return null;
  }
  const source = yield* sourceGiven(given, word, write);
  // What a check is to find out is not set right before it looks.
  return source === null ? null : yield* openImage(source, word, write, inspect, write && more.forCheck !== true, more);
}

/** The source that `word` names by -f or --image-opts, to be written or not; null after what is wrong with it was printed. */
export const sourceGiven = (given: GivenOptions, word: string, write = false): Program<ImageSource | null> =>
  sourceNamed(word, optionValue(given, "f"), optionValue(given, "image-opts") !== null, write);

/** The source that `word` names, as a file of that format or as a list of options; null after what is wrong with it was printed. */
export function* sourceNamed(word: string, format: string | null, asOptions: boolean, write = false): Program<ImageSource | null> {
  if (asOptions && format !== null) {
    yield imgError("--image-opts and --format are mutually exclusive");
    return null;
  }
  const named = sourceToOpen(wordsGiven(word, format, asOptions), write);
  if (named.ok) return named.value.source;
  yield imgError(`Could not open '${word}': ${named.error}`);
  return null;
}

/** A word as a file of that format or as a list of options, whose first may be a value alone, of what lies under the format. */
export function wordsGiven(word: string, format: string | null, asOptions: boolean): ImageWords {
  return asOptions ? { word: null, format: null, options: /^[^,]*=/.test(word) ? word : `file=${word}` } : { word, format, options: null };
}

/** The nodes of the image that `word` names by -f or --image-opts, from the top; null where the file's name stands for all of them. @param format as it was found */
export const namesGiven = (given: GivenOptions, word: string, format: string): readonly NodeName[] | null =>
  nodeNames(wordsGiven(word, optionValue(given, "f"), optionValue(given, "image-opts") !== null), format);

/** What the call "open" can do beside. */
export interface OpenMore {
  /** Nothing is made durable, for a file that is new. */
  readonly unsafe?: boolean;
  /** What a check finds out, and mends, keeps the image from nothing. */
  readonly forCheck?: boolean;
  /** The backing file that is written too, null the first. */
  readonly commitTo?: string | null;
}

/**
 * Opens a source; `word` is what named it, for the line about a failure, after which null is returned.
 * @param mend treats an image with the dirty or the corrupt bit as QEMU does where it is to be written
 * @param more of the call "open"
 */
export function* openImage(source: ImageSource, word: string, write = false, inspect = false, mend = write, more: OpenMore = {}): Program<ReadImage | null> {
  const opened = yield* call("open", { ...source, readOnly: !write, inspect, ...(mend ? { mend } : {}), ...more });
  if (opened.ok) {
    const { handle, facts, mended } = opened.value;
    if (write && source.format === null && facts.image.format === "raw") yield errorOut(probedRawWarning(source.file));
    if (mended !== undefined) yield errorOut(findingLines(mended.findings, mended.told));
    return { handle, file: source.file, facts };
  }
  yield imgError(`Could not open '${word}': ${openFailureWords(source.file, opened.error)}`);
  if (hasMoreToSay(opened.error)) yield explained(opened.error);
  return null;
}

/** Opens the disk as a snapshot shows it; null after the failure was printed. */
export function* openSnapshot(source: ImageSource, snapshot: SnapshotQuery): Program<ReadImage | null> {
  const opened = yield* call("open", { ...source, snapshot, readOnly: true });
  if (opened.ok) return { handle: opened.value.handle, file: source.file, facts: opened.value.facts };
  yield imgError(`Failed to load snapshot: ${opened.error.kind === "snapshot" ? snapshotLoadWords(opened.error) : explain(opened.error).why.replace(/\.$/, "")}`);
  yield explained(opened.error);
  return null;
}

/** Closes what openToRead opened; a failure is told and changes no status, since nothing was written. */
export function* closeRead({ handle }: ReadImage): Program<void> {
  const closed = yield* call("close", { handle });
  if (!closed.ok) yield explained(closed.error);
}
