/** qemu-img create: options, the backing file, the "Formatting" line, the call, and its refusals in qemu-img's words. */
import type { CreateOptions, Failure, OptionProblem } from "../protocol/index.ts";
import {
  SIZE_TOO_LARGE,
  createOptionsHelp,
  formattingLine,
  parseCreateOptions,
  resolveCreateOptions,
  resolveRawOptions,
  respelled,
  textOption,
  withValues,
} from "./create-options.ts";
import type { CreatedFormat, GivenCreateOptions } from "./create-options.ts";
import { sourceWords } from "./explain-chain.ts";
import { explained, explain, fileWords, openFailureWords } from "./explain.ts";
import { newFileName } from "./image-source.ts";
import { longOptions } from "./img-open.ts";
import { imgError, imgUsageError } from "./img-words.ts";
import { asksForHelp, splitOptionList } from "./option-list.ts";
import { call, errorOut, out } from "./program.ts";
import type { Program } from "./program.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { parseSize } from "./sizes.ts";

const INT64_END = 2 ** 63;

export const createImage: ImgCommand = {
  name: "create",
  args: "[-q] [-f fmt] [-b backing_file [-F backing_fmt]] [-u] [-o options] filename [size]",
  oneline: "makes an image; `-f qcow2 -o help` lists the options",
  shorts: "hf:o:b:F:qu",
  longs: [
    { name: "help", takesValue: false, flag: "h" },
    { name: "object", takesValue: true, flag: "object" },
    ...longOptions({ quiet: "q", "backing-unsafe": "u" }, { format: "f", backing: "b", "backing-format": "F", options: "o" }),
  ],
  *run({ options, words }): Program {
    const last = (flag: string): string | null => options.findLast((option) => option.flag === flag)?.value ?? null;
    const lists = options.filter(({ flag }) => flag === "o").map(({ value }) => value);
    const format = last("f") ?? "raw";
    const table = tableOf(format);
    const file = words[0];
    const mistaken = lists.find((list) => !splitOptionList(list).ok);
    if (mistaken !== undefined) {
      yield imgError(`Invalid option list: ${mistaken}`);
      return 1;
    }
    if (asksForHelp(lists)) {
      if (table === null) yield imgError(`Unknown file format '${format}'`);
      else yield out(createOptionsHelp(table, file !== undefined));
      return table === null ? 1 : 0;
    }
    if (file === undefined) {
      yield imgUsageError("Expecting image file name");
      return 1;
    }
    let size: number | null = null;
    if (words[1] !== undefined) {
      const parsed = parseSize(words[1]);
      if (!parsed.ok || parsed.value >= INT64_END) {
        yield errorOut(sizeMistake(!parsed.ok && parsed.error === "invalid"));
        return 1;
      }
      size = parsed.value;
    }
    if (words[2] !== undefined) {
      yield imgUsageError(`Unexpected argument: ${words[2]}`);
      return 1;
    }
    if (table === null) {
      yield imgError(`${file}: Unknown file format '${format}'`);
      return 1;
    }
    const named = newFileName(file);
    if (!named.ok) {
      yield imgError(`${file}: ${named.error}`);
      return 1;
    }
    const wish = { file, path: named.value, format, table, backing: last("b"), backingFormat: last("F"), unchecked: last("u") !== null, quiet: last("q") !== null };
    return yield* create(wish, lists, size);
  },
};

/** "file" is the host's file itself, which is what raw makes. */
const tableOf = (format: string): CreatedFormat | null => (format === "qcow2" || format === "raw" ? format : format === "file" ? "raw" : null);

interface Wish {
  readonly file: string;
  /** The file that it names. */
  readonly path: string;
  readonly format: string;
  readonly table: CreatedFormat;
  /** -b and -F. */
  readonly backing: string | null;
  readonly backingFormat: string | null;
  /** -u: the backing file is not looked at. */
  readonly unchecked: boolean;
  readonly quiet: boolean;
}

function* create(wish: Wish, lists: readonly string[], size: number | null): Program {
  const { file, format, table } = wish;
  const parsed = parseCreateOptions(table, lists, size);
  if (!parsed.ok) {
    yield imgError("list" in parsed.error ? `Invalid option list: ${parsed.error.list}` : `${file}: ${parsed.error.mistake}`);
    return 1;
  }
  const refused = table === "raw" ? noBacking(wish) : null;
  const given = refused === null ? yield* withBacking(wish, withValues(parsed.value, { backing_file: wish.backing, backing_fmt: wish.backingFormat })) : null;
  if (given === null) {
    if (refused !== null) yield imgError(`${file}: ${refused}`);
    return 1;
  }
  if (!given.values.has("size")) {
    yield imgError(`${file}: Image creation needs a size parameter`);
    return 1;
  }
  if (!wish.quiet) yield out(formattingLine(file, format, given));
  return yield* table === "raw" ? createRaw(wish, given) : createQcow2(wish, given);
}

function noBacking({ backing, backingFormat, format }: Wish): string | null {
  if (backing !== null) return `Backing file not supported for file format '${format}'`;
  return backingFormat === null ? null : `Backing file format not supported for file format '${format}'`;
}

/** The options with the size that the backing file gives where none was given; null after what is wrong with it was printed. */
function* withBacking({ file, unchecked }: Wish, given: GivenCreateOptions): Program<GivenCreateOptions | null> {
  const backing = textOption(given, "backing_file");
  const format = textOption(given, "backing_fmt");
  if (backing === null) return given;
  if (backing === file) {
    yield imgError(`${file}: Error: Trying to create an image with the same filename as the backing file`);
    return null;
  }
  if (backing === "") {
    yield imgError(`${file}: Expected backing file name, got empty string`);
    return null;
  }
  if (unchecked) {
    if (format !== null) return given;
    yield imgError(`${file}: Backing file specified without backing format`);
    return null;
  }
  const looked = yield* lookAtBacking(file, backing, format);
  if (typeof looked === "string") {
    yield errorOut(`qemu-img: ${file}: ${looked}\nCould not open backing image.\n`);
    return null;
  }
  if (format === null) {
    yield errorOut(`qemu-img: ${file}: Backing file specified without backing format\nDetected format of ${looked.format}.\n`);
    return null;
  }
  return given.values.has("size") ? given : withValues(given, { size: looked.size });
}

/** Opens the backing file as the new image would, with what it stands on; a text is why it does not open. */
function* lookAtBacking(image: string, backing: string, format: string | null): Program<{ format: string; size: number } | string> {
  if (format !== null && format !== "qcow2" && format !== "raw" && format !== "file") return sourceWords({ code: "unknown-driver", driver: format });
  const source = { file: backing, format: format === "file" ? "raw" : format, readOnly: true, beside: image } as const;
  const whole = yield* call("open", source);
  // Nothing of it is read here, and its data file need not be there.
  const opened = whole.ok || whole.error.kind !== "chain" || !whole.error.code.startsWith("data-file") ? whole : yield* call("open", { ...source, inspect: true });
  if (!opened.ok) return openFailureWords("file" in opened.error ? opened.error.file : backing, opened.error);
  const { facts, handle } = opened.value;
  const closed = yield* call("close", { handle });
  if (!closed.ok) yield explained(closed.error);
  return { format: facts.image.format, size: facts.image.virtualSize };
}

function* createRaw({ file, path }: Wish, given: GivenCreateOptions): Program {
  const preallocation = resolveRawOptions(given);
  if (!preallocation.ok) {
    yield imgError(`${file}: ${preallocation.error}`);
    return 1;
  }
  const outcome = yield* call("createRaw", { file: path, sizeBytes: Number(given.values.get("size")), preallocation: preallocation.value });
  if (outcome.ok) return 0;
  yield imgError(`${file}: ${createWords(file, outcome.error, null)}`);
  return 1;
}

function* createQcow2({ file, path }: Wish, given: GivenCreateOptions): Program {
  const resolved = resolveCreateOptions(given);
  if (!resolved.ok) {
    yield imgError(`${file}: ${resolved.error}`);
    return 1;
  }
  const outcome = yield* call("create", { file: path, options: resolved.value });
  if (outcome.ok) return 0;
  yield imgError(`${file}: ${createFailureWords(file, outcome.error, resolved.value)}`);
  if (outcome.error.kind !== "option" || isTooLarge(outcome.error)) yield explained(outcome.error);
  return 1;
}

/** Why an image could not be made, behind the program's and file's name. */
export const createFailureWords = (file: string, failure: Failure, options: CreateOptions): string => createWords(file, failure, options.zoned?.dialect ?? null);

const sizeMistake = (invalid: boolean): string =>
  invalid
    ? "qemu-img: Invalid image size specified. You may use k, M, G, T, P or E suffixes for\nqemu-img: kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.\n"
    : "qemu-img: Invalid image size specified. Must be between 0 and 9223372036854775807.\n";

/** A size that the format cannot hold has qemu-img's words; a zoned disk of no size at all has ours. */
const isTooLarge = (failure: OptionProblem): boolean => failure.option === "size" && Number(failure.found) > 0;

/** Why an image could not be made, as QEMU words it behind the file's name. */
export function createWords(file: string, failure: Failure, dialect: "v4" | "v7" | "v9" | null): string {
  if (failure.kind === "file" && failure.code !== "in-use") return `Could not create '${failure.file}': ${fileWords(failure)}`;
  if (failure.kind !== "option") return openFailureWords(file, failure);
  if (isTooLarge(failure)) return SIZE_TOO_LARGE;
  return respelled(explain(failure).why.replace(/\.$/, ""), dialect);
}
