/** Opening an image for a qemu-img command that only reads: the options that all of them share, and the words of a failure. */
import type { DeviceFacts } from "../protocol/index.ts";
import { explained, hasMoreToSay, openFailureWords } from "./explain.ts";
import type { GivenOptions, LongOption } from "./getopt.ts";
import { imgError, imgUsageError } from "./img-words.ts";
import { imageFromOptions } from "./io-open.ts";
import { call } from "./program.ts";
import type { Program } from "./program.ts";

/** Long options of every command that reads one image. */
export const READING_OPTIONS: readonly LongOption[] = [
  { name: "help", takesValue: false, flag: "h" },
  { name: "format", takesValue: true, flag: "f" },
  { name: "output", takesValue: true, flag: "output" },
  { name: "image-opts", takesValue: false, flag: "image-opts" },
  { name: "force-share", takesValue: false, flag: "U" },
  { name: "object", takesValue: true, flag: "object" },
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

/** Opens the image that `word` names by -f or --image-opts, for reading unless `write`; null after its failure was printed. */
export function* openToRead(given: GivenOptions, word: string, write = false): Program<ReadImage | null> {
  let file = word;
  let format = optionValue(given, "f");
  if (optionValue(given, "image-opts") !== null) {
    if (format !== null) {
      yield imgError("--image-opts and --format are mutually exclusive");
      return null;
    }
    const named = imageFromOptions(word);
    if (typeof named === "string" || named.file === null) {
      yield imgError(`Could not open '${word}': ${typeof named === "string" ? named : `A block device must be specified for "file"`}`);
      return null;
    }
    ({ file, format } = { file: named.file, format: named.format });
  }
  if (format !== null && format !== "qcow2" && format !== "raw") {
    yield imgError(`Could not open '${word}': Unknown driver '${format}'`);
    return null;
  }
  const opened = yield* call("open", { file, readOnly: !write, format });
  if (!opened.ok) {
    yield imgError(`Could not open '${word}': ${openFailureWords(file, opened.error)}`);
    if (hasMoreToSay(opened.error)) yield explained(opened.error);
    return null;
  }
  return { handle: opened.value.handle, file, facts: opened.value.facts };
}

/** Closes what openToRead opened; a failure is told and changes no status, since nothing was written. */
export function* closeRead({ handle }: ReadImage): Program<void> {
  const closed = yield* call("close", { handle });
  if (!closed.ok) yield explained(closed.error);
}
