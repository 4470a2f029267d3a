/** The program qemu-img: its table of commands, dispatched as QEMU's is. Each command is in a file of its own. */
import { getopt, imgMistakeWords } from "./getopt.ts";
import type { GivenOptions, LongOption } from "./getopt.ts";
import { amendImage } from "./img-amend.ts";
import { benchImage } from "./img-bench.ts";
import { bitmapImage } from "./img-bitmap.ts";
import { checkImage } from "./img-check.ts";
import { commitImage } from "./img-commit.ts";
import { compareImage } from "./img-compare.ts";
import { convertImage } from "./img-convert.ts";
import { createImage } from "./img-create.ts";
import { ddImage } from "./img-dd.ts";
import { imageInfo } from "./img-info.ts";
import { mapImage } from "./img-map.ts";
import { measureImage } from "./img-measure.ts";
import { rebaseImage } from "./img-rebase.ts";
import { resizeImage } from "./img-resize.ts";
import { snapshotImage } from "./img-snapshot.ts";
import { imgError, imgUsageError } from "./img-words.ts";
import { out } from "./program.ts";
import type { Program } from "./program.ts";
import { mistakenObjects } from "./secret-object.ts";
import { QEMU_VERSION, VERSION } from "./version.ts";

export interface ImgContext {
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
}

export interface ImgCommand {
  readonly name: string;
  readonly args: string;
  readonly oneline: string;
  readonly shorts: string;
  readonly longs: readonly LongOption[];
  /** The last argument is a word whatever it begins with, and there is one behind another. */
  readonly lastIsWord?: true;
  run(given: GivenOptions, context: ImgContext): Program;
}

export const IMG_COMMANDS: readonly ImgCommand[] = [amendImage, benchImage, bitmapImage, checkImage, commitImage, compareImage, convertImage, createImage, ddImage, imageInfo, mapImage, measureImage, rebaseImage, resizeImage, snapshotImage];

const versionLine = `qemu-img version ${QEMU_VERSION} (the command language; zonescope ${VERSION})\n`;

function usage(): string {
  const commands = IMG_COMMANDS.map((command) => `  ${command.name} ${command.args}\n      ${command.oneline}\n`).join("");
  return `${versionLine}usage: qemu-img [standard options] command [command options]\n\nCommands:\n${commands}`;
}

/** Of the options in front of the command: -T and --trace, each with its pattern. */
interface Front {
  readonly patterns: readonly string[];
  /** What follows, from the command's name on. */
  readonly rest: readonly string[];
}

/** Takes the options of tracing off; a string is what is wrong with them. */
function frontOf(argv: readonly string[]): Front | string {
  const patterns: string[] = [];
  let at = 0;
  for (; at < argv.length; at++) {
    const word = argv[at]!;
    const joined = word.startsWith("--trace=") ? word.slice("--trace=".length) : word.startsWith("-T") && word.length > 2 ? word.slice(2) : null;
    if (joined !== null) patterns.push(joined);
    else if (word !== "-T" && word !== "--trace") break;
    else {
      const pattern = argv[++at];
      if (pattern === undefined) return word === "-T" ? "option requires an argument -- 'T'" : "option '--trace' requires an argument";
      patterns.push(pattern);
    }
  }
  return { patterns, rest: argv.slice(at) };
}

/** Runs qemu-img; argv is what follows its name. */
export function* qemuImg(argv: readonly string[], context: ImgContext): Program {
  const front = frontOf(argv);
  if (typeof front === "string") {
    yield imgUsageError(front);
    return 1;
  }
  for (const pattern of front.patterns) yield { step: "trace", pattern };
  return yield* dispatch(front.rest, context);
}

function* dispatch(argv: readonly string[], context: ImgContext): Program {
  const name = argv[0];
  if (name === undefined) {
    yield imgUsageError("Not enough arguments");
    return 1;
  }
  if (name === "--help" || name === "-h") {
    yield out(usage());
    return 0;
  }
  if (name === "--version" || name === "-V") {
    yield out(versionLine);
    return 0;
  }
  if (name.startsWith("-")) {
    yield imgUsageError(`unrecognized option '${name}'`);
    return 1;
  }
  const command = IMG_COMMANDS.find((row) => row.name === name);
  if (command === undefined) {
    yield imgUsageError(`Command not found: ${name}`);
    return 1;
  }
  const last = command.lastIsWord === true ? argv.at(-1) : undefined;
  if (command.lastIsWord === true && argv.length < 3) {
    yield imgUsageError("Not enough arguments");
    return 1;
  }
  const parsed = getopt(argv.slice(1, last === undefined ? undefined : -1), command.shorts, command.longs);
  if (!parsed.ok) {
    yield imgUsageError(imgMistakeWords(parsed.error));
    return 1;
  }
  if (parsed.value.options.some((option) => option.flag === "h")) {
    yield out(usage());
    return 0;
  }
  const mistake = mistakenObjects(parsed.value.options.filter(({ flag }) => flag === "object").map(({ value }) => value));
  if (mistake !== null) {
    yield imgError(mistake);
    return 1;
  }
  return yield* command.run(last === undefined ? parsed.value : { ...parsed.value, words: [...parsed.value.words, last] }, context);
}
