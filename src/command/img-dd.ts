/** qemu-img dd: copies blocks of one image into a new one, in the words of dd(1). */
import type { Failure } from "../protocol/index.ts";
import { explain, explained } from "./explain.ts";
import type { GivenOptions } from "./getopt.ts";
import { imgSizeGiven } from "./img-numbers.ts";
import { FORCE_SHARE, IMAGE_OPTIONS, closeRead, openImage, openToRead, optionValue, longOptions } from "./img-open.ts";
import type { ReadImage } from "./img-open.ts";
import { makeTarget, newTarget } from "./img-target.ts";
import { imgError } from "./img-words.ts";
import { call } from "./program.ts";
import type { Program } from "./program.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { strerror } from "./strerror.ts";

const STANDARD_BLOCK = 512;
const MAX_BLOCK = 2 ** 31 - 1;

export const ddImage: ImgCommand = {
  name: "dd",
  args: "[--image-opts] [-U] [-f fmt] [-O output_fmt] [bs=block_size] [count=blocks] [skip=blocks] if=input of=output",
  oneline: "copies blocks of an image into a new one",
  shorts: "hf:O:U",
  longs: [...IMAGE_OPTIONS, FORCE_SHARE, ...longOptions({}, { format: "f", "output-format": "O" })],
  *run(given): Program {
    const operands = yield* operandsOf(given);
    if (operands === null) return 1;
    const source = yield* openToRead(given, operands.input);
    if (source === null) return 1;
    const good = yield* copyBlocks(given, operands, source);
    yield* closeRead(source);
    return good ? 0 : 1;
  },
};

interface Operands {
  readonly input: string;
  readonly output: string;
  readonly blockBytes: number;
  /** Input blocks; null for all. */
  readonly count: number | null;
  readonly skip: number;
}

/** What the words say; null after a mistake was printed. */
function* operandsOf({ words }: GivenOptions): Program<Operands | null> {
  let input: string | null = null;
  let output: string | null = null;
  let blockBytes = STANDARD_BLOCK;
  let count: number | null = null;
  let skip = 0;
  for (const word of words) {
    const equals = word.indexOf("=");
    const name = equals === -1 ? word : word.slice(0, equals);
    const value = word.slice(equals + 1);
    if (equals === -1 || !["if", "of", "bs", "count", "skip"].includes(name)) {
      yield imgError(`unrecognized operand ${name}`);
      return null;
    }
    if (name === "if") input = value;
    else if (name === "of") output = value;
    else {
      const number: number | null = yield* name === "bs" ? imgSizeGiven(name, value, 1, MAX_BLOCK) : imgSizeGiven(name, value);
      if (number === null) return null;
      if (name === "bs") blockBytes = number;
      else if (name === "count") count = number;
      else skip = number;
    }
  }
  if (input === null || output === null) {
    yield imgError("Must specify both input and output files");
    return null;
  }
  return { input, output, blockBytes, count, skip };
}

function* copyBlocks(given: GivenOptions, { input, output, blockBytes, count, skip }: Operands, source: ReadImage): Program<boolean> {
  const format = optionValue(given, "O") ?? "raw";
  if (format !== "raw" && format !== "qcow2") {
    yield imgError("Unknown file format");
    return false;
  }
  const { virtualSize } = source.facts.image;
  const end = count === null ? virtualSize : Math.min(virtualSize, count * blockBytes);
  const start = Math.min(skip * blockBytes, end);
  const planned = newTarget(format, [], end - start);
  const doing = "error while creating output image";
  if (!planned.ok) {
    yield imgError(`${output}: ${doing}: ${planned.error.words}`);
    return false;
  }
  if (!(yield* makeTarget(output, planned.value, doing))) return false;
  const target = yield* openImage({ file: output, format }, output, true);
  if (target === null) return false;
  if (skip * blockBytes > end) yield imgError(`${input}: cannot skip to specified offset`);
  const copied = yield* call("convert", {
    sources: [source.handle],
    target: target.handle,
    options: { sparseBytes: 0, compressed: false, targetIsZero: false, keepsBacking: false, salvage: false, part: { offset: start, length: end - start } },
  });
  const closed = yield* call("close", { handle: target.handle });
  const failure = copied.ok ? (closed.ok ? null : closed.error) : copied.error;
  if (failure === null) return true;
  yield imgError(ddWords(failure));
  yield explained(failure);
  return false;
}

function ddWords(failure: Failure): string {
  if (failure.kind === "move") return failure.step === "write" ? `error while writing to output image file: ${strerror(failure)}` : `error while reading from input image file: ${strerror(failure)}`;
  return failure.kind === "store" ? `error while writing to output image file: ${strerror(failure)}` : explain(failure).why.replace(/\.$/, "");
}
