/**
 * qemu-io's reads: read, readv, aio_read. A long read is made of calls of a bounded length, so that memory stays bounded; what is
 * printed is that of one read.
 *
 * There is no asynchronous I/O here: aio_read is done when it returns, prints at once and, as in qemu-io, never fails a session.
 */
import type { Failure } from "../protocol/index.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { diskOf, factsOf, ioNumber, ioPattern, printFailure } from "./io-session.ts";
import type { IoArguments, IoCommand, IoEnd, IoSession } from "./io-session.ts";
import { copyOnRead } from "./io-copy-on-read.ts";
import { VERIFIED_BYTE, meanings } from "./io-option-words.ts";
import { SECTOR, ioLength, ioVector, notAligned } from "./io-lengths.ts";
import { dump, operationReport } from "./io-report.ts";
import { call, out } from "./program.ts";
import type { Program } from "./program.ts";

/** The most bytes that one call reads. */
const READ_CALL = 16 * 2 ** 20;
/** The most bytes whose dump is one piece of output. */
const DUMP_PIECE = 2 ** 20;

/** [start, end) of the read that a pattern is looked for in, relative to the read's start. */
interface PatternRange {
  readonly pattern: number;
  readonly start: number;
  readonly end: number;
}

interface ReadOptions {
  readonly quiet: boolean;
  readonly machine: boolean;
  readonly verbose: boolean;
  readonly pattern: PatternRange | null;
  /** What a failure is called: "read" or "readv". */
  readonly failedAs: string;
  /** -b: read behind the disk, where a machine's state is kept. */
  readonly vmState?: boolean;
}

/** Reads and prints all that qemu-io prints of a read. */
function* readAndPrint(session: IoSession, offset: number, length: number, options: ReadOptions): Program<IoEnd> {
  const start = session.now();
  const wantData = options.verbose && !options.quiet;
  const vmState = options.vmState === true;
  const read = yield* readAll(session, { offset, length, vmState }, options.pattern, wantData);
  const elapsed = session.now() - start;
  if (!read.ok) return yield* printFailure(options.failedAs, read.error);
  if (diskOf(session).modes.copyOnRead && !vmState) {
    const copied = yield* copyOnRead(session, offset, length);
    if (!copied.ok) return yield* printFailure(options.failedAs, copied.error);
  }
  const { mismatch, data } = read.value;
  if (mismatch && options.pattern !== null) {
    const { start: from, end } = options.pattern;
    yield out(`Pattern verification failed at offset ${offset + from}, ${end - from} bytes\n`);
  }
  if (options.quiet) return mismatch ? "failed" : "ok";
  if (wantData) {
    const dumped = yield* printDump(session, { offset, length, vmState }, data);
    if (!dumped.ok) return yield* printFailure(options.failedAs, dumped.error);
  }
  yield out(operationReport("read", elapsed, offset, length, length, options.machine));
  return mismatch ? "failed" : "ok";
}

/** What is read: bytes of the disk, or of the machine's state behind it. */
interface Span {
  readonly offset: number;
  readonly length: number;
  readonly vmState: boolean;
}

/** Of a call for a part of the span. */
const partOf = ({ offset, vmState }: Span, start: number, end: number): { offset: number; length: number; vmState?: true } => ({ offset: offset + start, length: end - start, ...(vmState ? { vmState } : {}) });

/** Reads a span in calls of bounded length; keeps the data only where one call is enough for all of it. */
function* readAll(
  session: IoSession,
  span: Span,
  pattern: PatternRange | null,
  wantData: boolean,
): Program<Result<{ mismatch: boolean; data: Uint8Array | null }, Failure>> {
  const { handle } = diskOf(session);
  const { length } = span;
  const outside = yield* beyondDisk(session, span);
  if (outside !== null) return err(outside);
  const whole = pattern === null || (pattern.start === 0 && pattern.end === length);
  if (length <= READ_CALL && whole) {
    const outcome = yield* call("read", { handle, ...partOf(span, 0, length), pattern: pattern?.pattern ?? null, wantData });
    if (!outcome.ok) return outcome;
    return ok({ mismatch: outcome.value.mismatchOffset !== null, data: outcome.value.data });
  }
  let mismatch = false;
  let at = 0;
  while (at < length) {
    let end = Math.min(at + READ_CALL, length);
    let compare: number | null = null;
    if (pattern !== null && at < pattern.end) {
      if (at < pattern.start) end = Math.min(end, pattern.start);
      else {
        end = Math.min(end, pattern.end);
        compare = pattern.pattern;
      }
    }
    const outcome = yield* call("read", { handle, ...partOf(span, at, end), pattern: compare, wantData: false });
    if (!outcome.ok) return outcome;
    if (outcome.value.mismatchOffset !== null) mismatch = true;
    at = end;
  }
  return ok({ mismatch, data: null });
}

/** A read of several calls that leaves the disk must fail as one, before the first of them. */
function* beyondDisk(session: IoSession, { offset, length, vmState }: Span): Program<Failure | null> {
  if (vmState) return null;
  if (length <= READ_CALL && Number.isSafeInteger(offset)) return null;
  const facts = yield* factsOf(session);
  if (facts === null) return null;
  const deviceSize = facts.image.virtualSize;
  if (offset + length <= deviceSize) return null;
  return { kind: "zone", code: "out-of-range", operation: "read", zone: null, offset, lengthBytes: length, deviceSize };
}

/** Dumps what was read: `data` if it was kept, else read again piece by piece. */
function* printDump(session: IoSession, span: Span, data: Uint8Array | null): Program<Result<null, Failure>> {
  const { handle } = diskOf(session);
  const { offset, length } = span;
  for (let at = 0; at < length; at += DUMP_PIECE) {
    const end = Math.min(at + DUMP_PIECE, length);
    let piece = data?.subarray(at, end);
    if (piece === undefined) {
      const outcome = yield* call("read", { handle, ...partOf(span, at, end), pattern: null, wantData: true });
      if (!outcome.ok) return outcome;
      piece = outcome.value.data ?? new Uint8Array(end - at);
    }
    yield out(dump(piece, offset + at));
  }
  return ok(null);
}

const SHOWN = { v: "show the bytes" };

export const read: IoCommand = {
  name: "read",
  alias: "r",
  min: 2,
  max: -1,
  shorts: "bCl:pP:qrs:v",
  args: "[-abCqrv] [-P pattern [-s off] [-l len]] off len",
  oneline: "reads a number of bytes at a specified offset",
  more: {
    says: "reads bytes of the disk and, if asked, shows or verifies them",
    example: "read -v 512 1k",
    does: "shows 1 KiB from offset 512",
    options: {
      ...meanings("C"),
      l: "length of the range that -P verifies",
      ...VERIFIED_BYTE,
      ...meanings("q"),
      s: "start of the range that -P verifies, from off",
      ...SHOWN,
      ...meanings("p", "r"),
      b: "read the machine's state behind the disk",
    },
  },
  needs: "disk",
  writes: false,
  *run(session, args) {
    let start = 0;
    let count: number | null = null;
    const startWord = args.value("s");
    const countWord = args.value("l");
    const patternWord = args.value("P");
    if (countWord !== null && (count = yield* ioNumber(countWord)) === null) return "failed";
    const pattern = patternWord === null ? null : yield* ioPattern(patternWord);
    if (patternWord !== null && pattern === null) return "failed";
    if (startWord !== null) {
      const parsed = yield* ioNumber(startWord);
      if (parsed === null) return "failed";
      start = parsed;
    }
    if (args.words.length !== 2) return "usage";
    const offset = yield* ioNumber(args.words[0]!);
    if (offset === null) return "failed";
    const length = yield* ioLength(args.words[1]!, "", false);
    if (length === null) return "failed";
    if (pattern === null && (startWord !== null || countWord !== null)) return "usage";
    if (start + (count ?? 0) > length || start > length) {
      yield out("pattern verification range exceeds end of read data\n");
      return "failed";
    }
    if (args.has("b")) {
      const mistake = mistakenVmState(args, offset, length);
      if (mistake !== null) {
        yield out(`${mistake}\n`);
        return "failed";
      }
    }
    const end = count === null ? length : start + count;
    return yield* readAndPrint(session, offset, length, {
      vmState: args.has("b"),
      quiet: args.has("q"),
      machine: args.has("C"),
      verbose: args.has("v"),
      pattern: pattern === null ? null : { pattern, start, end },
      failedAs: "read",
    });
  },
};

/** What read -b refuses, in qemu-io's words; null if all is well. */
function mistakenVmState(args: IoArguments, offset: number, length: number): string | null {
  if (offset % SECTOR !== 0) return notAligned(offset, "offset");
  if (length % SECTOR !== 0) return notAligned(length, "count");
  return args.has("r") ? "I/O buffer registration is not supported when reading from vmstate" : null;
}

/** readv and aio_read: a vector of lengths, read as one. */
function* readVector(session: IoSession, args: Parameters<IoCommand["run"]>[1]): Program<IoEnd | "done"> {
  const patternWord = args.value("P");
  const pattern = patternWord === null ? null : yield* ioPattern(patternWord);
  if (patternWord !== null && pattern === null) return "failed";
  if (args.words.length < 2) return "usage";
  const offset = yield* ioNumber(args.words[0]!);
  if (offset === null) return "failed";
  const vector = yield* ioVector(args.words.slice(1));
  if (vector === null) return "failed";
  const end = yield* readAndPrint(session, offset, vector.total, {
    quiet: args.has("q"),
    machine: args.has("C"),
    verbose: args.has("v"),
    pattern: pattern === null ? null : { pattern, start: 0, end: vector.total },
    failedAs: "readv",
  });
  return end === "ok" ? "ok" : "done";
}

const VECTOR_OPTIONS = { ...meanings("C"), ...VERIFIED_BYTE, ...meanings("q"), ...SHOWN };

export const readv: IoCommand = {
  name: "readv",
  alias: null,
  min: 2,
  max: -1,
  shorts: "CP:qrv",
  args: "[-Cqrv] [-P pattern] off len [len..]",
  oneline: "reads a number of bytes at a specified offset",
  more: {
    says: "reads the sum of the lengths as one read",
    example: "readv -v 512 1k 1k",
    does: "shows 2 KiB from offset 512",
    options: { ...VECTOR_OPTIONS, ...meanings("r") },
  },
  needs: "disk",
  writes: false,
  *run(session, args) {
    const end = yield* readVector(session, args);
    return end === "done" ? "failed" : end;
  },
};

export const aioRead: IoCommand = {
  name: "aio_read",
  alias: null,
  min: 2,
  max: -1,
  shorts: "CP:iqrv",
  args: "[-Ciqrv] [-P pattern] off len [len..]",
  oneline: "asynchronously reads a number of bytes",
  more: {
    says: "reads the sum of the lengths as one read; it is done when the command returns, and its failure is printed but is none of the session",
    example: "aio_read -v 512 1k 1k",
    does: "shows 2 KiB from offset 512",
    options: { ...VECTOR_OPTIONS, ...meanings("i", "r") },
  },
  needs: "disk",
  writes: false,
  *run(session, args) {
    if (args.has("i")) {
      yield out("injecting invalid read request\n");
      return "ok";
    }
    const end = yield* readVector(session, args);
    return end === "done" ? "ok" : end;
  },
};
