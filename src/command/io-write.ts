/**
 * qemu-io's writes: write, writev, aio_write, discard, flush. A write is one call whatever its length, since a zone takes it
 * whole or not at all; the engine makes the bytes of a pattern itself.
 */
import type { Failure } from "../protocol/index.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { besideOthers } from "./io-breaks.ts";
import { diskOf, factsOf, ioNumber, ioPattern, printFailure } from "./io-session.ts";
import type { IoArguments, IoCommand, IoEnd, IoSession } from "./io-session.ts";
import { WRITTEN_BYTE, meanings } from "./io-option-words.ts";
import { SECTOR, ioLength, ioVector, notAligned } from "./io-lengths.ts";
import { bytesOfFile } from "./io-source-file.ts";
import { operationReport } from "./io-report.ts";
import { call, out } from "./program.ts";
import type { Program } from "./program.ts";

/** What qemu-io fills its buffers with when no pattern is given. */
export const DEFAULT_PATTERN = 0xcd;

interface WriteOptions {
  /** The pattern byte, the bytes, or how zeros are written. */
  readonly what: { readonly pattern: number } | { readonly data: Uint8Array } | { readonly unmap: boolean; readonly fallback: boolean };
  /** -c: stored compressed; -b: written behind the disk, where a machine's state is kept. */
  readonly how?: "compressed" | "vm-state";
  /** -f: durable before it is done. */
  readonly forceUnitAccess: boolean;
  readonly quiet: boolean;
  readonly machine: boolean;
  readonly failedAs: string;
}

function* writeAndPrint(session: IoSession, offset: number, length: number, options: WriteOptions): Program<IoEnd> {
  const start = session.now();
  const written = yield* writeOnce(session, offset, length, options);
  const elapsed = session.now() - start;
  if (!written.ok) return yield* printFailure(options.failedAs, written.error);
  if (!options.quiet) yield out(operationReport("wrote", elapsed, offset, length, length, options.machine));
  return "ok";
}

function* writeOnce(session: IoSession, offset: number, length: number, options: WriteOptions): Program<Result<null, Failure>> {
  // Behind the disk the engine itself knows how far is too far.
  const outside = options.how === "vm-state" ? null : yield* unsafeOffset(session, "write", offset, length);
  if (outside !== null) return err(outside);
  const { handle, modes } = diskOf(session);
  const { what, how } = options;
  let outcome: Result<unknown, Failure>;
  if ("unmap" in what) {
    outcome = yield* call("writeZeroes", { handle, offset, length, unmap: what.unmap && modes.unmap, ...(what.fallback ? {} : { fallback: false }) });
  } else {
    const bytes = "data" in what ? { pattern: 0, data: what.data } : { pattern: what.pattern, data: null };
    outcome = yield* call("write", { handle, offset, length, ...bytes, ...(how === "compressed" ? { compressed: true } : how === "vm-state" ? { vmState: true } : {}) });
  }
  if (!outcome.ok) return outcome;
  if (options.forceUnitAccess || modes.writethrough) {
    const flushed = yield* call("flush", { handle });
    if (!flushed.ok) return flushed;
  }
  return ok(null);
}

/** An offset that is no safe integer lies beyond every disk, and never reaches the engine. */
export function* unsafeOffset(
  session: IoSession,
  operation: "write" | "discard" | "open" | "close" | "finish" | "reset" | "append" | "report",
  offset: number,
  length: number,
): Program<Failure | null> {
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(offset + length)) return null;
  const facts = yield* factsOf(session);
  const deviceSize = facts?.image.virtualSize ?? 0;
  return { kind: "zone", code: "out-of-range", operation, zone: null, offset, lengthBytes: length, deviceSize };
}

/** What write refuses before it looks at a number, in qemu-io's order and words; null if all is well. */
function mistakenWrite(args: IoArguments): string | null {
  const zeroes = args.has("z");
  if (args.has("b") && zeroes) return "-b and -z cannot be specified at the same time";
  if (args.has("f") && (args.has("b") || args.has("c"))) return "-f and -b or -c cannot be specified at the same time";
  if (args.has("n") && !zeroes) return "-n requires -z to be specified";
  if (args.has("u") && !zeroes) return "-u requires -z to be specified";
  if (Number(zeroes) + Number(args.has("P")) + Number(args.has("s")) > 1) return "Only one of -z, -P, and -s can be specified at the same time";
  return null;
}

/** The byte that -P names, or the one that is written without it; null where it is none, which has been said. */
function* givenPattern(args: IoArguments): Program<number | null> {
  const word = args.value("P");
  return word === null ? DEFAULT_PATTERN : yield* ioPattern(word);
}

export const write: IoCommand = {
  name: "write",
  alias: "w",
  min: 2,
  max: -1,
  shorts: "bcCfnpP:qrs:uz",
  args: "[-bcCfnqruz] [-P pattern | -s source_file] off len",
  oneline: "writes a number of bytes at a specified offset",
  more: {
    says: "writes bytes, 0xcd each unless another is given",
    example: "write -P 5 512 1k",
    does: "writes 1 KiB of the byte 5 at offset 512",
    options: {
      ...WRITTEN_BYTE,
      s: "write the bytes of a file, over and over",
      b: "write to the machine's state behind the disk",
      ...meanings("z", "u"),
      n: "with -z, no limit of length, and only where no zeros have to be stored",
      ...meanings("f"),
      c: "compressed; to a zone it is an ordinary write",
      ...meanings("C", "q", "p", "r"),
    },
  },
  needs: "disk",
  writes: true,
  *run(session, args) {
    const pattern = yield* givenPattern(args);
    if (pattern === null) return "failed";
    if (args.words.length !== 2) return "usage";
    const mistake = mistakenWrite(args);
    if (mistake !== null) {
      yield out(`${mistake}\n`);
      return "failed";
    }
    const offset = yield* ioNumber(args.words[0]!);
    if (offset === null) return "failed";
    const length = yield* ioLength(args.words[1]!, " without -n", args.has("n"));
    if (length === null) return "failed";
    const mode = unfit(args, offset, length);
    if (mode !== null) {
      yield out(`${mode}\n`);
      return "failed";
    }
    const file = args.value("s");
    const data = file === null ? null : yield* bytesOfFile(file, length);
    if (file !== null && data === null) return "failed";
    return yield* writeAndPrint(session, offset, length, {
      what: args.has("z") ? { unmap: args.has("u"), fallback: !args.has("n") } : data === null ? { pattern } : { data },
      ...(args.has("b") ? { how: "vm-state" } : args.has("c") && !args.has("z") ? { how: "compressed" } : {}),
      forceUnitAccess: args.has("f"),
      quiet: args.has("q"),
      machine: args.has("C"),
      failedAs: "write",
    });
  },
};

/** What does not fit to the way of writing, in qemu-io's words; null if all is well. */
function unfit(args: IoArguments, offset: number, length: number): string | null {
  if (args.has("b") || args.has("c")) {
    if (offset % SECTOR !== 0) return notAligned(offset, "offset");
    if (length % SECTOR !== 0) return notAligned(length, "count");
  }
  return args.has("z") && args.has("r") ? "cannot combine zero write with registered I/O buffer" : null;
}

export const writev: IoCommand = {
  name: "writev",
  alias: null,
  min: 2,
  max: -1,
  shorts: "CfqP:r",
  args: "[-Cfqr] [-P pattern] off len [len..]",
  oneline: "writes a number of bytes at a specified offset",
  more: {
    says: "writes the sum of the lengths as one write",
    example: "writev 512 1k 1k",
    does: "writes 2 KiB at offset 512",
    options: { ...WRITTEN_BYTE, ...meanings("C", "f", "q", "r") },
  },
  needs: "disk",
  writes: true,
  *run(session, args) {
    const pattern = yield* givenPattern(args);
    if (pattern === null) return "failed";
    if (args.words.length < 2) return "usage";
    const offset = yield* ioNumber(args.words[0]!);
    if (offset === null) return "failed";
    const vector = yield* ioVector(args.words.slice(1));
    if (vector === null) return "failed";
    return yield* writeAndPrint(session, offset, vector.total, {
      what: { pattern },
      forceUnitAccess: args.has("f"),
      quiet: args.has("q"),
      machine: args.has("C"),
      failedAs: "writev",
    });
  },
};

export const aioWrite: IoCommand = {
  name: "aio_write",
  alias: null,
  min: 2,
  max: -1,
  shorts: "CfiP:qruz",
  args: "[-Cfiqruz] [-P pattern] off len [len..]",
  oneline: "asynchronously writes a number of bytes",
  more: {
    says: "writes the sum of the lengths as one write; it is done when the command returns, and its failure is printed but is none of the session",
    example: "aio_write 512 1k 1k",
    does: "writes 2 KiB at offset 512",
    options: { ...WRITTEN_BYTE, ...meanings("C", "f", "i", "q", "u", "z", "r") },
  },
  needs: "disk",
  writes: true,
  *run(session, args) {
    const pattern = yield* givenPattern(args);
    if (pattern === null) return "failed";
    if (args.has("i")) {
      yield out("injecting invalid write request\n");
      return "ok";
    }
    if (args.words.length < 2) return "usage";
    const zeroes = args.has("z");
    const mistake = mistakenAioWrite(args);
    if (mistake !== null) {
      yield out(`${mistake}\n`);
      return "failed";
    }
    const offset = yield* ioNumber(args.words[0]!);
    if (offset === null) return "failed";
    let length: number;
    if (zeroes) {
      const number = yield* ioNumber(args.words[1]!);
      if (number === null) return "failed";
      length = number;
    } else {
      const vector = yield* ioVector(args.words.slice(1));
      if (vector === null) return "failed";
      length = vector.total;
    }
    const end = yield* besideOthers(session, !zeroes, offset, length, () =>
      writeAndPrint(session, offset, length, {
        what: zeroes ? { unmap: args.has("u"), fallback: true } : { pattern },
        forceUnitAccess: args.has("f"),
        quiet: args.has("q"),
        machine: args.has("C"),
        failedAs: "aio_write",
      }),
    );
    return end === "failed" ? "ok" : end;
  },
};

/** What aio_write refuses before it looks at a number, in qemu-io's order and words; null if all is well. */
function mistakenAioWrite(args: IoArguments): string | null {
  const zeroes = args.has("z");
  if (zeroes && args.words.length !== 2) return "-z supports only a single length parameter";
  if (args.has("u") && !zeroes) return "-u requires -z to be specified";
  if (zeroes && args.has("P")) return "-z and -P cannot be specified at the same time";
  return zeroes && args.has("r") ? "cannot combine zero write with registered I/O buffer" : null;
}

export const discard: IoCommand = {
  name: "discard",
  alias: "d",
  min: 2,
  max: -1,
  shorts: "Cq",
  args: "[-Cq] off len",
  oneline: "discards a number of bytes at a specified offset",
  more: {
    says: "gives the space of a range back; it reads as zeros then",
    example: "discard 512 1k",
    does: "discards 1 KiB from offset 512",
    options: meanings("C", "q"),
  },
  needs: "disk",
  writes: true,
  *run(session, args) {
    return yield* discardGiven(session, args, "discard", (word) => ioLength(word, "", false));
  },
};

export const aioDiscard: IoCommand = {
  name: "aio_discard",
  alias: null,
  min: 2,
  max: -1,
  shorts: "Cq",
  args: "[-Cq] off len",
  oneline: "asynchronously discards a number of bytes",
  more: {
    says: "gives the space of a range back; it is done when the command returns, and its failure is printed but is none of the session",
    example: "aio_discard 512 1k",
    does: "discards 1 KiB from offset 512",
    options: meanings("C", "q"),
  },
  needs: "disk",
  writes: true,
  *run(session, args) {
    return yield* discardGiven(session, args, "aio_discard", ioNumber);
  },
};

/** The range that the arguments name; a failure behind them is none of the session where the command only begins the work. @param lengthOf reads the length */
function* discardGiven(session: IoSession, args: IoArguments, name: "discard" | "aio_discard", lengthOf: (word: string) => Program<number | null>): Program<IoEnd> {
  if (args.words.length !== 2) return "usage";
  const offset = yield* ioNumber(args.words[0]!);
  if (offset === null) return "failed";
  const length = yield* lengthOf(args.words[1]!);
  if (length === null) return "failed";
  const discarding = (): Program<IoEnd> => discardAndPrint(session, args, offset, length, name);
  if (name === "discard") return yield* discarding();
  yield* besideOthers(session, false, offset, length, discarding);
  return "ok";
}

function* discardAndPrint(session: IoSession, args: IoArguments, offset: number, length: number, name: "discard" | "aio_discard"): Program<IoEnd> {
  const outside = yield* unsafeOffset(session, "discard", offset, length);
  if (outside !== null) return yield* printFailure(name, outside);
  const start = session.now();
  const { handle, modes } = diskOf(session);
  const outcome = modes.unmap ? yield* call("discard", { handle, offset, length }) : yield* ignored(session, offset, length);
  const elapsed = session.now() - start;
  if (!outcome.ok) return yield* printFailure(name, outcome.error);
  // The space at the end of the second is QEMU's.
  const done = name === "discard" ? "discard" : "discarded ";
  if (!args.has("q")) yield out(operationReport(done, elapsed, offset, length, length, args.has("C")));
  return "ok";
}

/** A discard that the image was opened to ignore: only what lies outside the disk is told. */
function* ignored(session: IoSession, offset: number, length: number): Program<Result<unknown, Failure>> {
  const facts = yield* factsOf(session);
  const deviceSize = facts?.image.virtualSize ?? 0;
  if (offset + length <= deviceSize) return ok(null);
  return err({ kind: "zone", code: "out-of-range", operation: "discard", zone: null, offset, lengthBytes: length, deviceSize });
}

/** flush and aio_flush; nothing is ever outstanding, so that the latter has only its part of the work to do: none. */
export const flush: IoCommand = {
  name: "flush",
  alias: "f",
  min: 0,
  max: 0,
  shorts: null,
  args: null,
  oneline: "flush all in-core file state to disk",
  more: null,
  needs: "disk",
  writes: false,
  *run(session) {
    const outcome = yield* call("flush", { handle: diskOf(session).handle });
    return outcome.ok ? "ok" : yield* printFailure("flush", outcome.error);
  },
};

export const aioFlush: IoCommand = {
  name: "aio_flush",
  alias: null,
  min: 0,
  max: 0,
  shorts: null,
  args: null,
  oneline: "completes all outstanding aio requests",
  more: null,
  needs: "disk",
  writes: false,
  *run() {
    return "ok";
  },
};
