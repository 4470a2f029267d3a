/** The options of qemu-img convert: read in the order in which QEMU looks at them, refused in its words. */
import type { SnapshotQuery } from "../protocol/index.ts";
import type { GivenOptions, LongOption } from "./getopt.ts";
import { imgSizeGiven } from "./img-numbers.ts";
import { FORCE_SHARE, IMAGE_OPTIONS, longOptions } from "./img-open.ts";
import { optionPairs } from "./img-target.ts";
import { imgError } from "./img-words.ts";
import { mistakenMode } from "./io-open.ts";
import { asksForHelp, splitOptionList } from "./option-list.ts";
import type { OptionPair } from "./option-list.ts";
import type { Program } from "./program.ts";
import { parseInteger } from "./sizes.ts";

export const CONVERT_SHORTS = "hf:O:B:CcF:o:l:S:pt:T:qnm:WUr:";
export const CONVERT_LONGS: readonly LongOption[] = [
  ...IMAGE_OPTIONS,
  FORCE_SHARE,
  ...longOptions(
    { quiet: "q", "source-image-opts": "image-opts", "oob-writes": "W", "copy-range-offloading": "C" },
    { "source-format": "f", "source-cache": "T", snapshot: "l", "sparse-size": "S", "output-format": "O", options: "o", "output-cache": "t", backing: "B", "backing-format": "F", rate: "r", parallel: "m" },
  ),
  ...["target-image-opts", "salvage", "target-is-zero", "bitmaps", "skip-broken-bitmaps"].map((name) => ({ name, takesValue: false, flag: name })),
];

/** QEMU's granularity of zeros that are left out. */
const STANDARD_SPARSE = 4096;
const SECTOR = 512;
const MAX_SPARSE = 32768 * SECTOR;
const MAX_COROUTINES = 16;

export interface ConvertCommand {
  readonly sources: readonly string[];
  readonly sourceFormat: string | null;
  readonly sourceOptions: boolean;
  /** The snapshot of the source that is looked at in its place. */
  readonly snapshot: SnapshotQuery | null;
  readonly target: string;
  /** null where options name the target and its format. */
  readonly targetFormat: string | null;
  readonly targetOptions: boolean;
  readonly skipCreate: boolean;
  readonly targetIsZero: boolean;
  readonly pairs: readonly OptionPair[];
  readonly backing: string | null;
  readonly backingFormat: string | null;
  readonly compressed: boolean;
  readonly sparseBytes: number;
  readonly salvage: boolean;
  /** Flushes ask nothing of the platform, as QEMU's convert does by itself. */
  readonly unsafe: boolean;
  readonly progress: boolean;
  readonly quiet: boolean;
  readonly bitmaps: boolean;
  readonly skipBroken: boolean;
}

/** What the options come to; null after a mistake in them was printed, "help" when -o asks for the list of options. */
export function* convertCommand({ options, words }: GivenOptions): Program<ConvertCommand | "help" | null> {
  const last = (flag: string): string | null => options.findLast((option) => option.flag === flag)?.value ?? null;
  const has = (flag: string): boolean => options.some((option) => option.flag === flag);
  const lists = options.filter(({ flag }) => flag === "o").map(({ value }) => value);
  const numbers = yield* eachNumber(options);
  if (numbers === null) return null;
  const targetOptions = has("target-image-opts");
  const targetFormat = last("O") ?? (targetOptions ? null : "raw");
  const badSnapshot = snapshotMistake(last("l"));
  const conflict = badSnapshot ?? conflictOf(has, lists.length > 0, targetOptions);
  if (conflict !== null) {
    yield imgError(conflict);
    return null;
  }
  if (asksForHelp(lists)) {
    if (targetFormat !== null) return "help";
    yield imgError("Option help requires a format be specified");
    return null;
  }
  const target = words.at(-1);
  if (words.length < 2 || target === undefined) {
    yield imgError("Must specify image file name");
    return null;
  }
  const sourceCache = last("T");
  if (sourceCache !== null && mistakenMode("t", sourceCache) !== null) {
    yield imgError(`Invalid source cache option: ${sourceCache}`);
    return null;
  }
  const pairs = optionPairs(lists);
  const quiet = has("q");
  return {
    sources: words.slice(0, -1),
    sourceFormat: last("f"),
    sourceOptions: has("image-opts"),
    snapshot: snapshotOf(last("l")),
    target,
    targetFormat,
    targetOptions,
    skipCreate: has("n"),
    targetIsZero: has("target-is-zero"),
    pairs: pairs.ok ? pairs.value : [],
    backing: last("B"),
    backingFormat: last("F"),
    compressed: has("c"),
    sparseBytes: numbers.sparseBytes,
    salvage: has("salvage"),
    unsafe: (last("t") ?? "unsafe") === "unsafe",
    progress: has("p") && !quiet,
    quiet,
    bitmaps: has("bitmaps"),
    skipBroken: has("skip-broken-bitmaps"),
  };
}

/** Values that QEMU looks at while it reads the options, in their order; null after a mistake was printed. */
function* eachNumber(options: GivenOptions["options"]): Program<{ sparseBytes: number } | null> {
  let sparseBytes = STANDARD_SPARSE;
  for (const { flag, value } of options) {
    if (flag === "S") {
      const size = yield* imgSizeGiven("buffer size for sparse output", value);
      if (size === null) return null;
      if (size % SECTOR !== 0 || size > MAX_SPARSE) {
        yield imgError(
          `Invalid buffer size for sparse output specified. Valid sizes are multiples of ${SECTOR} up to ${MAX_SPARSE}. ` +
            "Select 0 to disable sparse detection (fully allocates output).",
        );
        return null;
      }
      sparseBytes = size;
    } else if (flag === "m") {
      const count = parseInteger(value);
      if (count === null || value === "" || count < 1 || count > MAX_COROUTINES) {
        yield imgError(`Invalid number of coroutines. Allowed number of coroutines is between 1 and ${MAX_COROUTINES}`);
        return null;
      }
    } else if (flag === "r") {
      if ((yield* imgSizeGiven("rate limit", value)) === null) return null;
    } else if (flag === "o") {
      if (splitOptionList(value).ok) continue;
      yield imgError(`Invalid option list: ${value}`);
      return null;
    }
  }
  return { sparseBytes };
}

function conflictOf(has: (flag: string) => boolean, hasOptions: boolean, targetOptions: boolean): string | null {
  if (has("skip-broken-bitmaps") && !has("bitmaps")) return "Use of --skip-broken-bitmaps requires --bitmaps";
  if (has("c") && has("C")) return "Cannot enable copy offloading when -c is used";
  if (has("S") && has("C")) return "Cannot enable copy offloading when -S is used";
  if (has("C") && has("salvage")) return "Cannot use copy offloading in salvaging mode";
  if (targetOptions && !has("n")) return "--target-image-opts requires use of -n flag";
  if (has("n") && hasOptions) return "-o has no effect when skipping image creation";
  if (has("target-is-zero") && !has("n")) return "--target-is-zero requires use of -n flag";
  return null;
}

/** QEMU's words for options of a snapshot that there are none of; null for what is right. */
export function snapshotMistake(text: string | null): string | null {
  if (text === null || !text.startsWith("snapshot.")) return null;
  const pairs = splitOptionList(text);
  const unknown = pairs.ok ? pairs.value.find(({ key }) => key !== "snapshot.id" && key !== "snapshot.name") : undefined;
  return unknown === undefined ? null : `Invalid parameter '${unknown.key}'\nqemu-img: Failed in parsing snapshot param '${text}'`;
}

/** `-l ID_OR_NAME`, or `-l snapshot.id=ID,snapshot.name=NAME`. */
export function snapshotOf(text: string | null): SnapshotQuery | null {
  if (text === null || !text.startsWith("snapshot.")) return text;
  const pairs = splitOptionList(text);
  if (!pairs.ok) return text;
  const value = (key: string): string | null => pairs.value.findLast((pair) => pair.key === key)?.value ?? null;
  return { id: value("snapshot.id"), name: value("snapshot.name") };
}
