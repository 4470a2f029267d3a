/**
 * What is wrong with the files that an image stands on, and with the names that lead to them: QEMU's words behind the program's and
 * file's name, and sentences of ours.
 */
import { assertNever } from "../base/assert.ts";
import { ADOPTED_PREFIX } from "../protocol/index.ts";
import type { ChainProblem, DebugProblem, Failure, SourceProblem } from "../protocol/index.ts";
import type { Explanation } from "./explain.ts";
import { parseSize } from "./sizes.ts";
import { strerror } from "./strerror.ts";
import { visibleText } from "./visible-text.ts";

/** QEMU's words for a chain that cannot be opened. @param causeWords those for a file that cannot be, and why */
export function chainWords(problem: ChainProblem, causeWords: (file: string, cause: Failure) => string): string {
  switch (problem.code) {
    case "backing-failed":
      return `Could not open backing file: ${causeWords(problem.file, problem.cause)}`;
    case "data-file-failed":
      return causeWords(problem.file, problem.cause);
    case "cycle":
      return `Backing file '${problem.file}' creates an infinite loop.`;
    case "too-deep":
      return `More than ${problem.limit} images stand on each other`;
    case "data-file-required":
      return "'data-file' is required for this image";
    case "data-file-refused":
      return "'data-file' can only be set for images with an external data file";
    case "data-file-raw":
      return "data-file-raw requires a data file";
    case "name":
      return sourceWords(problem.problem);
    case "lazy-in-version-2":
      return "Lazy refcounts require a qcow2 image with at least qemu 1.1 compatibility level";
    case "no-unref-in-version-2":
      return "discard-no-unref is only supported since qcow2 version 3";
    case "l2-cache-entry":
      return `L2 cache entry size must be a power of two between 512 and the cluster size (${problem.clusterSize})`;
    case "refcount-cache":
      return "Refcount cache size too big";
    case "debug-rules":
      return debugWords(problem.problem);
    case "part":
      return partWords(problem);
    default:
      return assertNever(problem);
  }
}

function debugWords(problem: DebugProblem): string {
  switch (problem.code) {
    case "config":
      return `Could not read blkdebug config file: ${strerror(problem.cause)}`;
    case "too-long":
      return "The blkdebug config file is longer than 64 KiB";
    case "syntax":
      return "parse error";
    case "no-group":
      return "no group defined";
    case "group":
      return `There is no option group '${problem.group}'`;
    case "no-event":
      return "Missing event name for rule";
    case "option":
      return problem.group === null ? `Invalid parameter '${problem.option}'` : `[${problem.group}] section doesn't support the option '${problem.option}'`;
    case "unused":
      return `Unused option '${problem.option}' for [${problem.group}]`;
    case "number":
      return `Parameter '${problem.option}' expects a number`;
    case "switch":
      return `Parameter '${problem.option}' expects 'on' or 'off'`;
    case "value":
      return `invalid parameter value: ${problem.value}`;
    case "limit":
      return `Cannot meet constraints with ${problem.option} ${problem.value}`;
    default:
      return assertNever(problem);
  }
}

function partWords({ offset, size, fileSize }: ChainProblem & { code: "part" }): string {
  if (offset > fileSize) return `Offset (${offset}) cannot be greater than size of the containing file (${fileSize})`;
  if (size !== null && size > fileSize - offset) {
    return `The sum of offset (${offset}) and size (${size}) has to be smaller or equal to the  actual size of the containing file (${fileSize})`;
  }
  return "Specified size is not multiple of 512";
}

const CACHE_SIZES = {
  "all-given": "cache-size, l2-cache-size and refcount-cache-size may not be set at the same time",
  "l2-above-all": "l2-cache-size may not exceed cache-size",
  "refcounts-above-all": "refcount-cache-size may not exceed cache-size",
} as const;

/** What QEMU says where a file that is to be written is taken for raw because its bytes are no other format's. */
export const probedRawWarning = (file: string): string =>
  `WARNING: Image format was not specified for '${file}' and probing guessed raw.\n` +
  "         Automatically detecting the format is dangerous for raw images, write operations on block 0 will be restricted.\n" +
  "         Specify the 'raw' format explicitly to remove the restrictions.\n";

/** QEMU's words for a name or options that are no image. */
export function sourceWords(problem: SourceProblem): string {
  switch (problem.code) {
    case "unknown-driver":
      return `Unknown driver '${problem.driver}'`;
    case "unknown-protocol":
      return `Unknown protocol '${problem.protocol}'`;
    case "unknown-option":
      return problem.level === "format"
        ? `Block format '${problem.driver}' does not support the option '${problem.option}'`
        : `Block protocol '${problem.driver}' doesn't support the option '${problem.option}'`;
    case "cannot-compress":
      return `Compression is not supported for underlying format: ${problem.driver}`;
    case "no-file":
      return `A block device must be specified for "file"`;
    case "no-filename":
      return "The 'file' block driver requires a file name";
    case "no-driver":
      return "Must specify either driver or file";
    case "no-node":
      return `Cannot find device='${problem.name}' nor node-name='${problem.name}'`;
    case "bad-switch":
      return `Parameter '${problem.option}' expects 'on' or 'off'`;
    case "bad-size": {
      const parsed = parseSize(problem.value);
      if (!parsed.ok && parsed.error === "out-of-range") return `Value '${problem.value}' is out of range for parameter '${problem.option}'`;
      return `Parameter '${problem.option}' expects a non-negative number below 2^64\nOptional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.`;
    }
    case "bad-choice":
      return `Unsupported value '${problem.value}' for qcow2 option 'overlap-check'. Allowed are any of the following: none, constant, cached, all`;
    case "bad-number":
      return `Parameter '${problem.option}' expects a number`;
    case "overlap-checks":
      return `Conflicting values for qcow2 options 'overlap-check' ('${problem.check}') and 'overlap-check.template' ('${problem.template}')`;
    case "cache-interval":
      return "Cache clean interval too big";
    case "cache-sizes":
      return CACHE_SIZES[problem.wrong];
    case "json-syntax":
      return `Could not parse the JSON options: JSON parse error, ${problem.detail}`;
    case "json-not-object":
      return "Invalid JSON object given";
    default:
      return assertNever(problem);
  }
}

/** @param words what chainWords says of it */
export function explainChain(problem: ChainProblem, words: string): Explanation {
  const missing = missingBeside(problem);
  if (missing !== null) return missing;
  return { title: "What the image stands on cannot be opened", why: `${words.replace(/\.$/, "")}.`, instead: insteadOf(problem), names: null };
}

/** A file that was brought from the person's machine names another, which was not brought: nobody has typed a name that could be wrong. */
function missingBeside(problem: ChainProblem): Explanation | null {
  if (problem.code !== "backing-failed" && problem.code !== "data-file-failed") return null;
  const { file, cause } = problem;
  if (!file.startsWith(ADOPTED_PREFIX) || cause.kind !== "file" || cause.code !== "not-found") return null;
  const role = problem.code === "backing-failed" ? "backing file" : "data file";
  const why = `It needs the ${role} "${visibleText(file.slice(ADOPTED_PREFIX.length))}", which was not opened with it.`;
  return { title: `Its ${role} is missing`, why, instead: "Open that file too: files find each other by their names.", names: null };
}

function insteadOf(problem: ChainProblem): string | null {
  if (problem.code === "backing-failed" && "file" in problem.cause) return "Put the backing file where the image names it, or open the image with backing=null to see what it has itself.";
  if (problem.code === "data-file-failed") return "Put the data file where the image names it.";
  return null;
}
