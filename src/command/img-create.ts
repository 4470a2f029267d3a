/** qemu-img create: options, the "Formatting" line, the call, and its refusals in qemu-img's words. */
import type { Failure, OptionProblem } from "../protocol/index.ts";
import { SIZE_TOO_LARGE, createOptionsHelp, formattingLine, parseCreateOptions, resolveCreateOptions, respelled } from "./create-options.ts";
import { explained, explain, fileWords, openFailureWords } from "./explain.ts";
import { imgError, imgUsageError } from "./img-words.ts";
import { call, errorOut, out } from "./program.ts";
import type { Program } from "./program.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { parseSize } from "./sizes.ts";

const INT64_END = 2 ** 63;

export const createImage: ImgCommand = {
  name: "create",
  args: "[-q] -f qcow2 [-o options] filename [size]",
  oneline: "makes an image; `-o help` lists the options",
  shorts: "hf:o:b:F:qu",
  longs: [
    { name: "help", takesValue: false, flag: "h" },
    { name: "object", takesValue: true, flag: "object" },
  ],
  *run({ options, words }): Program {
    let format = "raw";
    let quiet = false;
    const lists: string[] = [];
    const refused: string[] = [];
    for (const { flag, value } of options) {
      if (flag === "f") format = value;
      else if (flag === "o") lists.push(value);
      else if (flag === "q") quiet = true;
      else if (flag === "b") refused.push("-b (a backing file)");
      else if (flag === "F") refused.push("-F (the format of a backing file)");
      else if (flag === "object") refused.push("--object");
    }
    const file = words[0];
    if (lists.some((list) => list === "help" || list === "?")) {
      yield out(createOptionsHelp(file !== undefined));
      return 0;
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
    if (format !== "qcow2") {
      const known = format === "raw";
      yield imgError(`${file}: ${known ? "Images of format 'raw' are not made here, only qcow2 (-f qcow2)" : `Unknown file format '${format}'`}`);
      return 1;
    }
    if (refused.length > 0) {
      yield imgError(`${file}: ${refused[0]} is not supported`);
      return 1;
    }
    return yield* create(file, lists, size, quiet);
  },
};

function* create(file: string, lists: readonly string[], size: number | null, quiet: boolean): Program {
  const given = parseCreateOptions(lists, size);
  if (!given.ok) {
    yield imgError("list" in given.error ? `Invalid option list: ${given.error.list}` : `${file}: ${given.error.mistake}`);
    return 1;
  }
  if (!quiet) yield out(formattingLine(file, given.value));
  const resolved = resolveCreateOptions(given.value);
  if (!resolved.ok) {
    yield imgError(`${file}: ${resolved.error}`);
    return 1;
  }
  const outcome = yield* call("create", { file, options: resolved.value });
  if (outcome.ok) return 0;
  yield imgError(`${file}: ${createWords(file, outcome.error, resolved.value.zoned?.dialect ?? null)}`);
  if (outcome.error.kind !== "option" || isTooLarge(outcome.error)) yield explained(outcome.error);
  return 1;
}

const sizeMistake = (invalid: boolean): string =>
  invalid
    ? "qemu-img: Invalid image size specified. You may use k, M, G, T, P or E suffixes for\nqemu-img: kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.\n"
    : "qemu-img: Invalid image size specified. Must be between 0 and 9223372036854775807.\n";

/** A size that the format cannot hold has qemu-img's words; a zoned disk of no size at all has ours. */
const isTooLarge = (failure: OptionProblem): boolean => failure.option === "size" && Number(failure.found) > 0;

function createWords(file: string, failure: Failure, dialect: "v4" | "v7" | "v9" | null): string {
  if (failure.kind === "file" && failure.code !== "in-use") return `Could not create '${file}': ${fileWords(failure)}`;
  if (failure.kind !== "option") return openFailureWords(file, failure);
  if (isTooLarge(failure)) return SIZE_TOO_LARGE;
  return respelled(explain(failure).why.replace(/\.$/, ""), dialect);
}
