/** qemu-io's own images: opening, closing and reopening them, from its command line and from its commands. */
import { errorOut, call } from "./program.ts";
import type { Program, Step } from "./program.ts";
import { findingLines } from "./check-lines.ts";
import { probedRawWarning } from "./explain-chain.ts";
import { explained, hasMoreToSay, openFailureWords } from "./explain.ts";
import { SHARED_BY_FORCE, sourceToOpen } from "./image-source.ts";
import type { ImageWords } from "./image-source.ts";
import { resumeAll } from "./io-breaks.ts";
import { USUAL_MODES, withMode } from "./io-modes.ts";
import type { IoModes } from "./io-modes.ts";
import { splitOptionList } from "./option-list.ts";
import { isUnguarded, printFailure } from "./io-session.ts";
import type { IoArguments, IoCommand, IoSession } from "./io-session.ts";
import type { ImageSource } from "../protocol/index.ts";
import { DEBUG_PREFIX } from "../protocol/source-names.ts";

export interface OpenRequest extends ImageWords {
  readonly readOnly: boolean;
  readonly modes: IoModes;
}

/** QEMU's complaint about an option that chooses a mode; null if all is well. */
export function mistakenMode(flag: string, value: string): string | null {
  const modes = withMode(USUAL_MODES, { flag, value });
  return typeof modes === "string" ? modes : null;
}

export const qemuIoError = (text: string): Step => errorOut(`qemu-io: ${text}\n`);

/** Opens an image into the session; what goes wrong is printed as qemu-io does. */
export function* openInto(session: IoSession, request: OpenRequest): Program<boolean> {
  const named = sourceToOpen(request, !request.readOnly);
  if (named.ok) {
    return yield* openSource(session, named.value.source, { readOnly: request.readOnly, modes: request.modes, word: request.word, nodes: nodesOf(request.options), breaks: isDebugged(request) });
  }
  yield session.disk === null ? cannotOpen(request.word, named.error) : openAlready();
  return false;
}

/** Whether words put a node blkdebug under the image or over it, where requests can be stopped. */
const isDebugged = ({ word, options }: ImageWords): boolean => word?.startsWith(DEBUG_PREFIX) === true || [...nodesOf(options).values()].includes("blkdebug");

function nodesOf(options: string | null): ReadonlyMap<string, string> {
  const pairs = options === null ? null : splitOptionList(options);
  if (pairs?.ok !== true) return new Map();
  return new Map(pairs.value.filter(({ key }) => /(^|\.)(node-name|driver)$/.test(key)).map(({ key, value }) => [key, value]));
}

const openAlready = (): Step => qemuIoError("file open already, try 'help close'");
const cannotOpen = (word: string | null, why: string): Step => qemuIoError(`can't open${word === null ? "" : ` device ${word}`}: ${why}`);

export interface SourceRequest {
  readonly readOnly: boolean;
  readonly modes: IoModes;
  /** What named the image, for a failure; null where options did. */
  readonly word: string | null;
  /** Names and drivers that options gave to its nodes, by the option. */
  readonly nodes?: ReadonlyMap<string, string> | undefined;
  /** Whether requests can be stopped. */
  readonly breaks?: boolean;
}

/** Opens a source into the session; what goes wrong is printed as qemu-io does. */
export function* openSource(session: IoSession, source: ImageSource, { readOnly, modes, word, nodes, breaks }: SourceRequest): Program<boolean> {
  if (session.disk !== null) {
    yield openAlready();
    return false;
  }
  const copyOnRead = modes.copyOnRead || source.copiesOnRead === true;
  if (modes.copyOnRead && readOnly) {
    yield cannotOpen(word, "Can't use copy-on-read on read-only device");
    return false;
  }
  const { file } = source;
  const wish = modes.temporary ? { temporary: true } : readOnly ? {} : { mend: true };
  const outcome = yield* call("open", { ...source, readOnly, ...wish });
  if (!outcome.ok) {
    yield cannotOpen(word, openFailureWords(file, outcome.error));
    if (hasMoreToSay(outcome.error)) yield explained(outcome.error);
    return false;
  }
  const { handle, facts, mended } = outcome.value;
  if (mended !== undefined) yield errorOut(findingLines(mended.findings, mended.told));
  session.disk = { handle, file, facts, source, modes: { ...modes, copyOnRead }, ...(nodes === undefined ? {} : { nodes }), ...(breaks === true ? { breaks: { set: [], held: [] } } : {}) };
  if (source.format === null && facts.image.format === "raw" && !facts.image.readOnly) yield errorOut(probedRawWarning(file));
  if (!readOnly && facts.image.readOnly && facts.image.readOnlyReason !== null) {
    yield errorOut(`qemu-io: ${file} is open for reading only: ${facts.image.readOnlyReason}\n`);
  }
  return true;
}

/** Closes the session's image; true if there was none. A flush that fails is told. */
export function* closeDisk(session: IoSession): Program<boolean> {
  const disk = session.disk;
  if (disk === null) return true;
  yield* resumeAll(disk);
  session.disk = null;
  const outcome = yield* call("close", { handle: disk.handle });
  if (outcome.ok) return true;
  // The write that was refused has told it.
  if (isUnguarded(outcome.error)) return false;
  // An image that was marked corrupt is not written any more, and says why.
  if (outcome.error.kind === "image") {
    yield explained(outcome.error);
    return false;
  }
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
  more: {
    says: "opens an image for the commands that follow",
    example: "open -r -o driver=qcow2 test.qcow2",
    does: "opens an image for reading",
    options: {
      r: "for reading only",
      s: "writes go to a place that is gone when the image is closed",
      C: "keep in the image what is read from its backing file",
      o: "options, as driver=qcow2|raw, file.filename=path, backing.file.filename=path",
      t: "cache mode: writethrough and directsync make every write durable",
      d: "discard mode: with ignore and off, discards do nothing",
      n: "taken and without effect",
      k: "taken and without effect",
      U: "without effect, and refused without -r",
      i: "taken and without effect",
    },
  },
  needs: "own-session",
  writes: false,
  *run(session, args) {
    let modes = USUAL_MODES;
    for (const option of args.given.options) {
      const next = withMode(modes, option);
      if (typeof next === "string") {
        yield qemuIoError(next);
        return "failed";
      }
      modes = next;
    }
    if (args.words.length > 1) return "usage";
    const request = { word: args.words[0] ?? null, format: null, options: allOptions(args), readOnly: args.has("r"), modes };
    if (args.has("U") && !request.readOnly) {
      yield cannotOpen(request.word, SHARED_BY_FORCE);
      return "failed";
    }
    if (request.word === null && request.options === null) {
      yield cannotOpen(null, `A block device must be specified for "file"`);
      return "failed";
    }
    return (yield* openInto(session, request)) ? "ok" : "failed";
  },
};

/** Every -o of a command as one list; null if there is none. */
export function allOptions(args: IoArguments): string | null {
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
  more: null,
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

/** Not a command of the console's: there the attached image stays. */
export const quit: IoCommand = {
  name: "quit",
  alias: "q",
  min: -1,
  max: -1,
  shorts: null,
  args: null,
  oneline: "exit the program",
  more: null,
  needs: "own-session",
  writes: false,
  *run(session) {
    session.finished = true;
    return "ok";
  },
};
