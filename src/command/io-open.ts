/** qemu-io's own images: opening, closing and reopening them, from its command line and from its commands. */
import { errorOut, call, out } from "./program.ts";
import type { Program, Step } from "./program.ts";
import { findingLines } from "./check-lines.ts";
import { explained, hasMoreToSay, openFailureWords } from "./explain.ts";
import { imageSource } from "./image-source.ts";
import type { ImageWords } from "./image-source.ts";
import { diskOf, printFailure } from "./io-session.ts";
import type { IoArguments, IoCommand, IoSession } from "./io-session.ts";
import type { ImageSource } from "../protocol/index.ts";

export interface OpenRequest extends ImageWords {
  readonly readOnly: boolean;
}

const CACHE_MODES = ["none", "off", "writeback", "unsafe", "writethrough", "directsync"];
const DISCARD_MODES = ["ignore", "off", "unmap", "on"];
const AIO_MODES = ["threads", "native", "io_uring"];

/** Options that choose how the host's file is driven: checked as QEMU does, and of no effect here. null if all is well. */
export function mistakenMode(flag: string, value: string): string | null {
  if (flag === "t" && !CACHE_MODES.includes(value)) return `Invalid cache option: ${value}`;
  if (flag === "d" && !DISCARD_MODES.includes(value)) return `Invalid discard option: ${value}`;
  if (flag === "i" && !AIO_MODES.includes(value)) return `Invalid aio option: ${value}`;
  return null;
}

export const qemuIoError = (text: string): Step => errorOut(`qemu-io: ${text}\n`);

/** Opens an image into the session; what goes wrong is printed as qemu-io does. */
export function* openInto(session: IoSession, request: OpenRequest): Program<boolean> {
  const named = imageSource(request);
  if (named.ok) return yield* openSource(session, named.value.source, request.readOnly || named.value.readOnly === true, request.word);
  yield session.disk === null ? cannotOpen(request.word, named.error) : openAlready();
  return false;
}

const openAlready = (): Step => qemuIoError("file open already, try 'help close'");
const cannotOpen = (word: string | null, why: string): Step => qemuIoError(`can't open${word === null ? "" : ` device ${word}`}: ${why}`);

/** @param word what named the image, for a failure; null where options did */
function* openSource(session: IoSession, source: ImageSource, readOnly: boolean, word: string | null): Program<boolean> {
  if (session.disk !== null) {
    yield openAlready();
    return false;
  }
  const { file } = source;
  const outcome = yield* call("open", { ...source, readOnly, ...(readOnly ? {} : { mend: true }) });
  if (!outcome.ok) {
    yield cannotOpen(word, openFailureWords(file, outcome.error));
    if (hasMoreToSay(outcome.error)) yield explained(outcome.error);
    return false;
  }
  const { handle, facts, mended } = outcome.value;
  if (mended !== undefined) yield errorOut(findingLines(mended.findings, mended.told));
  session.disk = { handle, file, facts, source };
  if (source.format === null && facts.image.format === "raw" && !facts.image.readOnly) yield errorOut(probedRawWarning(file));
  if (!readOnly && facts.image.readOnly && facts.image.readOnlyReason !== null) {
    yield errorOut(`qemu-io: ${file} is open for reading only: ${facts.image.readOnlyReason}\n`);
  }
  return true;
}

const probedRawWarning = (file: string): string =>
  `WARNING: Image format was not specified for '${file}' and probing guessed raw.\n` +
  "         Automatically detecting the format is dangerous for raw images, write operations on block 0 will be restricted.\n" +
  "         Specify the 'raw' format explicitly to remove the restrictions.\n";

/** Closes the session's image; true if there was none. A flush that fails is told. */
export function* closeDisk(session: IoSession): Program<boolean> {
  const disk = session.disk;
  if (disk === null) return true;
  session.disk = null;
  const outcome = yield* call("close", { handle: disk.handle });
  if (outcome.ok) return true;
  yield* printFailure("close", outcome.error);
  return false;
}

export const open: IoCommand = {
  name: "open",
  alias: "o",
  min: 1,
  max: -1,
  shorts: "snCro:ki:t:d:U",
  args: "[-rsCnkU] [-t cache] [-d discard] [-o options] [path]",
  oneline: "open the file specified by path",
  help:
    "\n opens an image for the commands that follow\n\n Example:\n 'open -r -o driver=qcow2 test.qcow2' - opens an image for reading\n\n" +
    " -r, -- for reading only\n -o, -- driver=qcow2|raw and file.filename=path\n -C, -n, -k, -U, -i, -t, -d, -- taken and without effect\n -s, -- refused: no temporary snapshots here\n",
  needs: "own-session",
  writes: false,
  *run(session, args) {
    for (const { flag, value } of args.given.options) {
      const mistake = mistakenMode(flag, value) ?? (flag === "s" ? "-s is not supported: an image is changed in place or opened with -r" : null);
      if (mistake === null) continue;
      yield qemuIoError(mistake);
      return "failed";
    }
    if (args.words.length > 1) return "usage";
    const request = { word: args.words[0] ?? null, format: null, options: allOptions(args), readOnly: args.has("r") };
    if (request.word === null && request.options === null) {
      yield cannotOpen(null, `A block device must be specified for "file"`);
      return "failed";
    }
    return (yield* openInto(session, request)) ? "ok" : "failed";
  },
};

/** Every -o of a command as one list; null if there is none. */
function allOptions(args: IoArguments): string | null {
  const lists = args.given.options.filter((option) => option.flag === "o").map((option) => option.value);
  return lists.length === 0 ? null : lists.join(",");
}

export const close: IoCommand = {
  name: "close",
  alias: "c",
  min: 0,
  max: 0,
  shorts: null,
  args: null,
  oneline: "close the current open file",
  help: null,
  needs: "own-session",
  writes: false,
  *run(session) {
    if (session.disk === null) {
      yield errorOut("no file open, try 'help open'\n");
      return "failed";
    }
    return (yield* closeDisk(session)) ? "ok" : "failed";
  },
};

export const reopen: IoCommand = {
  name: "reopen",
  alias: null,
  min: 0,
  max: -1,
  shorts: "c:o:rw",
  args: "[(-r|-w)] [-c cache] [-o options]",
  oneline: "reopens an image with new options",
  help:
    "\n flushes, closes and opens the image again, as a power cycle does\n\n Example:\n 'reopen -r' - goes on with the image open for reading\n\n" +
    " -r, -- for reading only\n -w, -- for reading and writing\n -c, -- taken and without effect\n -o, -- refused: no option can be changed\n\n",
  needs: "own-session",
  writes: false,
  *run(session, args) {
    const mode = args.value("c");
    const mistake = mode === null ? null : mistakenMode("t", mode);
    const options = args.value("o");
    if (args.words.length > 0) return "usage";
    const complaint =
      mistake ??
      (args.has("r") && args.has("w") ? "Only one -r/-w option may be given" : null) ??
      (options !== null ? `Cannot change the option '${options.split("=")[0]!}'` : null);
    if (complaint !== null) {
      yield qemuIoError(complaint);
      return "failed";
    }
    if (session.disk === null) {
      yield errorOut("no file open, try 'help open'\n");
      return "failed";
    }
    const { file, facts, source } = diskOf(session);
    const readOnly = args.has("r") || (!args.has("w") && (facts?.image.readOnly ?? false));
    const format = facts?.image.format ?? null;
    if (!(yield* closeDisk(session))) return "failed";
    return (yield* openSource(session, { file, ...source, format }, readOnly, file)) ? "ok" : "failed";
  },
};

/** Not a command of the console's: there the attached image stays. */
export const quit: IoCommand = {
  name: "quit",
  alias: "q",
  min: -1,
  max: -1,
  shorts: null,
  args: null,
  oneline: "exit the program",
  help: null,
  needs: "own-session",
  writes: false,
  *run(session) {
    session.finished = true;
    return "ok";
  },
};

export const sleep: IoCommand = {
  name: "sleep",
  alias: null,
  min: 1,
  max: 1,
  shorts: null,
  args: null,
  oneline: "waits for the given value in milliseconds",
  help: null,
  needs: "disk",
  writes: false,
  *run(_, args) {
    const word = args.words[0]!;
    if (!/^\s*\+?(0[xX][0-9a-fA-F]+|\d+)$/.test(word)) {
      yield out(`${word} is not a valid number\n`);
      return "failed";
    }
    yield { step: "sleep", ms: Number(word) };
    return "ok";
  },
};
