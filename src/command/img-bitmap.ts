/** qemu-img bitmap: adds, removes, clears, enables, disables and merges persistent bitmaps, in the order given. Words are QEMU's. */
import type { BitmapChange, Failure } from "../protocol/index.ts";
import { bitmapWords } from "./explain-bitmap.ts";
import { explain, explained } from "./explain.ts";
import { IMAGE_OPTIONS, optionValue, openImage, sourceGiven } from "./img-open.ts";
import { imageSource } from "./image-source.ts";
import { imgError, lockedAgainstReading } from "./img-words.ts";
import { call, errorOut } from "./program.ts";
import type { Program } from "./program.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { parseSize } from "./sizes.ts";
import { strerror } from "./strerror.ts";

const ACTIONS = ["add", "remove", "clear", "enable", "disable", "merge"] as const;
type Action = (typeof ACTIONS)[number];

const INT64_END = 2 ** 63;
const UINT32_END = 2 ** 32;

export const bitmapImage: ImgCommand = {
  name: "bitmap",
  args: "(--merge source | --add | --remove | --clear | --enable | --disable)... [-b source_file [-F source_fmt]] [-g granularity] [--image-opts | -f fmt] filename bitmap",
  oneline: "changes the persistent bitmaps of an image",
  shorts: "b:f:F:g:h",
  longs: [
    ...IMAGE_OPTIONS,
    ...ACTIONS.map((name) => ({ name, takesValue: name === "merge", flag: name })),
    { name: "granularity", takesValue: true, flag: "g" },
    { name: "source-file", takesValue: true, flag: "b" },
    { name: "source-format", takesValue: true, flag: "F" },
  ],
  *run(given): Program {
    const granularity = yield* granularityOf(optionValue(given, "g"));
    if (granularity === "failed") return 1;
    const actions = given.options.filter(({ flag }) => (ACTIONS as readonly string[]).includes(flag));
    const [sourceFile, sourceFormat] = [optionValue(given, "b"), optionValue(given, "F")];
    const has = (name: Action): boolean => actions.some(({ flag }) => flag === name);
    const mistake =
      actions.length === 0
        ? "Need at least one of --add, --remove, --clear, --enable, --disable, or --merge"
        : granularity !== null && granularity !== 0 && !has("add")
          ? "granularity only supported with --add"
          : sourceFormat !== null && sourceFile === null
            ? "-F only supported with -b"
            : sourceFile !== null && !has("merge")
              ? "Merge bitmap source file only supported with --merge"
              : given.words.length !== 2
                ? "Expecting filename and bitmap name"
                : null;
    if (mistake !== null) {
      yield imgError(mistake);
      return 1;
    }
    const [file, bitmap] = given.words as [string, string];
    const target = yield* sourceGiven(given, file, true);
    const image = target === null ? null : yield* openImage({ ...target, backing: null }, file, true);
    if (image === null) return 1;
    const source = sourceFile === null ? image.handle : yield* openSource(sourceFile, sourceFormat, image.file);
    let status = source === null ? 1 : 0;
    for (const { flag, value } of source === null ? [] : actions) {
      status = yield* act({ handle: image.handle, source: source!, bitmap, granularity: granularity === 0 ? null : granularity }, flag as Action, value);
      if (status !== 0) break;
    }
    if (source !== null && source !== image.handle) yield* call("close", { handle: source });
    const closed = yield* call("close", { handle: image.handle });
    if (closed.ok) return status;
    yield imgError(`Error while closing the image: ${strerror(closed.error)}`);
    yield explained(closed.error);
    return 1;
  },
};

/** The granularity as given, null where it was not; "failed" after its mistake was printed. */
function* granularityOf(text: string | null): Program<number | null | "failed"> {
  if (text === null) return null;
  const parsed = parseSize(text);
  if (parsed.ok && parsed.value < INT64_END) return parsed.value === 0 ? 0 : parsed.value % UINT32_END || UINT32_END;
  if (!parsed.ok && parsed.error === "invalid") {
    yield imgError("Invalid granularity specified. You may use k, M, G, T, P or E suffixes for");
    yield imgError("kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.");
  } else yield imgError("Invalid granularity specified. Must be between 0 and 9223372036854775807.");
  return "failed";
}

/** @param target the image that is changed, which is locked against being its own source by name, as with QEMU */
function* openSource(file: string, format: string | null, target: string): Program<number | null> {
  const named = imageSource({ word: file, format, options: null });
  if (!named.ok) {
    yield imgError(`Could not open '${file}': ${named.error}`);
    return null;
  }
  if (named.value.source.file === target) {
    yield imgError(`Could not open '${file}': ${lockedAgainstReading(target)}`);
    return null;
  }
  const image = yield* openImage({ ...named.value.source, backing: null }, file);
  return image?.handle ?? null;
}

interface Target {
  readonly handle: number;
  readonly source: number;
  readonly bitmap: string;
  readonly granularity: number | null;
}

function* act({ handle, source, bitmap, granularity }: Target, action: Action, value: string): Program {
  const change: BitmapChange | null = action === "merge" ? null : action === "add" ? { action, granularity } : { action };
  const outcome =
    change === null
      ? yield* call("mergeBitmap", { handle, bitmap, sourceHandle: source, source: value })
      : yield* call("changeBitmap", { handle, bitmap, change });
  if (outcome.ok) return 0;
  yield imgError(`Operation ${action} on bitmap ${bitmap} failed: ${wordsOf(outcome.error)}`);
  // An errno does not say which table of a broken image is in the way.
  yield outcome.error.kind === "image" ? errorOut(`${explain(outcome.error).why}\n`) : explained(outcome.error);
  return 1;
}

const wordsOf = (failure: Failure): string => (failure.kind === "bitmap" ? bitmapWords(failure) : strerror(failure));
